//! Recall, delay and false alarms on made bills.

use std::collections::BTreeMap;
use std::path::Path;

use bartizan_model::Severity;
use bartizan_spend::{JudgeOptions, SpendFinding, day_text, judge};
use serde_json::Value;

use crate::bills;

fn day_of(text: &str) -> i32 {
    let date: jiff::civil::Date = text[..10].parse().unwrap();
    (date - jiff::civil::date(1970, 1, 1)).get_days()
}

#[test]
#[ignore = "needs made bills"]
fn evaluate() {
    let home = std::env::var("BARTIZAN_BILLS").unwrap();
    let verbose = std::env::var("BARTIZAN_VERBOSE").ok();
    let mut folders: Vec<_> = std::fs::read_dir(&home)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    folders.sort();
    // family+size+scale: found, total, low, delays
    let mut table: BTreeMap<String, (u32, u32, u32, Vec<i32>)> = BTreeMap::new();
    let mut quiet: BTreeMap<String, (f64, u32, u32)> = BTreeMap::new();
    for folder in folders {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let Ok(truth) = std::fs::read(folder.join("truth.json")) else {
            continue;
        };
        if let Ok(only) = std::env::var("BARTIZAN_ONLY")
            && !name.contains(&only)
        {
            continue;
        }
        let truth: Value = serde_json::from_slice(&truth).unwrap();
        let ledger = bills::read(Path::new(&folder));
        let found = judge(&ledger, &JudgeOptions::default());
        let scale = truth["scale"].as_str().unwrap();
        let accounts = truth["accounts"].as_array().unwrap().len() as f64;
        let days = truth["days"].as_f64().unwrap();
        let attack = &truth["attack"];
        let is_attack = |o: &SpendFinding| {
            let list = |n: &str| -> Vec<&str> {
                attack[n]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .collect()
            };
            let start = day_of(attack["start"].as_str().unwrap_or("1970-01-01"));
            let from = o.finding.first_time.as_deref().map(day_of);
            attack.is_object()
                && from.is_some_and(|d| d >= start - 1)
                && o.finding
                    .account
                    .as_deref()
                    .is_none_or(|a| list("accounts").contains(&a))
                && list("services")
                    .iter()
                    .chain(&list("service_names"))
                    .any(|s| {
                        o.finding.summary.contains(s)
                            || s.contains("Bedrock") && o.finding.summary.contains("AmazonBedrock")
                    })
        };
        if attack.is_object() {
            let start = day_of(attack["start"].as_str().unwrap());
            let key = format!(
                "{} {} {scale}",
                attack["family"].as_str().unwrap(),
                attack["size"].as_str().unwrap()
            );
            let row = table.entry(key).or_default();
            row.1 += 1;
            let hits: Vec<&SpendFinding> = found.iter().filter(|o| is_attack(o)).collect();
            let loud = hits
                .iter()
                .filter(|o| o.finding.severity >= Severity::Medium)
                .map(|o| o.known_day)
                .min();
            if let Some(known) = loud {
                row.0 += 1;
                row.3.push(known - start);
            } else if !hits.is_empty() {
                row.2 += 1;
            }
            if verbose.is_some() && loud.is_none_or(|k| k - start > 3) {
                println!(
                    "MISSED {name} start {} share {} usd {}",
                    day_text(start),
                    attack["share_of_daily"],
                    attack["extra_daily_usd"]
                );
                for h in hits {
                    println!(
                        "    {} {} {:?}",
                        h.finding.severity, h.finding.summary, h.finding.because
                    );
                }
            }
        }
        let row = quiet.entry(scale.to_owned()).or_default();
        row.0 += accounts * days / 30.4;
        for o in found
            .iter()
            .filter(|o| o.finding.severity >= Severity::Medium && !is_attack(o))
        {
            row.1 += 1;
            if verbose.is_some() {
                println!(
                    "FALSE {name} {o:?}\n    {}",
                    truth["look_alikes"]
                        .as_array()
                        .into_iter()
                        .flatten()
                        .map(|e| format!(
                            "{}@{} {} {}",
                            e["kind"],
                            e["start"].as_str().unwrap().get(..10).unwrap(),
                            e["account"],
                            e["code"]
                        ))
                        .collect::<Vec<_>>()
                        .join("; ")
                );
            }
        }
        row.2 += found.len() as u32;
    }
    for (key, (found, all, low, mut delays)) in table {
        delays.sort_unstable();
        let median = delays.get(delays.len() / 2);
        println!(
            "{key:<45} {found:>3}/{all:<3} low {low:<3} median delay {median:?} max {:?}",
            delays.last()
        );
    }
    for (scale, (months, loud, all)) in quiet {
        println!(
            "{scale:<8} {months:.0} account-months, {:.3} >= medium a month, {:.2} of any",
            f64::from(loud) / months,
            f64::from(all) / months
        );
    }
}

/// CPU time of this thread in seconds.
fn cpu_s() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

/// Peak memory of this process in MB.
fn peak_mb() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|l| l.starts_with("VmHWM")).unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        / 1024
}

/// Reading against inflating the same files and splitting their lines.
#[test]
#[ignore = "needs a large made bill"]
fn speed() {
    use std::io::Read;
    let home = std::env::var("BARTIZAN_BILL").unwrap();
    let files: Vec<_> = bills::files(Path::new(&home))
        .into_iter()
        .filter(|p| p.to_string_lossy().ends_with(".gz"))
        .collect();
    let start = cpu_s();
    let ledger = bills::read(Path::new(&home));
    let ours = cpu_s() - start;
    let memory = peak_mb();
    let start = cpu_s();
    let mut lines = 0;
    let mut window = vec![0; 1 << 20];
    for file in &files {
        let mut inflated = flate2::read::MultiGzDecoder::new(std::fs::File::open(file).unwrap());
        loop {
            let n = inflated.read(&mut window).unwrap();
            if n == 0 {
                break;
            }
            lines += memchr::memchr_iter(b'\n', &window[..n]).count();
        }
    }
    let floor = cpu_s() - start;
    let total: rust_decimal::Decimal = ledger.costs().map(|(_, d)| d.cost).sum();
    println!(
        "{} rows, {lines} lines, total {}",
        ledger.rows(),
        total.normalize()
    );
    println!(
        "inflating and splitting {floor:.2} s, reading {ours:.2} s: {:.2} times",
        ours / floor
    );
    println!(
        "peak memory {memory} MB, {} problems",
        ledger.problems.count
    );
}

/// Findings of one folder, as of a time.
#[test]
#[ignore = "needs a bill"]
fn show() {
    let mut options = JudgeOptions::default();
    if let Ok(time) = std::env::var("BARTIZAN_AS_OF") {
        options.as_of_s = time.parse::<jiff::Timestamp>().unwrap().as_second();
    }
    let ledger = bills::read(Path::new(&std::env::var("BARTIZAN_BILL").unwrap()));
    for found in judge(&ledger, &options) {
        let finding = &found.finding;
        println!(
            "{} {:?} {} {:?} {}",
            finding.id, finding.severity, finding.rule, finding.first_time, finding.summary
        );
        println!("    {:?}", finding.because);
    }
}
