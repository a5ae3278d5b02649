//! Proposed alarms against those that exist.

use serde::Serialize;

use crate::summary::AlarmProposal;

/// Factor between thresholds of two alarms that ring for the same amount.
const SAME_FACTOR: f64 = 1.25;

/// Alarm on the estimate of the month's charges that an account has.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExistingAlarm {
    pub name: String,
    pub service: Option<String>,
    pub account: Option<String>,
    pub currency: String,
    pub threshold: f64,
    /// Whether it tells anybody: its actions are on and there is one.
    pub tells: bool,
}

/// Whether a proposed alarm is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AlarmVerdict {
    Missing,
    /// One is there that tells nobody.
    Silent,
    There,
}

/// Proposed alarm with the one that stands for it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlarmCheck {
    #[serde(flatten)]
    pub proposal: AlarmProposal,
    pub verdict: AlarmVerdict,
    /// Name of the alarm that exists.
    pub by: Option<String>,
}

/// Looks for each proposed alarm among those that exist: on the same charges, at about the same
/// amount.
#[must_use]
pub fn check_alarms(proposals: &[AlarmProposal], existing: &[ExistingAlarm]) -> Vec<AlarmCheck> {
    let check = |proposal: &AlarmProposal| {
        let wanted = proposal.threshold as f64;
        let best = existing
            .iter()
            .filter(|a| {
                a.service == proposal.service
                    && a.account == proposal.account
                    && a.currency == proposal.currency
                    && (wanted / SAME_FACTOR..=wanted * SAME_FACTOR).contains(&a.threshold)
            })
            .max_by(|a, b| {
                let far = |x: &ExistingAlarm| (x.threshold - wanted).abs();
                a.tells.cmp(&b.tells).then(far(b).total_cmp(&far(a)))
            });
        AlarmCheck {
            proposal: proposal.clone(),
            verdict: match best {
                None => AlarmVerdict::Missing,
                Some(alarm) if alarm.tells => AlarmVerdict::There,
                Some(_) => AlarmVerdict::Silent,
            },
            by: best.map(|a| a.name.clone()),
        }
    };
    proposals.iter().map(check).collect()
}

#[cfg(test)]
mod tests {
    use super::{AlarmVerdict, ExistingAlarm, check_alarms};
    use crate::summary::AlarmProposal;

    #[test]
    fn an_alarm_is_there_if_it_rings_for_about_the_same() {
        let proposal = |service: Option<&str>, threshold| AlarmProposal {
            name: String::new(),
            service: service.map(str::to_owned),
            account: None,
            currency: "USD".to_owned(),
            threshold,
        };
        let alarm = |service: Option<&str>, threshold, tells| ExistingAlarm {
            name: format!("{threshold}"),
            service: service.map(str::to_owned),
            account: None,
            currency: "USD".to_owned(),
            threshold,
            tells,
        };
        let proposals = [
            proposal(None, 100),
            proposal(None, 200),
            proposal(Some("AmazonEC2"), 100),
            proposal(Some("AmazonS3"), 50),
        ];
        let existing = [
            alarm(None, 110.0, false),
            alarm(None, 120.0, true),
            alarm(Some("AmazonEC2"), 100.0, false),
        ];
        let found: Vec<_> = check_alarms(&proposals, &existing)
            .into_iter()
            .map(|c| (c.verdict, c.by))
            .collect();
        let by = |name: &str| Some(name.to_owned());
        assert_eq!(
            found,
            [
                (AlarmVerdict::There, by("120")),
                (AlarmVerdict::Missing, None),
                (AlarmVerdict::Silent, by("100")),
                (AlarmVerdict::Missing, None),
            ]
        );
    }
}
