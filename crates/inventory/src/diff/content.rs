//! Old and new, side by side: grants of policies, rules of security groups, fields of everything
//! else.

use std::collections::BTreeMap;

use bartizan_iam::{Block, ExternalPrincipal, Policy, PolicyLocation, Statement, Tri, admitted};
use serde::Serialize;
use serde_json::Value;

use super::network_rule::NetworkRule;
use crate::fact::{FieldClasses, align, join};
use bartizan_model::Severity;

/// Difference of two documents of a fact: grants or fields.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ContentChange {
    /// The document before: JSON, or a policy's text.
    pub before: Option<Value>,
    /// The document after.
    pub after: Option<Value>,
    /// Grants (or list elements, in words) that went.
    pub removed: Vec<String>,
    /// Grants that came.
    pub added: Vec<String>,
    /// Rules of a security group that went.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules_removed: Vec<NetworkRule>,
    /// Rules of a security group that came.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules_added: Vec<NetworkRule>,
    /// Fields that differ. Empty for policies.
    pub fields: Vec<FieldChange>,
    /// Values that may be secret and were hidden with two keys, so that nobody can say whether they
    /// differ.
    #[serde(skip_serializing_if = "is_zero")]
    pub not_comparable: usize,
    /// The policy after, with those statements only that were not there before.
    #[serde(skip)]
    policy_added: Option<Policy>,
}

/// One field that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldChange {
    /// Dotted.
    pub path: String,
    /// Its value or, for an element of a list, the element; `None` if there was none.
    pub before: Option<Value>,
    /// Likewise after.
    pub after: Option<Value>,
}

impl ContentChange {
    /// The difference of two documents as they are stored: values that two keys hid are left out of
    /// it and counted.
    pub fn of_stored(
        classes: &FieldClasses,
        before: Option<Value>,
        mut after: Option<Value>,
    ) -> Self {
        let not_comparable = match (&before, &mut after) {
            (Some(before), Some(after)) => align(classes, before, after),
            _ => 0,
        };
        Self {
            not_comparable,
            ..Self::of_values(classes, before, after)
        }
    }

    /// Difference of two documents: of policies by their grants, of anything else by its fields.
    pub fn of_values(classes: &FieldClasses, before: Option<Value>, after: Option<Value>) -> Self {
        let policy = |v: &Option<Value>| {
            v.as_ref()
                .filter(|v| is_policy(v))
                .and_then(|v| bartizan_iam::parse(&v.to_string()).ok())
        };
        let (old, new) = (policy(&before), policy(&after));
        let readable = |v: &Option<Value>, p: &Option<Policy>| v.is_none() || p.is_some();
        if (old.is_some() || new.is_some()) && readable(&before, &old) && readable(&after, &new) {
            return Self {
                before,
                after,
                ..Self::of_policies(old, new)
            };
        }
        let mut fields = Vec::new();
        compare(classes, "", before.as_ref(), after.as_ref(), &mut fields);
        if before.is_none() || after.is_none() {
            fields.clear(); // the whole document came or went: it is shown as such
        }
        let mut content = Self {
            fields,
            ..Self::default()
        };
        let rules = |v: &Option<Value>| v.as_ref().map(NetworkRule::all).unwrap_or_default();
        let (mut went, mut came) = (rules(&before), rules(&after));
        keep_differences(&mut went, &mut came);
        content.removed = went.iter().map(ToString::to_string).collect();
        content.added = came.iter().map(ToString::to_string).collect();
        (content.rules_removed, content.rules_added) = (went, came);
        Self {
            before,
            after,
            ..content
        }
    }

    fn of_policies(old: Option<Policy>, new: Option<Policy>) -> Self {
        let old = old.map(|p| p.statements).unwrap_or_default();
        let after = new
            .as_ref()
            .map(|p| p.statements.as_slice())
            .unwrap_or_default();
        let same = |a: &Statement, b: &Statement| sorted(a) == sorted(b);
        let removed = old
            .iter()
            .filter(|a| !after.iter().any(|b| same(a, b)))
            .map(ToString::to_string)
            .collect();
        let fresh: Vec<Statement> = after
            .iter()
            .filter(|b| !old.iter().any(|a| same(a, b)))
            .cloned()
            .collect();
        let added = fresh.iter().map(ToString::to_string).collect();
        let policy_added = new.map(|policy| Policy {
            statements: fresh,
            ..policy
        });
        Self {
            removed,
            added,
            policy_added,
            ..Self::default()
        }
    }

    /// Parts of the new content that alarm by themselves, without the rest of the account, with how
    /// bad each is.
    pub fn alarming(&self, place: &PolicyLocation<'_>) -> Vec<(String, Severity)> {
        let mut out = Vec::new();
        let statements = self
            .policy_added
            .iter()
            .flat_map(|policy| policy.statements.iter().map(move |s| (policy, s)));
        for (policy, s) in statements.filter(|(_, s)| s.effect == "Allow") {
            let all = |b: &Option<Block<Vec<String>>>| match b {
                Some(Block::Is(list)) => list.iter().any(|v| v == "*" || v == "*:*"),
                _ => false,
            };
            if all(&s.action) && all(&s.resource) && s.principal.is_none() {
                out.push((
                    "grants every action on every resource".into(),
                    Severity::Critical,
                ));
            }
            let anyone = admitted(policy, s, place).into_iter().filter(|a| {
                matches!(
                    a.to,
                    ExternalPrincipal::Anybody | ExternalPrincipal::AnyAccount
                )
            });
            match anyone.map(|a| a.verdict).max() {
                Some(Tri::Yes) if s.conditions.is_empty() => {
                    out.push((
                        "grants to anyone, without a condition".into(),
                        Severity::Critical,
                    ));
                }
                Some(Tri::Yes) => {
                    out.push((
                        "grants to anyone: its condition keeps nobody out".into(),
                        Severity::Critical,
                    ));
                }
                Some(_) => out.push((
                    "grants to anyone who meets a condition".into(),
                    Severity::High,
                )),
                None => {}
            }
        }
        if self
            .rules_added
            .iter()
            .any(NetworkRule::is_open_to_internet)
        {
            out.push(("open to the whole internet".into(), Severity::Critical));
        }
        out.dedup();
        out
    }

    /// Whether both are policies that say the same.
    pub fn is_same_policy(&self) -> bool {
        self.policy_added.is_some()
            && self.before.is_some()
            && self.added.is_empty()
            && self.removed.is_empty()
    }

    /// Whether all that differs is whole fields that came or went, of which `is` says yes to each
    /// (last name, came).
    pub fn is_only_fields(&self, is: impl Fn(&str, bool) -> bool) -> bool {
        let whole = |f: &FieldChange| {
            let name = f.path.rsplit('.').next().unwrap_or_default();
            f.before.is_some() != f.after.is_some() && is(name, f.after.is_some())
        };
        !self.fields.is_empty() && self.fields.iter().all(whole)
    }
}

fn is_zero(n: &usize) -> bool {
    *n == 0
}

fn is_policy(value: &Value) -> bool {
    value.get("Statement").is_some()
}

/// A statement without order: what differs only in order is no change of grant.
fn sorted(s: &Statement) -> String {
    let one = Policy {
        version: String::new(),
        statements: vec![s.clone()],
        unknown: BTreeMap::new(),
    };
    one.canonical(bartizan_iam::PolicyType::Trust)
}

fn compare(
    classes: &FieldClasses,
    path: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    out: &mut Vec<FieldChange>,
) {
    match (before, after) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                compare(classes, &join(path, key), a.get(key), b.get(key), out);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) if !classes.ordered.covers(path) => {
            let (mut went, mut came): (Vec<Value>, Vec<Value>) = (a.clone(), b.clone());
            keep_differences(&mut went, &mut came);
            if let ([a @ Value::Object(_)], [b @ Value::Object(_)]) =
                (went.as_slice(), came.as_slice())
            {
                return compare(classes, path, Some(a), Some(b), out);
            }
            out.extend(went.into_iter().map(|v| FieldChange {
                path: path.to_owned(),
                before: Some(v),
                after: None,
            }));
            out.extend(came.into_iter().map(|v| FieldChange {
                path: path.to_owned(),
                before: None,
                after: Some(v),
            }));
        }
        (a, b) if a != b => out.push(FieldChange {
            path: path.to_owned(),
            before: a.cloned(),
            after: b.cloned(),
        }),
        _ => {}
    }
}

/// Takes what both lists have out of both, as often as both have it.
fn keep_differences<T: PartialEq>(a: &mut Vec<T>, b: &mut Vec<T>) {
    a.retain(|x| match b.iter().position(|y| x == y) {
        Some(at) => {
            b.remove(at);
            false
        }
        None => true,
    });
}
