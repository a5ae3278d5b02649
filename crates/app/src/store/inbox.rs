//! Records that came one by one, from EventBridge: files of the store that are read as a trail is.
//! There is no object to read them from again.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use bartizan_inventory::fact::Hash;
use serde_json::Value;

/// Folder in the store; below it a folder a day: `inbox/2026/03/10/0f3a….json`.
const FOLDER: &str = "inbox";

/// The folder, where it exists.
pub(crate) fn inbox(store: &str) -> Option<PathBuf> {
    let folder = Path::new(store).join(FOLDER);
    folder.is_dir().then_some(folder)
}

/// Writes records to files of their days, on the disk when this returns. The same records give the
/// same files.
pub(crate) fn add_to_inbox(store: &str, records: &[String]) -> Result<Vec<PathBuf>> {
    let mut days: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for record in records {
        days.entry(day_of(record)).or_default().push(record);
    }
    let mut files = Vec::new();
    for (day, mut records) in days {
        records.sort_unstable();
        let text = format!("{{\"Records\":[{}]}}", records.join(","));
        let name = Hash::of(text.as_bytes()).to_string();
        let folder = Path::new(store).join(FOLDER).join(&day);
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let path = folder.join(format!("{}.json", &name[..32]));
        if !path.exists() {
            write_synced(&folder, &path, &text).with_context(|| path.display().to_string())?;
        }
        files.push(path);
    }
    Ok(files)
}

/// Removes files of the inbox that are not needed any more. Other files stay.
pub(crate) fn remove_from_inbox<'n>(
    store: &str,
    names: impl Iterator<Item = &'n str>,
) -> Result<()> {
    let inbox = Path::new(store).join(FOLDER);
    for path in names.map(Path::new).filter(|p| p.starts_with(&inbox)) {
        match fs::remove_file(path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(e).with_context(|| path.display().to_string());
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whole file or none: it gets its name when it is on the disk.
fn write_synced(folder: &Path, path: &Path, text: &str) -> std::io::Result<()> {
    let part = path.with_extension("part");
    let mut file = File::create(&part)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&part, path)?;
    File::open(folder)?.sync_all()
}

/// Day of a record as folders: `2026/03/10`. A record without a usable time is of day `0000/00/00`:
/// nobody learns it and lets it go.
fn day_of(record: &str) -> String {
    let time = serde_json::from_str::<Value>(record).ok().and_then(|v| {
        Some(
            v["eventTime"]
                .as_str()?
                .parse::<jiff::Timestamp>()
                .ok()?
                .to_string(),
        )
    });
    match time.as_deref().and_then(|t| t.get(..10)) {
        Some(day) => day.replace('-', "/"),
        None => "0000/00/00".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_kept_by_day_once() {
        let home = tempfile::tempdir().unwrap();
        let store = home.path().display().to_string();
        let records = [
            r#"{"eventTime":"2026-03-10T23:59:59Z","eventID":"1"}"#.to_owned(),
            r#"{"eventTime":"2026-03-11T00:00:00Z","eventID":"2"}"#.to_owned(),
            r#"{"eventID":"3"}"#.to_owned(),
        ];
        let files = add_to_inbox(&store, &records).unwrap();
        let mut turned = records.clone();
        turned.reverse();
        assert_eq!(files, add_to_inbox(&store, &turned).unwrap());
        let days: Vec<String> = files
            .iter()
            .map(|f| {
                f.parent()
                    .unwrap()
                    .strip_prefix(&store)
                    .unwrap()
                    .display()
                    .to_string()
            })
            .collect();
        assert_eq!(
            days,
            ["inbox/0000/00/00", "inbox/2026/03/10", "inbox/2026/03/11"]
        );
        let text = fs::read_to_string(&files[1]).unwrap();
        assert_eq!(text, format!("{{\"Records\":[{}]}}", records[0]));
        let outside = home.path().join("other");
        fs::write(&outside, "x").unwrap();
        let names = [
            files[1].display().to_string(),
            outside.display().to_string(),
        ];
        remove_from_inbox(&store, names.iter().map(String::as_str)).unwrap();
        assert!(!files[1].exists() && outside.exists());
    }
}
