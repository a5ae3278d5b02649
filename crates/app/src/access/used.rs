//! Actions that somebody used, from its calls in a trail and from what IAM last saw.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use bartizan_detect::work::CallWork;
use bartizan_iam::{Actions, Bits};
use serde::Deserialize;

/// Calls whose action has another name, as CloudTrail and the service authorization reference write
/// them.
const OTHER_NAMES: &[(&str, &[&str])] = &[
    ("lambda:Invoke", &["lambda:InvokeFunction"]),
    ("s3:CompleteMultipartUpload", &["s3:PutObject"]),
    ("s3:CopyObject", &["s3:GetObject", "s3:PutObject"]),
    ("s3:CreateMultipartUpload", &["s3:PutObject"]),
    ("s3:DeleteBucketCors", &["s3:PutBucketCORS"]),
    (
        "s3:DeleteBucketEncryption",
        &["s3:PutEncryptionConfiguration"],
    ),
    (
        "s3:DeleteBucketLifecycle",
        &["s3:PutLifecycleConfiguration"],
    ),
    (
        "s3:DeleteBucketReplication",
        &["s3:PutReplicationConfiguration"],
    ),
    ("s3:DeleteBucketTagging", &["s3:PutBucketTagging"]),
    ("s3:DeleteObjects", &["s3:DeleteObject"]),
    (
        "s3:DeletePublicAccessBlock",
        &["s3:PutBucketPublicAccessBlock"],
    ),
    (
        "s3:GetAccelerateConfiguration",
        &["s3:GetAccelerateConfiguration"],
    ),
    ("s3:GetBucketCors", &["s3:GetBucketCORS"]),
    ("s3:GetBucketEncryption", &["s3:GetEncryptionConfiguration"]),
    ("s3:GetBucketLifecycle", &["s3:GetLifecycleConfiguration"]),
    (
        "s3:GetBucketReplication",
        &["s3:GetReplicationConfiguration"],
    ),
    ("s3:HeadBucket", &["s3:ListBucket"]),
    ("s3:HeadObject", &["s3:GetObject"]),
    ("s3:ListBuckets", &["s3:ListAllMyBuckets"]),
    (
        "s3:ListMultipartUploads",
        &["s3:ListBucketMultipartUploads"],
    ),
    ("s3:ListObjectVersions", &["s3:ListBucketVersions"]),
    ("s3:ListObjects", &["s3:ListBucket"]),
    ("s3:ListParts", &["s3:ListMultipartUploadParts"]),
    ("s3:PutBucketCors", &["s3:PutBucketCORS"]),
    ("s3:PutBucketEncryption", &["s3:PutEncryptionConfiguration"]),
    ("s3:PutBucketLifecycle", &["s3:PutLifecycleConfiguration"]),
    (
        "s3:PutBucketReplication",
        &["s3:PutReplicationConfiguration"],
    ),
    ("s3:UploadPart", &["s3:PutObject"]),
    ("s3:UploadPartCopy", &["s3:GetObject", "s3:PutObject"]),
];

/// Actions that a trail of management events does not show: data events (CloudTrail user guide,
/// "Logging data events"), and actions that are asked beside another call.
const NOT_VISIBLE: &[&str] = &[
    "bedrock:Invoke*",
    "bedrock:Retrieve*",
    "cloudwatch:Get*",
    "cloudwatch:ListMetrics",
    "cloudwatch:PutMetricData",
    "codewhisperer:*",
    "cognito-sync:*",
    "dynamodb:Batch*",
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:GetRecords",
    "dynamodb:PartiQL*",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "dynamodb:UpdateItem",
    "ebs:*",
    "events:PutEvents",
    "execute-api:*",
    "firehose:Put*",
    "iam:PassRole",
    "iot:Connect",
    "iot:DeleteThingShadow",
    "iot:GetThingShadow",
    "iot:Publish",
    "iot:Receive",
    "iot:Subscribe",
    "iot:UpdateThingShadow",
    "kinesis:Get*",
    "kinesis:Put*",
    "kinesis:SubscribeToShard",
    "kms:ReEncrypt*",
    "lambda:InvokeFunction*",
    "logs:FilterLogEvents",
    "logs:GetLogEvents",
    "logs:PutLogEvents",
    "rds-data:*",
    "rds-db:connect",
    "s3:AbortMultipartUpload",
    "s3:BypassGovernanceRetention",
    "s3:DeleteObject*",
    "s3:GetObject*",
    "s3:ListBucket",
    "s3:ListBucketMultipartUploads",
    "s3:ListBucketVersions",
    "s3:ListMultipartUploadParts",
    "s3:PutObject*",
    "s3:Replicate*",
    "s3:RestoreObject",
    "sagemaker:InvokeEndpoint*",
    "sns:Publish*",
    "sqs:ChangeMessageVisibility*",
    "sqs:DeleteMessage*",
    "sqs:ReceiveMessage",
    "sqs:SendMessage*",
    "ssmmessages:*",
    "ec2messages:*",
    "sts:SetSourceIdentity",
    "sts:TagSession",
    "timestream:Select",
    "timestream:WriteRecords",
    "xray:Put*",
];

/// How an action is known to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// A call of it was seen.
    Seen,
    /// It may be used: nothing that was read would show it.
    NotVisible,
}

/// Actions that somebody used.
#[derive(Debug, Default)]
pub(crate) struct UsedActions {
    seen: Bits,
    /// Calls that match no action.
    unmatched: BTreeSet<String>,
    /// Services that IAM says were used, with nothing more.
    services: BTreeSet<String>,
}

/// The answer of `iam:GetServiceLastAccessedDetails`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LastAccessed {
    job_status: String,
    #[serde(default)]
    is_truncated: bool,
    services_last_accessed: Vec<ServiceUse>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ServiceUse {
    service_namespace: String,
    last_authenticated: Option<serde_json::Value>,
    #[serde(default)]
    tracked_actions_last_accessed: Vec<ActionUse>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ActionUse {
    action_name: String,
    last_accessed_time: Option<serde_json::Value>,
}

impl UsedActions {
    /// Adds calls of a trail that were not denied.
    pub(crate) fn add_calls(&mut self, calls: &[CallWork], actions: &Actions) {
        let is_denied = |code: &str| {
            let lower = code.to_ascii_lowercase();
            lower.contains("accessdenied") || lower.contains("unauthorized")
        };
        for call in calls {
            let denied: u64 = call
                .errors
                .iter()
                .filter(|(code, _)| is_denied(code))
                .map(|(_, count)| count)
                .sum();
            if denied < call.count {
                self.add_call(&call.call, actions);
            }
        }
    }

    fn add_call(&mut self, call: &str, actions: &Actions) {
        let name = unversioned(call);
        if let Some((_, names)) = OTHER_NAMES.iter().find(|(known, _)| *known == name) {
            let names = names.iter().filter_map(|name| actions.find(name));
            names.for_each(|action| self.seen.insert(action.0));
            return;
        }
        match actions.find(name) {
            Some(action) => self.seen.insert(action.0),
            None => {
                self.unmatched.insert(name.to_owned());
            }
        }
    }

    /// Adds the answer of `iam:GetServiceLastAccessedDetails`.
    pub(crate) fn add_last_accessed(&mut self, text: &str, actions: &Actions) -> Result<()> {
        let answer: LastAccessed = serde_json::from_str(text)
            .context("it is no answer of aws iam get-service-last-accessed-details")?;
        anyhow::ensure!(
            answer.job_status == "COMPLETED" && !answer.is_truncated,
            "the answer of get-service-last-accessed-details is not whole (JobStatus {}{})",
            answer.job_status,
            if answer.is_truncated {
                ", IsTruncated"
            } else {
                ""
            }
        );
        for service in answer.services_last_accessed {
            if service.last_authenticated.is_none() {
                continue;
            }
            let tracked = service.tracked_actions_last_accessed;
            if tracked.is_empty() {
                self.services.insert(service.service_namespace);
                continue;
            }
            let names = tracked.iter().filter(|a| a.last_accessed_time.is_some());
            for name in names {
                let name = format!("{}:{}", service.service_namespace, name.action_name);
                self.add_call(&name, actions);
            }
        }
        Ok(())
    }

    /// Actions of a set that are used in a way.
    pub(crate) fn of(&self, how: Use, held: &Bits, actions: &Actions) -> Bits {
        let all = |patterns: Vec<String>| {
            let sets = patterns.iter().map(|pattern| actions.matching(pattern));
            sets.fold(Bits::default(), |all, set| all.union(&set))
        };
        let set = match how {
            Use::Seen => self.seen.clone(),
            Use::NotVisible => {
                let services = self
                    .unmatched
                    .iter()
                    .filter_map(|call| call.split(':').next());
                let services = services.chain(self.services.iter().map(String::as_str));
                let mut patterns: Vec<String> = services.map(|s| format!("{s}:*")).collect();
                patterns.extend(NOT_VISIBLE.iter().map(|pattern| (*pattern).to_owned()));
                all(patterns)
            }
        };
        set.intersection(held)
    }

    /// Calls that match no action.
    pub(crate) fn unmatched(&self) -> Vec<String> {
        self.unmatched.iter().cloned().collect()
    }
}

/// A call without the version of its API: `lambda:ListFunctions20150331`, `…20150331v2`.
fn unversioned(call: &str) -> &str {
    let plain = match call.rsplit_once('v') {
        Some((before, digits))
            if before.ends_with(|c: char| c.is_ascii_digit())
                && digits.bytes().all(|b| b.is_ascii_digit()) =>
        {
            before
        }
        _ => call,
    };
    let digits = plain.bytes().rev().take_while(u8::is_ascii_digit).count();
    let (name, version) = plain.split_at(plain.len() - digits);
    if version.len() == 8 && version.starts_with("20") {
        name
    } else {
        call
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_matched_to_actions_without_their_version() {
        assert_eq!(
            unversioned("lambda:ListFunctions20150331"),
            "lambda:ListFunctions"
        );
        assert_eq!(
            unversioned("lambda:GetFunction20150331v2"),
            "lambda:GetFunction"
        );
        assert_eq!(
            unversioned("ec2:DescribeInstances"),
            "ec2:DescribeInstances"
        );
        assert_eq!(unversioned("s3:ListObjectsV2"), "s3:ListObjectsV2");
    }

    #[test]
    fn the_tables_name_actions_that_there_are() {
        let actions = Actions::builtin();
        for (_, names) in OTHER_NAMES {
            names
                .iter()
                .for_each(|name| assert!(actions.find(name).is_some(), "{name}"));
        }
        for pattern in NOT_VISIBLE {
            let set = actions.matching(pattern);
            assert!(actions.known(&set).next().is_some(), "{pattern}");
        }
    }
}
