//! Routing: which alerts a sink gets, and when.

use bartizan_model::{Severity, Stage};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::alert::{Alert, AlertKind, EndReason};

/// Alerts that one sink gets. Empty lists match everything.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertRoute {
    /// Name of the sink.
    pub sink: String,
    pub min_severity: Severity,
    pub stages: Vec<Stage>,
    pub accounts: Vec<String>,
    pub rules: Vec<String>,
    /// Hours after which an open subject is told again; 0: never.
    pub repeat_hours: u16,
    /// Time of day in which alerts of severity low wait.
    pub quiet_hours: Option<QuietHours>,
    pub storm: StormLimit,
    /// Whether the receiver keeps alerts open until it is told that they ended (PagerDuty,
    /// Alertmanager, Security Hub).
    pub keeps_open: bool,
}

/// Alerts of a sink in a span of minutes, beyond which they are folded into a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StormLimit {
    pub alerts: usize,
    pub minutes: u16,
}

/// Time of day in UTC, e.g. `22:00-07:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    start_minute: i64,
    end_minute: i64,
}

impl AlertRoute {
    /// Whether the sink gets an alert.
    #[must_use]
    pub fn wants(&self, alert: &Alert) -> bool {
        let any = |wanted: &[String], of: &[String]| {
            wanted.is_empty() || of.iter().any(|o| wanted.contains(o))
        };
        match alert.kind {
            AlertKind::Test | AlertKind::Digest => return true,
            // To a reader, what left the lookback or joined an incident is no news.
            kind if kind.is_end() && !self.keeps_open => {
                if matches!(
                    alert.ended(),
                    Some(EndReason::LeftLookback | EndReason::Joined(_))
                ) {
                    return false;
                }
            }
            _ => {}
        }
        alert.severity >= self.min_severity
            && (self.stages.is_empty() || alert.stages.iter().any(|s| self.stages.contains(s)))
            && any(&self.accounts, &alert.accounts)
            && any(&self.rules, &alert.rules)
    }

    /// Time before which an alert of this severity waits, in milliseconds since 1970; `now` if it
    /// does not.
    #[must_use]
    pub fn not_before_ms(&self, severity: Severity, now: Timestamp) -> i64 {
        match self.quiet_hours {
            Some(quiet) if severity <= Severity::Low => quiet.end_ms(now),
            _ => now.as_millisecond(),
        }
    }
}

impl QuietHours {
    /// From `HH:MM-HH:MM`.
    ///
    /// # Errors
    /// If the text has another form.
    pub fn parse(text: &str) -> Result<Self, String> {
        let minute = |part: &str| -> Option<i64> {
            let (hour, minute) = part.trim().split_once(':')?;
            let (hour, minute): (i64, i64) = (hour.parse().ok()?, minute.parse().ok()?);
            ((0..24).contains(&hour) && (0..60).contains(&minute)).then_some(hour * 60 + minute)
        };
        let parts = text.split_once('-');
        let parsed = parts.and_then(|(start, end)| Some((minute(start)?, minute(end)?)));
        match parsed {
            Some((start_minute, end_minute)) if start_minute != end_minute => Ok(Self {
                start_minute,
                end_minute,
            }),
            _ => Err(format!(
                "quiet_hours is a span of UTC such as \"22:00-07:00\", not {text:?}"
            )),
        }
    }

    /// End of the quiet hours that `now` is in, in milliseconds since 1970; `now` outside them.
    fn end_ms(self, now: Timestamp) -> i64 {
        let at = now.to_zoned(TimeZone::UTC);
        let minute = i64::from(at.hour()) * 60 + i64::from(at.minute());
        let (start, end) = (self.start_minute, self.end_minute);
        let inside = if start < end {
            (start..end).contains(&minute)
        } else {
            minute >= start || minute < end
        };
        if !inside {
            return now.as_millisecond();
        }
        let minutes_left = (end - minute).rem_euclid(24 * 60);
        let minute_begin = now.as_second().div_euclid(60) * 60;
        (minute_begin + minutes_left * 60) * 1000
    }
}
