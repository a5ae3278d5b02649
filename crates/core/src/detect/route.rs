//! Which detections can match an event at all.
//!
//! A few fields take few values: source, name, error and region of the call, user agent, sort of address; and then who
//! calls. For each combination of their values every detection is decided once, in logic of three values where all other fields are unknown: false
//! (never look again), true (a match without looking), or unknown (look at the event). So nothing is guessed from the
//! shape of a rule, and a value inside of a negated filter cannot hide an event.

use rsigma_eval::{CompiledDetection, CompiledDetectionItem, CompiledMatcher, CompiledRule, Event, EventValue, evaluate_rule};
use rsigma_parser::{ConditionExpr, Quantifier};
use std::collections::HashMap;

use super::load::Rules;
use super::rule::{Attempts, Callers};
use super::view::View;
use crate::trail::{Caller, Field};

/// What a field depends on. The less it is, the more events a verdict on it holds for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Depends {
    /// On source and name of the call.
    Api,
    /// On the few fields of [`ROUTE_FIELDS`] and the sort of the address.
    Route,
    /// On those and on who calls.
    Identity,
    /// On anything in the event.
    Event,
}

/// Fields of the record that take few values, and together say what kind of call it is.
pub(super) const ROUTE_FIELDS: [Field; 10] = [
    Field::EventSource,
    Field::EventName,
    Field::UserAgent,
    Field::ErrorCode,
    Field::ReadOnly,
    Field::AwsRegion,
    Field::RecipientAccountId,
    Field::EventCategory,
    Field::EventType,
    Field::VpcEndpointId,
];

impl Depends {
    /// What a field depends on; `places`: whether there is a database of places.
    pub(super) fn of(field: &str, places: bool) -> Self {
        match field {
            "eventSource" | "eventName" | "bartizan.api" => return Self::Api,
            "bartizan.country" | "bartizan.asn" if !places => return Self::Api,
            _ => {}
        }
        if Field::named(field.as_bytes()).is_some_and(|f| ROUTE_FIELDS.contains(&f)) {
            return Self::Route;
        }
        match field {
            "bartizan.address" | "bartizan.ua_family" => Self::Route,
            "bartizan.caller"
            | "bartizan.actor"
            | "bartizan.role"
            | "bartizan.session"
            | "bartizan.chained"
            | "bartizan.instance"
            | "bartizan.outside_account" => Self::Identity,
            _ if field == "userIdentity" || field.starts_with("userIdentity.") => Self::Identity,
            _ => Self::Event,
        }
    }
}

/// What is left to do for events of one route, or of one route and one identity.
#[derive(Debug, Default)]
pub(super) struct Route {
    /// Detections that match.
    pub(super) sure: Vec<u32>,
    /// Detections that may match.
    pub(super) maybe: Vec<u32>,
}

impl Route {
    /// Decides every detection for calls of this name.
    pub(super) fn of_api(rules: &Rules, view: &View<'_>) -> Self {
        let asked = rules.detections.iter().enumerate().filter(|(_, d)| !d.uses.is_empty());
        Self::decide(asked.map(|(n, _)| n as u32), rules, view, Depends::Api)
    }

    /// Decides what was left open, for the route of this event.
    pub(super) fn of_route(&self, rules: &Rules, view: &View<'_>) -> Self {
        let failed = matches!(view.get_field("errorCode"), Some(EventValue::Str(_)));
        let asked = |n: &&u32| !(failed && rules.detections[**n as usize].attempts == Attempts::Skip);
        let mut route = Self::decide(self.maybe.iter().filter(asked).copied(), rules, view, Depends::Route);
        route.sure.extend(self.sure.iter().filter(asked));
        route
    }

    /// Decides what was left open, now that it is known who calls.
    pub(super) fn refine(&self, rules: &Rules, view: &View<'_>) -> Self {
        let about = |n: &&u32| rules.detections[**n as usize].callers == Callers::Any || view.actor.caller == Caller::Principal;
        let mut refined = Self::decide(self.maybe.iter().filter(about).copied(), rules, view, Depends::Identity);
        refined.sure.extend(self.sure.iter().filter(about));
        refined.sure.sort_unstable();
        refined
    }

    fn decide(detections: impl Iterator<Item = u32>, rules: &Rules, view: &View<'_>, known: Depends) -> Self {
        let mut route = Self::default();
        for number in detections {
            match (Known { view, known }).rule(&rules.detections[number as usize].compiled) {
                Some(true) => route.sure.push(number),
                None => route.maybe.push(number),
                Some(false) => {}
            }
        }
        route
    }
}

/// Whether a detection matches an event. The same as rsigma's `evaluate_rule`, without building its answer.
pub(super) fn matches(rule: &CompiledRule, view: &View<'_>) -> bool {
    Known { view, known: Depends::Event }.rule(rule).unwrap_or_else(|| evaluate_rule(rule, view).is_some())
}

/// Evaluation in three values.
struct Known<'a> {
    view: &'a View<'a>,
    /// Fields that depend on no more than this are known. When all are, what stays unknown only rsigma can evaluate.
    known: Depends,
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
        if self.known < Depends::Event
            && (Depends::of(field, self.view.networks.has_places()) > self.known || refers(&item.matcher))
        {
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

fn all(verdicts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut answer = Some(true);
    for verdict in verdicts {
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
