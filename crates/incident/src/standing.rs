//! Changes that still stand.

use std::collections::BTreeMap;

use super::incident::PersistentChange;
use crate::attribution::{ChangeFindings, GrantedAccess};
use bartizan_inventory::diff::{Change, ChangeVerdict};
use bartizan_inventory::fact::{FactKinds, unescape};
use bartizan_inventory::snapshot::Snapshot;

/// The findings whose change still stands in the latest snapshot of the account, by id.
#[must_use]
pub fn standing(
    changes: &[Change],
    told: &ChangeFindings,
    latest: &Snapshot<'_>,
) -> BTreeMap<String, PersistentChange> {
    let now: BTreeMap<(&str, &str, String), String> = latest
        .facts
        .iter()
        .map(|f| {
            (
                (f.kind, f.region, unescape(f.id).into_owned()),
                f.canonical.to_string(),
            )
        })
        .collect();
    let mut found = BTreeMap::new();
    for finding in &told.findings {
        let Some(change) = told.changes.get(&finding.id).map(|n| &changes[*n]) else {
            continue;
        };
        if change.account != latest.header.account {
            continue;
        }
        let is = now.get(&(
            change.kind.as_str(),
            change.region.as_str(),
            change.id.clone(),
        ));
        let stands = match (change.verdict, &change.after) {
            (ChangeVerdict::Removed, _) => {
                is.is_none()
                    && latest
                        .open_about(&change.kind, &change.region, &change.id)
                        .is_none()
            }
            (_, Some(after)) => is == Some(&after.canonical_sha256),
            _ => false,
        };
        if stands {
            let gives = told
                .gives
                .get(&finding.id)
                .map(Vec::as_slice)
                .unwrap_or_default();
            let open = gives.iter().find_map(|g| match g {
                GrantedAccess::OpenTo(who) => Some(who.as_str()),
                GrantedAccess::Administrator => None,
            });
            let since = finding.first_time.clone().unwrap_or_default();
            let standing = PersistentChange {
                what: words(change, open),
                kind: change.kind.clone(),
                id: change.id.clone(),
                since,
                finding: finding.id.clone(),
            };
            found.insert(finding.id.clone(), standing);
        }
    }
    found
}

/// Words for what stands, e.g. `access key AKIAEXAMPLE of user bob`.
fn words(change: &Change, open: Option<&str>) -> String {
    if change.verdict == ChangeVerdict::Removed {
        return format!("{} {} is gone", change.title, change.id);
    }
    let kind = FactKinds::shared().get(&change.kind);
    let (template, who) = match (&kind.opened, open) {
        (Some(opened), Some(who)) => (Some(opened), who),
        _ => (kind.stands.as_ref(), ""),
    };
    template.map_or_else(
        || format!("{} {}", change.title, change.id),
        |template| template.fill(&change.id, str::to_owned, &[("who", who)]),
    )
}
