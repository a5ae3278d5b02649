//! Operators and values of conditions, as the engine reads them.
//!
//! Source:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>.

use std::net::IpAddr;

/// Comparison that an operator makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equals,
    EqualsIgnoreCase,
    Like,
    Number(Order),
    Date(Order),
    Bool,
    Binary,
    Ip,
    Arn,
    Null,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Equal,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl Order {
    pub(crate) fn holds<T: PartialOrd>(self, a: T, b: T) -> bool {
        match self {
            Self::Equal => a == b,
            Self::Less => a < b,
            Self::LessEqual => a <= b,
            Self::Greater => a > b,
            Self::GreaterEqual => a >= b,
        }
    }
}

/// How an operator treats keys with several values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SetOperator {
    None,
    All,
    Any,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConditionOperator {
    pub(crate) set: SetOperator,
    pub(crate) test: Comparison,
    pub(crate) negated: bool,
    pub(crate) if_exists: bool,
}

const OPERATORS: &[(&str, Comparison, bool)] = &[
    ("stringequals", Comparison::Equals, false),
    ("stringnotequals", Comparison::Equals, true),
    (
        "stringequalsignorecase",
        Comparison::EqualsIgnoreCase,
        false,
    ),
    (
        "stringnotequalsignorecase",
        Comparison::EqualsIgnoreCase,
        true,
    ),
    ("stringlike", Comparison::Like, false),
    ("stringnotlike", Comparison::Like, true),
    ("numericequals", Comparison::Number(Order::Equal), false),
    ("numericnotequals", Comparison::Number(Order::Equal), true),
    ("numericlessthan", Comparison::Number(Order::Less), false),
    (
        "numericlessthanequals",
        Comparison::Number(Order::LessEqual),
        false,
    ),
    (
        "numericgreaterthan",
        Comparison::Number(Order::Greater),
        false,
    ),
    (
        "numericgreaterthanequals",
        Comparison::Number(Order::GreaterEqual),
        false,
    ),
    ("dateequals", Comparison::Date(Order::Equal), false),
    ("datenotequals", Comparison::Date(Order::Equal), true),
    ("datelessthan", Comparison::Date(Order::Less), false),
    (
        "datelessthanequals",
        Comparison::Date(Order::LessEqual),
        false,
    ),
    ("dategreaterthan", Comparison::Date(Order::Greater), false),
    (
        "dategreaterthanequals",
        Comparison::Date(Order::GreaterEqual),
        false,
    ),
    ("bool", Comparison::Bool, false),
    ("binaryequals", Comparison::Binary, false),
    ("ipaddress", Comparison::Ip, false),
    ("notipaddress", Comparison::Ip, true),
    ("arnequals", Comparison::Arn, false),
    ("arnlike", Comparison::Arn, false),
    ("arnnotequals", Comparison::Arn, true),
    ("arnnotlike", Comparison::Arn, true),
    ("null", Comparison::Null, false),
];

impl ConditionOperator {
    /// Reads the name of an operator, in any case; none when there is no such.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let lower = text.to_ascii_lowercase();
        let (set, rest) = match lower.split_once(':') {
            Some(("forallvalues", rest)) => (SetOperator::All, rest),
            Some(("foranyvalue", rest)) => (SetOperator::Any, rest),
            Some(_) => return None,
            None => (SetOperator::None, lower.as_str()),
        };
        let (name, if_exists) = rest
            .strip_suffix("ifexists")
            .map_or((rest, false), |name| (name, true));
        let (_, test, negated) = OPERATORS.iter().find(|(n, ..)| *n == name)?;
        if *test == Comparison::Null && (if_exists || set != SetOperator::None) {
            return None;
        }
        Some(Self {
            set,
            test: *test,
            negated: *negated,
            if_exists,
        })
    }
}

pub(crate) fn number(text: &str) -> Option<f64> {
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    if plain { text.parse().ok() } else { None }
}

/// Seconds since 1970 of a W3C date (`2026-01-01T00:00:00Z`, `2026-01-01`) or of a number of
/// seconds.
pub(crate) fn date(text: &str) -> Option<f64> {
    if let Some(seconds) = number(text).filter(|_| !text.contains(['e', 'E'])) {
        // A bare year is a date of that form, too.
        if text.len() != 4 {
            return Some(seconds);
        }
    }
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(time.as_millisecond() as f64 / 1000.0);
    }
    let day = match text.len() {
        4 => format!("{text}-01-01"),
        7 => format!("{text}-01"),
        _ => text.to_owned(),
    };
    let day: jiff::civil::Date = day.parse().ok()?;
    Some(
        day.to_zoned(jiff::tz::TimeZone::UTC)
            .ok()?
            .timestamp()
            .as_second() as f64,
    )
}

/// Range of addresses, e.g. `203.0.113.0/24`. The free bits of the address do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cidr {
    address: IpAddr,
    bits: u32,
}

impl Cidr {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        (bits <= most).then_some(Self { address, bits })
    }

    /// Its first and last address as numbers of its family.
    pub(crate) fn range(&self) -> (u128, u128) {
        let (bits, most) = match self.address {
            IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
            IpAddr::V6(address) => (address.to_bits(), 128),
        };
        let free = if most == self.bits {
            0
        } else {
            u128::MAX >> (128 - (most - self.bits))
        };
        (bits & !free, bits | free)
    }

    /// Its first address.
    pub(crate) fn first(&self) -> IpAddr {
        self.address
    }

    /// Addresses where a comparison with other ranges may change: the first, the last, and those
    /// beside.
    pub(crate) fn edges(&self) -> Vec<IpAddr> {
        let (first, last) = self.range();
        let bits = [
            Some(first),
            Some(last),
            first.checked_sub(1),
            last.checked_add(1),
        ]
        .into_iter()
        .flatten();
        match self.address {
            IpAddr::V4(_) => bits
                .filter_map(|b| Some(std::net::Ipv4Addr::from_bits(u32::try_from(b).ok()?).into()))
                .collect(),
            IpAddr::V6(_) => bits
                .map(|b| std::net::Ipv6Addr::from_bits(b).into())
                .collect(),
        }
    }

    /// Whether every address of the other is in it.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        self.bits <= other.bits && self.holds(other.address)
    }

    pub(crate) fn holds(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                self.bits == 0 || (a.to_bits() ^ b.to_bits()) >> (32 - self.bits) == 0
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => {
                self.bits == 0 || (a.to_bits() ^ b.to_bits()) >> (128 - self.bits) == 0
            }
            _ => false,
        }
    }
}

/// Piece of a text with policy variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TemplatePiece {
    /// A character, and whether `*` and `?` are wildcards here.
    Letter(char, bool),
    /// `${key}` or `${key, 'default'}`: key in lower case.
    Variable(String, Option<String>),
}

/// Takes a text apart. `variables`: the policy has version 2012-10-17; in older ones `${…}` is
/// plain text (IAM user guide, "IAM policy elements: variables and tags").
pub(crate) fn pieces(text: &str, variables: bool) -> Vec<TemplatePiece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        if variables
            && let Some(inner) = rest.strip_prefix("${")
            && let Some(end) = inner.find('}')
        {
            let (body, after) = (&inner[..end], &inner[end + 1..]);
            pieces.push(match body {
                "*" | "?" | "$" => TemplatePiece::Letter(body.chars().next().unwrap_or('$'), false),
                _ => {
                    let (key, default) = body
                        .split_once(',')
                        .map_or((body, None), |(k, d)| (k, Some(d.trim())));
                    let default = default.and_then(|d| d.strip_prefix('\'')?.strip_suffix('\''));
                    TemplatePiece::Variable(
                        key.trim().to_ascii_lowercase(),
                        default.map(str::to_owned),
                    )
                }
            });
            rest = after;
            continue;
        }
        pieces.push(TemplatePiece::Letter(letter, true));
        rest = &rest[letter.len_utf8()..];
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_are_read() {
        let operator = ConditionOperator::parse("ForAllValues:StringNotLikeIfExists").unwrap();
        assert_eq!(
            operator,
            ConditionOperator {
                set: SetOperator::All,
                test: Comparison::Like,
                negated: true,
                if_exists: true
            }
        );
        for bad in [
            "StringEqual",
            "ForSome:Bool",
            "NullIfExists",
            "ForAnyValue:Null",
            "",
            "IfExists",
        ] {
            assert_eq!(ConditionOperator::parse(bad), None, "{bad}");
        }
        assert_eq!(OPERATORS.len(), 27);
    }

    #[test]
    fn values_are_read() {
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
            "2026-01-01T01:00:00+01:00",
        ] {
            assert_eq!(date(text), Some(1_767_225_600.0), "{text}");
        }
        assert_eq!(date("yesterday"), None);
        let net = Cidr::parse("203.0.113.0/24").unwrap();
        assert!(
            net.holds("203.0.113.9".parse().unwrap()) && !net.holds("203.0.114.9".parse().unwrap())
        );
        assert!(
            Cidr::parse("2001:db8::/32")
                .unwrap()
                .holds("2001:db8:1::1".parse().unwrap())
        );
        assert!(
            Cidr::parse("0.0.0.0/0")
                .unwrap()
                .holds("8.8.8.8".parse().unwrap())
        );
        assert_eq!(
            (Cidr::parse("1.2.3.4/33"), Cidr::parse("a/8")),
            (None, None)
        );
    }

    #[test]
    fn variables_are_found_where_the_version_knows_them() {
        let text = |p: &[TemplatePiece]| {
            p.iter()
                .map(|p| match p {
                    TemplatePiece::Letter(l, true) => l.to_string(),
                    TemplatePiece::Letter(l, false) => format!("\\{l}"),
                    TemplatePiece::Variable(k, d) => format!(
                        "<{k}{}>",
                        d.as_deref().map(|d| format!("={d}")).unwrap_or_default()
                    ),
                })
                .collect::<String>()
        };
        assert_eq!(
            text(&pieces("a/${aws:UserName}/${*}*", true)),
            "a/<aws:username>/\\**"
        );
        assert_eq!(
            text(&pieces("${aws:PrincipalTag/team, 'none'}", true)),
            "<aws:principaltag/team=none>"
        );
        assert_eq!(text(&pieces("${aws:username}", false)), "${aws:username}");
        assert_eq!(text(&pieces("${aws:username", true)), "${aws:username");
    }
}
