//! What a call is about.

use super::cut;
use crate::trail::json::Value;
use crate::trail::{Event, Field};

/// ARNs and names that a call is about: `resources`, then what the request names.
pub fn resources(event: &Event<'_>) -> Vec<String> {
    let listed = event.field(Field::Resources).into_iter().flat_map(Value::elements);
    let mut found: Vec<String> = listed.filter_map(|r| r.get("ARN").or_else(|| r.get("arn"))?.text().map(|t| cut(&t))).collect();
    if found.is_empty() {
        let members = event.field(Field::RequestParameters).into_iter().flat_map(Value::raw_members);
        let rank = |key: &[u8]| NAMES.iter().position(|n| n.as_bytes() == key);
        let mut named: Vec<_> = members.filter_map(|(key, value)| Some((rank(key)?, value))).collect();
        named.sort_by_key(|(rank, _)| *rank);
        found = named.into_iter().filter_map(|(_, value)| value.text().map(|t| cut(&t))).take(2).collect();
    }
    if found.is_empty()
        && let Some(request) = event.field(Field::RequestParameters)
    {
        // A list of ids: {"instancesSet":{"items":[{"instanceId":"i-1"}]}}.
        let lists = request.members().filter_map(|(_, v)| v.get("items")).flat_map(Value::elements);
        let ids = lists.filter_map(|item| item.members().find(|(k, _)| k.ends_with("Id")).and_then(|(_, v)| v.text()));
        found = ids.map(|t| cut(&t)).take(RESOURCES_LISTED_MAX).collect();
    }
    found
}

const RESOURCES_LISTED_MAX: usize = 5;

/// Request fields that name what a call is about, most telling first.
const NAMES: &[&str] = &[
    "userName",
    "roleName",
    "groupName",
    "policyArn",
    "policyName",
    "secretId",
    "bucketName",
    "key",
    "functionName",
    "name",
    "trailName",
    "instanceId",
    "snapshotId",
    "imageId",
    "groupId",
    "keyId",
    "dBSnapshotIdentifier",
    "dBInstanceIdentifier",
    "dBClusterIdentifier",
    "tableName",
    "queueUrl",
    "topicArn",
    "resourceArn",
    "roleArn",
    "detectorId",
    "logGroupName",
    "target",
    "documentName",
    "repositoryName",
    "vpcId",
    "id",
    "arn",
];
