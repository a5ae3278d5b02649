//! Steps for events of which rules read more than caller, call and address; computed once and
//! reused for all events that repeat the first.
//!
//! Why these stand beside [`super::caller_plan`] is said there.

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

/// Steps for one event.
pub(super) struct EventSteps {
    pub(super) list: Vec<EventStep>,
    /// Rules still to be evaluated for each event.
    pub(super) open: Vec<UndecidedRule>,
    /// Caller and call, with resources if a step shows them.
    pub(super) context: Arc<CallContext>,
    /// Things that the call creates or removes.
    pub(super) acted: Option<Arc<CallThings>>,
}

/// One step for an event.
pub(super) enum EventStep {
    /// Match of a single-event rule.
    Single(SingleMatch),
    /// Match of a window rule.
    Seen {
        group: Rc<WindowGroupRef>,
        part: u32,
        value: u64,
        /// [`super::window_event::WindowEvent::tried`].
        tried: bool,
        /// [`super::rule::WindowRule::bucket_s`].
        bucket_s: Option<i64>,
        /// Recorded events of this value.
        noted: Cell<NotedSightings>,
        /// Whether resources and counterparties are shown.
        closely: bool,
    },
    /// First-seen key.
    Key {
        rule: u32,
        scope: u64,
        key: u64,
        text: Arc<str>,
    },
}

/// Match of a single-event rule.
pub(super) struct SingleMatch {
    pub(super) rule: u32,
    pub(super) attempt: bool,
    /// Object number, day, and index of the finding's matches in [`super::ScanOutput::matches`].
    pub(super) place: Cell<(u64, i64, usize)>,
}

/// Rule whose answer depends on fields in which repeats differ.
pub(super) enum UndecidedRule {
    /// Detection that may match.
    Match(u32),
    /// Matching detection, and the rule and part whose values vary.
    Use(u32, (usize, usize)),
}

impl EventSteps {
    pub(super) fn new(context: &Arc<CallContext>) -> Self {
        Self {
            list: Vec::new(),
            open: Vec::new(),
            context: context.clone(),
            acted: None,
        }
    }

    /// Adds the uses of a matching detection. `varying`: fields in which repeats differ.
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

    /// Extracts resources and counterparties if any step shows them.
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

/// Call context with the resources and counterparties of this event.
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

/// Whether the rule counts values from the request, which is then read for each value anyway.
fn counts_things(window: &WindowRule) -> bool {
    window.counted().is_some_and(|fields| {
        fields
            .iter()
            .any(|field| field.starts_with("requestParameters."))
    })
}

/// Whether the match is a failed call that the rule rates lower than a successful one.
pub(super) fn is_attempt(detection: &Detection, view: &EventView<'_>) -> bool {
    detection.attempts == AttemptPolicy::Lower && view.event.error().is_some()
}

/// Template and steps shared by all events that are equal except for [`FieldSet::PER_EVENT`].
pub(super) struct RecordPlan {
    /// Positions of all fields in such records.
    pub(super) lasting: RecordTemplate,
    /// Steps, once a rule needed them.
    pub(super) steps: OnceCell<EventSteps>,
}
