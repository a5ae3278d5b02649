//! Findings of a sensor of ours that went blind: a canary whose record does not arrive, a region
//! that fell silent, a queue that was purged or changed, a permission that our role lost.

use std::collections::{BTreeMap, BTreeSet};

use bartizan_inventory::snapshot::{CallStatus, Coverage};
use bartizan_model::limits::EVIDENCE_MAX;
use bartizan_model::{
    Confidence, Evidence, Finding, Severity, Stage, Verdict, finding_id, time_text,
};

/// ATT&CK: Impair Defenses: Disable or Modify Cloud Logs.
const CLOUD_LOGS: &str = "T1562.008";
/// ATT&CK: Impair Defenses.
const IMPAIR: &str = "T1562";

/// Call that was answered in one snapshot and denied in the next.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LostPermission {
    /// `s3:GetBucketPolicy`.
    pub(crate) call: String,
    pub(crate) region: String,
    pub(crate) detail: String,
}

/// A canary whose record is overdue.
pub(crate) fn canary_overdue(
    account: &str,
    region: &str,
    (sent_s, age_max_s): (i64, i64),
    now_s: i64,
) -> Finding {
    let minutes = (now_s - sent_s) / 60;
    Finding {
        severity: Severity::High,
        account: Some(account.to_owned()),
        region: Some(region.to_owned()),
        attack: vec![CLOUD_LOGS.to_owned()],
        evidence: vec![missing(
            format!("{account} {region}"),
            format!("the record of our own call at {}", time_text(sent_s)),
        )],
        because: vec![format!(
            "the record of a call that we made ourselves must arrive within {} minutes; what \
            others do in {region} is not seen either",
            age_max_s / 60
        )],
        ..blind(
            "watch-canary",
            &format!("{account} {region}"),
            sent_s,
            "our own call does not appear in the trail",
            format!(
                "the trail of {region} does not show our call of {} for {minutes} minutes",
                time_text(sent_s)
            ),
        )
    }
}

/// A region or account whose events stopped, against its own past.
pub(crate) fn region_silent(
    account: &str,
    region: &str,
    (newest_s, usual_s): (i64, i64),
    now_s: i64,
) -> Finding {
    Finding {
        severity: Severity::Medium,
        confidence: Confidence::Medium,
        account: Some(account.to_owned()),
        region: Some(region.to_owned()),
        attack: vec![CLOUD_LOGS.to_owned()],
        evidence: vec![missing(
            format!("{account} {region}"),
            format!("events since {}", time_text(newest_s)),
        )],
        because: vec![format!(
            "the longest usual silence there is {} minutes",
            usual_s / 60
        )],
        ..blind(
            "watch-silent",
            &format!("{account} {region}"),
            newest_s,
            "events stopped",
            format!(
                "no event of {region} for {} minutes, where it is never so quiet",
                (now_s - newest_s) / 60
            ),
        )
    }
}

/// Attributes of a queue of ours that are other than before. `changes`: name, before, after.
pub(crate) fn queue_changed(
    queue: &str,
    changes: &BTreeMap<String, [String; 2]>,
    (before_s, after_s): (i64, i64),
) -> Option<Finding> {
    let names: Vec<&str> = changes.keys().map(String::as_str).collect();
    if names.is_empty() {
        return None;
    }
    let after: Vec<&String> = changes.values().map(|[_, after]| after).collect();
    let entity = format!("{queue} {names:?} {after:?}");
    Some(Finding {
        severity: Severity::Medium,
        last_time: Some(time_text(after_s)),
        attack: vec![IMPAIR.to_owned()],
        resources: vec![queue.to_owned()],
        evidence: vec![missing(queue.to_owned(), names.join(", "))],
        because: vec![format!("it was as before at {}", time_text(before_s))],
        ..blind(
            "watch-queue-changed",
            &entity,
            before_s,
            "the queue that feeds the alarm was changed",
            format!("{} of our queue {queue} changed", names.join(", ")),
        )
    })
}

/// Calls that were answered before and are denied now.
pub(crate) fn lost_permissions(before: &[Coverage], after: &[Coverage]) -> Vec<LostPermission> {
    let read: BTreeSet<(&str, &str)> = before
        .iter()
        .filter(|c| c.status == CallStatus::Ok)
        .map(|c| (c.call.as_str(), c.region.as_str()))
        .collect();
    let lost: BTreeSet<LostPermission> = after
        .iter()
        .filter(|c| c.status == CallStatus::Denied && c.unread.is_empty())
        .filter(|c| read.contains(&(c.call.as_str(), c.region.as_str())))
        .map(|c| LostPermission {
            call: c.call.clone(),
            region: c.region.clone(),
            detail: c.detail.clone(),
        })
        .collect();
    lost.into_iter().collect()
}

/// Permissions that our role lost between two snapshots; none if it lost none.
pub(crate) fn permission_lost(
    account: &str,
    lost: &[LostPermission],
    (before_s, after_s): (i64, i64),
) -> Option<Finding> {
    let calls: BTreeSet<&str> = lost.iter().map(|l| l.call.as_str()).collect();
    let first = calls.first()?;
    let more = match calls.len() {
        1 => String::new(),
        n => format!(" and {} more calls", n - 1),
    };
    let names: Vec<&str> = calls.iter().copied().collect();
    Some(Finding {
        severity: Severity::High,
        account: Some(account.to_owned()),
        last_time: Some(time_text(after_s)),
        count: calls.len() as u64,
        attack: vec![IMPAIR.to_owned()],
        evidence: lost
            .iter()
            .take(EVIDENCE_MAX)
            .map(|l| missing(format!("{account} {}", l.region), l.call.clone()))
            .collect(),
        because: lost
            .iter()
            .take(1)
            .map(|l| format!("AWS says: {}", l.detail))
            .collect(),
        ..blind(
            "watch-permission-lost",
            &format!("{account} {}", names.join(",")),
            before_s,
            "our role lost a permission",
            format!("AWS now denies our role {first}{more} in account {account}"),
        )
    })
}

fn missing(place: String, what: String) -> Evidence {
    Evidence::Coverage { place, what }
}

/// Finding of stage blind, of severity medium, from a time on (seconds since 1970).
pub(crate) fn blind(
    rule: &str,
    entity: &str,
    from_s: i64,
    title: &str,
    summary: String,
) -> Finding {
    Finding {
        id: finding_id(rule, entity, false, from_s),
        rule: rule.to_owned(),
        title: title.to_owned(),
        summary,
        severity: Severity::Medium,
        confidence: Confidence::High,
        stage: Stage::Blind,
        attack: Vec::new(),
        account: None,
        region: None,
        first_time: Some(time_text(from_s)),
        last_time: None,
        count: 1,
        refused: 0,
        calls: Vec::new(),
        actor: None,
        resources: Vec::new(),
        counterparty: Vec::new(),
        evidence: Vec::new(),
        verdict: Verdict::Must,
        because: Vec::new(),
        show: "bartizan status".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coverage(call: &str, status: CallStatus) -> Coverage {
        Coverage {
            region: "eu-west-1".into(),
            call: call.into(),
            status,
            answers: 1,
            kinds: Vec::new(),
            detail: "AccessDenied: no".into(),
            unread: Vec::new(),
        }
    }

    #[test]
    fn a_call_that_is_newly_denied_is_a_finding() {
        let before = [
            coverage("sqs:ListQueues", CallStatus::Ok),
            coverage("kms:ListKeys", CallStatus::Denied),
            coverage("s3:ListBuckets", CallStatus::Ok),
        ];
        let after = [
            coverage("sqs:ListQueues", CallStatus::Denied),
            coverage("kms:ListKeys", CallStatus::Denied),
            coverage("s3:ListBuckets", CallStatus::Throttled),
        ];
        let lost = lost_permissions(&before, &after);
        assert_eq!(lost.len(), 1);
        let finding = permission_lost("1", &lost, (10, 20)).unwrap();
        assert_eq!(
            (finding.stage, finding.severity),
            (Stage::Blind, Severity::High)
        );
        assert!(
            finding.summary.contains("sqs:ListQueues"),
            "{}",
            finding.summary
        );
        assert!(permission_lost("1", &lost_permissions(&after, &after), (10, 20)).is_none());
    }
}
