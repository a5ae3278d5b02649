//! Bills in folders.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bartizan_spend::{BillReader, Ledger, Manifest, PlannedFile, day_text, plan};
use rust_decimal::Decimal;

/// All files below a folder, by path.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(path),
            }
        }
    }
    found.sort();
    found
}

/// Reads a folder as the manifests in it say.
pub(crate) fn read(folder: &Path) -> Ledger {
    let names: Vec<String> = files(folder)
        .iter()
        .map(|p| p.display().to_string())
        .collect();
    let manifests: Vec<Manifest> = names
        .iter()
        .filter(|n| n.ends_with(".json"))
        .filter_map(|n| Manifest::parse(n, &std::fs::read(n).unwrap()))
        .collect();
    let mut reader = BillReader::default();
    for file in plan(&names, &manifests) {
        match file {
            PlannedFile::Read(name) => {
                reader.read(&name, &mut std::fs::File::open(&name).unwrap());
            }
            PlannedFile::Superseded(_) => {}
            PlannedFile::Missing { key, period } => reader.missing(&key, period.as_deref()),
        }
    }
    reader.finish()
}

/// Sums of all charges by day.
pub(crate) fn totals_by_day(ledger: &Ledger) -> BTreeMap<String, Decimal> {
    let mut sums: BTreeMap<String, Decimal> = BTreeMap::new();
    for (_, day) in ledger.costs() {
        *sums.entry(day_text(day.day)).or_default() += day.cost;
    }
    sums.into_iter()
        .map(|(day, sum)| (day, sum.normalize()))
        .collect()
}
