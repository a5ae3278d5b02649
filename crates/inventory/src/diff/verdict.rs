//! Verdict on a changed fact, and its severity before the IAM crate can say what access it added.

use bartizan_iam::PolicyLocation;
use serde::Serialize;

use super::content::ContentChange;
use crate::fact::FactKind;
use bartizan_model::Severity;

/// Kind of change of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeVerdict {
    /// It was not there.
    Added,
    /// It was there; its call was read, and it is gone.
    Removed,
    /// Another thing stands under its name.
    Replaced,
    /// It says something else.
    Changed,
    /// It says the same in another form.
    Cosmetic,
}

impl ChangeVerdict {
    /// One character for the start of a line.
    #[must_use]
    pub fn sign(self) -> char {
        match self {
            Self::Added => '+',
            Self::Removed => '-',
            Self::Replaced => '!',
            Self::Changed | Self::Cosmetic => '~',
        }
    }
}

/// The final verdict, the severity, and the reasons for it.
pub(super) fn weigh(
    verdict: ChangeVerdict,
    kind: &FactKind,
    content: &ContentChange,
    place: &PolicyLocation<'_>,
) -> (ChangeVerdict, Severity, Vec<String>) {
    let mut because = Vec::new();
    let mut severity = kind.severity;
    let mut verdict = verdict;
    if verdict == ChangeVerdict::Changed {
        let paths = || content.fields.iter().map(|f| f.path.as_str());
        if let Some(path) = paths().find(|p| kind.classes.identity.covers(p)) {
            verdict = ChangeVerdict::Replaced;
            because.push(format!(
                "{path} differs: deleted and made again under one name"
            ));
        } else if content.fields.is_empty() {
            // A policy: its grants say it all.
        } else if paths().all(|p| {
            p == "Tags"
                || p == "TagSet"
                || p == "tags"
                || p.starts_with("Tags.")
                || p.starts_with("tags.")
        }) {
            severity = Severity::Info;
        } else if paths().all(|p| kind.classes.growing.covers(p)) {
            because.push(
                "only the version pointer moved: an older version may have been made the default"
                    .into(),
            );
        }
    }
    for (reason, at_least) in content.alarming(place) {
        severity = severity.max(at_least);
        because.push(reason);
    }
    (verdict, severity, because)
}
