//! Account as the AWS CLI prints it: `account/region/service-operation.json`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::world::{ACCOUNT, HOME, World, pick};

/// Responses of calls for one item that has nothing configured.
const NOTHING: [(&str, &str); 3] = [
    ("iam-get-login-profile", "NoSuchEntity"),
    ("s3-get-bucket-policy", "NoSuchBucketPolicy"),
    ("lambda-get-policy", "ResourceNotFoundException"),
];

/// Writes all files below `folder`.
pub(crate) fn write(world: &World, root: &Path, folder: &Path) -> Result<()> {
    let mut files: BTreeMap<String, Value> = empty_lists(root)?;
    let of = |kind: &str| -> Vec<(&String, &Value)> {
        world
            .facts
            .iter()
            .filter(|((k, ..), _)| *k == kind)
            .map(|((_, _, id), v)| (id, v))
            .collect()
    };
    let below = |kind: &str, first: &str| -> Vec<(String, &Value)> {
        of(kind)
            .into_iter()
            .filter_map(|(id, v)| Some((id.strip_prefix(first)?.strip_prefix('/')?.to_owned(), v)))
            .collect()
    };
    let policies = |kind: &str, first: &str| -> Vec<Value> {
        below(kind, first)
            .into_iter()
            .map(|(name, v)| json!({"PolicyName": name, "PolicyDocument": v}))
            .collect()
    };
    let with = |value: &Value, more: Value| {
        let mut value = value.clone();
        value
            .as_object_mut()
            .into_iter()
            .for_each(|m| m.extend(more.as_object().cloned().unwrap_or_default()));
        value
    };
    let user = |(id, u): (&String, &Value)| {
        let groups: Vec<String> = below("iam:useringroup", id)
            .into_iter()
            .map(|(g, _)| g)
            .collect();
        with(
            u,
            json!({"UserPolicyList": policies("iam:userpolicy", id), "GroupList": groups}),
        )
    };
    let group = |(id, g): (&String, &Value)| {
        with(
            g,
            json!({"GroupPolicyList": policies("iam:grouppolicy", id)}),
        )
    };
    let role = |(id, r): (&String, &Value)| {
        let trust = world
            .get("iam:assumerolepolicy", "global", id)
            .cloned()
            .unwrap_or_default();
        with(
            r,
            json!({
                "AssumeRolePolicyDocument": trust,
                "RolePolicyList": policies("iam:rolepolicy", id),
            }),
        )
    };
    let details = json!({
        "UserDetailList": of("iam:user").into_iter().map(user).collect::<Vec<_>>(),
        "GroupDetailList": of("iam:group").into_iter().map(group).collect::<Vec<_>>(),
        "RoleDetailList": of("iam:role").into_iter().map(role).collect::<Vec<_>>(),
        "Policies": [],
    });
    files.insert("iam-get-account-authorization-details.json".into(), details);
    let users: Vec<Value> = of("iam:user")
        .into_iter()
        .map(|(_, u)| pick(u, &["Path", "UserName", "UserId", "Arn", "CreateDate"]))
        .collect();
    files.insert("iam-list-users.json".into(), json!({ "Users": users }));
    for (name, _) in of("iam:user") {
        let keys: Vec<&Value> = below("iam:accesskey", name)
            .into_iter()
            .map(|(_, v)| v)
            .collect();
        files.insert(
            format!("iam-list-access-keys/{name}"),
            json!({ "AccessKeyMetadata": keys }),
        );
        let profile = world.get("iam:loginprofile", "global", name);
        files.insert(
            format!("iam-get-login-profile/{name}"),
            profile.map_or_else(
                || nothing("iam-get-login-profile"),
                |p| json!({ "LoginProfile": p }),
            ),
        );
        files.insert(
            format!("iam-list-mfa-devices/{name}"),
            json!({"MFADevices": []}),
        );
        for (operation, list) in [
            ("iam-list-signing-certificates", "Certificates"),
            ("iam-list-ssh-public-keys", "SSHPublicKeys"),
            (
                "iam-list-service-specific-credentials",
                "ServiceSpecificCredentials",
            ),
        ] {
            files.insert(format!("{operation}/{name}"), json!({ list: [] }));
        }
    }
    let list =
        |kind: &str| -> Vec<Value> { of(kind).into_iter().map(|(_, v)| v.clone()).collect() };
    files.insert(
        "s3-list-buckets.json".into(),
        json!({"Buckets": list("s3:bucket")}),
    );
    for (name, _) in of("s3:bucket") {
        files.insert(
            format!("s3-get-bucket-location/{name}"),
            json!({"LocationConstraint": null}),
        );
        let policy = world.get("s3:bucketpolicy", "global", name);
        files.insert(
            format!("s3-get-bucket-policy/{name}"),
            policy.map_or_else(
                || nothing("s3-get-bucket-policy"),
                |p| json!({"Policy": p.to_string()}),
            ),
        );
    }
    files.insert(
        "ec2-describe-security-groups.json".into(),
        json!({"SecurityGroups": list("ec2:security_group")}),
    );
    files.insert(
        "ec2-describe-snapshots.json".into(),
        json!({"Snapshots": list("ec2:snapshot")}),
    );
    for (id, _) in of("ec2:snapshot") {
        let permissions = world
            .get("ec2:snapshotpermission", HOME, id)
            .cloned()
            .unwrap_or_else(|| json!([]));
        files.insert(
            format!("ec2-describe-snapshot-attribute/{id}"),
            json!({"SnapshotId": id, "CreateVolumePermissions": permissions}),
        );
    }
    files.insert(
        "sqs-list-queues.json".into(),
        json!({
            "QueueUrls": of("sqs:queuepolicy").into_iter().map(|(id, _)| id).collect::<Vec<_>>(),
        }),
    );
    for (url, policy) in of("sqs:queuepolicy") {
        let name = url
            .replace('%', "%25")
            .replace(':', "%3A")
            .replace('/', "%2F");
        let attributes = json!({
            "QueueArn": format!("arn:aws:sqs:{HOME}:{ACCOUNT}:jobs"),
            "VisibilityTimeout": "30",
            "Policy": policy.to_string(),
        });
        files.insert(
            format!("sqs-get-queue-attributes/{name}"),
            json!({ "Attributes": attributes }),
        );
    }
    files.insert(
        "lambda-list-functions.json".into(),
        json!({"Functions": list("lambda:function")}),
    );
    for (name, _) in of("lambda:function") {
        files.insert(
            format!("lambda-get-policy/{name}"),
            nothing("lambda-get-policy"),
        );
    }
    files.insert(
        "cloudtrail-describe-trails.json".into(),
        json!({"trailList": list("cloudtrail:trail")}),
    );
    for (name, status) in of("cloudtrail:trailstatus") {
        files.insert(
            format!("cloudtrail-get-trail-status/{name}"),
            status.clone(),
        );
    }
    for (name, value) in files {
        let path = folder.join(ACCOUNT).join(HOME).join(name);
        std::fs::create_dir_all(path.parent().context("a file in a folder")?)?;
        std::fs::write(path, serde_json::to_string_pretty(&value)? + "\n")?;
    }
    Ok(())
}

fn nothing(operation: &str) -> Value {
    let code = NOTHING
        .iter()
        .find(|(name, _)| *name == operation)
        .map_or("NoSuchEntity", |(_, code)| code);
    json!({"Error": {"Code": code, "Message": "there is none"}})
}

/// Empty lists for calls in the table of which this account has nothing, so that they count as
/// read.
fn empty_lists(root: &Path) -> Result<BTreeMap<String, Value>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(root.join("crates/cloud/calls"))? {
        let table: toml::Table = toml::from_str(&std::fs::read_to_string(entry?.path())?)?;
        let service = table["service"].as_str().context("service")?;
        for call in table["call"].as_array().context("call")? {
            let each = call
                .get("fact")
                .and_then(|f| f.as_array()?.first()?.get("each")?.as_str());
            let (Some(each), false) = (each, call.get("for").is_some()) else {
                continue;
            };
            let operation = call["operation"].as_str().context("operation")?;
            let Some(first) = each
                .split('.')
                .next()
                .filter(|f| *f == each || *f == "Reservations")
            else {
                continue;
            };
            files.insert(
                format!("{service}-{}.json", dashed(operation)),
                json!({ first: [] }),
            );
        }
    }
    Ok(files)
}

/// AWS CLI name of an operation, e.g. `describe-vpcs`.
fn dashed(operation: &str) -> String {
    let letters: Vec<char> = operation.chars().collect();
    let mut name = String::new();
    for (n, c) in letters.iter().enumerate() {
        let before = n.checked_sub(1).map(|p| letters[p]);
        let word = c.is_ascii_uppercase()
            && before.is_some_and(|p| {
                p.is_ascii_lowercase()
                    || p.is_ascii_digit()
                    || letters.get(n + 1).is_some_and(char::is_ascii_lowercase)
            });
        if word {
            name.push('-');
        }
        name.push(c.to_ascii_lowercase());
    }
    name
}
