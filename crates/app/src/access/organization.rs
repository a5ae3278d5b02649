//! The organization of accounts, as their snapshots show it.

use anyhow::Result;
use bartizan_iam::{Controls, Organization};
use bartizan_inventory::fact::{absent_code, unescape};
use bartizan_inventory::snapshot::{CallStatus, Snapshot};

use crate::store::Loaded;

/// The organizations that these snapshots have seen, if all that is needed of each was read.
///
/// # Errors
/// When a snapshot is broken.
pub(crate) fn organizations<'l>(
    loaded: impl IntoIterator<Item = &'l Loaded>,
) -> Result<Vec<Organization>> {
    let mut found = Vec::new();
    for one in loaded {
        // Most accounts see none, and looking for one in text is soonest.
        if !one.text.contains("organizations:member") {
            continue;
        }
        let snapshot =
            Snapshot::parse(&one.text).map_err(|e| anyhow::anyhow!("{}: {e}", one.name))?;
        let read = |kind: &str| {
            let mut rows = snapshot
                .header
                .coverage
                .iter()
                .filter(|c| c.kinds.iter().any(|k| k == kind))
                .peekable();
            rows.peek().is_some() && rows.all(|c| c.status == CallStatus::Ok)
        };
        let has_member = snapshot
            .facts
            .iter()
            .any(|f| f.kind == "organizations:member");
        if !has_member || !Organization::KINDS_NEEDED.into_iter().all(read) {
            continue;
        }
        let mut organization = Organization::default();
        for fact in &snapshot.facts {
            organization.fact(fact.kind, &unescape(fact.id), || {
                (one.documents)(&fact.raw)
                    .map(|document| String::from_utf8_lossy(&document).into_owned())
            });
        }
        found.push(organization);
    }
    Ok(found)
}

/// Whether the account's own snapshot shows an organization: none, one, or not known.
pub(super) fn controls_from_within(snapshot: &Snapshot<'_>, loaded: &Loaded) -> Controls {
    const KIND: &str = "organizations:organization";
    for fact in snapshot.facts.iter().filter(|f| f.kind == KIND) {
        let Some(document) = (loaded.documents)(&fact.raw) else {
            continue;
        };
        if absent_code(&document).is_some() {
            return Controls::Read;
        }
        return Organization::controls_from_within(&snapshot.header.account, &document);
    }
    let rows = snapshot
        .header
        .coverage
        .iter()
        .filter(|c| c.kinds.iter().any(|k| k == KIND));
    // What a dump does not have was not asked.
    let mut refused = rows.filter(|c| {
        !matches!(
            c.status,
            CallStatus::Ok | CallStatus::Cut | CallStatus::NotCalled
        ) && !c.nothing_is_there()
    });
    refused.next().map_or(Controls::NotAsked, |c| {
        Controls::Unread(format!("{} {}", c.call, c.status))
    })
}
