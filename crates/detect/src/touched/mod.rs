//! What a call touched, whom it let in, and what it made: read from request and response by tables
//! of names.
//!
//! Services name the same thing in many forms: `snapshotId`, `DBSnapshotIdentifier`,
//! `instancesSet.items[].instanceId`, `DeleteFlowLogsRequest.FlowLogId.content`, a list, or JSON in
//! a string. So requests are walked, and a value is known by the name of its field ([`stem`]), by
//! the call ([`CallWords`]), and by where it stands, never by one path.

mod fields;
mod party;
mod resource;

use self::fields::walk;
use crate::touched::fields::CallWords;
use crate::touched::fields::ScalarFields;
use crate::touched::fields::WalkPosition;
use bartizan_model::Counterparty;
use bartizan_model::limits::{COUNTERPARTIES_MAX, RESOURCES_MAX};
use bartizan_trail::{Event, Field};

/// What a call was about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TouchedResources {
    /// ARNs and names, most telling first.
    pub(super) resources: Vec<String>,
    /// Whom it let in, what it made, gave or sent.
    pub(super) counterparty: Vec<Counterparty>,
}

/// What a call touched: `ec2:DeleteVolume` with `{"volumeId":"vol-1"}` is about `vol-1`.
#[must_use]
pub(super) fn touched(event: &Event<'_>) -> TouchedResources {
    let (call, leaves) = read(event);
    let mut touched = TouchedResources {
        resources: resource::of(event, &call, &leaves),
        counterparty: party::of(&call, &leaves),
    };
    touched.resources.truncate(RESOURCES_MAX);
    touched.counterparty.truncate(COUNTERPARTIES_MAX);
    touched
}

/// ARNs and names that a call is about, most telling first.
#[must_use]
pub(super) fn resources(event: &Event<'_>) -> Vec<String> {
    let (call, leaves) = read(event);
    resource::of(event, &call, &leaves)
}

fn read(event: &Event<'_>) -> (CallWords, ScalarFields) {
    let text = |field| event.text(field).unwrap_or_default();
    let call = CallWords::new(
        &text(Field::EventSource),
        &text(Field::EventName),
        &text(Field::RecipientAccountId),
    );
    let leaves = |field| {
        let mut leaves = Vec::new();
        if let Some(value) = event.field(field) {
            walk(value, &mut WalkPosition::default(), &mut leaves);
        }
        leaves
    };
    let leaves = ScalarFields {
        request: leaves(Field::RequestParameters),
        response: leaves(Field::ResponseElements),
    };
    (call, leaves)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bartizan_trail::{TrailItem, TrailReader};

    fn touched_by(
        source: &str,
        name: &str,
        request: &str,
        response: &str,
    ) -> (Vec<String>, Vec<String>) {
        let record = format!(
            r#"{{"eventSource":"{source}.amazonaws.com","eventName":"{name}","recipientAccountId":"111122223333","requestParameters":{request},"responseElements":{response}}}"#
        );
        let mut found = None;
        TrailReader::new().read(&mut record.as_bytes(), &mut |item| {
            if let TrailItem::Event(event) = item {
                found = Some(touched(&event));
            }
        });
        let found = found.unwrap_or_default();
        let parties = found
            .counterparty
            .iter()
            .map(|c| format!("{} {c}", c.relation.word()))
            .collect();
        (found.resources, parties)
    }

    #[test]
    fn every_form_names_what_it_is_about() {
        let null = "null";
        for (source, name, request, resources) in [
            (
                "monitoring",
                "DeleteAlarms",
                r#"{"alarmNames":["cpu","disk"]}"#,
                &["cpu", "disk"][..],
            ),
            (
                "elasticfilesystem",
                "DeleteFileSystem",
                r#"{"fileSystemId":"fs-1"}"#,
                &["fs-1"],
            ),
            (
                "elasticfilesystem",
                "DeleteMountTarget",
                r#"{"mountTargetId":"fsmt-1"}"#,
                &["fsmt-1"],
            ),
            (
                "ec2",
                "DeleteFlowLogs",
                r#"{"DeleteFlowLogsRequest":{"FlowLogId":{"tag":1,"content":"fl-1"}}}"#,
                &["fl-1"],
            ),
            ("ec2", "DeleteVolume", r#"{"volumeId":"vol-1"}"#, &["vol-1"]),
            (
                "backup",
                "DeleteRecoveryPoint",
                r#"{"backupVaultName":"v","recoveryPointArn":"arn:aws:backup:r:1:rp"}"#,
                &["arn:aws:backup:r:1:rp", "v"],
            ),
            (
                "ec2",
                "TerminateInstances",
                r#"{"instancesSet":{"items":[{"instanceId":"i-1"},{"instanceId":"i-2"}]}}"#,
                &["i-1", "i-2"],
            ),
            (
                "ec2",
                "TerminateInstances",
                r#""{\"instanceIds\":[\"i-1\"]}""#,
                &["i-1"],
            ),
            (
                "ec2",
                "ModifySecurityGroupRules",
                r#"{"ModifySecurityGroupRulesRequest":{"GroupId":"sg-1"}}"#,
                &["sg-1"],
            ),
            (
                "rds",
                "DeleteDBCluster",
                r#"{"dBClusterIdentifier":"c1","skipFinalSnapshot":true}"#,
                &["c1"],
            ),
            (
                "redshift",
                "DeleteCluster",
                r#"{"clusterIdentifier":"c2"}"#,
                &["c2"],
            ),
            (
                "iam",
                "AttachUserPolicy",
                r#"{"userName":"dan","policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}"#,
                &["dan", "arn:aws:iam::aws:policy/AdministratorAccess"],
            ),
            (
                "s3",
                "GetObject",
                r#"{"bucketName":"b","key":"k/x","Host":"b.s3.amazonaws.com"}"#,
                &["arn:aws:s3:::b/k/x"],
            ),
            ("ssm", "StartSession", r#"{"target":"i-9"}"#, &["i-9"]),
            (
                "secretsmanager",
                "BatchGetSecretValue",
                r#"{"secretIdList":["a","b"]}"#,
                &["a", "b"],
            ),
            (
                "ec2",
                "CreateTrafficMirrorSession",
                r#"{"CreateTrafficMirrorSessionRequest":{"TrafficMirrorTargetId":"tmt-1","NetworkInterfaceId":"eni-1"}}"#,
                &["tmt-1", "eni-1"],
            ),
            ("ecs", "DeleteCluster", r#"{"cluster":"c"}"#, &["c"]),
        ] {
            assert_eq!(
                touched_by(source, name, request, null).0,
                resources,
                "{name} {request}"
            );
        }
    }

    #[test]
    fn whom_it_let_in_and_what_it_made_is_told() {
        for (source, name, request, response, parties) in [
            (
                "ec2",
                "ModifySnapshotAttribute",
                r#"{"snapshotId":"snap-1","createVolumePermission":{"add":{"items":[{"userId":"999988887777"}]}}}"#,
                "null",
                &["let in account 999988887777"][..],
            ),
            (
                "ec2",
                "ModifySnapshotAttribute",
                r#"{"snapshotId":"snap-1","createVolumePermission":{"remove":{"items":[{"userId":"999988887777"}]}}}"#,
                "null",
                &[],
            ),
            (
                "ec2",
                "ModifyImageAttribute",
                r#"{"imageId":"ami-1","launchPermission":{"add":{"items":[{"group":"all"}]}}}"#,
                "null",
                &["let in everybody"],
            ),
            (
                "rds",
                "ModifyDBSnapshotAttribute",
                r#"{"dBSnapshotIdentifier":"s","attributeName":"restore","valuesToAdd":["999988887777"]}"#,
                "null",
                &["let in account 999988887777"],
            ),
            (
                "iam",
                "CreateAccessKey",
                r#"{"userName":"dan"}"#,
                r#"{"accessKey":{"accessKeyId":"AKIANEW","status":"Active","userName":"dan"}}"#,
                &["made access key AKIANEW (user dan)"],
            ),
            (
                "ec2",
                "RunInstances",
                r#"{"instancesSet":{"items":[{"imageId":"ami-1","maxCount":1}]}}"#,
                r#"{"instancesSet":{"items":[{"instanceId":"i-1","imageId":"ami-1"}]}}"#,
                &["made instance i-1"],
            ),
            (
                "ec2",
                "AuthorizeSecurityGroupIngress",
                r#"{"groupId":"sg-1","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":22,"toPort":22,"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0"}]}}]}}"#,
                "null",
                &["let in network 0.0.0.0/0 (tcp 22)"],
            ),
            (
                "ec2",
                "ModifySecurityGroupRules",
                r#"{"ModifySecurityGroupRulesRequest":{"GroupId":"sg-1","SecurityGroupRule":{"SecurityGroupRule":{"CidrIpv4":"0.0.0.0/0","IpProtocol":"tcp","FromPort":1,"ToPort":1024}}}}"#,
                "null",
                &["let in network 0.0.0.0/0 (tcp 1-1024)"],
            ),
            (
                "iam",
                "UpdateAssumeRolePolicy",
                r#"{"roleName":"ops","policyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::999988887777:root\"},\"Action\":\"sts:AssumeRole\"}]}"}"#,
                "null",
                &["let in account 999988887777"],
            ),
            (
                "ssm",
                "SendCommand",
                r#"{"documentName":"AWS-RunShellScript","instanceIds":["i-1"],"parameters":{"commands":["curl 198.51.100.7"]}}"#,
                "null",
                &["sent command curl 198.51.100.7 (AWS-RunShellScript)"],
            ),
            (
                "lambda",
                "AddPermission20150331v2",
                r#"{"functionName":"f","principal":"*","action":"lambda:InvokeFunction"}"#,
                "null",
                &["let in everybody"],
            ),
            (
                "iam",
                "AttachRolePolicy",
                r#"{"roleName":"r","policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}"#,
                "null",
                &["gave policy arn:aws:iam::aws:policy/AdministratorAccess"],
            ),
            (
                "iam",
                "CreateUser",
                r#"{"userName":"back"}"#,
                r#"{"user":{"userName":"back","arn":"arn:aws:iam::111122223333:user/back","userId":"AIDA"}}"#,
                &["made user back"],
            ),
        ] {
            assert_eq!(
                touched_by(source, name, request, response).1,
                parties,
                "{name} {request}"
            );
        }
    }
}
