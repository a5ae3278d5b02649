//! Which detections can match an event at all.
//!
//! A few fields take few values: source, name and error of the call, kind of identity, user agent. For each combination
//! of their values every detection is decided once, in logic of three values where all other fields are unknown: false
//! (never look again), true (a match without looking), or unknown (look at the event). So nothing is guessed from the
//! shape of a rule, and a value inside of a negated filter cannot hide an event.

use rsigma_eval::{CompiledDetection, CompiledDetectionItem, CompiledMatcher, CompiledRule, Event, EventValue, evaluate_rule};
use rsigma_parser::{ConditionExpr, Quantifier};
use std::collections::HashMap;

use super::load::Rules;
use super::rule::{Attempts, Callers};
use super::view::View;
use crate::trail::Caller;

/// Fields whose values a route is made of.
pub(super) const KNOWN: [&str; 6] = ["eventSource", "eventName", "errorCode", "userAgent", "userIdentity.type", "bartizan.caller"];

/// What is left to do for events with certain values in the [`KNOWN`] fields.
#[derive(Debug, Default)]
pub(super) struct Route {
    /// Detections that match.
    pub(super) sure: Box<[u32]>,
    /// Detections that may match.
    pub(super) maybe: Box<[u32]>,
}

impl Route {
    /// Decides every detection for the known fields of this event.
    pub(super) fn of(rules: &Rules, view: &View<'_>) -> Self {
        let failed = matches!(view.get_field("errorCode"), Some(EventValue::Str(_)));
        let (mut sure, mut maybe) = (Vec::new(), Vec::new());
        for (number, detection) in rules.detections.iter().enumerate() {
            let not_asked = detection.uses.is_empty();
            let other_caller = detection.callers == Callers::Principals && view.actor.caller == Caller::Service;
            let skipped = detection.attempts == Attempts::Skip && failed;
            if not_asked || other_caller || skipped {
                continue;
            }
            match (Known { view, all: false }).rule(&detection.compiled) {
                Some(true) => sure.push(number as u32),
                None => maybe.push(number as u32),
                Some(false) => {}
            }
        }
        Self { sure: sure.into(), maybe: maybe.into() }
    }
}

/// Whether a detection matches an event. The same as rsigma's `evaluate_rule`, without building its answer.
pub(super) fn matches(rule: &CompiledRule, view: &View<'_>) -> bool {
    Known { view, all: true }.rule(rule).unwrap_or_else(|| evaluate_rule(rule, view).is_some())
}

/// Evaluation in three values.
struct Known<'a> {
    view: &'a View<'a>,
    /// Every field is known; what stays unknown only rsigma can evaluate.
    all: bool,
}

impl Known<'_> {
    fn rule(&self, rule: &CompiledRule) -> Option<bool> {
        any(rule.conditions.iter().map(|c| self.condition(c, &rule.detections)))
    }

    fn condition(&self, condition: &ConditionExpr, detections: &HashMap<String, CompiledDetection>) -> Option<bool> {
        match condition {
            ConditionExpr::Identifier(name) => detections.get(name).map_or(Some(false), |d| self.detection(d)),
            ConditionExpr::And(inner) => all(inner.iter().map(|c| self.condition(c, detections))),
            ConditionExpr::Or(inner) => any(inner.iter().map(|c| self.condition(c, detections))),
            ConditionExpr::Not(inner) => self.condition(inner, detections).map(|b| !b),
            ConditionExpr::Selector { quantifier, pattern } => {
                let named = detections.iter().filter(|(name, _)| pattern.matches_detection_name(name));
                let mut verdicts = named.map(|(_, d)| self.detection(d));
                match quantifier {
                    Quantifier::Any => any(verdicts),
                    Quantifier::All => all(verdicts),
                    Quantifier::Count(wanted) => {
                        let (mut yes, mut unknown) = (0, 0);
                        verdicts.by_ref().for_each(|v| match v {
                            Some(true) => yes += 1,
                            None => unknown += 1,
                            Some(false) => {}
                        });
                        if yes >= *wanted {
                            Some(true)
                        } else if yes + unknown >= *wanted {
                            None
                        } else {
                            Some(false)
                        }
                    }
                }
            }
        }
    }

    fn detection(&self, detection: &CompiledDetection) -> Option<bool> {
        match detection {
            CompiledDetection::AllOf(items) => all(items.iter().map(|i| self.item(i))),
            CompiledDetection::AnyOf(inner) => any(inner.iter().map(|d| self.detection(d))),
            CompiledDetection::And(inner) => all(inner.iter().map(|d| self.detection(d))),
            CompiledDetection::Keywords(_) | CompiledDetection::ArrayMatch { .. } | CompiledDetection::Conditional { .. } => None,
        }
    }

    fn item(&self, item: &CompiledDetectionItem) -> Option<bool> {
        let field = item.field.as_deref()?;
        if !self.all && (!KNOWN.contains(&field) || refers(&item.matcher)) {
            return None;
        }
        let value = self.view.get_field(field);
        if let Some(wanted) = item.exists {
            return Some(value.is_some_and(|v| !v.is_null()) == wanted);
        }
        Some(match value {
            Some(value) => item.matcher.matches(&value, self.view),
            None => matches!(item.matcher, CompiledMatcher::Null),
        })
    }
}

/// Whether a matcher reads other fields than its own.
fn refers(matcher: &CompiledMatcher) -> bool {
    match matcher {
        CompiledMatcher::FieldRef { .. } | CompiledMatcher::Expand { .. } => true,
        CompiledMatcher::Not(inner) => refers(inner),
        CompiledMatcher::TimestampPart { inner, .. } => refers(inner),
        CompiledMatcher::AnyOf(inner) | CompiledMatcher::AllOf(inner) => inner.iter().any(refers),
        CompiledMatcher::CaseInsensitiveGroup { children, .. } => children.iter().any(refers),
        _ => false,
    }
}

fn all(mut verdicts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut answer = Some(true);
    while let Some(verdict) = verdicts.next() {
        match verdict {
            Some(false) => return Some(false),
            None => answer = None,
            Some(true) => {}
        }
    }
    answer
}

fn any(verdicts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    all(verdicts.map(|v| v.map(|b| !b))).map(|b| !b)
}
