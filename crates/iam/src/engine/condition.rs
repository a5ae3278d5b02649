//! Compiled conditions: operators and values worked out before a request is known.

use std::net::IpAddr;

use super::resource::{FilledTemplate, filled, letters};
use crate::pattern::Pattern;
use crate::policy::PolicyCondition;
use crate::request::{Context, ContextLookup, ContextValue};
use crate::tri::Tri;
use crate::value::{
    Cidr, Comparison, ConditionOperator, Order, SetOperator, TemplatePiece, date, number, pieces,
};

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CompiledCondition {
    /// As it reads aloud: `aws:SourceIp IpAddress 203.0.113.0/24`.
    pub(crate) text: String,
    /// In lower case.
    pub(crate) key: String,
    /// None: there is no such operator.
    pub(crate) operator: Option<ConditionOperator>,
    pub(crate) values: Vec<WantedValue>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum WantedValue {
    Text(String),
    Folded(String),
    Like(Pattern),
    Number(Order, f64),
    Date(Order, f64),
    Net(Cidr),
    Absent(bool),
    /// With variables.
    Template(Comparison, Vec<TemplatePiece>),
    /// Of a wrong type: matches nothing.
    Nothing,
}

impl CompiledCondition {
    pub(super) fn new(condition: &PolicyCondition, variables: bool) -> Self {
        let operator = ConditionOperator::parse(&condition.operator);
        let wanted = |value: &String| {
            let test = operator.map_or(Comparison::Null, |o| o.test);
            let pieces = pieces(value, variables);
            if test != Comparison::Null
                && pieces
                    .iter()
                    .any(|p| matches!(p, TemplatePiece::Variable(..)))
            {
                return WantedValue::Template(test, pieces);
            }
            WantedValue::new(test, letters(&pieces).map(|(l, _)| l).collect(), || {
                letters(&pieces).collect()
            })
        };
        let values = condition.values.iter().map(wanted).collect();
        let text = format!(
            "{} {} {}",
            condition.key,
            condition.operator,
            condition.values.join("|")
        );
        Self {
            text,
            key: condition.key.to_ascii_lowercase(),
            operator,
            values,
        }
    }

    /// Its key, and those that its values have as variables, in lower case.
    pub(crate) fn keys(&self) -> Vec<&str> {
        let mut keys = vec![self.key.as_str()];
        for wanted in &self.values {
            let WantedValue::Template(_, pieces) = wanted else {
                continue;
            };
            keys.extend(pieces.iter().filter_map(|piece| match piece {
                TemplatePiece::Variable(key, _) => Some(key.as_str()),
                TemplatePiece::Letter(..) => None,
            }));
        }
        keys
    }

    /// Whether it holds.
    pub(crate) fn holds(&self, context: &Context) -> Tri {
        let Some(operator) = self.operator else {
            return Tri::Maybe;
        };
        let known = context.get(&self.key);
        let given = match known {
            ContextLookup::Unknown => return Tri::Maybe,
            ContextLookup::Absent => None,
            ContextLookup::Is(given) => Some(given),
        };
        if operator.test == Comparison::Null {
            return Tri::from(self.values.contains(&WantedValue::Absent(given.is_none())));
        }
        let one = |value: &String| {
            let mut any = Tri::No;
            for wanted in &self.values {
                any = any.or(wanted.is(value, context));
                if any == Tri::Yes {
                    break;
                }
            }
            if operator.negated { any.not() } else { any }
        };
        let beginning = |prefix: &str| {
            let found = self
                .values
                .iter()
                .map(|w| w.may_be(operator.test, prefix, context));
            let any = found.fold(Tri::No, Tri::or);
            if operator.negated { any.not() } else { any }
        };
        match (given, operator.set) {
            (None, SetOperator::Any) => Tri::from(operator.if_exists),
            (None, SetOperator::All) => Tri::Yes,
            (None, SetOperator::None) => Tri::from(operator.if_exists || operator.negated),
            (Some(ContextValue::One(value)), _) => one(value),
            (Some(ContextValue::StartsWith(prefix)), _) => beginning(prefix),
            (Some(ContextValue::Many(values)), SetOperator::All) => {
                values.iter().fold(Tri::Yes, |v, value| v.and(one(value)))
            }
            (Some(ContextValue::Many(values)), SetOperator::Any) => {
                values.iter().fold(Tri::No, |v, value| v.or(one(value)))
            }
            (Some(ContextValue::Many(_)), SetOperator::None) => Tri::No,
        }
    }
}

impl WantedValue {
    fn new(test: Comparison, text: String, letters: impl FnOnce() -> Vec<(char, bool)>) -> Self {
        match test {
            Comparison::Equals | Comparison::Binary => Self::Text(text),
            Comparison::EqualsIgnoreCase | Comparison::Bool => Self::Folded(text.to_lowercase()),
            Comparison::Like => Self::Like(Pattern::text_of(letters().into_iter())),
            Comparison::Number(order) => {
                number(&text).map_or(Self::Nothing, |n| Self::Number(order, n))
            }
            Comparison::Date(order) => date(&text).map_or(Self::Nothing, |n| Self::Date(order, n)),
            Comparison::Ip => Cidr::parse(&text).map_or(Self::Nothing, Self::Net),
            Comparison::Arn if is_arn(&text) => Self::Like(Pattern::arn_of(letters().into_iter())),
            Comparison::Arn => Self::Nothing,
            Comparison::Null if text.eq_ignore_ascii_case("true") => Self::Absent(true),
            Comparison::Null if text.eq_ignore_ascii_case("false") => Self::Absent(false),
            Comparison::Null => Self::Nothing,
        }
    }

    /// Whether it is a value that begins with `prefix` and goes on in a way that nobody knows.
    fn may_be(&self, test: Comparison, prefix: &str, context: &Context) -> Tri {
        let begins = |text: &str, prefix: &str| {
            if text.len() > prefix.len() && text.starts_with(prefix) {
                Tri::Maybe
            } else {
                Tri::No
            }
        };
        match (test, self) {
            (_, Self::Nothing) => Tri::No,
            (_, Self::Template(test, pieces)) => match filled(pieces, context) {
                FilledTemplate::With(letters) => {
                    let text = letters.iter().map(|(l, _)| *l).collect();
                    Self::new(*test, text, || letters).may_be(*test, prefix, context)
                }
                FilledTemplate::Missing => Tri::No,
                FilledTemplate::Unknown => Tri::Maybe,
            },
            (_, Self::Text(text)) => begins(text, prefix),
            (_, Self::Folded(text)) => begins(text, &prefix.to_lowercase()),
            (Comparison::Like, Self::Like(pattern)) => {
                let known = prefix.chars().map(|letter| (letter, false));
                let all = Pattern::text_of(known.chain([('?', true), ('*', true)]));
                if pattern.covers(&all) {
                    Tri::Yes
                } else {
                    pattern.meets(&all).map_or(Tri::No, |_| Tri::Maybe)
                }
            }
            _ => Tri::Maybe,
        }
    }

    fn is(&self, value: &str, context: &Context) -> Tri {
        Tri::from(match self {
            Self::Text(text) => text == value,
            Self::Folded(text) => value.to_lowercase() == *text,
            Self::Like(pattern) => pattern.matches(value),
            Self::Number(order, wanted) => number(value).is_some_and(|n| order.holds(n, *wanted)),
            Self::Date(order, wanted) => date(value).is_some_and(|n| order.holds(n, *wanted)),
            Self::Net(net) => value.parse::<IpAddr>().is_ok_and(|ip| net.holds(ip)),
            Self::Absent(_) | Self::Nothing => false,
            Self::Template(test, pieces) => match filled(pieces, context) {
                FilledTemplate::With(letters) => {
                    let text = letters.iter().map(|(l, _)| *l).collect();
                    return Self::new(*test, text, || letters).is(value, context);
                }
                FilledTemplate::Missing => false,
                FilledTemplate::Unknown => return Tri::Maybe,
            },
        })
    }
}

fn is_arn(text: &str) -> bool {
    text.starts_with("arn:") && text.splitn(6, ':').count() == 6
}
