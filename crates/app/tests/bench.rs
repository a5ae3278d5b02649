//! Benchmarks: `cargo xtask bench latency` and `cargo xtask bench size` run these in release mode. They print figures
//! beside bounds and fail on nothing but a wrong result.

use std::fs;
use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use serde_json::Value;

use crate::canned::Canned;
use crate::common::{Home, shared};

/// CPU seconds and peak memory (MB) of all children so far.
fn children() -> (f64, f64) {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let seconds = |t: nix::sys::time::TimeVal| t.tv_sec() as f64 + t.tv_usec() as f64 / 1e6;
    (seconds(usage.user_time()) + seconds(usage.system_time()), usage.max_rss() as f64 / 1024.0)
}

/// Wall and CPU seconds of one run of the program.
fn measured(home: &Home, args: &[&str]) -> (f64, f64, String) {
    let (before, start) = (children().0, Instant::now());
    let text = home.must(0, args);
    (start.elapsed().as_secs_f64(), children().0 - before, text)
}

fn row(what: &str, figure: f64, unit: &str, bound: f64) {
    let verdict = if figure <= bound { "" } else { "   ABOVE THE BOUND" };
    println!("{what:<58} {figure:>9.2} {unit:<4} ≤ {bound}{verdict}");
}

#[test]
#[ignore = "a benchmark: cargo xtask bench latency"]
fn bench_latency() {
    const DELAY_SECONDS: f64 = 0.05;
    let mut canned = Canned::new(1);
    let all = canned.model.partition("aws").unwrap().regions.clone();
    canned.regions = all.into_iter().take(14).collect();
    canned.delay = Duration::from_secs_f64(DELAY_SECONDS);
    let (url, server) = canned.serve();
    let home = Home::with_aws(&url);
    let (wall, cpu, text) = measured(&home, &["snapshot"]);
    let calls = server.calls.load(Ordering::SeqCst) as f64;
    let ideal = calls / 32.0 * DELAY_SECONDS;
    println!("{}", text.lines().next().unwrap());
    println!("{calls} calls to a server that answers in 50 ms, 32 in flight; ideal {ideal:.2} s");
    row("wall, to the ideal", wall / ideal, "×", 1.3);
    row("wall", wall, "s", 1.3 * ideal);
    row("CPU of the client", cpu, "s", 2.0);
    row("peak memory of the client", children().1, "MB", 80.0);
}

#[test]
#[ignore = "a benchmark: cargo xtask bench size"]
fn bench_size() {
    let Some(script) = shared("bench/make_principals.py") else { return };
    let home = Home::new();
    let output = Command::new("python3").arg(script).args(["5000", "account.json"]).current_dir(home.dir.path()).output().unwrap();
    println!("{}", String::from_utf8_lossy(&output.stdout).trim());
    let bytes = fs::read(home.path("account.json")).unwrap();
    // The floor: reading the file as a tree, and hashing it.
    let start = Instant::now();
    let mut account: Value = serde_json::from_slice(&bytes).unwrap();
    let parse = start.elapsed().as_secs_f64();
    let (_, cpu, text) = measured(&home, &["snapshot", "--from", "account.json", "--quiet"]);
    println!("{}", text.lines().next().unwrap());
    row("CPU of import, facts and evidence, 10,000 principals", cpu, "s", 3.0);
    println!("{:<58} {:>9.2} ×    (serde_json alone: {parse:.2} s)", "  to the floor", cpu / parse);
    account["UserDetailList"][7]["UserPolicyList"][0]["PolicyDocument"]["Statement"][0]["Action"] = "*".into();
    account["RoleDetailList"][8]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] =
        serde_json::json!({"AWS": "999988887777"});
    account["RoleDetailList"].as_array_mut().unwrap().remove(4999);
    fs::write(home.path("account.json"), account.to_string()).unwrap();
    let (_, cpu, _) = measured(&home, &["snapshot", "--from", "account.json", "--quiet"]);
    row("CPU of the second snapshot", cpu, "s", 3.0);
    let (wall, cpu, text) = measured(&home, &["diff"]);
    println!("{}", text.lines().next().unwrap());
    assert!(text.starts_with("5 changes"), "{text}");
    row("CPU of the diff", cpu, "s", 0.3);
    row("wall of the diff", wall, "s", 0.3);
    let (_, cpu, text) = measured(&home, &["verify", "evidence"]);
    println!("{}", text.lines().next().unwrap());
    println!("{:<58} {cpu:>9.2} s", "CPU of verify evidence");
    println!("{:<58} {:>9.2} MB", "peak memory", children().1);
}
