//! Time formatting.

/// Seconds since 1970 as RFC 3339 in UTC.
#[must_use]
pub fn time_text(time_s: i64) -> String {
    jiff::Timestamp::from_second(time_s)
        .map(|t| t.to_string())
        .unwrap_or_else(|_| time_s.to_string())
}
