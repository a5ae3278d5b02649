//! `bartizan access` as a user runs it.

use std::io::Write;

use serde_json::{Value, json};

use crate::common::{Home, root};

fn example(name: &str) -> String {
    root()
        .join("examples")
        .join(name)
        .to_str()
        .unwrap()
        .to_owned()
}

/// What the CLI prints for a bucket that has none.
const NO_POLICY: &str = "An error occurred (NoSuchBucketPolicy) when calling the GetBucketPolicy \
operation: The bucket policy does not exist";

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn every_rung_of_the_example_is_told() {
    let home = Home::new();
    let account = example("ladder/account.json");
    let found = parsed(&home.must(
        0,
        &["access", "escalate", "--on", &account, "--format", "json"],
    ));
    let list = found["escalations"].as_array().unwrap();
    let of = |name: &str| {
        list.iter()
            .find(|e| e["principal"].as_str().unwrap().ends_with(name))
            .cloned()
            .unwrap_or_default()
    };
    for (name, rung, verdict) in [
        ("user/ada", "A", "must"),
        ("user/bea", "B", "must"),
        ("user/cleo", "C", "must"),
        ("user/dan", "D", "must"),
        ("user/eve", "E", "must"),
        ("user/finn", "F", "may"),
        ("user/gus", "G", "must"),
    ] {
        let one = of(name);
        assert_eq!(
            (one["rung"].as_str(), one["verdict"].as_str()),
            (Some(rung), Some(verdict)),
            "{name}: {one}"
        );
        assert_eq!(
            one["commands"].as_array().unwrap().is_empty(),
            one["steps"].as_array().unwrap().is_empty(),
            "{name}"
        );
    }
    assert_eq!((of("user/hal"), of("user/ivy")), (Value::Null, Value::Null));
    let limited = found["limited"][0].clone();
    assert_eq!(
        (limited["principal"].as_str(), limited["way"].as_str()),
        (Some("arn:aws:iam::111122223333:user/hal"), Some("iam-007"))
    );
    assert!(
        found["assumptions"][0]
            .as_str()
            .unwrap()
            .contains("2026-09-26")
    );
    // One principal: with what it holds, and the commands.
    let text = home.must(0, &["access", "escalate", "eve", "--on", &account]);
    assert!(
        text.contains("$ aws lambda create-function") && text.contains("lambda: write 2/"),
        "{text}"
    );
    let error = home.must(1, &["access", "escalate", "nobody", "--on", &account]);
    assert!(error.is_empty());
}

#[test]
fn questions_are_answered_with_a_reason() {
    let home = Home::new();
    let account = example("ladder/account.json");
    let ask = |code: i32, who: &str, action: &str, what: &str| {
        parsed(&home.must(
            code,
            &[
                "access", "can", who, action, what, "--on", &account, "--format", "json",
            ],
        ))
    };
    let ivy = ask(0, "ivy", "s3:GetObject", "arn:aws:s3:::reports/a");
    // The policy of the bucket, which is not in this file, may deny it, and allow it on others.
    assert_eq!(ivy["verdict"], "may");
    assert_eq!(
        ivy["because"][0],
        "identity policy user/ivy/own, statement 1: allows it"
    );
    let unread = "the policy of arn:aws:s3:::reports was not read (s3:bucketpolicy not asked): it \
    may allow or deny it";
    assert_eq!(ivy["unread"], json!([unread]));
    assert_eq!(
        ask(0, "ivy", "s3:GetObject", "arn:aws:s3:::other/a")["verdict"],
        "may"
    );
    assert_eq!(
        ask(
            10,
            "ivy",
            "iam:CreateUser",
            "arn:aws:iam::111122223333:user/x"
        )["decision"],
        "implicitly-denied"
    );
    let finn = ask(
        0,
        "finn",
        "sts:AssumeRole",
        "arn:aws:iam::111122223333:role/deploy",
    );
    assert_eq!(
        (&finn["verdict"], &finn["conditions"][0]),
        (
            &json!("may"),
            &json!("aws:MultiFactorAuthPresent Bool true")
        )
    );
    // What is no action or no resource is refused: a no would be a wrong comfort.
    let refused = |action: &str, resource: &str| {
        home.fails(
            1,
            &["access", "can", "ivy", action, resource, "--on", &account],
        )
    };
    refused("s3GetObject", "*");
    assert!(refused("s3:GetObjct", "arn:aws:s3:::b/k").contains("did you mean s3:GetObject?"));
    assert!(refused("s3:ListBucket", "payroll").contains("such as arn:aws:s3:::payroll"));
    // Gus holds everything, but the fence lets little through.
    assert_eq!(
        ask(10, "user/gus", "ec2:RunInstances", "*")["because"][0],
        "permission boundary: does not allow it"
    );
    // Somebody of another account, as far as this one has a say.
    let partner = ask(
        0,
        "arn:aws:iam::999988887777:user/x",
        "sts:AssumeRole",
        "arn:aws:iam::111122223333:role/partner",
    );
    assert_eq!(partner["verdict"], "may");
    assert!(partner["because"].to_string().contains("not visible here"));

    let rows = home.must(
        0,
        &[
            "access",
            "who-can",
            "iam:CreateAccessKey",
            "arn:aws:iam::111122223333:user/ada",
            "--on",
            &account,
            "--format",
            "ndjson",
        ],
    );
    let who: Vec<String> = rows
        .lines()
        .map(|l| {
            parsed(l)["principal"]
                .as_str()
                .unwrap()
                .rsplit(':')
                .next()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(
        who,
        [
            "role/build",
            "role/deploy",
            "user/ada",
            "user/bea",
            "user/dan"
        ]
    );
}

#[test]
fn grants_of_keys_are_a_way_of_their_own() {
    let home = Home::new();
    let folder = home.path("dump/111122223333/eu-west-1");
    std::fs::create_dir_all(folder.join("kms-list-grants")).unwrap();
    let key = "arn:aws:kms:eu-west-1:111122223333:key/k1";
    std::fs::copy(
        example("ladder/account.json"),
        folder.join("iam-get-account-authorization-details.json"),
    )
    .unwrap();
    std::fs::write(
        folder.join("kms-list-keys.json"),
        json!({"Keys": [{"KeyId": "k1", "KeyArn": key}]}).to_string(),
    )
    .unwrap();
    let grant = json!({
        "KeyId": key,
        "GrantId": "g1",
        "GranteePrincipal": "arn:aws:iam::111122223333:user/ivy",
        "Operations": ["Decrypt"],
    });
    let described = json!({"KeyMetadata": {"KeyId": "k1", "Arn": key, "KeyManager": "CUSTOMER"}});
    std::fs::create_dir_all(folder.join("kms-describe-key")).unwrap();
    std::fs::write(folder.join("kms-describe-key/k1"), described.to_string()).unwrap();
    std::fs::write(
        folder.join("kms-list-grants/k1"),
        json!({"Grants": [grant]}).to_string(),
    )
    .unwrap();
    let root = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
            "Action": "kms:*",
            "Resource": "*",
        }],
    });
    std::fs::create_dir_all(folder.join("kms-get-key-policy")).unwrap();
    std::fs::write(
        folder.join("kms-get-key-policy/k1"),
        json!({"Policy": root.to_string(), "PolicyName": "default"}).to_string(),
    )
    .unwrap();
    let dump = home.path("dump");
    let ask = |who: &str, on: &str| {
        let output = home
            .command(&[
                "access",
                "can",
                who,
                "kms:Decrypt",
                key,
                "--on",
                on,
                "--format",
                "json",
            ])
            .output()
            .unwrap();
        parsed(&String::from_utf8(output.stdout).unwrap())
    };
    let ivy = ask("ivy", dump.to_str().unwrap());
    assert_eq!(
        (
            &ivy["verdict"],
            ivy["because"].to_string().contains("grant g1: allows it")
        ),
        (&json!("must"), true),
        "{ivy}"
    );
    assert!(
        !ivy["assumptions"].to_string().contains("grants"),
        "they were read: {ivy}"
    );
    // Where grants were not read, nobody can say no.
    let other = ask("ivy", &example("ladder/account.json"));
    assert_eq!(
        (&other["verdict"], &other["decision"]),
        (&json!("may"), &json!("unknown")),
        "{other}"
    );
    assert!(
        other["unread"]
            .to_string()
            .contains("grants of the key were not read"),
        "{other}"
    );
}

#[test]
fn acls_and_launch_templates_of_a_dump_have_a_say() {
    let home = Home::new();
    let folder = home.path("dump/111122223333/eu-west-1");
    std::fs::create_dir_all(folder.join("s3api-get-bucket-acl")).unwrap();
    std::fs::create_dir_all(folder.join("ec2-describe-launch-template-versions")).unwrap();
    let arn = |what: &str| format!("arn:aws:iam::111122223333:{what}");
    let allow = |action: Value| {
        json!({
            "Version": "2012-10-17",
            "Statement": {"Effect": "Allow", "Action": action, "Resource": "*"},
        })
    };
    let profile = arn("instance-profile/fleet/strong");
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        },
    });
    let details = json!({
        "UserDetailList": [{"UserName": "tess", "Arn": arn("user/tess"), "UserPolicyList": [
            {
                "PolicyName": "p",
                "PolicyDocument": allow(json!([
                    "ec2:CreateLaunchTemplateVersion",
                    "ec2:ModifyLaunchTemplate",
                ])),
            }]}],
        "RoleDetailList": [{"RoleName": "strong", "Arn": arn("role/strong"), "AssumeRolePolicyDocument": trust,
            "RolePolicyList": [{
                "PolicyName": "all",
                "PolicyDocument": allow(json!("*")),
            }], "InstanceProfileList": [{"Arn": profile}]}],
    });
    let write =
        |name: &str, value: Value| std::fs::write(folder.join(name), value.to_string()).unwrap();
    write("iam-get-account-authorization-details.json", details);
    write(
        "s3api-list-buckets.json",
        json!({"Buckets": [{"Name": "site", "BucketRegion": "eu-west-1"}]}),
    );
    let everybody =
        json!({"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"});
    write(
        "s3api-get-bucket-acl/site",
        json!({"Owner": {"ID": "o"}, "Grants": [{"Grantee": everybody, "Permission": "READ"}]}),
    );
    write(
        "ec2-describe-launch-templates.json",
        json!({"LaunchTemplates": [{"LaunchTemplateId": "lt-1", "LaunchTemplateName": "web"}]}),
    );
    let version = json!({
        "LaunchTemplateId": "lt-1",
        "VersionNumber": 1,
        "LaunchTemplateData": {"IamInstanceProfile": {"Name": "strong"}},
    });
    write(
        "ec2-describe-launch-template-versions/lt-1",
        json!({"LaunchTemplateVersions": [version]}),
    );
    for (call, answer) in [
        ("location", r#"{"LocationConstraint": "eu-west-1"}"#),
        ("policy", NO_POLICY),
    ] {
        std::fs::create_dir_all(folder.join(format!("s3api-get-bucket-{call}"))).unwrap();
        std::fs::write(folder.join(format!("s3api-get-bucket-{call}/site")), answer).unwrap();
    }
    let dump = home.path("dump");
    let dump = dump.to_str().unwrap();

    let who = home.must(
        0,
        &[
            "access",
            "who-can",
            "s3:ListBucket",
            "arn:aws:s3:::site",
            "--on",
            dump,
        ],
    );
    let anybody = who
        .lines()
        .find(|l| l.contains("anybody "))
        .unwrap_or_else(|| panic!("{who}"));
    assert!(
        anybody.starts_with("must") && anybody.contains("ACL of bucket site: READ for everybody"),
        "{who}"
    );
    let found = parsed(&home.must(
        0,
        &[
            "access", "escalate", "tess", "--on", dump, "--format", "json",
        ],
    ));
    let tess = &found["escalations"][0];
    assert_eq!(
        (tess["verdict"].as_str(), tess["steps"][0]["way"].as_str()),
        (Some("must"), Some("ec2-004")),
        "{found}"
    );
}

/// An organization in a dump: what its root and units forbid, its accounts cannot do.
#[test]
fn policies_of_the_organization_reach_its_accounts() {
    let home = Home::new();
    let management = home.path("dump/999900001111/us-east-1");
    for folder in [
        "describe-policy",
        "list-targets-for-policy",
        "list-accounts-for-parent",
        "list-organizational-units-for-parent",
    ] {
        std::fs::create_dir_all(management.join(format!("organizations-{folder}"))).unwrap();
    }
    let write = |name: &str, value: Value| {
        std::fs::write(
            management.join(format!("organizations-{name}")),
            value.to_string(),
        )
        .unwrap()
    };
    write(
        "describe-organization.json",
        json!({"Organization": {"Id": "o-1", "MasterAccountId": "999900001111"}}),
    );
    write(
        "list-roots.json",
        json!({"Roots": [{"Id": "r-1", "Arn": "a", "Name": "Root"}]}),
    );
    write(
        "list-organizational-units-for-parent/r-1",
        json!({"OrganizationalUnits": [{"Id": "ou-1", "Arn": "a", "Name": "workloads"}]}),
    );
    write(
        "list-organizational-units-for-parent/ou-1",
        json!({"OrganizationalUnits": []}),
    );
    let account = |id: &str| json!({"Id": id, "Arn": "a", "Name": id, "Status": "ACTIVE"});
    write(
        "list-accounts.json",
        json!({"Accounts": [account("999900001111"), account("111122223333")]}),
    );
    write(
        "list-accounts-for-parent/r-1",
        json!({"Accounts": [account("999900001111")]}),
    );
    write(
        "list-accounts-for-parent/ou-1",
        json!({"Accounts": [account("111122223333")]}),
    );
    let all = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    let no_iam = json!({"Sid": "NoIam", "Effect": "Deny", "Action": "iam:*", "Resource": "*"});
    let rcp = json!({
        "Sid": "OwnOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "*",
        "Condition": {"StringNotEqualsIfExists": {"aws:PrincipalAccount": "111122223333"}},
    });
    let rcp_all = json!({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"});
    let policies = [
        (
            "p-full",
            "SERVICE_CONTROL_POLICY",
            all,
            vec!["r-1", "ou-1", "111122223333", "999900001111"],
        ),
        ("p-noiam", "SERVICE_CONTROL_POLICY", no_iam, vec!["ou-1"]),
        (
            "p-rcpfull",
            "RESOURCE_CONTROL_POLICY",
            rcp_all,
            vec!["r-1", "ou-1", "111122223333"],
        ),
        ("p-own", "RESOURCE_CONTROL_POLICY", rcp, vec!["r-1"]),
    ];
    for (kind, file) in [
        ("SERVICE_CONTROL_POLICY", "list-policies"),
        ("RESOURCE_CONTROL_POLICY", "list-resource-control-policies"),
    ] {
        let summaries: Vec<_> = policies
            .iter()
            .filter(|p| p.1 == kind)
            .map(|p| json!({"Id": p.0, "Type": kind, "Name": p.0}))
            .collect();
        write(&format!("{file}.json"), json!({"Policies": summaries}));
    }
    for (id, _, statement, targets) in &policies {
        let content = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
        write(
            &format!("describe-policy/{id}"),
            json!({"Policy": {"PolicySummary": {"Id": id}, "Content": content}}),
        );
        let targets: Vec<_> = targets
            .iter()
            .map(|t| json!({"TargetId": t, "Arn": "a", "Name": "n", "Type": "X"}))
            .collect();
        write(
            &format!("list-targets-for-policy/{id}"),
            json!({"Targets": targets}),
        );
    }
    for account in ["111122223333", "999900001111"] {
        let folder = home.path(&format!("dump/{account}/us-east-1"));
        std::fs::create_dir_all(&folder).unwrap();
        let details = json!({
            "UserDetailList": [{"UserName": "ann", "Arn": format!("arn:aws:iam::{account}:user/ann"), "UserPolicyList": [
                {
                    "PolicyName": "p",
                    "PolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": {
                            "Effect": "Allow",
                            "Action": ["iam:PutUserPolicy", "s3:*"],
                            "Resource": "*",
                        },
                    },
                }]}],
        });
        std::fs::write(
            folder.join("iam-get-account-authorization-details.json"),
            details.to_string(),
        )
        .unwrap();
    }
    // The one account has a bucket without a policy.
    let own = home.path("dump/111122223333/us-east-1");
    std::fs::create_dir_all(own.join("s3-get-bucket-policy")).unwrap();
    std::fs::write(
        own.join("s3-list-buckets.json"),
        json!({"Buckets": [{"Name": "b"}]}).to_string(),
    )
    .unwrap();
    std::fs::write(own.join("s3-get-bucket-policy/b"), NO_POLICY).unwrap();
    let dump = home.path("dump");
    let dump = dump.to_str().unwrap();
    let ask = |code: i32, who: &str, action: &str, what: &str| {
        parsed(&home.must(
            code,
            &[
                "access", "can", who, action, what, "--on", dump, "--format", "json",
            ],
        ))
    };
    let ann = |account: &str| format!("arn:aws:iam::{account}:user/ann");
    let denied = ask(
        10,
        &ann("111122223333"),
        "iam:PutUserPolicy",
        &ann("111122223333"),
    );
    assert_eq!(denied["decision"], "explicitly-denied");
    assert_eq!(
        denied["because"][0],
        "service control policy p-noiam, statement 1 (NoIam): denies it"
    );
    assert!(
        !denied["assumptions"].to_string().contains("SCPs"),
        "{denied}"
    );
    assert_eq!(
        ask(0, &ann("111122223333"), "s3:GetObject", "arn:aws:s3:::b/k")["verdict"],
        "must"
    );
    // A resource control policy keeps others out of what is the account's.
    let outside = ask(
        10,
        "arn:aws:iam::777788889999:user/x",
        "s3:GetObject",
        "arn:aws:s3:::b/k",
    );
    assert_eq!(
        outside["because"][0],
        "resource control policy p-own, statement 1 (OwnOnly): denies it"
    );
    // The management account is bound by none.
    assert_eq!(
        ask(
            0,
            &ann("999900001111"),
            "iam:PutUserPolicy",
            &ann("999900001111")
        )["verdict"],
        "must"
    );
    let found = parsed(&home.must(0, &["access", "escalate", "--on", dump, "--format", "json"]));
    let rows = found
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|account| account["escalations"].as_array().unwrap());
    let who: Vec<_> = rows
        .map(|e| e["principal"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(who, [ann("999900001111")], "{found}");
}

#[test]
fn what_is_open_to_outside_is_told_and_what_is_known_is_named() {
    let home = Home::new();
    let account = example("ladder/account.json");
    let rows = |args: &[&str]| {
        parsed(
            &home.must(
                0,
                &[
                    &["access", "public", "--on", &account, "--format", "json"],
                    args,
                ]
                .concat(),
            ),
        )
    };
    assert_eq!(rows(&[])[0]["class"], "unknown");
    assert_eq!(
        rows(&["--friendly", "999988887777"])[0]["class"],
        "friendly"
    );
    std::fs::write(
        home.path("vendors.yaml"),
        "- name: Watcher\n  accounts: ['999988887777']\n",
    )
    .unwrap();
    let vendors = rows(&["--vendors", home.path("vendors.yaml").to_str().unwrap()]);
    assert_eq!(
        (&vendors[0]["class"], &vendors[0]["name"]),
        (&json!("vendor"), &json!("Watcher"))
    );
}

#[test]
fn two_snapshots_differ_by_who_gained_what() {
    let home = Home::new();
    // The bucket of the logs is open to the service for anybody, and is not read again.
    for (name, time, policy) in [
        ("before", "20260301T000000Z", true),
        ("after", "20260315T000000Z", false),
    ] {
        let folder = std::path::PathBuf::from(example("heist/config")).join(time);
        crate::watch::copy(&folder, &home.path(name), &mut |file| vec![file.to_owned()]);
        let file = home
            .path(name)
            .join("111122223333/us-east-1/s3-get-bucket-policy/audit-logs");
        let open = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": {"Service": "cloudtrail.amazonaws.com"},
                "Action": "s3:PutObject",
                "Resource": "arn:aws:s3:::audit-logs/*",
            }],
        });
        if policy {
            std::fs::write(file, json!({"Policy": open.to_string()}).to_string()).unwrap();
        } else {
            std::fs::remove_file(file).unwrap();
        }
    }
    let (before, after) = ("before".to_owned(), "after".to_owned());
    let found = parsed(&home.must(10, &["access", "diff", &before, &after, "--format", "json"]));
    assert_eq!(
        found["escalations"][0]["sentence"],
        "GREW   user/ci-deploy can now do everything (rung A)"
    );
    let opened: Vec<&Value> = found["opened"]
        .as_array()
        .unwrap()
        .iter()
        .map(|o| &o["to"])
        .collect();
    assert_eq!(opened, ["account 999988887777"; 2]);
    // The bucket policy was not read again: that is not a door that shut.
    assert_eq!(found["shut"], json!([]));
    assert!(
        found["unknown"][0]
            .as_str()
            .unwrap()
            .contains("incomplete in the later snapshot (s3:GetBucketPolicy ")
    );
    // And the same from the other command.
    let diff = parsed(&home.must(0, &["diff", &before, &after, "--format", "json"]));
    assert_eq!(diff["access"], found);
    let grew: Vec<&Value> = diff["changes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|c| c["access"]["verdict"] == "grew")
        .collect();
    assert_eq!(grew.len(), 2, "{grew:?}");
    assert!(
        home.must(0, &["access", "diff", &before, &before])
            .contains("nobody gained or lost anything")
    );
}

#[test]
fn policies_differ_by_what_they_allow() {
    let home = Home::new();
    let (old, new) = (example("ladder/old.json"), example("ladder/new.json"));
    let found = parsed(&home.must(
        10,
        &["access", "policy-diff", &old, &new, "--format", "json"],
    ));
    assert_eq!(
        (
            found["gained"].as_array().unwrap().len(),
            found["lost"].as_array().unwrap().len()
        ),
        (2, 0)
    );
    assert_eq!(
        found["gained"][1]["witness"]["context"]["aws:sourceip"],
        "203.0.113.0"
    );
    let back = parsed(&home.must(
        0,
        &["access", "policy-diff", &new, &old, "--format", "json"],
    ));
    assert_eq!(
        (
            back["gained"].as_array().unwrap().len(),
            back["lost"].as_array().unwrap().len()
        ),
        (0, 2)
    );
    std::fs::write(home.path("no-policy.json"), "{}").unwrap();
    home.must(
        1,
        &[
            "access",
            "policy-diff",
            &old,
            home.path("no-policy.json").to_str().unwrap(),
        ],
    );
    assert!(
        home.must(0, &["access", "policy-diff", &old, &old])
            .contains("the policies allow the same")
    );
}

#[test]
fn cases_are_decided_one_a_line() {
    let home = Home::new();
    let allow = json!({
        "Version": "2012-10-17",
        "Statement": [{"Sid": "Read", "Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}],
    });
    let request = |principal: Value| {
        json!({
            "action": "s3:GetObject",
            "resource": {"arn": "arn:aws:s3:::b/k", "account": "111122223333"},
            "principal": principal,
        })
    };
    let user = json!({"arn": "arn:aws:iam::111122223333:user/alice"});
    let everybody = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::b/*",
        }],
    });
    let cases = [
        (
            json!({
                "name": "identity",
                "request": request(user.clone()),
                "identity_policies": [allow],
            }),
            "allowed",
        ),
        (
            json!({
                "request": request(user.clone()),
                "identity_policies": [allow.to_string()],
                "scp_levels": [[]],
            }),
            "implicitly-denied",
        ),
        (
            json!({"request": request(json!({"anonymous": true})), "resource_policy": everybody}),
            "allowed",
        ),
        (
            json!({"request": request(json!({"anonymous": true})), "resource_policy": everybody,
                "block_public_access": {"bucket": {"RestrictPublicBuckets": true}}}),
            "implicitly-denied",
        ),
        (
            json!({
                "request": request(json!({"service": "ec2.amazonaws.com"})),
                "resource_policy": null,
            }),
            "implicitly-denied",
        ),
        (
            json!({
                "request": request(json!({"arn": "arn:aws:iam::444455556666:user/eve"})),
                "identity_policies": [allow],
                "resource_policy": everybody,
            }),
            "allowed",
        ),
        (
            json!({"request": request(user.clone()), "identity_policies": [{"Statement": 1}]}),
            "unknown",
        ),
        (json!({"request": {"action": "s3:GetObject"}}), "unknown"),
        (
            json!({
                "request": request(user),
                "identity_policies": [allow],
                "permission_boundaries": [{"Version": "2012-10-17", "Statement":
                    [{
                        "Effect": "Deny",
                        "Action": "*",
                        "Resource": "*",
                        "Condition": {"StringSounds": {"a": "b"}},
                    }, {"Effect": "Allow", "Action": "*", "Resource": "*"}]}],
            }),
            "unknown",
        ),
    ];
    let mut file = std::fs::File::create(home.path("cases.ndjson")).unwrap();
    cases
        .iter()
        .for_each(|(case, _)| writeln!(file, "{case}\n").unwrap());
    let text = home.must(
        1,
        &[
            "access",
            "eval",
            home.path("cases.ndjson").to_str().unwrap(),
        ],
    );
    let decisions: Vec<Value> = text.lines().map(parsed).collect();
    assert_eq!(decisions.len(), cases.len());
    for ((case, wanted), got) in cases.iter().zip(&decisions) {
        assert_eq!(got["decision"], *wanted, "{case}\n{got}");
        assert!(!got["because"].as_array().unwrap().is_empty());
    }
    assert_eq!(
        decisions[0],
        json!({"name": "identity", "decision": "allowed", "because": ["identity policy 1, \
        statement 1 (Read): allows it"]})
    );
}

/// Answer in JSON to a question about the accounts of the ladder.
fn of_ladder(home: &Home, code: i32, args: &[&str]) -> serde_json::Value {
    let account = root().join("examples/ladder/account.json");
    let account = account.to_str().unwrap();
    let args = [&["access"], args, &["--on", account, "--format", "json"]].concat();
    parsed(&home.must(code, &args))
}

#[test]
fn a_wildcard_is_a_set_of_which_all_some_or_none_is_allowed() {
    let home = Home::new();
    let roles = "arn:aws:iam::111122223333:role/*";
    let ada = of_ladder(&home, 0, &["can", "ada", "iam:*", roles]);
    assert_eq!(
        (&ada["extent"], &ada["verdict"]),
        (&json!("all"), &json!("must"))
    );
    let users = "arn:aws:iam::111122223333:user/*";
    let cleo = of_ladder(&home, 0, &["can", "cleo", "iam:Put*", users]);
    assert_eq!(cleo["extent"], "some");
    let allowed = &cleo["classes"][0];
    assert_eq!(allowed["actions"], json!(["iam:PutUserPolicy"]));
    assert_eq!(
        allowed["resources"][0]["patterns"],
        json!(["arn:aws:iam::111122223333:user/cleo"])
    );
    let eve = of_ladder(&home, 10, &["can", "eve", "iam:Put*", users]);
    assert_eq!(eve["extent"], "none");
    let who = of_ladder(&home, 0, &["who-can", "iam:Put*", users]);
    let cleo = |row: &&serde_json::Value| row["principal"].as_str().unwrap().ends_with("user/cleo");
    assert_eq!(
        who.as_array().unwrap().iter().find(cleo).unwrap()["extent"],
        "some"
    );
    for (action, resource, said) in [
        ("x*:Get", "*", "no pattern of actions"),
        (
            "s3:Nothing*",
            "*",
            "AWS has no action that s3:Nothing* matches",
        ),
        ("s3:*", "payroll", "is no ARN"),
        (
            "sqs:*",
            "arn:aws:s3:::b/*",
            "no action that sqs:* matches is asked on",
        ),
    ] {
        let account = root().join("examples/ladder/account.json");
        let args = [
            "access",
            "can",
            "ada",
            action,
            resource,
            "--on",
            account.to_str().unwrap(),
        ];
        assert!(home.fails(1, &args).contains(said), "{action}");
    }
}

#[test]
fn what_is_known_of_a_request_narrows_the_answer() {
    let home = Home::new();
    let deploy = "arn:aws:iam::111122223333:role/deploy";
    let finn = |code: i32, more: &[&str]| {
        let args = [&["can", "finn", "sts:AssumeRole", deploy], more].concat();
        of_ladder(&home, code, &args)["verdict"].clone()
    };
    assert_eq!(finn(0, &[]), "may");
    let mfa = "aws:MultiFactorAuthPresent";
    assert_eq!(finn(0, &["--context", &format!("{mfa}=true")]), "must");
    assert_eq!(finn(10, &["--context", &format!("{mfa}=false")]), "no");
    assert_eq!(finn(10, &["--context", &format!("{mfa}=")]), "no");
    let session = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow",
        "Action": "s3:*", "Resource": "*"}});
    std::fs::write(home.path("session.json"), session.to_string()).unwrap();
    let file = home.path("session.json");
    let build = |action: &str, code: i32| {
        let args = [
            "can",
            "role/build",
            action,
            "*",
            "--as-session",
            "run-1",
            "--session-policy",
        ];
        of_ladder(
            &home,
            code,
            &[&args[..], &[file.to_str().unwrap()]].concat(),
        )["verdict"]
            .clone()
    };
    assert_eq!(build("s3:ListAllMyBuckets", 0), "must");
    assert_eq!(build("ec2:DescribeInstances", 10), "no");
    // The policy of an endpoint that was read.
    let dump = home.path("dump");
    std::fs::create_dir(&dump).unwrap();
    std::fs::copy(
        root().join("examples/ladder/account.json"),
        dump.join("iam-get-account-authorization-details.json"),
    )
    .unwrap();
    let endpoint = json!({"VpcEndpoints": [{"VpcEndpointId": "vpce-1", "VpcId": "vpc-1",
        "PolicyDocument": session.to_string()}]});
    std::fs::create_dir(dump.join("us-east-1")).unwrap();
    std::fs::write(
        dump.join("us-east-1/ec2-describe-vpc-endpoints.json"),
        endpoint.to_string(),
    )
    .unwrap();
    let ada = |action: &str, code: i32| {
        let args = [
            "access",
            "can",
            "ada",
            action,
            "*",
            "--from-vpce",
            "vpce-1",
            "--on",
        ];
        let args = [&args[..], &[dump.to_str().unwrap(), "--format", "json"]].concat();
        parsed(&home.must(code, &args))["verdict"].clone()
    };
    assert_eq!(ada("ec2:DescribeInstances", 10), "no");
    assert_ne!(ada("s3:ListAllMyBuckets", 0), "no");
}

#[test]
fn services_and_tokens_ask_as_callers() {
    let home = Home::new();
    let build = "arn:aws:iam::111122223333:role/build";
    let can = |code: i32, who: &str| {
        of_ladder(&home, code, &["can", who, "sts:AssumeRole", build])["verdict"].clone()
    };
    assert_eq!(can(0, "service:lambda.amazonaws.com"), "must");
    assert_eq!(can(10, "service:ec2.amazonaws.com"), "no");
    assert_eq!(can(10, "anonymous"), "no");
    let trust = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow",
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated":
            "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},
        "Condition": {"StringLike": {"token.actions.githubusercontent.com:sub":
            "repo:acme/infra:*"}}}});
    let details = json!({"RoleDetailList": [{"RoleName": "gh", "RolePolicyList": [],
        "Arn": "arn:aws:iam::111122223333:role/gh", "AssumeRolePolicyDocument": trust}]});
    std::fs::write(home.path("gaad.json"), details.to_string()).unwrap();
    let token = |code: i32, subject: &str| {
        let who = format!("{subject}@token.actions.githubusercontent.com");
        let role = "arn:aws:iam::111122223333:role/gh";
        let call = "sts:AssumeRoleWithWebIdentity";
        let args = [
            "access",
            "can",
            &who,
            call,
            role,
            "--on",
            "gaad.json",
            "--format",
            "json",
        ];
        parsed(&home.must(code, &args))["verdict"].clone()
    };
    assert_eq!(token(0, "repo:acme/infra:ref:refs/heads/main"), "must");
    assert_eq!(token(10, "repo:mallory/infra:ref:refs/heads/main"), "no");
}

#[test]
fn effective_access_is_a_policy_and_reach_tells_what_can_be_become() {
    let home = Home::new();
    let eve = of_ladder(&home, 0, &["effective", "eve"]);
    let names = json!([
        "iam:PassRole",
        "lambda:CreateFunction",
        "lambda:InvokeFunction"
    ]);
    assert_eq!(eve["must"]["Statement"][0]["Action"], names);
    assert_eq!(
        (&eve["may"]["Statement"], &eve["left_out"]),
        (&json!([]), &json!([]))
    );
    let finn = of_ladder(&home, 0, &["effective", "finn"]);
    let condition = json!({"Bool": {"aws:MultiFactorAuthPresent": ["true"]}});
    assert!(
        finn["may"].to_string().contains(&condition.to_string()),
        "{finn}"
    );
    let rows = of_ladder(&home, 0, &["reach", "finn"]);
    let becomes = |row: &&serde_json::Value| row["kind"] == "become";
    let become_row = rows.as_array().unwrap().iter().find(becomes).unwrap();
    assert_eq!(
        become_row["roles"],
        json!(["arn:aws:iam::111122223333:role/deploy"])
    );
    assert_eq!(become_row["verdict"], "may");
}

#[test]
fn what_a_trail_does_not_show_is_kept() {
    let home = Home::new();
    let record = json!({"eventVersion": "1.08", "eventTime": "2026-03-01T10:00:00Z",
        "eventSource": "lambda.amazonaws.com", "eventName": "CreateFunction20150331",
        "awsRegion": "us-east-1", "eventID": "00000000-0000-4000-8000-000000000001",
        "eventType": "AwsApiCall", "recipientAccountId": "111122223333",
        "sourceIPAddress": "203.0.113.9", "userAgent": "aws-cli/2",
        "userIdentity": {"type": "IAMUser", "userName": "eve", "accountId": "111122223333",
            "arn": "arn:aws:iam::111122223333:user/eve", "principalId": "AIDAEVE"}});
    let trail = home.path("trail.json");
    std::fs::write(&trail, json!({"Records": [record]}).to_string()).unwrap();
    let trail = trail.to_str().unwrap().to_owned();
    let eve = of_ladder(&home, 0, &["unused", "eve", "--trail", &trail]);
    assert_eq!(eve["used"], json!(["lambda:CreateFunction"]));
    // PassRole is no call, and invocations are data events.
    assert_eq!(
        eve["not_visible"],
        json!(["iam:PassRole", "lambda:InvokeFunction"])
    );
    assert_eq!(
        (&eve["never_used"], &eve["allows_nothing_new"]),
        (&json!([]), &json!(true))
    );
    let bea = of_ladder(&home, 10, &["unused", "bea", "--trail", &trail]);
    assert_eq!(
        (&bea["used"], &bea["allows_nothing_new"]),
        (&json!([]), &json!(true))
    );
    let last = json!({"JobStatus": "COMPLETED", "ServicesLastAccessed": [
        {"ServiceNamespace": "lambda", "LastAuthenticated": "2026-03-01T10:00:00Z",
            "TrackedActionsLastAccessed": [{"ActionName": "CreateFunction",
                "LastAccessedTime": "2026-03-01T10:00:00Z"}, {"ActionName": "Invoke"}]}]});
    std::fs::write(home.path("last.json"), last.to_string()).unwrap();
    let file = home.path("last.json");
    let eve = of_ladder(
        &home,
        0,
        &["unused", "eve", "--last-accessed", file.to_str().unwrap()],
    );
    assert_eq!(eve["used"], json!(["lambda:CreateFunction"]));
}
