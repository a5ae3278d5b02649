//! Resources of a call: ARNs and names.

use super::fields::{CallWords, ScalarField, ScalarFields, singular, stem};
use crate::derive::text::cut;
use bartizan_model::limits::{RESOURCE_FIELDS_MAX, RESOURCES_MAX};
use bartizan_trail::json::JsonValue;
use bartizan_trail::{Event, Field};

/// Resources of a call: those listed in the record, or else those named in request and response.
pub(super) fn of(event: &Event<'_>, call: &CallWords, leaves: &ScalarFields) -> Vec<String> {
    let listed = event
        .field(Field::Resources)
        .into_iter()
        .flat_map(JsonValue::elements);
    let mut found: Vec<String> = Vec::new();
    for arn in listed.filter_map(|r| {
        r.get("ARN")
            .or_else(|| r.get("arn"))?
            .text()
            .map(|t| cut(&t))
    }) {
        if found.len() < RESOURCES_MAX && !found.contains(&arn) {
            found.push(arn);
        }
    }
    if found.is_empty() {
        found = object(call, &leaves.request)
            .map_or_else(|| named(call, &leaves.request), |object| vec![object]);
    }
    if found.is_empty() {
        // A thing created without a name has one in the response only.
        found = named(call, &leaves.response);
    }
    if found.is_empty() && OF_THE_ACCOUNT.contains(&call.name.as_str()) && !call.own.is_empty() {
        found.push(format!("account {}", call.own));
    }
    found
}

/// S3 object: bucket and key are one resource.
fn object(call: &CallWords, leaves: &[ScalarField]) -> Option<String> {
    let text = |key: &str| {
        leaves
            .iter()
            .find(|l| l.key() == key && l.path.len() == 1)
            .map(|l| l.text.as_str())
    };
    let (bucket, key) = (text("bucketname")?, text("key")?);
    (call.service == "s3").then(|| cut(&format!("arn:aws:s3:::{bucket}/{key}")))
}

/// Most specific names: all of the best field, then the first of the second best.
fn named(call: &CallWords, leaves: &[ScalarField]) -> Vec<String> {
    let mut ranked: Vec<(u32, usize, &ScalarField)> = leaves
        .iter()
        .enumerate()
        .filter_map(|(at, leaf)| Some((rank(call, leaf)?, at, leaf)))
        .collect();
    ranked.sort_by_key(|(rank, at, _)| (*rank, *at));
    let mut keys: Vec<&str> = Vec::new();
    let mut found: Vec<String> = Vec::new();
    for (_, _, leaf) in ranked {
        if !keys.contains(&leaf.key()) {
            if keys.len() == RESOURCE_FIELDS_MAX {
                break;
            }
            keys.push(leaf.key());
        }
        let text = cut(&leaf.text);
        // One value of another field is enough besides the best field.
        if found.len() < RESOURCES_MAX
            && !found.contains(&text)
            && (keys.len() == 1 || keys.last() == Some(&leaf.key()))
        {
            found.push(text);
        }
    }
    found
}

/// Rank of a field, lower is better; `None` if it names no resource.
fn rank(call: &CallWords, leaf: &ScalarField) -> Option<u32> {
    let key = leaf.key();
    if NO_RESOURCE.contains(&key)
        || leaf.is_below(&[
            "filter",
            "filters",
            "tags",
            "tag",
            "tagspecification",
            "tagspecifications",
        ])
    {
        return None;
    }
    // AWS's own values that name no resource.
    if leaf.text.len() > 2048 || leaf.text == "true" || leaf.text == "false" {
        return None;
    }
    let known = NAMES
        .iter()
        .position(|n| *n == key)
        .map(|at| 100 + at as u32);
    let list = key.strip_suffix("list").unwrap_or(key);
    let stem = stem(list);
    if let Some(stem) = stem
        .map(singular)
        .or_else(|| BARE.contains(&key).then_some(key))
    {
        if !stem.is_empty() && stem == call.noun {
            return Some(0);
        }
        if stem.len() >= 3 && (call.noun.starts_with(stem) || call.noun.ends_with(stem)) {
            // For `UserPolicy` the user comes first.
            return Some(if call.noun.starts_with(stem) { 10 } else { 11 });
        }
    }
    if LAST.contains(&key) {
        return Some(600);
    }
    if BARE.contains(&key) && known.is_none() {
        return Some(310);
    }
    // Most requests also name an encryption key or a network.
    if BESIDE.contains(&key) && known.is_none() {
        return Some(500);
    }
    known.or_else(|| {
        stem.filter(|_| leaf.path.len() <= 4)
            .map(|stem| if stem.is_empty() { 350 } else { 300 })
    })
}

/// Fields that name a resource without the suffix `Id` or `Name`.
const BARE: &[&str] = &[
    "cluster",
    "service",
    "bucket",
    "target",
    "table",
    "stack",
    "repository",
    "resource",
    "instance",
    "database",
    "eventdatastore",
    "taskdefinition",
    "emailaddress",
    "emailidentity",
    "identity",
    "domain",
    "family",
    "path",
    "servicecode",
    "serialnumber",
    "targetprincipal",
    "stream",
    "broker",
    "workgroup",
    "project",
    "channel",
    "layer",
    "alias",
    "configurationset",
];

/// Fields used only if there is no other.
const LAST: &[&str] = &["accountid", "accountids", "account"];

/// Fields with a resource suffix that name no resource.
const NO_RESOURCE: &[&str] = &[
    "rolesessionname",
    "attributename",
    "metricname",
    "versionid",
    "requestid",
    "clientrequestid",
    "clienttokenid",
    "ownerid",
    "externalid",
    "uploadid",
    "displayname",
    "hostname",
    "dnsname",
    "enginename",
    "availabilityzoneid",
    "eventname",
    "tokenid",
    "principalid",
    "transactionid",
    "correlationid",
    "parametername",
    "namespacename",
    "callerid",
    "sid",
    "availabilityzonename",
    "contentid",
    "modeid",
    "xid",
    "xamzid",
    "host",
    "userid",
    "dimensionname",
    "peerownerid",
];

/// Fields that many requests have besides their resource.
const BESIDE: &[&str] = &[
    "kmskeyid",
    "subnetid",
    "subnetids",
    "vpcid",
    "securitygroupids",
    "securitygroupid",
    "rolearn",
];

/// Calls whose resource is the account itself.
const OF_THE_ACCOUNT: &[&str] = &[
    "LeaveOrganization",
    "UpdateAccountPasswordPolicy",
    "DeleteAccountPasswordPolicy",
    "DisableEbsEncryptionByDefault",
    "EnableSerialConsoleAccess",
    "PutAccountPublicAccessBlock",
    "DeleteAccountPublicAccessBlock",
    "DeletePublicAccessBlock",
    "GetAccountAuthorizationDetails",
    "GenerateCredentialReport",
    "GetCredentialReport",
    "ListSecrets",
    "DisableSecurityHub",
    "PutAccountSendingAttributes",
    "UpdateAccountSendingEnabled",
    "CloseAccount",
    "PutContactInformation",
    "EnableRegion",
    "PutAlternateContact",
    "DeleteAlternateContact",
    "DisableSnapshotBlockPublicAccess",
    "DisableImageBlockPublicAccess",
    "ModifyInstanceMetadataDefaults",
    "PutAccountSetting",
    "PutAccountSettingDefault",
    "CreateAccountAlias",
    "DeleteAccountAlias",
    "EnableImageBlockPublicAccess",
    "EnableSnapshotBlockPublicAccess",
    "GetSendQuota",
    "DisassociateFromMasterAccount",
    "DisassociateFromAdministratorAccount",
    "DisableMacie",
    "DisableOrganizationAdminAccount",
    "DeleteModelInvocationLoggingConfiguration",
    "PutModelInvocationLoggingConfiguration",
    "CreateEnvironment",
    "PasswordUpdated",
    "PasswordRecoveryRequested",
    "PasswordRecoveryCompleted",
    "EmailUpdated",
    "CreateVirtualMFADevice",
];

/// Fields that name the resource of a call, most specific first.
const NAMES: &[&str] = &[
    "username",
    "rolename",
    "groupname",
    "policyarn",
    "policyname",
    "secretid",
    "bucketname",
    "key",
    "functionname",
    "name",
    "trailname",
    "instanceid",
    "snapshotid",
    "imageid",
    "groupid",
    "keyid",
    "dbsnapshotidentifier",
    "dbinstanceidentifier",
    "dbclusteridentifier",
    "tablename",
    "queueurl",
    "topicarn",
    "resourcearn",
    "rolearn",
    "detectorid",
    "loggroupname",
    "target",
    "documentname",
    "repositoryname",
    "vpcid",
    "id",
    "arn",
    "keyname",
    "instanceprofilename",
    "modelid",
    "names",
    "cluster",
];
