//! Audit role with exactly the permissions that the call table needs: its policies, its trust
//! policy, and the bucket policy for the evidence.

use bartizan_inventory::snapshot::CallStatus;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::client::CallError;
use crate::live::Live;
use crate::table::CallTable;
use crate::template::at;

/// Size of a managed policy in characters, without whitespace
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>).
pub const MANAGED_POLICY_CHARACTERS_MAX: usize = 6_144;

/// Actions that read data or return secrets, which an audit role must not have. `*` and `?` as in
/// IAM.
const READS_DATA: [&str; 10] = [
    "s3:GetObject",
    "secretsmanager:GetSecretValue",
    "ssm:GetParameter",
    "dynamodb:GetItem",
    "dynamodb:Scan",
    "kms:Decrypt",
    "sqs:ReceiveMessage",
    "lambda:GetFunction",
    "logs:GetLogEvents",
    "ecr:BatchGetImage",
];

/// Sample of mutating actions that any write access would match.
const WRITES: [&str; 14] = [
    "iam:CreateAccessKey",
    "iam:PutUserPolicy",
    "iam:AttachRolePolicy",
    "iam:PassRole",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:PutBucketPolicy",
    "ec2:RunInstances",
    "ec2:AuthorizeSecurityGroupIngress",
    "lambda:UpdateFunctionCode",
    "kms:PutKeyPolicy",
    "cloudtrail:StopLogging",
    "sts:AssumeRole",
    "organizations:LeaveOrganization",
];

/// Policies, each within the size limit of a managed policy.
#[must_use]
pub fn policies(table: &CallTable) -> Vec<Value> {
    let mut by_resources = table.actions_by_resources();
    let everywhere = by_resources.entry(Vec::new()).or_default();
    everywhere.insert("ec2:DescribeRegions".to_owned());
    everywhere.insert("organizations:ListAccounts".to_owned());
    everywhere.insert("cloudtrail:ListPublicKeys".to_owned());
    let mut documents: Vec<Vec<Value>> = Vec::new();
    let mut number = 0;
    for (resources, actions) in by_resources {
        let actions: Vec<String> = actions.into_iter().collect();
        let mut rest = actions.as_slice();
        while !rest.is_empty() {
            number += 1;
            let statement = |actions: &[String]| statement(number, actions, &resources);
            let fits = |beside: &[Value], n: usize| {
                let statements = [beside, &[statement(&rest[..n])]].concat();
                document(&statements).to_string().len() <= MANAGED_POLICY_CHARACTERS_MAX
            };
            // All of them beside what is there, or as many as fit in a policy of their own.
            let last = documents.last_mut();
            if let Some(last) = last.filter(|last| fits(last, rest.len())) {
                last.push(statement(rest));
                break;
            }
            let count = (1..=rest.len()).rev().find(|n| fits(&[], *n)).unwrap_or(1);
            documents.push(vec![statement(&rest[..count])]);
            rest = &rest[count..];
        }
    }
    documents.iter().map(|d| document(d)).collect()
}

fn document(statements: &[Value]) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn statement(number: usize, actions: &[String], resources: &[String]) -> Value {
    json!({
        "Sid": format!("BartizanRead{number}"),
        "Effect": "Allow",
        "Action": actions,
        "Resource": if resources.is_empty() { json!("*") } else { json!(resources) },
    })
}

/// Trust policy: principals that may assume the audit role.
#[must_use]
pub fn trust_policy(principal: &str, external_id: Option<&str>) -> Value {
    let mut statement = json!({
        "Sid": "BartizanCollector",
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": "sts:AssumeRole",
    });
    if let Some(id) = external_id {
        statement["Condition"] = json!({"StringEquals": {"sts:ExternalId": id}});
    }
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

/// Policy of the evidence bucket in the second account: the writer may only create objects and read
/// them.
///
/// Only `checkpoint` may be overwritten: it is signed, every version of it is locked, and readers
/// compare it with the one that they remember.
#[must_use]
pub fn bucket_policy(bucket: &str, prefix: &str, writer: &str) -> Value {
    let partition = writer
        .strip_prefix("arn:")
        .and_then(|w| w.split(':').next())
        .unwrap_or("aws");
    let arn = format!("arn:{partition}:s3:::{bucket}");
    let slash = if prefix.is_empty() { "" } else { "/" };
    let objects = format!("{arn}/{prefix}{slash}*");
    json!({
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "WriterCreatesAndReads", "Effect": "Allow", "Principal": {"AWS": writer},
             "Action": ["s3:PutObject", "s3:GetObject"], "Resource": objects},
            {
                "Sid": "WriterLists",
                "Effect": "Allow",
                "Principal": {"AWS": writer},
                "Action": "s3:ListBucket",
                "Resource": arn,
            },
            {"Sid": "NamesAreTakenOnce", "Effect": "Deny", "Principal": "*",
             "Action": "s3:PutObject",
             "NotResource": [format!("{arn}/{prefix}{slash}checkpoint")],
             "Condition": {
                 "Null": {"s3:if-none-match": "true"},
                 "Bool": {"s3:ObjectCreationOperation": "true"},
             }},
            {"Sid": "WriterDestroysNothing", "Effect": "Deny", "Principal": {"AWS": writer},
             "Action": ["s3:DeleteObject", "s3:DeleteObjectVersion",
                        "s3:BypassGovernanceRetention", "s3:PutObjectRetention",
                        "s3:PutObjectLegalHold", "s3:PutBucketVersioning",
                        "s3:PutBucketObjectLockConfiguration", "s3:PutLifecycleConfiguration",
                        "s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:DeleteBucket"],
             "Resource": [arn, objects]},
            {"Sid": "EncryptedOnTheWay", "Effect": "Deny", "Principal": "*",
             "Action": "s3:*", "Resource": [arn, objects],
             "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        ],
    })
}

/// Differences between a live role and the permissions that the table needs.
#[derive(Debug, Default, Serialize)]
pub struct RoleGaps {
    pub role: String,
    /// Actions that the table needs and the role lacks.
    pub missing: Vec<String>,
    /// Data-plane actions that the role has and evidence does not need.
    pub reads_data: Vec<String>,
    /// Mutating actions that the role has.
    pub writes: Vec<String>,
    /// Policies that could not be read, so that the result is incomplete.
    pub unknown: Vec<String>,
}

/// Reads the policies of the role behind `live`, and compares.
///
/// Only the role's own policies are evaluated; boundaries, SCPs and conditions may restrict it
/// further.
///
/// # Errors
/// If the role itself cannot be read.
pub async fn check(
    live: &Live,
    table: &CallTable,
    role: Option<&str>,
) -> Result<RoleGaps, CallError> {
    let name = match role {
        Some(role) => role.rsplit('/').next().unwrap_or(role).to_owned(),
        None => live
            .arn
            .split(":assumed-role/")
            .nth(1)
            .and_then(|r| r.split('/').next())
            .map(str::to_owned)
            .ok_or_else(|| {
                CallError::new(
                    CallStatus::Failed,
                    "",
                    format!("{} is not a role: name one with --role", live.arn),
                )
            })?,
    };
    let mut check = RoleGaps {
        role: name.clone(),
        ..RoleGaps::default()
    };
    let documents = role_documents(live, &name, &mut check.unknown).await?;
    let patterns = |effect: &str| -> Vec<String> {
        documents
            .iter()
            .flat_map(|d| action_patterns(d, effect))
            .collect()
    };
    let (allow, deny) = (patterns("Allow"), patterns("Deny"));
    let allows = |action: &str| {
        allow.iter().any(|p| matches(p, action)) && !deny.iter().any(|p| matches(p, action))
    };
    check.missing = table.actions().into_iter().filter(|a| !allows(a)).collect();
    check.reads_data = READS_DATA
        .iter()
        .filter(|a| allows(a))
        .map(|a| (*a).to_owned())
        .collect();
    check.writes = WRITES
        .iter()
        .filter(|a| allows(a))
        .map(|a| (*a).to_owned())
        .collect();
    Ok(check)
}

/// Documents of a role's own and attached policies; adds to `unknown` why one could not be read.
async fn role_documents(
    live: &Live,
    name: &str,
    unknown: &mut Vec<String>,
) -> Result<Vec<Value>, CallError> {
    let ask = |operation: &'static str, params: Value| {
        let params = params.as_object().cloned().unwrap_or_default();
        async move {
            live.client()
                .call(
                    live.model(),
                    ("iam", operation),
                    live.client().endpoints().home(),
                    &params,
                )
                .await
                .map(|a| a.value)
        }
    };
    ask("GetRole", json!({ "RoleName": name })).await?;
    let mut documents = Vec::new();
    match ask("ListRolePolicies", json!({ "RoleName": name })).await {
        Ok(list) => {
            for policy in list["PolicyNames"].as_array().into_iter().flatten() {
                match ask(
                    "GetRolePolicy",
                    json!({ "RoleName": name, "PolicyName": policy }),
                )
                .await
                {
                    Ok(answer) => documents.extend(at(&answer, "PolicyDocument").cloned()),
                    Err(e) => unknown.push(e.detail),
                }
            }
        }
        Err(e) => unknown.push(e.detail),
    }
    match ask("ListAttachedRolePolicies", json!({ "RoleName": name })).await {
        Ok(list) => {
            for policy in list["AttachedPolicies"].as_array().into_iter().flatten() {
                match managed(&ask, &policy["PolicyArn"]).await {
                    Ok(document) => documents.push(document),
                    Err(e) => unknown.push(e.detail),
                }
            }
        }
        Err(e) => unknown.push(e.detail),
    }
    Ok(documents)
}

async fn managed<F>(
    ask: &impl Fn(&'static str, Value) -> F,
    arn: &Value,
) -> Result<Value, CallError>
where
    F: Future<Output = Result<Value, CallError>>,
{
    let policy = ask("GetPolicy", json!({ "PolicyArn": arn })).await?;
    let version = at(&policy, "Policy.DefaultVersionId")
        .cloned()
        .unwrap_or(Value::Null);
    let answer = ask(
        "GetPolicyVersion",
        json!({ "PolicyArn": arn, "VersionId": version }),
    )
    .await?;
    Ok(at(&answer, "PolicyVersion.Document")
        .cloned()
        .unwrap_or(Value::Null))
}

/// `Action` patterns of statements with this effect. IAM sends policy documents percent-encoded.
fn action_patterns(document: &Value, effect: &str) -> Vec<String> {
    let text = match document {
        Value::String(s) => percent_encoding::percent_decode_str(s)
            .decode_utf8_lossy()
            .into_owned(),
        other => other.to_string(),
    };
    let document: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    let list =
        |v: &Value| -> Vec<Value> { v.as_array().cloned().unwrap_or_else(|| vec![v.clone()]) };
    let statements = list(&document["Statement"])
        .into_iter()
        .filter(|s| s["Effect"] == effect && s.get("Condition").is_none());
    statements
        .flat_map(|s| list(&s["Action"]))
        .filter_map(|a| a.as_str().map(str::to_owned))
        .collect()
}

/// IAM's `*` and `?`, ignoring case.
fn matches(pattern: &str, action: &str) -> bool {
    let (p, t) = (pattern.as_bytes(), action.as_bytes());
    let (mut i, mut j) = (0, 0);
    // Position of the last star, and how much of the action it has matched so far.
    let mut star: Option<(usize, usize)> = None;
    while j < t.len() {
        match p.get(i) {
            Some(b'*') => {
                star = Some((i, j));
                i += 1;
            }
            Some(c) if *c == b'?' || c.eq_ignore_ascii_case(&t[j]) => (i, j) = (i + 1, j + 1),
            _ => match &mut star {
                Some((at, taken)) => {
                    *taken += 1;
                    (i, j) = (*at + 1, *taken);
                }
                None => return false,
            },
        }
    }
    p[i..].iter().all(|c| *c == b'*')
}

/// Role as Terraform.
#[must_use]
pub fn terraform(policies: &[Value], trust: &Value) -> String {
    let mut out = format!(
        "resource \"aws_iam_role\" \"bartizan\" \
        {{\n  name               = \"bartizan-audit\"\n  assume_role_policy = <<-JSON\n{}\n  JSON\n}}\n",
        indented(trust, 4)
    );
    for (index, policy) in policies.iter().enumerate() {
        let n = index + 1;
        out.push_str(&format!(
            "\nresource \"aws_iam_policy\" \"bartizan_{n}\" \
            {{\n  name   = \"bartizan-audit-{n}\"\n  policy = <<-JSON\n{}\n  JSON\n}}\n\nresource \"aws_iam_role_policy_attachment\" \"bartizan_{n}\" {{\n  role       = aws_iam_role.bartizan.name\n  policy_arn = aws_iam_policy.bartizan_{n}.arn\n}}\n",
            indented(policy, 4)
        ));
    }
    out
}

/// Role as a CloudFormation template.
#[must_use]
pub fn cloudformation(policies: &[Value], trust: &Value) -> Value {
    let mut resources = Map::new();
    let references: Vec<Value> = (1..=policies.len())
        .map(|n| json!({ "Ref": format!("AuditPolicy{n}") }))
        .collect();
    resources.insert(
        "AuditRole".into(),
        json!({
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": "bartizan-audit",
                "AssumeRolePolicyDocument": trust,
                "ManagedPolicyArns": references,
            },
        }),
    );
    for (index, policy) in policies.iter().enumerate() {
        let n = index + 1;
        let properties =
            json!({ "ManagedPolicyName": format!("bartizan-audit-{n}"), "PolicyDocument": policy });
        resources.insert(
            format!("AuditPolicy{n}"),
            json!({ "Type": "AWS::IAM::ManagedPolicy", "Properties": properties }),
        );
    }
    json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Read-only audit role for Bartizan",
        "Resources": resources,
        "Outputs": {"RoleArn": {"Value": {"Fn::GetAtt": ["AuditRole", "Arn"]}}},
    })
}

fn indented(value: &Value, by: usize) -> String {
    let pretty = serde_json::to_string_pretty(value).unwrap_or_default();
    pretty
        .lines()
        .map(|l| format!("{}{l}", " ".repeat(by)))
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;

    #[test]
    fn each_policy_fits_and_together_they_are_the_table() {
        let table = CallTable::builtin(&Model::builtin()).unwrap();
        let documents = policies(&table);
        let mut actions = Vec::new();
        for document in &documents {
            assert!(document.to_string().len() <= MANAGED_POLICY_CHARACTERS_MAX);
            for statement in document["Statement"].as_array().unwrap() {
                let stated = statement["Action"].as_array().unwrap().iter();
                actions.extend(stated.map(|a| a.as_str().unwrap().to_owned()));
                // API keys stand beside the APIs.
                let of_apis = statement.to_string().contains("apigateway:GET");
                assert_eq!(statement["Resource"] != "*", of_apis, "{statement}");
            }
        }
        actions.sort();
        actions.dedup();
        // `verify trail` reads the keys of digests, which are no facts.
        let mut expected: Vec<String> = table.actions().into_iter().collect();
        expected.push("cloudtrail:ListPublicKeys".to_owned());
        expected.sort();
        assert_eq!(actions, expected);
    }

    #[test]
    fn the_bucket_policy_stays_in_the_writers_partition() {
        let text = bucket_policy("b", "p", "arn:aws-us-gov:iam::111122223333:role/w").to_string();
        assert!(text.contains("arn:aws-us-gov:s3:::b/p/*") && !text.contains("arn:aws:"));
    }

    #[test]
    fn patterns_match_as_iam_matches() {
        assert!(
            matches("s3:Get*", "s3:GetObject")
                && matches("*", "a:b")
                && matches("S3:get?bject", "s3:GetObject")
        );
        assert!(!matches("s3:Get", "s3:GetObject") && !matches("s3:List*", "s3:GetObject"));
        assert!(!matches(&"*a".repeat(40), &"b".repeat(60)));
    }
}
