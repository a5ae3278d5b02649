//! The canonical form of a policy: the same grants always give the same text, a different grant
//! never does.
//!
//! What AWS ignores goes (`Sid`, `Id`, order, repetition, string or list, the case of actions and
//! of condition operators and keys); everything else stays, case included. Wildcards are not
//! expanded: a new AWS action must not change history.

use serde_json::{Value, json};

use crate::policy::{Block, Policy, PolicyType, Principal, Statement};

impl Policy {
    /// The canonical text, compact JSON. Hash this, not the document.
    ///
    /// `policy_type` decides whether `"Principal": "*"` equals `{"AWS": "*"}`
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>).
    #[must_use]
    pub fn canonical(&self, policy_type: PolicyType) -> String {
        let mut statements: Vec<String> = self
            .statements
            .iter()
            .map(|s| statement(s, policy_type))
            .collect();
        statements.sort_unstable();
        statements.dedup();
        let unknown: Vec<Value> = self
            .unknown
            .iter()
            .map(|(k, v)| json!([k, sorted_keys(v)]))
            .collect();
        format!(
            "[{},[{}],{}]",
            json!(self.version),
            statements.join(","),
            Value::Array(unknown)
        )
    }
}

fn statement(s: &Statement, policy_type: PolicyType) -> String {
    let action = block(s.action.as_ref(), |list| {
        set(list.iter().map(|a| a.to_lowercase()))
    });
    let resource = block(s.resource.as_ref(), |list| set(list.iter().cloned()));
    let principal = block(s.principal.as_ref(), |list| {
        set(list.iter().map(|p| principal(p, policy_type)))
    });
    let mut conditions: Vec<(String, String, Vec<String>)> = s
        .conditions
        .iter()
        .map(|c| {
            (
                c.operator.to_lowercase(),
                c.key.to_lowercase(),
                set(c.values.iter().cloned()),
            )
        })
        .collect();
    conditions.sort_unstable();
    conditions.dedup();
    let unknown: Vec<Value> = s
        .unknown
        .iter()
        .map(|(k, v)| json!([k, sorted_keys(v)]))
        .collect();
    json!([s.effect, principal, action, resource, conditions, unknown]).to_string()
}

fn block<T>(block: Option<&Block<Vec<T>>>, values: impl Fn(&[T]) -> Vec<String>) -> Value {
    match block {
        None => Value::Null,
        Some(Block::Is(list)) => json!(["is", values(list)]),
        Some(Block::Not(list)) => json!(["not", values(list)]),
    }
}

fn principal(p: &Principal, policy_type: PolicyType) -> String {
    match p {
        Principal::Star if policy_type == PolicyType::Resource => "AWS *".to_owned(),
        Principal::Star => "*".to_owned(),
        Principal::Of(kind, value) if kind == "AWS" => {
            format!("AWS {}", account_of_root(value).unwrap_or(value))
        }
        Principal::Of(kind, value) => format!("{kind} {value}"),
    }
}

/// The account id in `arn:PARTITION:iam::ACCOUNT:root`, which as a principal means the same as the
/// bare id.
fn account_of_root(arn: &str) -> Option<&str> {
    let account = arn
        .strip_prefix("arn:")?
        .split_once(":iam::")?
        .1
        .strip_suffix(":root")?;
    (account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit())).then_some(account)
}

fn set(values: impl Iterator<Item = String>) -> Vec<String> {
    let mut values: Vec<String> = values.collect();
    values.sort_unstable();
    values.dedup();
    values
}

/// JSON with the keys of every object in order: what this crate does not understand still gets one
/// form.
fn sorted_keys(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(k, _)| *k);
            entries
                .into_iter()
                .map(|(k, v)| (k.clone(), sorted_keys(v)))
                .collect::<serde_json::Map<_, _>>()
                .into()
        }
        Value::Array(list) => list.iter().map(sorted_keys).collect(),
        other => other.clone(),
    }
}
