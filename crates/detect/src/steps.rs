//! What is to be done for an event of which rules look at more than who calls what from where:
//! worked out once for all events that repeat it.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::sync::Arc;

use super::keys::{first_seen_text, group_text, keys, values};
use super::rule::{AttemptPolicy, Detection, RuleKind, WindowRule};
use super::scan_plan::ScanPlan;
use super::shared_text::{NotedSightings, SharedTexts, WindowGroupRef};
use super::touched::{TouchedResources, touched};
use super::view::EventView;
use crate::call::CallContext;
use crate::work::CallThings;
use bartizan_model::Severity;
use bartizan_trail::{Event, FieldSet, RecordTemplate};

/// What is to be done for an event.
pub(super) struct EventSteps {
    pub(super) list: Vec<EventStep>,
    /// What must be asked of each event.
    pub(super) open: Vec<UndecidedRule>,
    /// Who does what, and what it is done to if a step tells that.
    pub(super) context: Arc<CallContext>,
    /// What it makes or takes away.
    pub(super) acted: Option<Arc<CallThings>>,
}

/// Something that is to be done.
pub(super) enum EventStep {
    /// It is a finding.
    Single(SingleMatch),
    /// It is noted for a rule with a window.
    Seen {
        group: Rc<WindowGroupRef>,
        part: u32,
        value: u64,
        /// [`super::window_event::WindowEvent::tried`].
        tried: bool,
        /// [`super::rule::WindowRule::bucket_s`].
        bucket_s: Option<i64>,
        /// The notes that there are of it.
        noted: Cell<NotedSightings>,
        /// Whether it is told what was done to what.
        closely: bool,
    },
    /// It has a first-seen key.
    Key {
        rule: u32,
        scope: u64,
        key: u64,
        text: Arc<str>,
    },
}

/// A match of a rule on single events.
pub(super) struct SingleMatch {
    pub(super) rule: u32,
    pub(super) attempt: bool,
    /// Number of the object, day, and where in the notes of that object its matches stand.
    pub(super) place: Cell<(u64, i64, usize)>,
}

/// What hangs on where events differ.
pub(super) enum UndecidedRule {
    /// Whether a detection matches.
    Match(u32),
    /// What a rule asks for, by rule and part, of a detection that matches.
    Use(u32, (usize, usize)),
}

impl EventSteps {
    /// Nothing yet.
    pub(super) fn new(context: &Arc<CallContext>) -> Self {
        Self {
            list: Vec::new(),
            open: Vec::new(),
            context: context.clone(),
            acted: None,
        }
    }

    /// Adds what rules want that ask for a detection, which matches. Events differ in `varying`.
    pub(super) fn add_uses(
        &mut self,
        plan: &ScanPlan,
        number: u32,
        uses: &[(usize, usize)],
        view: &EventView<'_>,
        varying: FieldSet,
        shared: &mut SharedTexts,
    ) {
        let detection = &plan.rules.detections[number as usize];
        for &(rule, part) in uses {
            let about = &plan.rules.rules[rule];
            let varies = match &about.kind {
                RuleKind::Part | RuleKind::Single => false,
                RuleKind::Window(window) => window.reads(part).meets(varying),
                RuleKind::FirstSeen(first_seen) => first_seen.reads().meets(varying),
            };
            if varies {
                self.open.push(UndecidedRule::Use(number, (rule, part)));
                continue;
            }
            let rule = rule as u32;
            let step = match &about.kind {
                RuleKind::Part => continue,
                RuleKind::Single => EventStep::Single(SingleMatch {
                    rule,
                    attempt: is_attempt(detection, view),
                    place: Cell::default(),
                }),
                RuleKind::Window(window) => {
                    let group = shared.group(rule, &group_text(&window.group_by[part], view));
                    let seen = |value| EventStep::Seen {
                        group: group.clone(),
                        part: part as u32,
                        value,
                        tried: is_attempt(detection, view),
                        bucket_s: window.bucket_s(),
                        noted: Cell::default(),
                        closely: about.severity >= Severity::Medium
                            || window.bucket_s().is_none()
                            || counts_things(window),
                    };
                    self.list
                        .extend(values(&window.test, view).into_iter().map(seen));
                    continue;
                }
                RuleKind::FirstSeen(first_seen) => {
                    let (scope, key) = keys(&plan.memory, &about.id, part, first_seen, view);
                    EventStep::Key {
                        rule,
                        scope,
                        key,
                        text: first_seen_text(first_seen, view),
                    }
                }
            };
            self.list.push(step);
        }
    }

    /// Works out what is done to what, if anybody may tell it.
    pub(super) fn name_resources(&mut self, view: &EventView<'_>) {
        let tells = |step: &EventStep| {
            matches!(
                step,
                EventStep::Single(_)
                    | EventStep::Seen { closely: true, .. }
                    | EventStep::Key { .. }
            )
        };
        if self.open.is_empty() && !self.list.iter().any(tells) {
            return;
        }
        self.context = named(&self.context, view.event);
    }
}

/// The deed with what this event touched.
pub(super) fn named(context: &Arc<CallContext>, event: &Event<'_>) -> Arc<CallContext> {
    let TouchedResources {
        resources,
        counterparty,
    } = touched(event);
    if resources.is_empty() && counterparty.is_empty() {
        return context.clone();
    }
    let CallContext { who, call, .. } = &**context;
    Arc::new(CallContext {
        who: who.clone(),
        call: call.clone(),
        resources: resources.into(),
        counterparty: counterparty.into(),
    })
}

/// Whether what a request names is counted: then the request is read for each value anyway.
fn counts_things(window: &WindowRule) -> bool {
    window.counted().is_some_and(|fields| {
        fields
            .iter()
            .any(|field| field.starts_with("requestParameters."))
    })
}

/// Whether a match is of a call that failed, which is less to the rule than one that worked.
pub(super) fn is_attempt(detection: &Detection, view: &EventView<'_>) -> bool {
    detection.attempts == AttemptPolicy::Lower && view.event.error().is_some()
}

/// What was worked out for an event, for all that repeat it in everything but
/// [`Fields::PER_EVENT`].
pub(super) struct RecordPlan {
    /// Where everything stands in them.
    pub(super) lasting: RecordTemplate,
    /// What is to be done for them, once that was asked.
    pub(super) steps: OnceCell<EventSteps>,
}
