//! `bartizan flat`.

use std::collections::HashMap;

use anyhow::Result;
use bartizan_cloud::collect::GLOBAL;
use bartizan_inventory::fact::{FactKinds, Hash, absent_code, unescape};
use bartizan_inventory::snapshot::Snapshot;
use serde_json::{Value, json};

use crate::cli::{FlatArgs, Format, Global};
use crate::named_snapshots::named;
use crate::outcome::Outcome;
use crate::render::Out;
use crate::store::Loaded;

pub(super) fn run(global: &Global, args: &FlatArgs) -> Result<Outcome> {
    let mut out = Out::new();
    for loaded in named(global, args.snapshot.as_deref())? {
        let snapshot =
            Snapshot::parse(&loaded.text).map_err(|e| anyhow::anyhow!("{}: {e}", loaded.name))?;
        if args.talk {
            talk(&loaded, &snapshot)
                .iter()
                .try_for_each(|line| out.line(line))?;
        } else if global.format == Format::Human {
            out.raw(&loaded.text)?;
        } else {
            let fact = |f: &bartizan_inventory::fact::FactLine<'_>| {
                json!({
                    "kind": f.kind,
                    "account": f.account,
                    "region": f.region,
                    "id": unescape(f.id),
                    "canonical_sha256": f.canonical.to_string(),
                    "raw_sha256": f.raw.to_string(),
                })
            };
            out.json(global.format, snapshot.facts.iter().map(fact).collect())?;
        }
    }
    Ok(Outcome::Done)
}

/// The lines of the 2013 script, section by section, each section sorted: `header, name, detail,
/// data`.
///
/// Its faults are not kept: a role's trust line carries the hash of that role's trust policy.
fn talk(loaded: &Loaded, snapshot: &Snapshot<'_>) -> Vec<String> {
    const SECTIONS: [&[&str]; 8] = [
        &["iam:accountsummary"],
        &["iam:userpolicy", "iam:accesskey", "iam:useringroup"],
        &["iam:grouppolicy"],
        &["iam:assumerolepolicy", "iam:rolepolicy"],
        &["s3:bucketpolicy"],
        &["sqs:queuepolicy"],
        &["sns:topicpolicy"],
        &["ec2:security_group"],
    ];
    let mut cache: HashMap<Hash, Option<Vec<u8>>> = HashMap::new();
    let mut lines = Vec::new();
    for kinds in SECTIONS {
        let mut section = Vec::new();
        for fact in snapshot.facts.iter().filter(|f| kinds.contains(&f.kind)) {
            let document = cache
                .entry(fact.raw)
                .or_insert_with(|| (loaded.documents)(&fact.raw))
                .clone()
                .unwrap_or_default();
            let id = unescape(fact.id).into_owned();
            section.extend(talk_lines(
                fact.kind,
                &id,
                &document,
                &fact.raw.to_string(),
                snapshot,
            ));
        }
        section.sort();
        lines.extend(section);
    }
    lines
}

fn talk_lines(
    kind: &str,
    id: &str,
    document: &[u8],
    raw: &str,
    snapshot: &Snapshot<'_>,
) -> Vec<String> {
    let value: Value = serde_json::from_slice(document).unwrap_or(Value::Null);
    let (owner, detail) = id.split_once('/').unwrap_or((id, ""));
    // The 2013 script knew no "gone": it printed AWS's error code in the place of the hash.
    let data = absent_code(document).unwrap_or_else(|| raw.to_owned());
    match kind {
        "iam:accountsummary" => vec![format!(
            "{kind}, AccountMFAEnabled, , {}",
            value["AccountMFAEnabled"]
        )],
        "iam:accesskey" => vec![format!(
            "{kind}, {owner}, {}, {detail}",
            value["Status"].as_str().unwrap_or("?")
        )],
        "iam:useringroup" => vec![format!("{kind}, {owner}, , {detail}")],
        "iam:assumerolepolicy" => {
            let arn = FactKinds::shared().arn(kind, &snapshot.header.account, GLOBAL, id);
            vec![format!("{kind}, {id}, {}, {data}", arn.unwrap_or_default())]
        }
        "s3:bucketpolicy" | "sqs:queuepolicy" | "sns:topicpolicy" => {
            vec![format!("{kind}, {id}, , {data}")]
        }
        "ec2:security_group" => security_group(&value),
        _ => vec![format!("{kind}, {owner}, {detail}, {data}")],
    }
}

/// One line a grant: `IPPermissions:tcp(22-22), 0.0.0.0/0`.
fn security_group(group: &Value) -> Vec<String> {
    let text = |v: &Value| {
        v.as_str().map_or_else(
            || {
                if v.is_null() {
                    "None".to_owned()
                } else {
                    v.to_string()
                }
            },
            str::to_owned,
        )
    };
    let mut lines = Vec::new();
    for permission in group["IpPermissions"].as_array().into_iter().flatten() {
        let rule = format!(
            "IPPermissions:{}({}-{})",
            text(&permission["IpProtocol"]),
            text(&permission["FromPort"]),
            text(&permission["ToPort"])
        );
        let ranges = permission["IpRanges"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|r| text(&r["CidrIp"]));
        let groups = permission["UserIdGroupPairs"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|p| {
                let name = p["GroupName"]
                    .as_str()
                    .or(p["GroupId"].as_str())
                    .unwrap_or("?");
                format!("{name}-{}", text(&p["UserId"]))
            });
        for grant in ranges.chain(groups) {
            lines.push(format!(
                "ec2:security_group, {}, {rule}, {grant}",
                text(&group["GroupName"])
            ));
        }
    }
    lines
}
