//! Every way to blind us has two witnesses: the event, and something else where the event is lost.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::common::{Home, root};
use crate::digest::chain::{ACCOUNT, Made, Plan, START_S, record};
use crate::digest::write_files;

/// Documents of a dump by path below the region, e.g. `s3-get-bucket-policy/audit-logs`.
type Dump = BTreeMap<String, Value>;

/// An account with everything that somebody may switch off.
fn account() -> Dump {
    let trail = "arn:aws:cloudtrail:us-east-1:111122223333:trail/main";
    let store = "arn:aws:cloudtrail:us-east-1:111122223333:eventdatastore/0a1b2c3d";
    let key = "0a1b2c3d-0000-4000-8000-000000000001";
    let bucket = "audit-logs";
    let topic = "arn:aws:sns:us-east-1:111122223333:security-alerts";
    let by_trail = json!({"Service": "cloudtrail.amazonaws.com"});
    let writer = json!({"Statement": [{"Effect": "Allow", "Principal": by_trail,
        "Action": "s3:PutObject", "Resource": "arn:aws:s3:::audit-logs/*"}]});
    [
        (
            "cloudtrail-describe-trails.json".to_owned(),
            json!({"trailList": [{"Name": "main", "S3BucketName": bucket,
                "IncludeGlobalServiceEvents": true,
                "IsMultiRegionTrail": true, "HomeRegion": "us-east-1", "TrailARN": trail,
                "LogFileValidationEnabled": true, "HasCustomEventSelectors": false,
                "HasInsightSelectors": true, "IsOrganizationTrail": false}]}),
        ),
        (
            "cloudtrail-get-trail-status/main".to_owned(),
            json!({"IsLogging": true}),
        ),
        (
            "cloudtrail-get-event-selectors/main".to_owned(),
            json!({"TrailARN": trail, "EventSelectors": [{"ReadWriteType": "All",
                "IncludeManagementEvents": true, "DataResources": [],
                "ExcludeManagementEventSources": []}]}),
        ),
        (
            "cloudtrail-get-insight-selectors/main".to_owned(),
            json!({"TrailARN": trail, "InsightSelectors": [{"InsightType": "ApiCallRateInsight"}]}),
        ),
        (
            "cloudtrail-list-event-data-stores.json".to_owned(),
            json!({"EventDataStores": [{"EventDataStoreArn": store, "Name": "lake"}]}),
        ),
        (
            format!("cloudtrail-get-event-data-store/{}", escaped(store)),
            json!({"EventDataStoreArn": store, "Name": "lake", "Status": "ENABLED",
                "MultiRegionEnabled": true, "RetentionPeriod": 365}),
        ),
        (
            "cloudtrail-list-channels.json".to_owned(),
            json!({"Channels": [{"ChannelArn":
                "arn:aws:cloudtrail:us-east-1:111122223333:channel/partner", "Name": "partner"}]}),
        ),
        (
            "s3-list-buckets.json".to_owned(),
            json!({"Buckets": [{"Name": bucket}]}),
        ),
        (
            format!("s3-get-bucket-location/{bucket}"),
            json!({"LocationConstraint": null}),
        ),
        (
            format!("s3-get-bucket-policy/{bucket}"),
            json!({"Policy": writer.to_string()}),
        ),
        (
            format!("s3-get-bucket-versioning/{bucket}"),
            json!({"Status": "Enabled"}),
        ),
        (
            format!("s3-get-bucket-logging/{bucket}"),
            json!({"LoggingEnabled": {"TargetBucket": "access-logs", "TargetPrefix": "a/"}}),
        ),
        (
            format!("s3-get-bucket-lifecycle-configuration/{bucket}"),
            json!({"Rules": [{"ID": "old", "Status": "Enabled", "Filter": {"Prefix": ""},
                "Expiration": {"Days": 2000}}]}),
        ),
        (
            format!("s3-get-object-lock-configuration/{bucket}"),
            json!({"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 400}}}}),
        ),
        (
            format!("s3-get-bucket-replication/{bucket}"),
            json!({"ReplicationConfiguration": {"Role": "arn:aws:iam::111122223333:role/copy",
                "Rules": [{"ID": "copy", "Status": "Enabled", "Priority": 1,
                    "Filter": {"Prefix": ""}, "Destination": {"Bucket": "arn:aws:s3:::copies"}}]}}),
        ),
        (
            format!("s3-get-public-access-block/{bucket}"),
            json!({"PublicAccessBlockConfiguration": {"BlockPublicAcls": true,
                "IgnorePublicAcls": true, "BlockPublicPolicy": true,
                "RestrictPublicBuckets": true}}),
        ),
        (
            "kms-list-keys.json".to_owned(),
            json!({"Keys": [{"KeyId": key}]}),
        ),
        (
            format!("kms-describe-key/{key}"),
            json!({"KeyMetadata": {"KeyId": key, "AWSAccountId": ACCOUNT, "Enabled": true,
                "KeyState": "Enabled", "KeyUsage": "ENCRYPT_DECRYPT", "KeyManager": "CUSTOMER",
                "Arn": format!("arn:aws:kms:us-east-1:111122223333:key/{key}"),
                "Description": "logs", "Origin": "AWS_KMS"}}),
        ),
        (
            format!("kms-get-key-policy/{key}"),
            json!({"Policy": json!({"Statement": [
                {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
                    "Action": "kms:*", "Resource": "*"},
                {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"},
                    "Action": "kms:GenerateDataKey*", "Resource": "*"}]}).to_string()}),
        ),
        (
            format!("kms-list-grants/{key}"),
            json!({"Grants": [{"KeyId": key, "GrantId": "g1",
                "GranteePrincipal": "arn:aws:iam::111122223333:role/logs",
                "Operations": ["GenerateDataKey"]}]}),
        ),
        (
            "account-list-regions.json".to_owned(),
            json!({"Regions": [{"RegionName": "ap-east-1", "RegionOptStatus": "DISABLED"},
                {"RegionName": "eu-south-1", "RegionOptStatus": "ENABLED"}]}),
        ),
        (
            "events-list-event-buses.json".to_owned(),
            json!({"EventBuses": [{"Name": "default"}]}),
        ),
        (
            "events-list-rules/default".to_owned(),
            json!({"Rules": [{"Name": "guardduty", "State": "ENABLED", "EventBusName": "default",
                "EventPattern": "{\"source\":[\"aws.guardduty\"]}"}]}),
        ),
        (
            "logs-describe-log-groups.json".to_owned(),
            json!({"logGroups": [{"logGroupName": "trail", "retentionInDays": 400}]}),
        ),
        (
            "logs-describe-subscription-filters/trail".to_owned(),
            json!({"subscriptionFilters": [{"filterName": "siem", "logGroupName": "trail",
                "filterPattern": "",
                "destinationArn": "arn:aws:lambda:us-east-1:111122223333:function:siem"}]}),
        ),
        (
            "sns-list-topics.json".to_owned(),
            json!({"Topics": [{"TopicArn": topic}]}),
        ),
        (
            format!("sns-get-topic-attributes/{}", escaped(topic)),
            json!({"Attributes": {"TopicArn": topic, "Owner": ACCOUNT}}),
        ),
        (
            "sns-list-subscriptions.json".to_owned(),
            json!({"Subscriptions": [{"TopicArn": topic, "Protocol": "email",
                "Endpoint": "soc@example.com", "Owner": ACCOUNT,
                "SubscriptionArn": format!("{topic}:0a1b")}]}),
        ),
        (
            "organizations-describe-organization.json".to_owned(),
            json!({"Organization": {"Id": "o-a1b2c3d4e5", "MasterAccountId": ACCOUNT,
                "FeatureSet": "ALL",
                "Arn": "arn:aws:organizations::111122223333:organization/o-a1b2c3d4e5"}}),
        ),
        (
            "organizations-list-aws-service-access-for-organization.json".to_owned(),
            json!({"EnabledServicePrincipals": [{"ServicePrincipal": "cloudtrail.amazonaws.com"}]}),
        ),
        (
            "organizations-list-delegated-administrators.json".to_owned(),
            json!({"DelegatedAdministrators": [{"Id": "999988887777", "Status": "ACTIVE",
                "Arn": "arn:aws:organizations::111122223333:account/o-a1b2c3d4e5/999988887777"}]}),
        ),
        (
            "iam-get-account-authorization-details.json".to_owned(),
            json!({"UserDetailList": [], "GroupDetailList": [], "Policies": [],
                "RoleDetailList": [{"RoleName": "AWSServiceRoleForCloudTrail",
                "RoleId": "AROAEXAMPLE1",
                "Path": "/aws-service-role/cloudtrail.amazonaws.com/",
                "Arn": "arn:aws:iam::111122223333:role/aws-service-role/cloudtrail.amazonaws.com/\
                    AWSServiceRoleForCloudTrail",
                "AssumeRolePolicyDocument": {"Statement": [{"Effect": "Allow",
                    "Principal": by_trail, "Action": "sts:AssumeRole"}]}}]}),
        ),
    ]
    .into_iter()
    .collect()
}

fn escaped(name: &str) -> String {
    name.replace('/', "%2F").replace(':', "%3A")
}

/// Sign of the act when its event is lost.
enum Witness {
    /// Fact that differs between two snapshots, by its kind; the change of the dump.
    Snapshot(&'static str, fn(&mut Dump)),
    /// Nothing but the record: the digests say that it was there.
    Digest,
}

/// One way to blind us.
struct BlindingAct {
    act: &'static str,
    /// Our rule, whose first fixture is the event.
    rule: &'static str,
    witness: Witness,
}

fn set(dump: &mut Dump, name: &str, pointer: &str, value: Value) {
    *dump.get_mut(name).unwrap().pointer_mut(pointer).unwrap() = value;
}

fn remove(dump: &mut Dump, name: &str) {
    dump.remove(name).unwrap();
}

const KEY: &str = "kms-describe-key/0a1b2c3d-0000-4000-8000-000000000001";
const KEY_POLICY: &str = "kms-get-key-policy/0a1b2c3d-0000-4000-8000-000000000001";
const GRANTS: &str = "kms-list-grants/0a1b2c3d-0000-4000-8000-000000000001";
const TRAILS: &str = "cloudtrail-describe-trails.json";

fn acts() -> Vec<BlindingAct> {
    let act = |act, rule, witness| BlindingAct { act, rule, witness };
    let seen = Witness::Snapshot;
    vec![
        act(
            "StopLogging",
            "trail-stopped",
            seen("cloudtrail:trailstatus", |d| {
                set(
                    d,
                    "cloudtrail-get-trail-status/main",
                    "/IsLogging",
                    json!(false),
                );
            }),
        ),
        act(
            "DeleteTrail",
            "trail-deleted",
            seen("cloudtrail:trail", |d| {
                set(d, TRAILS, "/trailList", json!([]));
                for name in ["trail-status", "event-selectors", "insight-selectors"] {
                    remove(d, &format!("cloudtrail-get-{name}/main"));
                }
            }),
        ),
        act(
            "UpdateTrail, one region",
            "trail-narrowed",
            seen("cloudtrail:trail", |d| {
                set(d, TRAILS, "/trailList/0/IsMultiRegionTrail", json!(false));
            }),
        ),
        act(
            "UpdateTrail, no validation",
            "trail-changed",
            seen("cloudtrail:trail", |d| {
                set(
                    d,
                    TRAILS,
                    "/trailList/0/LogFileValidationEnabled",
                    json!(false),
                );
            }),
        ),
        act(
            "UpdateTrail, other bucket",
            "trail-redirected",
            seen("cloudtrail:trail", |d| {
                set(d, TRAILS, "/trailList/0/S3BucketName", json!("elsewhere"));
            }),
        ),
        act(
            "PutEventSelectors",
            "event-selectors-narrowed",
            seen("cloudtrail:eventselectors", |d| {
                set(
                    d,
                    "cloudtrail-get-event-selectors/main",
                    "/EventSelectors/0/ReadWriteType",
                    json!("ReadOnly"),
                );
            }),
        ),
        act(
            "PutInsightSelectors",
            "event-selectors-changed",
            seen("cloudtrail:insightselectors", |d| {
                set(
                    d,
                    "cloudtrail-get-insight-selectors/main",
                    "/InsightSelectors",
                    json!([]),
                );
            }),
        ),
        act(
            "StopEventDataStoreIngestion",
            "event-data-store-stopped",
            seen("cloudtrail:eventdatastore", |d| {
                let name = format!(
                    "cloudtrail-get-event-data-store/{}",
                    escaped("arn:aws:cloudtrail:us-east-1:111122223333:eventdatastore/0a1b2c3d")
                );
                set(d, &name, "/Status", json!("STOPPED_INGESTION"));
            }),
        ),
        act(
            "DeleteChannel",
            "trail-channel-removed",
            seen("cloudtrail:channel", |d| {
                set(d, "cloudtrail-list-channels.json", "/Channels", json!([]));
            }),
        ),
        act(
            "PutEventConfiguration",
            "trail-event-fields-changed",
            Witness::Digest,
        ),
        act(
            "DeregisterOrganizationDelegatedAdmin",
            "cloudtrail-administrator-removed",
            seen("organizations:delegatedadministrator", |d| {
                let name = "organizations-list-delegated-administrators.json";
                set(d, name, "/DelegatedAdministrators", json!([]));
            }),
        ),
        act(
            "PutBucketLifecycle",
            "short-lifecycle",
            seen("s3:bucketlifecycle", |d| {
                let name = "s3-get-bucket-lifecycle-configuration/audit-logs";
                set(d, name, "/Rules/0/Expiration/Days", json!(1));
            }),
        ),
        act(
            "PutBucketPolicy",
            "log-writer-denied",
            seen("s3:bucketpolicy", |d| {
                let policy = json!({"Statement": [{"Effect": "Deny",
                "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "s3:PutObject",
                "Resource": "arn:aws:s3:::audit-logs/*"}]});
                set(
                    d,
                    "s3-get-bucket-policy/audit-logs",
                    "/Policy",
                    json!(policy.to_string()),
                );
            }),
        ),
        act(
            "PutBucketVersioning",
            "bucket-versioning-off",
            seen("s3:bucketversioning", |d| {
                set(
                    d,
                    "s3-get-bucket-versioning/audit-logs",
                    "/Status",
                    json!("Suspended"),
                );
            }),
        ),
        act(
            "PutBucketLogging",
            "bucket-logging-off",
            seen("s3:bucketlogging", |d| {
                d.insert("s3-get-bucket-logging/audit-logs".to_owned(), json!({}));
            }),
        ),
        act(
            "PutObjectLockConfiguration",
            "object-lock-weakened",
            seen("s3:bucketobjectlock", |d| {
                let pointer = "/ObjectLockConfiguration/Rule/DefaultRetention/Days";
                set(
                    d,
                    "s3-get-object-lock-configuration/audit-logs",
                    pointer,
                    json!(1),
                );
            }),
        ),
        act(
            "DeleteBucketReplication",
            "bucket-copies-stopped",
            seen("s3:bucketreplication", |d| {
                d.insert(
                    "s3-get-bucket-replication/audit-logs".to_owned(),
                    json!({"Error": {"Code": "ReplicationConfigurationNotFoundError",
                    "Message": "none"}}),
                );
            }),
        ),
        act("DeleteObject", "log-files-touched", Witness::Digest),
        act(
            "ScheduleKeyDeletion",
            "key-destroyed",
            seen("kms:key", |d| {
                set(d, KEY, "/KeyMetadata/KeyState", json!("PendingDeletion"));
                set(d, KEY, "/KeyMetadata/Enabled", json!(false));
            }),
        ),
        act(
            "PutKeyPolicy",
            "lockout-policy",
            seen("kms:keypolicy", |d| {
                let policy = json!({"Statement": [{"Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::111122223333:role/other"}, "Action": "kms:*",
                "Resource": "*"}]});
                set(d, KEY_POLICY, "/Policy", json!(policy.to_string()));
            }),
        ),
        act(
            "RevokeGrant",
            "key-grant-revoked",
            seen("kms:grant", |d| set(d, GRANTS, "/Grants", json!([]))),
        ),
        act(
            "EnableRegion",
            "region-enabled",
            seen("account:region", |d| {
                set(
                    d,
                    "account-list-regions.json",
                    "/Regions/0/RegionOptStatus",
                    json!("ENABLED"),
                );
            }),
        ),
        act(
            "DisableRegion",
            "region-disabled",
            seen("account:region", |d| {
                set(
                    d,
                    "account-list-regions.json",
                    "/Regions/1/RegionOptStatus",
                    json!("DISABLED"),
                );
            }),
        ),
        act(
            "DisableRule",
            "event-rule-disabled",
            seen("events:rule", |d| {
                set(
                    d,
                    "events-list-rules/default",
                    "/Rules/0/State",
                    json!("DISABLED"),
                );
            }),
        ),
        act("PurgeQueue", "log-queue-purged", Witness::Digest),
        act(
            "DeleteLogGroup",
            "logs-deleted",
            seen("logs:loggroup", |d| {
                set(d, "logs-describe-log-groups.json", "/logGroups", json!([]));
                remove(d, "logs-describe-subscription-filters/trail");
            }),
        ),
        act(
            "PutRetentionPolicy",
            "log-retention-shortened",
            seen("logs:loggroup", |d| {
                set(
                    d,
                    "logs-describe-log-groups.json",
                    "/logGroups/0/retentionInDays",
                    json!(1),
                );
            }),
        ),
        act(
            "DeleteSubscriptionFilter",
            "log-subscription-deleted",
            seen("logs:subscriptionfilter", |d| {
                let name = "logs-describe-subscription-filters/trail";
                set(d, name, "/subscriptionFilters", json!([]));
            }),
        ),
        act(
            "Unsubscribe",
            "alarm-channel-removed",
            seen("sns:subscription", |d| {
                set(
                    d,
                    "sns-list-subscriptions.json",
                    "/Subscriptions",
                    json!([]),
                );
            }),
        ),
        act(
            "DisableAWSServiceAccess",
            "watching-service-shut-out",
            seen("organizations:serviceaccess", |d| {
                let name = "organizations-list-aws-service-access-for-organization.json";
                set(d, name, "/EnabledServicePrincipals", json!([]));
            }),
        ),
        act(
            "DeleteServiceLinkedRole",
            "watching-role-deleted",
            Witness::Digest,
        ),
        act(
            "LeaveOrganization",
            "organization-left",
            seen("organizations:organization", |d| {
                d.insert(
                "organizations-describe-organization.json".to_owned(),
                json!({"Error": {"Code": "AWSOrganizationsNotInUseException", "Message": "none"}}),
            );
            }),
        ),
        act(
            "a request that is left out of the record",
            "change-left-out",
            Witness::Digest,
        ),
    ]
}

fn write_dump(dump: &Dump, folder: &Path) {
    for (name, document) in dump {
        let path = folder.join(ACCOUNT).join("us-east-1").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, document.to_string()).unwrap();
    }
}

/// Two snapshots ten hours apart, and the trail between.
fn home(before: &Dump, after: &Dump, made: &Made) -> Home {
    let home = Home::new();
    write_dump(before, &home.path("in/config/20260301T000500Z"));
    write_dump(after, &home.path("in/config/20260301T103000Z"));
    write_files(made, &home.path("in"));
    home
}

/// First record that a fixture of a rule says must match, in the fifth hour; `None` without a rule.
fn event(rule: &str) -> Option<Value> {
    let stage = ["blind", "steal", "maintain", "gain"]
        .into_iter()
        .map(|stage| {
            root()
                .join("rules")
                .join(stage)
                .join(format!("{rule}.json"))
        })
        .find(|path| !rule.is_empty() && path.exists())?;
    let fixture: Value = serde_json::from_slice(&std::fs::read(stage).unwrap()).unwrap();
    let mut whole = record(&Plan::default(), START_S + 5 * 3600 + 900, 77);
    whole["readOnly"] = json!(false);
    let first = &fixture["match"][0];
    // A rule over time has several: the last is the act.
    let first = first
        .as_array()
        .and_then(|list| list.last())
        .unwrap_or(first);
    for (name, value) in first.as_object()? {
        if name != "eventTime" && name != "at" {
            whole[name] = value.clone();
        }
    }
    Some(whole)
}

fn blind(told: &Value) -> Vec<&Value> {
    let findings = told["findings"].as_array().unwrap();
    findings
        .iter()
        .filter(|f| f["severity"] != "info")
        .collect()
}

/// Whether a finding is about a change of a fact of this kind.
fn is_about(finding: &Value, kind: &str) -> bool {
    let evidence = finding["evidence"].as_array().unwrap();
    evidence
        .iter()
        .any(|e| e["kind"] == "change" && e["fact"] == kind)
}

fn with_record(record: Option<Value>) -> Made {
    Made::new(&[Plan {
        records: record.into_iter().map(|r| (5, r)).collect(),
        ..Plan::default()
    }])
}

/// Id of a rule.
fn rule_id(rule: &str) -> String {
    let text = ["blind", "steal", "maintain", "gain"]
        .into_iter()
        .map(|stage| root().join("rules").join(stage).join(format!("{rule}.yml")))
        .find_map(|path| std::fs::read_to_string(path).ok());
    let text = text.unwrap_or_default();
    let id = text.lines().find_map(|line| line.strip_prefix("id: "));
    id.unwrap_or_default().to_owned()
}

/// The event is on record: which rule finds it, and how bad it is.
fn on_record(row: &BlindingAct, before: &Dump, after: &Dump) -> Result<String, String> {
    let Some(record) = event(row.rule) else {
        return Ok("no event of its own".to_owned());
    };
    let told = home(before, after, &with_record(Some(record))).json(&["watch", "--once", "in"]);
    let id = rule_id(row.rule);
    let found = blind(&told).into_iter().find(|f| f["rule"] == id);
    let found = found.ok_or_else(|| format!("{} finds nothing", row.rule))?;
    Ok(format!(
        "{} ({})",
        row.rule,
        found["severity"].as_str().unwrap()
    ))
}

/// It is not, and the trail is whole: the change is there, and no call made it.
fn off_record(kind: &str, before: &Dump, after: &Dump) -> Result<String, String> {
    let told = home(before, after, &with_record(None)).json(&["watch", "--once", "in"]);
    let found = blind(&told).into_iter().find(|f| is_about(f, kind));
    let found = found.ok_or_else(|| format!("no change of {kind}: {}", told["findings"]))?;
    if found["stage"] != "blind" {
        return Err(format!("stage {} of {kind}", found["stage"]));
    }
    let changes = told["changes"].as_array().unwrap();
    let change = changes.iter().find(|c| c["kind"] == kind).unwrap();
    if change["attributed"] != "without-call" {
        return Err(format!(
            "{kind}: {} {}",
            change["attributed"], change["because"]
        ));
    }
    Ok(format!(
        "change of {kind} ({}), no call made it",
        found["severity"].as_str().unwrap()
    ))
}

/// Its log is deleted: the digest says so, and nobody says that no call was made.
fn log_deleted(record: Value, before: &Dump, after: &Dump) -> Result<String, String> {
    let mut made = with_record(Some(record));
    made.files.remove(&made.logs[5][0].clone());
    let told = home(before, after, &made).json(&["watch", "--once", "in"]);
    let found = blind(&told)
        .into_iter()
        .find(|f| f["rule"] == "log-missing");
    let found = found.ok_or_else(|| format!("no missing log: {}", told["findings"]))?;
    if found["stage"] != "blind" || found["severity"] != "critical" {
        return Err(found.to_string());
    }
    for change in told["changes"].as_array().unwrap() {
        if change["attributed"] == "without-call" {
            return Err(format!("in an unverified hour: {change}"));
        }
    }
    Ok("its log is missing (critical)".to_owned())
}

#[test]
fn every_way_to_blind_has_two_witnesses() {
    let before = account();
    let (mut table, mut faults) = (Vec::new(), Vec::new());
    for row in acts() {
        let mut after = before.clone();
        let kind = match row.witness {
            Witness::Snapshot(kind, change) => {
                change(&mut after);
                Some(kind)
            }
            Witness::Digest => None,
        };
        let witnesses = [
            Some(on_record(&row, &before, &after)),
            kind.map(|kind| off_record(kind, &before, &after)),
            event(row.rule).map(|record| log_deleted(record, &before, &after)),
        ];
        let mut said = vec![row.act.to_owned()];
        for witness in witnesses.into_iter().flatten() {
            match witness {
                Ok(text) => said.push(text),
                Err(fault) => faults.push(format!("{}: {fault}", row.act)),
            }
        }
        table.push(said.join(" | "));
    }
    println!("{}", table.join("\n"));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(table.len() >= 30);
}

/// A region without digests in which something happened every few minutes falls silent.
#[test]
fn a_region_that_falls_silent_is_found() {
    let mut made = Made::new(&[Plan {
        hours: 16,
        logs: 12,
        silent: vec![6, 7],
        restarts: vec![8],
        ..Plan::default()
    }]);
    made.files
        .retain(|key, _| !key.contains("CloudTrail-Digest"));
    made.signatures.clear();
    let dump = account();
    let told = home(&dump, &dump, &made).json(&["watch", "--once", "in"]);
    let gap = blind(&told).into_iter().find(|f| f["rule"] == "trail-gap");
    let gap = gap.unwrap_or_else(|| panic!("{}", told["findings"]));
    assert_eq!(
        (&gap["stage"], &gap["region"]),
        (&json!("blind"), &json!("us-east-1"))
    );
    assert_eq!(&gap["first_time"].as_str().unwrap()[..13], "2026-03-01T05");
}

/// Whatever is switched off is no longer paid for: the bill is a witness outside of the trail.
#[test]
fn sensors_that_cost_nothing_any_more_are_found() {
    let mut bill = "line_item_usage_account_id,line_item_usage_start_date,product_servicecode,\
        product_region_code,line_item_usage_type,line_item_unblended_cost\n"
        .to_owned();
    for day in 1..=28 {
        for (service, kind, cost) in [
            ("AmazonEC2", "BoxUsage:t3.medium", 1.0),
            ("AWSCloudTrail", "USE1-PaidEventsRecorded", 0.4),
            ("AmazonGuardDuty", "USE1-PaidEventsAnalyzed", 0.8),
            ("AWSConfig", "USE1-ConfigurationItemRecorded", 0.3),
        ] {
            if day <= 20 || service == "AmazonEC2" {
                bill += &format!(
                    "{ACCOUNT},2026-03-{day:02},{service},us-east-1,{kind},{:.2}\n",
                    cost + f64::from(day % 3) / 100.0
                );
            }
        }
    }
    let home = Home::new();
    std::fs::write(home.path("bill.csv"), bill).unwrap();
    let told = home.json(&["spend", "bill.csv"]);
    let findings = told["findings"].as_array().unwrap();
    let silent = findings.iter().find(|f| f["stage"] == "blind");
    let silent = silent.unwrap_or_else(|| panic!("{told}"));
    assert_eq!(silent["account"], ACCOUNT);
    for service in ["CloudTrail", "GuardDuty", "Config"] {
        assert!(silent.to_string().contains(service), "{service}: {silent}");
    }
}

/// Our own eyes are put out: denied calls are UNKNOWN, and nothing that they saw was deleted.
#[test]
fn calls_that_are_denied_are_no_deletion() {
    let before = account();
    let after = before
        .keys()
        .map(|name| {
            let denied = json!({"Error": {"Code": "AccessDenied", "Message": "no"}});
            (name.clone(), denied)
        })
        .collect();
    let home = home(&before, &after, &with_record(None));
    let told = home.json(&["watch", "--once", "in"]);
    let changes = told["changes"].as_array().unwrap();
    assert!(changes.iter().all(|c| c["sign"] != "-"), "{changes:?}");
    assert!(!told["coverage"]["unknown"].as_array().unwrap().is_empty());
    let last = &told["snapshot"][0];
    assert!(last["calls_read"].as_u64().unwrap() < last["calls"].as_u64().unwrap());
}
