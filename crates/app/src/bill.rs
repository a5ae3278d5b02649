//! Reading a bill from files, folders, globs, standard input or S3, for `spend` and `watch`.

use std::io::Read;

use anyhow::Result;
use bartizan_model::limits::BILL_ANSWER_BYTES_MAX;
use bartizan_spend::{BillReader, Ledger, Manifest, PlannedFile, plan};

use crate::cli::Global;
use crate::render::{self, Bytes};
use crate::trail::{TrailObject, WantedObjects, objects};

/// Reads a bill, and says how many files were left out as older deliveries.
pub(crate) fn read_bill(
    global: &Global,
    paths: &[String],
    profile: Option<&str>,
) -> Result<(Ledger, usize)> {
    Ok(read_objects(global, &bill_objects(paths, profile)?))
}

/// Objects of a bill.
pub(crate) fn bill_objects(paths: &[String], profile: Option<&str>) -> Result<Vec<TrailObject>> {
    let wanted = WantedObjects {
        paths,
        list: None,
        since: None,
        until: None,
        profile,
    };
    Ok(objects(&wanted)?.0)
}

/// Reads all objects that count, and says how many were left out as older deliveries.
pub(crate) fn read_objects(global: &Global, objects: &[TrailObject]) -> (Ledger, usize) {
    let manifests: Vec<Manifest> = objects
        .iter()
        .filter_map(|o| Manifest::parse(&o.name, &manifest_text(o)?))
        .collect();
    let names: Vec<String> = objects.iter().map(|o| o.name.clone()).collect();
    let bar = Bytes::new(global, objects.iter().map(|o| o.bytes).sum());
    let (mut reader, mut superseded) = (BillReader::default(), 0);
    for file in plan(&names, &manifests) {
        match file {
            PlannedFile::Superseded(_) => superseded += 1,
            PlannedFile::Missing { key, period } => reader.missing(&key, period.as_deref()),
            PlannedFile::Read(name) => {
                let Some(object) = objects.iter().find(|o| o.name == name) else {
                    continue;
                };
                match object.open() {
                    Ok(mut source) => reader.read(&name, &mut source),
                    Err(error) => {
                        render::note(global, &format!("cannot read {name}: {error}"));
                        reader.unreadable(&name);
                    }
                }
                bar.add(object.bytes.unwrap_or(0));
            }
        }
    }
    bar.clear();
    (reader.finish(), superseded)
}

/// Text of a file that may be a manifest: JSON in a named file.
fn manifest_text(object: &TrailObject) -> Option<Vec<u8>> {
    let mut source = match object.bytes {
        Some(bytes) if bytes <= BILL_ANSWER_BYTES_MAX => object.open().ok()?,
        _ => return None,
    };
    let mut text = vec![0; 1];
    source.read_exact(&mut text).ok()?;
    if text != b"{" {
        return None;
    }
    source.read_to_end(&mut text).ok()?;
    Some(text)
}
