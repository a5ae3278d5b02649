//! Kills at random moments and receivers that fail: every alert arrives, with the same key each
//! time, and nothing is found that one quiet run does not find.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::common::{Home, venv};
use crate::live::moto;
use crate::queue::boto;
use crate::watch::{copy, home_with, without_digests};
use crate::watch_live::{LiveProcess, dice, rows, until};
use crate::watch_queue::{QUEUE, SETUP, ids};

/// Webhook that fails as long as it is told to.
struct Receiver {
    port: u16,
    /// Body by `webhook-id`, of requests that were answered with 200.
    accepted: Arc<Mutex<BTreeMap<String, Value>>>,
    /// Ids with more than one body: a key that means two things.
    changed: Arc<Mutex<BTreeSet<String>>>,
    fails: Arc<AtomicBool>,
}

impl Receiver {
    fn start(fails: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let receiver = Self {
            port: listener.local_addr().unwrap().port(),
            accepted: Arc::default(),
            changed: Arc::default(),
            fails: Arc::new(AtomicBool::new(fails)),
        };
        let (accepted, changed) = (receiver.accepted.clone(), receiver.changed.clone());
        let fails = receiver.fails.clone();
        std::thread::spawn(move || {
            let mut seed = 4_101_842_887_655_102_017;
            for stream in listener.incoming().map_while(Result::ok) {
                let fault = match fails.load(Ordering::Relaxed) {
                    true => dice(&mut seed) % 7,
                    false => 0,
                };
                let (accepted, changed) = (accepted.clone(), changed.clone());
                std::thread::spawn(move || answer(stream, fault, &accepted, &changed));
            }
        });
        receiver
    }

    fn keys(&self) -> BTreeSet<String> {
        self.accepted.lock().unwrap().keys().cloned().collect()
    }
}

fn answer(
    mut stream: TcpStream,
    fault: u64,
    accepted: &Mutex<BTreeMap<String, Value>>,
    changed: &Mutex<BTreeSet<String>>,
) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let (mut bytes, mut part) = (Vec::new(), [0; 4096]);
    let head = loop {
        let n = stream.read(&mut part).ok()?;
        bytes.extend_from_slice(&part[..n]);
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at;
        }
        if n == 0 {
            return None;
        }
    };
    let headers = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
    let header = |name: &str| {
        let mut lines = headers.lines();
        lines.find_map(|l| l.strip_prefix(name)?.strip_prefix(": ").map(str::to_owned))
    };
    let length: usize = header("content-length")?.parse().ok()?;
    while bytes.len() < head + 4 + length {
        let n = stream.read(&mut part).ok()?;
        if n == 0 {
            return None;
        }
        bytes.extend_from_slice(&part[..n]);
    }
    let key = header("webhook-id")?;
    let body: Value = serde_json::from_slice(&bytes[head + 4..]).ok()?;
    let reply: &[u8] = match fault {
        0 | 1 => {
            let before = accepted.lock().unwrap().insert(key.clone(), body.clone());
            if before.is_some_and(|before| before != body) {
                changed.lock().unwrap().insert(key);
            }
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
        }
        2 => b"HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        3 => {
            b"HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        }
        4 => {
            std::thread::sleep(Duration::from_secs(2));
            b""
        }
        5 => b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhal",
        _ => b"",
    };
    stream.write_all(reply).ok()
}

/// Home with the example's accounts and settings, a queue in place of its trail, and a sink.
fn watched_home(clean: &Home, url: &str, trail: &str, receiver: &Receiver) -> Home {
    let home = Home::with_aws(url);
    copy(
        &clean.path("in/config"),
        &home.path("config"),
        &mut |name| vec![name.to_owned()],
    );
    let own = fs::read_to_string(clean.path("in/bartizan.toml")).unwrap();
    let own = own.replace("sources = [\"trail\"]", trail);
    let sink = format!(
        "\n[[sink]]\ntype = \"webhook\"\nurl = \"http://127.0.0.1:{}/hook\"\n\
        secret_file = \"hook.key\"\nmin_severity = \"low\"\nallow_private = true\n\
        storm_alerts = 60000\n",
        receiver.port
    );
    fs::write(home.path("bartizan.toml"), own + &sink).unwrap();
    fs::write(
        home.path("hook.key"),
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    )
    .unwrap();
    home
}

fn logs(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    copy(root, &root.with_extension("none"), &mut |name| {
        files.push(PathBuf::from(name));
        Vec::new()
    });
    files.sort_by_key(|f| {
        let name = f.file_name().unwrap().to_string_lossy().into_owned();
        (name.split('_').nth(3).map(str::to_owned), name)
    });
    files
}

/// Alerts that waited or were sent, by state.
fn alerts_in(home: &Home, state: &str) -> i64 {
    let connection = rusqlite::Connection::open(home.path("bartizan-store/state.sqlite")).unwrap();
    let count = "select count(*) from outbox where state = ?1";
    connection
        .query_row(count, [state], |row| row.get(0))
        .unwrap()
}

fn killed(kills: usize) {
    let Some(venv) = venv("BARTIZAN_VENV") else {
        return;
    };
    let moto = moto(&venv);
    boto(&venv, &moto.url, SETUP);
    let clean = home_with("heist");
    without_digests(&clean);
    fs::remove_dir_all(clean.path("in/bill")).unwrap();
    let quiet = Receiver::start(false);
    let trail = clean.path("in/trail");
    let sources = format!("sources = [{:?}]", trail.display().to_string());
    let oracle = watched_home(&clean, &moto.url, &sources, &quiet);
    oracle.must(0, &["watch", "--once"]);
    let theirs = ids(&oracle);
    assert!(!quiet.keys().is_empty());

    let receiver = Receiver::start(true);
    let queues = format!("queues = [\"{QUEUE}\"]");
    let home = watched_home(&clean, &moto.url, &queues, &receiver);
    let files = logs(&trail);
    let mut seed = 88_172_645_463_325_252;
    let mut sent = 0;
    for n in 0..kills {
        let mut live = LiveProcess::start(&home, &[]);
        let until = files.len() * (n + 1) / kills;
        let some: Vec<&PathBuf> = files[sent..until].iter().collect();
        sent = until;
        if !some.is_empty() {
            let put = format!(
                "s3 = client('s3')\nfor name in {some:?}:\n  \
                s3.put_object(Bucket='logs', Key=name, Body=open({:?} + '/' + name, 'rb').read())",
                trail.display().to_string()
            );
            boto(&venv, &moto.url, &put);
        }
        std::thread::sleep(Duration::from_millis(100 + dice(&mut seed) % 1500));
        live.kill();
    }
    receiver.fails.store(false, Ordering::Relaxed);
    let live = LiveProcess::start(&home, &[]);
    until("all objects", || {
        rows(&home, "object") >= files.len() as i64
    });
    until("the same incidents", || ids(&home).1 == theirs.1);
    until("the same findings", || ids(&home).0 == theirs.0);
    until("nothing waits", || alerts_in(&home, "waiting") == 0);
    live.stop();
    assert_eq!(alerts_in(&home, "dead"), 0);
    let ours = receiver.keys();
    // What one quiet run tells of findings and incidents is told here, under the same key.
    let missing: Vec<String> = quiet
        .accepted
        .lock()
        .unwrap()
        .iter()
        // How an incident grew depends on how it came; that it is there does not.
        .filter(|(_, body)| body["type"] == "finding" || body["type"] == "incident-opened")
        .filter(|(key, _)| !ours.contains(*key))
        .map(|(key, body)| format!("{key} {:.200}", body.to_string()))
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(receiver.changed.lock().unwrap().is_empty());
    let text = home.must(0, &["verify", "evidence"]);
    assert!(text.contains("0 problems"), "{text}");
    println!("{kills} kills, {} alerts, none lost", ours.len());
}

#[test]
fn kills_and_failing_receivers_lose_nothing() {
    killed(25);
}

#[test]
#[ignore = "half an hour"]
fn a_thousand_kills_lose_nothing() {
    killed(1000);
}
