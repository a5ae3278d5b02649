//! Class of a call by AWS's table of actions: read, write, tagging or permissions management, and
//! whether it creates credentials, grants permissions, or affects security services.

use bartizan_iam::{AccessLevel, Actions};

/// Event sources whose name differs from the prefix of their actions (service authorization
/// reference).
const PREFIXES: &[(&str, &str)] = &[
    ("monitoring", "cloudwatch"),
    ("email", "ses"),
    ("sesv2", "ses"),
    ("tagging", "tag"),
    ("amazonmq", "mq"),
    ("mturk-requester", "mechanicalturk"),
    ("elasticloadbalancingv2", "elasticloadbalancing"),
    ("apigatewayv2", "apigateway"),
    ("opensearch", "es"),
    ("application-insights", "applicationinsights"),
    ("streams.dynamodb", "dynamodb"),
    ("models.lex", "lex"),
    ("servicecatalog-appregistry", "servicecatalog"),
];

/// Event names that differ from the action's name, mostly in S3 (S3 user guide, "CloudTrail
/// events").
const NAMES: &[(&str, &str)] = &[
    ("s3:ListBuckets", "s3:ListAllMyBuckets"),
    ("s3:ListObjects", "s3:ListBucket"),
    ("s3:ListObjectsV2", "s3:ListBucket"),
    ("s3:HeadBucket", "s3:ListBucket"),
    ("s3:HeadObject", "s3:GetObject"),
    ("s3:ListObjectVersions", "s3:ListBucketVersions"),
    ("s3:ListMultipartUploads", "s3:ListBucketMultipartUploads"),
    ("s3:ListParts", "s3:ListMultipartUploadParts"),
    ("s3:CopyObject", "s3:PutObject"),
    ("s3:CreateMultipartUpload", "s3:PutObject"),
    ("s3:CompleteMultipartUpload", "s3:PutObject"),
    ("s3:UploadPart", "s3:PutObject"),
    ("s3:DeleteObjects", "s3:DeleteObject"),
    ("s3:PutBucketLifecycle", "s3:PutLifecycleConfiguration"),
    (
        "s3:PutBucketLifecycleConfiguration",
        "s3:PutLifecycleConfiguration",
    ),
    ("s3:DeleteBucketLifecycle", "s3:PutLifecycleConfiguration"),
    ("s3:GetBucketLifecycle", "s3:GetLifecycleConfiguration"),
    (
        "s3:GetBucketLifecycleConfiguration",
        "s3:GetLifecycleConfiguration",
    ),
    ("s3:PutBucketEncryption", "s3:PutEncryptionConfiguration"),
    ("s3:DeleteBucketEncryption", "s3:PutEncryptionConfiguration"),
    ("s3:GetBucketEncryption", "s3:GetEncryptionConfiguration"),
    ("s3:PutBucketReplication", "s3:PutReplicationConfiguration"),
    (
        "s3:DeleteBucketReplication",
        "s3:PutReplicationConfiguration",
    ),
    ("s3:GetBucketReplication", "s3:GetReplicationConfiguration"),
    ("s3:PutBucketCors", "s3:PutBucketCORS"),
    ("s3:DeleteBucketCors", "s3:PutBucketCORS"),
    ("s3:DeleteBucketTagging", "s3:PutBucketTagging"),
    (
        "s3:DeleteBucketPublicAccessBlock",
        "s3:PutBucketPublicAccessBlock",
    ),
    (
        "s3:DeletePublicAccessBlock",
        "s3:PutBucketPublicAccessBlock",
    ),
    ("s3:PutPublicAccessBlock", "s3:PutBucketPublicAccessBlock"),
    ("lambda:Invoke", "lambda:InvokeFunction"),
];

/// Actions that create or change credentials or trust. AWS classifies nearly all of them as
/// "Write".
const CREDENTIAL: &[&str] = &[
    "iam:CreateAccessKey",
    "iam:UpdateAccessKey",
    "iam:CreateUser",
    "iam:CreateLoginProfile",
    "iam:UpdateLoginProfile",
    "iam:ChangePassword",
    "iam:CreateServiceSpecificCredential",
    "iam:ResetServiceSpecificCredential",
    "iam:UploadSSHPublicKey",
    "iam:UploadSigningCertificate",
    "iam:CreateVirtualMFADevice",
    "iam:EnableMFADevice",
    "iam:DeactivateMFADevice",
    "iam:ResyncMFADevice",
    "iam:CreateSAMLProvider",
    "iam:UpdateSAMLProvider",
    "iam:CreateOpenIDConnectProvider",
    "iam:UpdateOpenIDConnectProviderThumbprint",
    "iam:AddClientIDToOpenIDConnectProvider",
    "sts:AssumeRoot",
    "sts:GetFederationToken",
    "rolesanywhere:CreateTrustAnchor",
    "rolesanywhere:CreateProfile",
    "rolesanywhere:UpdateTrustAnchor",
    "rolesanywhere:UpdateProfile",
    "sso-directory:CreateUser",
    "sso-directory:UpdatePassword",
    "identitystore:CreateUser",
    "sso:CreateTrustedTokenIssuer",
    "codebuild:ImportSourceCredentials",
];

/// Actions that change permissions and that AWS does not classify as "Permissions management".
const PERMISSION: &[&str] = &[
    "iam:CreateRole",
    "iam:AddUserToGroup",
    "iam:AddRoleToInstanceProfile",
    "sso:CreateAccountAssignment",
    "sso:PutInlinePolicyToPermissionSet",
    "sso-directory:AddMemberToGroup",
    "identitystore:CreateGroupMembership",
    "eks:CreateAccessEntry",
    "eks:UpdateAccessEntry",
    "eks:AssociateAccessPolicy",
    "eks:CreatePodIdentityAssociation",
    "ec2:ModifyImageAttribute",
    "ec2:AssociateIamInstanceProfile",
    "ec2:ReplaceIamInstanceProfileAssociation",
    "rds:ModifyDBSnapshotAttribute",
    "rds:ModifyDBClusterSnapshotAttribute",
    "s3:PutReplicationConfiguration",
    "lambda:CreateFunctionUrlConfig",
    "ram:CreateResourceShare",
    "ram:AssociateResourceShare",
    "organizations:InviteAccountToOrganization",
    "organizations:LeaveOrganization",
    "organizations:MoveAccount",
    "organizations:RegisterDelegatedAdministrator",
];

/// Actions that AWS classifies as "Permissions management" and that are routine: services and
/// consoles make them by the thousand.
const ROUTINE: &[&str] = &[
    "kms:CreateGrant",
    "kms:RetireGrant",
    "waf:CreateWebACL",
    "waf-regional:CreateWebACL",
];

/// Services whose permission actions are about their own users and consoles.
const ROUTINE_SERVICES: &[&str] = &["glue", "quicksight"];

/// Services that monitor or restrict an account: every denied change of them is of interest.
const GUARDS: &[&str] = &[
    "cloudtrail",
    "guardduty",
    "config",
    "securityhub",
    "macie2",
    "access-analyzer",
    "organizations",
    "inspector2",
    "detective",
];

/// Action of a call: `lambda:CreateFunction` for `lambda:CreateFunction20150331v2`.
pub(super) fn action(call: &str) -> String {
    let (source, name) = call.split_once(':').unwrap_or((call, ""));
    let service = PREFIXES
        .iter()
        .find(|(from, _)| *from == source)
        .map_or(source, |(_, to)| to);
    let plain = format!("{service}:{}", without_version(name));
    NAMES
        .iter()
        .find(|(from, _)| *from == plain)
        .map_or(plain, |(_, to)| (*to).to_owned())
}

/// Event name without its API version: `20150331`, `20150331v2`, `2020_05_31`.
fn without_version(name: &str) -> &str {
    let cut = name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '_' | 'v'));
    let rest = &name[cut.len()..];
    // The version in ListObjectsV2 is part of the action's name; a date has eight digits.
    if rest.bytes().filter(u8::is_ascii_digit).count() >= 8 {
        cut
    } else {
        name
    }
}

/// Access level of a call: `list`, `read`, `tagging`, `write`, `permissions`. From AWS's table of
/// actions, or from the verb if the table lacks the action.
pub(super) fn access(call: &str) -> &'static str {
    let action = action(call);
    let actions = Actions::builtin();
    let level = actions
        .find(&action)
        .map(|a| actions.level(a))
        .unwrap_or_else(|| {
            let name = action.split_once(':').map_or("", |(_, name)| name);
            if name.starts_with("List") {
                AccessLevel::List
            } else if READS.iter().any(|verb| name.starts_with(verb)) {
                AccessLevel::Read
            } else {
                AccessLevel::Write
            }
        });
    match level {
        AccessLevel::List => "list",
        AccessLevel::Read => "read",
        AccessLevel::Tagging => "tagging",
        AccessLevel::Write => "write",
        AccessLevel::Permissions => "permissions",
    }
}

const READS: &[&str] = &[
    "Get", "Describe", "Head", "BatchGet", "Lookup", "Search", "Check", "Validate", "Test",
    "Query", "Scan",
];

/// Verbs of irreversible removal.
const DESTROYS: &[&str] = &["Delete", "Terminate", "Deregister", "Purge", "Schedule"];

/// Class of a change: `credential`, `permission`, `guard`, `destroy`; empty for all others.
pub(super) fn class(call: &str) -> Vec<String> {
    let action = action(call);
    let (service, name) = action.split_once(':').unwrap_or((&action, ""));
    let access = access(call);
    let mut found = Vec::new();
    if CREDENTIAL.contains(&&*action) {
        found.push("credential".to_owned());
    }
    let routine = ROUTINE.contains(&&*action) || ROUTINE_SERVICES.contains(&service);
    if PERMISSION.contains(&&*action) || access == "permissions" && !routine {
        found.push("permission".to_owned());
    }
    if GUARDS.contains(&service) && matches!(access, "write" | "permissions") {
        found.push("guard".to_owned());
    }
    if DESTROYS.iter().any(|verb| name.starts_with(verb)) && !matches!(access, "read" | "list") {
        found.push("destroy".to_owned());
    }
    found
}

/// Whether a call can change or grant something, except calls made per object or message, and those
/// that issue sessions.
pub(super) fn is_change(call: &str) -> bool {
    let (source, name) = call.split_once(':').unwrap_or((call, ""));
    let reads = [
        "Get", "List", "Describe", "Head", "BatchGet", "Lookup", "Search",
    ]
    .iter()
    .any(|verb| name.starts_with(verb));
    let session = source == "sts" && name != "GetFederationToken";
    !session
        && !DATA.contains(&call)
        && (!reads || call == "sts:GetFederationToken")
        && !matches!(access(call), "list" | "read")
}

/// Calls that process data and change nothing else.
const DATA: &[&str] = &[
    "s3:PutObject",
    "s3:CopyObject",
    "s3:DeleteObject",
    "s3:DeleteObjects",
    "s3:UploadPart",
    "s3:CreateMultipartUpload",
    "s3:CompleteMultipartUpload",
    "s3:AbortMultipartUpload",
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncrypt",
    "kms:Sign",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "lambda:Invoke",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "dynamodb:BatchWriteItem",
    "sqs:SendMessage",
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sns:Publish",
    "bedrock:InvokeModel",
    "bedrock:InvokeModelWithResponseStream",
    "bedrock:Converse",
    "bedrock:ConverseStream",
    "signin:ConsoleLogin",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_actions() {
        assert_eq!(
            action("lambda:CreateFunction20150331v2"),
            "lambda:CreateFunction"
        );
        assert_eq!(
            action("cloudfront:CreateDistribution2020_05_31"),
            "cloudfront:CreateDistribution"
        );
        assert_eq!(action("s3:ListObjectsV2"), "s3:ListBucket");
        assert_eq!(action("monitoring:DeleteAlarms"), "cloudwatch:DeleteAlarms");
        assert_eq!(action("ec2:RunInstances"), "ec2:RunInstances");
        let known = |name: &&&str| Actions::builtin().find(name).is_none();
        let missing: Vec<_> = NAMES
            .iter()
            .map(|(_, to)| to)
            .chain(CREDENTIAL)
            .chain(PERMISSION)
            .filter(known)
            .collect();
        assert!(missing.is_empty(), "no action of AWS: {missing:?}");
    }

    #[test]
    fn calls_have_a_level_and_a_class() {
        assert_eq!(
            (access("s3:PutBucketLifecycle"), access("lambda:Invoke")),
            ("write", "write")
        );
        assert_eq!(
            (access("iam:PutUserPolicy"), access("iam:ListUsers")),
            ("permissions", "list")
        );
        assert_eq!(
            (access("ec2:RunInstances"), access("nothing:DescribeX")),
            ("write", "read")
        );
        assert_eq!(class("iam:CreateAccessKey"), ["credential"]);
        assert_eq!(class("iam:AttachUserPolicy"), ["permission"]);
        assert_eq!(class("cloudtrail:DeleteTrail"), ["guard", "destroy"]);
        assert!(
            class("kms:CreateGrant").is_empty() && class("cloudtrail:DescribeTrails").is_empty()
        );
        for change in [
            "iam:CreateUser",
            "sts:GetFederationToken",
            "ec2:ModifySnapshotAttribute",
            "lambda:AddPermission20150331v2",
        ] {
            assert!(is_change(change), "{change}");
        }
        for other in [
            "sts:AssumeRole",
            "s3:GetObject",
            "kms:Decrypt",
            "ec2:DescribeInstances",
            "s3:ListBuckets",
        ] {
            assert!(!is_change(other), "{other}");
        }
    }
}
