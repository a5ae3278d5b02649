//! What a call touched, whom it let in, and what it made: read from request and response by tables
//! of names.
//!
//! Services name the same thing in many forms: `snapshotId`, `DBSnapshotIdentifier`,
//! `instancesSet.items[].instanceId`, `DeleteFlowLogsRequest.FlowLogId.content`, a list, or JSON in
//! a string. So requests are walked, and a value is known by the name of its field ([`stem`]), by
//! the call ([`CallWords`]), and by where it stands, never by one path.

mod party;
mod resource;

use bartizan_model::Counterparty;
use bartizan_model::limits::{
    COUNTERPARTIES_MAX, RESOURCES_MAX, TOUCHED_DEPTH_MAX, TOUCHED_LEAVES_MAX,
    TOUCHED_TEXT_BYTES_MAX,
};
use bartizan_trail::json::{JsonKind, JsonValue};
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

/// Which call it is, in the forms that names of fields are compared with.
struct CallWords {
    /// `ec2`.
    service: String,
    /// `Delete`.
    verb: String,
    /// `volume` of `DeleteVolume`, `flowlog` of `DeleteFlowLogs`, without capitals and plural.
    noun: String,
    /// As it stands, without a version behind it (`CreateFunction20150331`).
    name: String,
    /// Account that was called.
    own: String,
}

impl CallWords {
    fn new(source: &str, name: &str, own: &str) -> Self {
        let service = source.split('.').next().unwrap_or_default().to_owned();
        let name = name
            .trim()
            .trim_end_matches(|c: char| c.is_ascii_digit() || c == '_' || c == 'v')
            .to_owned();
        let words = name
            .char_indices()
            .skip(1)
            .find(|(_, c)| c.is_ascii_uppercase())
            .map_or(name.len(), |(at, _)| at);
        let (verb, noun) = name.split_at(words);
        // `BatchGetSecretValue`, `BatchDeleteImage`.
        let (verb, noun) = match verb {
            "Batch" | "Admin" => {
                let next = noun
                    .char_indices()
                    .skip(1)
                    .find(|(_, c)| c.is_ascii_uppercase())
                    .map_or(noun.len(), |(at, _)| at);
                noun.split_at(next)
            }
            _ => (verb, noun),
        };
        Self {
            service,
            verb: verb.to_owned(),
            noun: singular(&plain(noun)).to_owned(),
            own: own.to_owned(),
            name,
        }
    }

    /// Whether the call takes something away or only looks: then nobody is let in by it.
    fn gives_nothing(&self) -> bool {
        const VERBS: &[&str] = &[
            "Delete",
            "Remove",
            "Revoke",
            "Detach",
            "Disassociate",
            "Deregister",
            "Reject",
            "Disable",
            "Stop",
            "Terminate",
            "Cancel",
            "Reset",
            "Release",
            "Unsubscribe",
            "List",
            "Describe",
            "Get",
            "Head",
            "Lookup",
            "Search",
            "Scan",
            "Query",
            "Schedule",
            "Deactivate",
            "Leave",
            "Untag",
            "Tag",
            "Check",
            "Validate",
            "Simulate",
            "Test",
        ];
        VERBS.contains(&self.verb.as_str()) && !self.makes()
    }

    /// Whether the call makes something that was not there.
    fn makes(&self) -> bool {
        const VERBS: &[&str] = &[
            "Create", "Run", "Import", "Copy", "Upload", "Register", "Allocate", "Restore",
            "Issue", "Generate",
        ];
        const CALLS: &[&str] = &[
            "GetFederationToken",
            "GetSessionToken",
            "StartExportTask",
            "PublishLayerVersion",
        ];
        VERBS.contains(&self.verb.as_str()) || CALLS.contains(&self.name.as_str())
    }
}

/// The scalars of request and response.
struct ScalarFields {
    request: Vec<ScalarField>,
    response: Vec<ScalarField>,
}

/// A scalar with the fields on the way to it.
struct ScalarField {
    /// `["ippermission", "cidrip"]`: without capitals, marks, and what only holds lists (`items`,
    /// `…Set`, `…Request`).
    path: Vec<String>,
    text: String,
    /// Ports of the rule that it stands in: `tcp 22`.
    ports: Option<String>,
}

impl ScalarField {
    /// The name of its field.
    fn key(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }

    /// Whether any field on the way has a name like that.
    fn is_below(&self, names: &[&str]) -> bool {
        self.path.iter().any(|p| names.contains(&p.as_str()))
    }
}

/// Where a walk stands.
#[derive(Default)]
struct WalkPosition {
    path: Vec<String>,
    ports: Option<String>,
    depth: usize,
}

fn walk(value: JsonValue<'_>, place: &mut WalkPosition, leaves: &mut Vec<ScalarField>) {
    if place.depth >= TOUCHED_DEPTH_MAX || leaves.len() >= TOUCHED_LEAVES_MAX {
        return;
    }
    place.depth += 1;
    match value.kind() {
        JsonKind::Object => {
            let ports = place.ports.clone();
            if let Some(own) = ports_of(value) {
                place.ports = Some(own);
            }
            for (name, inner) in value.members() {
                let name = plain(name.split('.').next().unwrap_or_default());
                let holds = HOLDERS.contains(&name.as_str())
                    || name.ends_with("request") && inner.kind() == JsonKind::Object;
                // `{"attribute": …, "value": …}` of old forms: what it is stands in the field
                // around it.
                let holds = holds || name == "value" && !place.path.is_empty();
                if !holds {
                    place.path.push(
                        name.strip_suffix("set")
                            .filter(|n| n.len() > 3)
                            .map_or(name.clone(), str::to_owned),
                    );
                }
                walk(inner, place, leaves);
                if !holds {
                    place.path.pop();
                }
            }
            place.ports = ports;
        }
        JsonKind::Array => value
            .elements()
            .for_each(|inner| walk(inner, place, leaves)),
        _ => {
            if let Some(text) = value.text().filter(|t| !t.is_empty()) {
                let is_json = text.starts_with(['{', '[']) && text.len() <= TOUCHED_TEXT_BYTES_MAX;
                leaves.push(ScalarField {
                    path: place.path.clone(),
                    text: text.to_string(),
                    ports: place.ports.clone(),
                });
                // Exports write whole requests as text; policies are read as policies.
                if is_json
                    && !text.contains("\"Statement\"")
                    && let Some(inner) = JsonValue::new(text.as_bytes(), 0)
                {
                    walk(inner, place, leaves);
                }
            }
        }
    }
    place.depth -= 1;
}

/// Fields that hold what the field around them names.
const HOLDERS: [&str; 7] = [
    "items", "item", "member", "members", "content", "entry", "entries",
];

/// `tcp 22`, `tcp 0-65535`, `all`: of an object that has ports or a protocol.
fn ports_of(value: JsonValue<'_>) -> Option<String> {
    let (mut protocol, mut from, mut to) = (None, None, None);
    for (name, inner) in value.members() {
        match (plain(&name).as_str(), inner.kind()) {
            ("ipprotocol" | "protocol" | "aclprotocol", _) => {
                protocol = inner.text().map(|t| t.to_string())
            }
            ("fromport", _) => from = inner.text().map(|t| t.to_string()),
            ("toport", _) => to = inner.text().map(|t| t.to_string()),
            ("portrange", JsonKind::Object) => {
                from = inner
                    .get("from")
                    .or_else(|| inner.get("From"))
                    .and_then(JsonValue::text)
                    .map(|t| t.to_string());
                to = inner
                    .get("to")
                    .or_else(|| inner.get("To"))
                    .and_then(JsonValue::text)
                    .map(|t| t.to_string());
            }
            _ => {}
        }
    }
    if protocol.is_none() && from.is_none() {
        return None;
    }
    let protocol = match protocol.as_deref() {
        Some("-1" | "all") => return Some("all".to_owned()),
        Some("6") | None => "tcp".to_owned(),
        Some("17") => "udp".to_owned(),
        Some(other) => other.to_owned(),
    };
    Some(match (from, to) {
        (None, _) => protocol,
        (Some(from), Some(to)) if to != from => format!("{protocol} {from}-{to}"),
        (Some(from), _) => format!("{protocol} {from}"),
    })
}

/// A name without capitals and marks: `dbsnapshotidentifier` of `dBSnapshotIdentifier` and of
/// `db_snapshot_identifier`.
fn plain(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

fn singular(name: &str) -> &str {
    match name.strip_suffix('s') {
        Some(one) if !one.ends_with('s') && one.len() > 2 => one,
        _ => name,
    }
}

/// What a field names, if it names something: `volume` of `volumeid`, `alarm` of `alarmnames`.
fn stem(key: &str) -> Option<&str> {
    const ENDS: [&str; 10] = [
        "identifiers",
        "identifier",
        "arns",
        "arn",
        "names",
        "name",
        "urls",
        "url",
        "ids",
        "id",
    ];
    ENDS.iter().find_map(|end| key.strip_suffix(end))
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
