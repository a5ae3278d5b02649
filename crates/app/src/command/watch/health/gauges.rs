//! Figures that no loop reports by itself, looked at by a thread: backlog and attributes of queues,
//! and the outbox of each sink.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use bartizan_cloud::model::Model;
use bartizan_cloud::queue::{Queue, QueueAttributes, changed_attributes};
use jiff::Timestamp;

use super::super::config::Config;
use super::background::BackgroundThread;
use super::server::HealthCell;
use crate::import::runtime;
use crate::store::Outbox;
use crate::watch_health::{QueueChange, QueueHealth, SinkHealth};

/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Changes of queues that are remembered.
const CHANGES_KEPT: usize = 100;

/// Thread that ends when it is dropped.
pub(crate) struct Gauges {
    _thread: BackgroundThread,
}

/// Queues and sinks that are looked at.
struct GaugedParts {
    queues: Vec<String>,
    profile: Option<String>,
    sinks: Vec<String>,
    store: String,
    health: HealthCell,
}

impl Gauges {
    /// Looks at the queues and sinks of a configuration; none where it has none.
    pub(crate) fn start(config: &Config, store: &str, health: HealthCell) -> Result<Option<Self>> {
        let sinks = config.sink.iter().map(|sink| sink.name().to_owned());
        let parts = GaugedParts {
            queues: config.trail.queues.clone(),
            profile: config.trail.profile.clone(),
            sinks: sinks.collect(),
            store: store.to_owned(),
            health,
        };
        {
            let mut health = parts.health.lock();
            health.queues.retain(|q| parts.queues.contains(&q.url));
            health.sinks.clear();
        }
        if parts.queues.is_empty() && parts.sinks.is_empty() {
            return Ok(None);
        }
        let thread = BackgroundThread::start("gauges", move |ends| parts.run(ends))?;
        Ok(Some(Self { _thread: thread }))
    }
}

impl GaugedParts {
    fn run(&self, ends: &AtomicBool) {
        let Ok(runtime) = runtime() else {
            return;
        };
        let model = Model::builtin();
        let mut next = Instant::now();
        while !ends.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(100));
            if Instant::now() < next {
                continue;
            }
            next = Instant::now() + LOOK_EVERY;
            for url in &self.queues {
                let looked = runtime.block_on(async {
                    let profile = self.profile.as_deref();
                    let queue = Queue::open(&model, url, profile).await;
                    let queue = queue.map_err(|e| e.to_string())?;
                    queue.attributes().await.map_err(|e| e.detail)
                });
                self.queue(url, looked);
            }
            // Before the first tick there is no outbox.
            let now_ms = Timestamp::now().as_millisecond();
            let outbox = Outbox::open(&self.store);
            if let Ok(backlogs) = outbox.and_then(|o| o.backlog(&self.sinks, now_ms)) {
                let sinks = backlogs.into_iter().map(|b| SinkHealth {
                    name: b.sink,
                    waiting_count: b.waiting,
                    oldest_s: b.oldest_s.map(|age_s| now_ms / 1000 - age_s),
                    dead_count: b.dead,
                    ..SinkHealth::default()
                });
                self.health.lock().sinks = sinks.collect();
            }
        }
    }

    /// Notes what a queue says of itself, and whether that is other than before.
    fn queue(&self, url: &str, looked: Result<QueueAttributes, String>) {
        let now_s = Timestamp::now().as_second();
        let mut health = self.health.lock();
        let at = match health.queues.iter().position(|q| q.url == url) {
            Some(at) => at,
            None => {
                health.queues.push(QueueHealth {
                    url: url.to_owned(),
                    ..QueueHealth::default()
                });
                health.queues.len() - 1
            }
        };
        let queue = &mut health.queues[at];
        let about = match looked {
            Ok(about) => about,
            Err(why) => {
                queue.failing_since_s.get_or_insert(now_s);
                queue.why = why;
                return;
            }
        };
        queue.failing_since_s = None;
        queue.why.clear();
        queue.waiting_count = about.waiting_count;
        queue.in_flight_count = about.in_flight_count;
        let before_s = queue.looked_s.replace(now_s);
        let before = queue.about.replace(about.clone().into());
        if let (Some(before), Some(before_s)) = (before, before_s) {
            let changes = changed_attributes(&before.into(), &about);
            if !changes.is_empty() {
                health.queue_changes.push(QueueChange {
                    url: url.to_owned(),
                    changes: changes
                        .into_iter()
                        .map(|(name, pair)| (name.to_owned(), pair))
                        .collect(),
                    before_s,
                    after_s: now_s,
                });
                let over = health.queue_changes.len().saturating_sub(CHANGES_KEPT);
                health.queue_changes.drain(..over);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_policy_is_noted_once() {
        let parts = GaugedParts {
            queues: Vec::new(),
            profile: None,
            sinks: Vec::new(),
            store: String::new(),
            health: HealthCell::default(),
        };
        let about = |policy: &str, waiting_count: u64| QueueAttributes {
            arn: "arn:aws:sqs:eu-west-1:111122223333:q".into(),
            policy: Some(policy.to_owned()),
            waiting_count,
            ..QueueAttributes::default()
        };
        parts.queue("q", Ok(about("a", 1)));
        parts.queue("q", Ok(about("a", 2)));
        assert!(parts.health.lock().queue_changes.is_empty());
        parts.queue("q", Err("denied".into()));
        assert!(parts.health.lock().queues[0].failing_since_s.is_some());
        parts.queue("q", Ok(about("b", 3)));
        parts.queue("q", Ok(about("b", 4)));
        let health = parts.health.lock();
        assert_eq!(health.queue_changes.len(), 1);
        let policy = ["a".to_owned(), "b".to_owned()];
        assert_eq!(health.queue_changes[0].changes["Policy"], policy);
        assert_eq!(
            (health.queues.len(), health.queues[0].waiting_count),
            (1, 4)
        );
        assert_eq!(health.queues[0].failing_since_s, None);
    }
}
