//! Reads files of a bill, whatever they are packed in.

use std::io::{self, Cursor, Read};

use flate2::read::MultiGzDecoder;

use super::answer::{Answers, WhatWasRead};
use super::columns::{BillHeader, COLUMNS, Column};
use super::csv_rows::{CsvRows, NextRow, delimiter_of, unescaped};
use super::row_taker::{Cells, RowTaker};
use crate::day;
use crate::ledger::{BillFile, BillProblemKind, Ledger, UnreadPeriod};
use bartizan_model::encoding::Unicode;
use bartizan_model::limits::{
    BILL_ANSWER_BYTES_MAX, BILL_COLUMNS_MAX, BILL_PACKED_DEPTH_MAX, INFLATED_BYTES_MAX,
    ZIP_BYTES_MAX,
};

/// Bytes that tell what a file is.
const LOOK_BYTES: usize = 64 << 10;

/// Sums up the files of a bill.
#[derive(Default)]
pub struct BillReader {
    ledger: Ledger,
    answers: Answers,
}

/// Reader of what was looked at and the rest.
type Peeked<'s> = io::Chain<Cursor<Vec<u8>>, &'s mut dyn Read>;

impl BillReader {
    /// Reads one file to its end. `name` is for problems and evidence only.
    pub fn read(&mut self, name: &str, source: &mut dyn Read) {
        let mut bounded = source.take(INFLATED_BYTES_MAX);
        self.packed(name, &mut bounded, 0);
    }

    /// Notes that a file which a manifest names could not be read.
    pub fn missing(&mut self, name: &str, period: Option<&str>) {
        self.ledger.problems.add(name, 0, BillProblemKind::Missing);
        self.unread(
            period.unwrap_or(name),
            name,
            "it is named in the manifest and not there",
        );
    }

    /// Notes that a file could not be opened.
    pub fn unreadable(&mut self, name: &str) {
        self.damaged(name, 0, &None);
    }

    /// Notes a call that AWS did not answer, or only in part.
    pub fn unanswered(&mut self, call: &str) {
        self.unread(call, call, "it was not answered, or only in part");
    }

    /// Sums of all files.
    #[must_use]
    pub fn finish(mut self) -> Ledger {
        self.answers.finish(&mut self.ledger);
        self.ledger.unread.sort();
        self.ledger.unread.dedup();
        self.ledger
    }

    fn unread(&mut self, period: &str, file: &str, because: &'static str) {
        let (period, file) = (period.to_owned(), file.to_owned());
        self.ledger.unread.push(UnreadPeriod {
            period,
            file,
            because,
        });
    }

    fn packed(&mut self, name: &str, source: &mut dyn Read, depth: usize) {
        let mut start = Vec::new();
        let looked = (&mut *source)
            .take(LOOK_BYTES as u64)
            .read_to_end(&mut start);
        if looked.is_err() {
            return self.damaged(name, 0, &None);
        }
        let magic: [u8; 4] = [0, 1, 2, 3].map(|n| start.get(n).copied().unwrap_or(0));
        let mut whole: Peeked<'_> = Cursor::new(start).chain(source);
        match magic {
            [0x1f, 0x8b, ..] if depth < BILL_PACKED_DEPTH_MAX => {
                let mut inflated = MultiGzDecoder::new(whole).take(INFLATED_BYTES_MAX);
                self.packed(name, &mut inflated, depth + 1);
            }
            [b'P', b'K', 3, 4] if depth < BILL_PACKED_DEPTH_MAX => {
                self.zip(name, &mut whole, depth)
            }
            [b'P', b'A', b'R', b'1'] => self.parquet(name, &mut whole),
            [0xef, 0xbb, 0xbf, _] | [0xff, 0xfe, ..] | [0xfe, 0xff, ..]
                if depth < BILL_PACKED_DEPTH_MAX =>
            {
                self.text(name, &mut Unicode::new(whole));
            }
            _ => self.text(name, &mut whole),
        }
    }

    fn zip(&mut self, name: &str, source: &mut dyn Read, depth: usize) {
        let mut bytes = Vec::new();
        let read = source.take(ZIP_BYTES_MAX + 1).read_to_end(&mut bytes);
        let whole = read.is_ok() && bytes.len() as u64 <= ZIP_BYTES_MAX;
        let Some(mut archive) = whole
            .then(|| zip::ZipArchive::new(Cursor::new(bytes)).ok())
            .flatten()
        else {
            return self.damaged(name, 0, &None);
        };
        for number in 0..archive.len() {
            match archive.by_index(number) {
                Ok(file) if file.is_dir() || file.name_raw().starts_with(b"__MACOSX/") => {}
                Ok(file) => {
                    let inner = format!("{name}!{}", String::from_utf8_lossy(file.name_raw()));
                    self.packed(&inner, &mut file.take(INFLATED_BYTES_MAX), depth + 1);
                }
                Err(_) => self.damaged(name, 0, &None),
            }
        }
    }

    #[cfg(feature = "parquet")]
    fn parquet(&mut self, name: &str, source: &mut dyn Read) {
        use bartizan_model::limits::BILL_PARQUET_BYTES_MAX;

        let mut bytes = Vec::new();
        let read = source
            .take(BILL_PARQUET_BYTES_MAX + 1)
            .read_to_end(&mut bytes);
        if read.is_err() || bytes.len() as u64 > BILL_PARQUET_BYTES_MAX {
            return self.damaged(name, 0, &None);
        }
        let file = self.file(name, "Parquet");
        match super::parquet_rows::read(&mut self.ledger, name, file, bytes) {
            Ok(()) => {}
            Err(problem) => {
                self.ledger.problems.add(name, 0, problem);
                let period = self.period_of_file(file);
                self.unread(period.as_deref().unwrap_or(name), name, "it is damaged");
            }
        }
    }

    #[cfg(not(feature = "parquet"))]
    fn parquet(&mut self, name: &str, _: &mut dyn Read) {
        self.ledger.problems.add(name, 0, BillProblemKind::NotABill);
        self.unread(name, name, "this program was built without Parquet");
    }

    /// Month of the last charge that a file had.
    #[cfg(feature = "parquet")]
    fn period_of_file(&self, file: u32) -> Option<String> {
        let days = self.ledger.series.iter().flat_map(|s| &s.days);
        let last = days.filter(|d| d.file == file).map(|d| d.day).max();
        last.map(day::month_text)
    }

    fn file(&mut self, name: &str, format: &'static str) -> u32 {
        let number = self.ledger.files.len() as u32;
        let name = name.to_owned();
        self.ledger.files.push(BillFile {
            name,
            format,
            rows: 0,
            left_out: 0,
        });
        number
    }

    fn text(&mut self, name: &str, source: &mut dyn Read) {
        let mut start = Vec::new();
        let looked = (&mut *source)
            .take(LOOK_BYTES as u64)
            .read_to_end(&mut start);
        if looked.is_err() && start.is_empty() {
            return self.damaged(name, 0, &None);
        }
        let first = start.iter().find(|b| !b.is_ascii_whitespace()).copied();
        let delimiter = delimiter_of(&start);
        let mut whole = Cursor::new(start).chain(source);
        match first {
            Some(b'{' | b'[') => self.answer(name, &mut whole),
            Some(_) => self.csv(name, &mut whole, delimiter),
            None => {}
        }
    }

    fn answer(&mut self, name: &str, source: &mut dyn Read) {
        let mut bytes = Vec::new();
        let read = source
            .take(BILL_ANSWER_BYTES_MAX + 1)
            .read_to_end(&mut bytes);
        if read.is_err() || bytes.len() as u64 > BILL_ANSWER_BYTES_MAX {
            return self.damaged(name, 0, &None);
        }
        let number = self.file(name, "answer of the AWS CLI");
        match self.answers.take(&mut self.ledger, name, number, &bytes) {
            WhatWasRead::Bill => {}
            WhatWasRead::Metadata => {
                self.ledger.files.pop();
            }
            WhatWasRead::NoJson => self.damaged(name, 0, &None),
            WhatWasRead::NotABill => {
                self.ledger.files.pop();
                self.ledger.problems.add(name, 0, BillProblemKind::NotABill);
            }
        }
    }

    fn damaged(&mut self, name: &str, line: u64, last_day: &Option<i32>) {
        self.ledger
            .problems
            .add(name, line, BillProblemKind::Damaged);
        let period = last_day.map(day::month_text);
        self.unread(
            period.as_deref().unwrap_or(name),
            name,
            "it ends too early or is damaged",
        );
    }

    fn csv(&mut self, name: &str, source: &mut dyn Read, delimiter: u8) {
        let mut csv = CsvRows::new(source, delimiter);
        let header = match csv.header(BILL_COLUMNS_MAX) {
            Ok(names) => names.and_then(|n| BillHeader::of(&n)),
            Err(_) => return self.damaged(name, 1, &None),
        };
        let Some(header) = header else {
            self.ledger.problems.add(name, 1, BillProblemKind::NotABill);
            return;
        };
        let number = self.file(name, header.layout.name);
        if header.repeated {
            self.ledger
                .problems
                .add(name, 1, BillProblemKind::RepeatedColumn);
        }
        csv.want(&header.positions);
        let mut taker = RowTaker::new(&header, number);
        let (mut line, mut unread) = (1, None);
        loop {
            let row = match csv.next() {
                Ok(NextRow::Row(at)) => {
                    line = at;
                    csv_row(&csv, &header, &mut taker, &mut self.ledger)
                }
                Ok(NextRow::TooLarge(at)) => {
                    line = at;
                    Err(BillProblemKind::RowTooLarge)
                }
                Ok(NextRow::End) => break,
                Err(_) => {
                    unread = Some("it ends too early or is damaged");
                    Err(BillProblemKind::Damaged)
                }
            };
            if let Err(problem) = row {
                self.ledger.problems.add(name, line, problem);
                if problem.loses_a_charge() {
                    unread = unread.or(Some("rows of it could not be read"));
                }
            }
            if unread == Some("it ends too early or is damaged") {
                break;
            }
        }
        let (rows, left_out) = (taker.rows, taker.left_out);
        let file = &mut self.ledger.files[number as usize];
        (file.rows, file.left_out) = (rows, left_out);
        if let Some(because) = unread {
            let days = self.ledger.series.iter().flat_map(|s| &s.days);
            let last = days.filter(|d| d.file == number).map(|d| d.day).max();
            let period = last.map_or(name.to_owned(), day::month_text);
            self.unread(&period, name, because);
        }
    }
}

/// One row of CSV into the sums.
#[inline]
fn csv_row<R: Read>(
    csv: &CsvRows<R>,
    header: &BillHeader,
    taker: &mut RowTaker<'_>,
    ledger: &mut Ledger,
) -> Result<(), BillProblemKind> {
    let mut cells: Cells<'_> = [b""; COLUMNS];
    for (cell, position) in cells
        .iter_mut()
        .zip(header.positions)
        .enumerate()
        .filter_map(|(slot, (cell, position))| position.map(|_| (cell, slot)))
    {
        *cell = csv.cell(position);
    }
    if !csv.is_whole() {
        return match csv.is_empty() {
            true => Ok(()),
            false => Err(BillProblemKind::CutRow),
        };
    }
    let taken = taker.take(ledger, &cells, None);
    let start = cells[Column::Start as usize];
    let repeats = || {
        let column = header.layout.columns.first();
        column.is_some_and(|(_, names)| {
            names.contains(&super::columns::fold(&unescaped(start)).as_str())
        })
    };
    match taken {
        Err(BillProblemKind::Date) if repeats() => {
            taker.left_out += 1;
            Ok(())
        }
        other => other,
    }
}

impl BillProblemKind {
    /// Whether a charge is missing from the sums because of it.
    pub(crate) fn loses_a_charge(self) -> bool {
        !matches!(
            self,
            Self::UnknownKind | Self::RepeatedColumn | Self::TooManyKeys | Self::Inexact
        )
    }
}
