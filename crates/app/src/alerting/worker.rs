//! Worker of one sink: takes what is due, sends it in order, and writes down how it ended.

use std::collections::BTreeSet;

use anyhow::Result;
use bartizan_alert::{SinkCircuit, backoff_ms};
use jiff::Timestamp;

use super::outcome::SendOutcome;
use super::sink::Sink;
use crate::store::Outbox;

/// Entries read at a time.
const BATCH: u32 = 16;
/// Attempts at a message that the receiver refuses.
const REFUSALS_MAX: u32 = 5;
/// Milliseconds between looks for subjects that are to be told again.
const REPEAT_LOOK_MS: i64 = 60_000;
/// Longest sleep in milliseconds: another process may add entries.
const SLEEP_MS: i64 = 5_000;

/// Worker with its own connection to the outbox.
pub(super) struct SinkWorker {
    outbox: Outbox,
    sink: Sink,
    circuit: SinkCircuit,
    /// State of the jitter.
    random: u64,
    next_look_ms: i64,
    /// Entries that were delivered while the outbox could not be written.
    unrecorded: Vec<i64>,
    last_error: Option<String>,
}

/// Result of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Round {
    /// Entries that were tried.
    pub(super) tried: usize,
    /// When to go on, in milliseconds since 1970.
    pub(super) next_ms: i64,
    /// Whether nothing is due.
    pub(super) is_settled: bool,
}

impl SinkWorker {
    pub(super) fn new(outbox: Outbox, sink: Sink, seed: u64) -> Self {
        Self {
            outbox,
            sink,
            circuit: SinkCircuit::default(),
            random: seed,
            next_look_ms: 0,
            unrecorded: Vec::new(),
            last_error: None,
        }
    }

    pub(super) fn is_down(&self) -> bool {
        self.circuit.is_down()
    }

    pub(super) fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }

    /// One batch at a time `now_ms`.
    pub(super) async fn round(&mut self, now_ms: i64) -> Result<Round> {
        // On a full disk nothing is sent again and again, because nobody could note it.
        while let Some(seq) = self.unrecorded.last() {
            self.outbox.sent(*seq, now_ms)?;
            self.unrecorded.pop();
        }
        let name = self.sink.name().to_owned();
        if now_ms >= self.next_look_ms {
            self.next_look_ms = now_ms + REPEAT_LOOK_MS;
            self.outbox.expire(&name, now_ms - self.sink.max_age_ms)?;
            let now = Timestamp::from_millisecond(now_ms)?;
            self.outbox.repeat(&self.sink.route, now)?;
        }
        if !self.circuit.lets_through(now_ms) {
            return Ok(pause(0, self.circuit.closed_until_ms, now_ms));
        }
        // While it is down one message is enough to see whether it is back.
        let limit = if self.circuit.failures > 0 { 1 } else { BATCH };
        let due = self.outbox.due(&name, now_ms, limit)?;
        let mut tried = 0;
        // Subjects of which a message waits: the next ones of theirs must not overtake it.
        let mut held = BTreeSet::new();
        for entry in due {
            if held.contains(&entry.alert.subject) {
                continue;
            }
            tried += 1;
            match self.sink.send(&entry.alert, now_ms.div_euclid(1000)).await {
                SendOutcome::Delivered => {
                    self.circuit.delivered();
                    self.last_error = None;
                    self.unrecorded.push(entry.seq);
                    self.outbox.sent(entry.seq, now_ms)?;
                    self.unrecorded.pop();
                }
                SendOutcome::SinkFailed { why, retry_after_s } => {
                    let random = self.random();
                    self.circuit.failed(retry_after_s, now_ms, random);
                    self.last_error = Some(why.clone());
                    self.outbox.failed(entry.seq, now_ms, &why)?;
                    return Ok(pause(tried, self.circuit.closed_until_ms, now_ms));
                }
                SendOutcome::Refused { why } => {
                    let attempts = entry.attempts + 1;
                    if attempts >= REFUSALS_MAX {
                        self.outbox.dead(entry.seq, &why)?;
                    } else {
                        let wait = backoff_ms(attempts, self.random());
                        self.outbox.failed(entry.seq, now_ms + wait, &why)?;
                        held.insert(entry.alert.subject.clone());
                    }
                    self.last_error = Some(why);
                }
            }
        }
        if tried > 0 {
            return Ok(Round {
                tried,
                next_ms: now_ms,
                is_settled: false,
            });
        }
        let next = self.outbox.next_due_ms(&name)?;
        Ok(Round {
            is_settled: true,
            ..pause(0, next.unwrap_or(i64::MAX), now_ms)
        })
    }

    /// Next number from 0 to 1 (SplitMix64).
    fn random(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        f64::from(u32::try_from(z >> 32).unwrap_or(0)) / f64::from(u32::MAX)
    }
}

fn pause(tried: usize, until_ms: i64, now_ms: i64) -> Round {
    Round {
        tried,
        next_ms: until_ms.clamp(now_ms + 1, now_ms + SLEEP_MS),
        is_settled: false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that fails should panic")]
mod tests {
    use std::collections::BTreeMap;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;
    use std::sync::{Arc, Mutex};

    use bartizan_alert::{Alert, test_alert};

    use super::*;
    use crate::alerting::config::SinkConfig;
    use crate::store::{NewAlerts, RunState, StoreState};

    const ALERTS: usize = 600;
    const SUBJECTS: usize = 40;
    const DAY_MS: i64 = 86_400_000;

    fn config(text: &str) -> SinkConfig {
        toml::from_str(text).unwrap()
    }

    fn alerts(now: Timestamp) -> Vec<Alert> {
        let one = |n: usize| Alert {
            key: format!("ba_{n:05}"),
            subject: format!("incident {}", n % SUBJECTS),
            ..test_alert("x", now)
        };
        (0..ALERTS).map(one).collect()
    }

    /// Keeps alerts for these sinks as a watch does.
    fn keep(store: &str, sinks: &[Sink], now: Timestamp) {
        let alerts = alerts(now);
        let routes: Vec<_> = sinks.iter().map(|s| s.route.clone()).collect();
        let mut state = StoreState::watch(store).unwrap();
        let kept = RunState {
            findings: &[],
            since: "",
            incidents: &[],
            merges: &[],
            objects: &[],
            kept: Vec::new(),
            alerts: NewAlerts {
                alerts: &alerts,
                first: &|| alerts.clone(),
                routes: &routes,
                silences: &[],
                now,
            },
        };
        state.keep(kept).unwrap();
    }

    /// Keys of requests, in order; each is answered with 200.
    fn receiver(listener: TcpListener) -> Arc<Mutex<Vec<String>>> {
        let keys = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&keys);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let (mut line, mut length) = (String::new(), 0);
                while reader.read_line(&mut line).unwrap() > 2 {
                    let (name, value) = line.split_once(": ").unwrap_or_default();
                    match name {
                        "content-length" => length = value.trim().parse().unwrap(),
                        "webhook-id" => seen.lock().unwrap().push(value.trim().to_owned()),
                        _ => {}
                    }
                    line.clear();
                }
                reader.read_exact(&mut vec![0; length]).unwrap();
                let answer = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
                stream.write_all(answer).unwrap();
            }
        });
        keys
    }

    fn resident_kb() -> i64 {
        let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = text.lines().find(|l| l.starts_with("VmRSS"));
        let number = line.and_then(|l| l.split_whitespace().nth(1));
        number.and_then(|n| n.parse().ok()).unwrap_or(0)
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    }

    /// Rounds until nothing is due, at one time.
    fn until_settled(worker: &mut SinkWorker, now_ms: i64) -> usize {
        let mut tried = 0;
        loop {
            let round = runtime().block_on(worker.round(now_ms)).unwrap();
            tried += round.tried;
            if round.is_settled {
                return tried;
            }
        }
    }

    #[test]
    fn a_day_without_a_receiver_loses_nothing_and_holds_only_its_own_queue() {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("store").display().to_string();
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let file = dir.path().join("alerts.ndjson");
        let hook = format!(
            "type = \"webhook\"\nurl = \"http://{address}/\"\nallow_private = true\n\
            repeat_hours = 0"
        );
        let path = format!("type = \"file\"\npath = {:?}", file.display().to_string());
        let sinks = || Sink::all(&[config(&hook), config(&path)]).unwrap();
        let now: Timestamp = "2026-03-11T00:00:00Z".parse().unwrap();
        keep(&store, &sinks(), now);
        let mut workers: Vec<SinkWorker> = sinks()
            .into_iter()
            .map(|sink| SinkWorker::new(Outbox::open(&store).unwrap(), sink, 7))
            .collect();
        let (down, up) = workers.split_at_mut(1);
        let (down, up) = (&mut down[0], &mut up[0]);
        let start_ms = now.as_millisecond();

        let mut now_ms = start_ms;
        let mut attempts = 0;
        let before_kb = resident_kb();
        while now_ms < start_ms + DAY_MS {
            let round = runtime().block_on(down.round(now_ms)).unwrap();
            attempts += round.tried;
            assert!(round.tried <= 1 && !round.is_settled);
            now_ms = round.next_ms;
        }
        // 5 minutes at most between attempts, half of that at least.
        assert!((280..700).contains(&attempts), "{attempts}");
        assert!(down.is_down());
        assert_eq!(until_settled(up, start_ms), ALERTS);
        assert_eq!(
            std::fs::read_to_string(&file).unwrap().lines().count(),
            ALERTS
        );

        let keys = receiver(TcpListener::bind(address).unwrap());
        let open_ms = down.circuit.closed_until_ms;
        assert_eq!(until_settled(down, open_ms), ALERTS);
        assert!(!down.is_down());
        let grown_kb = resident_kb() - before_kb;
        let keys = keys.lock().unwrap();
        let expected: Vec<String> = (0..ALERTS).map(|n| format!("ba_{n:05}")).collect();
        assert_eq!(*keys, expected);
        println!("{attempts} attempts in a day, {ALERTS} alerts after it, {grown_kb} KB more");
        assert!(grown_kb < 20_000, "{grown_kb} KB");
    }

    #[test]
    fn what_is_too_old_is_given_up_and_redriven_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("store").display().to_string();
        let missing = dir.path().join("no/such/folder/alerts.ndjson");
        let path = format!(
            "type = \"file\"\npath = {:?}",
            missing.display().to_string()
        );
        let sinks = || Sink::all(&[config(&path)]).unwrap();
        let now: Timestamp = "2026-03-11T00:00:00Z".parse().unwrap();
        keep(&store, &sinks(), now);
        let outbox = Outbox::open(&store).unwrap();
        let mut worker = SinkWorker::new(outbox, sinks().remove(0), 7);
        let late_ms = now.as_millisecond() + 3 * DAY_MS + 1;
        runtime().block_on(worker.round(late_ms - 2)).unwrap();
        let count = |worker: &SinkWorker| {
            let backlog = worker.outbox.backlog(&[], late_ms).unwrap().remove(0);
            (backlog.waiting, backlog.dead)
        };
        assert_eq!(count(&worker), (ALERTS as u64, 0));
        worker.next_look_ms = 0;
        runtime().block_on(worker.round(late_ms)).unwrap();
        assert_eq!(count(&worker), (0, ALERTS as u64));
        std::fs::create_dir_all(missing.parent().unwrap()).unwrap();
        assert_eq!(worker.outbox.redrive(None, None, late_ms).unwrap(), ALERTS);
        let open_ms = worker.circuit.closed_until_ms.max(late_ms);
        assert_eq!(until_settled(&mut worker, open_ms), ALERTS);
        let mut last: BTreeMap<String, String> = BTreeMap::new();
        for line in std::fs::read_to_string(&missing).unwrap().lines() {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = |v: &serde_json::Value| v.as_str().unwrap().to_owned();
            let key = text(&value["key"]);
            let before = last.insert(text(&value["data"]["subject"]), key.clone());
            assert!(before.is_none_or(|b| b < key));
        }
    }
}
