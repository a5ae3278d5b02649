//! Watching for ever: what comes late, shuffled and in pieces gives what one run gives.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::common::Home;
use crate::watch::{copy, example, home_with, state};

/// `bartizan watch` that goes on, killed when dropped.
pub(crate) struct LiveProcess {
    child: Child,
    lines: Receiver<String>,
}

impl LiveProcess {
    pub(crate) fn start(home: &Home, args: &[&str]) -> Self {
        let mut child = home
            .command(&[&["watch"], args].concat())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = child.stderr.take().unwrap();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self { child, lines }
    }

    /// Resident memory in bytes.
    fn resident_bytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
        let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kilobytes << 10
    }

    pub(crate) fn signal(&self, signal: nix::sys::signal::Signal) {
        let process = nix::unistd::Pid::from_raw(self.child.id() as i32);
        nix::sys::signal::kill(process, signal).unwrap();
    }

    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Ends it as systemd does; returns its last words.
    pub(crate) fn stop(mut self) -> Vec<String> {
        self.signal(nix::sys::signal::Signal::SIGTERM);
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(status.success(), "{status}");
                return self.lines.iter().collect();
            }
            assert!(Instant::now() < end, "it does not stop");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for LiveProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits until a condition holds, in real time: the process has clocks of its own.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(120);
    while !holds() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Number of rows of a table, as another process sees it.
pub(crate) fn rows(home: &Home, table: &str) -> i64 {
    let path = home.path("bartizan-store/state.sqlite");
    if !path.exists() {
        return 0;
    }
    let connection = rusqlite::Connection::open(path).unwrap();
    let count = format!("select count(*) from {table}");
    connection
        .query_row(&count, [], |row| row.get(0))
        .unwrap_or(0)
}

pub(crate) fn dice(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Text without the numbers of snapshots in commands: a snapshot is named by its place in the
/// evidence log, where entries about the trail stand between.
fn numberless(text: &str) -> String {
    let (mut words, mut out) = (text.split(' ').peekable(), Vec::new());
    while let Some(word) = words.next() {
        out.push(word);
        while matches!(word, "diff" | "--on" | "_")
            && words
                .peek()
                .is_some_and(|w| w.bytes().all(|b| b.is_ascii_digit()))
        {
            words.next();
            out.push("_");
        }
    }
    out.join(" ")
}

fn without_numbers(
    mut state: BTreeMap<&'static str, Vec<String>>,
) -> BTreeMap<&'static str, Vec<String>> {
    state.remove("merge");
    for rows in state.values_mut() {
        rows.iter_mut().for_each(|row| *row = numberless(row));
    }
    state
}

#[test]
fn late_and_shuffled_is_what_one_run_says() {
    let clean = home_with("heist");
    clean.json(&["watch", "--once", "in"]);
    let theirs = without_numbers(state(&clean));
    let home = Home::new();
    fs::create_dir_all(home.path("in/trail")).unwrap();
    fs::create_dir_all(home.path("in/config")).unwrap();
    let mut files: Vec<PathBuf> = Vec::new();
    copy(&example("heist"), &home.path("apart"), &mut |name| {
        files.push(name.into());
        vec![name.to_owned()]
    });
    let mut seed = 88_172_645_463_325_252;
    files.sort();
    for at in (1..files.len()).rev() {
        files.swap(at, (dice(&mut seed) % (at as u64 + 1)) as usize);
    }
    // Dumps come whole; what signs and keys the digests is there from the start.
    let (config, rest): (Vec<PathBuf>, Vec<PathBuf>) =
        files.into_iter().partition(|f| f.starts_with("config"));
    let (trail, rest): (Vec<PathBuf>, Vec<PathBuf>) =
        rest.into_iter().partition(|f| f.starts_with("trail"));
    let place = |file: &PathBuf| {
        let target = home.path("in").join(file);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(home.path("apart").join(file), target).unwrap();
    };
    rest.iter().for_each(place);
    place(&trail[0]);
    let mut live = LiveProcess::start(&home, &["in"]);
    for (n, file) in trail[1..].iter().enumerate() {
        place(file);
        if n % 16 == 7 {
            std::thread::sleep(Duration::from_millis(dice(&mut seed) % 1500));
        }
        if n % 40 == 20 {
            live.kill();
            live = LiveProcess::start(&home, &["in"]);
        }
        if n == 50 {
            config.iter().for_each(place);
        }
    }
    let wanted = theirs["object"].len() as i64;
    until("all objects", || rows(&home, "object") >= wanted);
    // What waited is judged half a minute later at the latest.
    let end = Instant::now() + Duration::from_secs(60);
    while without_numbers(state(&home)) != theirs && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(200));
    }
    for (table, rows) in without_numbers(state(&home)) {
        let (ours, theirs): (BTreeSet<_>, BTreeSet<_>) =
            (rows.iter().collect(), theirs[table].iter().collect());
        let live = ours.difference(&theirs).map(|row| ("live only", row));
        for (who, row) in live.chain(theirs.difference(&ours).map(|row| ("once only", row))) {
            println!("{table}, {who}: {row:.400}");
        }
    }
    assert!(without_numbers(state(&home)) == theirs);
    let last = live.stop();
    assert!(
        last.iter()
            .any(|l| l.contains("everything that came is kept")),
        "{last:?}"
    );
    let result = |home: &Home| {
        let connection = rusqlite::Connection::open(home.path("bartizan-store/state.sqlite"));
        let text: Vec<u8> = connection
            .unwrap()
            .query_row("select value from kept where key = 'result'", [], |row| {
                row.get(0)
            })
            .unwrap();
        let mut value: Value = serde_json::from_slice(&text).unwrap();
        // The log is signed when it is written, and ids that were given up are history.
        value["evidence"] = Value::Null;
        value["merged"] = Value::Null;
        // What a person was told before depends on the runs before.
        value["bill"]["news"] = Value::Null;
        for one in value["snapshot"].as_array_mut().unwrap() {
            one["id"] = Value::Null;
        }
        numberless(&value.to_string())
    };
    let (ours, theirs) = (result(&home), result(&clean));
    let at = ours.bytes().zip(theirs.bytes()).take_while(|(a, b)| a == b);
    let at = at.count().saturating_sub(200);
    let part = |text: &str| text.chars().skip(at).take(500).collect::<String>();
    assert!(
        ours == theirs,
        "live {}\nonce {}",
        part(&ours),
        part(&theirs)
    );
}

/// Log of one hour of an account, with some hundred events.
fn hour_of_events(hour: i64, account: u64, seed: &mut u64) -> (String, String) {
    let time = |second: i64| {
        let time = jiff::Timestamp::from_second(1_772_323_200 + hour * 3600 + second).unwrap();
        time.to_string()
    };
    let record = |n: i64, seed: &mut u64| {
        let (user, call) = (
            dice(seed) % 50,
            ["DescribeInstances", "GetObject", "ListBuckets"],
        );
        let call = call[(dice(seed) % 3) as usize];
        let source = if call == "DescribeInstances" {
            "ec2"
        } else {
            "s3"
        };
        format!(
            r#"{{"eventVersion":"1.11","userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::{account}:user/u{user}","accountId":"{account}","accessKeyId":"AKIA{user:016}","userName":"u{user}"}},"eventTime":"{}","eventSource":"{source}.amazonaws.com","eventName":"{call}","awsRegion":"eu-west-1","sourceIPAddress":"198.51.{}.{}","userAgent":"aws-cli/2","requestParameters":null,"responseElements":null,"eventID":"{:08x}-0000-4000-8000-{:012x}","eventType":"AwsApiCall","recipientAccountId":"{account}"}}"#,
            time(n * 9),
            dice(seed) % 256,
            dice(seed) % 256,
            dice(seed) as u32,
            dice(seed) & 0xffff_ffff_ffff,
        )
    };
    let records: Vec<String> = (0..400).map(|n| record(n, seed)).collect();
    let stamp = time(3599);
    let (day, minute) = (
        stamp[..10].replace('-', "/"),
        stamp[..16].replace(['-', ':'], ""),
    );
    let name = format!(
        "trail/AWSLogs/{account}/CloudTrail/eu-west-1/{day}/{account}_CloudTrail_eu-west-1_{minute}Z_x{hour}.json"
    );
    (name, format!("{{\"Records\":[{}]}}", records.join(",")))
}

/// Two weeks of five accounts, an hour each time, as fast as they are taken: memory and files stay
/// as they were when the lookback was full.
#[test]
#[ignore = "some minutes"]
fn two_simulated_weeks_stay_bounded() {
    let home = Home::new();
    fs::create_dir_all(home.path("trail")).unwrap();
    let config = "[trail]\nsources = [\"trail\"]\nlookback_days = 3\n";
    fs::write(home.path("bartizan.toml"), config).unwrap();
    let live = LiveProcess::start(&home, &[]);
    let (mut seed, mut written) = (88_172_645_463_325_252, 0);
    let mut sizes = Vec::new();
    for day in 0..14 {
        for hour in 24 * day..24 * (day + 1) {
            for account in 111_122_223_333..111_122_223_338 {
                let (name, text) = hour_of_events(hour, account, &mut seed);
                let path = home.path(&name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
                written += 1;
            }
        }
        until("a day is taken", || rows(&home, "object") >= written);
        let size = |name: &str| fs::metadata(home.path(name)).map_or(0, |m| m.len());
        let disk = size("bartizan-store/scans.sqlite") + size("bartizan-store/state.sqlite");
        println!(
            "day {day}: {} MB resident, {} KB on disk",
            live.resident_bytes() >> 20,
            disk >> 10
        );
        sizes.push((live.resident_bytes(), disk));
    }
    live.stop();
    let (resident, disk) = sizes[6];
    let (last_resident, last_disk) = sizes[13];
    assert!(last_resident < resident * 13 / 10 + (16 << 20), "{sizes:?}");
    assert!(last_disk < disk * 13 / 10 + (4 << 20), "{sizes:?}");
    assert!(last_resident < 200 << 20, "{sizes:?}");
}
