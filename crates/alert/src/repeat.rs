//! Repetition of an alert whose subject is still open.

use bartizan_model::AlertSilence;
use jiff::{SignedDuration, Timestamp};

use crate::alert::{Alert, AlertKind, key};
use crate::dispatch::{Disposition, OutboxEntry, StormState, dispatch};
use crate::route::AlertRoute;

/// Entries for an open subject that a sink was last told of at `told`: the `number`th repetition if
/// the sink's time has passed, else none. `last` is the latest alert about the subject.
#[must_use]
pub fn still_open(
    route: &AlertRoute,
    last: &Alert,
    (told, number): (Timestamp, u64),
    silences: &[(u64, AlertSilence)],
    now: Timestamp,
) -> Option<OutboxEntry> {
    let wait = SignedDuration::from_hours(i64::from(route.repeat_hours));
    if route.repeat_hours == 0 || now.duration_since(told) < wait || !route.wants(last) {
        return None;
    }
    let alert = Alert {
        key: key(
            AlertKind::StillOpen,
            &last.subject,
            &format!("{} {number}", last.key),
        ),
        kind: AlertKind::StillOpen,
        time: format!("{now:.3}"),
        findings: Vec::new(),
        ..last.clone()
    };
    let entry = dispatch(route, &[alert], silences, &StormState::default(), now).pop()?;
    match entry.disposition {
        Disposition::Silenced { .. } => None,
        _ => Some(entry),
    }
}
