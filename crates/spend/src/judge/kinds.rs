//! Rules of the bill and tables of what services are abused for.

use super::episode::{Episode, Novelty};

/// Rule of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SpendRule {
    NewRegion,
    NewService,
    NewFamily,
    Rise,
    WithoutCost,
    Silent,
    Commitment,
    Refund,
    Early,
    Reported,
    Budget,
    Unread,
    /// Usage that a complete snapshot does not show.
    Hidden,
}

impl SpendRule {
    pub(super) fn of(episode: &Episode) -> Self {
        let hidden = episode.shown < 0.01 * episode.excess() && episode.quantity > 0.0;
        match episode.novelty {
            _ if hidden => Self::WithoutCost,
            Novelty::Region => Self::NewRegion,
            Novelty::Service | Novelty::ServiceInRegion => Self::NewService,
            Novelty::Family => Self::NewFamily,
            Novelty::None => Self::Rise,
        }
    }

    /// `spend-new-region`.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::NewRegion => "spend-new-region",
            Self::NewService => "spend-new-service",
            Self::NewFamily => "spend-new-usage",
            Self::Rise => "spend-rise",
            Self::WithoutCost => "spend-usage-without-cost",
            Self::Silent => "spend-sensor-silent",
            Self::Commitment => "spend-commitment",
            Self::Refund => "spend-refund",
            Self::Early => "spend-early",
            Self::Reported => "spend-aws-anomaly",
            Self::Budget => "spend-budget",
            Self::Unread => "spend-unread",
            Self::Hidden => "spend-hidden-estate",
        }
    }

    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::NewRegion => "Spend in a region never used before",
            Self::NewService => "Spend on a service never used before",
            Self::NewFamily => "Spend on a kind of usage never seen before",
            Self::Rise => "Spend rose above normal",
            Self::WithoutCost => "Usage rose and the bill shows no cost for it",
            Self::Silent => "A security service is no longer billed",
            Self::Commitment => "A commitment was bought",
            Self::Refund => "A refund of a kind never seen before",
            Self::Early => "The month's bill is ahead of past months",
            Self::Reported => "AWS reports a cost anomaly",
            Self::Budget => "A budget was exceeded",
            Self::Unread => "A bill could not be read whole",
            Self::Hidden => "Spend where the snapshot shows nothing",
        }
    }
}

/// Service, start of the family, and the technique of ATT&CK that abuses it.
const TECHNIQUES: [(&str, &str, &str); 10] = [
    ("AmazonSNS", "OutboundSMS", "T1496.003"),
    ("AmazonPinpoint", "", "T1496.003"),
    ("AmazonSES", "", "T1496.004"),
    ("AmazonBedrock", "", "T1496.004"),
    ("AmazonEC2", "EBS:Snapshot", "T1537"),
    ("AmazonS3", "DataTransfer-Out", "T1567"),
    ("AmazonS3", "", "T1530"),
    ("AWSDataTransfer", "", "T1567"),
    ("AmazonEC2", "DataTransfer-Out", "T1567"),
    ("", "", "T1496.001"),
];

pub(super) fn technique(service: &str, family: &str) -> &'static str {
    let fits = |s: &str, f: &str| (s.is_empty() || s == service) && family.starts_with(f);
    let row = TECHNIQUES.iter().find(|(s, f, _)| fits(s, f));
    row.map_or("T1496", |(_, _, technique)| technique)
}

/// Commands of the AWS CLI that show what a service runs, without the region.
const LOOKS: [(&str, &str); 18] = [
    ("AmazonEC2", "ec2 describe-instances"),
    ("AmazonVPC", "ec2 describe-nat-gateways"),
    ("AmazonS3", "s3api list-buckets"),
    ("AmazonECS", "ecs list-clusters"),
    ("AmazonEKS", "eks list-clusters"),
    ("AWSLambda", "lambda list-functions"),
    ("AmazonRDS", "rds describe-db-instances"),
    ("AmazonSageMaker", "sagemaker list-notebook-instances"),
    (
        "AmazonBedrock",
        "bedrock get-model-invocation-logging-configuration",
    ),
    ("AmazonSES", "sesv2 get-account"),
    ("AmazonSNS", "sns get-sms-attributes"),
    ("AmazonLightsail", "lightsail get-instances"),
    ("CodeBuild", "codebuild list-projects"),
    ("AWSGlue", "glue get-jobs"),
    ("AWSCloudTrail", "cloudtrail describe-trails"),
    ("AmazonGuardDuty", "guardduty list-detectors"),
    (
        "AWSConfig",
        "configservice describe-configuration-recorder-status",
    ),
    ("AWSSecurityHub", "securityhub describe-hub"),
];

/// Command that shows what a service runs in a region.
pub(super) fn look(service: &str, family: &str, region: Option<&str>) -> Option<String> {
    let command = match family.starts_with("EBS:Snapshot") {
        true => "ec2 describe-snapshots --owner-ids self",
        false => LOOKS.iter().find(|(s, _)| *s == service)?.1,
    };
    let region = region.filter(|r| *r != crate::place::GLOBAL && !r.is_empty());
    let region = region.map(|r| format!(" --region {}", bartizan_model::shell_word(r)));
    Some(format!("aws {command}{}", region.unwrap_or_default()))
}
