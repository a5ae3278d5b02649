//! Bills that `make_bill.py` makes: all formats say the same, and attacks are found.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use bartizan_model::Severity;
use bartizan_spend::{BillReader, JudgeOptions, SpendFinding, judge};

use crate::bills;

/// Folder of data that is not in this repository, or `None` with one line of why a test is left
/// out.
pub(crate) fn shared() -> Option<PathBuf> {
    let folder = std::env::var_os("BARTIZAN_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    if !folder.is_dir() {
        eprintln!("skipped: no data in BARTIZAN_SHARED");
        return None;
    }
    Some(folder)
}

/// Folder of a made bill, which is made if it is not there.
pub(crate) fn made(name: &str, arguments: &[&str]) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if !folder.join("truth.json").exists() {
        // Parquet is written where there is pyarrow.
        let python = std::env::var_os("BARTIZAN_VENV").map_or_else(
            || PathBuf::from("python3"),
            |venv| Path::new(&venv).join("bin/python"),
        );
        let made = Command::new(python)
            .arg(shared()?.join("bench/make_bill.py"))
            .arg(&folder)
            .args(arguments)
            .status()
            .unwrap();
        assert!(made.success(), "make_bill.py {arguments:?}");
    }
    Some(folder)
}

/// Families of attacks of `make_bill.py`.
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

/// Findings without what may differ between formats: evidence, and charts, which are for drawing.
fn comparable(found: &[SpendFinding]) -> Vec<String> {
    let line = |f: &SpendFinding| {
        let mut finding = f.finding.clone();
        finding.evidence.clear();
        serde_json::to_string(&finding).unwrap()
    };
    found.iter().map(line).collect()
}

#[test]
fn all_formats_say_the_same() {
    for (seed, attack) in [
        ("3", "gpu-mining-new-region:M"),
        ("4", "llmjacking-bedrock:M"),
        ("5", "blinded-sensors:M"),
    ] {
        let Some(folder) = in_all_formats(seed, attack) else {
            return;
        };
        agree(&folder, seed, attack);
    }
}

/// Twenty seeds in all formats, an attack of each family in turn.
#[test]
#[ignore = "makes twenty bills in seven formats"]
fn all_formats_say_the_same_for_twenty_seeds() {
    let home = std::env::var_os("BARTIZAN_BILLS").map(PathBuf::from);
    for seed in 1..=20 {
        let attack = format!("{}:M", FAMILIES[seed % FAMILIES.len()]);
        let seed = seed.to_string();
        let folder = match &home {
            Some(home) => Some(home.join(format!("formats-{seed}"))),
            None => in_all_formats(&seed, &attack),
        };
        let Some(folder) = folder else { return };
        println!("seed {seed}, {attack}: {}", agree(&folder, &seed, &attack));
    }
}

fn in_all_formats(seed: &str, attack: &str) -> Option<PathBuf> {
    let daily = ["--granularity", "daily", "--format", "all"];
    let arguments = [&["--seed", seed, "--attack", attack], &daily[..]].concat();
    made(&format!("formats-{seed}"), &arguments)
}

/// Holds the formats of one bill against each other, and names those that were.
fn agree(folder: &Path, seed: &str, attack: &str) -> String {
    let mut held = Vec::new();
    let mut of_cur = None;
    for format in ["cur", "cur2", "focus", "cur2-parquet"] {
        if !folder.join(format).is_dir() {
            continue;
        }
        held.push(format);
        let ledger = bills::read(&folder.join(format));
        assert_eq!(
            ledger.problems.count, 0,
            "{format}: {:?}",
            ledger.problems.first
        );
        let days = bills::totals_by_day(&ledger);
        let found = comparable(&judge(&ledger, &JudgeOptions::default()));
        match &of_cur {
            None => of_cur = Some((days, found)),
            Some((cur_days, cur_found)) => {
                assert_eq!(&days, cur_days, "seed {seed}: sums of {format}");
                assert_eq!(&found, cur_found, "seed {seed}: findings of {format}");
            }
        }
    }
    // The old report has neither list prices nor types of charges, but the same sums.
    let old = bills::totals_by_day(&bills::read(&folder.join("dbr")));
    let cents = |days: &BTreeMap<String, rust_decimal::Decimal>| -> Vec<(String, String)> {
        days.iter()
            .map(|(d, sum)| (d.clone(), sum.round_dp(2).to_string()))
            .collect()
    };
    assert_eq!(cents(&old), of_cur.map(|(days, _)| cents(&days)).unwrap());
    for format in ["cloudwatch", "ce", "dbr"] {
        let ledger = bills::read(&folder.join(format));
        assert_eq!(
            ledger.problems.count, 0,
            "{format}: {:?}",
            ledger.problems.first
        );
        let found = judge(&ledger, &JudgeOptions::default());
        let loud = found
            .iter()
            .filter(|f| f.finding.severity >= Severity::Medium);
        assert!(
            loud.count() >= 1,
            "seed {seed}: {attack} is not found in {format}"
        );
    }
    held.join(" ")
}

#[test]
fn the_order_of_files_and_reading_twice_change_nothing() {
    let arguments = [
        "--seed",
        "3",
        "--attack",
        "ses-spam:M",
        "--granularity",
        "daily",
    ];
    let arguments = [&arguments[..], &["--format", "cur2"]].concat();
    let Some(folder) = made("order", &arguments) else {
        return;
    };
    let files: Vec<PathBuf> = bills::files(&folder)
        .into_iter()
        .filter(|p| p.to_string_lossy().ends_with(".gz"))
        .collect();
    let read = |files: &mut dyn Iterator<Item = &PathBuf>| {
        let mut reader = BillReader::default();
        for file in files {
            let mut source = std::fs::File::open(file).unwrap();
            reader.read(&file.display().to_string(), &mut source);
        }
        comparable(&judge(&reader.finish(), &JudgeOptions::default()))
    };
    assert_eq!(read(&mut files.iter()), read(&mut files.iter().rev()));
}

/// Looked at three times a day while it grows and is corrected, a bill alerts on what it alerts on
/// once it is closed.
#[test]
fn a_growing_bill_alerts_on_what_the_closed_one_does() {
    let base = [
        "--seed",
        "9",
        "--attack",
        "fargate-mining-same-region:M",
        "--granularity",
        "daily",
    ];
    let base = [
        &base[..],
        &["--format", "cur2", "--days", "75", "--attack-day", "55"],
    ]
    .concat();
    let Some(closed) = made("closed", &base) else {
        return;
    };
    let alerts = |folder: &Path, as_of: Option<&str>| -> Vec<(String, String)> {
        let mut options = JudgeOptions::default();
        if let Some(time) = as_of.and_then(|t| t.parse::<jiff::Timestamp>().ok()) {
            options.as_of_s = time.as_second();
        }
        judge(&bills::read(folder), &options)
            .into_iter()
            .filter(|f| f.finding.severity >= Severity::Medium)
            .map(|f| (f.finding.id, f.finding.summary))
            .collect()
    };
    let wanted = alerts(&closed, None);
    assert!(!wanted.is_empty());
    let mut seen: Vec<(String, String)> = Vec::new();
    for day in 20..32 {
        for hour in ["01", "09", "17"] {
            let as_of = format!("2025-10-{day:02}T{hour}:00:00Z");
            let arguments = [&base[..], &["--as-of", &as_of]].concat();
            let Some(folder) = made(&format!("as-of-{day}-{hour}"), &arguments) else {
                return;
            };
            seen.extend(alerts(&folder, Some(&as_of)));
        }
    }
    seen.sort();
    seen.dedup();
    for (id, summary) in &seen {
        let is_known = wanted.iter().any(|(w, _)| w == id);
        assert!(
            is_known,
            "{id} was alerted and is not in the closed bill: {summary}"
        );
    }
    assert!(
        !seen.is_empty(),
        "the attack of October 26 was not seen by the 31st"
    );
}

/// Every eight hours through two months: nothing is found that the closed bill does not have, and
/// what the closed bill has was found while it grew.
#[test]
#[ignore = "makes a bill 180 times"]
fn two_months_of_deliveries_find_what_the_closed_bill_has() {
    let seed = std::env::var("BARTIZAN_SEED").unwrap_or_else(|_| "11".to_owned());
    let base = [
        "--seed",
        &seed,
        "--attack",
        "gpu-mining-new-region:M",
        "--granularity",
        "daily",
    ];
    let base = [
        &base[..],
        &["--format", "cur2", "--days", "90", "--attack-day", "60"],
    ]
    .concat();
    let Some(closed) = made(&format!("closed-{seed}"), &base) else {
        return;
    };
    let ids = |folder: &Path, as_of: Option<jiff::Timestamp>| -> BTreeMap<String, String> {
        let as_of_s = as_of.map_or(i64::MAX, jiff::Timestamp::as_second);
        let options = JudgeOptions {
            as_of_s,
            ..JudgeOptions::default()
        };
        judge(&bills::read(folder), &options)
            .into_iter()
            .filter(|f| f.finding.severity >= Severity::Medium)
            .map(|f| (f.finding.id, f.finding.summary))
            .collect()
    };
    let wanted = ids(&closed, None);
    let mut seen = BTreeMap::new();
    let first: jiff::Timestamp = "2025-10-01T01:00:00Z".parse().unwrap();
    for step in 0..180 {
        let as_of = first + jiff::SignedDuration::from_hours(8 * step);
        let text = as_of.to_string();
        let arguments = [&base[..], &["--as-of", &text]].concat();
        let folder = made(&format!("delivery-{seed}-{step}"), &arguments).unwrap();
        for (id, summary) in ids(&folder, Some(as_of)) {
            seen.entry(id)
                .or_insert_with(|| format!("{text}: {summary}"));
        }
        std::fs::remove_dir_all(folder).unwrap();
    }
    let extra: Vec<_> = seen
        .iter()
        .filter(|(id, _)| !wanted.contains_key(*id))
        .collect();
    let lost: Vec<_> = wanted
        .iter()
        .filter(|(id, _)| !seen.contains_key(*id))
        .collect();
    println!(
        "{} found in 180 deliveries, {} in the closed bill",
        seen.len(),
        wanted.len()
    );
    println!("only while it grew: {extra:#?}\nonly when closed: {lost:#?}");
    assert!(extra.is_empty() && lost.is_empty());
}

#[test]
fn the_heist_of_the_examples_is_critical_and_the_quiet_twin_is_quiet() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let loud = |bill: &Path| -> Vec<SpendFinding> {
        let found = judge(&bills::read(bill), &JudgeOptions::default());
        found
            .into_iter()
            .filter(|f| f.finding.severity >= Severity::Medium)
            .collect()
    };
    let heist = loud(&root.join("examples/heist/bill"));
    assert_eq!(heist.len(), 1, "{heist:?}");
    assert_eq!(heist[0].finding.severity, Severity::Critical);
    assert_eq!(heist[0].finding.region.as_deref(), Some("ap-south-1"));
    let quiet = root.join("examples/quiet/bill");
    if quiet.is_dir() {
        assert!(loud(&quiet).is_empty());
    }
}
