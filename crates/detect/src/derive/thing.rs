//! Name of the thing that a call creates or removes, equal for both calls so that they can be
//! matched.

use super::shape::at;
use super::text::{api, cut};
use crate::touched::resources;
use bartizan_trail::{Event, Field};

/// Creating and removing calls of one kind of thing, with the path of its name in each.
struct ThingLife {
    kind: &'static str,
    makes: (&'static str, NamePath),
    removes: (&'static str, &'static str),
}

/// Path of the name in the creating call.
enum NamePath {
    Request(&'static str),
    Response(&'static str),
}

use NamePath::{Request, Response};
use bartizan_model::limits::RESOURCES_OF_CALL_MAX;

const fn life(
    kind: &'static str,
    makes: (&'static str, NamePath),
    removes: (&'static str, &'static str),
) -> ThingLife {
    ThingLife {
        kind,
        makes,
        removes,
    }
}

/// Kinds of things that intruders create and remove again (API references of the services).
const LIVES: &[ThingLife] = &[
    life(
        "user",
        ("iam:CreateUser", Request("userName")),
        ("iam:DeleteUser", "userName"),
    ),
    life(
        "role",
        ("iam:CreateRole", Request("roleName")),
        ("iam:DeleteRole", "roleName"),
    ),
    life(
        "login",
        ("iam:CreateLoginProfile", Request("userName")),
        ("iam:DeleteLoginProfile", "userName"),
    ),
    life(
        "key",
        ("iam:CreateAccessKey", Response("accessKey.accessKeyId")),
        ("iam:DeleteAccessKey", "accessKeyId"),
    ),
    life(
        "policy",
        ("iam:CreatePolicy", Response("policy.arn")),
        ("iam:DeletePolicy", "policyArn"),
    ),
    life(
        "instance",
        ("ec2:RunInstances", Response("instancesSet.instanceId")),
        ("ec2:TerminateInstances", "instancesSet.instanceId"),
    ),
    life(
        "volume",
        ("ec2:CreateVolume", Response("volumeId")),
        ("ec2:DeleteVolume", "volumeId"),
    ),
    life(
        "snapshot",
        ("ec2:CreateSnapshot", Response("snapshotId")),
        ("ec2:DeleteSnapshot", "snapshotId"),
    ),
    life(
        "snapshot",
        ("ec2:CopySnapshot", Response("snapshotId")),
        ("ec2:DeleteSnapshot", "snapshotId"),
    ),
    life(
        "image",
        ("ec2:CreateImage", Response("imageId")),
        ("ec2:DeregisterImage", "imageId"),
    ),
    life(
        "image",
        ("ec2:CopyImage", Response("imageId")),
        ("ec2:DeregisterImage", "imageId"),
    ),
    life(
        "key-pair",
        ("ec2:CreateKeyPair", Request("keyName")),
        ("ec2:DeleteKeyPair", "keyName"),
    ),
    life(
        "key-pair",
        ("ec2:ImportKeyPair", Request("keyName")),
        ("ec2:DeleteKeyPair", "keyName"),
    ),
    life(
        "security-group",
        ("ec2:CreateSecurityGroup", Response("groupId")),
        ("ec2:DeleteSecurityGroup", "groupId"),
    ),
    life(
        "file-system",
        (
            "elasticfilesystem:CreateFileSystem",
            Response("fileSystemId"),
        ),
        ("elasticfilesystem:DeleteFileSystem", "fileSystemId"),
    ),
    life(
        "bucket",
        ("s3:CreateBucket", Request("bucketName")),
        ("s3:DeleteBucket", "bucketName"),
    ),
    life(
        "function",
        ("lambda:CreateFunction", Request("functionName")),
        ("lambda:DeleteFunction", "functionName"),
    ),
    life(
        "event-rule",
        ("events:PutRule", Request("name")),
        ("events:DeleteRule", "name"),
    ),
    life(
        "database",
        ("rds:CreateDBInstance", Request("dBInstanceIdentifier")),
        ("rds:DeleteDBInstance", "dBInstanceIdentifier"),
    ),
    life(
        "database",
        (
            "rds:RestoreDBInstanceFromDBSnapshot",
            Request("dBInstanceIdentifier"),
        ),
        ("rds:DeleteDBInstance", "dBInstanceIdentifier"),
    ),
    life(
        "database-cluster",
        ("rds:CreateDBCluster", Request("dBClusterIdentifier")),
        ("rds:DeleteDBCluster", "dBClusterIdentifier"),
    ),
    life(
        "database-snapshot",
        ("rds:CreateDBSnapshot", Request("dBSnapshotIdentifier")),
        ("rds:DeleteDBSnapshot", "dBSnapshotIdentifier"),
    ),
    life(
        "table",
        ("dynamodb:CreateTable", Request("tableName")),
        ("dynamodb:DeleteTable", "tableName"),
    ),
    life(
        "backup",
        ("dynamodb:CreateBackup", Response("backupDetails.backupArn")),
        ("dynamodb:DeleteBackup", "backupArn"),
    ),
    life(
        "stack",
        ("cloudformation:CreateStack", Request("stackName")),
        ("cloudformation:DeleteStack", "stackName"),
    ),
    life(
        "log-group",
        ("logs:CreateLogGroup", Request("logGroupName")),
        ("logs:DeleteLogGroup", "logGroupName"),
    ),
    life(
        "repository",
        ("ecr:CreateRepository", Request("repositoryName")),
        ("ecr:DeleteRepository", "repositoryName"),
    ),
    life(
        "topic",
        ("sns:CreateTopic", Response("topicArn")),
        ("sns:DeleteTopic", "topicArn"),
    ),
    life(
        "queue",
        ("sqs:CreateQueue", Response("queueUrl")),
        ("sqs:DeleteQueue", "queueUrl"),
    ),
    life(
        "trail",
        ("cloudtrail:CreateTrail", Request("name")),
        ("cloudtrail:DeleteTrail", "name"),
    ),
    life(
        "key-of-kms",
        ("kms:CreateKey", Response("keyMetadata.keyId")),
        ("kms:ScheduleKeyDeletion", "keyId"),
    ),
    life(
        "secret",
        ("secretsmanager:CreateSecret", Request("name")),
        ("secretsmanager:DeleteSecret", "secretId"),
    ),
    life(
        "cluster",
        ("eks:CreateCluster", Request("name")),
        ("eks:DeleteCluster", "name"),
    ),
    life(
        "recovery-point",
        ("backup:StartBackupJob", Response("recoveryPointArn")),
        ("backup:DeleteRecoveryPoint", "recoveryPointArn"),
    ),
];

/// Thing that a call creates or removes, e.g. `volume/vol-0123`. A removed thing that is not in the
/// table is named after its call, so that it is counted too.
pub(super) fn things(event: &Event<'_>) -> Vec<String> {
    let call = super::action::action(&api(event));
    let (request, response) = (
        event.field(Field::RequestParameters),
        event.field(Field::ResponseElements),
    );
    let mut found = Vec::new();
    let mut known = false;
    for row in LIVES {
        let place = if row.makes.0 == call {
            match row.makes.1 {
                Request(path) => request.map(|r| (r, path)),
                Response(path) => response.map(|r| (r, path)),
            }
        } else if row.removes.0 == call {
            request.map(|r| (r, row.removes.1))
        } else {
            continue;
        };
        known = true;
        let names = place
            .into_iter()
            .flat_map(|(value, path)| at(value, path))
            .filter_map(|v| v.text());
        found.extend(
            names
                .take(RESOURCES_OF_CALL_MAX)
                .map(|name| format!("{}/{}", row.kind, cut(plain(row.kind, &name)))),
        );
    }
    if !known && super::action::class(&call).iter().any(|c| c == "destroy") {
        found.extend(
            resources(event)
                .into_iter()
                .map(|name| format!("{call} {name}")),
        );
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Name in an ARN: some calls accept both. A secret's ARN ends with six random characters after the
/// name.
fn plain<'n>(kind: &str, name: &'n str) -> &'n str {
    let last = if name.starts_with("arn:") {
        name.rsplit(':').next().unwrap_or(name)
    } else {
        name
    };
    match (kind, name.len() - last.len()) {
        ("secret", 1..) => last.rsplit_once('-').map_or(last, |(name, _)| name),
        (_, 1..) => last.rsplit('/').next().unwrap_or(last),
        _ => last,
    }
}

/// Effect of a call on the thing: `made` or `removed`.
pub(super) fn fate(call: &str) -> Option<&'static str> {
    let action = super::action::action(call);
    if LIVES.iter().any(|row| row.makes.0 == action) {
        return Some("made");
    }
    let removes = LIVES.iter().any(|row| row.removes.0 == action);
    (removes || super::action::class(call).iter().any(|c| c == "destroy")).then_some("removed")
}
