//! Heartbeat to an outside URL, so that somebody hears when it stops. It is sent only while the
//! watch runs and keeps what comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use bartizan_cloud::ping::{PingMethod, ping};
use jiff::Timestamp;

use super::server::HealthCell;
use crate::import::runtime;
use crate::watch_health::{AlarmState, HeartbeatHealth};

/// Sender that ends when it is dropped.
pub(crate) struct Heartbeat {
    stop: Arc<AtomicBool>,
}

impl Heartbeat {
    /// Calls a URL at an interval, in a thread of its own.
    pub(crate) fn start(
        url: String,
        method: PingMethod,
        every: Duration,
        health: HealthCell,
    ) -> Result<Self> {
        if !url.starts_with("https://") && !url.starts_with("http://") {
            bail!("watch.heartbeat is no URL: it begins with https://");
        }
        health.lock().heartbeat = Some(HeartbeatHealth::default());
        let stop = Arc::new(AtomicBool::new(false));
        let ends = stop.clone();
        std::thread::Builder::new()
            .name("heartbeat".to_owned())
            .spawn(move || beat(&url, method, every, &health, &ends))?;
        Ok(Self { stop })
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn beat(url: &str, method: PingMethod, every: Duration, health: &HealthCell, ends: &AtomicBool) {
    let Ok(runtime) = runtime() else {
        return;
    };
    let mut next = Instant::now();
    while !ends.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(100).min(every));
        if Instant::now() < next {
            continue;
        }
        let now_s = Timestamp::now().as_second();
        if health.lock().state(now_s) == AlarmState::Off {
            continue;
        }
        next = Instant::now() + every;
        let done = runtime.block_on(ping(url, method));
        let mut health = health.lock();
        let beat = health.heartbeat.get_or_insert_default();
        match done {
            Ok(()) => {
                beat.sent_s = Some(now_s);
                beat.failing_since_s = None;
                beat.why.clear();
            }
            Err(e) => {
                beat.failing_since_s.get_or_insert(now_s);
                beat.why = e.detail;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn it_beats_only_while_the_watch_keeps_what_comes() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/ping/abc", listener.local_addr().unwrap());
        let (sender, beats) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut bytes = [0; 2048];
                let n = stream.read(&mut bytes).unwrap();
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
                stream.write_all(answer).unwrap();
                if sender
                    .send(String::from_utf8_lossy(&bytes[..n]).into_owned())
                    .is_err()
                {
                    return;
                }
            }
        });
        let cell = HealthCell::default();
        let now_s = Timestamp::now().as_second();
        cell.lock().tick_max_s = 60;
        let every = Duration::from_millis(50);
        let beat = Heartbeat::start(url, PingMethod::Get, every, cell.clone()).unwrap();
        // Never ticked: silent.
        assert!(beats.recv_timeout(Duration::from_millis(500)).is_err());
        cell.lock().ticked_s = now_s;
        let request = beats.recv_timeout(Duration::from_secs(10)).unwrap();
        assert!(request.starts_with("GET /ping/abc HTTP/1.1"), "{request}");
        beats.recv_timeout(Duration::from_secs(10)).unwrap();
        cell.lock().unkept_since_s = Some(now_s);
        std::thread::sleep(Duration::from_millis(300));
        while beats.try_recv().is_ok() {}
        assert!(beats.recv_timeout(Duration::from_millis(500)).is_err());
        assert!(cell.lock().heartbeat.as_ref().unwrap().sent_s.is_some());
        drop(beat);
    }
}
