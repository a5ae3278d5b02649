//! Recall, delay and false alarms on made bills.

use std::collections::BTreeMap;
use std::path::Path;

use bartizan_model::Severity;
use bartizan_spend::{JudgeOptions, Outline, day_text, outlines};
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
        let found = outlines(&ledger, &JudgeOptions::default());
        let scale = truth["scale"].as_str().unwrap();
        let accounts = truth["accounts"].as_array().unwrap().len() as f64;
        let days = truth["days"].as_f64().unwrap();
        let attack = &truth["attack"];
        let is_attack = |o: &Outline| {
            let list = |n: &str| -> Vec<&str> {
                attack[n]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .collect()
            };
            let start = day_of(attack["start"].as_str().unwrap_or("1970-01-01"));
            attack.is_object()
                && o.start >= start - 1
                && o.account
                    .as_deref()
                    .is_none_or(|a| list("accounts").contains(&a))
                && (o.services.iter().any(|s| {
                    list("services").contains(&s.as_str())
                        || list("service_names").contains(&s.as_str())
                        || s == "AmazonBedrock"
                            && list("service_names").iter().any(|n| n.contains("Bedrock"))
                }))
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
            let hits: Vec<&Outline> = found.iter().filter(|o| is_attack(o)).collect();
            let loud = hits
                .iter()
                .filter(|o| o.severity >= Severity::Medium)
                .map(|o| o.known)
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
                    println!("    {:?}", h);
                }
            }
        }
        let row = quiet.entry(scale.to_owned()).or_default();
        row.0 += accounts * days / 30.4;
        for o in found
            .iter()
            .filter(|o| o.severity >= Severity::Medium && !is_attack(o))
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
