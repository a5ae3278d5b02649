//! Scans one CloudTrail object on one thread and matches its events against the rules.
//!
//! Most stateful rules depend only on values that thousands of events share: caller, API call and
//! address kind. Their answers are computed once per combination ([`crate::caller_plan`]). Of the
//! events of a combination, first-seen rules record only the earliest, and rules that count distinct
//! values record the first and last event of each value per time bucket; more is never needed. An
//! event that repeats another in everything but time, ids and address is not matched again: its
//! steps are cached ([`crate::steps`]).
//!
//! No findings are made here. A thread records which events matched which rules, in object order,
//! and [`super::Evaluator`] takes the outputs in the order of the objects, so the number of threads
//! cannot change the findings.

mod apply;
mod notes;
mod object;

use std::hash::{BuildHasher, Hasher};
use std::io::Read;
use std::sync::Arc;

use object::{ObjectScan, ScanBuffers};

use super::cache::Caches;
use super::route::{feed_route, matches};
use super::scan_output::{ObjectInfo, ScanOutput};
use super::view::EventView;
use crate::scan_plan::ScanPlan;
use bartizan_trail::{CallerIdentity, EventId, TrailItem, TrailReader};

/// Buffers and caches of one scanning thread.
pub struct Scanner<'p> {
    plan: &'p ScanPlan,
    reader: TrailReader,
    caches: Caches,
    scratch: ScanBuffers,
    spare: ScanOutput,
    /// Recognize repeated records without parsing them.
    lookahead: bool,
    /// See [`Scanner::standing_alone`].
    alone: bool,
}

impl<'p> Scanner<'p> {
    /// Scanner with empty caches.
    pub fn new(plan: &'p ScanPlan) -> Self {
        Self {
            plan,
            reader: TrailReader::new(),
            caches: Caches::new(plan),
            scratch: ScanBuffers::default(),
            spare: ScanOutput::default(),
            lookahead: true,
            alone: false,
        }
    }

    /// Scanner whose outputs can be kept and evaluated one by one: each says all that its object
    /// has of first-seen keys, where otherwise a key is reported once for all objects of a thread.
    #[must_use]
    pub fn standing_alone(self) -> Self {
        Self {
            alone: true,
            ..self
        }
    }

    /// Parses every record: for the bench that shows what lookahead saves.
    #[doc(hidden)]
    pub fn without_lookahead(self) -> Self {
        Self {
            lookahead: false,
            ..self
        }
    }

    /// Reads one object to its end.
    pub fn scan(&mut self, source: &mut dyn Read) -> ScanOutput {
        self.scan_part(source, &ObjectInfo::default())
    }

    /// Reads one object to its end, skipping events outside of the time range in `about`.
    pub fn scan_part(&mut self, source: &mut dyn Read, about: &ObjectInfo) -> ScanOutput {
        self.caches.object += 1;
        let mut scan = ObjectScan {
            plan: self.plan,
            about,
            caches: &mut self.caches,
            notes: std::mem::take(&mut self.spare),
            scratch: &mut self.scratch,
            lookahead: self.lookahead,
            alone: self.alone,
        };
        let bytes = self.reader.read_into(source, &mut scan);
        scan.finish(bytes)
    }

    /// Takes back an empty output, as [`super::Evaluator::take`] returns it, for the next object.
    pub fn reuse(&mut self, spare: ScanOutput) {
        self.spare = spare;
    }

    /// Last-seen times still in the caches, to be called after the last object.
    pub fn finish(&mut self) -> ScanOutput {
        ScanOutput {
            last: self.caches.finish(),
            ..ScanOutput::default()
        }
    }
}

/// Indices of the detections that match each event of an object, computed through routes.
pub fn matching(plan: &ScanPlan, source: &mut dyn Read) -> Vec<(EventId, Vec<usize>)> {
    let mut found = Vec::new();
    let mut caches = Caches::new(plan);
    TrailReader::new().read(source, &mut |item| {
        if let TrailItem::Event(event) = item {
            let actor = Arc::new(CallerIdentity::of_event(&event));
            let view = EventView::new(&event, &actor, &plan.networks);
            let mut hasher = caches.hasher.build_hasher();
            feed_route(&event, plan.networks.kind_of(view.address), &mut hasher);
            let hash = hasher.finish();
            caches.answers.next(&plan.rules.items);
            let route = plan
                .rules
                .decided
                .route(plan.rules.set(), &view, hash, &caches.answers)
                .refine(plan.rules.set(), &view, &caches.answers);
            let tried = route
                .maybe
                .iter()
                .filter(|n| matches(plan.rules.set(), **n, &view, &caches.answers));
            let mut numbers: Vec<usize> = route
                .sure
                .iter()
                .chain(tried)
                .map(|n| *n as usize)
                .collect();
            numbers.sort_unstable();
            found.push((event.id(), numbers));
        }
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::first_seen::FirstSeenMemory;
    use crate::load::{RuleFile, Rules};
    use crate::networks::Networks;

    const RULE: &str = "title: A bucket was deleted
id: 11111111-2222-4333-8444-555555555555
logsource: {product: aws, service: cloudtrail}
detection:
    call: {eventSource: s3.amazonaws.com, eventName: DeleteBucket}
    condition: call
level: high
";

    fn plan() -> ScanPlan {
        let rules = Rules::load(&[RuleFile {
            name: "test.yml".to_owned(),
            text: RULE.to_owned(),
            builtin: false,
        }]);
        ScanPlan {
            rules,
            networks: Networks::builtin(),
            memory: FirstSeenMemory::default(),
            tally: false,
            calls: None,
        }
    }

    fn object(calls: &[&str]) -> Vec<u8> {
        let record = |(n, call): (usize, &&str)| {
            format!(
                r#"{{"eventVersion":"1.08","userIdentity":{{"type":"Root","accountId":"1"}},"eventTime":"2026-03-01T00:00:0{n}Z","eventSource":"s3.amazonaws.com","eventName":"{call}","awsRegion":"us-east-1","sourceIPAddress":"203.0.113.9","eventID":"00000000-0000-4000-8000-00000000000{n}"}}"#
            )
        };
        let records: Vec<String> = calls.iter().enumerate().map(record).collect();
        format!(r#"{{"Records":[{}]}}"#, records.join(",")).into_bytes()
    }

    #[test]
    fn every_event_is_counted_and_matches_are_kept_by_finding() {
        let plan = plan();
        let bytes = object(&["DeleteBucket", "ListBuckets", "DeleteBucket"]);
        let output = Scanner::new(&plan).scan(&mut bytes.as_slice());
        assert_eq!(output.ids.len(), 3);
        let matched: Vec<usize> = output.matches.iter().map(|(_, m)| m.events.len()).collect();
        assert_eq!(matched, [2], "one finding of two events");
    }

    #[test]
    fn what_the_scanner_remembers_of_an_object_changes_nothing_in_the_next() {
        let plan = plan();
        let bytes = object(&["DeleteBucket", "DeleteBucket"]);
        let mut scanner = Scanner::new(&plan);
        for _ in 0..2 {
            let output = scanner.scan(&mut bytes.as_slice());
            assert_eq!(output.ids.len(), 2);
            assert_eq!(output.matches[0].1.events.len(), 2);
        }
    }
}
