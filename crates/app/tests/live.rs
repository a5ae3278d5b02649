//! Against moto: everything that is seeded is a fact, and every change behind our back is in the
//! diff.

use std::collections::BTreeSet;
use std::process::Command;

use bartizan_cloud::model::Model;
use bartizan_cloud::table::CallTable;
use serde_json::Value;

use crate::common::{Home, Server, facts, free_port, root, venv};

/// P0 kinds that nothing on moto can change, and why.
const UNCHANGEABLE: &[(&str, &str)] = &[
    ("ec2:region", "moto cannot enable a region for EC2"),
    (
        "iam:accountsummary",
        "moto's summary has counts and quotas only, which are derived",
    ),
    (
        "lambda:functioncodesigning",
        "moto has no code signing configurations to attach",
    ),
    (
        "organizations:organization",
        "moto's organization has all features from the start",
    ),
    (
        "s3:accesspointpolicystatus",
        "moto says of every access point policy that it is not public",
    ),
];

/// What moto 5.2.5 has no answer for. A call that it learns must go from this list.
const MOTO_LACKS: &[&str] = &[
    "accessanalyzer:ListAnalyzers",
    "account:GetContactInformation",
    "account:ListRegions",
    "ce:GetAnomalyMonitors",
    "ce:GetAnomalySubscriptions",
    "cloudfront:ListCloudFrontOriginAccessIdentities",
    "cloudtrail:ListChannels",
    "cloudtrail:ListEventDataStores",
    "ec2:DescribeClientVpnEndpoints",
    "ec2:DescribeFpgaImages",
    "ec2:DescribeInstanceConnectEndpoints",
    "ec2:DescribeVpcBlockPublicAccessOptions",
    "ec2:GetImageBlockPublicAccessState",
    "ec2:GetInstanceMetadataDefaults",
    "ec2:GetSnapshotBlockPublicAccessState",
    "ecr-public:DescribeRepositories",
    "iam:ListOrganizationsFeatures",
    "iam:ListServiceSpecificCredentials",
    "lambda:ListFunctionUrlConfigs",
    "organizations:DescribeResourcePolicy",
    "organizations:ListHandshakesForOrganization",
    "ram:GetResourceShareInvitations",
    "ram:ListPrincipals",
    "ram:ListResources",
    "rolesanywhere:ListCrls",
    "rolesanywhere:ListProfiles",
    "rolesanywhere:ListTrustAnchors",
    "s3control:ListAccessGrantsInstances",
    "s3control:ListAccessPointsForObjectLambda",
    "securityhub:GetEnabledStandards",
    "sns:GetDataProtectionPolicy",
    "sso-admin:ListApplications",
    "support:DescribeTrustedAdvisorCheckResult",
];

pub(crate) fn moto(venv: &std::path::Path) -> Server {
    let port = free_port();
    let mut command = Command::new(venv.join("bin/moto_server"));
    command
        .args(["-p", &port.to_string()])
        .env("MOTO_EC2_LOAD_DEFAULT_AMIS", "false");
    Server::start(command, port)
}

fn script(venv: &std::path::Path, what: &str, url: &str) -> Vec<Vec<String>> {
    let script = root().join("crates/app/tests/live/seed_moto.py");
    let output = Command::new(venv.join("bin/python"))
        .arg(script)
        .args([what, url])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|l| l.split('\t').map(str::to_owned).collect())
        .collect()
}

#[test]
fn what_is_seeded_is_found_and_what_changes_is_told() {
    let Some(venv) = venv("BARTIZAN_VENV") else {
        return;
    };
    let moto = moto(&venv);
    let seeded = script(&venv, "seed", &moto.url);
    let home = Home::with_aws(&moto.url);
    let first = home.json(&["snapshot", "--regions", "us-east-1"]);

    let flat = home.must(0, &["flat"]);
    let have: BTreeSet<(String, String)> = facts(&flat).into_iter().map(|f| (f.0, f.2)).collect();
    let missing: Vec<_> = seeded
        .iter()
        .filter(|row| !have.contains(&(row[0].clone(), row[1].clone())))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    let of_kind = |kind: &str| seeded.iter().filter(|row| row[0] == kind).count();
    let kinds: BTreeSet<&str> = seeded.iter().map(|row| row[0].as_str()).collect();
    let single = [
        "iam:passwordpolicy",
        "iam:accountalias",
        "iam:accountsummary",
        "s3:accountpublicaccessblock",
        "organizations:organization",
        "organizations:root",
    ];
    for kind in kinds.iter().filter(|k| !single.contains(*k)) {
        assert!(of_kind(kind) >= 5, "only {} of {kind}", of_kind(kind));
    }
    // Every kind that a P0 call gives is seeded, unless coverage says that moto did not answer that
    // call.
    let open: BTreeSet<&str> = flat
        .lines()
        .filter_map(|l| l.strip_prefix("# coverage\t"))
        .map(|l| l.split('\t').collect::<Vec<_>>())
        .filter(|f| f[2] != "ok")
        .flat_map(|f| f[4].split(','))
        .collect();
    let unseeded: Vec<String> = p0_kinds()
        .into_iter()
        .filter(|k| !kinds.contains(k.as_str()) && !open.contains(k.as_str()))
        // moto takes GetBucketAbac for a list of objects, and so answers without a status.
        .filter(|k| k != "s3:bucketabac")
        .collect();
    assert_eq!(unseeded, Vec::<String>::new());
    println!("{} facts seeded of {} kinds", seeded.len(), kinds.len());

    // Coverage names every call that moto lacks, and no other.
    let mut not_read: BTreeSet<String> = BTreeSet::new();
    for (status, calls) in first["coverage"]["not_ok"].as_object().unwrap() {
        assert!(
            ["failed", "unsupported", "not-called"].contains(&status.as_str()),
            "{status}: {calls}"
        );
        if status == "failed" || status == "unsupported" {
            not_read.extend(
                calls
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|c| c.as_str().unwrap().split(' ').next().unwrap().to_owned()),
            );
        }
    }
    assert_eq!(
        not_read,
        MOTO_LACKS.iter().map(|s| (*s).to_owned()).collect()
    );

    // Secrets are in no file of the store: neither a function's environment nor a secret's value
    // nor our own key.
    home.must(0, &["verify", "evidence"]);
    assert!(
        !everything(&home)
            .windows(b"canary-hunter2".len())
            .any(|w| w == b"canary-hunter2")
    );

    let changed = script(&venv, "change", &moto.url);
    home.must(0, &["snapshot", "--regions", "us-east-1"]);
    let diff = home.json(&["diff"]);
    let told: BTreeSet<Vec<String>> = diff["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| {
            ["verdict", "kind", "id"]
                .map(|f| c[f].as_str().unwrap().to_owned())
                .to_vec()
        })
        .collect();
    let missing: Vec<_> = changed.iter().filter(|row| !told.contains(*row)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(diff["unknown"], Value::Array(vec![]));
    let changed_kinds: BTreeSet<&str> = changed.iter().map(|row| row[1].as_str()).collect();
    let unchanged: BTreeSet<&str> = kinds.difference(&changed_kinds).copied().collect();
    assert_eq!(
        unchanged,
        UNCHANGEABLE.iter().map(|(kind, _)| *kind).collect()
    );
    println!("{} changes made, {} told", changed.len(), told.len());

    // A third snapshot of an account that stands still: nothing.
    home.must(0, &["snapshot", "--regions", "us-east-1"]);
    assert_eq!(home.json(&["diff"])["changes"], Value::Array(vec![]));
    role_check(&home);
    cli_prints_the_same(&home);
}

/// The kinds of fact that P0 calls give (`reference/collectors.json`).
fn p0_kinds() -> BTreeSet<String> {
    let services = [
        "iam",
        "s3",
        "s3control",
        "sqs",
        "sns",
        "cloudtrail",
        "kms",
        "secretsmanager",
        "lambda",
        "organizations",
    ];
    let of_ec2 = [
        "DescribeSecurityGroups",
        "DescribeSecurityGroupRules",
        "DescribeRegions",
        "DescribeNetworkInterfaces",
    ];
    let table = CallTable::builtin(&Model::builtin()).unwrap();
    let mut kinds = BTreeSet::new();
    for service in &table.services {
        for call in &service.calls {
            if services.contains(&service.name.as_str())
                || service.name == "ec2" && of_ec2.contains(&call.operation.as_str())
            {
                kinds.extend(call.facts.iter().map(|f| f.kind.clone()));
            }
        }
    }
    kinds
}

/// All files of the store, documents uncompressed.
fn everything(home: &Home) -> Vec<u8> {
    let mut bytes = home.must(0, &["flat"]).into_bytes();
    for entry in std::fs::read_dir(home.path("bartizan-store/blobs")).unwrap() {
        let pack = std::fs::read(entry.unwrap().path()).unwrap();
        bartizan_evidence::records(&pack, |_, document| bytes.extend_from_slice(document)).unwrap();
    }
    bytes
}

/// The audit role of moto: made with what `role` prints, it has all it needs; with too much, it is
/// told.
fn role_check(home: &Home) {
    let aws = |args: &[&str]| drop(aws(home, args));
    let printed = home.json(&["role", "--principal", "123456789012", "--external-id", "x"]);
    aws(&[
        "iam",
        "create-role",
        "--role-name",
        "audit",
        "--assume-role-policy-document",
        &printed["trust_policy"].to_string(),
    ]);
    for (n, policy) in printed["policies"].as_array().unwrap().iter().enumerate() {
        aws(&[
            "iam",
            "put-role-policy",
            "--role-name",
            "audit",
            "--policy-name",
            &format!("p{n}"),
            "--policy-document",
            &policy.to_string(),
        ]);
    }
    assert_eq!(
        home.json(&["role", "check", "--role", "audit"])["missing"],
        Value::Array(vec![])
    );
    aws(&[
        "iam",
        "put-role-policy",
        "--role-name",
        "audit",
        "--policy-name",
        "more",
        "--policy-document",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","iam:Put*"],"Resource":"*"}]}"#,
    ]);
    let text = home.must(1, &["role", "check", "--role", "audit"]);
    for part in [
        "reads data",
        "s3:GetObject",
        "writes",
        "iam:PutUserPolicy",
        "s3:PutObject",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

/// Runs the AWS CLI as the home does, and gives what it prints.
fn aws(home: &Home, args: &[&str]) -> Vec<u8> {
    let mut command = Command::new(venv("BARTIZAN_VENV").unwrap().join("bin/aws"));
    // Version 1 of the CLI takes an endpoint as an argument only.
    let endpoint = environment(home)
        .into_iter()
        .find(|(name, _)| name == "AWS_ENDPOINT_URL")
        .unwrap()
        .1;
    command
        .args(args)
        .args(["--output", "json", "--endpoint-url", &endpoint])
        .env_clear()
        .envs(environment(home));
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

fn environment(home: &Home) -> Vec<(String, String)> {
    home.command(&[])
        .get_envs()
        .filter_map(|(k, v)| Some((k.to_str()?.to_owned(), v?.to_str()?.to_owned())))
        .collect()
}

/// The AWS CLI is the oracle for the shape of documents: its output, imported, is the same account.
fn cli_prints_the_same(home: &Home) {
    let dump = home.path("dump/123456789012/us-east-1");
    std::fs::create_dir_all(&dump).unwrap();
    let calls = [
        "iam get-account-authorization-details",
        "iam get-account-summary",
        "iam list-virtual-mfa-devices",
        "iam list-server-certificates",
        "iam get-account-password-policy",
        "s3api list-buckets",
        "sns list-subscriptions",
        "ec2 describe-security-groups",
        "ec2 describe-security-group-rules",
        "ec2 describe-network-interfaces",
        "ec2 describe-vpcs",
        "ec2 describe-subnets",
        "ec2 describe-route-tables",
        "ec2 describe-network-acls",
        "ec2 describe-volumes",
        "cloudtrail describe-trails",
        "kms list-aliases",
        "lambda list-functions",
        "lambda list-event-source-mappings",
        "organizations describe-organization",
        "organizations list-accounts",
        "organizations list-roots",
        "organizations list-delegated-administrators",
        "events list-event-buses",
        "logs describe-log-groups",
    ];
    for call in calls {
        let printed = aws(home, &call.split(' ').collect::<Vec<_>>());
        std::fs::write(
            dump.join(format!("{}.json", call.replace(' ', "-"))),
            printed,
        )
        .unwrap();
    }
    // Calls made for an item: a folder a call, a file an item.
    let per_item = [
        (
            "iam list-users",
            "iam list-access-keys",
            "--user-name",
            "user",
        ),
        (
            "iam list-users",
            "iam list-mfa-devices",
            "--user-name",
            "user",
        ),
        (
            "iam list-users",
            "iam list-signing-certificates",
            "--user-name",
            "user",
        ),
        (
            "iam list-users",
            "iam list-ssh-public-keys",
            "--user-name",
            "user",
        ),
        (
            "s3api list-buckets",
            "s3api get-bucket-location",
            "--bucket",
            "bucket-",
        ),
        (
            "s3api list-buckets",
            "s3api get-bucket-policy",
            "--bucket",
            "bucket-",
        ),
        (
            "s3api list-buckets",
            "s3api get-bucket-acl",
            "--bucket",
            "bucket-",
        ),
        (
            "s3api list-buckets",
            "s3api get-bucket-versioning",
            "--bucket",
            "bucket-",
        ),
        (
            "s3api list-buckets",
            "s3api get-bucket-notification-configuration",
            "--bucket",
            "bucket-",
        ),
        (
            "lambda list-functions",
            "lambda get-policy",
            "--function-name",
            "function",
        ),
    ];
    for (list, call, option, name) in per_item {
        let file = dump.join(format!("{}.json", list.replace(' ', "-")));
        std::fs::write(file, aws(home, &list.split(' ').collect::<Vec<_>>())).unwrap();
        let folder = dump.join(call.replace(' ', "-"));
        std::fs::create_dir_all(&folder).unwrap();
        for i in 0..5 {
            let item = if name == "bucket-" {
                format!("{name}{i}.with.dots")
            } else {
                format!("{name}{i}")
            };
            let printed = aws(
                home,
                &[
                    call.split(' ').collect::<Vec<_>>().as_slice(),
                    &[option, &item],
                ]
                .concat(),
            );
            std::fs::write(
                folder.join(item),
                if printed.is_empty() {
                    b"{}".to_vec()
                } else {
                    printed
                },
            )
            .unwrap();
        }
    }
    // What changed since: the audit role that the test made.
    home.must(0, &["snapshot", "--regions", "us-east-1"]);
    home.must(0, &["snapshot", "--from", "dump"]);
    let diff = home.json(&["diff"]);
    let changes: Vec<String> = diff["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| {
            format!(
                "{} {} {}: {}",
                c["verdict"], c["kind"], c["id"], c["content"]["fields"]
            )
        })
        .collect();
    assert!(
        changes.is_empty(),
        "the CLI prints it otherwise:\n{}",
        changes.join("\n")
    );
    let compared: usize = facts(&home.must(0, &["flat"])).len();
    println!(
        "{compared} facts of {} AWS CLI calls are what our own snapshot has",
        calls.len() + 5 * per_item.len()
    );
    assert!(compared > 200);
}

/// Most of AWS's regions are off unless somebody switches them on: there is nothing in them, so
/// nothing hangs on them.
#[test]
fn every_way_in_is_proved_with_default_regions() {
    let Some(venv) = venv("BARTIZAN_VENV") else {
        return;
    };
    let moto = moto(&venv);
    let step = |what: &str| {
        let script = root().join("crates/app/tests/live/ways_in.py");
        let status = Command::new(venv.join("bin/python"))
            .arg(script)
            .args([what, &moto.url])
            .status();
        assert!(status.unwrap().success(), "{what}");
    };
    let home = Home::with_aws(&moto.url);
    step("before");
    std::fs::write(home.path("bartizan.toml"), "[[account]]\n").unwrap();
    home.must(0, &["watch", "--once"]);
    step("after");
    let told = home.json(&["watch", "--once"]);
    let flat = home.must(0, &["flat"]);
    let off = flat
        .lines()
        .filter(|l| l.contains("\tregion-off\t"))
        .count();
    assert!(off > 10, "moto has regions that are off: {off}");

    let access: Value =
        serde_json::from_str(&home.must(10, &["access", "diff", "--format", "json"])).unwrap();
    assert_eq!(access["unknown"], Value::Array(vec![]), "{access}");
    let opened: BTreeSet<(String, &str)> = access["opened"]
        .as_array()
        .unwrap()
        .iter()
        .map(|o| {
            (
                o["resource"].as_str().unwrap().to_owned(),
                o["verdict"].as_str().unwrap(),
            )
        })
        .collect();
    let is_open = |part: &str| {
        opened
            .iter()
            .any(|(arn, verdict)| arn.contains(part) && *verdict == "must")
    };
    for part in [
        ":role/helper",
        ":role/ops",
        ":::payroll",
        ":us-east-1:123456789012:orders",
        ":eu-west-1:123456789012:orders",
        ":us-east-1:123456789012:snapshot/",
        ":eu-west-1:123456789012:snapshot/",
    ] {
        assert!(is_open(part), "{part}: {opened:?}");
    }
    assert!(
        opened.iter().all(|(_, verdict)| *verdict == "must"),
        "{opened:?}"
    );
    let support = access["escalations"]
        .as_array()
        .unwrap()
        .iter()
        .find(|e| e["principal"].as_str().unwrap().ends_with("user/support"));
    assert_eq!(
        support.map(|e| (&e["before"], &e["after"])),
        Some((&Value::from("no"), &Value::from("must"))),
        "{access}"
    );
    assert_eq!(home.json(&["diff"])["unknown"], Value::Array(vec![]));

    // And so for those who watch: each is a finding that says what it gave.
    let findings = told["findings"].as_array().unwrap();
    for (part, words) in [
        ("support", "do everything"),
        ("helper", "is now open to"),
        ("ops", "is now open to"),
        ("payroll", "is now open to anybody"),
        ("orders", "is now open to anybody"),
        ("snap", "is now open to account 999988887777"),
    ] {
        let says = |f: &&Value| {
            f.to_string().contains(part) && f.to_string().contains(words) && f["verdict"] == "must"
        };
        assert!(
            findings.iter().any(|f| says(&f)),
            "{part} {words}: {findings:#?}"
        );
    }
    let public = home.json(&["access", "public"]);
    let unread: Vec<&Value> = public
        .as_array()
        .unwrap()
        .iter()
        .filter(|r| r["verdict"] == "unknown")
        .collect();
    println!(
        "{} ways opened, all proved; not read: {unread:?}",
        opened.len()
    );
}
