//! What an organization lets its accounts do: service and resource control policies, from the
//! snapshot of the management account or a delegated administrator, for the accounts that stand
//! beside it.
//!
//! Policies are attached to roots, organizational units and accounts; all levels on the way from
//! the root to an account must allow ([SCP
//! evaluation](https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html)).
//! The management account itself is bound by none of them.

use std::collections::BTreeMap;

use anyhow::Result;
use bartizan_iam::{AccountBuilder, Controls, parse};
use bartizan_inventory::fact::{absent_code, unescape};
use bartizan_inventory::snapshot::{CallStatus, Snapshot};

use crate::store::Loaded;

/// The policies of one organization, and where they are attached.
#[derive(Default)]
pub(super) struct Organization {
    /// The management account.
    management: String,
    /// Text and whether it is a resource control policy, by id.
    policies: BTreeMap<String, (String, bool)>,
    /// Ids of policies, by what they are attached to.
    attached: BTreeMap<String, Vec<String>>,
    /// The root or unit that an account or unit is in.
    parents: BTreeMap<String, String>,
}

/// Roots, units and the account: AWS allows five units between.
const LEVELS_MAX: usize = 16;

/// Kinds of facts without which nobody knows which policies reach an account.
const NEEDED: [&str; 3] = [
    "organizations:policy",
    "organizations:policytarget",
    "organizations:member",
];

impl Organization {
    /// The organization that one of these snapshots has seen, if all that is needed of it was read.
    ///
    /// # Errors
    /// When a snapshot is broken.
    pub(super) fn of(loaded: &[Loaded]) -> Result<Option<Self>> {
        for one in loaded {
            let snapshot =
                Snapshot::parse(&one.text).map_err(|e| anyhow::anyhow!("{}: {e}", one.name))?;
            let coverage = || snapshot.header.coverage.iter();
            let read = |kind: &str| {
                let mut rows = coverage()
                    .filter(|c| c.kinds.iter().any(|k| k == kind))
                    .peekable();
                rows.peek().is_some() && rows.all(|c| c.status == CallStatus::Ok)
            };
            if !NEEDED.iter().all(|kind| read(kind))
                || !snapshot
                    .facts
                    .iter()
                    .any(|f| f.kind == "organizations:member")
            {
                continue;
            }
            let mut organization = Self::default();
            for fact in &snapshot.facts {
                let id = unescape(fact.id);
                let parts = || {
                    id.split_once('/')
                        .map(|(a, b)| (a.to_owned(), b.to_owned()))
                };
                let text = || {
                    (one.documents)(&fact.raw)
                        .map(|document| String::from_utf8_lossy(&document).into_owned())
                };
                match fact.kind {
                    // Delegated administrators see all this too: who looked is not who manages.
                    "organizations:organization" => {
                        let value: serde_json::Value =
                            serde_json::from_str(&text().unwrap_or_default()).unwrap_or_default();
                        organization.management = value["MasterAccountId"]
                            .as_str()
                            .unwrap_or_default()
                            .to_owned();
                    }
                    "organizations:policy" => {
                        let Some(text) = text() else { continue };
                        // Only resource control policies have a principal, and they must.
                        let is_rcp = parse(&text)
                            .is_ok_and(|p| p.statements.iter().any(|s| s.principal.is_some()));
                        organization
                            .policies
                            .insert(id.into_owned(), (text, is_rcp));
                    }
                    "organizations:policytarget" => {
                        if let Some((policy, target)) = parts() {
                            organization
                                .attached
                                .entry(target)
                                .or_default()
                                .push(policy);
                        }
                    }
                    "organizations:member" => organization
                        .parents
                        .extend(parts().map(|(parent, member)| (member, parent))),
                    _ => {}
                }
            }
            return Ok(Some(organization));
        }
        Ok(None)
    }

    /// Adds what reaches an account; false where the organization does not know it.
    pub(super) fn bind(&self, account: &str, builder: &mut AccountBuilder<'_>) -> bool {
        if account == self.management {
            builder.controls(Controls::Read);
            return true;
        }
        let mut way = vec![account];
        while let Some(parent) = self
            .parents
            .get(*way.last().unwrap_or(&account))
            .filter(|_| way.len() < LEVELS_MAX)
        {
            way.push(parent);
        }
        if way.len() == 1 {
            // An account of somebody else, or one that the organization does not know yet.
            return false;
        }
        let mut whole = true;
        for rcp in [false, true] {
            let level = |node: &&str| -> Vec<(&str, &str)> {
                let attached = self.attached.get(*node).into_iter().flatten();
                attached
                    .filter_map(|id| Some((id.as_str(), self.policies.get(id)?)))
                    .filter(|(_, (_, is_rcp))| *is_rcp == rcp)
                    .map(|(id, (text, _))| (id, text.as_str()))
                    .collect()
            };
            let levels: Vec<Vec<(&str, &str)>> = way.iter().rev().map(level).collect();
            // Where a kind of policy is not enabled, nothing has one; where it is, AWS lets no
            // level be without.
            if levels.iter().all(Vec::is_empty) {
                continue;
            }
            for (node, policies) in way.iter().rev().zip(&levels) {
                if policies.is_empty() {
                    whole = false;
                    builder.unknown(format!(
                        "{node}: no policy of the organization is on record for it"
                    ));
                } else if rcp {
                    builder.rcp_level(policies);
                } else {
                    builder.scp_level(policies);
                }
            }
        }
        let some =
            || Controls::Unread("no policy is on record for a level above the account".to_owned());
        builder.controls(if whole { Controls::Read } else { some() });
        true
    }
}

/// Whether the account's own snapshot shows an organization: none, one, or not known.
pub(super) fn seen_from_within(snapshot: &Snapshot<'_>, loaded: &Loaded) -> Controls {
    const KIND: &str = "organizations:organization";
    for fact in snapshot.facts.iter().filter(|f| f.kind == KIND) {
        let Some(document) = (loaded.documents)(&fact.raw) else {
            continue;
        };
        if absent_code(&document).is_some() {
            return Controls::Read;
        }
        let value: serde_json::Value = serde_json::from_slice(&document).unwrap_or_default();
        // The management account is bound by none of them.
        if value["MasterAccountId"] == snapshot.header.account.as_str() {
            return Controls::Read;
        }
        let id = value["Id"].as_str().unwrap_or("?");
        return Controls::Unread(format!(
            "a snapshot of the management account of {id} has them"
        ));
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
