//! Whether a change of a policy grants more or less than before.

use bartizan_iam::{Actions, PolicyGrammar, Tri, actions_text, difference};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fact::{FactKinds, PolicyAttachment};

/// Difference of the access that a policy grants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PolicyAccess {
    /// Grew, shrank, both, or the same.
    pub verdict: AccessVerdict,
    /// Access that is new: `must s3:* on *`.
    pub gained: Vec<String>,
    /// Access that is gone.
    pub lost: Vec<String>,
}

/// The direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessVerdict {
    /// More than before.
    Grew,
    /// Less than before.
    Shrank,
    /// More of some, less of other.
    Both,
    /// Neither.
    Same,
}

impl AccessVerdict {
    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Grew => "access grew",
            Self::Shrank => "access shrank",
            Self::Both => "access grew and shrank",
            Self::Same => "access is the same",
        }
    }
}

/// Classes that one change lists.
const CLASSES_SHOWN: usize = 6;

/// Names of actions that one class lists.
const NAMES_SHOWN: usize = 6;

impl PolicyAccess {
    /// Compares the policies of a fact; none when it has none, or one that cannot be read.
    pub fn between(kind: &str, before: Option<&Value>, after: Option<&Value>) -> Option<Self> {
        let side = side(kind)?;
        let nothing = r#"{"Version":"2012-10-17","Statement":[]}"#;
        let read = |v: Option<&Value>| {
            bartizan_iam::parse(&v.map_or_else(|| nothing.to_owned(), Value::to_string)).ok()
        };
        let (old, new) = (read(before)?, read(after)?);
        let actions = Actions::builtin();
        let found = difference(&old, &new, side, actions);
        let lines = |classes: &[bartizan_iam::AccessClass]| {
            let one = |c: &bartizan_iam::AccessClass| {
                let word = if c.verdict == Tri::Yes { "must" } else { "may" };
                let to = c
                    .principal
                    .as_ref()
                    .map(|p| format!(" to {p}"))
                    .unwrap_or_default();
                let conditions = if c.conditions.is_empty() {
                    String::new()
                } else {
                    format!(" if {}", c.conditions.join(" and "))
                };
                format!(
                    "{word} {} on {}{to}{conditions}",
                    actions_text(&c.actions, actions, NAMES_SHOWN),
                    c.resource
                )
            };
            classes
                .iter()
                .take(CLASSES_SHOWN)
                .map(one)
                .collect::<Vec<_>>()
        };
        let (gained, lost) = (lines(&found.gained), lines(&found.lost));
        let verdict = match (gained.is_empty(), lost.is_empty()) {
            (false, true) => AccessVerdict::Grew,
            (true, false) => AccessVerdict::Shrank,
            (false, false) => AccessVerdict::Both,
            (true, true) => AccessVerdict::Same,
        };
        Some(Self {
            verdict,
            gained,
            lost,
        })
    }
}

/// Grammar of the policy of a kind of fact; none where it is no policy, or where what it is
/// attached to stands beside the document.
fn side(kind: &str) -> Option<PolicyGrammar> {
    match FactKinds::shared().get(kind).policy {
        Some(PolicyAttachment::Identity) => Some(PolicyGrammar::Identity),
        Some(PolicyAttachment::Unscoped) => None,
        Some(PolicyAttachment::Trust) => Some(PolicyGrammar::Resource),
        None => kind.ends_with("policy").then_some(PolicyGrammar::Resource),
    }
}
