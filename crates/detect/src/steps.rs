//! What is to be done for an event of which rules look at more than who calls what from where: worked out once for all
//! events that repeat it.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use super::combo::{Group, Noted, Shared};
use super::rule::{Attempts, Detection, Kind, Window};
use super::scan::{Plan, first_seen_text, group_text, keys, values};
use super::touched::{Touched, touched};
use super::view::View;
use crate::call::Deed;
use crate::work::Acted;
use bartizan_model::Severity;
use bartizan_trail::{Event, Fields};

/// What is to be done for an event.
pub(super) struct Steps {
    pub(super) list: Vec<Step>,
    /// What must be asked of each event.
    pub(super) open: Vec<Open>,
    /// Who does what, and what it is done to if a step tells that.
    pub(super) deed: Arc<Deed>,
    /// What it makes or takes away.
    pub(super) acted: Option<Arc<Acted>>,
}

/// Something that is to be done.
pub(super) enum Step {
    /// It is a finding.
    Single(Single),
    /// It is noted for a rule with a window.
    Seen {
        group: Rc<Group>,
        part: u32,
        value: u64,
        /// [`super::window::Seen::tried`].
        tried: bool,
        /// [`super::rule::Window::bucket_s`].
        bucket_s: Option<i64>,
        /// The notes that there are of it.
        noted: Cell<Noted>,
        /// Whether it is told what was done to what.
        closely: bool,
    },
    /// It has a first-seen key.
    Key { rule: u32, scope: u64, key: u64, text: Arc<str> },
}

/// A match of a rule on single events.
pub(super) struct Single {
    pub(super) rule: u32,
    pub(super) attempt: bool,
    /// Number of the object, day, and where in the notes of that object its matches stand.
    pub(super) place: Cell<(u64, i64, usize)>,
}

/// What hangs on where events differ.
pub(super) enum Open {
    /// Whether a detection matches.
    Match(u32),
    /// What a rule asks for, by rule and part, of a detection that matches.
    Use(u32, (usize, usize)),
}

impl Steps {
    /// Nothing yet.
    pub(super) fn new(deed: &Arc<Deed>) -> Self {
        Self { list: Vec::new(), open: Vec::new(), deed: deed.clone(), acted: None }
    }

    /// Adds what rules want that ask for a detection, which matches. Events differ in `varying`.
    pub(super) fn add_uses(
        &mut self,
        plan: &Plan,
        number: u32,
        uses: &[(usize, usize)],
        view: &View<'_>,
        varying: Fields,
        shared: &mut Shared,
    ) {
        let detection = &plan.rules.detections[number as usize];
        for &(rule, part) in uses {
            let about = &plan.rules.rules[rule];
            let varies = match &about.kind {
                Kind::Part | Kind::Single => false,
                Kind::Window(window) => window.reads(part).meets(varying),
                Kind::FirstSeen(first_seen) => first_seen.reads().meets(varying),
            };
            if varies {
                self.open.push(Open::Use(number, (rule, part)));
                continue;
            }
            let rule = rule as u32;
            let step = match &about.kind {
                Kind::Part => continue,
                Kind::Single => Step::Single(Single { rule, attempt: is_attempt(detection, view), place: Cell::default() }),
                Kind::Window(window) => {
                    let group = shared.group(rule, &group_text(&window.group_by[part], view));
                    let seen = |value| Step::Seen {
                        group: group.clone(),
                        part: part as u32,
                        value,
                        tried: is_attempt(detection, view),
                        bucket_s: window.bucket_s(),
                        noted: Cell::default(),
                        closely: about.severity >= Severity::Medium || window.bucket_s().is_none() || counts_things(window),
                    };
                    self.list.extend(values(&window.test, view).into_iter().map(seen));
                    continue;
                }
                Kind::FirstSeen(first_seen) => {
                    let (scope, key) = keys(&plan.memory, &about.id, part, first_seen, view);
                    Step::Key { rule, scope, key, text: first_seen_text(first_seen, view) }
                }
            };
            self.list.push(step);
        }
    }

    /// Works out what is done to what, if anybody may tell it.
    pub(super) fn name_resources(&mut self, view: &View<'_>) {
        let tells = |step: &Step| matches!(step, Step::Single(_) | Step::Seen { closely: true, .. } | Step::Key { .. });
        if self.open.is_empty() && !self.list.iter().any(tells) {
            return;
        }
        self.deed = named(&self.deed, view.event);
    }
}

/// The deed with what this event touched.
pub(super) fn named(deed: &Arc<Deed>, event: &Event<'_>) -> Arc<Deed> {
    let Touched { resources, counterparty } = touched(event);
    if resources.is_empty() && counterparty.is_empty() {
        return deed.clone();
    }
    let Deed { who, call, .. } = &**deed;
    Arc::new(Deed { who: who.clone(), call: call.clone(), resources: resources.into(), counterparty: counterparty.into() })
}

/// Whether what a request names is counted: then the request is read for each value anyway.
fn counts_things(window: &Window) -> bool {
    window.counted().is_some_and(|fields| fields.iter().any(|field| field.starts_with("requestParameters.")))
}

/// Whether a match is of a call that failed, which is less to the rule than one that worked.
pub(super) fn is_attempt(detection: &Detection, view: &View<'_>) -> bool {
    detection.attempts == Attempts::Lower && view.event.error().is_some()
}
