//! One event that a rule with a window remembers.

use crate::call::Sighting;

/// One event in a group.
#[derive(Debug, Clone)]
pub(super) struct WindowEvent {
    /// Part of the rule that matched.
    pub(super) part: u32,
    /// Hash of the value that is counted, bits of the number that is summed, or a packed position.
    pub(super) value: u64,
    /// Already in a finding.
    pub(super) told: bool,
    /// A call that failed, to a rule for which that is less than one that worked.
    pub(super) tried: bool,
    pub(super) sighting: Sighting,
}

/// Seconds of the window in which findings merge.
pub(super) const DAY_SECONDS: i64 = 86_400;

/// `90 s`, `10 min`, `2 h`, `3 d`.
pub(super) fn span_text(seconds: i64) -> String {
    match seconds {
        s if s >= 2 * 86_400 && s % 86_400 == 0 => format!("{} d", s / 86_400),
        s if s >= 3600 && s % 3600 == 0 => format!("{} h", s / 3600),
        s if s >= 60 && s % 60 == 0 => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}

/// One event that a rule with a window asked for.
pub(super) struct WindowNote {
    /// Number of the event in the object.
    pub(super) event: u32,
    /// Rule and group: index in the groups.
    pub(super) group: u32,
    pub(super) seen: WindowEvent,
}

impl WindowNote {
    /// Stands in place of the event where a note is of no more interest.
    pub(super) const GIVEN_UP: u32 = u32::MAX;
}
