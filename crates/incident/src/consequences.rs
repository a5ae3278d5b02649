//! Access that a change of an account gave: administrators, new and easier to become, and resources
//! opened to outsiders, with how bad each is.

use std::collections::BTreeMap;

use bartizan_iam::{
    Account, AccountDifference, AccountRelationship, Controls, Escalation, EscalationChange,
    EscalationStep, Escalations, ExternalAccess, ExternalPrincipal, OnBehalfOf, TECHNIQUES, Tri,
};
use bartizan_model::{Severity, Stage, Verdict};

use crate::attribution::{Consequence, GrantedAccess};

/// Consequences of the difference between an earlier state of an account and `new`.
#[must_use]
pub fn consequences(new: &Account<'_>, difference: &AccountDifference) -> Vec<Consequence> {
    let grown = difference.escalations.iter().filter(|e| e.after > e.before);
    grown
        .map(|change| administrator(new, change))
        .chain(difference.opened.iter().map(external))
        .collect()
}

/// A principal that became administrator, or can now become one.
fn administrator(account: &Account<'_>, change: &EscalationChange) -> Consequence {
    // Policies of the organization that nobody read seldom hold an administrator back.
    let sure = change.after == Tri::Yes;
    let grave = sure
        || matches!(account.controls, Controls::Unread(_)) && change.escalation.steps.is_empty();
    Consequence {
        about: change.arn.clone(),
        through: sources(account, change),
        anywhere: true,
        gives: GrantedAccess::Administrator,
        severity: if grave {
            Severity::Critical
        } else {
            Severity::High
        },
        stage: Stage::Gain,
        verdict: if sure { Verdict::Must } else { Verdict::May },
        text: escalation_sentence(account, change),
    }
}

/// A resource that was opened to somebody outside of the account.
fn external(opening: &ExternalAccess) -> Consequence {
    Consequence {
        about: opening.arn.clone(),
        through: Vec::new(),
        anywhere: false,
        gives: GrantedAccess::OpenTo(opening.to.sentence()),
        severity: external_severity(opening),
        stage: if opening.arn.contains(":role/") {
            Stage::Maintain
        } else {
            Stage::Steal
        },
        verdict: if opening.verdict == Tri::Yes {
            Verdict::Must
        } else {
            Verdict::May
        },
        text: format!(
            "{} is now open to {}: {}",
            short_arn(&opening.arn),
            opening.to.sentence(),
            opening.actions.join(", ")
        ),
    }
}

fn external_severity(opening: &ExternalAccess) -> Severity {
    match (opening.class, &opening.to) {
        (
            AccountRelationship::Same | AccountRelationship::Org | AccountRelationship::Deleted,
            _,
        ) => Severity::Info,
        (AccountRelationship::Friendly | AccountRelationship::Vendor, _) => Severity::Low,
        (
            AccountRelationship::Unknown,
            ExternalPrincipal::Service(_, OnBehalfOf::Anybody | OnBehalfOf::Owner(_))
            | ExternalPrincipal::Federated(_, true),
        ) => Severity::Low,
        (AccountRelationship::Unknown, ExternalPrincipal::Unidentified(_)) => Severity::Medium,
        (
            AccountRelationship::Unknown,
            ExternalPrincipal::Anybody | ExternalPrincipal::AnyAccount,
        ) if opening.verdict == Tri::Yes => Severity::Critical,
        (AccountRelationship::Unknown, _) => Severity::High,
    }
}

/// Names of everything that may have made a principal administrator: its policies, its groups, and
/// the principals that it takes over.
fn sources(account: &Account<'_>, change: &EscalationChange) -> Vec<String> {
    let Some(principal) = account.principals.get(change.escalation.principal as usize) else {
        return Vec::new();
    };
    let policies = principal
        .policies
        .iter()
        .map(|d| account.documents[*d as usize].name.clone());
    let groups = principal
        .groups
        .iter()
        .map(|g| account.groups[*g as usize].arn.clone());
    let taken = change
        .escalation
        .steps
        .iter()
        .filter_map(|s| s.to)
        .map(|to| account.principals[to as usize].arn.clone());
    policies.chain(groups).chain(taken).collect()
}

/// One sentence about an escalation that is new, or no longer there. `account` is the later state:
/// `user/bob can now become administrator: iam:PassRole + ec2:RunInstances → role/build (rung E)`.
#[must_use]
pub fn escalation_sentence(account: &Account<'_>, change: &EscalationChange) -> String {
    let name = short_arn(&change.arn);
    if change.after < change.before {
        let left = if change.after == Tri::No {
            "can no longer"
        } else {
            "can only perhaps still"
        };
        return format!("{name} {left} do everything");
    }
    let how = match change.after {
        Tri::Yes => "can now",
        _ => "can now perhaps",
    };
    let rung = change.escalation.rung.letter();
    if change.escalation.steps.is_empty() {
        return format!("{name} {how} do everything (rung {rung})");
    }
    let path = escalation_path(account, &change.escalation);
    format!("{name} {how} become administrator: {path} (rung {rung})")
}

/// Steps of an escalation, e.g. `iam:PassRole + ec2:RunInstances → role/build`.
#[must_use]
pub fn escalation_path(account: &Account<'_>, escalation: &Escalation) -> String {
    let step = |s: &EscalationStep| {
        let needs = TECHNIQUES
            .iter()
            .find(|r| r.id == s.row)
            .map(|r| r.needs.join(" + "))
            .unwrap_or_default();
        let to =
            s.to.map(|to| format!(" → {}", short_arn(&account.principals[to as usize].arn)))
                .unwrap_or_default();
        format!("{needs}{to}")
    };
    let steps: Vec<String> = escalation.steps.iter().map(step).collect();
    steps.join(", then ")
}

/// Principals that may do everything or can get there, by ARN, with how sure that is.
#[must_use]
pub fn administrators(
    account: &Account<'_>,
    escalations: &Escalations,
) -> BTreeMap<String, String> {
    let one = |e: &Escalation| {
        let what = if e.steps.is_empty() {
            "may do everything"
        } else {
            "can become administrator"
        };
        let sure = match e.verdict {
            Tri::Yes => "must",
            Tri::Maybe => "may",
            Tri::No => "no",
        };
        (
            account.principals[e.principal as usize].arn.clone(),
            format!("{what} ({sure})"),
        )
    };
    escalations.found.iter().map(one).collect()
}

/// Resource part of an ARN: `role/build` of `arn:aws:iam::111122223333:role/build`.
#[must_use]
pub fn short_arn(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or(arn)
}

#[cfg(test)]
mod tests {
    use bartizan_iam::{AccountBuilder, Actions, KnownAccounts, reach_difference};

    use super::*;

    fn account(action: &str) -> Account<'static> {
        let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
        let details = format!(
            r#"{{"UserDetailList": [{{"UserName": "bob",
                "Arn": "arn:aws:iam::111122223333:user/bob",
                "UserPolicyList": [{{"PolicyName": "own", "PolicyDocument": {{
                    "Version": "2012-10-17",
                    "Statement": {{"Effect": "Allow", "Action": "{action}", "Resource": "*"}}
                }}}}]}}]}}"#
        );
        builder.authorization_details(&details).unwrap();
        builder.build()
    }

    #[test]
    fn a_new_administrator_is_critical_and_one_less_is_nothing() {
        let (old, new) = (account("s3:GetObject"), account("*"));
        let known = KnownAccounts::default();
        let found = consequences(&new, &reach_difference(&old, &new, &known, 1));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].severity, Severity::Critical);
        assert_eq!(found[0].gives, GrantedAccess::Administrator);
        assert_eq!(found[0].text, "user/bob can now do everything (rung A)");
        assert!(consequences(&old, &reach_difference(&new, &old, &known, 1)).is_empty());
    }
}
