//! Metrics as Prometheus reads them
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::collections::BTreeMap;

use crate::watch_health::{AlarmState, WatchHealth};

/// Samples by metric, in the text format.
struct MetricText(String);

/// Kind of a metric.
#[derive(Clone, Copy)]
enum MetricKind {
    Gauge,
    Counter,
}

impl MetricText {
    /// One metric with its samples: labels and value. Nothing where there are none.
    fn metric<'l>(
        &mut self,
        (name, kind, help): (&str, MetricKind, &str),
        samples: impl IntoIterator<Item = (Vec<(&'static str, &'l str)>, i64)>,
    ) {
        let kind = match kind {
            MetricKind::Gauge => "gauge",
            MetricKind::Counter => "counter",
        };
        let mut is_first = true;
        for (labels, value) in samples {
            if is_first {
                let head =
                    format!("# HELP bartizan_{name} {help}\n# TYPE bartizan_{name} {kind}\n");
                self.0.push_str(&head);
                is_first = false;
            }
            let labels: Vec<String> = labels
                .iter()
                .map(|(label, text)| format!("{label}=\"{}\"", escaped(text)))
                .collect();
            let labels = match labels.is_empty() {
                true => String::new(),
                false => format!("{{{}}}", labels.join(",")),
            };
            self.0
                .push_str(&format!("bartizan_{name}{labels} {value}\n"));
        }
    }

    fn one(&mut self, about: (&str, MetricKind, &str), value: i64) {
        self.metric(about, [(Vec::new(), value)]);
    }
}

/// All metrics at a time.
pub(super) fn metrics(health: &WatchHealth, now_s: i64) -> String {
    use MetricKind::{Counter, Gauge};
    let mut text = MetricText(String::new());
    let is_on = i64::from(health.state(now_s) != AlarmState::Off);
    text.one(
        ("up", Gauge, "1 if the watch runs and keeps what comes."),
        is_on,
    );
    let tick = (
        "last_tick_age_seconds",
        Gauge,
        "Seconds since the last tick.",
    );
    text.one(tick, now_s - health.ticked_s);
    let counts = &health.counts;
    for (name, help, value) in [
        (
            "events_evaluated_total",
            "Events that were evaluated.",
            counts.evaluated,
        ),
        (
            "events_matched_total",
            "Events that matched a rule.",
            counts.matched,
        ),
        (
            "state_evicted_total",
            "Entries of windows let go at a bound.",
            counts.evicted,
        ),
        (
            "problems_total",
            "Records, objects and messages not read.",
            counts.problems,
        ),
    ] {
        text.one((name, Counter, help), whole(value));
    }
    text.one(("findings", Gauge, "Findings."), whole(counts.findings));
    text.one(("incidents", Gauge, "Incidents."), whole(counts.incidents));
    places(&mut text, health, now_s);
    queues(&mut text, health, now_s);
    sinks(&mut text, health, now_s);
    snapshots(&mut text, health, now_s);
    sight(&mut text, health, now_s);
    let spots = health.blind_spots(now_s);
    let mut kinds: BTreeMap<&str, i64> = BTreeMap::new();
    spots
        .iter()
        .for_each(|s| *kinds.entry(s.id()).or_default() += 1);
    let about = ("blind_spots", Gauge, "Things that are not seen, by kind.");
    text.metric(
        about,
        kinds.into_iter().map(|(kind, n)| (vec![("kind", kind)], n)),
    );
    text.0
}

/// Snapshots of accounts.
fn snapshots(text: &mut MetricText, health: &WatchHealth, now_s: i64) {
    use MetricKind::Gauge;
    let age = (
        "snapshot_age_seconds",
        Gauge,
        "Seconds since the last snapshot.",
    );
    let of = |account| vec![("account", account)];
    let snapshots = || health.snapshots.iter();
    text.metric(
        age,
        snapshots().map(|s| (of(s.account.as_str()), now_s - s.taken_s)),
    );
    let calls = ("snapshot_calls", Gauge, "Calls of the last snapshot.");
    text.metric(calls, snapshots().map(|s| (of(&s.account), whole(s.calls))));
    let read = (
        "snapshot_calls_read",
        Gauge,
        "Calls of the last snapshot that were answered.",
    );
    text.metric(
        read,
        snapshots().map(|s| (of(&s.account), whole(s.calls_read))),
    );
}

/// Verified digests and canaries.
fn sight(text: &mut MetricText, health: &WatchHealth, now_s: i64) {
    use MetricKind::Gauge;
    let age = (
        "digest_age_seconds",
        Gauge,
        "Seconds since the end of the last verified digest.",
    );
    let digests = health.digests.iter();
    let labels = |account, region| vec![("account", account), ("region", region)];
    text.metric(
        age,
        digests.map(|d| {
            (
                labels(d.account.as_str(), d.region.as_str()),
                now_s - d.through_s,
            )
        }),
    );
    let age = (
        "canary_seen_age_seconds",
        Gauge,
        "Seconds since a canary's record arrived.",
    );
    let of = |region| vec![("region", region)];
    let canaries = || health.canaries.iter();
    let seen = canaries().filter_map(|c| Some((of(c.region.as_str()), now_s - c.seen_s?)));
    text.metric(age, seen);
    let delay = (
        "canary_delay_seconds",
        Gauge,
        "Seconds that a canary's record took.",
    );
    text.metric(
        delay,
        canaries().filter_map(|c| Some((of(c.region.as_str()), c.delay_s?))),
    );
}

fn places(text: &mut MetricText, health: &WatchHealth, now_s: i64) {
    let about = (
        "newest_event_age_seconds",
        MetricKind::Gauge,
        "Seconds since the newest event.",
    );
    let labels = |a, r| vec![("account", a), ("region", r)];
    let places = health.places.iter();
    let sample = places.map(|p| (labels(p.account.as_str(), &p.region), now_s - p.newest_s));
    text.metric(about, sample);
}

fn queues(text: &mut MetricText, health: &WatchHealth, now_s: i64) {
    use MetricKind::Gauge;
    let of = |url| vec![("queue", url)];
    let all = || health.queues.iter();
    let waiting = ("queue_waiting", Gauge, "Messages that wait.");
    text.metric(
        waiting,
        all().map(|q| (of(q.url.as_str()), whole(q.waiting_count))),
    );
    let taken = (
        "queue_in_flight",
        Gauge,
        "Messages received and not deleted yet.",
    );
    text.metric(
        taken,
        all().map(|q| (of(q.url.as_str()), whole(q.in_flight_count))),
    );
    let age = (
        "queue_oldest_age_seconds",
        Gauge,
        "Age of the oldest message.",
    );
    let ages = all().filter_map(|q| Some((of(q.url.as_str()), now_s - q.oldest_s?)));
    text.metric(age, ages);
    let poison = ("queue_poison", Gauge, "Messages that nobody could read.");
    text.metric(
        poison,
        all().map(|q| (of(q.url.as_str()), whole(q.poison_count))),
    );
}

fn sinks(text: &mut MetricText, health: &WatchHealth, now_s: i64) {
    use MetricKind::Gauge;
    let of = |name| vec![("sink", name)];
    let all = || health.sinks.iter();
    let depth = ("outbox_waiting", Gauge, "Alerts that wait.");
    text.metric(
        depth,
        all().map(|s| (of(s.name.as_str()), whole(s.waiting_count))),
    );
    let age = (
        "outbox_oldest_age_seconds",
        Gauge,
        "Age of the oldest alert that waits.",
    );
    let ages = all().filter_map(|s| Some((of(s.name.as_str()), now_s - s.oldest_s?)));
    text.metric(age, ages);
    let dead = ("outbox_dead", Gauge, "Alerts that were given up.");
    text.metric(
        dead,
        all().map(|s| (of(s.name.as_str()), whole(s.dead_count))),
    );
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Text of a label: backslash, quote and line feed escaped.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out
}
