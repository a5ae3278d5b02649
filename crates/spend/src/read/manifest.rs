//! Manifests: which files of a delivery count.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Manifest of a report or data export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Path of the manifest itself.
    pub path: String,
    /// Report or export, e.g. its ARN.
    pub report: String,
    /// `2026-03`, where the manifest or its path says so.
    pub period: Option<String>,
    /// Folder of one delivery, where each has its own.
    assembly: Option<String>,
    /// Keys of its files, without the bucket.
    pub keys: Vec<String>,
}

/// File of a bill and what the manifests say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlannedFile {
    /// To be read.
    Read(String),
    /// Of an older delivery.
    Superseded(String),
    /// Named in a manifest and not there.
    Missing { key: String, period: Option<String> },
}

impl Manifest {
    /// Manifest from its text; `None` if it is something else.
    #[must_use]
    pub fn parse(path: &str, text: &[u8]) -> Option<Self> {
        let json: Value = serde_json::from_slice(text).ok()?;
        let list = json["reportKeys"]
            .as_array()
            .or_else(|| json["dataFiles"].as_array())?;
        let keys: Vec<String> = list.iter().filter_map(Value::as_str).map(key_of).collect();
        let word = |name: &str| json[name].as_str().map(str::to_owned);
        let start = json["billingPeriod"]["start"].as_str().unwrap_or_default();
        let stated = start.get(..6).map(|s| format!("{}-{}", &s[..4], &s[4..]));
        Some(Self {
            path: path.to_owned(),
            report: word("exportArn")
                .or_else(|| word("reportId"))
                .or_else(|| word("reportName"))
                .unwrap_or_default(),
            period: stated
                .or_else(|| partition(path))
                .or_else(|| partition(keys.first()?)),
            assembly: word("assemblyId"),
            keys,
        })
    }

    /// Whether it lies in the folder of its own delivery: a copy that newer deliveries do not
    /// touch.
    fn is_copy(&self) -> bool {
        let folder = self.path.rsplit('/').nth(1);
        self.assembly.as_deref().is_some_and(|a| folder == Some(a))
    }
}

/// Key of an S3 URL, or the key itself.
fn key_of(url: &str) -> String {
    let rest = url.strip_prefix("s3://").and_then(|r| r.split_once('/'));
    rest.map_or(url, |(_, key)| key).to_owned()
}

/// Month of a path with a Hive partition: `…/BILLING_PERIOD=2026-03/…`.
fn partition(path: &str) -> Option<String> {
    let part = path
        .split('/')
        .find_map(|p| p.strip_prefix("BILLING_PERIOD="))?;
    Some(part.to_owned())
}

/// Files to be read of those that are there, in the order of their paths. Of each report and month,
/// the manifest beside the deliveries decides; the copies inside them do if there is no other.
/// Files that no manifest is about are read.
#[must_use]
pub fn plan(files: &[String], manifests: &[Manifest]) -> Vec<PlannedFile> {
    let mut deciding: BTreeMap<(&str, &Option<String>), Vec<&Manifest>> = BTreeMap::new();
    for manifest in manifests {
        deciding
            .entry((&manifest.report, &manifest.period))
            .or_default()
            .push(manifest);
    }
    let (mut wanted, mut missing) = (BTreeSet::new(), BTreeSet::new());
    for of_period in deciding.values() {
        let has_current = of_period.iter().any(|m| !m.is_copy());
        let current = of_period.iter().filter(|m| !has_current || !m.is_copy());
        // Copies only: nothing says which is the newest, so the last by name is taken.
        let current = current.max_by_key(|m| &m.path);
        for (key, manifest) in current
            .into_iter()
            .flat_map(|m| m.keys.iter().map(move |k| (k, m)))
        {
            match files
                .iter()
                .filter(|f| is_file(f, key))
                .max_by_key(|f| f.len())
            {
                Some(file) => {
                    wanted.insert(file.clone());
                }
                None => {
                    missing.insert((key.clone(), manifest.period.clone()));
                }
            }
        }
    }
    let governed: BTreeSet<String> = manifests
        .iter()
        .flat_map(|m| &m.keys)
        .filter_map(|k| report_folder(k))
        .collect();
    let is_governed = |file: &str| governed.iter().any(|folder| file_is_below(file, folder));
    let is_manifest = |file: &str| manifests.iter().any(|m| m.path == file);
    let mut planned: Vec<PlannedFile> = Vec::new();
    let mut sorted: Vec<&String> = files.iter().filter(|f| !is_manifest(f)).collect();
    sorted.sort();
    for file in sorted {
        let counts = wanted.contains(file) || !is_governed(file);
        planned.push(match counts {
            true => PlannedFile::Read(file.clone()),
            false => PlannedFile::Superseded(file.clone()),
        });
    }
    planned.extend(
        missing
            .into_iter()
            .map(|(key, period)| PlannedFile::Missing { key, period }),
    );
    planned
}

/// Whether a path ends with a key, or with as much of it as its last two folders and its name.
fn is_file(path: &str, key: &str) -> bool {
    let parts = |text: &str| text.rsplit('/').map(str::to_owned).collect::<Vec<_>>();
    let (path, key) = (parts(path), parts(key));
    let needed = key.len().min(3);
    path.len() >= needed && path.iter().zip(&key).take(needed).all(|(a, b)| a == b)
}

/// Folder that holds all months of a report: the file's folder and that of its month or delivery
/// are left off.
fn report_folder(key: &str) -> Option<String> {
    let folders: Vec<&str> = key.split('/').collect();
    let months = folders.iter().position(|f| {
        f.starts_with("BILLING_PERIOD=")
            || f.len() == 17 && f.as_bytes()[8] == b'-' && f.bytes().all(|b| b != b'.')
    })?;
    Some(
        folders[..months]
            .iter()
            .rev()
            .take(2)
            .rev()
            .copied()
            .collect::<Vec<_>>()
            .join("/"),
    )
}

fn file_is_below(file: &str, folder: &str) -> bool {
    !folder.is_empty()
        && (file.starts_with(&format!("{folder}/")) || file.contains(&format!("/{folder}/")))
}

#[cfg(test)]
mod tests {
    use super::{Manifest, PlannedFile, plan};

    #[test]
    fn the_manifest_beside_the_deliveries_decides() {
        let files: Vec<String> = [
            "x/cur/20260301-20260401/new/cur-1.csv.gz",
            "x/cur/20260301-20260401/new/cur-Manifest.json",
            "x/cur/20260301-20260401/old/cur-1.csv.gz",
            "x/cur/20260301-20260401/old/cur-Manifest.json",
            "x/cur/20260301-20260401/cur-Manifest.json",
            "x/other.csv",
        ]
        .map(str::to_owned)
        .to_vec();
        let text = |assembly: &str| {
            format!(
                r#"{{"assemblyId":"{assembly}","reportName":"cur","billingPeriod":
                {{"start":"20260301T000000.000Z"}},"reportKeys":
                ["cur/20260301-20260401/{assembly}/cur-1.csv.gz",
                "cur/20260301-20260401/{assembly}/cur-2.csv.gz"]}}"#
            )
        };
        let manifests: Vec<Manifest> = [(1, "new"), (3, "old"), (4, "new")]
            .into_iter()
            .filter_map(|(n, assembly)| Manifest::parse(&files[n], text(assembly).as_bytes()))
            .collect();
        assert_eq!(
            plan(&files, &manifests),
            [
                PlannedFile::Read(files[0].clone()),
                PlannedFile::Superseded(files[2].clone()),
                PlannedFile::Read(files[5].clone()),
                PlannedFile::Missing {
                    key: "cur/20260301-20260401/new/cur-2.csv.gz".to_owned(),
                    period: Some("2026-03".to_owned()),
                },
            ]
        );
    }
}
