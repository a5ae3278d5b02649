//! Log integrity from outside: the command on a disk, the memory of a store, the AWS CLI's
//! validator as an oracle, and speed.

#[path = "../../trail/tests/chain/mod.rs"]
pub(crate) mod chain;

mod bucket;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bartizan_trail::digest::TrailVerdict;
use base64::Engine;
use serde_json::{Value, json};

use crate::common::{Home, root, venv};
use bucket::BucketServer;
use chain::{Made, Memory, Plan, START_S, call, check, gunzip, gzip};

/// Writes a made trail beside a configuration, with the names that `watch` looks for.
pub(crate) fn write_files(made: &Made, folder: &Path) {
    write(made, folder);
    for (from, to) in [
        ("keys.json", "digest-key.json"),
        ("signatures.txt", "digest-signatures.txt"),
    ] {
        std::fs::rename(folder.join(from), folder.join(to)).unwrap();
    }
}

/// Writes a made trail as it would lie on a disk.
fn write(made: &Made, folder: &Path) {
    let _ = std::fs::remove_dir_all(folder.join("trail"));
    for (key, bytes) in &made.files {
        let path = folder.join("trail").join(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    std::fs::create_dir_all(folder.join("trail")).unwrap();
    std::fs::write(folder.join("signatures.txt"), made.sidecar()).unwrap();
    let keys = json!({ "PublicKeyList": made.keys });
    std::fs::write(folder.join("keys.json"), keys.to_string()).unwrap();
}

const VERIFY: [&str; 6] = [
    "verify",
    "trail",
    "trail",
    "--keys",
    "keys.json",
    "--signatures",
];

/// Arguments of `verify trail` in a home with a made trail.
fn args<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [VERIFY.as_slice(), &["signatures.txt"], more].concat()
}

fn rows(text: &str) -> Vec<Value> {
    text.lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}

#[test]
fn the_heist_is_verified_offline() {
    let home = Home::new();
    let heist = root().join("examples/heist");
    let path = |name: &str| heist.join(name).to_str().unwrap().to_owned();
    let (trail, keys, signatures) = (
        path("trail"),
        path("digest-key.json"),
        path("digest-signatures.txt"),
    );
    let args = [
        "verify",
        "trail",
        &trail,
        "--keys",
        &keys,
        "--signatures",
        &signatures,
    ];
    // Its trail has two logs of a region that has no digests.
    let text = home.must(11, &args);
    assert!(
        text.starts_with(
            "NOT ALL COULD BE CHECKED  2 files and digests unchecked; 56 digests and 56 logs are \
            valid, none is wrong\n"
        ),
        "{text}"
    );
    let told = rows(&home.must(11, &[args.as_slice(), &["--format", "ndjson"]].concat()));
    assert_eq!(told.len(), 114);
    let first = &told[0];
    for field in [
        "kind",
        "object",
        "account",
        "region",
        "first_time",
        "last_time",
        "because",
    ] {
        assert!(first.get(field).is_some(), "{field}: {first}");
    }
    // Nothing is written where nobody asked for a store.
    assert!(!home.path("bartizan-store").exists());
}

#[test]
fn exit_codes_and_lines() {
    let home = Home::new();
    let mut made = Made::new(&[Plan::default()]);
    write(&made, home.dir.path());
    let text = home.must(0, &args(&[]));
    assert!(
        text.starts_with("the trail is what CloudTrail signed: 12 digests and 36 logs are valid\n"),
        "{text}"
    );
    // An unknown key, or no digest at all.
    std::fs::write(home.path("none.json"), "[]").unwrap();
    let none = ["verify", "trail", "trail", "--keys", "none.json"];
    assert!(home.must(11, &none).starts_with("NOT ALL COULD BE CHECKED"));
    std::fs::create_dir(home.path("empty")).unwrap();
    std::fs::write(home.path("empty/x.txt"), "x").unwrap();
    let empty = ["verify", "trail", "empty", "--keys", "keys.json"];
    assert!(home.must(11, &empty).starts_with("CANNOT TELL"));
    // Tampering, which outweighs what is unchecked.
    let (log, digest) = (made.logs[5][1].clone(), made.digests[8].clone());
    let text = String::from_utf8(gunzip(&made.files[&log])).unwrap();
    made.files
        .insert(log.clone(), gzip(text.replace("ana", "bob").as_bytes()));
    made.files.remove(&digest);
    write(&made, home.dir.path());
    let told = home.must(10, &args(&[]));
    assert!(
        told.starts_with(
            "THE TRAIL IS NOT WHAT CLOUDTRAIL SIGNED: 1 tampered with, 1 missing; 11 digests and \
            32 logs are valid\n"
        ),
        "{told}"
    );
    for said in [
        "  111122223333 us-east-1\n",
        "    2026-03-01 08:00 to 2026-03-01 09:00  digest missing\n",
        &format!("  TAMPERED  trail/{log}\n"),
        &format!("  MISSING   {digest}\n"),
    ] {
        assert!(told.contains(said), "{said}\n{told}");
    }
    let list: Value = serde_json::from_str(&home.must(10, &args(&["--format", "json"]))).unwrap();
    let kinds = |kind: &str| {
        list.as_array()
            .unwrap()
            .iter()
            .filter(|r| r["kind"] == kind)
            .count()
    };
    assert_eq!(
        (
            kinds("valid"),
            kinds("tampered"),
            kinds("missing"),
            kinds("unchecked")
        ),
        (43, 1, 1, 3)
    );
    let missing = list
        .as_array()
        .unwrap()
        .iter()
        .find(|r| r["kind"] == "missing")
        .unwrap();
    assert_eq!(
        (
            &missing["first_time"],
            &missing["last_time"],
            &missing["object"]
        ),
        (
            &json!("2026-03-01T08:00:00Z"),
            &json!("2026-03-01T09:00:00Z"),
            &json!(digest)
        )
    );
}

#[test]
fn a_stop_on_record_explains_a_gap() {
    let home = Home::new();
    let stop = call(
        &Plan::default(),
        START_S + 3 * 3600 + 1800,
        "StopLogging",
        json!({"name": "arn:aws:cloudtrail:us-east-1:111122223333:trail/main"}),
    );
    let made = Made::new(&[Plan {
        silent: vec![4, 5],
        restarts: vec![6],
        records: vec![(3, stop.clone())],
        ..Plan::default()
    }]);
    write(&made, home.dir.path());
    let told = rows(&home.must(0, &args(&["--format", "ndjson"])));
    let gap = told.iter().find(|r| r["kind"] == "gap").unwrap();
    assert_eq!(gap["recorded"], stop["eventID"]);
    assert_eq!(
        (&gap["first_time"], &gap["last_time"]),
        (
            &json!("2026-03-01T04:00:00Z"),
            &json!("2026-03-01T06:00:00Z")
        )
    );
}

#[test]
fn a_store_finds_what_was_deleted_at_the_end() {
    let home = Home::new();
    let made = Made::new(&[Plan::default()]);
    let store = ["--store", "store"];
    write(&made, home.dir.path());
    home.must(0, &args(&store));
    // Nothing new: nothing is read, and nothing is signed.
    let head = std::fs::read(home.path("store/checkpoint")).unwrap();
    let again = rows(&home.must(0, &args(&["--store", "store", "--format", "ndjson"])));
    assert!(
        again
            .iter()
            .all(|r| r["because"].as_str().unwrap().contains("earlier run")),
        "{again:?}"
    );
    assert_eq!(std::fs::read(home.path("store/checkpoint")).unwrap(), head);
    let all = rows(&home.must(
        0,
        &args(&["--store", "store", "--all", "--format", "ndjson"]),
    ));
    assert!(
        !all.iter()
            .any(|r| r["because"].as_str().unwrap().contains("earlier run"))
    );
    home.must(0, &["verify", "evidence", "--store", "store"]);

    let newest = &made.digests[11];
    for n in [1, 4, 12] {
        let mut cut = made.clone();
        cut.cut(n);
        cut.signatures.clear();
        write(&cut, home.dir.path());
        let told = rows(&home.must(10, &args(&["--store", "store", "--format", "ndjson"])));
        let lost = told
            .iter()
            .find(|r| r["kind"] == "missing" && r["object"] == **newest)
            .unwrap_or_else(|| panic!("{n}: {told:?}"));
        let first = bartizan_model::time_text(START_S + (12 - n as i64) * 3600);
        assert_eq!(lost["first_time"], first, "{n}");
        assert_eq!(lost["last_time"], "2026-03-01T12:00:00Z", "{n}");
    }
    // It never goes back, and does not get used to it.
    home.must(10, &args(&store));
    write(&made, home.dir.path());
    home.must(0, &args(&store));
}

#[test]
fn what_is_new_is_read_and_what_changed_is_found() {
    let home = Home::new();
    let long = Made::new(&[Plan::default()]);
    let mut short = long.clone();
    short.cut(4);
    short
        .signatures
        .retain(|key, _| !long.digests[8..].contains(key));
    write(&short, home.dir.path());
    home.must(0, &args(&["--store", "store"]));
    write(&long, home.dir.path());
    let told = rows(&home.must(0, &args(&["--store", "store", "--format", "ndjson"])));
    let read = |r: &&Value| !r["because"].as_str().unwrap().contains("earlier run");
    assert_eq!(told.iter().filter(read).count(), 4 * 4);
    // A log that was verified is deleted, one is changed in size, one is put beside.
    let mut bad = long.clone();
    let (gone, changed) = (bad.logs[2][0].clone(), bad.logs[2][1].clone());
    bad.files.remove(&gone);
    bad.files.insert(changed.clone(), gzip(b"{\"Records\":[]}"));
    let forged = Plan::default().log_key(START_S + 2 * 3600 + 600, "Forged0123456789");
    bad.files.insert(forged.clone(), gzip(b"{\"Records\":[]}"));
    write(&bad, home.dir.path());
    for more in [
        &["--store", "store", "--format", "ndjson"][..],
        &["--store", "store", "--format", "ndjson", "--all"],
    ] {
        let told = rows(&home.must(10, &args(more)));
        for (kind, object) in [
            ("missing", &gone),
            ("tampered", &changed),
            ("extra", &forged),
        ] {
            assert!(
                told.iter().any(|r| r["kind"] == kind
                    && r["object"].as_str().unwrap().ends_with(object.as_str())),
                "{kind} {object}: {told:?}"
            );
        }
    }
}

#[test]
fn a_store_that_was_rolled_back_is_found() {
    let home = Home::new();
    let long = Made::new(&[Plan::default()]);
    let mut short = long.clone();
    short.cut(4);
    short
        .signatures
        .retain(|key, _| !long.digests[8..].contains(key));
    write(&short, home.dir.path());
    home.must(0, &args(&["--store", "store"]));
    let copy = home.path("copy");
    crate::watch::copy(&home.path("store"), &copy, &mut |name| {
        vec![name.to_owned()]
    });
    write(&long, home.dir.path());
    home.must(0, &args(&["--store", "store"]));
    // The end of the trail is deleted, and the store is what it was before.
    std::fs::remove_dir_all(home.path("store")).unwrap();
    std::fs::rename(copy, home.path("store")).unwrap();
    write(&short, home.dir.path());
    let told = rows(&home.must(10, &args(&["--store", "store", "--format", "ndjson"])));
    let found: Vec<&Value> = told.iter().filter(|r| r["kind"] == "tampered").collect();
    assert_eq!(found.len(), 1, "{told:?}");
    assert!(
        found[0]["because"]
            .as_str()
            .unwrap()
            .contains("rolled back")
    );
}

/// Pseudorandom numbers by a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) % n.max(1) as u64) as usize
    }

    fn of<T: Clone>(&mut self, list: &[T]) -> Option<T> {
        (!list.is_empty()).then(|| list[self.below(list.len())].clone())
    }
}

/// One random change that the AWS CLI can judge too. It inflates only the first member of a file
/// and takes the last of repeated keys, so those are not among them.
fn tamper(made: &mut Made, random: &mut Random) {
    let logs: Vec<String> = made.logs.concat();
    let (Some(digest), other) = (
        random.of(&made.digests.clone()),
        random.of(&made.digests.clone()),
    ) else {
        return;
    };
    let (log, other_log) = (random.of(&logs), random.of(&logs));
    let field = |made: &mut Made, name: &str, value: Value| {
        let mut document = made.documents[&digest].clone();
        document[name] = value;
        made.forge(&digest, &document.to_string());
    };
    let kind = random.below(18);
    match (kind, log, other_log) {
        (0, ..) => drop(made.files.remove(&digest)),
        (1, ..) => {
            if let Some(bytes) = made.files.get_mut(&digest) {
                let at = random.below(bytes.len());
                bytes[at] ^= 0x55;
            }
        }
        (2, ..) => field(made, "logFiles", json!([])),
        (3, ..) => field(made, "previousDigestHashValue", json!("00".repeat(32))),
        (4, ..) => field(made, "digestStartTime", json!("2026-03-01T00:00:01Z")),
        (5, ..) => field(made, "digestS3Object", json!("AWSLogs/elsewhere")),
        (6, ..) => field(made, "digestPublicKeyFingerprint", json!("0".repeat(32))),
        (7, ..) => drop(made.signatures.insert(digest, "ab".repeat(256))),
        (8, ..) => drop(made.files.insert(digest, gzip(b"{}"))),
        (9, ..) => {
            if let Some(bytes) = other.and_then(|o| made.files.get(&o).cloned()) {
                made.files.insert(digest, bytes);
            }
        }
        (10, ..) => {
            let mut document = made.documents[&digest].clone();
            document["logFiles"] = json!([]);
            made.put_digest(&digest, document, 2);
        }
        (11, Some(log), _) => drop(made.files.remove(&log)),
        (12, Some(log), _) => drop(made.files.insert(log, gzip(b"{\"Records\":[]}"))),
        (13, Some(log), Some(other)) => {
            if let Some(bytes) = made.files.get(&other).cloned() {
                made.files.insert(log, bytes);
            }
        }
        (14, Some(log), _) => {
            if let Some(bytes) = made.files.get_mut(&log) {
                bytes.truncate(bytes.len() / 2);
            }
        }
        (15, Some(log), _) => drop(made.files.insert(log, b"{}".to_vec())),
        (16, Some(log), _) => {
            if let Some(bytes) = made.files.get_mut(&log) {
                let at = 10 + random.below(bytes.len().saturating_sub(11));
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 0x55;
                }
            }
        }
        _ => {
            for log in made.logs.concat() {
                made.files.remove(&log);
            }
        }
    }
}

/// A random trail with none to three changes.
fn random_trail(seed: u64) -> Made {
    let mut random = Random(seed);
    let hours = 3 + random.below(6) as i64;
    let changes = random.below(4);
    let some_hour = |random: &mut Random| 1 + random.below(hours as usize - 1) as i64;
    let mut plan = Plan {
        hours,
        logs: random.below(4),
        start_s: START_S + random.below(7200) as i64,
        ..Plan::default()
    };
    if random.below(3) == 0 {
        plan.rotated = Some(some_hour(&mut random));
    }
    if random.below(3) == 0 {
        plan.restarts = vec![some_hour(&mut random)];
    }
    if random.below(3) == 0 {
        plan.empty = vec![some_hour(&mut random)];
    }
    // Where it jumps over a digest the AWS CLI stays in the newer bucket.
    if random.below(2) == 0 && changes == 0 && plan.restarts.is_empty() {
        plan.moved = Some((some_hour(&mut random), "new-logs"));
    }
    let mut plans = vec![plan.clone()];
    if random.below(5) == 0 {
        plans.push(Plan {
            backfill: true,
            hours: 2,
            restarts: Vec::new(),
            // The AWS CLI looks for all of them in one bucket.
            bucket: plan.moved.map_or(plan.bucket, |(_, bucket)| bucket),
            moved: None,
            start_s: plan.start_s + 60,
            ..plan
        });
    }
    let mut made = Made::new(&plans);
    for _ in 0..changes {
        tamper(&mut made, &mut random);
    }
    made
}

/// On random trails the AWS CLI's own validator says the same of every object that it judges.
#[test]
fn the_aws_cli_agrees() {
    let Some(venv) = venv("BARTIZAN_VENV") else {
        return;
    };
    let count: u64 = std::env::var("BARTIZAN_CASES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(500);
    let trails: Vec<Made> = (0..count).map(random_trail).collect();
    let cases: Vec<Value> = trails
        .iter()
        .map(|made| {
            let newest = made.digests.iter().rfind(|d| !d.contains("_backfill"));
            let encode = |bytes: &Vec<u8>| base64::prelude::BASE64_STANDARD.encode(bytes);
            let objects: serde_json::Map<String, Value> = made
                .files
                .iter()
                .map(|(key, bytes)| (key.clone(), json!(encode(bytes))))
                .collect();
            json!({
                "objects": objects,
                "signatures": made.signatures,
                "keys": made.keys,
                "bucket": made.documents[newest.unwrap()]["digestS3Bucket"],
                "start": "2026-02-28T00:00:00Z",
                "end": "2026-03-03T00:00:00Z",
            })
        })
        .collect();
    let mut child = Command::new(venv.join("bin/python"))
        .arg(root().join("crates/app/tests/digest/validate.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        stdin
            .write_all(Value::from(cases).to_string().as_bytes())
            .unwrap();
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let told: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let (mut judged, mut invalid, mut codes) = (0, 0, [0, 0]);
    for (seed, (made, theirs)) in trails.iter().zip(&told).enumerate() {
        let (report, _) = check(made, &Memory::default());
        for (object, said) in theirs["said"].as_object().unwrap() {
            let valid = said.as_array().unwrap().iter().all(|s| s == "valid");
            let ours: Vec<TrailVerdict> = report
                .checks
                .iter()
                .filter(|c| c.object.ends_with(object.as_str()))
                .map(|c| c.kind)
                .filter(|k| *k != TrailVerdict::Gap)
                .collect();
            let same =
                !ours.is_empty() && ours.iter().all(|k| (*k == TrailVerdict::Valid) == valid);
            assert!(
                same,
                "seed {seed}: {object}: the AWS CLI says {said}, we say {ours:?}"
            );
            judged += 1;
            invalid += usize::from(!valid);
        }
        // Its exit code is 1 only where ours is not 0.
        let wrong = report
            .checks
            .iter()
            .any(|c| c.is_alarm() || c.kind == TrailVerdict::Unchecked);
        if theirs["code"] == 1 {
            assert!(wrong, "seed {seed}: {theirs}");
        }
        codes[usize::from(theirs["code"] == 1)] += 1;
    }
    println!(
        "{judged} verdicts on {count} trails agree, {invalid} of them invalid; codes {codes:?}"
    );
    assert!(codes[0] > 50 || count < 500, "{codes:?}");
}

/// A home whose AWS is a bucket.
fn home_of(server: &BucketServer) -> Home {
    Home::with_aws(&server.url)
}

#[test]
fn a_bucket_is_verified_with_keys_and_signatures_of_aws() {
    let made = Made::new(&[Plan::default()]);
    let server = BucketServer::start(made.clone(), Duration::ZERO);
    let home = home_of(&server);
    let verify = ["verify", "trail", "s3://audit-logs", "--store", "store"];
    let text = home.must(0, &verify);
    assert!(
        text.starts_with("the trail is what CloudTrail signed: 12 digests and 36 logs are valid\n"),
        "{text}"
    );
    assert_eq!(server.gets.load(Ordering::SeqCst), 48);
    home.must(0, &verify);
    assert_eq!(
        server.gets.load(Ordering::SeqCst),
        48,
        "nothing is read again"
    );
    home.must(0, &["verify", "evidence", "--store", "store"]);
    // The store keeps the signatures: a copy on a disk can be checked without S3.
    write(&made, home.dir.path());
    std::fs::remove_file(home.path("signatures.txt")).unwrap();
    let offline = [
        "verify",
        "trail",
        "trail",
        "--keys",
        "keys.json",
        "--store",
        "store",
        "--all",
    ];
    let told = rows(&home.must(0, &[&offline[..], &["--format", "ndjson"]].concat()));
    let signed = |r: &&Value| r["because"] == "its signature verifies";
    assert_eq!(told.iter().filter(signed).count(), 12);
    // What may not be read is not called deleted; what is deleted is.
    server.denied.lock().unwrap().push(made.logs[5][0].clone());
    let all = [
        "verify",
        "trail",
        "s3://audit-logs",
        "--store",
        "store",
        "--all",
    ];
    let text = home.must(11, &all);
    assert!(text.contains("AccessDenied"), "{text}");
    server.made.lock().unwrap().cut(2);
    let told = rows(&home.must(10, &[&verify[..], &["--format", "ndjson"]].concat()));
    assert!(
        told.iter()
            .any(|r| r["kind"] == "missing" && r["object"] == *made.digests[11]),
        "{told:?}"
    );
}

/// A trail of 200 digests and 2,000 logs of 43 KB.
fn large() -> Made {
    Made::new(&[Plan {
        hours: 200,
        logs: 10,
        records_of_log: 84,
        ..Plan::default()
    }])
}

fn inflated(made: &Made) -> usize {
    made.files.values().map(|bytes| gunzip(bytes).len()).sum()
}

#[test]
#[ignore = "a benchmark: cargo xtask bench digest"]
fn bench_disk() {
    let home = Home::new();
    let made = large();
    write(&made, home.dir.path());
    println!(
        "{} files, {:.1} MB inflated, {:.1} MB stored",
        made.files.len(),
        inflated(&made) as f64 / 1e6,
        made.files.values().map(Vec::len).sum::<usize>() as f64 / 1e6
    );
    let one = || {
        // The floor: the same files read, inflated and hashed, and nothing else.
        let start = Instant::now();
        let mut inflater = libdeflater::Decompressor::new();
        let (mut text, mut sum) = (Vec::new(), 0u64);
        for key in made.files.keys() {
            let bytes = std::fs::read(home.path("trail").join(key)).unwrap();
            let size = u32::from_le_bytes(bytes[bytes.len() - 4..].try_into().unwrap());
            text.resize(size as usize, 0);
            inflater.gzip_decompress(&bytes, &mut text).unwrap();
            sum += u64::from(chain::sha256(&text)[0]);
        }
        let floor = start.elapsed().as_secs_f64();
        let start = Instant::now();
        let text = home.must(0, &args(&["--threads", "1"]));
        let ours = start.elapsed().as_secs_f64();
        assert!(
            text.contains("200 digests and 2,000 logs are valid") && sum > 0,
            "{text}"
        );
        (floor, ours)
    };
    let runs: Vec<(f64, f64)> = (0..7).map(|_| one()).collect();
    let least = |of: fn(&(f64, f64)) -> f64| runs.iter().map(of).fold(f64::MAX, f64::min);
    let (floor, ours) = (least(|r| r.0), least(|r| r.1));
    println!(
        "floor {floor:.3} s, verify trail {ours:.3} s with one thread: {:.2} × (≤ 1.3)",
        ours / floor
    );
}

#[test]
#[ignore = "a benchmark: cargo xtask bench digest"]
fn bench_bucket() {
    let Some(venv) = venv("BARTIZAN_VENV") else {
        return;
    };
    let server = BucketServer::start(large(), Duration::from_millis(30));
    let home = home_of(&server);
    let start = Instant::now();
    let text = home.must(0, &["verify", "trail", "s3://audit-logs"]);
    let ours = start.elapsed().as_secs_f64();
    assert!(
        text.contains("200 digests and 2,000 logs are valid"),
        "{text}"
    );
    let start = Instant::now();
    let output = Command::new(venv.join("bin/aws"))
        .args([
            "cloudtrail",
            "validate-logs",
            "--trail-arn",
            "arn:aws:cloudtrail:us-east-1:111122223333:trail/main",
            "--start-time",
            "2026-03-01T00:00:00Z",
            "--end-time",
            "2026-03-12T00:00:00Z",
            "--s3-bucket",
            "audit-logs",
        ])
        .env_clear()
        .env("HOME", home.dir.path())
        .env("AWS_ENDPOINT_URL", &server.url)
        .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "canary-secret-key")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .output()
        .unwrap();
    let theirs = start.elapsed().as_secs_f64();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("2000/2000 log files valid"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    println!(
        "30 ms a GET: verify trail {ours:.2} s, aws cloudtrail validate-logs {theirs:.2} s: {:.1} \
        × (≥ 20)",
        theirs / ours
    );
}
