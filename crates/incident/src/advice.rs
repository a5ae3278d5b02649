//! Recommended commands, for the reader to run. Names come from the account, so every word is
//! quoted for the shell.

use std::collections::BTreeSet;

use super::incident::{Advice, PersistentChange, Suspect};
use super::member::IncidentMember;
use bartizan_detect::work::MadeThing;
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
        list.extend(command.map(|command| Advice {
            why: format!("{} {}", verb(&command), made.what),
            command,
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
            why: format!("revoke active sessions of role {role}"),
            command: format!(
                "aws iam put-role-policy --role-name {} --policy-name AWSRevokeOlderSessions \
                --policy-document '{policy}'",
                bartizan_model::shell_word(role)
            ),
        });
    }
    let stopped = |f: &&Finding| {
        f.rule == "trail-gap" && f.last_time.is_none() && f.attack.iter().any(|a| a == "T1562.008")
    };
    let named = list
        .iter()
        .any(|a| a.command.starts_with("aws cloudtrail start-logging"));
    if !named && members.iter().map(|m| m.finding).any(|f| stopped(&f)) {
        list.push(Advice {
            why: "switch the trail on again".to_owned(),
            command: "aws cloudtrail describe-trails && aws cloudtrail start-logging --name TRAIL"
                .to_owned(),
        });
    }
    let mut seen = BTreeSet::new();
    list.retain(|advice| seen.insert(advice.command.clone()));
    list.truncate(ADVICE_MAX);
    list
}

/// Verb of a command, by the beginning of its name.
const VERBS: [(&str, &str); 17] = [
    ("update-access-key", "disable"),
    ("delete-", "remove"),
    ("detach-", "remove"),
    ("remove-", "remove"),
    ("revoke-", "remove"),
    ("deregister-", "remove"),
    ("disassociate-", "remove"),
    ("unsubscribe", "remove"),
    ("release-", "remove"),
    ("attach-user-policy", "deny everything to"),
    ("attach-role-policy", "deny everything to"),
    ("attach-group-policy", "deny everything to"),
    ("stop-", "stop"),
    ("start-", "restart"),
    ("restore-", "restore"),
    ("enable-", "switch on again:"),
    ("disable-", "disable"),
];

fn verb(command: &str) -> &'static str {
    let name = command.split(' ').nth(2).unwrap_or_default();
    VERBS
        .iter()
        .find(|(begins, _)| name.starts_with(begins))
        .map_or("undo:", |(_, verb)| verb)
}

fn disable_key(user: &str, key: &str) -> String {
    format!(
        "aws iam update-access-key --user-name {} --access-key-id {} --status Inactive",
        bartizan_model::shell_word(user),
        bartizan_model::shell_word(key)
    )
}

/// AWS's policy that denies everything.
const DENY_ALL: &str = "arn:aws:iam::aws:policy/AWSDenyAll";

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

/// How to undo what still stands.
fn undo(stands: &PersistentChange, finding: Option<&Finding>) -> Option<Advice> {
    let (first, rest) = stands.id.split_once('/').unwrap_or((&stands.id, ""));
    let (one, two) = (
        bartizan_model::shell_word(first),
        bartizan_model::shell_word(rest),
    );
    let was_there = finding.is_some_and(had_content);
    let region = finding
        .and_then(|f| f.region.clone())
        .filter(|r| r != "global")
        .map(|r| format!(" --region {}", bartizan_model::shell_word(&r)))
        .unwrap_or_default();
    let show = finding.map(|f| f.show.clone()).unwrap_or_default();
    let command = match stands.kind.as_str() {
        "iam:accesskey" => disable_key(first, rest),
        "iam:loginprofile" => format!("aws iam delete-login-profile --user-name {one}"),
        "iam:user" => {
            format!("aws iam attach-user-policy --user-name {one} --policy-arn {DENY_ALL}")
        }
        "iam:role" => {
            format!("aws iam attach-role-policy --role-name {one} --policy-arn {DENY_ALL}")
        }
        "iam:useringroup" => {
            format!("aws iam remove-user-from-group --user-name {one} --group-name {two}")
        }
        "iam:userpolicy" if !was_there => {
            format!("aws iam delete-user-policy --user-name {one} --policy-name {two}")
        }
        "iam:rolepolicy" if !was_there => {
            format!("aws iam delete-role-policy --role-name {one} --policy-name {two}")
        }
        "iam:grouppolicy" if !was_there => {
            format!("aws iam delete-group-policy --group-name {one} --policy-name {two}")
        }
        "iam:userpolicy" => format!(
            "aws iam put-user-policy --user-name {one} --policy-name {two} --policy-document \
            file://before.json   # before: {show}"
        ),
        "iam:rolepolicy" => format!(
            "aws iam put-role-policy --role-name {one} --policy-name {two} --policy-document \
            file://before.json   # before: {show}"
        ),
        "iam:assumerolepolicy" if was_there => {
            format!(
                "aws iam update-assume-role-policy --role-name {one} --policy-document \
                file://before.json   # before: {show}"
            )
        }
        "ec2:snapshotpermission" => {
            format!(
                "aws ec2 reset-snapshot-attribute --snapshot-id {one} --attribute \
                createVolumePermission{region}"
            )
        }
        "ec2:imagepermission" => format!(
            "aws ec2 reset-image-attribute --image-id {one} --attribute launchPermission{region}"
        ),
        "ec2:instance" => format!("aws ec2 stop-instances --instance-ids {one}{region}"),
        "cloudtrail:trailstatus" => {
            format!(
                "aws cloudtrail start-logging --name {}{region}",
                bartizan_model::shell_word(&stands.id)
            )
        }
        _ => show,
    };
    (!command.is_empty()).then(|| Advice {
        why: format!("{} {}", verb(&command), stands.what),
        command,
    })
}
