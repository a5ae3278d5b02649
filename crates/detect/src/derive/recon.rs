//! Reconnaissance: reads that people and programs rarely make, by topic.

/// Reads about one topic.
struct ReadSet {
    name: &'static str,
    calls: &'static [&'static str],
}

/// Reads with a low base rate that intruders make before they act (published incidents,
/// TrailDiscover).
const SETS: &[ReadSet] = &[
    ReadSet {
        name: "mail",
        calls: &[
            "ses:GetSendQuota",
            "ses:GetAccount",
            "ses:GetAccountSendingEnabled",
            "ses:ListIdentities",
            "ses:ListEmailIdentities",
            "ses:GetIdentityVerificationAttributes",
        ],
    },
    ReadSet {
        name: "sms",
        calls: &[
            "sns:GetSMSAttributes",
            "sns:GetSMSSandboxAccountStatus",
            "sns:ListOriginationNumbers",
        ],
    },
    ReadSet {
        name: "models",
        calls: &[
            "bedrock:ListFoundationModels",
            "bedrock:GetFoundationModelAvailability",
            "bedrock:GetUseCaseForModelAccess",
            "bedrock:GetModelInvocationLoggingConfiguration",
            "bedrock:ListInferenceProfiles",
            "bedrock:ListProvisionedModelThroughputs",
            "bedrock:ListCustomModels",
        ],
    },
    ReadSet {
        name: "quotas",
        calls: &[
            "servicequotas:GetServiceQuota",
            "servicequotas:ListServiceQuotas",
        ],
    },
    ReadSet {
        name: "watchers",
        calls: &[
            "cloudtrail:DescribeTrails",
            "cloudtrail:GetTrailStatus",
            "cloudtrail:GetEventSelectors",
            "cloudtrail:LookupEvents",
            "guardduty:ListDetectors",
            "guardduty:GetDetector",
            "guardduty:ListFindings",
            "guardduty:ListIPSets",
            "config:DescribeConfigurationRecorders",
            "ec2:DescribeFlowLogs",
            "s3:GetBucketLogging",
            "logs:DescribeSubscriptionFilters",
        ],
    },
    ReadSet {
        name: "identities",
        calls: &[
            "iam:ListUsers",
            "iam:ListAccessKeys",
            "iam:ListUserPolicies",
            "iam:ListAttachedUserPolicies",
            "iam:ListGroupsForUser",
            "iam:GetLoginProfile",
            "iam:ListMFADevices",
            "iam:ListServiceSpecificCredentials",
            "iam:SimulatePrincipalPolicy",
            "iam:GetCredentialReport",
            "iam:GetAccountAuthorizationDetails",
        ],
    },
    ReadSet {
        name: "organization",
        calls: &[
            "organizations:DescribeOrganization",
            "organizations:ListAccounts",
            "organizations:ListRoots",
            "organizations:ListOrganizationalUnitsForParent",
            "organizations:ListDelegatedAdministrators",
            "organizations:ListAWSServiceAccessForOrganization",
        ],
    },
    ReadSet {
        name: "nobody",
        calls: &[
            "ec2:DescribeCarrierGateways",
            "ec2:DescribeVpcEndpointConnectionNotifications",
            "ec2:DescribeTransitGatewayMulticastDomains",
            "ec2:DescribeClientVpnRoutes",
            "ec2:DescribeBundleTasks",
            "ec2:GetFlowLogsIntegrationTemplate",
            "ec2:DescribeSnapshotTierStatus",
            "ec2:GetEbsDefaultKmsKeyId",
        ],
    },
    ReadSet {
        name: "inventory",
        calls: &[
            "ssm:GetInventory",
            "ssm:ListInventoryEntries",
            "ssm:DescribeInstancePatches",
            "ssm:DescribeInstanceInformation",
            "ssm:ListCommands",
            "resource-explorer-2:Search",
        ],
    },
    ReadSet {
        name: "costs",
        calls: &["ce:GetCostAndUsage", "ce:GetCostForecast"],
    },
];

/// Topic of a read: `mail`, `sms`, `models`, `quotas`, `watchers`, `identities`, `organization`,
/// `nobody`, `inventory`, `costs`.
pub(super) fn recon(call: &str) -> Option<&'static str> {
    SETS.iter()
        .find(|set| set.calls.contains(&call))
        .map(|set| set.name)
}
