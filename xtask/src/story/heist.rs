//! `cargo xtask heist`: examples/heist, two weeks of a small company and one night of an attack;
//! and examples/quiet, the same weeks without the attack.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use super::world::{ACCOUNT, Caller, HOME, World, allow, trust};
use super::{dump, trail};

const OFFICE: &str = "203.0.113.40";
const PIPELINE: &str = "203.0.113.10";
const APP: &str = "10.20.1.14";
const THIEF: &str = "198.51.100.23";
/// Account of the intruder.
const LAIR: &str = "999988887777";
const VENDOR: &str = "444455556666";
const VENDOR_ADDRESS: &str = "192.0.2.77";
const DEPLOY_KEY: &str = "AKIAIHEISTCIDEPLOY77";
const BACKUP_KEY: &str = "AKIAIHEISTBACKUPAAA7";
const QUEUE: &str = "https://sqs.us-east-1.amazonaws.com/111122223333/jobs";
const GROUP: &str = "sg-0f00ba4d5e6f70812";
const SNAPSHOT: &str = "snap-0a12b3c4d5e6f7089";
const CLI: &str = "aws-cli/2.15.30 md/Botocore#1.34 ua/2.0 os/linux#6.1 lang/python#3.11.8 \
cfg/retry-mode#standard";
const BOTO: &str = "Boto3/1.34.51 md/Botocore#1.34.51 ua/2.0 os/linux#6.1 lang/python#3.12.2";
const CONSOLE: &str =
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/122.0 Safari/537.36";
const TERRAFORM: &str = "APN/1.0 HashiCorp/1.0 Terraform/1.7.4 aws-sdk-go-v2/1.25.2";

/// Writes both examples below `examples`.
pub(crate) fn write(root: &Path, examples: &Path) -> Result<()> {
    for (name, attack) in [("heist", true), ("quiet", false)] {
        let folder = examples.join(name);
        let _ = std::fs::remove_dir_all(&folder);
        let mut world = company();
        dump::write(&world, root, &folder.join("config/20260301T000000Z"))?;
        let truth = fortnight(&mut world, attack);
        dump::write(&world, root, &folder.join("config/20260315T000000Z"))?;
        trail::write(&world.records, &folder.join("trail"))?;
        std::fs::create_dir_all(folder.join("bill"))?;
        std::fs::write(folder.join("bill/2026-03.csv"), bill(attack))?;
        std::fs::write(
            folder.join("truth.json"),
            serde_json::to_string_pretty(&truth)? + "\n",
        )?;
        std::fs::write(
            folder.join("bartizan.toml"),
            format!(
                "# A made-up company: what to watch, and whom it knows. Written by cargo xtask \
                heist.\n\n[[account]]\nfrom = \"config\"\n\n[trail]\nsources = \
                [\"trail\"]\nkeys = \"digest-key.json\"\nsignatures = \
                \"digest-signatures.txt\"\n\n[friendly]\n{VENDOR} = \"Watchful, who look at our costs\"\n"
            ),
        )?;
    }
    Ok(())
}

/// The company on March 1.
fn company() -> World {
    let mut w = World::new(2013, "2026-03-01T00:00:00Z");
    let born = 1_739_264_400; // 2025-02-11
    for name in ["ci-deploy", "backup"] {
        let user = w.user_document(name, born);
        w.set("iam:user", "global", name, user);
    }
    // The author believed that this requires MFA.
    let own = json!({
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["s3:PutObject", "lambda:UpdateFunctionCode"],
                "Resource": ["arn:aws:s3:::acme-artifacts/*", "arn:aws:lambda:*:111122223333:function:*"],
            },
            {
                "Effect": "Allow",
                "Action": "iam:PutUserPolicy",
                "Resource": "arn:aws:iam::111122223333:user/ci-deploy",
                "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}},
            },
            ],
    });
    w.set("iam:userpolicy", "global", "ci-deploy/deploy", own);
    w.set(
        "iam:userpolicy",
        "global",
        "backup/read-artifacts",
        allow(
            json!("s3:GetObject"),
            json!("arn:aws:s3:::acme-artifacts/*"),
        ),
    );
    for (user, key) in [("ci-deploy", DEPLOY_KEY), ("backup", BACKUP_KEY)] {
        let document = json!({
            "UserName": user,
            "AccessKeyId": key,
            "Status": "Active",
            "CreateDate": "2025-02-11T09:00:00+00:00",
        });
        w.set(
            "iam:accesskey",
            "global",
            &format!("{user}/{key}"),
            document,
        );
    }
    let saml = format!("arn:aws:iam::{ACCOUNT}:saml-provider/AWSSSO_a1b2c3_DO_NOT_DELETE");
    let github = json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": format!("arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com")},
            "Condition": {"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com", "token.actions.githubusercontent.com:sub": "repo:acme/infra:ref:refs/heads/main"}}}],
    });
    let vendor = json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{VENDOR}:root")}, "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": "7f3a9c"}}}],
    });
    let service = |name: &str| {
        trust(
            json!({"Service": format!("{name}.amazonaws.com")}),
            "sts:AssumeRole",
        )
    };
    let roles = [
        (
            "infra-deploy",
            github,
            Some(allow(
                json!(["iam:*", "lambda:*", "sqs:*", "ec2:*", "s3:*"]),
                json!("*"),
            )),
        ),
        (
            "api",
            service("lambda"),
            Some(allow(
                json!(["sqs:SendMessage", "logs:PutLogEvents"]),
                json!("*"),
            )),
        ),
        (
            "app-server",
            service("ec2"),
            Some(allow(
                json!("s3:GetObject"),
                json!("arn:aws:s3:::acme-artifacts/*"),
            )),
        ),
        (
            "cost-vendor",
            vendor,
            Some(allow(
                json!(["ce:Get*", "ec2:DescribeInstances"]),
                json!("*"),
            )),
        ),
        (
            "support-readonly",
            trust(
                json!({"AWS": format!("arn:aws:iam::{ACCOUNT}:root")}),
                "sts:AssumeRole",
            ),
            Some(allow(
                json!(["s3:List*", "s3:GetObject", "secretsmanager:GetSecretValue"]),
                json!("*"),
            )),
        ),
        (
            "batch",
            trust(
                json!({"AWS": format!("arn:aws:iam::{ACCOUNT}:root")}),
                "sts:AssumeRole",
            ),
            Some(allow(
                json!(["ec2:RunInstances", "ec2:TerminateInstances"]),
                json!("*"),
            )),
        ),
        (
            "AWSReservedSSO_Developer_5d41402abc4b2a76",
            trust(json!({ "Federated": saml }), "sts:AssumeRoleWithSAML"),
            Some(allow(
                json!(["lambda:*", "logs:*", "sqs:*", "ec2:Describe*"]),
                json!("*"),
            )),
        ),
        (
            "AWSReservedSSO_Admin_7d793037a0760186",
            trust(json!({ "Federated": saml }), "sts:AssumeRoleWithSAML"),
            Some(allow(json!("*"), json!("*"))),
        ),
    ];
    for (name, trust, policy) in roles {
        let role = w.role_document(name, born);
        w.set("iam:role", "global", name, role);
        w.set("iam:assumerolepolicy", "global", name, trust);
        if let Some(policy) = policy {
            w.set(
                "iam:rolepolicy",
                "global",
                &format!("{name}/inline"),
                policy,
            );
        }
    }
    for name in ["acme-artifacts", "audit-logs"] {
        w.set(
            "s3:bucket",
            "global",
            name,
            json!({"Name": name, "CreationDate": "2025-02-11T09:00:00+00:00"}),
        );
    }
    let logs = trust(
        json!({"Service": "cloudtrail.amazonaws.com"}),
        "s3:PutObject",
    );
    let mut logs = logs;
    logs["Statement"][0]["Resource"] = "arn:aws:s3:::audit-logs/*".into();
    logs["Statement"][0]["Condition"] = json!({
        "StringEquals": {"aws:SourceArn": format!("arn:aws:cloudtrail:{HOME}:{ACCOUNT}:trail/main")},
    });
    w.set("s3:bucketpolicy", "global", "audit-logs", logs);
    w.set(
        "ec2:security_group",
        HOME,
        GROUP,
        json!({
            "GroupId": GROUP,
            "GroupName": "bastion",
            "Description": "bastion",
            "OwnerId": ACCOUNT,
            "VpcId": "vpc-0a1b2c3d",
            "IpPermissions": [{
                "IpProtocol": "tcp",
                "FromPort": 22,
                "ToPort": 22,
                "IpRanges": [{"CidrIp": "203.0.113.0/24"}],
                "Ipv6Ranges": [],
                "PrefixListIds": [],
                "UserIdGroupPairs": [],
            }],
            "IpPermissionsEgress": [],
            "Tags": [],
        }),
    );
    w.set(
        "ec2:snapshot",
        HOME,
        SNAPSHOT,
        json!({
            "SnapshotId": SNAPSHOT,
            "VolumeId": "vol-0123456789abcdef0",
            "State": "completed",
            "StartTime": "2026-02-28T00:00:00+00:00",
            "Progress": "100%",
            "OwnerId": ACCOUNT,
            "Description": "nightly customers-db",
            "VolumeSize": 200,
            "Encrypted": false,
        }),
    );
    w.set("ec2:snapshotpermission", HOME, SNAPSHOT, json!([]));
    w.set("sqs:queuepolicy", HOME, QUEUE, queue_policy(false));
    for name in ["orders", "invoices"] {
        w.set(
            "lambda:function",
            HOME,
            name,
            json!({
                "FunctionName": name,
                "FunctionArn": format!("arn:aws:lambda:{HOME}:{ACCOUNT}:function:{name}"),
                "Runtime": "python3.13",
                "Role": format!("arn:aws:iam::{ACCOUNT}:role/api"),
                "Handler": "main.handler",
                "CodeSize": 20480,
                "CodeSha256": "3q2+7w==",
                "LastModified": "2026-02-20T10:00:00+00:00",
            }),
        );
    }
    w.set(
        "cloudtrail:trail",
        HOME,
        "main",
        json!({
            "Name": "main",
            "S3BucketName": "audit-logs",
            "IncludeGlobalServiceEvents": true,
            "IsMultiRegionTrail": true,
            "HomeRegion": HOME,
            "TrailARN": format!("arn:aws:cloudtrail:{HOME}:{ACCOUNT}:trail/main"),
            "LogFileValidationEnabled": true,
            "HasCustomEventSelectors": false,
            "HasInsightSelectors": false,
            "IsOrganizationTrail": false,
        }),
    );
    w.set(
        "cloudtrail:trailstatus",
        HOME,
        "main",
        json!({"IsLogging": true}),
    );
    w
}

fn queue_policy(turned: bool) -> Value {
    let mut statements = vec![
        json!({
            "Sid": "a",
            "Effect": "Allow",
            "Principal": {"AWS": ACCOUNT},
            "Action": ["SQS:SendMessage", "SQS:ReceiveMessage"],
            "Resource": "*",
        }),
        json!({
            "Sid": "b",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sqs:*",
            "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }),
    ];
    if turned {
        statements.reverse();
    }
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// Two weeks, hour by hour. Returns the true history.
fn fortnight(w: &mut World, attack: bool) -> Value {
    let mut removed = Value::Null;
    for day in 1..=14 {
        for hour in 0..24 {
            w.at(&format!("2026-03-{day:02}T{hour:02}:02:11Z"));
            if attack && day == 11 && hour == 2 {
                removed = night(w);
                continue;
            }
            if attack && day == 11 && (3..=6).contains(&hour) {
                machines(w, hour, day, attack);
                continue;
            }
            machines(w, hour, day, attack);
            let weekday = day % 7 != 1 && day % 7 != 0; // the first of March 2026 is a Sunday
            if weekday && (9..18).contains(&hour) {
                people(w, day, hour);
            }
        }
    }
    w.records.sort_by_key(|(time_s, _)| *time_s);
    let story: Vec<Value> = w
        .truth()
        .values()
        .map(|d| {
            let attack = attack
                && d.time.starts_with("2026-03-11T0")
                && (d.origin.ends_with(":user/ci-deploy") || d.origin.contains(LAIR));
            json!({
                "kind": d.kind,
                "id": d.id,
                "origin": d.origin,
                "call": d.call,
                "event": d.event,
                "time": d.time,
                "attack": attack,
                "record_removed": removed == d.event.as_str(),
            })
        })
        .collect();
    json!({
        "account": ACCOUNT,
        "attack": attack,
        "deeds": story,
        "thief": {"address": THIEF, "account": LAIR, "key": DEPLOY_KEY},
    })
}

/// Machines that run around the clock: functions, an instance, the vendor's monitoring.
fn machines(w: &mut World, hour: usize, day: usize, attack: bool) {
    let base = w.now_s;
    for ten in 0..6 {
        w.now_s = base + ten * 600;
        // Hour of the attack in which the trail is off.
        w.logging = !(attack && day == 11 && blind(w.now_s));
        let lambda = w.service("lambda");
        let name = if ten % 2 == 0 { "orders" } else { "invoices" };
        w.assume(&lambda, "api", name);
        if ten == 3 {
            let ec2 = w.service("ec2");
            let mut server = w.assume(&ec2, "app-server", "i-0c3d2e1f0a9b8c7d6");
            server.address = APP.into();
            server.agent = BOTO.into();
            w.record(
                &server,
                "ssm",
                "UpdateInstanceInformation",
                HOME,
                json!({"instanceId": "i-0c3d2e1f0a9b8c7d6"}),
                Value::Null,
            );
        }
    }
    if hour % 6 == 1 && !(attack && day == 11 && hour == 1) {
        w.now_s = base + 1900;
        let who = w.foreigner(VENDOR, "AROAWATCHFUL0000000A:scan", VENDOR_ADDRESS, BOTO);
        let vendor = w.assume(&who, "cost-vendor", "scan");
        w.record(
            &vendor,
            "ec2",
            "DescribeInstances",
            HOME,
            json!({"maxResults": 1000}),
            Value::Null,
        );
    }
    w.logging = true;
}

/// Whether the trail is off, from its stop to its start.
fn blind(time_s: i64) -> bool {
    (1_773_196_267..1_773_199_770).contains(&time_s) // 02:31:07 to 03:29:30
}

/// Office work: people at the console, and merged changes applied by the pipeline.
fn people(w: &mut World, day: usize, hour: usize) {
    let base = w.now_s;
    let ada = person(w, "ada@acme.example", "Developer_5d41402abc4b2a76");
    for (n, (service, name)) in [
        ("lambda", "ListFunctions20150331"),
        ("logs", "DescribeLogGroups"),
        ("sqs", "ListQueues"),
        ("ec2", "DescribeInstances"),
    ]
    .iter()
    .enumerate()
    {
        w.now_s = base + 120 + n as i64 * 240;
        w.record(&ada, service, name, HOME, Value::Null, Value::Null);
    }
    w.now_s = base + 1500;
    if hour == 11 {
        let deploy = w.user("ci-deploy", DEPLOY_KEY, PIPELINE, BOTO);
        w.update_function(
            &deploy,
            if day.is_multiple_of(2) {
                "orders"
            } else {
                "invoices"
            },
        );
    }
    if hour == 14 {
        let job = pipeline(w);
        w.record(
            &job,
            "lambda",
            "ListFunctions20150331",
            HOME,
            Value::Null,
            Value::Null,
        );
        w.record(&job, "iam", "ListRoles", HOME, Value::Null, Value::Null);
        match day {
            3 => w.set_queue_policy(&job, QUEUE, &queue_policy(true)),
            5 => w.ingress(&job, GROUP, 443, "203.0.113.0/24", true),
            9 => {
                let policy = allow(
                    json!(["sqs:SendMessage", "sqs:GetQueueUrl", "logs:PutLogEvents"]),
                    json!(format!("arn:aws:sqs:{HOME}:{ACCOUNT}:jobs")),
                );
                w.put_role_policy(&job, "api", "inline", &policy);
            }
            12 => w.tag_user(&job, "backup", "owner", "platform"),
            _ => {}
        }
    }
    if day == 10 && hour == 15 {
        let dana = person(w, "dana@acme.example", "Admin_7d793037a0760186");
        w.record(&dana, "iam", "ListUsers", HOME, Value::Null, Value::Null);
    }
}

fn person(w: &mut World, mail: &str, set: &str) -> Caller {
    let saml = json!({
        "type": "SAMLUser",
        "principalId": format!("AWSSSO:{mail}"),
        "userName": mail,
        "identityProvider": "AWSSSO_a1b2c3_DO_NOT_DELETE",
    });
    let browser = Caller {
        identity: saml,
        address: OFFICE.into(),
        agent: CONSOLE.into(),
        origin: String::new(),
    };
    w.assume(&browser, &format!("AWSReservedSSO_{set}"), mail)
}

fn pipeline(w: &mut World) -> Caller {
    let job = w.job(
        "repo:acme/infra:ref:refs/heads/main",
        "192.0.2.130",
        TERRAFORM,
    );
    w.assume(&job, "infra-deploy", "GitHubActions")
}

/// Night of March 11. Returns the event whose record is removed from the trail.
fn night(w: &mut World) -> Value {
    let before = |w: &mut World, minute: usize| w.at(&format!("2026-03-11T02:{minute:02}:07Z"));
    // The machines of this hour run until the trail is stopped.
    machines(w, 2, 11, true);
    before(w, 14);
    let thief = w.user("ci-deploy", DEPLOY_KEY, THIEF, CLI);
    // Act one: a leaked key explores the account and makes itself administrator.
    w.record(
        &thief,
        "sts",
        "GetCallerIdentity",
        HOME,
        Value::Null,
        Value::Null,
    );
    for (service, name) in [
        ("iam", "ListUsers"),
        ("iam", "ListRoles"),
        ("s3", "ListBuckets"),
        ("ec2", "DescribeInstances"),
        ("secretsmanager", "ListSecrets"),
        ("iam", "GetAccountAuthorizationDetails"),
    ] {
        w.refused(&thief, service, name, HOME);
    }
    before(w, 19);
    w.put_user_policy(
        &thief,
        "ci-deploy",
        "deploy",
        &allow(json!("*"), json!("*")),
    );
    for (service, name) in [
        ("iam", "ListUsers"),
        ("iam", "ListRoles"),
        ("s3", "ListBuckets"),
        ("ec2", "DescribeSnapshots"),
    ] {
        w.record(&thief, service, name, HOME, Value::Null, Value::Null);
    }
    before(w, 31);
    w.logging(&thief, false);
    w.at("2026-03-11T03:29:30Z");
    w.logging(&thief, true);
    // Act two: persistence.
    w.at("2026-03-11T03:35:02Z");
    w.create_access_key(&thief, "backup");
    w.at("2026-03-11T03:40:12Z");
    let door = json!({
        "AWS": [format!("arn:aws:iam::{ACCOUNT}:root"), format!("arn:aws:iam::{LAIR}:root")],
    });
    w.update_trust(&thief, "support-readonly", &trust(door, "sts:AssumeRole"));
    w.at("2026-03-11T03:47:40Z");
    let removed = w.create_login_profile(&thief, "backup");
    w.records.retain(|(_, r)| r["eventID"] != removed.as_str());
    w.at("2026-03-11T03:52:20Z");
    w.ingress(&thief, GROUP, 22, "0.0.0.0/0", true);
    // Act three: data theft.
    w.at("2026-03-11T03:56:00Z");
    for n in 0..12 {
        w.record(
            &thief,
            "secretsmanager",
            "GetSecretValue",
            HOME,
            json!({"secretId": format!("prod/db-{n}")}),
            Value::Null,
        );
    }
    w.at("2026-03-11T04:02:31Z");
    w.share_snapshot(&thief, SNAPSHOT, LAIR);
    w.at("2026-03-11T04:18:05Z");
    let batch = w.assume(&thief, "batch", "render");
    let fleet = w.run_instances(&batch, "ap-south-1", "p4d.24xlarge", 8);
    w.at("2026-03-11T04:41:00Z");
    let stranger = w.foreigner(LAIR, "AIDALAIRLAIRLAIRLAIR", "198.51.100.99", CLI);
    let inside = w.assume(&stranger, "support-readonly", "s");
    w.record(&inside, "s3", "ListBuckets", HOME, Value::Null, Value::Null);
    w.record(
        &inside,
        "secretsmanager",
        "GetSecretValue",
        HOME,
        json!({"secretId": "prod/db-0"}),
        Value::Null,
    );
    // Cleanup of conspicuous traces.
    w.at("2026-03-11T06:20:44Z");
    w.ingress(&thief, GROUP, 22, "0.0.0.0/0", false);
    // Nothing of the port is left to attribute.
    w.deeds
        .retain(|d| d.kind != "ec2:security_group" || d.origin != thief.origin);
    w.at("2026-03-11T06:38:09Z");
    w.terminate_instances(&batch, "ap-south-1", &fleet);
    removed.into()
}

/// Cost by day, service, region and usage type.
fn bill(attack: bool) -> String {
    let mut text = String::from(
        "line_item_usage_account_id,line_item_usage_start_date,product_servicecode,product_region_code,line_item_usage_type,line_item_unblended_cost\n",
    );
    for day in 1..=14 {
        let date = format!("2026-03-{day:02}");
        for (service, usage, cost) in [
            ("AWSLambda", "Lambda-GB-Second", 1.10),
            ("AmazonEC2", "EBS:SnapshotUsage", 1.00),
            ("AmazonS3", "TimedStorage-ByteHrs", 0.42),
            ("AWSCloudTrail", "USE1-DataEventsRecorded", 0.05),
        ] {
            text.push_str(&format!(
                "{ACCOUNT},{date},{service},{HOME},{usage},{:.2}\n",
                cost + f64::from(day % 5) * 0.01
            ));
        }
        if attack && day == 11 {
            text.push_str(&format!(
                "{ACCOUNT},{date},AmazonEC2,ap-south-1,APS3-BoxUsage:p4d.24xlarge,612.40\n"
            ));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    /// Files below a folder, by name.
    fn files(folder: &Path, base: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, base, found);
            } else {
                found.insert(
                    path.strip_prefix(base).unwrap().display().to_string(),
                    std::fs::read(&path).unwrap(),
                );
            }
        }
    }

    #[test]
    fn the_examples_are_what_the_generator_makes() {
        let root = crate::root();
        let made = tempfile::tempdir().unwrap();
        super::write(&root, made.path()).unwrap();
        for name in ["heist", "quiet"] {
            let (mut here, mut fresh) = (BTreeMap::new(), BTreeMap::new());
            let kept = root.join("examples").join(name);
            files(&kept, &kept, &mut here);
            files(&made.path().join(name), &made.path().join(name), &mut fresh);
            let differ: Vec<&String> = fresh
                .keys()
                .chain(here.keys())
                .filter(|k| here.get(*k) != fresh.get(*k))
                .collect();
            assert!(
                differ.is_empty(),
                "run cargo xtask heist: {name}: {differ:?}"
            );
            let bytes: usize = here.values().map(Vec::len).sum();
            assert!(bytes <= 3 << 20, "{name} has {bytes} bytes");
        }
    }

    /// The digests chain the objects, and their signatures verify with the key next to them.
    #[test]
    fn digests_are_valid() {
        let folder = crate::root().join("examples/heist");
        let key: serde_json::Value =
            serde_json::from_slice(&std::fs::read(folder.join("digest-key.json")).unwrap())
                .unwrap();
        let key = base64::Engine::decode(
            &base64::engine::general_purpose::STANDARD,
            key["Value"].as_str().unwrap(),
        )
        .unwrap();
        let public = ring::signature::UnparsedPublicKey::new(
            &ring::signature::RSA_PKCS1_2048_8192_SHA256,
            key,
        );
        let inflate = |name: &str| {
            let mut text = Vec::new();
            let file = std::fs::File::open(folder.join("trail").join(name)).unwrap();
            std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(file), &mut text).unwrap();
            text
        };
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        let sha = |bytes: &[u8]| hex(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref());
        let unhex = |text: &str| {
            (0..text.len() / 2)
                .map(|n| u8::from_str_radix(&text[2 * n..2 * n + 2], 16).unwrap())
                .collect::<Vec<u8>>()
        };
        let (mut previous, mut logs) = ("null".to_owned(), 0);
        for line in std::fs::read_to_string(folder.join("digest-signatures.txt"))
            .unwrap()
            .lines()
        {
            let (signature, name) = line.split_once(' ').unwrap();
            let text = inflate(name);
            let digest: serde_json::Value = serde_json::from_slice(&text).unwrap();
            let end = digest["digestEndTime"].as_str().unwrap();
            let signed = format!(
                "{end}\n{}/{name}\n{}\n{previous}",
                digest["digestS3Bucket"].as_str().unwrap(),
                sha(&text)
            );
            public.verify(signed.as_bytes(), &unhex(signature)).unwrap();
            for log in digest["logFiles"].as_array().unwrap() {
                assert_eq!(
                    sha(&inflate(log["s3Object"].as_str().unwrap())),
                    log["hashValue"].as_str().unwrap()
                );
                logs += 1;
            }
            previous = signature.to_owned();
        }
        assert!(logs > 50, "{logs}");
    }
}
