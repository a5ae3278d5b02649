//! Recommended commands, for the reader to run. Names come from the account, so every word is
//! quoted for the shell.

use std::collections::BTreeSet;

use super::incident::{Advice, PersistentChange, Remedy, Suspect};
use super::member::IncidentMember;
use bartizan_detect::work::MadeThing;
use bartizan_inventory::fact::FactKinds;
use bartizan_model::limits::ADVICE_MAX;
use bartizan_model::{Evidence, Finding};

/// Most urgent first: what opens the door again, then what stands, then what was switched off.
pub(super) fn todo(
    members: &[&IncidentMember<'_>],
    actor: &[Suspect],
    standing: &[PersistentChange],
    (left, taken_away): (&[MadeThing], &[MadeThing]),
) -> Vec<Advice> {
    let mut list: Vec<Advice> = Vec::new();
    for suspect in actor {
        let Some(user) = suspect.user_name() else {
            continue;
        };
        for key in &suspect.access_keys {
            list.push(Advice {
                why: format!("disable access key {key} of user {user}, which was used"),
                command: disable_key(user, key),
                remedy: Remedy::Disable,
            });
        }
    }
    for stands in standing.iter().filter(|s| s.kind != "session") {
        let finding = members
            .iter()
            .map(|m| m.finding)
            .find(|f| f.id == stands.finding);
        list.extend(undo(stands, finding));
    }
    // A trail that was deleted needs no other advice than the call that did it.
    for made in left.iter().chain(taken_away) {
        let command = made.undo.clone();
        list.extend(command.map(|command| {
            let remedy = Remedy::of(&command);
            Advice {
                why: format!("{} {}", remedy.verb(), made.what),
                command,
                remedy,
            }
        }));
    }
    let roles: BTreeSet<&str> = members
        .iter()
        .filter_map(|m| m.finding.actor.as_ref())
        .filter(|a| {
            a.kind == "AssumedRole"
                && !a.key.contains("/aws-service-role/")
                && !a.key.contains("AWSReservedSSO_")
        })
        .filter_map(|a| a.key.rsplit('/').next())
        .collect();
    for role in roles {
        let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:TokenIssueTime":"NOW"}}}]}"#;
        let policy = policy.replace("\"NOW\"", "\"'$(date -u +%Y-%m-%dT%H:%M:%SZ)'\"");
        list.push(Advice {
            why: format!("{} role {role}", Remedy::RevokeSessions.verb()),
            command: format!(
                "aws iam put-role-policy --role-name {} --policy-name AWSRevokeOlderSessions \
                --policy-document '{policy}'",
                bartizan_model::shell_word(role)
            ),
            remedy: Remedy::RevokeSessions,
        });
    }
    let stopped = |f: &&Finding| {
        f.rule == "trail-gap" && f.last_time.is_none() && f.attack.iter().any(|a| a == "T1562.008")
    };
    let named = list.iter().any(|a| a.remedy == Remedy::RestartTrail);
    if !named && members.iter().map(|m| m.finding).any(|f| stopped(&f)) {
        list.push(Advice {
            why: "switch the trail on again".to_owned(),
            command: "aws cloudtrail describe-trails && aws cloudtrail start-logging --name TRAIL"
                .to_owned(),
            remedy: Remedy::RestartTrail,
        });
    }
    let mut seen = BTreeSet::new();
    list.retain(|advice| seen.insert(advice.command.clone()));
    list.truncate(ADVICE_MAX);
    list
}

/// Effect of an operation of the AWS CLI, by how its name begins; the first row that fits counts.
const REMEDIES: [(&str, Remedy); 18] = [
    ("update-access-key", Remedy::Disable),
    ("delete-", Remedy::Remove),
    ("detach-", Remedy::Remove),
    ("remove-", Remedy::Remove),
    ("revoke-", Remedy::Remove),
    ("deregister-", Remedy::Remove),
    ("disassociate-", Remedy::Remove),
    ("unsubscribe", Remedy::Remove),
    ("release-", Remedy::Remove),
    ("attach-user-policy", Remedy::Deny),
    ("attach-role-policy", Remedy::Deny),
    ("attach-group-policy", Remedy::Deny),
    ("stop-", Remedy::Stop),
    ("start-logging", Remedy::RestartTrail),
    ("start-", Remedy::Restart),
    ("restore-", Remedy::Restore),
    ("enable-", Remedy::Enable),
    ("disable-", Remedy::Disable),
];

impl Remedy {
    /// Effect of a command, e.g. of `aws iam delete-login-profile --user-name bob`.
    fn of(command: &str) -> Self {
        let operation = command.split(' ').nth(2).unwrap_or_default();
        REMEDIES
            .iter()
            .find(|(begins, _)| operation.starts_with(begins))
            .map_or(Self::Undo, |(_, remedy)| *remedy)
    }

    /// Verb before the name of a thing, e.g. `disable` access key ….
    fn verb(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Remove => "remove",
            Self::Deny => "deny everything to",
            Self::RevokeSessions => "revoke active sessions of",
            Self::Stop => "stop",
            Self::Restart | Self::RestartTrail => "restart",
            Self::Restore => "restore",
            Self::Enable => "switch on again:",
            Self::Undo => "undo:",
        }
    }
}

fn disable_key(user: &str, key: &str) -> String {
    format!(
        "aws iam update-access-key --user-name {} --access-key-id {} --status Inactive",
        bartizan_model::shell_word(user),
        bartizan_model::shell_word(key)
    )
}

/// Whether the fact was there before its change.
fn had_content(finding: &Finding) -> bool {
    finding.evidence.iter().any(|e| {
        matches!(
            e,
            Evidence::Change {
                before_sha256: Some(_),
                ..
            }
        )
    })
}

/// How to undo what still stands: by the call of its kind, else by looking at it.
fn undo(stands: &PersistentChange, finding: Option<&Finding>) -> Option<Advice> {
    let was_there = finding.is_some_and(had_content);
    let region = finding
        .and_then(|f| f.region.clone())
        .filter(|r| r != "global")
        .map(|r| format!(" --region {}", bartizan_model::shell_word(&r)))
        .unwrap_or_default();
    let show = finding.map(|f| f.show.clone()).unwrap_or_default();
    let kind = FactKinds::shared().get(&stands.kind);
    let template = kind
        .restore
        .as_ref()
        .filter(|_| was_there)
        .or(kind.undo.as_ref());
    let command = match template {
        Some(template) => {
            let others = [("region", region.as_str()), ("show", show.as_str())];
            let call = template.fill(&stands.id, bartizan_model::shell_word, &others);
            format!("aws {call}")
        }
        None => show,
    };
    let remedy = Remedy::of(&command);
    (!command.is_empty()).then(|| Advice {
        why: format!("{} {}", remedy.verb(), stands.what),
        command,
        remedy,
    })
}
