//! Findings of times that the trail does not cover.

use super::source::stood;
use bartizan_detect::attribution::{GapCause, TrailGap};
use bartizan_model::{
    Confidence, Evidence, Finding, Severity, Stage, Verdict, finding_id, time_text,
};

pub(super) fn gap_finding(gap: &TrailGap) -> Finding {
    let place = if gap.region.is_empty() {
        format!("account {}", gap.account)
    } else {
        format!("account {} {}", gap.account, gap.region)
    };
    let open = gap.to_s == i64::MAX;
    let to = if open {
        "the end of this trail".to_owned()
    } else {
        time_text(gap.to_s)
    };
    let summary = if open {
        format!(
            "the trail of {place} is silent since {}: {}",
            time_text(gap.from_s),
            gap.why
        )
    } else {
        format!(
            "the trail of {place} is silent for {}, from {} to {to}: {}",
            stood(gap.to_s - gap.from_s),
            time_text(gap.from_s),
            gap.why
        )
    };
    let stopped = gap.cause == GapCause::Stopped;
    Finding {
        id: finding_id(
            "trail-gap",
            &format!("{}\u{1f}{}", gap.account, gap.region),
            false,
            gap.from_s,
        ),
        rule: "trail-gap".to_owned(),
        title: "a stretch of time that the trail does not show".to_owned(),
        summary,
        severity: if stopped {
            Severity::High
        } else {
            Severity::Low
        },
        confidence: if stopped {
            Confidence::High
        } else {
            Confidence::Medium
        },
        stage: Stage::Blind,
        attack: if stopped {
            vec!["T1562.008".to_owned()]
        } else {
            Vec::new()
        },
        account: Some(gap.account.clone()),
        region: Some(gap.region.clone()).filter(|r| !r.is_empty()),
        first_time: Some(time_text(gap.from_s)),
        last_time: (!open).then(|| time_text(gap.to_s)),
        count: 1,
        refused: 0,
        calls: Vec::new(),
        actor: None,
        resources: Vec::new(),
        counterparty: Vec::new(),
        evidence: vec![Evidence::Coverage {
            place,
            what: format!("events from {} to {to}", time_text(gap.from_s)),
        }],
        verdict: Verdict::Unknown,
        because: vec![
            "what was done in it is not known: only the snapshots before and after can tell"
                .to_owned(),
        ],
        show: String::new(),
    }
}
