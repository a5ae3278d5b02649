//! Whether an incident is open.

use bartizan_incident::Incident;
use bartizan_model::Severity;
use jiff::{SignedDuration, Timestamp};

use crate::alert::EndReason;

/// Hours without an event after which an incident of which nothing stands is over.
const QUIET_HOURS: i64 = 24;

/// Reason for which an incident is not open; `None` while it is. `as_of` is the time of what was
/// read last.
pub(crate) fn closed(incident: &Incident, as_of: &str) -> Option<EndReason> {
    if incident.severity == Severity::Info {
        return Some(EndReason::Accepted);
    }
    let nothing_stands =
        incident.standing_known && incident.standing.is_empty() && incident.left.is_empty();
    let time = |text: &str| text.parse::<Timestamp>().ok();
    let quiet = match (time(&incident.last_time), time(as_of)) {
        (Some(last), Some(now)) => {
            now.duration_since(last) > SignedDuration::from_hours(QUIET_HOURS)
        }
        _ => false,
    };
    (nothing_stands && quiet).then_some(EndReason::Quiet)
}
