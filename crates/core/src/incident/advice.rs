//! What to do, as commands for the reader. Names come from the account, so every word is quoted for the shell.

use std::collections::BTreeSet;

use super::group::Member;
use super::{Advice, Standing, Suspect};
use crate::finding::{Evidence, Finding};

/// A word for a POSIX shell. Control characters, which no name of AWS has, stand as `?`.
#[must_use]
pub fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@".contains(c);
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(plain) {
        return word.to_owned();
    }
    let seen: String = word.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    format!("'{}'", seen.replace('\'', r"'\''"))
}

/// Most urgent first: what opens the door again, then what stands, then looking.
pub(super) fn todo(members: &[&Member<'_>], actor: &[Suspect], standing: &[Standing]) -> Vec<Advice> {
    let mut list: Vec<Advice> = Vec::new();
    for suspect in actor {
        if let (Some(key), Some(user)) = (&suspect.access_key_id, suspect.name.strip_prefix("user ")) {
            list.push(Advice { why: format!("disable the key that was used: {key}"), command: disable_key(user, key) });
        }
    }
    for stands in standing.iter().filter(|s| s.kind != "session") {
        let finding = members.iter().map(|m| m.finding).find(|f| f.id == stands.finding);
        list.extend(undo(stands, finding));
    }
    let roles: BTreeSet<&str> = members
        .iter()
        .filter_map(|m| m.finding.actor.as_ref())
        .filter(|a| a.kind == "AssumedRole" && !a.key.contains("/aws-service-role/") && !a.key.contains("AWSReservedSSO_"))
        .filter_map(|a| a.key.rsplit('/').next())
        .collect();
    for role in roles {
        let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:TokenIssueTime":"NOW"}}}]}"#;
        let policy = policy.replace("\"NOW\"", "\"'$(date -u +%Y-%m-%dT%H:%M:%SZ)'\"");
        list.push(Advice {
            why: format!("end the sessions of role {role} that are open now"),
            command: format!(
                "aws iam put-role-policy --role-name {} --policy-name AWSRevokeOlderSessions --policy-document '{policy}'",
                shell_word(role)
            ),
        });
    }
    let stopped = |f: &&Finding| f.rule == "trail-gap" && f.last_time.is_none() && f.attack.iter().any(|a| a == "T1562.008");
    if members.iter().map(|m| m.finding).any(|f| stopped(&f)) {
        list.push(Advice {
            why: "switch the trail on again".to_owned(),
            command: "aws cloudtrail describe-trails && aws cloudtrail start-logging --name TRAIL".to_owned(),
        });
    }
    list.dedup();
    list
}

fn disable_key(user: &str, key: &str) -> String {
    format!("aws iam update-access-key --user-name {} --access-key-id {} --status Inactive", shell_word(user), shell_word(key))
}

/// How to take back what still stands.
fn undo(stands: &Standing, finding: Option<&Finding>) -> Option<Advice> {
    let (first, rest) = stands.id.split_once('/').unwrap_or((&stands.id, ""));
    let (one, two) = (shell_word(first), shell_word(rest));
    let was_there =
        finding.is_some_and(|f| f.evidence.iter().any(|e| matches!(e, Evidence::Change { before_sha256: Some(_), .. })));
    let region = finding
        .and_then(|f| f.region.clone())
        .filter(|r| r != "global")
        .map(|r| format!(" --region {}", shell_word(&r)))
        .unwrap_or_default();
    let show = finding.map(|f| f.show.clone()).unwrap_or_default();
    let command = match stands.kind.as_str() {
        "iam:accesskey" => disable_key(first, rest),
        "iam:loginprofile" => format!("aws iam delete-login-profile --user-name {one}"),
        "iam:user" => format!(
            "aws iam put-user-policy --user-name {one} --policy-name bartizan-hold --policy-document '{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}}]}}'"
        ),
        "iam:useringroup" => format!("aws iam remove-user-from-group --user-name {one} --group-name {two}"),
        "iam:userpolicy" if !was_there => format!("aws iam delete-user-policy --user-name {one} --policy-name {two}"),
        "iam:rolepolicy" if !was_there => format!("aws iam delete-role-policy --role-name {one} --policy-name {two}"),
        "iam:grouppolicy" if !was_there => format!("aws iam delete-group-policy --group-name {one} --policy-name {two}"),
        "iam:userpolicy" => format!(
            "aws iam put-user-policy --user-name {one} --policy-name {two} --policy-document file://before.json   # before: {show}"
        ),
        "iam:rolepolicy" => format!(
            "aws iam put-role-policy --role-name {one} --policy-name {two} --policy-document file://before.json   # before: {show}"
        ),
        "iam:assumerolepolicy" if was_there => {
            format!("aws iam update-assume-role-policy --role-name {one} --policy-document file://before.json   # before: {show}")
        }
        "ec2:snapshotpermission" => {
            format!("aws ec2 reset-snapshot-attribute --snapshot-id {one} --attribute createVolumePermission{region}")
        }
        "ec2:imagepermission" => format!("aws ec2 reset-image-attribute --image-id {one} --attribute launchPermission{region}"),
        "ec2:instance" => format!("aws ec2 stop-instances --instance-ids {one}{region}"),
        "cloudtrail:trailstatus" => format!("aws cloudtrail start-logging --name {}{region}", shell_word(&stands.id)),
        _ => show,
    };
    (!command.is_empty()).then(|| Advice { why: format!("take back: {}", stands.what), command })
}

#[cfg(test)]
mod tests {
    use super::shell_word;

    #[test]
    fn no_name_is_more_than_one_word() {
        for (word, quoted) in [
            ("plain-Name.1", "plain-Name.1"),
            ("$(reboot)", "'$(reboot)'"),
            ("a'; rm -rf /; '", r"'a'\''; rm -rf /; '\'''"),
            ("--output", "'--output'"),
            ("a\nb\u{1b}[2J", "'a?b?[2J'"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(word), quoted);
        }
    }
}
