//! Dumps: real AWS CLI output and AWS Config items import whole; bad input gets a message and
//! changes nothing.

use std::collections::BTreeSet;
use std::fs;

use bartizan_cloud::model::Model;
use bartizan_cloud::table::CallTable;
use serde_json::{Value, json};

use crate::common::{Home, facts, shared};

/// Service and operation of every P0 and P1 row of the reference.
fn wanted() -> Option<BTreeSet<(String, String)>> {
    operations(&["P0", "P1"])
}

/// Service and operation of every row of the reference of these priorities.
fn operations(priorities: &[&str]) -> Option<BTreeSet<(String, String)>> {
    let rows: Value =
        serde_json::from_slice(&fs::read(shared("reference/collectors.json")?).unwrap()).unwrap();
    let rows = rows
        .as_array()
        .unwrap()
        .iter()
        .filter(|r| priorities.contains(&r["priority"].as_str().unwrap()));
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    Some(
        rows.flat_map(|r| {
            std::iter::once(&r["list"])
                .chain(r["details"].as_array().unwrap())
                .map(|o| (text(&r["service"]), text(o)))
                .collect::<Vec<_>>()
        })
        .collect(),
    )
}

/// Operations of the call table that the reference lacks.
const MORE: [&str; 12] = [
    "apigateway:GetResources",
    "budgets:DescribeNotificationsForBudget",
    "ce:GetAnomalyMonitors",
    "ce:GetAnomalySubscriptions",
    "ec2:GetManagedPrefixListEntries",
    "iam:ListOrganizationsFeatures",
    // Without it nobody knows in which unit an account is, and so which SCPs reach it.
    "organizations:ListAccountsForParent",
    "s3:GetBucketAbac",
    "s3:GetObjectAcl",
    "s3:ListObjectsV2",
    "support:DescribeTrustedAdvisorCheckResult",
    "support:DescribeTrustedAdvisorChecks",
];

/// P2 operations of the reference that we call: what the checks of posture need.
const OF_P2: [&str; 16] = [
    "apigateway:GetRestApis",
    "apigatewayv2:GetApis",
    "apigatewayv2:GetRoutes",
    "budgets:DescribeBudgets",
    "cloudwatch:DescribeAlarms",
    "cognito-identity:DescribeIdentityPool",
    "cognito-identity:GetIdentityPoolRoles",
    "cognito-identity:ListIdentityPools",
    "dms:DescribeReplicationInstances",
    "eks:DescribeCluster",
    "eks:ListClusters",
    "mq:DescribeBroker",
    "mq:ListBrokers",
    "opensearch:DescribeDomains",
    "opensearch:ListDomainNames",
    "redshift:DescribeClusters",
];

/// Actions that we need and the reference does not have.
const MORE_ACTIONS: [&str; 10] = [
    "ce:GetAnomalyMonitors",
    "ce:GetAnomalySubscriptions",
    "ec2:GetManagedPrefixListEntries",
    "iam:ListOrganizationsFeatures",
    "organizations:ListAccountsForParent",
    "s3:GetBucketAbac",
    "s3:GetObjectAcl",
    "s3:ListBucket",
    "support:DescribeTrustedAdvisorCheckResult",
    "support:DescribeTrustedAdvisorChecks",
];

#[test]
fn the_table_has_every_p0_and_p1_operation() {
    let Some(wanted) = wanted() else { return };
    let table = CallTable::builtin(&Model::builtin()).unwrap();
    let have: BTreeSet<(String, String)> = table
        .services
        .iter()
        .flat_map(|s| {
            s.calls
                .iter()
                .map(|c| (s.name.clone(), c.operation.clone()))
        })
        .collect();
    assert_eq!(
        wanted.difference(&have).collect::<Vec<_>>(),
        Vec::<&(String, String)>::new()
    );
    let p2 = operations(&["P2"]).unwrap();
    let named = |(service, operation): &(String, String)| format!("{service}:{operation}");
    let (of_p2, more): (Vec<_>, Vec<_>) = have.difference(&wanted).partition(|o| p2.contains(o));
    assert_eq!(of_p2.into_iter().map(named).collect::<Vec<_>>(), OF_P2);
    assert_eq!(more.into_iter().map(named).collect::<Vec<_>>(), MORE);
    println!(
        "{} operations of {} services",
        have.len(),
        table.services.len()
    );
}

#[test]
fn the_role_is_the_reference_role_without_p2() {
    let Some(path) = shared("reference/security-audit-role.json") else {
        return;
    };
    let reference: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let statements = reference["Statement"].as_array().unwrap();
    let theirs: BTreeSet<String> = statements
        .iter()
        .flat_map(|s| s["Action"].as_array().unwrap())
        .map(|a| a.as_str().unwrap().to_owned())
        .collect();
    let rows: Value =
        serde_json::from_slice(&fs::read(shared("reference/collectors.json").unwrap()).unwrap())
            .unwrap();
    let of = |p2: bool| -> BTreeSet<String> {
        let rows = rows
            .as_array()
            .unwrap()
            .iter()
            .filter(|r| (r["priority"] == "P2") == p2);
        rows.flat_map(|r| r["actions"].as_array().unwrap())
            .map(|a| a.as_str().unwrap().to_owned())
            .collect()
    };
    let only_p2: BTreeSet<String> = of(true).difference(&of(false)).cloned().collect();
    let ours: BTreeSet<String> = CallTable::builtin(&Model::builtin())
        .unwrap()
        .actions()
        .into_iter()
        .collect();
    // Theirs and not ours: each is for a P2 row, which is not collected yet.
    let missing: Vec<&String> = theirs
        .difference(&ours)
        .filter(|a| !only_p2.contains(*a))
        .collect();
    assert_eq!(missing, Vec::<&String>::new());
    assert_eq!(ours.difference(&theirs).collect::<Vec<_>>(), MORE_ACTIONS);
    println!(
        "{} actions; {} of the reference are for P2 rows only",
        ours.len(),
        theirs.difference(&ours).count()
    );
}

#[test]
fn the_demo_account_imports_with_every_operation_of_the_table() {
    let (Some(demo), Some(wanted)) = (shared("data/config/demo-account"), wanted()) else {
        return;
    };
    let home = Home::new();
    let output = home.run(&[
        "snapshot",
        "--from",
        demo.to_str().unwrap(),
        "--time",
        "2026-01-02T03:04:05Z",
    ]);
    assert!(output.status.success());
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    for note in talk.lines() {
        let name = note
            .strip_prefix("note: not recognised: ")
            .unwrap_or_else(|| panic!("{note}"));
        let call = name
            .split('/')
            .nth(2)
            .unwrap()
            .trim_end_matches(".json")
            .replace('-', "");
        let known = wanted
            .iter()
            .find(|(s, o)| format!("{s}{o}").replace('-', "").to_lowercase() == call);
        assert_eq!(known, None, "{note}");
    }
    let flat = home.must(0, &["flat"]);
    let all = facts(&flat);
    for (kind, id) in [
        ("iam:rolepolicy", "bad_role/dostuff"),
        ("s3:bucketpolicy", "cloudmapper_demo"),
        (
            "accessanalyzer:analyzer",
            "arn:aws:access-analyzer:us-east-1:000000000000:analyzer/default",
        ),
        ("iam:credentialreport", "<root_account>"),
        ("lambda:functionpolicy", "invpclambda"),
        ("ec2:security_group", "sg-00000001"),
    ] {
        assert!(all.iter().any(|f| f.0 == kind && f.2 == id), "{kind} {id}");
    }
    // The same input gives the same bytes.
    home.must(
        0,
        &[
            "snapshot",
            "--from",
            demo.to_str().unwrap(),
            "--time",
            "2026-01-02T03:04:05Z",
        ],
    );
    assert_eq!(home.must(0, &["flat", "0"]), home.must(0, &["flat", "1"]));
    println!(
        "{} facts, {} files not in the table",
        all.len(),
        talk.lines().count()
    );
}

#[test]
fn config_items_import_with_every_type_of_the_table() {
    let Some(items) = shared("data/config/config-items") else {
        return;
    };
    let home = Home::new();
    let output = home.run(&["snapshot", "--from", items.to_str().unwrap()]);
    assert!(output.status.success());
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    // Types whose service or call is in no P0 or P1 row. Whatever else is not recognised is a hole
    // in the import.
    let outside = [
        "ACM",
        "ApiGateway",
        "ApiGatewayV2",
        "AutoScaling",
        "CloudFormation",
        "CodeBuild",
        "CodePipeline",
        "ECS",
        "ElasticBeanstalk",
        "ElasticLoadBalancing",
        "ElasticLoadBalancingV2",
        "Glue",
        "NetworkFirewall",
        "Redshift",
        "Route53",
        "SSM",
        "Shield",
        "ShieldRegional",
    ];
    let kinds = [
        "CloudFront::StreamingDistribution",
        "EC2::CapacityReservation",
        "EC2::CustomerGateway",
        "EC2::Host",
        "EC2::VPNGateway",
        "RDS::DBSecurityGroup",
        "RDS::DBSubnetGroup",
        "RDS::EventSubscription",
    ];
    let mut broken = 0;
    for note in talk.lines() {
        if note.contains("broken, so left out") {
            broken += 1;
            continue;
        }
        let known = note.contains("is not in the call table") && {
            let kind = note
                .split("AWS::")
                .nth(1)
                .unwrap()
                .split(' ')
                .next()
                .unwrap();
            outside.contains(&kind.split("::").next().unwrap()) || kinds.contains(&kind)
        };
        assert!(
            known || note.contains("SSM_ManagedInstanceInventory"),
            "{note}"
        );
    }
    // Two of the samples are themselves broken JSON.
    assert_eq!(broken, 2, "{talk}");
    let count: usize = (0..8)
        .map(|n| facts(&home.must(0, &["flat", &n.to_string()])).len())
        .sum();
    assert!(count >= 40, "{count}");
    println!(
        "{count} facts of 8 accounts; {} items outside the table, {broken} broken",
        talk.lines().count() - broken
    );
}

#[test]
fn bad_input_gets_a_message_and_changes_nothing() {
    let home = Home::new();
    fs::create_dir(home.path("empty")).unwrap();
    fs::create_dir(home.path("other")).unwrap();
    fs::write(home.path("other/notes.txt"), "x").unwrap();
    fs::write(home.path("cut.json"), r#"{"UserDetailList": [{"#).unwrap();
    fs::write(
        home.path("nobody.json"),
        r#"{"UserDetailList": [], "RoleDetailList": []}"#,
    )
    .unwrap();
    fs::write(
        home.path("evil.toml"),
        "service = \"iam\"\nscope = \"global\"\nrate = 1\n[[call]]\noperation = \"DeleteUser\"\n",
    )
    .unwrap();
    for (code, args, parts) in [
        (
            1,
            vec!["snapshot", "--from", "nowhere"],
            vec!["cannot read nowhere"],
        ),
        (
            1,
            vec!["snapshot", "--from", "empty"],
            vec![
                "empty",
                "nothing in it",
                "account/region/service-operation.json",
            ],
        ),
        (
            1,
            vec!["snapshot", "--from", "other"],
            vec!["none of its 1 files"],
        ),
        (
            1,
            vec!["snapshot", "--from", "cut.json"],
            vec!["cut.json", "line 1 column 21"],
        ),
        (
            1,
            vec!["snapshot", "--from", "nobody.json"],
            vec!["cannot tell the account", "sts-get-caller-identity"],
        ),
        (
            1,
            vec!["snapshot", "--calls", "evil.toml", "--from", "nobody.json"],
            vec!["evil.toml", "does not only read"],
        ),
        (
            1,
            vec!["snapshot", "--profile", "audti"],
            vec!["profile \"audti\" is not in ~/.aws/config"],
        ),
        (
            1,
            vec!["snapshot", "--role-arn", "admin"],
            vec!["not the ARN of a role"],
        ),
        (1, vec!["diff"], vec!["no snapshot in bartizan-store yet"]),
        (
            1,
            vec!["flat", "nope"],
            vec!["neither a snapshot id nor a path"],
        ),
        (1, vec!["verify", "evidence"], vec!["no evidence log"]),
        (1, vec!["verify", "bucket"], vec!["is no bucket"]),
        (2, vec!["diff", "1"], vec!["AFTER"]),
        (
            2,
            vec!["diff", "--fail-on", "bad"],
            vec!["info, low, medium, high or critical"],
        ),
        (2, vec!["snapshoot"], vec!["snapshot"]),
    ] {
        let said = home.fails(code, &args);
        for part in parts {
            assert!(said.contains(part), "{args:?}: {said}");
        }
    }
    assert!(!home.path("bartizan-store/checkpoint").exists());
}

#[test]
fn one_file_is_enough_and_a_broken_one_beside_it_is_a_hole() {
    let home = Home::new();
    let folder = home.path("dump/111122223333/eu-west-1");
    fs::create_dir_all(&folder).unwrap();
    let user = json!({
        "UserDetailList": [{
            "UserName": "\u{1b}[31mevil\u{202e}",
            "UserId": "AIDA1",
            "Arn": "arn:aws:iam::111122223333:user/x",
            "GroupList": [],
        }],
        "RoleDetailList": [],
        "GroupDetailList": [],
        "Policies": [],
    });
    fs::write(home.path("gaad.json"), user.to_string()).unwrap();
    home.must(0, &["snapshot", "--from", "gaad.json"]);
    assert!(home.must(0, &["flat"]).contains("\\x1b[31mevil"));
    fs::write(
        folder.join("iam-get-account-authorization-details.json"),
        user.to_string(),
    )
    .unwrap();
    fs::write(folder.join("sqs-list-queues.json"), "{").unwrap();
    let output = home.run(&["snapshot", "--from", "dump"]);
    assert!(output.status.success());
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("sqs-list-queues.json: EOF"),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    // The user has gone from a third dump, and is told in a form that leaves the terminal alone.
    fs::write(
        folder.join("iam-get-account-authorization-details.json"),
        r#"{"UserDetailList": [], "RoleDetailList": [], "GroupDetailList": [], "Policies": []}"#,
    )
    .unwrap();
    home.must(0, &["snapshot", "--from", "dump"]);
    let told = home.must(10, &["diff", "--fail-on", "high", "--color", "always"]);
    assert!(
        told.contains("\\u{1b}[31mevil\\u{202e}") && !told.contains("\u{202e}"),
        "{told}"
    );
    assert!(
        !home
            .must(0, &["diff", "--format", "ndjson"])
            .contains('\u{202e}')
    );
    home.must(11, &["diff", "--require-complete"]);
}

#[test]
fn ordinary_diff_works_on_two_flat_files() {
    let home = Home::new();
    let folder = home.path("dump/111122223333/eu-west-1");
    fs::create_dir_all(&folder).unwrap();
    for (name, last_used) in [("a", "2026-01-01"), ("b", "2026-01-02")] {
        let role = |n: usize| {
            json!({
                "RoleName": format!("r{n}"),
                "RoleId": format!("AROA{n}"),
                "Arn": "arn:aws:iam::111122223333:role/r",
                "RoleLastUsed": {"LastUsedDate": last_used},
                "MaxSessionDuration": if n == 1 && name == "b" { 7200 } else { 3600 },
            })
        };
        let answer = json!({
            "RoleDetailList": (0..3).map(role).collect::<Vec<_>>(),
            "UserDetailList": [],
            "GroupDetailList": [],
            "Policies": [],
        });
        fs::write(
            folder.join("iam-get-account-authorization-details.json"),
            answer.to_string(),
        )
        .unwrap();
        fs::write(home.path(name), home.must(0, &["flat", "dump"])).unwrap();
    }
    let output = std::process::Command::new("diff")
        .args(["-u", "a", "b"])
        .current_dir(home.dir.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let changed: Vec<&str> = text
        .lines()
        .filter(|l| l.starts_with("+iam") || l.starts_with("-iam"))
        .collect();
    // One role changed; all were used since, which no line shows.
    assert_eq!(changed.len(), 2, "{text}");
    assert!(changed.iter().all(|l| l.contains("\tr1\t")), "{text}");
}

#[test]
fn answers_in_no_regions_folder_take_the_region_that_is_named() {
    let home = Home::new();
    fs::create_dir(home.path("dump")).unwrap();
    fs::write(
        home.path("dump/sts-get-caller-identity.json"),
        r#"{"Account": "111122223333"}"#,
    )
    .unwrap();
    let groups = r#"{"SecurityGroups": [{"GroupId": "sg-1", "GroupName": "g"}]}"#;
    fs::write(home.path("dump/ec2-describe-security-groups.json"), groups).unwrap();
    fs::write(home.path("dump/odd.json"), "{}").unwrap();
    let snapshot = home.json(&["snapshot", "--from", "dump", "--regions", "eu-west-1"]);
    assert_eq!(snapshot["notes"], json!(["not recognised: odd.json"]));
    assert_eq!(facts(&home.must(0, &["flat"]))[0].1, "eu-west-1");
    assert!(
        home.json(&["snapshot", "--from", "dump"])["notes"][0]
            .as_str()
            .unwrap()
            .contains("name it with --regions")
    );
    assert_eq!(facts(&home.must(0, &["flat"]))[0].1, "unknown-region");
}

#[test]
fn the_talks_lines_are_as_in_2013_with_the_trust_policy_mended() {
    let home = Home::new();
    let folder = home.path("dump/111122223333/eu-west-1");
    fs::create_dir_all(folder.join("sqs-get-queue-attributes")).unwrap();
    fs::create_dir_all(folder.join("s3-get-bucket-policy")).unwrap();
    fs::create_dir_all(folder.join("s3-get-bucket-location")).unwrap();
    fs::create_dir_all(folder.join("iam-list-access-keys")).unwrap();
    let write = |name: &str, value: Value| fs::write(folder.join(name), value.to_string()).unwrap();
    // Spaces and order are part of the text, and so of the talk's hash.
    let text = r#"{ "Statement" : [] }"#;
    let sha = |text: &str| bartizan_inventory::fact::Hash::of(text.as_bytes()).to_string();
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }],
    });
    write(
        "iam-get-account-authorization-details.json",
        json!({
        "UserDetailList": [{"UserName": "u", "Arn": "arn:aws:iam::111122223333:user/u", "UserId": "A", "GroupList": ["g"],
                            "UserPolicyList": [{
                                "PolicyName": "p",
                                "PolicyDocument": "%7B%20%22Statement%22%20%3A%20%5B%5D%20%7D",
                            }]}],
        "RoleDetailList": [{
            "RoleName": "r",
            "Arn": "arn:aws:iam::111122223333:role/r",
            "RoleId": "B",
            "AssumeRolePolicyDocument": trust,
        }],
        "GroupDetailList": [], "Policies": []}),
    );
    write(
        "iam-get-account-summary.json",
        json!({"SummaryMap": {"AccountMFAEnabled": 1}}),
    );
    write("iam-list-users.json", json!({"Users": [{"UserName": "u"}]}));
    write(
        "iam-list-access-keys/u",
        json!({
            "AccessKeyMetadata": [{"UserName": "u", "AccessKeyId": "AKIAX", "Status": "Inactive"}],
        }),
    );
    write("s3-list-buckets.json", json!({"Buckets": [{"Name": "b"}]}));
    write("s3-get-bucket-location/b", json!({}));
    write("s3-get-bucket-policy/b", json!({"Policy": text}));
    write(
        "sqs-list-queues.json",
        json!({"QueueUrls": ["https://q/1", "https://q/2"]}),
    );
    write(
        "sqs-get-queue-attributes/https%3A%2F%2Fq%2F1",
        json!({"Attributes": {"Policy": text}}),
    );
    write(
        "sqs-get-queue-attributes/https%3A%2F%2Fq%2F2",
        json!({"Attributes": {"DelaySeconds": "0"}}),
    );
    write(
        "ec2-describe-security-groups.json",
        json!({
            "SecurityGroups": [{"GroupId": "sg-1", "GroupName": "web", "IpPermissions": [
                {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
                "UserIdGroupPairs": [{
                    "GroupName": "peer",
                    "GroupId": "sg-2",
                    "UserId": "111122223333",
                }]}]}],
        }),
    );
    let lines = [
        "iam:accountsummary, AccountMFAEnabled, , 1".to_owned(),
        "iam:accesskey, u, Inactive, AKIAX".to_owned(),
        "iam:useringroup, u, , g".to_owned(),
        format!("iam:userpolicy, u, p, {}", sha(text)),
        format!(
            "iam:assumerolepolicy, r, arn:aws:iam::111122223333:role/r, {}",
            sha(&trust.to_string())
        ),
        format!("s3:bucketpolicy, b, , {}", sha(text)),
        format!("sqs:queuepolicy, https://q/1, , {}", sha(text)),
        "sqs:queuepolicy, https://q/2, , NoPolicy".to_owned(),
        "ec2:security_group, web, IPPermissions:tcp(22-22), 0.0.0.0/0".to_owned(),
        "ec2:security_group, web, IPPermissions:tcp(22-22), peer-111122223333".to_owned(),
    ];
    assert_eq!(
        home.must(0, &["flat", "--talk", "dump"])
            .lines()
            .collect::<Vec<_>>(),
        lines
    );
}
