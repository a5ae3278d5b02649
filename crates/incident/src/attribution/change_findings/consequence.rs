//! Consequences of changes: which change gave which access.

use bartizan_inventory::diff::{AccessVerdict, Change, ChangeVerdict};
use bartizan_inventory::fact::FactKinds;
use bartizan_model::{Severity, Stage, Verdict};

/// Access that changes gave, e.g. "user bob can become administrator": a result of the IAM
/// analysis.
#[derive(Debug, Clone)]
pub struct Consequence {
    /// Principal or resource that it is about, by ARN.
    pub about: String,
    /// Other possible causes: names of the principal's policies (`group/devs/own`, an ARN),
    /// ARNs of its groups and of the principals on its way.
    pub through: Vec<String>,
    /// Whether anything in the account may have brought it, where no change is about any of these.
    pub anywhere: bool,
    pub gives: GrantedAccess,
    pub severity: Severity,
    pub stage: Stage,
    pub verdict: Verdict,
    /// Sentence for the finding.
    pub text: String,
}

/// Access that a change gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantedAccess {
    /// All of the account.
    Administrator,
    /// A resource or role, to those outside who are named here.
    OpenTo(String),
}

/// The consequences of each change. One that is about a name goes to the changes of that name; one
/// that is about nobody who changed, to every change that gave something.
pub(super) fn assign<'c>(
    changes: &[Change],
    consequences: &'c [Consequence],
) -> Vec<Vec<&'c Consequence>> {
    let mut given: Vec<Vec<&Consequence>> = vec![Vec::new(); changes.len()];
    for consequence in consequences {
        let named: Vec<usize> = (0..changes.len())
            .filter(|n| is_about(&changes[*n], &consequence.about))
            .collect();
        // The policy that grew, where there is one, and not the user's tags beside it.
        let grew = |n: &&usize| {
            changes[**n].access.as_ref().is_some_and(|a| {
                a.verdict != AccessVerdict::Shrank && a.verdict != AccessVerdict::Same
            })
        };
        let best: Vec<usize> = named.iter().filter(grew).copied().collect();
        let through = || -> Vec<usize> {
            let one = |n: &usize| {
                gives(&changes[*n])
                    && consequence
                        .through
                        .iter()
                        .any(|name| is_through(&changes[*n], name))
            };
            (0..changes.len()).filter(one).collect()
        };
        let chosen = match (best.is_empty(), named.is_empty()) {
            (false, _) => best,
            _ if !through().is_empty() => through(),
            (true, false) => named,
            _ if consequence.anywhere => {
                (0..changes.len()).filter(|n| gives(&changes[*n])).collect()
            }
            _ => Vec::new(),
        };
        chosen.into_iter().for_each(|n| given[n].push(consequence));
    }
    given
}

/// Whether a change may give a principal something.
fn gives(change: &Change) -> bool {
    let grew = change
        .access
        .as_ref()
        .is_some_and(|a| matches!(a.verdict, AccessVerdict::Grew | AccessVerdict::Both));
    grew || matches!(
        change.kind.as_str(),
        "iam:user" | "iam:group" | "iam:role" | "iam:useringroup"
    ) && change.verdict != ChangeVerdict::Removed
}

/// Whether a fact is a policy of that name, a group, or about a principal.
fn is_through(change: &Change, name: &str) -> bool {
    let inline = match change.kind.as_str() {
        "iam:userpolicy" => Some("user"),
        "iam:grouppolicy" => Some("group"),
        "iam:rolepolicy" => Some("role"),
        _ => None,
    };
    match (change.kind.as_str(), inline) {
        (_, Some(sort)) if name == format!("{sort}/{}", change.id) => true,
        ("iam:group", _) => name.contains(":group/") && name.rsplit('/').next() == Some(&change.id),
        _ => is_about(change, name),
    }
}

/// Whether an ARN names what a fact is about.
fn is_about(change: &Change, arn: &str) -> bool {
    if change.id == arn {
        return true;
    }
    let first = change.id.split('/').next().unwrap_or(&change.id);
    let of = |kind: &str, name: &str| {
        arn.contains(&format!(":{kind}/")) && arn.rsplit('/').next() == Some(name)
    };
    match FactKinds::shared().get(&change.kind).principal {
        Some(owner) => of(owner.word(), first),
        None if change.kind.starts_with("iam:") => false,
        None => {
            arn.rsplit([':', '/']).next()
                == Some(change.id.rsplit([':', '/']).next().unwrap_or(&change.id))
        }
    }
}
