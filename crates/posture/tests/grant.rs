//! The facts that a result is about: an acceptance holds as long as they are what they were.

use bartizan_inventory::fact::Hash;
use bartizan_posture::{
    AccountView, CheckResult, CheckVerdict, check, facts_of, grant_hash, judge,
};
use serde_json::json;

use crate::world::{READER, World, allow, block, good, look_at};

/// Kinds and ids of the facts that the failing result of a check is about, and their hash.
fn grant(world: &World, id: &str) -> (Vec<String>, Hash) {
    grant_of(world, id, "")
}

/// The same of the failing resource whose ARN ends so.
fn grant_of(world: &World, id: &str, end: &str) -> (Vec<String>, Hash) {
    look_at(&world.recorded(), &world.account(), |input| {
        let view = AccountView::new(input);
        let results = judge(&view, [check(id).expect("a check")]);
        let is_meant =
            |r: &&CheckResult| r.verdict == CheckVerdict::Fail && r.resource.ends_with(end);
        let failing = results.iter().find(is_meant);
        let facts = facts_of(&view, failing.expect("a failure"));
        let names = facts.iter().map(|f| format!("{} {}", f.kind, f.id));
        (names.collect(), grant_hash(&facts).expect("a hash"))
    })
}

#[test]
fn a_grant_is_what_the_resource_is_and_what_it_names() {
    let ssh = json!({"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]});
    let open = good()
        .set("ec2:security_group", "sg-1", json!({"IpPermissions": [ssh]}))
        .set("ec2:networkacl", "acl-1", json!({"Entries": [
            {"RuleNumber": 100, "Egress": false, "Protocol": "-1", "RuleAction": "allow", "CidrBlock": "0.0.0.0/0"},
        ]}));
    let (facts, hash) = grant(&open, "NET-03");
    assert_eq!(
        facts,
        [
            "ec2:instance i-1",
            "ec2:networkacl acl-1",
            "ec2:routetable rtb-1",
            "ec2:security_group sg-1"
        ]
    );
    // Another group of the account is no part of it; another port of this one is.
    let beside = open
        .clone()
        .with("ec2:security_group", "sg-9", json!({"GroupId": "sg-9"}));
    assert_eq!(grant(&beside, "NET-03").1, hash);
    let all = json!({"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]});
    let wider = open.set(
        "ec2:security_group",
        "sg-1",
        json!({"IpPermissions": [all]}),
    );
    assert_ne!(grant(&wider, "NET-03").1, hash);
}

#[test]
fn a_managed_policy_and_the_settings_of_the_account_are_part_of_a_grant() {
    let everything = allow(json!({"Action": "*", "Resource": "*"}));
    let world = good().policy("iam:managedpolicy", READER, &everything).set(
        "iam:user",
        "alice",
        json!({"AttachedManagedPolicies": [{"PolicyArn": READER}]}),
    );
    let (facts, hash) = grant_of(&world, "POL-01", "user/alice");
    assert!(
        facts.contains(&format!("iam:managedpolicy {READER}")),
        "{facts:?}"
    );
    let more = allow(json!({"Action": ["*"], "Resource": ["*"]}));
    let changed = world.policy("iam:managedpolicy", READER, &more);
    assert_eq!(
        grant_of(&changed, "POL-01", "user/alice").1,
        hash,
        "the same grant in other words"
    );
    let with_mfa = allow(json!({"NotAction": "iam:*", "Resource": "*"}));
    let narrower = changed
        .policy(
            "iam:managedpolicy",
            "arn:aws:iam::111122223333:policy/other",
            &with_mfa,
        )
        .policy("iam:userpolicy", "alice/all", &everything)
        .set("iam:user", "alice", json!({"AttachedManagedPolicies": []}));
    assert_ne!(grant_of(&narrower, "POL-01", "user/alice").1, hash);
    let bucket = good()
        .policy(
            "s3:bucketpolicy",
            "logs",
            &crate::world::for_everybody("s3:GetObject", "arn:aws:s3:::logs/*"),
        )
        .with("s3:bucketpublicaccessblock", "logs", block(false))
        .with("s3:accountpublicaccessblock", "account", block(false));
    let (facts, _) = grant(&bucket, "PUB-01");
    for fact in [
        "s3:bucketpolicy logs",
        "s3:accountpublicaccessblock account",
        "s3:bucketacl logs",
    ] {
        assert!(facts.iter().any(|f| f == fact), "{fact}: {facts:?}");
    }
}

#[test]
fn account_wide_results_are_about_all_of_their_kinds_but_root_alone_in_the_report() {
    let world = good().set(
        "iam:credentialreport",
        "<root_account>",
        json!({"password_last_used": "2026-05-20T00:00:00+00:00"}),
    );
    assert_eq!(
        grant(&world, "ROOT-03").0,
        ["iam:credentialreport <root_account>"]
    );
}
