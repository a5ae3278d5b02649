//! Parser for event times in all forms that exports use, in seconds since 1970.

/// Seconds since 1970. Accepts `YYYY-MM-DDTHH:MM:SS` in UTC, with or without a fraction (RFC 3339
/// with `Z`), as CloudTrail writes times, and the forms of exports: a space for the `T`, a UTC
/// offset or none, 12-hour clock, seconds or milliseconds since 1970, month names. A time without a
/// zone is UTC, like CloudTrail's.
///
/// Returns `None` if the text is ambiguous (`3/4/2026`) or lacks the time of day.
pub fn parse_time(text: &[u8]) -> Option<i64> {
    zulu(text).or_else(|| loose(std::str::from_utf8(text).ok()?))
}

/// Time in CloudTrail's own form.
fn zulu(text: &[u8]) -> Option<i64> {
    if text.len() < 20 || text.last() != Some(&b'Z') || !matches!(text[19], b'Z' | b'.') {
        return None;
    }
    let number = |from: usize, to: usize| {
        text[from..to].iter().try_fold(0i64, |n, b| {
            b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0'))
        })
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let shape = [4, 7, 10, 13, 16].map(|n| text[n]) == *b"--T::";
    if !shape
        || !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    Some(days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Years in which records are plausible: CloudTrail began in 2013.
const YEARS: std::ops::Range<i64> = 2000..2100;

fn loose(text: &str) -> Option<i64> {
    let text = text.trim().trim_matches(['"', '\'']).trim();
    if let Some(milliseconds) = text
        .strip_prefix("/Date(")
        .and_then(|t| t.strip_suffix(")/"))
    {
        return since_1970(milliseconds);
    }
    if let Some(second) = since_1970(text) {
        return Some(second);
    }
    let (date, rest) = year_first(text).or_else(|| month_by_name(text))?;
    let (of_day, rest) =
        time_of_day(rest.trim_start_matches(['T', 't', ' ', '_', ',', '@', ':', '\t']))?;
    Some(days_since_1970(date.0, date.1, date.2) * 86_400 + of_day - offset(rest)?)
}

/// Seconds, milliseconds, microseconds or nanoseconds since 1970: only one of these gives a
/// plausible year.
fn since_1970(text: &str) -> Option<i64> {
    if !text
        .bytes()
        .all(|b| b.is_ascii_digit() || b".eE+".contains(&b))
        || !text.starts_with(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    let years = |second: f64| (946_684_800.0..4_102_444_800.0).contains(&second);
    let exact: Option<i64> = text.parse().ok();
    let number: f64 = text.parse().ok()?;
    let unit = [1i64, 1_000, 1_000_000, 1_000_000_000]
        .into_iter()
        .find(|unit| years(number / *unit as f64));
    if let Some(unit) = unit {
        return Some(exact.map_or_else(
            || (number / unit as f64).floor() as i64,
            |n| n.div_euclid(unit),
        ));
    }
    // `20260310020500`
    let whole = text.len() == 14 && exact.is_some();
    whole
        .then(|| loose(&format!("{}T{}", &text[..8], &text[8..])))
        .flatten()
}

type Date = (i64, i64, i64);

fn date(year: i64, month: i64, day: i64) -> Option<Date> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    (YEARS.contains(&year) && (1..=12).contains(&month) && (1..=days).contains(&day))
        .then_some((year, month, day))
}

/// Number with at most `most` digits at the start of a text, and the rest.
fn digits(text: &str, most: usize) -> Option<(i64, &str)> {
    let end = text
        .bytes()
        .take(most)
        .take_while(u8::is_ascii_digit)
        .count();
    Some((text.get(..end)?.parse().ok()?, &text[end..]))
}

/// `2026-03-10`, `2026/3/10`, `20260310`.
fn year_first(text: &str) -> Option<(Date, &str)> {
    let (year, rest) = digits(text, 4).filter(|(_, rest)| text.len() - rest.len() == 4)?;
    let Some(separated) = rest.strip_prefix(['-', '/', '.']) else {
        let (month_and_day, rest) = digits(rest, 4)?;
        return Some((date(year, month_and_day / 100, month_and_day % 100)?, rest));
    };
    let (month, rest) = digits(separated, 2)?;
    let (day, rest) = digits(rest.strip_prefix(['-', '/', '.'])?, 2)?;
    Some((date(year, month, day)?, rest))
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// `March 10, 2026, 02:05:00`, `10/Mar/2026:02:05:00`, `Tue, 10 Mar 2026 02:05:00`.
fn month_by_name(text: &str) -> Option<(Date, &str)> {
    let (mut month, mut day, mut at) = (None, None, 0);
    while at < text.len() {
        let rest = text.get(at..)?;
        let word = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        if word > 0 {
            let name = rest.get(..word.min(3))?.to_ascii_lowercase();
            month = month.or_else(|| MONTHS.iter().position(|m| *m == name).map(|n| n as i64 + 1));
            at += word;
            continue;
        }
        match digits(rest, 4) {
            Some((number, after)) if rest.len() - after.len() == 4 => {
                return Some((date(number, month?, day?)?, after));
            }
            Some((number, after)) if day.is_none() => {
                day = Some(number);
                at = text.len() - after.len();
            }
            Some(_) => return None,
            None => at += rest.chars().next()?.len_utf8(),
        }
    }
    None
}

/// Seconds since midnight for `02:05`, `02:05:00.123`, `020500`, `2:05:00 PM`, and the rest.
fn time_of_day(text: &str) -> Option<(i64, &str)> {
    let (hour, rest) = digits(text, 2)?;
    let two = |text| digits(text, 2).filter(|(n, rest)| text.len() - rest.len() == 2 && *n <= 60);
    let (colon, rest) = match rest.strip_prefix(':') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let (minute, mut rest) = two(rest).filter(|(minute, _)| *minute < 60)?;
    let mut second = 0;
    let next = if colon {
        rest.strip_prefix(':')
    } else {
        rest.starts_with(|c: char| c.is_ascii_digit())
            .then_some(rest)
    };
    if let Some(next) = next {
        (second, rest) = two(next)?;
        if let Some(fraction) = rest.strip_prefix(['.', ',', ':']) {
            rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
        }
    }
    let low = rest.trim_start().get(..2).map(str::to_ascii_lowercase);
    let (hour, rest) = match low.as_deref() {
        Some("am") if (1..=12).contains(&hour) => (hour % 12, &rest.trim_start()[2..]),
        Some("pm") if (1..=12).contains(&hour) => (hour % 12 + 12, &rest.trim_start()[2..]),
        _ => (hour, rest),
    };
    (hour < 24).then_some((hour * 3600 + minute * 60 + second, rest))
}

/// UTC offset in seconds: nothing, `Z`, `UTC`, `+01:00`, `(UTC+01:00)`, `-0500[America/New_York]`.
fn offset(zone: &str) -> Option<i64> {
    let zone = zone
        .split('[')
        .next()?
        .trim()
        .trim_matches(['(', ')'])
        .trim();
    let low = zone.to_ascii_lowercase();
    let rest = ["utc", "gmt", "z"]
        .iter()
        .find_map(|name| low.strip_prefix(name))
        .unwrap_or(&low)
        .trim();
    let (sign, rest) = match rest.strip_prefix('+') {
        Some(rest) => (1, rest),
        None => match rest.strip_prefix(['-', '\u{2212}']) {
            Some(rest) => (-1, rest),
            None => return rest.is_empty().then_some(0),
        },
    };
    let (hours, rest) = digits(rest, 2)?;
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let (minutes, rest) = if rest.is_empty() {
        (0, rest)
    } else {
        digits(rest, 2)?
    };
    (rest.is_empty() && hours <= 18 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// Days in the proleptic Gregorian calendar, counted in years that start in March so that leap days
/// come last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_time_in_many_forms() {
        let wanted = 1_737_481_787; // 2025-01-21T17:49:47Z
        for text in [
            "2025-01-21T17:49:47Z",
            "2025-01-21T17:49:47.000Z",
            "2025-01-21t17:49:47z",
            " 2025-01-21T17:49:47Z ",
            "2025-01-21 17:49:47",
            "2025-01-21 17:49:47.000000000",
            "2025-01-21 17:49:47.000 UTC",
            "2025-01-21 17:49:47 +0000",
            "2025-01-21 17:49:47+00:00",
            "2025-01-21T18:49:47+01:00",
            "2025-01-21T12:49:47-0500",
            "2025-01-21T12:49:47-05",
            "2025-01-21T12:49:47-05:00[America/New_York]",
            "2025-01-21 17:49:47Z",
            "2025/01/21 17:49:47",
            "2025-1-21 17:49:47",
            "20250121T174947Z",
            "20250121174947",
            "1737481787",
            "1737481787.25",
            "1737481787000",
            "1737481787000000",
            "1737481787000000000",
            "1.737481787e9",
            "1.737481787E9",
            "1.737481787E+09",
            "/Date(1737481787000)/",
            "\"2025-01-21T17:49:47Z\"",
            "January 21, 2025, 17:49:47 (UTC+00:00)",
            "January 21, 2025, 18:49:47 (UTC+01:00)",
            "Jan 21, 2025 @ 17:49:47.000",
            "Jan 21, 2025, 5:49:47 PM",
            "21/Jan/2025:17:49:47 +0000",
            "Tue, 21 Jan 2025 17:49:47 GMT",
            "2025-01-21, 17:49:47",
        ] {
            assert_eq!(parse_time(text.as_bytes()), Some(wanted), "{text}");
        }
        for text in [
            "",
            " ",
            "x",
            "-",
            "null",
            "0",
            "1",
            "12345",
            "2025-01-21",
            "1/2/2025 17:49:47",
            "2025-13-21 17:49:47",
            "2025-02-30 17:49:47",
            "2025-01-21 25:49:47",
            "2025-01-21 17:61:47",
            "2025-01-21 17:49:47 EST",
            "2025-01-21 17:49:47 Europe/Berlin",
            "99999999999999999999",
            "1e400",
            "2025-01-21T17",
            "Jan 2025",
            "é1 Jan 2025 1:2:3",
            "2025-01-21T17:49:47+99:00",
        ] {
            assert_eq!(parse_time(text.as_bytes()), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[0-9TtZzJanPMé:+., /\\-()@]{0,40}") {
            let _ = parse_time(text.as_bytes());
        }
    }
}
