//! CPU of scanning and evaluating with and without lookahead, i.e. recognizing repeated records
//! without parsing them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use bartizan_detect::{
    Evaluator, FirstSeenMemory, Networks, Rules, ScanPlan, Scanner, builtin_files,
};
use bartizan_trail::{TrailItem, TrailReader};
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::{Value, json};

use crate::common::{gzip, shared};

/// Runs of each kind, by turns; the best counts.
const RUNS: usize = 3;
/// Copies of the real records.
const COPIES: u128 = 200;
const OBJECT_BYTES: usize = 3_000_000;

/// CPU of this process in seconds.
fn cpu() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    let seconds = |t: nix::sys::time::TimeVal| t.tv_sec() as f64 + t.tv_usec() as f64 / 1e6;
    seconds(usage.user_time()) + seconds(usage.system_time())
}

/// Paths of all files below a folder, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// The made corpus: real records shuffled, with fresh ids, times and addresses.
fn made(script: &Path) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ablate");
    let _ = fs::remove_dir_all(&folder);
    let output = Command::new("python3")
        .arg(script)
        .arg(&folder)
        .arg("500")
        .output()
        .unwrap();
    assert!(output.status.success());
    let objects = files(&folder)
        .iter()
        .map(|path| fs::read(path).unwrap())
        .collect();
    fs::remove_dir_all(&folder).unwrap();
    objects
}

/// Real records in their own order, written out again and again with fresh event ids and times.
fn real(data: &Path) -> Vec<Vec<u8>> {
    let mut records: Vec<Value> = Vec::new();
    for folder in ["invictus", "otrf", "stratus"] {
        for file in files(&data.join(folder)) {
            TrailReader::new().read(&mut fs::read(file).unwrap().as_slice(), &mut |item| {
                if let TrailItem::Event(event) = item
                    && event.time_s().is_some()
                {
                    records.push(serde_json::from_slice(event.raw()).unwrap());
                }
            });
        }
    }
    let (mut objects, mut text) = (Vec::new(), String::new());
    for copy in 0..COPIES {
        for (n, record) in records.iter_mut().enumerate() {
            // Odd multipliers of 128 bits give ids that look random and are all different.
            let id =
                (copy << 32 | n as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_0c41_d2b5_27cd);
            let hex = format!("{id:032x}");
            record["eventID"] = json!(format!(
                "{}-{}-{}-{}-{}",
                &hex[..8],
                &hex[8..12],
                &hex[12..16],
                &hex[16..20],
                &hex[20..]
            ));
            let time: jiff::Timestamp = record["eventTime"].as_str().unwrap().parse().unwrap();
            let later = if copy == 0 { 0 } else { 2 * 3600 };
            let time = jiff::Timestamp::from_second(time.as_second() + later).unwrap();
            record["eventTime"] = json!(time.to_string());
            text += if text.is_empty() {
                "{\"Records\":["
            } else {
                ","
            };
            text += &record.to_string();
            if text.len() > OBJECT_BYTES {
                objects.push(gzip((std::mem::take(&mut text) + "]}").as_bytes()));
            }
        }
    }
    if !text.is_empty() {
        objects.push(gzip((text + "]}").as_bytes()));
    }
    objects
}

/// CPU seconds of one run, and its findings.
fn run(plan: &ScanPlan, objects: &[Vec<u8>], lookahead: bool) -> (f64, u64, String) {
    let start = cpu();
    let mut evaluator = Evaluator::new(plan);
    let mut scanner = Scanner::new(plan);
    if !lookahead {
        scanner = scanner.without_lookahead();
    }
    for object in objects {
        let spare = evaluator.take("object", scanner.scan(&mut object.as_slice()));
        scanner.reuse(spare);
    }
    evaluator.take_rest(scanner.finish());
    let result = evaluator.finish(false, &|id| id.to_owned());
    let seconds = cpu() - start;
    let findings = serde_json::to_string(&result.findings).unwrap();
    (seconds, result.totals.events, findings)
}

fn compare(name: &str, objects: &[Vec<u8>]) {
    let plan = ScanPlan {
        rules: Rules::load(&builtin_files()),
        networks: Networks::builtin(),
        memory: FirstSeenMemory::default(),
        tally: false,
        calls: None,
    };
    let mut best = [f64::MAX; 2];
    for _ in 0..RUNS {
        let (with, events, found) = run(&plan, objects, true);
        let (without, _, same) = run(&plan, objects, false);
        assert!(found == same, "lookahead changes the findings of {name}");
        best = [best[0].min(with), best[1].min(without)];
        println!("{name}: {events} events, {with:.2} s with, {without:.2} s without lookahead");
    }
    println!(
        "{name}: lookahead saves {:.0} % of the CPU (it stays from 10 % on the real records)",
        100.0 * (1.0 - best[0] / best[1])
    );
}

#[test]
#[ignore = "a benchmark: cargo xtask bench trail --ablate"]
fn bench_lookahead() {
    let (Some(script), Some(data)) = (shared("bench/make_trail.py"), shared("data/cloudtrail"))
    else {
        return;
    };
    compare("made", &made(&script));
    compare("real", &real(&data));
}
