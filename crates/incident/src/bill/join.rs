//! Which incident spend belongs to.

use bartizan_model::Severity;
use bartizan_spend::{SpendRule, SpendSubject};

use crate::bill_input::BillInput;
use crate::member::IncidentMember;

/// Seconds between calls of an incident and spend that belongs to it.
const NEAR_S: i64 = 3 * 86_400;
/// Seconds of a day.
const DAY_S: i64 = 86_400;

/// Product code of the bill, and the service that calls name.
const SERVICES: [(&str, &str); 24] = [
    ("AmazonEC2", "ec2"),
    ("AmazonVPC", "ec2"),
    ("AWSDataTransfer", "ec2"),
    ("AmazonS3", "s3"),
    ("AWSLambda", "lambda"),
    ("AmazonECS", "ecs"),
    ("AmazonEKS", "eks"),
    ("AmazonRDS", "rds"),
    ("AmazonSageMaker", "sagemaker"),
    ("AmazonBedrock", "bedrock"),
    ("AmazonLightsail", "lightsail"),
    ("AmazonSES", "ses"),
    ("AmazonSNS", "sns"),
    ("CodeBuild", "codebuild"),
    ("AWSGlue", "glue"),
    ("AWSBatch", "batch"),
    ("AWSCloudTrail", "cloudtrail"),
    ("AmazonGuardDuty", "guardduty"),
    ("AWSConfig", "config"),
    ("AWSSecurityHub", "securityhub"),
    ("AmazonInspectorV2", "inspector2"),
    ("AmazonMacie", "macie2"),
    ("AmazonCloudWatch", "logs"),
    ("awskms", "kms"),
];

/// Service that calls name, for a product code of the bill: `ec2` for `AmazonEC2`.
pub(crate) fn service_of_calls(product: &str) -> Option<&'static str> {
    let row = SERVICES.iter().find(|(code, _)| *code == product)?;
    Some(row.1)
}

/// How spend belongs to an incident.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Belonging {
    /// Time and account are enough: nothing like it was there before.
    New,
    /// The incident must have calls of the same service in the same region.
    Same,
    /// Never.
    None,
}

fn belonging(rule: SpendRule) -> Belonging {
    match rule {
        SpendRule::NewRegion
        | SpendRule::NewService
        | SpendRule::NewFamily
        | SpendRule::WithoutCost
        | SpendRule::Silent
        | SpendRule::Commitment
        | SpendRule::Hidden => Belonging::New,
        SpendRule::Rise | SpendRule::Reported => Belonging::Same,
        SpendRule::Refund | SpendRule::Early | SpendRule::Budget | SpendRule::Unread => {
            Belonging::None
        }
    }
}

/// Pairs of findings of the bill that have one cause: of one account and region within three days,
/// or of one account on the same day.
pub(crate) fn related(members: &[IncidentMember<'_>], bill: &BillInput<'_>) -> Vec<(usize, usize)> {
    let joins = |m: &IncidentMember<'_>| {
        let subject = bill.subjects.get(m.finding.id.as_str());
        m.finding.severity >= Severity::Medium
            && subject.is_some_and(|s| belonging(s.rule) != Belonging::None)
    };
    let spend: Vec<usize> = (0..members.len()).filter(|n| joins(&members[*n])).collect();
    let mut pairs = Vec::new();
    for (at, first) in spend.iter().enumerate() {
        let (a, begins) = (members[*first].finding, members[*first].first_s);
        let near = spend[at + 1..]
            .iter()
            .take_while(|n| members[**n].first_s - begins <= NEAR_S);
        for second in near {
            let b = members[*second].finding;
            let same_day = members[*second].first_s - begins < DAY_S;
            if a.account == b.account && (same_day || a.region == b.region) {
                pairs.push((*first, *second));
            }
        }
    }
    pairs
}

/// Incident that findings of the bill belong to, by its number: the one with calls of the same
/// service and region, then of the same region, then the nearest in time.
pub(crate) fn attach(
    spend: &[usize],
    incidents: &[Vec<usize>],
    members: &[IncidentMember<'_>],
    bill: &BillInput<'_>,
) -> Option<usize> {
    let closest = |number: &usize| -> Option<(Closeness, usize)> {
        let member = &members[*number];
        let subject = bill.subjects.get(member.finding.id.as_str())?;
        incidents
            .iter()
            .enumerate()
            .filter_map(|(n, part)| Some((closeness(member, subject, part, members)?, n)))
            .min()
    };
    spend.iter().filter_map(closest).min().map(|(_, n)| n)
}

/// Less is closer: other service, other region, seconds between.
type Closeness = (bool, bool, i64);

fn closeness(
    spend: &IncidentMember<'_>,
    subject: &SpendSubject,
    incident: &[usize],
    members: &[IncidentMember<'_>],
) -> Option<Closeness> {
    let services: Vec<&str> = subject
        .services
        .iter()
        .filter_map(|s| service_of_calls(s))
        .collect();
    let near = |n: &usize| {
        let m = &members[*n];
        let same_account = spend.finding.account.is_none()
            || m.finding.account.is_none()
            || m.finding.account == spend.finding.account;
        if m.finding.actor.is_none() || m.finding.severity < Severity::Low || !same_account {
            return None;
        }
        // The day of the first charge and the time of the calls.
        let apart = (m.first_s - (spend.first_s + DAY_S))
            .max(spend.first_s - m.last_s)
            .max(0);
        let region = m.finding.region == spend.finding.region;
        let called = m.finding.calls.iter().any(|c| {
            c.count > c.refused
                && c.call
                    .split_once(':')
                    .is_some_and(|(service, _)| services.contains(&service))
        });
        (apart <= NEAR_S).then_some((!called, !region, apart))
    };
    let closest = incident.iter().filter_map(near).min()?;
    match belonging(subject.rule) {
        Belonging::New => Some(closest),
        Belonging::Same => (!closest.0 && !closest.1).then_some(closest),
        Belonging::None => None,
    }
}
