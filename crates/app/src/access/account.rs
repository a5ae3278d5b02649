//! The account that a snapshot is of.

use anyhow::Result;
use bartizan_cloud::dump::NOT_IN_DUMP;
use bartizan_iam::{Account, AccountBuilder, Actions, Organization, UnreadFact};
use bartizan_inventory::fact::{absent_code, unescape};
use bartizan_inventory::snapshot::{CallStatus, Coverage, Snapshot};

use super::organization::controls_from_within;
use crate::store::Loaded;

/// The account of a snapshot, with what of it was not read.
pub(crate) fn account<'a>(
    loaded: &Loaded,
    organizations: &[Organization],
    actions: &'a Actions,
) -> Result<Account<'a>> {
    let snapshot =
        Snapshot::parse(&loaded.text).map_err(|e| anyhow::anyhow!("{}: {e}", loaded.name))?;
    let mut builder = AccountBuilder::of_snapshot(&snapshot.header.account, actions);
    // What was read from a folder says nothing of when.
    let time = match snapshot.header.time_ms.1 {
        0 => jiff::Timestamp::now().as_millisecond(),
        time => time,
    };
    builder.time(time as f64 / 1000.0);
    read_coverage(&mut builder, &snapshot.header.coverage);
    read_facts(&mut builder, &snapshot, loaded);
    let bound = organizations
        .iter()
        .any(|o| o.bind(&snapshot.header.account, &mut builder));
    if !bound {
        builder.controls(controls_from_within(&snapshot, loaded));
    }
    Ok(builder.build())
}

/// Adds which kinds were read where, and what of them was not.
fn read_coverage(builder: &mut AccountBuilder<'_>, rows: &[Coverage]) {
    for row in rows {
        if row.is_region_off() {
            builder.region_off(&row.region);
            continue;
        }
        let whole = row.status == CallStatus::Ok || row.nothing_is_there();
        let (call, why) = cause(rows, row);
        for kind in &row.kinds {
            if whole || !row.unread.is_empty() {
                builder.read(kind, &row.region);
            }
            let ids: &[String] = if row.unread.is_empty() {
                &[String::new()]
            } else {
                &row.unread
            };
            for id in ids.iter().filter(|_| !whole) {
                let (kind, region, id, call, why) = (
                    kind.clone(),
                    row.region.clone(),
                    id.clone(),
                    call.clone(),
                    why.clone(),
                );
                builder.unread(UnreadFact {
                    kind,
                    region,
                    id,
                    call,
                    why,
                });
            }
        }
    }
}

/// Adds the facts that have a say in access.
fn read_facts(builder: &mut AccountBuilder<'_>, snapshot: &Snapshot<'_>, loaded: &Loaded) {
    for fact in snapshot.facts.iter().filter(|f| wanted(f.kind)) {
        let id = unescape(fact.id);
        let Some(document) = (loaded.documents)(&fact.raw) else {
            builder.unknown(format!("{} {id}: its document is not there", fact.kind));
            let (kind, region, id) = (
                fact.kind.to_owned(),
                fact.region.to_owned(),
                id.into_owned(),
            );
            builder.unread(UnreadFact {
                kind,
                region,
                id,
                call: String::new(),
                why: "its document is not in the store".to_owned(),
            });
            continue;
        };
        if absent_code(&document).is_none() {
            builder.fact(
                fact.kind,
                fact.region,
                &id,
                &String::from_utf8_lossy(&document),
            );
        } else {
            builder.absent(fact.kind, &id);
        }
    }
}

/// The call that failed first, and how: a call that was never made says which one it waited for.
fn cause(rows: &[Coverage], row: &Coverage) -> (String, String) {
    let mut row = row;
    // Calls follow each other two or three deep.
    for _ in 0..8 {
        let service = row.call.split(':').next().unwrap_or_default();
        let Some((name, _)) = row
            .detail
            .rsplit_once(' ')
            .filter(|_| row.status == CallStatus::NotCalled)
        else {
            break;
        };
        let parent = format!("{service}:{name}");
        match rows
            .iter()
            .find(|r| r.region == row.region && r.call == parent)
        {
            Some(found) => row = found,
            None => break,
        }
    }
    let why = match row.status {
        CallStatus::Cut if row.detail == NOT_IN_DUMP => NOT_IN_DUMP.to_owned(),
        CallStatus::Cut if !row.detail.is_empty() => format!("cut: {}", row.detail),
        status => status.to_string(),
    };
    (row.call.clone(), why)
}

/// Kinds of facts that have a say in access: reading the documents of all others would take long.
pub(crate) fn wanted(kind: &str) -> bool {
    let named = [
        "iam:",
        "s3:bucket",
        "s3:account",
        "s3:accesspoint",
        "ec2:instance",
        "ec2:launchtemplateversion",
        "ec2:snapshotpermission",
        "ec2:imagepermission",
        "ec2:snapshotblockpublicaccess",
        "ec2:vpcpeeringconnection",
        "events:target",
        "lambda:",
        "logs:subscriptionfilter",
        "ram:principal",
        "ram:resource",
        "rds:dbclustersnapshotattributes",
        "rds:dbsnapshotattributes",
        "sns:subscription",
        "kms:grant",
        "organizations:account",
        "organizations:organization",
    ];
    named.iter().any(|prefix| kind.starts_with(prefix)) || kind.ends_with("policy")
}
