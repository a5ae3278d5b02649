//! Sensors that calls switched off, and what the bill says of them.

use std::collections::BTreeSet;

use bartizan_model::Stage;
use bartizan_spend::{BilledUsage, SpendRule, day_text, sensor, today};

use super::join::service_of_calls;
use crate::bill_input::BillInput;
use crate::member::IncidentMember;

/// Calls that switch a sensor off whose use is billed, and the sensor's product code.
const SWITCHES_OFF: [(&str, &str); 10] = [
    ("cloudtrail:StopLogging", "AWSCloudTrail"),
    ("cloudtrail:DeleteTrail", "AWSCloudTrail"),
    ("guardduty:DeleteDetector", "AmazonGuardDuty"),
    ("guardduty:UpdateDetector", "AmazonGuardDuty"),
    ("config:StopConfigurationRecorder", "AWSConfig"),
    ("config:DeleteConfigurationRecorder", "AWSConfig"),
    ("securityhub:DisableSecurityHub", "AWSSecurityHub"),
    ("inspector2:Disable", "AmazonInspectorV2"),
    ("macie2:DisableMacie", "AmazonMacie"),
    ("logs:DeleteLogGroup", "AmazonCloudWatch"),
];

/// Days before a call on which its sensor must have been billed, so that its bill says anything.
const BEFORE_DAYS: i32 = 3;

/// What the bill shows of an incident: spend that belongs to it, sensors that fell silent or did
/// not.
pub(crate) fn notes(members: &[&IncidentMember<'_>], bill: &BillInput<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for member in members {
        let finding = member.finding;
        let Some(subject) = bill.subjects.get(finding.id.as_str()) else {
            continue;
        };
        let also = match subject.rule {
            SpendRule::Silent => witness(members, &subject.services),
            _ => explanation(members, member, &subject.services),
        };
        found.push(match also {
            Some(also) => format!("{}; {also}", finding.summary),
            None => finding.summary.clone(),
        });
    }
    let silent = members.iter().any(|m| {
        let subject = bill.subjects.get(m.finding.id.as_str());
        subject.is_some_and(|s| s.rule == SpendRule::Silent)
    });
    if !silent {
        found.extend(goes_on(members, bill));
    }
    found
}

/// `second witness of cloudtrail:StopLogging at 2026-03-11T03:12:07Z`.
fn witness(members: &[&IncidentMember<'_>], services: &[String]) -> Option<String> {
    let (call, time_s) = switched_off(members)
        .into_iter()
        .find(|(_, product, _)| services.iter().any(|s| s == product))
        .map(|(call, _, time_s)| (call, time_s))?;
    let time = bartizan_model::time_text(time_s);
    Some(format!("second witness of {call} at {time}"))
}

/// Calls of the incident that may have made spend: the same service and region, nearest first.
fn explanation(
    members: &[&IncidentMember<'_>],
    spend: &IncidentMember<'_>,
    services: &[String],
) -> Option<String> {
    let services: Vec<&str> = services
        .iter()
        .filter_map(|s| service_of_calls(s))
        .collect();
    let mut nearest: Option<(i64, String)> = None;
    for member in members.iter().filter(|m| m.finding.actor.is_some()) {
        if member.finding.region != spend.finding.region {
            continue;
        }
        let called = member.finding.calls.iter().find(|c| {
            let service = c.call.split_once(':').map(|(service, _)| service);
            c.count > c.refused && service.is_some_and(|s| services.contains(&s))
        });
        let apart = (member.first_s - spend.first_s).abs();
        if let Some(called) = called
            && nearest.as_ref().is_none_or(|(best, _)| apart < *best)
        {
            let time = bartizan_model::time_text(member.first_s);
            nearest = Some((apart, format!("{} there at {time}", called.call)));
        }
    }
    nearest.map(|(_, call)| call)
}

/// Calls that switched a sensor off: call, product code and time.
fn switched_off<'m>(members: &[&'m IncidentMember<'_>]) -> Vec<(&'m str, &'static str, i64)> {
    let mut found = Vec::new();
    for member in members.iter().filter(|m| m.finding.stage == Stage::Blind) {
        for called in member.finding.calls.iter().filter(|c| c.count > c.refused) {
            let row = SWITCHES_OFF.iter().find(|(call, _)| *call == called.call);
            found.extend(row.map(|(_, product)| (called.call.as_str(), *product, member.last_s)));
        }
    }
    found.sort_by_key(|(call, product, time_s)| (*time_s, *product, *call));
    found
}

/// Sensors that were switched off and are billed as before.
fn goes_on(members: &[&IncidentMember<'_>], bill: &BillInput<'_>) -> Vec<String> {
    let mut told = BTreeSet::new();
    let accounts: BTreeSet<&Option<String>> = members.iter().map(|m| &m.finding.account).collect();
    let mut found = Vec::new();
    for (call, product, time_s) in switched_off(members) {
        let day = today(time_s);
        let of_sensor = |u: &&BilledUsage| {
            sensor(&u.service, u.family.as_deref()) == Some(product)
                && (u.account.is_none() || accounts.contains(&u.account))
        };
        let usage: Vec<&BilledUsage> = bill.usage.iter().filter(of_sensor).collect();
        let is_billed = |day: i32| usage.iter().any(|u| u.days.contains_key(&day));
        let before = (1..=BEFORE_DAYS).all(|n| is_billed(day - n));
        let after = (day + 1..=bill.through_day).collect::<Vec<_>>();
        if before
            && !after.is_empty()
            && after.iter().all(|d| is_billed(*d))
            && told.insert(product)
        {
            found.push(format!(
                "{product} is billed every day through {} although {call} succeeded at {}: \
                 something still records, or it was switched on again",
                day_text(bill.through_day),
                bartizan_model::time_text(time_s),
            ));
        }
    }
    found
}
