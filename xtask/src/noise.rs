//! `cargo xtask bench noise`: number of findings per rule and thousand events, in trails with a
//! known history. A rule that fires on everybody is noise, however severe its subject.

use std::collections::BTreeMap;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use bartizan_detect::{Evaluator, FirstSeenMemory, Networks, Rules, ScanPlan, Scanner};
use bartizan_model::Severity;
use serde_json::{Value, json};

/// Prints the findings per rule and thousand events of each trail.
pub(crate) fn print(root: &Path, shared: &Path) -> Result<()> {
    let files = crate::coverage::files(root)?;
    let operators = operators(
        &shared.join("cloudtrail/invictus"),
        &root.join("target/noise"),
    )?;
    let trails = [
        ("quiet", root.join("examples/quiet/trail")),
        ("operators (invictus without the attack)", operators),
        ("heist", root.join("examples/heist/trail")),
        ("invictus", shared.join("cloudtrail/invictus")),
        ("otrf", shared.join("cloudtrail/otrf")),
    ];
    for (name, trail) in trails.iter().filter(|(_, trail)| trail.exists()) {
        let (rules, networks) = (Rules::load(&files), Networks::builtin());
        let plan = ScanPlan {
            rules,
            networks,
            memory: FirstSeenMemory::default(),
            tally: false,
            calls: None,
        };
        let (mut judge, mut scanner) = (Evaluator::new(&plan), Scanner::new(&plan));
        for path in objects(trail)? {
            let mut object = BufReader::new(
                std::fs::File::open(&path).with_context(|| path.display().to_string())?,
            );
            let spare = judge.take(&path.display().to_string(), scanner.scan(&mut object));
            scanner.reuse(spare);
        }
        judge.take_rest(scanner.finish());
        let verdicts = judge.finish(false, &|id| id.to_owned());
        let events = verdicts.totals.events.max(1);
        let mut rules: BTreeMap<(Severity, &str), u64> = BTreeMap::new();
        for finding in &verdicts.findings {
            *rules.entry((finding.severity, &finding.title)).or_default() += 1;
        }
        let loud: u64 = rules
            .iter()
            .filter(|((severity, _), _)| *severity >= Severity::Medium)
            .map(|(_, n)| n)
            .sum();
        println!("{name}: {events} events, {loud} findings at or above medium");
        for ((severity, title), count) in rules.iter().rev() {
            println!(
                "  {:<9}{:7.2}  {title}",
                severity.to_string(),
                *count as f64 * 1000.0 / events as f64
            );
        }
    }
    Ok(())
}

/// Files of a trail, by name.
fn objects(trail: &Path) -> Result<Vec<PathBuf>> {
    let (mut found, mut folders) = (Vec::new(), vec![trail.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path)
            } else {
                found.push(path)
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Events of the account's operators and services: those whose user agent names no technique of the
/// attack.
fn operators(trail: &Path, home: &Path) -> Result<PathBuf> {
    let folder = home.join("operators");
    std::fs::create_dir_all(&folder)?;
    let mut events: Vec<Value> = Vec::new();
    for entry in std::fs::read_dir(trail).into_iter().flatten() {
        let file: Value = serde_json::from_slice(&std::fs::read(entry?.path())?)?;
        let attack = |e: &&Value| {
            e["userAgent"]
                .as_str()
                .is_some_and(|agent| agent.contains("stratus-red-team_"))
        };
        events.extend(
            file["Records"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|e| !attack(e))
                .cloned(),
        );
    }
    std::fs::write(
        folder.join("trail.json"),
        json!({"Records": events}).to_string(),
    )?;
    Ok(folder)
}
