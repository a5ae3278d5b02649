//! What detections ask of events: conditions over items, where an item is a field and what its
//! value must be.
//!
//! Detections share their items: many rules ask the same of the same field, and an event answers
//! each question once.

use std::cell::Cell;
use std::collections::HashMap;

use rsigma_eval::{CompiledDetection, CompiledDetectionItem, CompiledMatcher, CompiledRule, Event};
use rsigma_parser::{ConditionExpr, Quantifier};

use super::dependency::{Dependency, reads};
use super::derive::is_never;
use super::derive::text::api;
use super::view::EventView;
use bartizan_trail::FieldSet;

/// A condition that an event meets, or does not.
#[derive(Debug)]
pub enum RuleCondition {
    /// Number of an item.
    Item(u32),
    /// Every one of these.
    All(Vec<RuleCondition>),
    /// At least so many of these.
    AtLeast(usize, Vec<RuleCondition>),
    /// Not this one.
    Not(Box<RuleCondition>),
    /// Something that only rsigma evaluates: key words, selectors of array elements.
    Opaque,
}

/// The items of all detections.
#[derive(Debug, Default)]
pub struct DetectionItems {
    items: Vec<DetectionItem>,
    numbers: HashMap<String, u32>,
}

#[derive(Debug)]
struct DetectionItem {
    field: String,
    item: CompiledDetectionItem,
    /// What the field depends on, without a database of places and with one.
    depends: [Dependency; 2],
    /// Fields of the record that its answer follows from.
    reads: FieldSet,
}

/// What one event answered, by item.
#[derive(Debug, Default)]
pub(super) struct ItemAnswers {
    /// Number of the event, and the answer as the lowest bit. Older numbers say nothing.
    answers: Vec<Cell<u64>>,
    event: u64,
}

impl ItemAnswers {
    /// Forgets everything: there is another event.
    pub(super) fn next(&mut self, items: &DetectionItems) {
        self.answers.resize(items.items.len(), Cell::new(0));
        self.event += 1;
    }
}

impl DetectionItems {
    /// The condition of a rule, with its items among the others.
    pub(super) fn condition(&mut self, rule: &CompiledRule) -> RuleCondition {
        RuleCondition::AtLeast(
            1,
            rule.conditions
                .iter()
                .map(|c| self.expression(c, &rule.detections))
                .collect(),
        )
    }

    fn expression(
        &mut self,
        condition: &ConditionExpr,
        detections: &HashMap<String, CompiledDetection>,
    ) -> RuleCondition {
        match condition {
            ConditionExpr::Identifier(name) => detections
                .get(name)
                .map_or(RuleCondition::AtLeast(1, Vec::new()), |d| self.detection(d)),
            ConditionExpr::And(inner) => RuleCondition::All(
                inner
                    .iter()
                    .map(|c| self.expression(c, detections))
                    .collect(),
            ),
            ConditionExpr::Or(inner) => RuleCondition::AtLeast(
                1,
                inner
                    .iter()
                    .map(|c| self.expression(c, detections))
                    .collect(),
            ),
            ConditionExpr::Not(inner) => {
                RuleCondition::Not(Box::new(self.expression(inner, detections)))
            }
            ConditionExpr::Selector {
                quantifier,
                pattern,
            } => {
                let mut named: Vec<_> = detections
                    .iter()
                    .filter(|(name, _)| pattern.matches_detection_name(name))
                    .collect();
                named.sort_by_key(|(name, _)| *name);
                let inner = named.into_iter().map(|(_, d)| self.detection(d)).collect();
                match quantifier {
                    Quantifier::Any => RuleCondition::AtLeast(1, inner),
                    Quantifier::All => RuleCondition::All(inner),
                    Quantifier::Count(wanted) => RuleCondition::AtLeast(*wanted as usize, inner),
                }
            }
        }
    }

    fn detection(&mut self, detection: &CompiledDetection) -> RuleCondition {
        match detection {
            CompiledDetection::AllOf(items) => {
                RuleCondition::All(items.iter().map(|i| self.item(i)).collect())
            }
            CompiledDetection::AnyOf(inner) => {
                RuleCondition::AtLeast(1, inner.iter().map(|d| self.detection(d)).collect())
            }
            CompiledDetection::And(inner) => {
                RuleCondition::All(inner.iter().map(|d| self.detection(d)).collect())
            }
            CompiledDetection::Keywords(_)
            | CompiledDetection::ArrayMatch { .. }
            | CompiledDetection::Conditional { .. } => RuleCondition::Opaque,
        }
    }

    fn item(&mut self, item: &CompiledDetectionItem) -> RuleCondition {
        let Some(field) = &item.field else {
            return RuleCondition::Opaque;
        };
        let text = is_all_in_its_text(&item.matcher).then(|| format!("{item:?}"));
        if let Some(number) = text.as_ref().and_then(|t| self.numbers.get(t)) {
            return RuleCondition::Item(*number);
        }
        let number = self.items.len() as u32;
        let refers = refers(&item.matcher);
        let depends = [false, true].map(|places| {
            if refers {
                Dependency::Event
            } else {
                Dependency::of(field, places)
            }
        });
        let reads = if refers { FieldSet::ALL } else { reads(field) };
        self.items.push(DetectionItem {
            field: field.clone(),
            item: item.clone(),
            depends,
            reads,
        });
        self.numbers.extend(text.map(|t| (t, number)));
        RuleCondition::Item(number)
    }

    /// The fields of a record that a condition follows from.
    pub(super) fn reads(&self, condition: &RuleCondition) -> FieldSet {
        match condition {
            RuleCondition::Item(number) => self.items[*number as usize].reads,
            RuleCondition::Not(inner) => self.reads(inner),
            RuleCondition::All(inner) | RuleCondition::AtLeast(_, inner) => inner
                .iter()
                .fold(FieldSet::NONE, |fields, one| fields.with(self.reads(one))),
            RuleCondition::Opaque => FieldSet::ALL,
        }
    }

    /// Whether a condition holds, as far as that follows from fields that depend on no more than
    /// `known`. When all fields are known, what stays undecided only rsigma can evaluate.
    pub(super) fn holds(
        &self,
        condition: &RuleCondition,
        view: &EventView<'_>,
        known: Dependency,
        answers: &ItemAnswers,
    ) -> Option<bool> {
        match condition {
            RuleCondition::Item(number) => self.answer(*number as usize, view, known, answers),
            RuleCondition::Not(inner) => self.holds(inner, view, known, answers).map(|b| !b),
            RuleCondition::All(inner) => {
                let mut verdict = Some(true);
                for one in inner {
                    match self.holds(one, view, known, answers) {
                        Some(true) => {}
                        None => verdict = None,
                        Some(false) => return Some(false),
                    }
                }
                verdict
            }
            RuleCondition::AtLeast(wanted, inner) => {
                let (mut yes, mut open) = (0, 0);
                for one in inner {
                    match self.holds(one, view, known, answers) {
                        Some(true) => yes += 1,
                        None => open += 1,
                        Some(false) => {}
                    }
                    if yes >= *wanted {
                        return Some(true);
                    }
                }
                if yes >= *wanted {
                    Some(true)
                } else if yes + open >= *wanted {
                    None
                } else {
                    Some(false)
                }
            }
            RuleCondition::Opaque => None,
        }
    }

    fn answer(
        &self,
        number: usize,
        view: &EventView<'_>,
        known: Dependency,
        answers: &ItemAnswers,
    ) -> Option<bool> {
        let DetectionItem {
            field,
            item,
            depends,
            ..
        } = &self.items[number];
        let open = depends[usize::from(view.networks.has_places())] > known;
        // What no record of such a call can have need not be looked for in each of them.
        if open && !(field.starts_with("bartizan.") && is_never(field, &api(view.event))) {
            return None;
        }
        let cell = &answers.answers[number];
        if cell.get() >> 1 == answers.event {
            return Some(cell.get() & 1 == 1);
        }
        let value = view.get_field(field);
        let answer = match (item.exists, value) {
            (Some(wanted), value) => value.is_some_and(|v| !v.is_null()) == wanted,
            (None, Some(value)) => item.matcher.matches(&value, view),
            (None, None) => matches!(item.matcher, CompiledMatcher::Null),
        };
        cell.set(answers.event << 1 | u64::from(answer));
        Some(answer)
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

/// Whether matchers with the same text are the same. Compiled patterns may have more to them than
/// they print.
fn is_all_in_its_text(matcher: &CompiledMatcher) -> bool {
    match matcher {
        CompiledMatcher::Regex(_)
        | CompiledMatcher::RegexSetMatch { .. }
        | CompiledMatcher::AhoCorasickSet { .. } => false,
        CompiledMatcher::Not(inner) => is_all_in_its_text(inner),
        CompiledMatcher::TimestampPart { inner, .. } => is_all_in_its_text(inner),
        CompiledMatcher::AnyOf(inner) | CompiledMatcher::AllOf(inner) => {
            inner.iter().all(is_all_in_its_text)
        }
        CompiledMatcher::CaseInsensitiveGroup { children, .. } => {
            children.iter().all(is_all_in_its_text)
        }
        _ => true,
    }
}
