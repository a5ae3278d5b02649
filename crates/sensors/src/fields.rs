//! Fields of findings: by path, bounded, and times as each system writes them.

use std::net::IpAddr;

use bartizan_model::limits::{LOG_TEXT_BYTES_MAX, NESTING_MAX, RESOURCES_MAX};
use jiff::Timestamp;
use serde_json::Value;

/// Value at a path, `service.count`. A name is also found with a capital, as the AWS CLI prints it.
pub(crate) fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(value, |value, name| {
        if let Some(found) = value.get(name) {
            return found;
        }
        let mut letters = name.chars();
        let first = letters.next().map(|c| c.to_ascii_uppercase());
        let capital: String = first.into_iter().chain(letters).collect();
        value.get(capital.as_str()).unwrap_or(&Value::Null)
    })
}

/// Bounded text at a path; none if it is empty or no string.
pub(crate) fn text(value: &Value, path: &str) -> Option<String> {
    let found = at(value, path).as_str()?.trim();
    (!found.is_empty()).then(|| clipped(found))
}

/// Text cut at the bound of texts from logs.
pub(crate) fn clipped(text: &str) -> String {
    let mut end = text.len().min(LOG_TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

pub(crate) fn number(value: &Value, path: &str) -> Option<f64> {
    let found = at(value, path);
    let number = found.as_f64().or_else(|| found.as_str()?.parse().ok())?;
    number.is_finite().then_some(number)
}

pub(crate) fn count(value: &Value, path: &str) -> Option<u64> {
    let found = at(value, path);
    found.as_u64().or_else(|| found.as_str()?.parse().ok())
}

/// Elements of a list at a path, as many as a finding names.
pub(crate) fn list<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = &'a Value> {
    let found = at(value, path).as_array();
    found.into_iter().flatten().take(RESOURCES_MAX)
}

/// Seconds since 1970 at a path: RFC 3339, `2026-03-11T02:40:00.1+0000`, a day, or a number of
/// seconds or milliseconds.
pub(crate) fn time_s(value: &Value, path: &str) -> Option<i64> {
    time_of(at(value, path))
}

fn time_of(value: &Value) -> Option<i64> {
    if let Some(number) = value.as_f64() {
        return plausible(number);
    }
    let text = value.as_str()?;
    if let Ok(number) = text.parse::<f64>() {
        return plausible(number);
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.as_second());
    }
    let day = (text.len() == 10).then(|| format!("{text}T00:00:00Z"));
    let time = day?.parse::<Timestamp>().ok()?;
    Some(time.as_second())
}

/// Seconds of a number of seconds or milliseconds since 1970.
fn plausible(number: f64) -> Option<i64> {
    // 10^11 seconds are in the year 5138, 10^11 milliseconds in 1973.
    let seconds = if number >= 1e11 {
        number / 1000.0
    } else {
        number
    };
    #[allow(clippy::cast_possible_truncation, reason = "bounded one line above")]
    (seconds > 0.0 && seconds < 1e11).then_some(seconds.floor() as i64)
}

/// Address, unless it is one of everybody's networks: private, loopback, link-local.
pub(crate) fn outside(text: &str) -> Option<IpAddr> {
    let address: IpAddr = text.trim().parse().ok()?;
    let inside = match address {
        IpAddr::V4(v4) => {
            let shared = v4.octets()[0] == 100 && v4.octets()[1] & 0xC0 == 64;
            v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_multicast()
                || v4.is_broadcast()
                || shared
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
        }
    };
    (!inside).then_some(address)
}

/// All texts below a value that stand under one of these names, with or without capital, in order.
pub(crate) fn below<'a>(value: &'a Value, names: &[&str], found: &mut Vec<&'a str>, depth: usize) {
    if depth > NESTING_MAX || found.len() >= RESOURCES_MAX {
        return;
    }
    match value {
        Value::Object(map) => {
            for (name, inner) in map {
                match inner.as_str() {
                    Some(text) if names.iter().any(|n| n.eq_ignore_ascii_case(name)) => {
                        found.push(text);
                    }
                    _ => below(inner, names, found, depth + 1),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|v| below(v, names, found, depth + 1)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn times_of_all_systems_are_read() {
        for (value, expected) in [
            (
                json!("2026-03-11T02:40:00.123456+0000"),
                Some(1_773_196_800),
            ),
            (json!("2026-03-11T02:40:00Z"), Some(1_773_196_800)),
            (json!("2026-03-11T02:40:00.000+00:00"), Some(1_773_196_800)),
            (json!(1_773_196_800.5), Some(1_773_196_800)),
            (json!(1_773_196_800_500_i64), Some(1_773_196_800)),
            (json!("1773196800.1"), Some(1_773_196_800)),
            (json!("2026-03-11"), Some(1_773_187_200)),
            (json!("yesterday"), None),
            (json!(1e300), None),
            (json!(-5), None),
        ] {
            assert_eq!(time_of(&value), expected, "{value}");
        }
    }

    #[test]
    fn inside_addresses_are_nobodys() {
        for text in [
            "10.0.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "100.64.3.2",
            "fd00:ec2::254",
        ] {
            assert_eq!(outside(text), None, "{text}");
        }
        assert!(outside("198.51.100.23").is_some() && outside("2001:db8::1").is_some());
    }
}
