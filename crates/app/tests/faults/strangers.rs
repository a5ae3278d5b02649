//! Grants to somebody from outside, and the conditions that are said to keep him out.

use serde_json::Value;

use super::input;
use crate::common::Home;

/// What `access public` says: bucket (or role), who, how sure.
fn public(on: &str) -> Vec<String> {
    let rows = Home::new().json(&["access", "public", "--on", &input(on)]);
    let one = |row: &Value| {
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        let name = text("resource")
            .rsplit([':', '/'])
            .next()
            .unwrap()
            .to_owned();
        format!(
            "{name}: {} {} {}",
            text("verdict"),
            text("class"),
            text("to")
        )
    };
    // What was not read stands behind the ways in, without a resource.
    rows.as_array()
        .unwrap()
        .iter()
        .filter(|row| row["resource"].is_string())
        .map(one)
        .collect()
}

#[test]
fn conditions_that_everybody_meets_limit_nobody() {
    assert_eq!(
        public("13-conditions-everybody-meets/dump"),
        [
            "halves: must unknown anybody",
            "office: may unknown anybody",
            "past: must unknown anybody",
            "tls: must unknown anybody",
            "world: must unknown anybody"
        ]
    );
}

#[test]
fn conditions_on_keys_that_may_be_absent_bind_nobody() {
    assert_eq!(
        public("13-conditions-that-bind-nobody/dump"),
        [
            "any-account: must unknown sns.amazonaws.com on behalf of anybody",
            "any-topic: must unknown sns.amazonaws.com on behalf of anybody",
            "deputy: must unknown s3.amazonaws.com on behalf of anybody",
            "forall: must unknown anybody",
            "forall-org: must unknown anybody",
            "twelve: must unknown anybody who has an AWS account"
        ]
    );
}

#[test]
fn keys_for_the_own_account_are_no_way_in_and_no_gain() {
    assert_eq!(public("13-own-account-by-kms-key/dump"), [""; 0]);
    let (before, after) = (
        input("13-own-account-by-kms-key/before"),
        input("13-own-account-by-kms-key/dump"),
    );
    Home::new().must(0, &["access", "diff", &before, &after]);
    let changes = changes(&before, &after);
    // The key that AWS made for EBS is no change of anybody's.
    assert!(
        changes.iter().all(|(_, id, _)| !id.contains("aaaa1111")),
        "{changes:?}"
    );
    assert!(
        changes
            .iter()
            .any(|(kind, id, _)| kind == "kms:keypolicy" && id.contains("1234abcd")),
        "{changes:?}"
    );
}

/// Kind, id, and what became of the access, of each change.
fn changes(before: &str, after: &str) -> Vec<(String, String, String)> {
    let value = Home::new().json(&["diff", before, after]);
    let value = value.as_array().map_or(&value, |list| &list[0]);
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let changes = value["changes"].as_array().unwrap().iter();
    changes
        .map(|c| {
            (
                text(&c["kind"]),
                text(&c["id"]),
                text(&c["access"]["verdict"]),
            )
        })
        .collect()
}

#[test]
fn subjects_of_tokens_are_judged_by_what_they_admit() {
    let anybody = |role: &str, host: &str| {
        format!(
            "{role}: must unknown anybody whom arn:aws:iam::111122223333:oidc-provider/{host} \
            vouches for"
        )
    };
    let github = "token.actions.githubusercontent.com";
    assert_eq!(
        public("14-subject-wildcards/account.json"),
        [
            format!("app: must friendly arn:aws:iam::111122223333:oidc-provider/{github}"),
            anybody("every", github),
            anybody("gitlab", "gitlab.com"),
            anybody("list", github),
            anybody("none", github),
            anybody("slash", github),
        ]
    );
}

#[test]
fn unique_ids_are_the_principals_that_have_them() {
    let (before, after) = (input("15-unique-ids/before"), input("15-unique-ids/after"));
    assert_eq!(
        public("15-unique-ids/after"),
        ["reports: may deleted a deleted principal AROAEXAMPLEOLD000001"]
    );
    let verdict = |who: &str, action: &str, resource: &str| {
        let out = Home::new().run(&["access", "can", who, action, resource, "--on", &after]);
        String::from_utf8_lossy(&out.stdout)
            .split_whitespace()
            .next()
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        verdict("role/live", "s3:GetObject", "arn:aws:s3:::archive/x"),
        "must"
    );
    let key = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    assert_eq!(verdict("role/live", "kms:Decrypt", key), "must");
    assert_eq!(
        verdict("user/ann", "s3:GetObject", "arn:aws:s3:::archive/x"),
        "no"
    );
    assert_eq!(
        verdict("user/ann", "s3:GetObject", "arn:aws:s3:::reports/x"),
        "must"
    );

    let policies: Vec<_> = changes(&before, &after)
        .into_iter()
        .filter(|(kind, ..)| kind.ends_with("policy"))
        .collect();
    let of = |id: &str| {
        policies
            .iter()
            .find(|(_, i, _)| i.contains(id))
            .map(|(_, _, access)| access.as_str())
    };
    // The same grant in another spelling; a grant that is lost.
    assert_eq!(
        (of("archive"), of("1234abcd"), of("reports")),
        (None, None, Some("shrank")),
        "{policies:?}"
    );
    Home::new().must(0, &["access", "diff", &before, &after]);
}

/// Findings of a trail: rule, severity, and who called.
fn findings(trail: &str) -> Vec<(String, String, String)> {
    let out = Home::new().must(0, &["detect", &input(trail), "--format", "ndjson"]);
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let line = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap();
        (
            text(&value["title"]),
            text(&value["severity"]),
            text(&value["actor"]["arn"]),
        )
    };
    out.lines().map(line).collect()
}

/// The worst that is said of a caller.
fn worst<'a>(found: &'a [(String, String, String)], user: &str) -> &'a str {
    let rank = ["info", "low", "medium", "high", "critical"];
    let of = found
        .iter()
        .filter(|(_, _, arn)| arn.ends_with(&format!("user/{user}")));
    let place = |severity: &str| rank.iter().position(|r| *r == severity);
    of.map(|(_, severity, _)| severity.as_str())
        .max_by_key(|s| place(s))
        .unwrap_or("nothing")
}

#[test]
fn one_condition_does_not_silence_detect() {
    let found = findings("13-one-condition-silences-detect/trail.json");
    let said: Vec<&str> = (1..=12)
        .map(|n| worst(&found, &format!("u{n:02}")))
        .collect();
    let high = "high";
    assert_eq!(
        said,
        [
            high, "nothing", high, high, high, high, high, high, high, high, "nothing", high
        ],
        "{found:#?}"
    );
}

#[test]
fn a_unique_id_in_a_request_is_a_stranger() {
    let found = findings("15-unique-ids-in-requests/trail.json");
    let said: Vec<&str> = (1..=4)
        .map(|n| worst(&found, &format!("u{n:02}")))
        .collect();
    assert_eq!(said, ["high", "medium", "medium", "medium"], "{found:#?}");
}
