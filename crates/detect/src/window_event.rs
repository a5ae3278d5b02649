//! Event kept for a window rule, and its references into a scan output.

use crate::call::Sighting;

/// Event of one group of a window rule.
#[derive(Debug, Clone)]
pub(super) struct WindowEvent {
    /// Part of the rule that matched.
    pub(super) part: u32,
    /// Hash of a counted value, bits of a summed number, or a packed position.
    pub(super) value: u64,
    /// In a finding already.
    pub(super) told: bool,
    /// Failed call, where the rule rates failed calls lower than successful ones.
    pub(super) tried: bool,
    pub(super) sighting: Sighting,
}

/// Length of the window in which findings are merged, in seconds.
pub(super) const DAY_SECONDS: i64 = 86_400;

/// Duration, e.g. `90 s`, `10 min`, `2 h`, `3 d`.
pub(super) fn span_text(seconds: i64) -> String {
    match seconds {
        s if s >= 2 * 86_400 && s % 86_400 == 0 => format!("{} d", s / 86_400),
        s if s >= 3600 && s % 3600 == 0 => format!("{} h", s / 3600),
        s if s >= 60 && s % 60 == 0 => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}

/// Event recorded for a window rule.
pub(super) struct WindowNote {
    /// Number of the event in the object.
    pub(super) event: u32,
    /// Rule and group, as an index into [`super::ScanOutput::groups`].
    pub(super) group: u32,
    pub(super) seen: WindowEvent,
}

impl WindowNote {
    /// Stands in place of the event number where the note was dropped.
    pub(super) const GIVEN_UP: u32 = u32::MAX;
}
