//! Service and resource control policies of an organization, and which of them reach an account.
//!
//! Policies are attached to roots, organizational units and accounts; all levels on the way from
//! the root to an account must allow ([SCP
//! evaluation](https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html)).
//! The management account itself is bound by none of them.

use std::collections::BTreeMap;

use crate::account::{AccountBuilder, Controls, Membership};
use crate::limits::LEVELS_MAX;
use crate::policy::parse;

/// Policies of one organization, and where they are attached: made of facts of its management
/// account or a delegated administrator.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, Controls, Organization};
/// let allow = r#"{"Version": "2012-10-17",
///     "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
/// let mut organization = Organization::default();
/// organization.fact("organizations:policy", "p-FullAWSAccess", || Some(allow.to_owned()));
/// organization.fact("organizations:member", "r-root/111122223333", || None);
/// for target in ["r-root", "111122223333"] {
///     let id = format!("p-FullAWSAccess/{target}");
///     organization.fact("organizations:policytarget", &id, || None);
/// }
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// assert!(organization.bind("111122223333", &mut builder));
/// assert!(matches!(builder.build().controls, Controls::Read));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Organization {
    /// `o-exampleorgid`.
    id: String,
    /// Account id of the management account.
    management: String,
    policies: BTreeMap<String, ControlPolicy>,
    /// Ids of policies, by the id of the root, unit or account that they are attached to.
    attached: BTreeMap<String, Vec<String>>,
    /// Id of the root or unit that an account or unit is in.
    parents: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ControlPolicy {
    text: String,
    is_resource_policy: bool,
}

impl Organization {
    /// Kinds of facts without which nobody knows which policies reach an account.
    pub const KINDS_NEEDED: [&str; 3] = [
        "organizations:policy",
        "organizations:policytarget",
        "organizations:member",
    ];

    /// Adds a fact; facts of other kinds change nothing. `document` is asked only where it matters.
    pub fn fact(&mut self, kind: &str, id: &str, document: impl FnOnce() -> Option<String>) {
        let pair = || {
            id.split_once('/')
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
        };
        match kind {
            // Delegated administrators see all this too: who looked is not who manages.
            "organizations:organization" => {
                let value: serde_json::Value =
                    serde_json::from_str(&document().unwrap_or_default()).unwrap_or_default();
                let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
                (self.id, self.management) = (text("Id"), text("MasterAccountId"));
            }
            "organizations:policy" => {
                let Some(text) = document() else { return };
                // Only resource control policies have a principal, and they must.
                let is_resource_policy =
                    parse(&text).is_ok_and(|p| p.statements.iter().any(|s| s.principal.is_some()));
                let policy = ControlPolicy {
                    text,
                    is_resource_policy,
                };
                self.policies.insert(id.to_owned(), policy);
            }
            "organizations:policytarget" => {
                if let Some((policy, target)) = pair() {
                    self.attached.entry(target).or_default().push(policy);
                }
            }
            "organizations:member" => self
                .parents
                .extend(pair().map(|(parent, member)| (member, parent))),
            _ => {}
        }
    }

    /// `o-exampleorgid`, where it was read.
    pub fn id(&self) -> Option<&str> {
        Some(self.id.as_str()).filter(|id| !id.is_empty())
    }

    /// Ids of its accounts, the management account among them.
    pub fn members(&self) -> impl Iterator<Item = &str> {
        let ids = self.parents.keys().map(String::as_str);
        ids.chain([self.management.as_str()])
            .filter(|id| id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit()))
    }

    /// Adds the policies that reach an account; false where the organization does not know it.
    pub fn bind(&self, account: &str, builder: &mut AccountBuilder<'_>) -> bool {
        let way = self.way(account);
        if account == self.management {
            builder.controls(Controls::Read);
            self.place(&way, builder);
            return true;
        }
        if way.len() == 1 {
            // An account of somebody else, or one that the organization does not know yet.
            return false;
        }
        self.place(&way, builder);
        let mut whole = true;
        for resource_policies in [false, true] {
            let levels: Vec<(&str, Vec<(&str, &str)>)> = way
                .iter()
                .rev()
                .map(|node| (*node, self.attached_to(node, resource_policies)))
                .collect();
            // Where a kind of policy is not enabled, nothing has one; where it is, AWS lets no
            // level be without.
            if levels.iter().all(|(_, policies)| policies.is_empty()) {
                continue;
            }
            for (node, policies) in &levels {
                if policies.is_empty() {
                    whole = false;
                    builder.unknown(format!(
                        "{node}: no policy of the organization is on record for it"
                    ));
                } else if resource_policies {
                    builder.rcp_level_of(node, policies);
                } else {
                    builder.scp_level_of(node, policies);
                }
            }
        }
        builder.controls(if whole {
            Controls::Read
        } else {
            Controls::Unread("no policy is on record for a level above the account".to_owned())
        });
        true
    }

    /// The account, and what it is in up to the root.
    fn way<'n>(&'n self, account: &'n str) -> Vec<&'n str> {
        let mut way = vec![account];
        while let Some(parent) = self
            .parents
            .get(*way.last().unwrap_or(&account))
            .filter(|_| way.len() < LEVELS_MAX)
        {
            way.push(parent);
        }
        way
    }

    /// Notes the place of an account: `aws:PrincipalOrgPaths` has the ids from the organization on,
    /// each with a slash.
    fn place(&self, way: &[&str], builder: &mut AccountBuilder<'_>) {
        if self.id.is_empty() {
            return;
        }
        let ids = way.iter().skip(1).rev();
        let path = ids.fold(format!("{}/", self.id), |path, id| format!("{path}{id}/"));
        builder.membership(Membership::Member {
            organization: self.id.clone(),
            path: (way.len() > 1).then_some(path),
        });
    }

    /// Id and text of the policies of one kind that are attached to a root, unit or account.
    fn attached_to(&self, node: &str, resource_policies: bool) -> Vec<(&str, &str)> {
        let attached = self.attached.get(node).into_iter().flatten();
        attached
            .filter_map(|id| Some((id.as_str(), self.policies.get(id)?)))
            .filter(|(_, policy)| policy.is_resource_policy == resource_policies)
            .map(|(id, policy)| (id, policy.text.as_str()))
            .collect()
    }

    /// Controls of an account as far as its own `organizations:organization` document tells.
    #[must_use]
    pub fn controls_from_within(account: &str, document: &[u8]) -> Controls {
        let value: serde_json::Value = serde_json::from_slice(document).unwrap_or_default();
        // The management account is bound by none of them.
        if value["MasterAccountId"] == account {
            return Controls::Read;
        }
        let id = value["Id"].as_str().unwrap_or("?");
        Controls::Unread(format!(
            "a snapshot of the management account of {id} has them"
        ))
    }
}
