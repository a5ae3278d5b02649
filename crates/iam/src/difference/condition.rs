//! Conditions that follow from others, and the values of a key that conditions can tell apart.

use std::collections::BTreeSet;

use crate::engine::{CompiledCondition, WantedValue};
use crate::pattern::{Pattern, Rest, rest_within};
use crate::request::{Context, ContextValue};
use crate::tri::Tri;
use crate::value::{Comparison, Order, SetOperator};

/// Whether a condition follows from one of others. False says nothing.
pub(super) fn implied(condition: &CompiledCondition, by: &[CompiledCondition]) -> bool {
    let Some(asked) = condition.operator else {
        return by.contains(condition);
    };
    by.iter()
        .filter(|other| other.key == condition.key)
        .any(|other| {
            let Some(given) = other.operator else {
                return false;
            };
            if asked.test == Comparison::Null {
                // A key that is compared is there.
                let is_there = given.test != Comparison::Null
                    && !given.negated
                    && !given.if_exists
                    && given.set != SetOperator::All;
                return other == condition
                    || is_there && condition.values.contains(&WantedValue::Absent(false));
            }
            let alike = is_alike(asked.test, given.test)
                && asked.negated == given.negated
                && asked.set == given.set;
            // With IfExists it holds without the key, too.
            alike
                && (asked.if_exists || !given.if_exists)
                && if asked.negated {
                    condition
                        .values
                        .iter()
                        .all(|v| other.values.iter().any(|w| is_covered(v, w)))
                } else {
                    other
                        .values
                        .iter()
                        .all(|v| condition.values.iter().any(|w| is_covered(v, w)))
                }
        })
}

/// Whether values of two tests can be compared.
fn is_alike(a: Comparison, b: Comparison) -> bool {
    match (a, b) {
        (Comparison::Equals | Comparison::Like, Comparison::Equals | Comparison::Like) => true,
        (Comparison::Number(_), Comparison::Number(_))
        | (Comparison::Date(_), Comparison::Date(_)) => true,
        _ => a == b,
    }
}

/// Whether one wanted value admits all that a narrower one does.
fn is_covered(narrow: &WantedValue, wide: &WantedValue) -> bool {
    match (wide, narrow) {
        (WantedValue::Like(wide), WantedValue::Like(narrow)) => wide.covers(narrow),
        (WantedValue::Like(wide), WantedValue::Text(narrow)) => wide.matches(narrow),
        (WantedValue::Net(wide), WantedValue::Net(narrow)) => wide.covers(narrow),
        (WantedValue::Number(wide, a), WantedValue::Number(narrow, b))
        | (WantedValue::Date(wide, a), WantedValue::Date(narrow, b)) => match (wide, narrow) {
            (Order::Less, Order::Less)
            | (Order::LessEqual, Order::Less | Order::LessEqual | Order::Equal) => b <= a,
            (Order::Less, Order::LessEqual | Order::Equal) => b < a,
            (Order::Greater, Order::Greater)
            | (Order::GreaterEqual, Order::Greater | Order::GreaterEqual | Order::Equal) => b >= a,
            (Order::Greater, Order::GreaterEqual | Order::Equal) => b > a,
            (Order::Equal, Order::Equal) => a == b,
            _ => false,
        },
        _ => wide == narrow,
    }
}

/// Values of a key that the conditions on it can tell apart.
pub(super) struct KeyStates {
    /// None: the request does not have it. Fewest words first.
    pub(super) list: Vec<Option<ContextValue>>,
    /// Whether every request is like one of these.
    pub(super) is_complete: bool,
}

/// Texts that regions of one key are represented by, at most.
const TEXTS_MAX: usize = 48;

/// Texts of which all sets are tried.
const SETS_OF_MAX: usize = 6;

/// A value that policies hardly name.
const OTHER: &str = "something else";

impl KeyStates {
    /// Of a key with conditions on it. `always`: every request has it. `is_variable`: policies put
    /// it into texts.
    pub(super) fn of(
        key: &str,
        conditions: &[&CompiledCondition],
        always: bool,
        is_variable: bool,
        work_left: &mut usize,
    ) -> Self {
        let (texts, mut is_complete) = texts(conditions, work_left);
        let mut list: Vec<Option<ContextValue>> = Vec::new();
        let mut seen: BTreeSet<(bool, Vec<Tri>)> = BTreeSet::new();
        let answers = |given: &Option<ContextValue>| -> Vec<Tri> {
            let mut context = Context::default();
            if let Some(given) = given {
                context.set(key, given.clone());
            }
            conditions.iter().map(|c| c.holds(&context)).collect()
        };
        let mut add = |given: Option<ContextValue>, list: &mut Vec<Option<ContextValue>>| {
            // A variable has a value, or it has none.
            if seen.insert((is_variable && given.is_some(), answers(&given))) {
                list.push(given);
                return true;
            }
            false
        };
        if !always {
            add(None, &mut list);
        }
        let mut told_apart = Vec::new();
        for text in texts {
            if add(Some(ContextValue::One(text.clone())), &mut list) {
                told_apart.push(text);
            }
        }
        if conditions
            .iter()
            .any(|c| c.operator.is_some_and(|o| o.set != SetOperator::None))
        {
            is_complete &= told_apart.len() <= SETS_OF_MAX;
            told_apart.truncate(SETS_OF_MAX);
            for set in 0..1u32 << told_apart.len() {
                let values = told_apart
                    .iter()
                    .enumerate()
                    .filter(|(n, _)| set >> n & 1 == 1)
                    .map(|(_, t)| t.clone())
                    .collect();
                add(Some(ContextValue::Many(values)), &mut list);
            }
        }
        is_complete &= !is_variable;
        Self { list, is_complete }
    }
}

/// A text for every set of values that the conditions tell apart, as far as that can be told.
fn texts(conditions: &[&CompiledCondition], work_left: &mut usize) -> (Vec<String>, bool) {
    let (mut patterns, mut numbers, mut nets): (Vec<Pattern>, Vec<f64>, Vec<String>) =
        (Vec::new(), Vec::new(), Vec::new());
    let (mut folded, mut is_template): (Vec<String>, bool) = (Vec::new(), false);
    let is_truth = conditions
        .iter()
        .any(|c| c.operator.is_some_and(|o| o.test == Comparison::Bool));
    for wanted in conditions.iter().flat_map(|c| &c.values) {
        match wanted {
            WantedValue::Text(text) => patterns.push(Pattern::exact(text)),
            WantedValue::Like(pattern) => patterns.push(pattern.clone()),
            WantedValue::Folded(text) => folded.push(text.clone()),
            WantedValue::Number(_, n) | WantedValue::Date(_, n) => numbers.push(*n),
            WantedValue::Net(net) => nets.extend(net.edges().into_iter().map(|ip| ip.to_string())),
            WantedValue::Template(..) => is_template = true,
            WantedValue::Absent(_) | WantedValue::Nothing => {}
        }
    }
    let kinds = [
        !patterns.is_empty(),
        !folded.is_empty(),
        !numbers.is_empty(),
        !nets.is_empty(),
    ];
    let mut is_complete = kinds.iter().filter(|k| **k).count() <= 1 && !is_template;
    let mut found: Vec<String> = Vec::new();
    if !patterns.is_empty() {
        let (texts, all) = regions(&patterns, work_left);
        is_complete &= all;
        found.extend(texts);
    }
    if is_truth {
        found.extend(["true".to_owned(), "false".to_owned()]);
    }
    found.extend(folded);
    if !numbers.is_empty() {
        numbers.sort_by(f64::total_cmp);
        numbers.dedup();
        let between = numbers
            .windows(2)
            .map(|pair| f64::midpoint(pair[0], pair[1]));
        let ends = [numbers[0] - 1.0, numbers[numbers.len() - 1] + 1.0];
        found.extend(
            between
                .chain(numbers.iter().copied())
                .chain(ends)
                .map(|n| format!("{n}")),
        );
    }
    if !nets.is_empty() {
        found.extend(nets);
        found.extend(["192.0.2.255", "0.0.0.0", "2001:db8::ffff", "::"].map(str::to_owned));
    }
    let is_text = !is_truth && kinds[2..] == [false, false];
    if is_text {
        found.push(OTHER.to_owned());
    }
    is_complete &= found.len() <= TEXTS_MAX;
    found.truncate(TEXTS_MAX);
    (found, is_complete)
}

/// A text in each part into which patterns cut all texts, and whether these are all parts.
fn regions(patterns: &[Pattern], work_left: &mut usize) -> (Vec<String>, bool) {
    let exact: Vec<String> = patterns.iter().filter_map(Pattern::as_exact).collect();
    if exact.len() == patterns.len() {
        let is_complete = exact.len() < TEXTS_MAX && !exact.iter().any(|t| t == OTHER);
        return (exact, is_complete);
    }
    let all = Pattern::text("*");
    let mut parts: Vec<(Vec<&Pattern>, Vec<&Pattern>, String)> =
        vec![(vec![&all], Vec::new(), OTHER.to_owned())];
    let mut is_complete = true;
    for (n, pattern) in patterns.iter().enumerate() {
        if patterns[..n].contains(pattern) {
            continue;
        }
        let mut next = Vec::new();
        for (from, without, text) in parts {
            let (mut inside, mut outside) = (from.clone(), without.clone());
            inside.push(pattern);
            outside.push(pattern);
            for (from, without, fits) in [
                (inside, without, pattern.matches(&text)),
                (from, outside, !pattern.matches(&text)),
            ] {
                if fits {
                    next.push((from, without, text.clone()));
                    continue;
                }
                match rest_within(&from, &without, work_left) {
                    Rest::Text(text) => next.push((from, without, text)),
                    Rest::Nothing => {}
                    Rest::TooLarge => is_complete = false,
                }
            }
        }
        is_complete &= next.len() <= TEXTS_MAX;
        next.truncate(TEXTS_MAX);
        parts = next;
    }
    (
        parts.into_iter().map(|(_, _, text)| text).collect(),
        is_complete,
    )
}
