//! CSV reader for exports of Athena, CloudTrail Lake, the console's event history and data frames.
//!
//! The first row has the column names (RFC 4180). A column may contain a whole record as JSON;
//! otherwise each row becomes a record, field by field, and [`super::normal`] converts it to
//! CloudTrail's format.

use std::io::{self, Read};

use csv_core::{ReadRecordResult, ReaderBuilder};
use serde_json::{Map, Value};

use super::normal::{fold, is_absent};
use bartizan_model::limits::{RECORD_BYTES_MAX, TABLE_COLUMNS_MAX};

/// Folded names of columns that may contain a whole record.
const WHOLE: [&str; 12] = [
    "eventjson",
    "cloudtrailevent",
    "eventdata",
    "message",
    "raw",
    "event",
    "detail",
    "record",
    "line",
    "log",
    "json",
    "body",
];

/// Cell separator of a table that starts like this; `None` if it is not a table of events.
pub(super) fn sniff(start: &[u8]) -> Option<u8> {
    let end = start
        .iter()
        .position(|b| *b == b'\n')
        .unwrap_or(start.len());
    let line = std::str::from_utf8(&start[..end]).ok()?;
    let known = |delimiter: u8| {
        let names: Vec<String> = line
            .split(char::from(delimiter))
            .map(|cell| fold(cell.trim().trim_matches(['"', '\''])))
            .collect();
        let has = |name: &str| names.iter().any(|n| n == name);
        let whole = ["eventjson", "cloudtrailevent"].iter().any(|n| has(n))
            || names.len() <= 4
                && start.len() > end
                && WHOLE.iter().any(|n| has(n))
                && has_record(&start[end..]);
        let fields = has("eventname")
            && [
                "eventtime",
                "eventsource",
                "eventid",
                "username",
                "awsregion",
            ]
            .iter()
            .any(|n| has(n));
        (whole || fields).then_some(names.len())
    };
    let best = [b',', b';', b'\t', b'|']
        .into_iter()
        .filter_map(|d| Some((known(d)?, d)));
    best.max_by_key(|(columns, delimiter)| (*columns, std::cmp::Reverse(*delimiter)))
        .map(|(_, delimiter)| delimiter)
}

fn has_record(rows: &[u8]) -> bool {
    memchr::memmem::find(rows, b"eventName").is_some() && rows.contains(&b'{')
}

/// Row of a table.
pub(super) enum TableRow {
    /// JSON that may contain records.
    Whole(Vec<u8>),
    /// Record, with the table's column names.
    Fields(Map<String, Value>),
    /// Row too large for memory, e.g. because of an unclosed quote.
    TooLarge,
    /// Table without callers and requests.
    Condensed,
}

/// Reads a table to its end. Passes on each row with its end offset in bytes.
pub(super) fn read(
    source: &mut dyn Read,
    delimiter: u8,
    row: &mut dyn FnMut(u64, TableRow),
) -> io::Result<()> {
    let mut reader = ReaderBuilder::new().delimiter(delimiter).build();
    let (mut input, mut filled, mut at, mut offset) = (vec![0; 64 << 10], 0, 0, 0u64);
    let (mut text, mut ends) = (vec![0; 64 << 10], vec![0; TABLE_COLUMNS_MAX]);
    let (mut used, mut columns) = (0, 0);
    let mut names: Option<Vec<String>> = None;
    let mut skipping = false;
    loop {
        if at == filled {
            filled = source.read(&mut input)?;
            at = 0;
        }
        let (result, read, wrote, ended) =
            reader.read_record(&input[at..filled], &mut text[used..], &mut ends[columns..]);
        at += read;
        offset += read as u64;
        used += wrote;
        columns += ended;
        match result {
            // An empty read marks the end of the source.
            ReadRecordResult::InputEmpty => continue,
            ReadRecordResult::OutputFull if text.len() < 4 * RECORD_BYTES_MAX => {
                text.resize(text.len() * 2, 0);
                continue;
            }
            ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                if !std::mem::replace(&mut skipping, true) {
                    row(offset, TableRow::TooLarge);
                }
            }
            ReadRecordResult::Record => {
                if !std::mem::replace(&mut skipping, false) {
                    let cells = || {
                        let from = std::iter::once(0).chain(ends[..columns].iter().copied());
                        from.zip(&ends[..columns])
                            .map(|(from, to)| String::from_utf8_lossy(&text[from..*to]))
                    };
                    match &names {
                        None => {
                            let heads: Vec<String> = cells().map(|c| c.trim().to_owned()).collect();
                            if is_condensed(&heads) {
                                row(offset, TableRow::Condensed);
                            }
                            names = Some(heads);
                        }
                        Some(names) => rows(names, cells(), &mut |r| row(offset, r)),
                    }
                }
            }
            ReadRecordResult::End => return Ok(()),
        }
        (used, columns) = (0, 0);
    }
}

/// Whether the columns lack caller and request, as in the console's event history.
fn is_condensed(heads: &[String]) -> bool {
    let names: Vec<String> = heads.iter().map(|h| fold(h)).collect();
    let told = |name: &String| {
        WHOLE.contains(&name.as_str())
            || name.starts_with("useridentity")
            || name.starts_with("requestparameters")
    };
    !names.iter().any(told)
}

fn rows<'c>(
    names: &[String],
    cells: impl Iterator<Item = std::borrow::Cow<'c, str>>,
    row: &mut dyn FnMut(TableRow),
) {
    let mut fields = Map::new();
    for (name, cell) in names.iter().zip(cells) {
        let folded = fold(name);
        if WHOLE.contains(&folded.as_str())
            && cell.trim_start().starts_with(['{', '['])
            && has_record(cell.as_bytes())
        {
            return row(TableRow::Whole(cell.into_owned().into_bytes()));
        }
        if is_absent(&cell) {
            continue;
        }
        fields.insert(name.clone(), Value::String(cell.into_owned()));
    }
    if !fields.is_empty() {
        row(TableRow::Fields(fields));
    }
}
