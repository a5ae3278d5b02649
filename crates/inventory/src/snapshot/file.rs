//! The `.facts` file: header lines that start with `#`, then fact lines in byte order.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;

use super::{CallStatus, Coverage};
use crate::fact::{FactLine, Hash, escape, unescape};

const FIRST_LINE: &str = "# bartizan facts 1";

/// A snapshot as read from a `.facts` file.
#[derive(Debug, Clone)]
pub struct Snapshot<'a> {
    /// Content of the header lines.
    pub header: Header,
    /// In byte order.
    pub facts: Vec<FactLine<'a>>,
}

/// The header of a `.facts` file.
#[derive(Debug, Clone)]
pub struct Header {
    /// Twelve digits.
    pub account: String,
    /// First and last answer, milliseconds since 1970.
    pub time_ms: (i64, i64),
    /// `bartizan 0.1.0`.
    pub tool: String,
    /// Hash of the call table.
    pub table: Hash,
    /// `aws`, or `import`.
    pub source: String,
    /// Sorted.
    pub coverage: Vec<Coverage>,
    /// Call and name of each field that the model did not know.
    pub new_fields: BTreeSet<(String, String)>,
    /// Hash of the side lines, which are kept like a document.
    pub side: Hash,
}

/// Why a text is not a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} (byte {offset}): {problem}")]
pub struct SnapshotError {
    /// From 1.
    pub line: usize,
    /// Of the first byte of the line.
    pub offset: usize,
    /// Description of the fault.
    pub problem: String,
}

/// Data of a fact beside its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SideLine<'a> {
    /// Milliseconds after the first answer of the snapshot.
    pub since_start_ms: i64,
    /// Four hex digits: the start of the hash of the fact line, so that a broken line can be named.
    pub check: &'a str,
    /// The volatile fields as JSON, or nothing.
    pub volatile: &'a str,
}

impl<'a> Snapshot<'a> {
    /// Reads a `.facts` file.
    ///
    /// # Errors
    /// On the first line that is not as this program writes it, out of order or twice.
    pub fn parse(text: &'a str) -> Result<Self, SnapshotError> {
        let (mut offset, mut number) = (0, 0);
        let mut fields = HeaderFields::default();
        let mut facts: Vec<FactLine<'a>> = Vec::with_capacity(text.len() / 180);
        let mut previous = "";
        for line in text.split_inclusive('\n') {
            number += 1;
            let error = |problem: String| SnapshotError {
                line: number,
                offset,
                problem,
            };
            let Some(line_text) = line.strip_suffix('\n') else {
                return Err(error("the file ends inside a line".into()));
            };
            if number == 1 {
                if line_text != FIRST_LINE {
                    return Err(error(format!(
                        "not a snapshot: the first line is not {FIRST_LINE:?}"
                    )));
                }
            } else if let Some(header) = line_text.strip_prefix("# ") {
                if !facts.is_empty() {
                    return Err(error("a header line among facts".into()));
                }
                fields.read(header).map_err(error)?;
            } else {
                let fact = FactLine::parse(line_text).map_err(|e| error(e.to_string()))?;
                if !facts.is_empty() && previous >= line_text {
                    return Err(error("facts out of order".into()));
                }
                previous = line_text;
                facts.push(fact);
            }
            offset += line.len();
        }
        let header = fields.finish().map_err(|problem| SnapshotError {
            line: number,
            offset,
            problem,
        })?;
        Ok(Self { header, facts })
    }

    /// Why it is open whether a fact is there, if it is.
    #[must_use]
    pub fn open_about(&self, kind: &str, region: &str, id: &str) -> Option<String> {
        let mut spoken = false;
        for row in self
            .header
            .coverage
            .iter()
            .filter(|row| row.speaks_of(kind, region))
        {
            spoken = true;
            if row.leaves_open(id) {
                return Some(format!("{} {}", row.call, row.status));
            }
        }
        (!spoken).then(|| "not asked".to_owned())
    }

    /// When each fact was read, milliseconds since 1970, given the side lines.
    #[must_use]
    pub fn time_ms(&self, side: Option<&SideLine<'_>>) -> i64 {
        self.header.time_ms.0 + side.map_or(0, |s| s.since_start_ms)
    }
}

/// The side lines of a snapshot.
pub fn side_lines(text: &str) -> impl Iterator<Item = SideLine<'_>> {
    text.lines().map(|line| {
        let mut fields = line.splitn(3, '\t');
        SideLine {
            since_start_ms: fields.next().and_then(|f| f.parse().ok()).unwrap_or(0),
            check: fields.next().unwrap_or(""),
            volatile: fields.next().unwrap_or(""),
        }
    })
}

/// The check of a fact line.
pub fn check(line: &str) -> String {
    Hash::of(line.as_bytes()).to_string()[..4].to_owned()
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |ms| Timestamp::from_millisecond(ms).unwrap_or_default();
        writeln!(f, "{FIRST_LINE}")?;
        writeln!(f, "# account\t{}", escape(&self.account))?;
        writeln!(
            f,
            "# time\t{:.3}\t{:.3}",
            time(self.time_ms.0),
            time(self.time_ms.1)
        )?;
        writeln!(f, "# tool\t{}", escape(&self.tool))?;
        writeln!(f, "# table\t{}", self.table)?;
        writeln!(f, "# source\t{}", escape(&self.source))?;
        for (call, field) in &self.new_fields {
            writeln!(f, "# new-field\t{}\t{}", escape(call), escape(field))?;
        }
        for row in &self.coverage {
            let (region, call, detail) =
                (escape(&row.region), escape(&row.call), escape(&row.detail));
            writeln!(
                f,
                "# coverage\t{region}\t{call}\t{}\t{}\t{}\t{detail}",
                row.status,
                row.answers,
                row.kinds.join(",")
            )?;
            for prefix in &row.unread {
                writeln!(f, "# unread\t{}", escape(prefix))?;
            }
        }
        writeln!(f, "# side\t{}", self.side)
    }
}

/// Header fields while they are being read.
#[derive(Default)]
struct HeaderFields {
    account: Option<String>,
    time_ms: Option<(i64, i64)>,
    tool: String,
    table: Option<Hash>,
    source: String,
    coverage: Vec<Coverage>,
    new_fields: BTreeSet<(String, String)>,
    side: Option<Hash>,
}

impl HeaderFields {
    fn read(&mut self, line: &str) -> Result<(), String> {
        let parts: Vec<&str> = line.split('\t').collect();
        let text = |t: &str| unescape(t).into_owned();
        let time = |t: &str| {
            t.parse::<Timestamp>()
                .map(|t| t.as_millisecond())
                .map_err(|_| format!("not a time: {t:?}"))
        };
        let hash = |t: &str| Hash::parse(t).ok_or_else(|| format!("not a SHA-256: {t:?}"));
        match parts.as_slice() {
            ["account", account] => self.account = Some(text(account)),
            ["time", first, last] => self.time_ms = Some((time(first)?, time(last)?)),
            ["tool", tool] => self.tool = text(tool),
            ["table", table] => self.table = Some(hash(table)?),
            ["source", source] => self.source = text(source),
            ["new-field", call, field] => drop(self.new_fields.insert((text(call), text(field)))),
            ["side", side] => self.side = Some(hash(side)?),
            ["coverage", region, call, status, answers, kinds, detail] => {
                self.coverage.push(Coverage {
                    region: text(region),
                    call: text(call),
                    status: CallStatus::parse(status)
                        .ok_or_else(|| format!("not a coverage status: {status:?}"))?,
                    answers: answers
                        .parse()
                        .map_err(|_| format!("not a number: {answers:?}"))?,
                    kinds: kinds
                        .split(',')
                        .filter(|k| !k.is_empty())
                        .map(str::to_owned)
                        .collect(),
                    detail: text(detail),
                    unread: Vec::new(),
                })
            }
            ["unread", prefix] => self
                .coverage
                .last_mut()
                .ok_or("an unread line before any coverage line")?
                .unread
                .push(text(prefix)),
            _ => {
                return Err(format!(
                    "a header line that this version does not know: {:?}",
                    parts.first().unwrap_or(&"")
                ));
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Header, String> {
        let missing = |what: &str| format!("the header has no {what} line");
        Ok(Header {
            account: self.account.ok_or_else(|| missing("account"))?,
            time_ms: self.time_ms.ok_or_else(|| missing("time"))?,
            tool: self.tool,
            table: self.table.ok_or_else(|| missing("table"))?,
            source: self.source,
            coverage: self.coverage,
            new_fields: self.new_fields,
            side: self.side.ok_or_else(|| missing("side"))?,
        })
    }
}
