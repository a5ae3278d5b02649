//! Routes: which detections can match an event at all.
//!
//! A few fields have few values: source, name, error and region of the call, user agent, address
//! kind, and the caller. For each combination of these, every detection is evaluated once in
//! three-valued logic with all other fields unknown: false (skip it), true (a match without reading
//! more) or unknown (read the event). Nothing is guessed from the shape of a rule, so a value
//! inside a negated filter cannot hide an event.

use crate::dependency::Dependency;
use crate::dependency::ROUTE_FIELDS;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::quality::RandomState;
use rsigma_eval::evaluate_rule;

use super::condition::ItemAnswers;
use super::derive::text::cut;
use super::first_seen::ByHash;
use super::networks::AddressKind;
use super::rule::{AttemptPolicy, CallerFilter, Detection, DetectionSet};
use super::view::EventView;
use bartizan_model::limits::SCAN_CACHE_MAX;
use bartizan_trail::{CallerType, Event, Field};

/// Hashes everything a route depends on: [`ROUTE_FIELDS`], the address kind, and the error of a
/// record that has an error message but no code.
pub(super) fn feed_route(event: &Event<'_>, kind: AddressKind, hasher: &mut impl Hasher) {
    for field in ROUTE_FIELDS {
        let raw = event.raw_scalar(field);
        hasher.write(raw);
        hasher.write_u32(raw.len() as u32);
    }
    hasher.write_u8(kind as u8);
    if !event.raw_scalar(Field::ErrorMessage).starts_with(&[1])
        && let Some(error) = event.error()
    {
        hasher.write(cut(&error).as_bytes());
    }
}

/// Detections left for events of one route, or of one route and one identity.
#[derive(Debug, Default)]
pub(super) struct Route {
    /// Detections that match.
    pub(super) sure: Vec<u32>,
    /// Detections that may match.
    pub(super) maybe: Vec<u32>,
}

/// Decided routes, shared by all threads.
#[derive(Default)]
pub(super) struct RouteCache {
    /// Hasher of the keys; randomly seeded, so that nobody can craft collisions.
    pub(super) hasher: RandomState,
    /// Detections left for each API call, by the hash of its name.
    apis: Mutex<ByHash<Arc<Route>>>,
    /// Routes by the hash of [`ROUTE_FIELDS`] and address kind.
    routes: Mutex<ByHash<Arc<Route>>>,
}

impl RouteCache {
    /// Route of an event, by its hash.
    pub(super) fn route(
        &self,
        rules: DetectionSet<'_>,
        view: &EventView<'_>,
        hash: u64,
        answers: &ItemAnswers,
    ) -> Arc<Route> {
        let places = view.networks.has_places();
        known(&self.routes, hash ^ u64::from(places), || {
            // Most rules are about a few API calls, so the name rules out most of them.
            let name =
                [Field::EventSource, Field::EventName].map(|field| view.event.raw_scalar(field));
            let api = self.hasher.hash_one((name, places));
            known(&self.apis, api, || Route::of_api(rules, view, answers))
                .of_route(rules, view, answers)
        })
    }
}

fn known(all: &Mutex<ByHash<Arc<Route>>>, hash: u64, decide: impl FnOnce() -> Route) -> Arc<Route> {
    let locked = || all.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(route) = locked().get(&hash) {
        return route.clone();
    }
    // No lock is held while deciding; two threads may decide the same route.
    let route = Arc::new(decide());
    let mut all = locked();
    if all.len() >= SCAN_CACHE_MAX {
        all.clear();
    }
    all.insert(hash, route.clone());
    route
}

impl Route {
    /// Decides every detection for API calls of this name.
    pub(super) fn of_api(
        rules: DetectionSet<'_>,
        view: &EventView<'_>,
        answers: &ItemAnswers,
    ) -> Self {
        let asked = rules
            .detections
            .iter()
            .enumerate()
            .filter(|(_, d)| !d.uses.is_empty());
        Self::decide(
            asked.map(|(n, _)| n as u32),
            rules,
            view,
            Dependency::Api,
            answers,
        )
    }

    /// Decides the remaining detections for the route of this event.
    pub(super) fn of_route(
        &self,
        rules: DetectionSet<'_>,
        view: &EventView<'_>,
        answers: &ItemAnswers,
    ) -> Self {
        let failed = view.event.error().is_some();
        let asked =
            |n: &&u32| !(failed && rules.detections[**n as usize].attempts == AttemptPolicy::Skip);
        let mut route = Self::decide(
            self.maybe.iter().filter(asked).copied(),
            rules,
            view,
            Dependency::Route,
            answers,
        );
        route.sure.extend(self.sure.iter().filter(asked));
        route
    }

    /// Decides the remaining detections for a known caller.
    pub(super) fn refine(
        &self,
        rules: DetectionSet<'_>,
        view: &EventView<'_>,
        answers: &ItemAnswers,
    ) -> Self {
        let about = |n: &&u32| {
            rules.detections[**n as usize].callers == CallerFilter::Any
                || view.caller() == CallerType::Principal
        };
        let mut refined = Self::decide(
            self.maybe.iter().filter(about).copied(),
            rules,
            view,
            Dependency::Identity,
            answers,
        );
        refined.sure.extend(self.sure.iter().filter(about));
        refined.sure.sort_unstable();
        refined
    }

    fn decide(
        detections: impl Iterator<Item = u32>,
        rules: DetectionSet<'_>,
        view: &EventView<'_>,
        known: Dependency,
        answers: &ItemAnswers,
    ) -> Self {
        let mut route = Self::default();
        for number in detections {
            match rules.items.holds(
                &rules.detections[number as usize].condition,
                view,
                known,
                answers,
            ) {
                Some(true) => route.sure.push(number),
                None => route.maybe.push(number),
                Some(false) => {}
            }
        }
        route
    }
}

/// Whether a detection matches an event: the result of rsigma's `evaluate_rule`, without building
/// its answer.
pub(super) fn matches(
    rules: DetectionSet<'_>,
    number: u32,
    view: &EventView<'_>,
    answers: &ItemAnswers,
) -> bool {
    let Detection {
        condition,
        compiled,
        ..
    } = &rules.detections[number as usize];
    rules
        .items
        .holds(condition, view, Dependency::Event, answers)
        .unwrap_or_else(|| evaluate_rule(compiled, view).is_some())
}
