//! Principals that policies name by their unique ids (`AROA…`), under the names that they have in
//! the same snapshot.
//!
//! AWS keeps a policy with the ids of its principals and shows their ARNs while they are there (IAM
//! user guide, "AWS JSON policy elements: Principal"). Which of the two an answer has is a matter
//! of form.

use std::cell::OnceCell;
use std::collections::HashMap;

use serde_json::Value;

use super::change::SnapshotVersion;

/// Ids and ARNs of one snapshot. They are read when a policy first needs them.
pub(super) struct SnapshotNames<'a> {
    version: &'a SnapshotVersion<'a>,
    arns: OnceCell<HashMap<String, String>>,
}

impl<'a> SnapshotNames<'a> {
    pub(super) fn new(version: &'a SnapshotVersion<'a>) -> Self {
        Self {
            version,
            arns: OnceCell::new(),
        }
    }

    fn arns(&self) -> &HashMap<String, String> {
        self.arns.get_or_init(|| {
            let principals = self
                .version
                .snapshot
                .facts
                .iter()
                .filter(|f| matches!(f.kind, "iam:user" | "iam:role"));
            let id_and_arn = |f: &crate::fact::FactLine<'_>| {
                let document: Value =
                    serde_json::from_slice(&(self.version.documents)(&f.raw)?).ok()?;
                let id = document
                    .get("UserId")
                    .or_else(|| document.get("RoleId"))?
                    .as_str()?;
                Some((id.to_owned(), document.get("Arn")?.as_str()?.to_owned()))
            };
            principals.filter_map(id_and_arn).collect()
        })
    }

    /// Whether every user and role of the account is there.
    fn are_all(&self) -> bool {
        ["iam:user", "iam:role"].iter().all(|kind| {
            self.version
                .snapshot
                .open_about(kind, "global", "")
                .is_none()
        })
    }

    /// A document with the ARN of each principal that it names by its id.
    pub(super) fn named(&self, document: &[u8]) -> Value {
        let text = || String::from_utf8_lossy(document).into_owned();
        let mut value = serde_json::from_slice(document).unwrap_or_else(|_| Value::String(text()));
        principals(&mut value, &mut |list| {
            for id in list.iter_mut().filter(|id| is_id(id)) {
                if let Some(arn) = id.as_str().and_then(|id| self.arns().get(id)) {
                    *id = Value::String(arn.clone());
                }
            }
        });
        value
    }

    /// A policy without principals that are gone.
    pub(super) fn without_gone(&self, document: &Value) -> Value {
        let mut value = document.clone();
        principals(&mut value, &mut |list| {
            if list.iter().any(is_id) && self.are_all() {
                list.retain(|id| !is_id(id));
            }
        });
        value
    }
}

/// A unique id of a user or role.
fn is_id(value: &Value) -> bool {
    let is = |id: &str| {
        (id.starts_with("AROA") || id.starts_with("AIDA"))
            && id.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    value.as_str().is_some_and(is)
}

/// Goes over the `AWS` principals of a policy.
fn principals(policy: &mut Value, each: &mut dyn FnMut(&mut Vec<Value>)) {
    let statements = match policy.get_mut("Statement") {
        Some(Value::Array(list)) => list.iter_mut().collect(),
        Some(one) => vec![one],
        None => return,
    };
    for statement in statements {
        for element in ["Principal", "NotPrincipal"] {
            match statement.get_mut(element).and_then(|p| p.get_mut("AWS")) {
                Some(Value::Array(list)) => each(list),
                Some(one) => {
                    let mut list = vec![one.take()];
                    each(&mut list);
                    *one = if list.len() == 1 {
                        list.remove(0)
                    } else {
                        Value::Array(list)
                    };
                }
                None => {}
            }
        }
    }
}
