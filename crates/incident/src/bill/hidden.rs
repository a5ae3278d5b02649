//! Hidden estate: usage that is billed in a region where a complete snapshot shows nothing that
//! could have caused it.

use std::collections::BTreeMap;

use bartizan_inventory::snapshot::{CallStatus, Snapshot};
use bartizan_model::{
    Confidence, Evidence, Finding, Severity, Stage, Verdict, finding_id, shell_word, time_text,
};
use bartizan_spend::{BilledUsage, SpendRule, SpendSubject, day_text, today};

/// Product code, start of the usage type, and the kind of fact that a snapshot has of what is
/// billed so.
const SHOWN_AS: [(&str, &str, &str); 14] = [
    ("AmazonEC2", "BoxUsage", "ec2:instance"),
    ("AmazonEC2", "SpotUsage", "ec2:instance"),
    ("AmazonEC2", "DedicatedUsage", "ec2:instance"),
    ("AmazonEC2", "EBS:VolumeUsage", "ec2:volume"),
    ("AmazonEC2", "EBS:SnapshotUsage", "ec2:snapshot"),
    ("AmazonEC2", "NatGateway-Hours", "ec2:natgateway"),
    ("AmazonVPC", "VpcEndpoint-Hours", "ec2:vpcendpoint"),
    ("AWSLambda", "Lambda-GB-Second", "lambda:function"),
    ("AmazonRDS", "InstanceUsage", "rds:dbinstance"),
    ("AmazonRDS", "Multi-AZUsage", "rds:dbinstance"),
    ("AmazonRedshift", "Node", "redshift:cluster"),
    ("AmazonEKS", "AmazonEKS-Hours", "eks:cluster"),
    ("AmazonES", "ESInstance", "opensearch:domain"),
    ("AmazonDynamoDB", "TimedStorage", "dynamodb:table"),
];

/// Cost of a day from which usage counts.
const DAY_COST_MIN: f64 = 0.05;
/// Days before a snapshot within which usage still ran when it was taken.
const FRESH_DAYS: i32 = 3;

/// Usage that no snapshot shows.
pub struct HiddenEstate {
    pub finding: Finding,
    pub subject: SpendSubject,
}

/// Usage of the account of a snapshot that was billed on the days around it, and of which the
/// snapshot shows nothing although it read everything of the kind there.
#[must_use]
pub fn hidden_estate(
    snapshot: &Snapshot<'_>,
    usage: &[&BilledUsage],
    through_day: i32,
) -> Vec<HiddenEstate> {
    let day = today(snapshot.header.time_ms.1 / 1000);
    let account = snapshot.header.account.as_str();
    /// Usage, the kind of fact that would show it, and the day.
    type UnseenUsage<'u> = (&'u BilledUsage, &'static str, i32);
    let mut found: BTreeMap<(&str, &str), Vec<UnseenUsage<'_>>> = BTreeMap::new();
    for one in usage.iter().copied() {
        let is_of = one.account.as_deref().is_none_or(|a| a == account);
        let family = one.family.as_deref().unwrap_or_default();
        let row = SHOWN_AS
            .iter()
            .find(|(s, f, _)| *s == one.service && family.starts_with(f));
        let (true, Some((_, _, kind))) = (is_of, row) else {
            continue;
        };
        let Some(since) = ran_on(one, day, through_day) else {
            continue;
        };
        if is_read(snapshot, kind, &one.region) && !shows(snapshot, kind, &one.region) {
            let place = (one.service.as_str(), one.region.as_str());
            found.entry(place).or_default().push((one, kind, since));
        }
    }
    found
        .into_iter()
        .map(|((service, region), parts)| finding(account, service, region, day, &parts))
        .collect()
}

/// First day of the usage that ran when the snapshot was taken: the two last billed days up to it
/// have usage, and the day after, where it is billed.
fn ran_on(usage: &BilledUsage, day: i32, through_day: i32) -> Option<i32> {
    let last = day.min(through_day);
    let has = |day: i32| {
        usage
            .days
            .get(&day)
            .is_some_and(|cost| *cost >= DAY_COST_MIN)
    };
    let ran = last > day - FRESH_DAYS
        && has(last)
        && has(last - 1)
        && (through_day <= day || has(day + 1));
    ran.then(|| {
        let mut first = last - 1;
        while has(first - 1) {
            first -= 1;
        }
        first
    })
}

/// Whether everything of a kind was read in a region, or nothing can be there.
fn is_read(snapshot: &Snapshot<'_>, kind: &str, region: &str) -> bool {
    let mut rows = snapshot
        .header
        .coverage
        .iter()
        .filter(|c| c.region == region && c.kinds.iter().any(|k| k == kind || k == "*"))
        .peekable();
    rows.peek().is_some() && rows.all(|c| c.status == CallStatus::Ok || c.is_region_off())
}

fn shows(snapshot: &Snapshot<'_>, kind: &str, region: &str) -> bool {
    let facts = &snapshot.facts;
    facts.iter().any(|f| f.kind == kind && f.region == region)
}

fn finding(
    account: &str,
    service: &str,
    region: &str,
    day: i32,
    parts: &[(&BilledUsage, &'static str, i32)],
) -> HiddenEstate {
    let since = parts.iter().map(|p| p.2).min().unwrap_or(day);
    let families: Vec<&str> = parts
        .iter()
        .filter_map(|p| p.0.family.as_deref())
        .take(5)
        .collect();
    let mut kinds: Vec<&str> = parts.iter().map(|p| p.1).collect();
    kinds.dedup();
    let cost: f64 = parts
        .iter()
        .filter_map(|p| p.0.days.range(..=day).next_back())
        .map(|(_, cost)| cost)
        .sum();
    let currency = parts.first().map_or("USD", |p| p.0.currency.as_str());
    let entity = format!("{account}/{service}/{region}/hidden");
    let time = |day: i32| Some(time_text(i64::from(day) * 86_400));
    let rule = SpendRule::Hidden;
    let finding = Finding {
        id: finding_id("spend", &entity, false, i64::from(since)),
        rule: rule.id().to_owned(),
        title: rule.title().to_owned(),
        summary: format!(
            "{service} ({}) in {region}, account {account}, costs {cost:.2} {currency} a day since \
             {}, and the snapshot of {} shows no {} there",
            families.join(", "),
            day_text(since),
            day_text(day),
            kinds.join(" and no ")
        ),
        severity: Severity::Medium,
        confidence: Confidence::Medium,
        stage: Stage::Steal,
        attack: vec!["T1535".to_owned()],
        account: Some(account.to_owned()),
        region: Some(region.to_owned()),
        first_time: time(since),
        last_time: time(day),
        count: parts.len() as u64,
        refused: 0,
        calls: Vec::new(),
        actor: None,
        resources: families.iter().map(|f| (*f).to_owned()).collect(),
        counterparty: Vec::new(),
        evidence: evidence(service, region, day, parts),
        verdict: Verdict::May,
        because: vec![
            "everything of these kinds was read in the region: what is billed there is kept out of \
             sight, or came and went around the snapshot"
                .to_owned(),
        ],
        show: format!(
            "bartizan flat | grep -F {}",
            shell_word(&format!("\t{region}\t"))
        ),
    };
    let services = vec![service.to_owned()];
    HiddenEstate {
        finding,
        subject: SpendSubject { rule, services },
    }
}

/// Charges, and that nothing of their kind was there.
fn evidence(
    service: &str,
    region: &str,
    day: i32,
    parts: &[(&BilledUsage, &'static str, i32)],
) -> Vec<Evidence> {
    let one = |(usage, kind, _): &(&BilledUsage, &'static str, i32)| {
        let (billed, cost) = usage.days.range(..=day).next_back().unwrap_or((&day, &0.0));
        let family = usage.family.as_deref().unwrap_or_default();
        let billed = Evidence::Cost {
            file: String::new(),
            day: day_text(*billed),
            charge: format!("{service} {region} {family}"),
            amount: format!("{cost:.2} {}", usage.currency),
            expected: format!("0.00 {}", usage.currency),
        };
        let read = Evidence::Coverage {
            place: format!("{region} {kind}"),
            what: "read whole, and there is none".to_owned(),
        };
        [billed, read]
    };
    parts.iter().flat_map(one).collect()
}
