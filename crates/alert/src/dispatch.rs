//! From alerts to outbox entries of one sink: routed, silenced, held back, folded.

use std::collections::BTreeSet;

use bartizan_model::{AlertSilence, Severity};
use jiff::Timestamp;

use crate::alert::{Alert, AlertKind, AlertSubject, StormDigest, key};
use crate::route::AlertRoute;
use crate::wording::wording;

/// Titles in a digest.
const WORST_SHOWN: usize = 10;
/// Accounts, and rules, that a digest counts separately.
const COUNTED_MAX: usize = 50;

/// Entry of the outbox: an alert for a sink.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxEntry {
    pub alert: Alert,
    pub sink: String,
    pub disposition: Disposition,
}

/// Treatment of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    /// Sent, not before a time in milliseconds since 1970.
    Send { not_before_ms: i64 },
    /// Kept and not sent: entry of the evidence log with the silence.
    Silenced { entry: u64 },
    /// Kept and counted in the digest with this key.
    Folded { digest: String },
}

/// Alerts of a sink in the current span of its storm limit.
#[derive(Debug, Clone, Default)]
pub struct StormState {
    /// Alerts that were sent or wait.
    pub recent: usize,
    /// Digest of this span that was not sent yet.
    pub waiting: Option<StormDigest>,
    /// Whether a digest of this span was already sent.
    pub digest_sent: bool,
}

/// Entries of one sink for new alerts, in order. A digest replaces the waiting one of its key.
#[must_use]
pub fn dispatch(
    route: &AlertRoute,
    alerts: &[Alert],
    silences: &[(u64, AlertSilence)],
    storm: &StormState,
    now: Timestamp,
) -> Vec<OutboxEntry> {
    let wanted: Vec<&Alert> = alerts.iter().filter(|a| route.wants(a)).collect();
    let silence = |alert: &Alert| silenced(alert, silences, now);
    let individual = |a: &&&Alert| {
        silence(a).is_none() && !(route.keeps_open && a.kind.is_end()) && a.kind != AlertKind::Test
    };
    let mut ranked: Vec<(usize, &Alert)> = wanted
        .iter()
        .enumerate()
        .filter(|(_, a)| individual(a))
        .map(|(index, a)| (index, *a))
        .collect();
    ranked.sort_by_key(|(index, a)| (std::cmp::Reverse(a.severity), *index));
    let room = route.storm.alerts.saturating_sub(storm.recent);
    let folded: BTreeSet<usize> = ranked.iter().skip(room).map(|(index, _)| *index).collect();
    let (digest_key, digest_ms) = digest_slot(route, storm, now);
    let mut entries: Vec<OutboxEntry> = Vec::with_capacity(wanted.len() + 1);
    let mut digest = storm.waiting.clone().unwrap_or_default();
    for (index, alert) in wanted.iter().enumerate() {
        let disposition = if let Some(entry) = silence(alert) {
            Disposition::Silenced { entry }
        } else if folded.contains(&index) {
            digest.add(alert);
            Disposition::Folded {
                digest: digest_key.clone(),
            }
        } else {
            Disposition::Send {
                not_before_ms: route.not_before_ms(alert.severity, now),
            }
        };
        entries.push(OutboxEntry {
            alert: (*alert).clone(),
            sink: route.sink.clone(),
            disposition,
        });
    }
    if !folded.is_empty() {
        entries.push(OutboxEntry {
            alert: digest_alert(digest_key, digest, now),
            sink: route.sink.clone(),
            disposition: Disposition::Send {
                not_before_ms: digest_ms,
            },
        });
    }
    entries
}

/// Test message to a sink.
#[must_use]
pub fn test_alert(sink: &str, now: Timestamp) -> Alert {
    let time = format!("{now:.3}");
    Alert {
        key: key(AlertKind::Test, sink, &time),
        kind: AlertKind::Test,
        severity: Severity::Info,
        stages: Vec::new(),
        accounts: Vec::new(),
        rules: Vec::new(),
        subject: format!("test {sink}"),
        time,
        findings: Vec::new(),
        about: AlertSubject::Test,
    }
}

/// Keys of the digests of the current span and of the next one.
#[must_use]
pub fn digest_keys(route: &AlertRoute, now: Timestamp) -> [String; 2] {
    let span_s = i64::from(route.storm.minutes.max(1)) * 60;
    let span = now.as_second().div_euclid(span_s);
    [span, span + 1].map(|number| {
        let sequence = format!("{span_s} {number}");
        key(AlertKind::Digest, &route.sink, &sequence)
    })
}

/// Key of the digest that further alerts are folded into, and when it is sent: at once for the
/// first of a span, at the end of the span for the next.
fn digest_slot(route: &AlertRoute, storm: &StormState, now: Timestamp) -> (String, i64) {
    let [current, next] = digest_keys(route, now);
    if !storm.digest_sent {
        return (current, now.as_millisecond());
    }
    let span_s = i64::from(route.storm.minutes.max(1)) * 60;
    let end_s = (now.as_second().div_euclid(span_s) + 1) * span_s;
    (next, end_s * 1000)
}

fn digest_alert(key: String, digest: StormDigest, now: Timestamp) -> Alert {
    Alert {
        key,
        kind: AlertKind::Digest,
        severity: digest.severities.keys().max().copied().unwrap_or_default(),
        stages: Vec::new(),
        accounts: digest.accounts.keys().cloned().collect(),
        rules: digest.rules.keys().cloned().collect(),
        subject: "storm".to_owned(),
        time: format!("{now:.3}"),
        findings: Vec::new(),
        about: AlertSubject::Digest(digest),
    }
}

impl StormDigest {
    fn add(&mut self, alert: &Alert) {
        self.alerts += 1;
        *self.severities.entry(alert.severity).or_default() += 1;
        *self.kinds.entry(alert.kind).or_default() += 1;
        for (counts, names) in [
            (&mut self.accounts, &alert.accounts),
            (&mut self.rules, &alert.rules),
        ] {
            for name in names {
                if counts.len() < COUNTED_MAX || counts.contains_key(name) {
                    *counts.entry(name.clone()).or_default() += 1;
                }
            }
        }
        self.worst.push((alert.severity, wording(alert).title));
        self.worst
            .sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        self.worst.truncate(WORST_SHOWN);
    }
}

/// Entry of the silence that an alert falls under.
fn silenced(alert: &Alert, silences: &[(u64, AlertSilence)], now: Timestamp) -> Option<u64> {
    if matches!(alert.kind, AlertKind::Test | AlertKind::Digest) {
        return None;
    }
    let matches = |s: &AlertSilence| {
        let all = |wanted: &Option<String>, of: &[String]| {
            wanted
                .as_ref()
                .is_none_or(|w| !of.is_empty() && of.iter().all(|o| o == w))
        };
        s.has_matcher()
            && !s.is_over(now)
            && s.subject.as_ref().is_none_or(|id| *id == alert.subject)
            && all(&s.rule, &alert.rules)
            && all(&s.account, &alert.accounts)
            && s.stage.is_none_or(|stage| {
                !alert.stages.is_empty() && alert.stages.iter().all(|a| *a == stage)
            })
    };
    let found = silences.iter().find(|(_, s)| matches(s));
    found.map(|(entry, _)| *entry)
}
