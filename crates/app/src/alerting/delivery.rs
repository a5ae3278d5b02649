//! Deliveries beside the watch: one thread, a task for each sink.

use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;

use super::sink::Sink;
use super::worker::SinkWorker;
use crate::store::{Outbox, SinkBacklog, delivery_lock};

/// Pause after the outbox itself failed, e.g. because the disk is full.
const TROUBLE: Duration = Duration::from_secs(2);

/// Deliveries of a store. Dropping it ends them; what was not sent stays in the outbox.
pub(crate) struct Delivery {
    orders: watch::Sender<DeliveryOrder>,
    states: Arc<Mutex<Vec<WorkerState>>>,
    names: Vec<String>,
    outbox: Outbox,
    thread: Option<JoinHandle<()>>,
    _lock: File,
}

/// DeliveryOrder to all workers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct DeliveryOrder {
    /// Number of nudges so far.
    nudge: u64,
    stop: bool,
}

/// State of a worker, as it says itself.
#[derive(Debug, Clone, Default)]
struct WorkerState {
    /// Nudge after which nothing was due, or the sink was down.
    settled: u64,
    is_down: bool,
    last_error: Option<String>,
}

/// Depth and health of one sink, for `/metrics` and `status`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SinkState {
    #[serde(flatten)]
    pub(crate) backlog: SinkBacklog,
    /// Whether it failed several times in a row.
    pub(crate) is_down: bool,
    pub(crate) last_error: Option<String>,
}

impl Delivery {
    /// Starts to deliver what waits in the outbox of a store.
    pub(crate) fn start(store: &str, sinks: Vec<Sink>) -> Result<Self> {
        let lock = delivery_lock(store)?;
        let names: Vec<String> = sinks.iter().map(|s| s.name().to_owned()).collect();
        let states = Arc::new(Mutex::new(vec![WorkerState::default(); sinks.len()]));
        let (orders, order) = watch::channel(DeliveryOrder {
            nudge: 1,
            stop: false,
        });
        let mut workers = Vec::new();
        for sink in sinks {
            let seed = getrandom::u64().unwrap_or(workers.len() as u64);
            workers.push(SinkWorker::new(Outbox::open(store)?, sink, seed));
        }
        let shared = Arc::clone(&states);
        let thread = std::thread::Builder::new()
            .name("alerts".to_owned())
            .spawn(move || run(workers, &order, &shared))
            .context("cannot start the deliveries")?;
        Ok(Self {
            orders,
            states,
            names,
            outbox: Outbox::open(store)?,
            thread: Some(thread),
            _lock: lock,
        })
    }

    /// New alerts were written.
    pub(crate) fn nudge(&self) {
        self.orders.send_modify(|order| order.nudge += 1);
    }

    /// Waits until every sink has all that is due or is down, for `limit` at most. Gives whether it
    /// came to that.
    pub(crate) fn settle(&self, limit: Duration) -> bool {
        self.nudge();
        let wanted = self.orders.borrow().nudge;
        let start = Instant::now();
        loop {
            let is_settled = self.worker_states().iter().all(|s| s.settled >= wanted);
            if is_settled || start.elapsed() >= limit {
                return is_settled;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Depth, age and health of each sink.
    pub(crate) fn states(&self) -> Result<Vec<SinkState>> {
        let now_ms = Timestamp::now().as_millisecond();
        let states = self.worker_states();
        let backlogs = self.outbox.backlog(&self.names, now_ms)?;
        let with_state = |backlog: SinkBacklog| {
            let index = self.names.iter().position(|n| *n == backlog.sink);
            let state = index.and_then(|i| states.get(i)).cloned();
            let state = state.unwrap_or_default();
            SinkState {
                backlog,
                is_down: state.is_down,
                last_error: state.last_error,
            }
        };
        Ok(backlogs.into_iter().map(with_state).collect())
    }

    /// Delivers what is due for `limit` at most, and ends. Gives the state of each sink.
    pub(crate) fn once(store: &str, sinks: Vec<Sink>, limit: Duration) -> Result<Vec<SinkState>> {
        let delivery = Self::start(store, sinks)?;
        delivery.settle(limit);
        let states = delivery.states()?;
        delivery.stop(Duration::from_secs(1));
        Ok(states)
    }

    /// Ends the deliveries, waiting for what is on its way for `limit` at most. Gives whether they
    /// ended. What was cut off is sent again by the next run, under the same key.
    pub(crate) fn stop(mut self, limit: Duration) -> bool {
        self.orders.send_modify(|order| order.stop = true);
        let Some(thread) = self.thread.take() else {
            return true;
        };
        let start = Instant::now();
        while !thread.is_finished() && start.elapsed() < limit {
            std::thread::sleep(Duration::from_millis(20));
        }
        thread.is_finished() && thread.join().is_ok()
    }

    fn worker_states(&self) -> Vec<WorkerState> {
        let states = self.states.lock();
        states.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.orders.send_modify(|order| order.stop = true);
    }
}

/// The thread: all workers, until they are stopped.
fn run(
    workers: Vec<SinkWorker>,
    order: &watch::Receiver<DeliveryOrder>,
    states: &Arc<Mutex<Vec<WorkerState>>>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let Ok(runtime) = runtime else {
        return;
    };
    let tasks = workers.into_iter().enumerate().map(|(index, worker)| {
        let set = move |state: WorkerState| {
            let mut all = states.lock().unwrap_or_else(PoisonError::into_inner);
            all[index] = state;
        };
        work(worker, order.clone(), set)
    });
    runtime.block_on(futures::future::join_all(tasks));
}

async fn work(
    mut worker: SinkWorker,
    mut order: watch::Receiver<DeliveryOrder>,
    set: impl Fn(WorkerState),
) {
    loop {
        let now = *order.borrow_and_update();
        if now.stop {
            return;
        }
        let now_ms = Timestamp::now().as_millisecond();
        let round = tokio::select! {
            round = worker.round(now_ms) => round,
            () = stopped(order.clone()) => return,
        };
        let (pause, settled, trouble) = match round {
            Ok(round) => {
                let ms = round.next_ms - Timestamp::now().as_millisecond();
                let pause = Duration::from_millis(u64::try_from(ms).unwrap_or(0));
                (pause, round.is_settled || worker.is_down(), None)
            }
            Err(e) => (TROUBLE, true, Some(format!("outbox: {e:#}"))),
        };
        set(WorkerState {
            settled: if settled { now.nudge } else { 0 },
            is_down: worker.is_down() || trouble.is_some(),
            last_error: trouble.or_else(|| worker.last_error().map(str::to_owned)),
        });
        if !pause.is_zero() {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                changed = order.changed() => if changed.is_err() { return },
            }
        } else {
            // Other sinks have their turn.
            tokio::task::yield_now().await;
        }
    }
}

/// Ends when the deliveries are stopped.
async fn stopped(mut order: watch::Receiver<DeliveryOrder>) {
    let _ = order.wait_for(|o| o.stop).await;
}
