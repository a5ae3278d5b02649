//! `cargo xtask bench spend`: recall, delay and false alarms on made bills, against simpler rules,
//! and the speed of reading.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bartizan_model::Severity;
use bartizan_spend::{FALSE_ALARMS, JudgeOptions, SpendFinding, day_text, judge};
use serde_json::Value;

use crate::made_bills::shared;
use crate::{baselines, bills};

/// Families of attacks; each is made at sizes M and L.
const FAMILIES: [&str; 9] = [
    "gpu-mining-new-region",
    "fargate-mining-same-region",
    "llmjacking-bedrock",
    "ses-spam",
    "data-egress",
    "snapshot-hoard",
    "sms-pumping",
    "blinded-sensors",
    "slow-drip",
];

fn day_of(text: &str) -> i32 {
    let date: jiff::civil::Date = text[..10].parse().unwrap();
    (date - jiff::civil::date(1970, 1, 1)).get_days()
}

/// Attack of a made bill.
struct Attack {
    start: i32,
    accounts: Vec<String>,
    services: Vec<String>,
}

impl Attack {
    fn of(truth: &Value) -> Option<Self> {
        let attack = truth["attack"].as_object()?;
        let list = |name: &str| -> Vec<String> {
            let all = attack[name].as_array().into_iter().flatten();
            all.filter_map(|v| v.as_str().map(str::to_owned)).collect()
        };
        Some(Self {
            start: day_of(attack["start"].as_str()?),
            accounts: list("accounts"),
            services: [list("services"), list("service_names")].concat(),
        })
    }

    fn is_hit(&self, found: &SpendFinding) -> bool {
        let finding = &found.finding;
        let begins = finding.first_time.as_deref().map(day_of);
        let names = |service: &String| {
            finding.summary.contains(service.as_str())
                || service.contains("Bedrock") && finding.summary.contains("AmazonBedrock")
        };
        begins.is_some_and(|day| day >= self.start - 1)
            && finding
                .account
                .as_ref()
                .is_none_or(|a| self.accounts.contains(a))
            && self.services.iter().any(names)
    }
}

/// Result of one rule over many bills.
#[derive(Default)]
struct Score {
    attacks: u32,
    delays: Vec<i32>,
    months: f64,
    false_alarms: u32,
}

impl Score {
    fn line(&mut self) -> String {
        self.delays.sort_unstable();
        let median = self.delays.get(self.delays.len() / 2).copied().unwrap_or(0);
        let found = self.delays.len() as f64 / f64::from(self.attacks.max(1));
        let wrong = f64::from(self.false_alarms) / self.months.max(1.0);
        format!(
            "{:>3} of {:>3} found ({:3.0} %), median delay {median} days, {wrong:.3} false alarms",
            self.delays.len(),
            self.attacks,
            100.0 * found
        )
    }

    /// Alarms by day: those from the attack on find it, runs of others are false.
    fn take(&mut self, days: &[i32], attack: Option<i32>) {
        let hit = attack.and_then(|start| days.iter().find(|d| **d >= start).map(|d| d - start));
        self.attacks += u32::from(attack.is_some());
        self.delays.extend(hit);
        let before = days
            .iter()
            .filter(|d| attack.is_none_or(|start| **d < start));
        let mut last = i32::MIN / 2;
        for day in before {
            self.false_alarms += u32::from(day - last > 3);
            last = *day;
        }
    }
}

/// Folders of made bills: those of `BARTIZAN_BILLS`, or small ones, which are made.
fn folders() -> Vec<PathBuf> {
    if let Some(home) = std::env::var_os("BARTIZAN_BILLS") {
        let only = std::env::var("BARTIZAN_ONLY").unwrap_or_default();
        let entries = std::fs::read_dir(home).unwrap().map(|e| e.unwrap().path());
        let mut found: Vec<PathBuf> = entries
            .filter(|p| p.join("truth.json").exists())
            .filter(|p| p.display().to_string().contains(&only))
            .collect();
        found.sort();
        return found;
    }
    let mut found = Vec::new();
    for seed in 1..=20 {
        let seed = seed.to_string();
        let made = |name: String, attack: String| {
            let base = ["--seed", &seed, "--granularity", "daily", "--format", "cur"];
            let arguments = [&base[..], &["--attack", &attack]].concat();
            crate::made_bills::made(&name, &arguments)
        };
        found.extend(made(format!("bench-none-{seed}"), "none".to_owned()));
        for family in FAMILIES {
            for size in ["M", "L"] {
                let name = format!("bench-{family}-{size}-{seed}");
                found.extend(made(name, format!("{family}:{size}")));
            }
        }
        let name = format!("bench-slow-drip-S-{seed}");
        found.extend(made(name, "slow-drip:S".to_owned()));
    }
    found
}

#[test]
#[ignore = "makes and reads hundreds of bills"]
fn evaluate() {
    if shared().is_none() {
        return;
    }
    let verbose = std::env::var_os("BARTIZAN_VERBOSE").is_some();
    let budget = std::env::var("BARTIZAN_FALSE_ALARMS").ok();
    let budget = budget.map_or(FALSE_ALARMS, |b| b.parse().unwrap());
    let options = JudgeOptions::default().with_false_alarms(budget);
    let mut rules: BTreeMap<&str, Score> = BTreeMap::new();
    let mut families: BTreeMap<String, Score> = BTreeMap::new();
    for folder in folders() {
        let text = std::fs::read(folder.join("truth.json")).unwrap();
        let truth: Value = serde_json::from_slice(&text).unwrap();
        let ledger = bills::read(&folder);
        let found = judge(&ledger, &options);
        let attack = Attack::of(&truth);
        let accounts = truth["accounts"].as_array().unwrap().len() as f64;
        let months = accounts * truth["days"].as_f64().unwrap() / 30.4;
        let loud = || {
            found
                .iter()
                .filter(|f| f.finding.severity >= Severity::Medium)
        };
        let is_hit = |f: &SpendFinding| attack.as_ref().is_some_and(|a| a.is_hit(f));
        let wrong: Vec<&SpendFinding> = loud().filter(|f| !is_hit(f)).collect();
        let hit = loud().filter(|f| is_hit(f)).map(|f| f.known_day).min();
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let size = truth["attack"]["size"].as_str().unwrap_or_default();
        let scale = truth["scale"].as_str().unwrap();
        let family = truth["attack"]["family"].as_str().unwrap_or("none");
        let own = families
            .entry(format!("{scale:<7} {family} {size}"))
            .or_default();
        let all = rules.entry("ours").or_default();
        for (score, counts) in [(own, true), (all, size != "S")] {
            score.attacks += u32::from(attack.is_some() && counts);
            if let Some(attack) = attack.as_ref().filter(|_| counts) {
                score.delays.extend(hit.map(|known| known - attack.start));
            }
            score.false_alarms += wrong.len() as u32;
            score.months += months;
        }
        for (rule, days) in baselines::alarms(&ledger) {
            let score = rules.entry(rule).or_default();
            score.months += months;
            score.take(
                &days,
                attack.as_ref().filter(|_| size != "S").map(|a| a.start),
            );
        }
        if verbose {
            print_misses(&name, attack.as_ref(), hit, &wrong);
        }
    }
    for (family, mut score) in families {
        println!("{family:<36} {}", score.line());
    }
    println!("\nAll attacks of sizes M and L; false alarms an account and month:");
    for (rule, mut score) in rules {
        println!("{rule:<36} {}", score.line());
    }
}

fn print_misses(name: &str, attack: Option<&Attack>, hit: Option<i32>, wrong: &[&SpendFinding]) {
    if let Some(attack) = attack
        && hit.is_none()
    {
        println!("MISSED {name} from {}", day_text(attack.start));
    }
    for found in wrong {
        let finding = &found.finding;
        println!(
            "FALSE {name} {} {} {:?}",
            finding.severity, finding.summary, finding.because
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
#[ignore = "makes and reads millions of rows"]
fn speed() {
    use std::io::Read;
    let home = match std::env::var_os("BARTIZAN_BILL") {
        Some(home) => Some(PathBuf::from(home)),
        None => crate::made_bills::made(
            "bench-speed",
            &[
                "--seed",
                "7",
                "--format",
                "cur",
                "--rows-target",
                "10000000",
            ],
        ),
    };
    let Some(home) = home else { return };
    let files: Vec<_> = bills::files(&home)
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
        "inflating and splitting {floor:.2} s, reading {ours:.2} s: {:.2} times (at most 2.5)",
        ours / floor
    );
    println!(
        "peak memory {memory} MB (at most 200), {} problems",
        ledger.problems.count
    );
}
