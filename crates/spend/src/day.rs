//! Days and hours as bills print them.

use jiff::civil::Date;

/// Days since 1970-01-01.
pub(crate) fn day_of(date: Date) -> i32 {
    (date - Date::constant(1970, 1, 1)).get_days()
}

/// Day of a time in seconds since 1970.
#[must_use]
pub fn today(time_s: i64) -> i32 {
    i32::try_from(time_s.div_euclid(86_400)).unwrap_or(i32::MAX)
}

/// Date of a day.
pub(crate) fn date_of(day: i32) -> Date {
    Date::constant(1970, 1, 1)
        .checked_add(jiff::Span::new().days(i64::from(day)))
        .unwrap_or(Date::constant(1970, 1, 1))
}

/// `2026-03-11`.
#[must_use]
pub fn day_text(day: i32) -> String {
    date_of(day).to_string()
}

/// First day of the month.
pub(crate) fn month_start(day: i32) -> i32 {
    day_of(date_of(day).first_of_month())
}

/// First day of the next month.
pub(crate) fn month_end(day: i32) -> i32 {
    day_of(date_of(day).last_of_month()) + 1
}

/// `2026-03`.
#[must_use]
pub fn month_text(day: i32) -> String {
    day_text(day).get(..7).unwrap_or_default().to_owned()
}

/// Day and hour of a time: `2026-03-10T22:00:00Z`, `2024-09-18 22:00:00`, `9/18/2024 22:00`,
/// `20260301T000000.000Z`. A date of a spreadsheet is read as month, day, year unless that is
/// impossible.
pub(crate) fn time(text: &[u8]) -> Option<(i32, u8)> {
    let text = text.trim_ascii();
    let number = |from: usize, to: usize| -> Option<i32> {
        let digits = text.get(from..to)?;
        digits
            .iter()
            .all(u8::is_ascii_digit)
            .then(|| digits.iter().fold(0, |n, b| n * 10 + i32::from(b - b'0')))
    };
    let (year, month, day, hour) = if text.get(4) == Some(&b'-') {
        (
            number(0, 4)?,
            number(5, 7)?,
            number(8, 10)?,
            number(11, 13).unwrap_or(0),
        )
    } else if text.get(8) == Some(&b'T') {
        (
            number(0, 4)?,
            number(4, 6)?,
            number(6, 8)?,
            number(9, 11).unwrap_or(0),
        )
    } else {
        return spreadsheet(text);
    };
    civil(year, month, day, hour)
}

fn civil(year: i32, month: i32, day: i32, hour: i32) -> Option<(i32, u8)> {
    let small = |n: i32| i8::try_from(n).ok();
    let date = Date::new(i16::try_from(year).ok()?, small(month)?, small(day)?).ok()?;
    let fits = (1990..2200).contains(&year) && (0..24).contains(&hour);
    fits.then(|| (day_of(date), hour as u8))
}

/// `9/18/2024`, `18/9/2024 22:00`, `9/18/24`.
fn spreadsheet(text: &[u8]) -> Option<(i32, u8)> {
    let text = std::str::from_utf8(text).ok()?;
    let (date, clock) = text.split_once(' ').unwrap_or((text, ""));
    let mut parts = date.split(['/', '.']);
    let mut next = || parts.next()?.parse::<i32>().ok();
    let (first, second, year) = (next()?, next()?, next()?);
    let year = if year < 100 { 2000 + year } else { year };
    let (month, day) = if first > 12 {
        (second, first)
    } else {
        (first, second)
    };
    let hour: i32 = clock
        .split(':')
        .next()
        .and_then(|h| h.parse().ok())
        .unwrap_or(0);
    let late = clock.ends_with("PM") && hour < 12;
    civil(year, month, day, if late { hour + 12 } else { hour })
}

#[cfg(test)]
mod tests {
    use super::{day_text, month_end, month_start, time};

    #[test]
    fn times_as_bills_print_them() {
        for (text, day, hour) in [
            ("2026-03-10T22:00:00Z", "2026-03-10", 22),
            ("2024-09-18 07:00:00", "2024-09-18", 7),
            ("2024-02-29", "2024-02-29", 0),
            ("20260301T000000.000Z", "2026-03-01", 0),
            ("9/8/2024", "2024-09-08", 0),
            ("18/9/2024 22:00", "2024-09-18", 22),
            ("9/18/24 1:00 PM", "2024-09-18", 13),
        ] {
            let read = time(text.as_bytes()).map(|(d, h)| (day_text(d), h));
            assert_eq!(read, Some((day.to_owned(), hour)), "{text}");
        }
        for bad in [
            "",
            "NULL",
            "2026-13-01",
            "2026-02-30",
            "20x6-01-01",
            "45544.5",
        ] {
            assert_eq!(time(bad.as_bytes()), None, "{bad}");
        }
        let (day, _) = time(b"2026-02-10").unwrap_or_default();
        assert_eq!(day_text(month_start(day)), "2026-02-01");
        assert_eq!(day_text(month_end(day)), "2026-03-01");
    }
}
