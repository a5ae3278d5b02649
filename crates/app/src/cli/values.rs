//! Values of options: severities and times.

use bartizan_model::Severity;

pub(super) fn severity(text: &str) -> Result<Severity, String> {
    let all = [
        Severity::Info,
        Severity::Low,
        Severity::Medium,
        Severity::High,
        Severity::Critical,
    ];
    all.into_iter()
        .find(|s| s.to_string() == text)
        .ok_or_else(|| "expected info, low, medium, high or critical".to_owned())
}

/// A date is its midnight in UTC.
pub(crate) fn time(text: &str) -> Result<jiff::Timestamp, String> {
    let date = || {
        text.parse::<jiff::civil::Date>()
            .and_then(|d| d.to_zoned(jiff::tz::TimeZone::UTC))
            .map(|z| z.timestamp())
    };
    text.parse()
        .or_else(|_| date())
        .map_err(|_| "expected a date (2026-03-10) or a time (2026-03-10T02:00:00Z)".to_owned())
}

/// Number of false alarms, 0.001 to 10.
pub(super) fn false_alarms(text: &str) -> Result<f64, String> {
    let number: f64 = text
        .parse()
        .map_err(|_| "expected a number, e.g. 0.1".to_owned())?;
    match (0.001..=10.0).contains(&number) {
        true => Ok(number),
        false => Err("expected 0.001 to 10".to_owned()),
    }
}
