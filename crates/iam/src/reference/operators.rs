//! Condition operators, name by name.
//!
//! Sources: IAM user guide, "Condition operators" (each operator, `...IfExists`, Null) and
//! "Single-valued vs. multivalued context keys" (`ForAllValues`, `ForAnyValue`).

use super::truth::{self, Truth};
use super::values::{
    Glyph, Resolved, date, is_in_network, is_network, matches_arn, matches_wildcards, number,
    plain, resolve,
};
use crate::policy::PolicyCondition;
use crate::request::{Context, ContextLookup, ContextValue};

/// Operators that say "not", and those that they are the opposite of.
const OPPOSITES: &[(&str, &str)] = &[
    ("stringnotequals", "stringequals"),
    ("stringnotequalsignorecase", "stringequalsignorecase"),
    ("stringnotlike", "stringlike"),
    ("numericnotequals", "numericequals"),
    ("datenotequals", "dateequals"),
    ("notipaddress", "ipaddress"),
    ("arnnotequals", "arnequals"),
    ("arnnotlike", "arnlike"),
];

/// An operator as it is written, taken apart: `ForAnyValue:StringNotLikeIfExists`.
pub(super) struct ParsedOperator {
    /// `ForAllValues:` before it.
    pub(super) for_all: bool,
    /// `ForAnyValue:` before it.
    pub(super) for_any: bool,
    /// `IfExists` behind it.
    pub(super) if_exists: bool,
    /// It is the opposite of `base`.
    pub(super) is_not: bool,
    /// In lower case, without "not": `stringlike`.
    pub(super) base: String,
}

impl ParsedOperator {
    /// None: AWS has no such operator.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut name = text.to_ascii_lowercase();
        let for_all = name.starts_with("forallvalues:");
        let for_any = name.starts_with("foranyvalue:");
        if for_all || for_any {
            name = name.split_once(':').map(|(_, rest)| rest.to_owned())?;
        }
        let if_exists = name.ends_with("ifexists");
        if if_exists {
            name.truncate(name.len() - "ifexists".len());
        }
        let opposite = OPPOSITES.iter().find(|(not, _)| *not == name);
        let base = opposite.map_or(name.clone(), |(_, base)| (*base).to_owned());
        // Null asks for presence, so it has neither a prefix nor a suffix.
        let is_known = if base == "null" {
            !for_all && !for_any && !if_exists
        } else {
            compare(&base, &[], "").is_some()
        };
        is_known.then_some(Self {
            for_all,
            for_any,
            if_exists,
            is_not: opposite.is_some(),
            base,
        })
    }
}

/// Whether one value of the request is as one value of the policy asks; none: there is no such
/// operator.
fn compare(base: &str, wanted: &[Glyph], given: &str) -> Option<bool> {
    let text = plain(wanted);
    let numbers = number(given).zip(number(&text));
    let dates = date(given).zip(date(&text));
    Some(match base {
        "stringequals" | "binaryequals" => given == text,
        "stringequalsignorecase" | "bool" => given.to_lowercase() == text.to_lowercase(),
        "stringlike" => matches_wildcards(wanted, given),
        "numericequals" => numbers.is_some_and(|(a, b)| a == b),
        "numericlessthan" => numbers.is_some_and(|(a, b)| a < b),
        "numericlessthanequals" => numbers.is_some_and(|(a, b)| a <= b),
        "numericgreaterthan" => numbers.is_some_and(|(a, b)| a > b),
        "numericgreaterthanequals" => numbers.is_some_and(|(a, b)| a >= b),
        "dateequals" => dates.is_some_and(|(a, b)| a == b),
        "datelessthan" => dates.is_some_and(|(a, b)| a < b),
        "datelessthanequals" => dates.is_some_and(|(a, b)| a <= b),
        "dategreaterthan" => dates.is_some_and(|(a, b)| a > b),
        "dategreaterthanequals" => dates.is_some_and(|(a, b)| a >= b),
        "ipaddress" => is_in_network(&text, given),
        "arnequals" | "arnlike" => is_arn(&text) && is_arn(given) && matches_arn(wanted, given),
        _ => return None,
    })
}

/// Whether a value of which only the beginning is known is as one value of the policy asks.
fn compare_beginning(base: &str, wanted: &[Glyph], prefix: &str) -> Truth {
    let text = plain(wanted);
    // It has at least one more character.
    let continues = |text: &str, prefix: &str| match text.strip_prefix(prefix) {
        Some(rest) if !rest.is_empty() => None,
        _ => Some(false),
    };
    match base {
        "stringequals" | "binaryequals" => continues(&text, prefix),
        "stringequalsignorecase" | "bool" => {
            continues(&text.to_lowercase(), &prefix.to_lowercase())
        }
        "stringlike" => continue_wildcards(wanted, prefix),
        "arnequals" | "arnlike" if !is_arn(&text) => Some(false),
        "ipaddress" if !is_network(&text) => Some(false),
        _ if base.starts_with("numeric") && number(&text).is_none() => Some(false),
        _ if base.starts_with("date") && date(&text).is_none() => Some(false),
        _ => None,
    }
}

/// Whether a pattern matches every text, or none, that begins with `prefix` and goes on.
fn continue_wildcards(pattern: &[Glyph], prefix: &str) -> Truth {
    // What is left of the pattern behind the prefix, each way that it can be read.
    let rests = (0..=pattern.len()).filter(|n| matches_wildcards(&pattern[..*n], prefix));
    let mut is_possible = false;
    for n in rests {
        // A star that ends before the rest can go on.
        let starts = if n > 0 && pattern[n - 1] == ('*', true) {
            n - 1
        } else {
            n
        };
        let rest = &pattern[starts..];
        let is_star = |glyph: &Glyph| *glyph == ('*', true);
        let singles = rest.iter().filter(|glyph| **glyph == ('?', true)).count();
        let is_free = rest.iter().all(|glyph| glyph.1);
        if is_free && rest.iter().any(is_star) && singles <= 1 {
            return Some(true);
        }
        is_possible |= !rest.is_empty();
    }
    if is_possible { None } else { Some(false) }
}

fn is_arn(text: &str) -> bool {
    super::values::arn(text).is_some()
}

/// Whether a condition holds for a request.
pub(super) fn holds(condition: &PolicyCondition, context: &Context, has_variables: bool) -> Truth {
    let operator = ParsedOperator::read(&condition.operator)?;
    let given = match context.get(&condition.key.to_ascii_lowercase()) {
        ContextLookup::Unknown => return None,
        ContextLookup::Absent => None,
        ContextLookup::Is(given) => Some(given),
    };
    if operator.base == "null" {
        let word = if given.is_none() { "true" } else { "false" };
        return Some(
            condition
                .values
                .iter()
                .any(|wanted| wanted.eq_ignore_ascii_case(word)),
        );
    }
    let one =
        |value: &String| {
            let found = condition.values.iter().map(|wanted| {
                match resolve(wanted, has_variables, context) {
                    Resolved::Text(glyphs) => compare(&operator.base, &glyphs, value),
                    Resolved::NoValue => Some(false),
                    Resolved::NotKnown => None,
                }
            });
            let found = truth::any(found);
            if operator.is_not {
                truth::not(found)
            } else {
                found
            }
        };
    match given {
        // Nothing of all is something that holds for all; of nothing, nothing holds for any.
        None if operator.if_exists || operator.for_all => Some(true),
        None if operator.for_any => Some(false),
        None => Some(operator.is_not),
        Some(ContextValue::One(value)) => one(value),
        Some(ContextValue::StartsWith(prefix)) => {
            let found = condition.values.iter().map(|wanted| {
                match resolve(wanted, has_variables, context) {
                    Resolved::Text(wanted) => compare_beginning(&operator.base, &wanted, prefix),
                    Resolved::NoValue => Some(false),
                    Resolved::NotKnown => None,
                }
            });
            let any = truth::any(found);
            if operator.is_not {
                truth::not(any)
            } else {
                any
            }
        }
        Some(ContextValue::Many(values)) if operator.for_all => truth::all(values.iter().map(one)),
        Some(ContextValue::Many(values)) if operator.for_any => truth::any(values.iter().map(one)),
        // An operator on one value makes nothing of a key with several.
        Some(ContextValue::Many(_)) => Some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_are_taken_apart() {
        let operator = ParsedOperator::read("ForAllValues:StringNotLikeIfExists").unwrap();
        assert!(operator.for_all && !operator.for_any && operator.if_exists && operator.is_not);
        assert_eq!(operator.base, "stringlike");
        for bad in [
            "StringEqual",
            "ForSome:Bool",
            "NullIfExists",
            "ForAnyValue:Null",
            "",
            "IfExists",
        ] {
            assert!(ParsedOperator::read(bad).is_none(), "{bad}");
        }
    }
}
