//! CSV rows (RFC 4180) from a stream, of which only some cells are wanted. Cells are not copied.
//!
//! `csv-core` looks at every byte; here a cell ends at the next separator, found many bytes at a
//! time, and cells behind the last wanted one are not separated at all. A property test holds both
//! against each other.

use std::io::{self, Read};

use memchr::{memchr, memchr3};

use bartizan_model::limits::{BILL_ROW_BYTES_MAX, WINDOW_BYTES};

/// Place of a cell in the window, without its quotes.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    start: usize,
    end: usize,
}

/// Reads rows from a stream.
pub(crate) struct CsvRows<R> {
    source: R,
    window: Vec<u8>,
    filled: usize,
    at: usize,
    ended: bool,
    delimiter: u8,
    /// Line of the next row, from 1.
    line: u64,
    /// Slot of each cell, by position; `None` for cells that nobody wants.
    slots: Vec<Option<usize>>,
    spans: Vec<Span>,
    /// Cells of the row that were separated.
    cells: usize,
}

/// Result of looking for a row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NextRow {
    /// Row that begins in this line.
    Row(u64),
    /// Row larger than the bound; reading goes on in the line after its first.
    TooLarge(u64),
    End,
}

enum Scan {
    /// Offset of the next row, number of cells, and whether a cell was quoted.
    Row(usize, usize, bool),
    /// The row is not complete in the window.
    More,
}

impl<R: Read> CsvRows<R> {
    pub(crate) fn new(source: R, delimiter: u8) -> Self {
        Self {
            source,
            window: vec![0; 2 * WINDOW_BYTES],
            filled: 0,
            at: 0,
            ended: false,
            delimiter,
            line: 1,
            slots: Vec::new(),
            spans: Vec::new(),
            cells: 0,
        }
    }

    /// All cells of the next row, as text: for the header.
    pub(crate) fn header(&mut self, cells_max: usize) -> io::Result<Option<Vec<String>>> {
        self.slots = (0..cells_max).map(Some).collect();
        self.spans = vec![Span::default(); cells_max];
        Ok(match self.next()? {
            NextRow::Row(_) => {
                let cell = |n| String::from_utf8_lossy(self.cell(n)).trim().to_owned();
                Some((0..self.cells.min(cells_max)).map(cell).collect())
            }
            _ => None,
        })
    }

    /// Wants the cells at these positions; the row's cell for a position is at the same index.
    pub(crate) fn want(&mut self, positions: &[Option<usize>]) {
        let last = positions.iter().flatten().max().map_or(0, |p| p + 1);
        self.slots = vec![None; last];
        for (slot, position) in positions.iter().enumerate() {
            if let Some(position) = position {
                self.slots[*position] = Some(slot);
            }
        }
        self.spans = vec![Span::default(); positions.len()];
    }

    /// Whether the row has all wanted cells.
    pub(crate) fn is_whole(&self) -> bool {
        self.cells >= self.slots.len()
    }

    /// Whether the row is an empty line.
    pub(crate) fn is_empty(&self) -> bool {
        self.cells == 1 && self.spans.iter().all(|s| s.start == s.end)
    }

    /// Bytes of a wanted cell; doubled quotes are still doubled.
    #[inline]
    pub(crate) fn cell(&self, slot: usize) -> &[u8] {
        let span = self.spans[slot];
        &self.window[span.start..span.end]
    }

    /// Finds the next row.
    pub(crate) fn next(&mut self) -> io::Result<NextRow> {
        loop {
            if self.at == self.filled && self.ended {
                return Ok(NextRow::End);
            }
            match self.scan() {
                Scan::Row(next, cells, quoted) => {
                    let line = self.line;
                    // Only quoted cells hold line ends.
                    self.line += match quoted {
                        true => lines(&self.window[self.at..next]),
                        false => 1,
                    };
                    self.at = next;
                    self.cells = cells;
                    return Ok(NextRow::Row(line));
                }
                Scan::More if self.filled - self.at >= BILL_ROW_BYTES_MAX => {
                    let line = self.line;
                    let rest = &self.window[self.at..self.filled];
                    self.at += memchr(b'\n', rest).map_or(rest.len(), |n| n + 1);
                    self.line += 1;
                    return Ok(NextRow::TooLarge(line));
                }
                Scan::More if self.ended => {
                    // An unclosed quote at the end of the file.
                    let line = self.line;
                    let rest = &self.window[self.at..self.filled];
                    self.at += memchr(b'\n', rest).map_or(rest.len(), |n| n + 1);
                    self.line += 1;
                    return Ok(NextRow::TooLarge(line));
                }
                Scan::More => self.fill()?,
            }
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        self.window.copy_within(self.at..self.filled, 0);
        self.filled -= self.at;
        self.at = 0;
        let n = self.source.read(&mut self.window[self.filled..])?;
        self.filled += n;
        self.ended = n == 0;
        Ok(())
    }

    /// Separates the cells of the row at `at`.
    #[inline]
    fn scan(&mut self) -> Scan {
        let (text, delimiter) = (&self.window[..self.filled], self.delimiter);
        let (mut at, mut is_quoted) = (self.at, false);
        for (position, slot) in self.slots.iter().enumerate() {
            let (span, end) = match text.get(at) {
                Some(b'"') => {
                    is_quoted = true;
                    match quoted(text, at, delimiter, self.ended) {
                        Some(found) => found,
                        None => return Scan::More,
                    }
                }
                _ => match cell_end(text, at, delimiter) {
                    Some(end) => (Span { start: at, end }, end),
                    None if self.ended => (
                        Span {
                            start: at,
                            end: text.len(),
                        },
                        text.len(),
                    ),
                    None => return Scan::More,
                },
            };
            if let Some(slot) = slot {
                self.spans[*slot] = span;
            }
            match text.get(end) {
                Some(byte) if *byte == delimiter => at = end + 1,
                _ => {
                    // The row ended before all wanted cells: the rest is empty.
                    for slot in self.slots[position + 1..].iter().flatten() {
                        self.spans[*slot] = Span::default();
                    }
                    return match after_newline(text, end, self.ended) {
                        Some(next) => Scan::Row(next, position + 1, is_quoted),
                        None => Scan::More,
                    };
                }
            }
        }
        match row_end(text, at, delimiter, self.ended) {
            Some((next, rest)) => Scan::Row(next, self.slots.len(), is_quoted || rest),
            None => Scan::More,
        }
    }
}

/// Number of line ends.
fn lines(row: &[u8]) -> u64 {
    let feeds = memchr::memchr_iter(b'\n', row).count();
    (if feeds == 0 {
        usize::from(row.contains(&b'\r'))
    } else {
        feeds
    }) as u64
}

/// Each byte 1, and each byte's highest bit.
const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHEST: u64 = ONES << 7;

/// Highest bits of the bytes that equal one; exact up to the lowest that is set.
#[inline]
fn marks(word: u64, byte: u8) -> u64 {
    let differing = word ^ (ONES * u64::from(byte));
    differing.wrapping_sub(ONES) & !differing & HIGHEST
}

/// End of an unquoted cell. Most are too short for a search that must be set up.
#[inline]
fn cell_end(text: &[u8], at: usize, delimiter: u8) -> Option<usize> {
    let mut from = at;
    while let Some(bytes) = text.get(from..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*bytes);
        let found = marks(word, delimiter) | marks(word, b'\n') | marks(word, b'\r');
        if found != 0 {
            return Some(from + found.trailing_zeros() as usize / 8);
        }
        from += 8;
    }
    let rest = text.get(from..)?;
    memchr3(delimiter, b'\n', b'\r', rest).map(|n| from + n)
}

/// Content and end of a quoted cell. Text between its closing quote and the next separator, which
/// no writer should make, is left out.
fn quoted(text: &[u8], at: usize, delimiter: u8, ended: bool) -> Option<(Span, usize)> {
    let mut from = at + 1;
    let close = loop {
        let quote = from + memchr(b'"', &text[from..])?;
        match text.get(quote + 1) {
            Some(b'"') => from = quote + 2,
            None if !ended => return None,
            _ => break quote,
        }
    };
    let span = Span {
        start: at + 1,
        end: close,
    };
    let end = match cell_end(text, close + 1, delimiter) {
        Some(end) => end,
        None if ended => text.len(),
        None => return None,
    };
    Some((span, end))
}

/// Start of the next row; `end` is at a line end or the end of the text.
#[inline]
fn after_newline(text: &[u8], end: usize, ended: bool) -> Option<usize> {
    match (text.get(end), text.get(end + 1)) {
        (Some(b'\r'), Some(b'\n')) => Some(end + 2),
        (Some(b'\r'), None) if !ended => None,
        (Some(_), _) => Some(end + 1),
        (None, _) => ended.then_some(end),
    }
}

/// Start of the next row, from the start of a cell on, and whether a cell was quoted. A quote opens
/// a cell only at its start.
fn row_end(text: &[u8], at: usize, delimiter: u8, ended: bool) -> Option<(usize, bool)> {
    let (mut from, mut is_quoted) = (at, false);
    loop {
        let Some(found) = memchr3(b'\n', b'\r', b'"', text.get(from..)?) else {
            return ended.then_some((text.len(), is_quoted));
        };
        let place = from + found;
        if text[place] != b'"' {
            return after_newline(text, place, ended).map(|next| (next, is_quoted));
        }
        let opens = place == at || text[place - 1] == delimiter;
        is_quoted |= opens;
        from = if opens {
            quoted(text, place, delimiter, ended)?.1
        } else {
            place + 1
        };
    }
}

/// Separator of a header line: the one that makes most cells.
pub(crate) fn delimiter_of(start: &[u8]) -> u8 {
    let line = &start[..memchr::memchr2(b'\n', b'\r', start).unwrap_or(start.len())];
    let count = |d: u8| memchr::memchr_iter(d, line).count();
    let best = [b';', b'\t', b'|', b',']
        .into_iter()
        .max_by_key(|d| count(*d));
    best.unwrap_or(b',')
}

/// Cell with doubled quotes made single.
pub(crate) fn unescaped(cell: &[u8]) -> String {
    String::from_utf8_lossy(cell).replace("\"\"", "\"")
}

#[cfg(test)]
mod tests {
    use super::{CsvRows, NextRow, delimiter_of};

    fn rows(text: &str, positions: &[Option<usize>]) -> Vec<(u64, Vec<String>)> {
        let mut csv = CsvRows::new(text.as_bytes(), b',');
        csv.want(positions);
        let mut found = Vec::new();
        while let Ok(NextRow::Row(line)) = csv.next() {
            let cell = |n| String::from_utf8_lossy(csv.cell(n)).into_owned();
            found.push((line, (0..positions.len()).map(cell).collect()));
        }
        found
    }

    #[test]
    fn rows_end_where_rfc_4180_says() {
        let text =
            "a,\"b,\nc\",d\r\n1,\"say \"\"x\"\"\",3\n,,\r5\" disk,\"\",7,\"more\n\",x\nlast,l";
        let all = [Some(0), Some(1), Some(2)];
        let row = |line, cells: [&str; 3]| (line, cells.map(str::to_owned).to_vec());
        assert_eq!(
            rows(text, &all),
            [
                row(1, ["a", "b,\nc", "d"]),
                row(3, ["1", "say \"\"x\"\"", "3"]),
                row(4, ["", "", ""]),
                row(5, ["5\" disk", "", "7"]),
                row(7, ["last", "l", ""]),
            ]
        );
        let firsts: Vec<String> = rows(text, &[Some(0)])
            .into_iter()
            .map(|r| r.1.concat())
            .collect();
        assert_eq!(firsts, ["a", "1", "", "5\" disk", "last"]);
        assert_eq!(delimiter_of(b"a;b;c,d\n"), b';');
    }
}
