//! Values of policies and requests, each read in the plainest way that is right.
//!
//! Sources: IAM user guide, "IAM policy elements: variables and tags", "Condition operators",
//! "Resource" (wildcards stay within their segment of an ARN).

use std::net::IpAddr;

use crate::request::{Context, ContextLookup, ContextValue};

/// One character of a pattern, and whether it is a wildcard.
pub(super) type Glyph = (char, bool);

/// A text with policy variables, as far as the request has values for them.
pub(super) enum Resolved {
    Text(Vec<Glyph>),
    /// A variable in it has no value and no default: the text matches nothing.
    NoValue,
    /// Nobody knows the value of a variable in it.
    NotKnown,
}

/// Part of a text: a character, or a variable.
pub(super) enum ValuePart {
    Plain(char),
    /// `${*}`, `${?}`, `${$}`: the character itself.
    Escaped(char),
    /// `${key}` or `${key, 'default'}`.
    Variable {
        key: String,
        default: Option<String>,
    },
}

/// Takes a text apart. Policies of versions before 2012-10-17 have no variables.
pub(super) fn parts(text: &str, has_variables: bool) -> Vec<ValuePart> {
    let characters: Vec<char> = text.chars().collect();
    let mut parts = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        let starts = has_variables && characters[at..].starts_with(&['$', '{']);
        let end = characters[at..]
            .iter()
            .position(|c| *c == '}')
            .filter(|_| starts);
        let Some(end) = end else {
            parts.push(ValuePart::Plain(characters[at]));
            at += 1;
            continue;
        };
        let body = &characters[at + 2..at + end];
        parts.push(match body {
            ['*' | '?' | '$'] => ValuePart::Escaped(body[0]),
            _ => variable(&body.iter().collect::<String>()),
        });
        at += end + 1;
    }
    parts
}

fn variable(body: &str) -> ValuePart {
    let mut halves = body.splitn(2, ',');
    let key = halves
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let quoted = halves.next().map(str::trim).unwrap_or_default();
    let default = quoted
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''))
        .map(str::to_owned);
    ValuePart::Variable { key, default }
}

/// Puts values in place of variables. What comes from the request is never a wildcard.
pub(super) fn resolve(text: &str, has_variables: bool, context: &Context) -> Resolved {
    let mut glyphs: Vec<Glyph> = Vec::new();
    for part in parts(text, has_variables) {
        match part {
            ValuePart::Plain(character) => {
                glyphs.push((character, character == '*' || character == '?'))
            }
            ValuePart::Escaped(character) => glyphs.push((character, false)),
            ValuePart::Variable { key, default } => {
                let value = match context.get(&key) {
                    ContextLookup::Unknown | ContextLookup::Is(ContextValue::StartsWith(_)) => {
                        return Resolved::NotKnown;
                    }
                    ContextLookup::Is(ContextValue::One(value)) => Some(value.clone()),
                    ContextLookup::Is(ContextValue::Many(_)) | ContextLookup::Absent => default,
                };
                let Some(value) = value else {
                    return Resolved::NoValue;
                };
                glyphs.extend(value.chars().map(|character| (character, false)));
            }
        }
    }
    Resolved::Text(glyphs)
}

/// Characters without their wildcards: what operators that compare whole values see.
pub(super) fn plain(glyphs: &[Glyph]) -> String {
    glyphs.iter().map(|(character, _)| *character).collect()
}

/// A text in which `*` and `?` are wildcards.
pub(super) fn glyphs(text: &str) -> Vec<Glyph> {
    text.chars()
        .map(|character| (character, character == '*' || character == '?'))
        .collect()
}

/// Whether a pattern matches a whole text: `*` any characters, `?` exactly one.
pub(super) fn matches_wildcards(pattern: &[Glyph], text: &str) -> bool {
    // `fits[n]`: the first n characters of the pattern match what was read of the text so far.
    let mut fits = vec![false; pattern.len() + 1];
    fits[0] = true;
    for (n, glyph) in pattern.iter().enumerate() {
        fits[n + 1] = fits[n] && *glyph == ('*', true);
    }
    for character in text.chars() {
        let before = std::mem::replace(&mut fits, vec![false; pattern.len() + 1]);
        for (n, glyph) in pattern.iter().enumerate() {
            fits[n + 1] = match glyph {
                // It takes one more, or it stands for nothing.
                ('*', true) => before[n + 1] || fits[n],
                ('?', true) => before[n],
                (own, _) => before[n] && *own == character,
            };
        }
    }
    fits[pattern.len()]
}

/// Whether a pattern over ARNs matches: segment by segment; the last segment may hold colons. `*`
/// alone is everything.
pub(super) fn matches_arn(pattern: &[Glyph], text: &str) -> bool {
    if pattern == [('*', true)] {
        return true;
    }
    let wanted: Vec<&[Glyph]> = pattern
        .splitn(6, |(character, _)| *character == ':')
        .collect();
    let given: Vec<&str> = text.splitn(6, ':').collect();
    wanted.len() == given.len()
        && wanted
            .iter()
            .zip(given)
            .all(|(one, part)| matches_wildcards(one, part))
}

/// Segments of an ARN: `arn`, partition, service, region, account, resource.
pub(super) fn arn(text: &str) -> Option<[&str; 6]> {
    let segments: Vec<&str> = text.splitn(6, ':').collect();
    <[&str; 6]>::try_from(segments)
        .ok()
        .filter(|segments| segments[0] == "arn")
}

/// A decimal number: `10`, `-9.5`, `1e3`.
pub(super) fn number(text: &str) -> Option<f64> {
    let only = |character: char| character.is_ascii_digit() || "+-.eE".contains(character);
    text.chars().all(only).then(|| text.parse().ok()).flatten()
}

/// A date in seconds since 1970: `2026-01-01T00:00:00Z`, `2026-01-01`, `2026-01`, `2026`, or the
/// seconds themselves.
pub(super) fn date(text: &str) -> Option<f64> {
    let midnight = |day: &str| {
        let day: jiff::civil::Date = day.parse().ok()?;
        let since: jiff::SignedDuration = day.duration_since(jiff::civil::date(1970, 1, 1));
        Some(since.as_secs() as f64)
    };
    // Four digits are a year, and not the first hours of 1970.
    let is_year = text.len() == 4;
    if let Some(seconds) =
        number(text).filter(|_| !is_year && !text.to_ascii_lowercase().contains('e'))
    {
        return Some(seconds);
    }
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        let milliseconds = moment.as_second() * 1000 + i64::from(moment.subsec_millisecond());
        return Some(milliseconds as f64 / 1000.0);
    }
    match text.len() {
        4 => midnight(&format!("{text}-01-01")),
        7 => midnight(&format!("{text}-01")),
        _ => midnight(text),
    }
}

/// Whether a text is an address or a network.
pub(super) fn is_network(text: &str) -> bool {
    let (start, length) = text.split_once('/').map_or((text, "0"), |halves| halves);
    let (start, length) = (address_bits(start), length.parse::<usize>().ok());
    start
        .zip(length)
        .is_some_and(|(start, length)| length <= start.len())
}

/// Whether an address is in a network: `203.0.113.0/24`, or one address.
pub(super) fn is_in_network(network: &str, address: &str) -> bool {
    let Some(address) = address_bits(address) else {
        return false;
    };
    let (start, length) = match network.split_once('/') {
        None => (network, None),
        Some((start, length)) => match length.parse::<usize>() {
            Ok(length) => (start, Some(length)),
            Err(_) => return false,
        },
    };
    let Some(start) = address_bits(start) else {
        return false;
    };
    let length = length.unwrap_or(start.len());
    // Addresses of the two families have different lengths and are never in each other's networks.
    start.len() == address.len() && length <= start.len() && start[..length] == address[..length]
}

/// Bits of an address from the first: 32 of IPv4, 128 of IPv6.
fn address_bits(text: &str) -> Option<Vec<bool>> {
    let bytes = match text.parse().ok()? {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    Some(
        bytes
            .iter()
            .flat_map(|byte| (0..8).rev().map(move |n| byte & (1 << n) != 0))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_and_segments() {
        for (pattern, text, is) in [
            ("a*c", "abbc", true),
            ("a?c", "ac", false),
            ("*", "", true),
            ("", "a", false),
        ] {
            assert_eq!(
                matches_wildcards(&glyphs(pattern), text),
                is,
                "{pattern} {text}"
            );
        }
        for (pattern, text, is) in [
            ("*", "anything", true),
            ("arn:aws:s3:::b/*", "arn:aws:s3:::b/a:b", true),
            ("arn:aws:*:b", "arn:aws:s3:::b", false),
        ] {
            assert_eq!(matches_arn(&glyphs(pattern), text), is, "{pattern} {text}");
        }
    }

    #[test]
    fn numbers_dates_and_networks() {
        assert_eq!(
            (number("10.5"), number("ten"), number("inf"), number("")),
            (Some(10.5), None, None, None)
        );
        for text in [
            "2026-01-01T00:00:00Z",
            "2026-01-01",
            "1767225600",
            "2026",
            "2026-01",
        ] {
            assert_eq!(date(text), Some(1_767_225_600.0), "{text}");
        }
        assert!(is_in_network("203.0.113.0/24", "203.0.113.9"));
        assert!(!is_in_network("203.0.113.0/24", "203.0.114.9"));
        assert!(is_in_network("0.0.0.0/0", "8.8.8.8") && !is_in_network("0.0.0.0/0", "::1"));
        assert!(is_in_network("2001:db8::/32", "2001:db8:1::1"));
    }

    #[test]
    fn variables_take_values_of_the_request() {
        let mut context = Context::default();
        context.set("aws:username", ContextValue::One("a*".to_owned()));
        let text = |pattern: &str, has_variables| match resolve(pattern, has_variables, &context) {
            Resolved::Text(glyphs) => Some(glyphs),
            Resolved::NoValue | Resolved::NotKnown => None,
        };
        assert_eq!(
            text("${aws:UserName}?", true),
            Some(vec![('a', false), ('*', false), ('?', true)])
        );
        assert_eq!(text("${*}", true), Some(vec![('*', false)]));
        assert_eq!(text("${t, 'x'}", true), Some(vec![('x', false)]));
        assert_eq!(text("${t}", true), None);
        assert_eq!(text("${t", true).map(|glyphs| glyphs.len()), Some(3));
        assert_eq!(text("${t}", false).map(|glyphs| glyphs.len()), Some(4));
    }
}
