//! Splits a stream of bytes into records, whatever their envelope.
//!
//! The buffered bytes are indexed once ([`super::structure`]), then walked: containers (`Records`,
//! `Events`, `logEvents`, plain arrays) are entered, and every object inside one is passed to
//! [`super::shape`]. Damage loses only the record in which it occurs: the walk continues at the
//! start of the next one.

use memchr::memmem;

use super::event::{Field, FieldOffsets, parse_time};
use super::lookahead::{EveryItem, ItemSink, Lookahead};
use super::normal::{NormalRecord, anew, is_odd, is_usual};
use super::shape::{ObjectShape, ReadProblem, TrailItem};
use super::structure::Structure;
use super::wrapped::{self, WrappedContent};
use bartizan_model::limits::{NESTING_MAX, RECORD_BYTES_MAX, UNWRAP_DEPTH_MAX};

/// Splitter of objects (files, streams) into records.
#[derive(Default)]
pub struct Splitter {
    /// Open containers, outermost first.
    open: Vec<OpenBrace>,
    /// Offset in the object of the first unconsumed byte.
    offset: u64,
    /// Searching for the next start of a record after damage.
    lost: bool,
    /// Number of bytes to index at once; small after damage, so that a file full of damage is not
    /// slower than a sound one.
    reach: usize,
    /// Nesting depth in envelopes.
    depth: usize,
    /// Records are normalized already.
    anew: bool,
    /// The response has a token for the next page.
    paged: bool,
    structure: Structure,
    /// Field that followed each field the last time; it most likely follows again.
    follows: Follows,
    guesses: Lookahead,
    inner: Option<Box<Self>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OpenBrace {
    /// Between the members of an object with a container.
    Members,
    /// Between the elements of an array.
    Elements,
    /// Between the rows of a CloudTrail Lake result, which are arrays of one-member objects.
    Rows,
}

/// Members whose array holds records.
const CONTAINERS: [(&[u8], OpenBrace); 6] = [
    (b"Records", OpenBrace::Elements),
    (b"records", OpenBrace::Elements),
    (b"Events", OpenBrace::Elements),
    (b"events", OpenBrace::Elements),
    (b"logEvents", OpenBrace::Elements),
    (b"QueryResultRows", OpenBrace::Rows),
];

const REACH_MIN: usize = 512;
const REACH_WHOLE: usize = 1 << 31;
/// Number of bytes to index while records may be repeats.
const REACH_AGAIN: usize = 2048;

/// Number of consecutive records without a repeat, after which more is indexed at once.
const MISSES_IN_A_ROW: u32 = 8;

#[derive(Clone, Copy)]
struct Follows([Field; Field::COUNT + 1]);

impl Default for Follows {
    fn default() -> Self {
        Self([Field::EventVersion; Field::COUNT + 1])
    }
}

enum Walked {
    /// Number of bytes consumed; the rest needs more input.
    Consumed(usize),
    /// Damage: search for a record from this offset on.
    Damaged(usize),
}

/// Meaning of an opening brace.
enum BraceMeaning {
    /// Whole object, with the index of its closing brace in the positions.
    Whole(usize),
    /// Object with a container, with the index of the container's bracket.
    Container(usize, OpenBrace),
    /// Continues beyond the buffered bytes.
    Open,
    Damaged(ReadProblem),
}

impl Splitter {
    /// Splitter at the start of an object.
    pub fn new() -> Self {
        Self {
            reach: REACH_WHOLE,
            ..Self::default()
        }
    }

    /// Starts another object, keeping the buffers.
    pub fn begin(&mut self) {
        self.open.clear();
        (self.offset, self.lost, self.reach, self.paged) = (0, false, REACH_WHOLE, false);
    }

    /// Processes the buffered bytes and returns the number consumed; the rest must be passed again
    /// with more input appended. With `last`, all bytes are consumed.
    pub fn push(
        &mut self,
        window: &[u8],
        last: bool,
        sink: &mut dyn FnMut(TrailItem<'_>),
    ) -> usize {
        self.push_into(window, last, &mut EveryItem(sink))
    }

    /// Like [`Self::push`], for a sink that recognizes repeated records.
    pub(super) fn push_into(
        &mut self,
        window: &[u8],
        last: bool,
        sink: &mut dyn ItemSink,
    ) -> usize {
        let hasher = sink.hasher().cloned();
        self.guesses.begin();
        if hasher.is_some() {
            self.reach = self.reach.min(REACH_AGAIN);
        }
        let mut misses = 0;
        let mut structure = std::mem::take(&mut self.structure);
        let mut from = 0;
        loop {
            if self.lost {
                let Some(next) = find_record(&window[from..]) else {
                    from = if last {
                        window.len()
                    } else {
                        from.max(window.len().saturating_sub(NEEDLE.len()))
                    };
                    break;
                };
                from += next;
                self.lost = false;
            }
            let mut alone = false;
            if let Some(hasher) = hasher
                .as_ref()
                .filter(|_| self.open.last() == Some(&OpenBrace::Elements))
            {
                let (known, next) = self.guesses.again(window, from, hasher, sink);
                misses = if known > from { 0 } else { misses + 1 };
                from = known;
                // Index only the next record with its surroundings, unless hardly any record is a
                // repeat.
                alone = next.is_some() && misses < MISSES_IN_A_ROW;
                self.reach = match next.filter(|_| alone) {
                    Some(bytes) => bytes + 2,
                    None => self.reach.max(REACH_AGAIN),
                };
            }
            let rest = &window[from..];
            let part = &rest[..rest.len().min(self.reach)];
            let whole = part.len() == rest.len();
            structure.index(part);
            let offset = self.offset + from as u64;
            match self.walk(part, &structure, last && whole, offset, sink) {
                Walked::Consumed(n) => {
                    from += n;
                    if whole {
                        break;
                    }
                    if n == 0 || !alone {
                        self.reach = (self.reach * 2).min(REACH_WHOLE);
                    }
                }
                Walked::Damaged(n) => {
                    from += n.max(1).min(part.len());
                    self.lost = true;
                    self.reach = REACH_MIN;
                }
            }
        }
        if last && !self.open.is_empty() && !self.lost {
            sink.item(TrailItem::Problem {
                offset: self.offset + window.len() as u64,
                problem: ReadProblem::Cut,
            });
        }
        let done = if last { window.len() } else { from };
        self.offset += done as u64;
        self.structure = structure;
        done
    }

    fn walk(
        &mut self,
        part: &[u8],
        structure: &Structure,
        last: bool,
        offset: u64,
        sink: &mut dyn ItemSink,
    ) -> Walked {
        let positions = structure.braces();
        // `at`: index of the next brace. `done`: offset up to which everything is processed.
        let (mut at, mut done) = (0, 0);
        while let Some(&position) = positions.get(at) {
            let position = position as usize;
            let frame = self.open.last().copied();
            if frame == Some(OpenBrace::Members) {
                match self.member(part, structure, done, at) {
                    Some(next) => at = next,
                    None => return open(part, done, position, last, offset, sink),
                }
                self.report_page(offset + position as u64, sink);
                done = positions[at - 1] as usize + 1;
                continue;
            }
            if !gap(&part[done..position], offset + done as u64, sink) {
                return damaged(sink, offset, done, ReadProblem::Damaged);
            }
            match part[position] {
                b'{' => {
                    let mut places = FieldOffsets::NONE;
                    match self.object(part, structure, at, &mut places) {
                        BraceMeaning::Whole(end) => {
                            // An element is followed by a comma or the end of its array; otherwise
                            // it did not end here.
                            match first_behind(part, positions[end]).map(|n| part[n]) {
                                Some(b',' | b']') => {}
                                None if !last => return Walked::Consumed(position),
                                Some(_) if frame == Some(OpenBrace::Elements) => {
                                    return damaged(sink, offset, position, ReadProblem::Damaged);
                                }
                                _ => {}
                            }
                            let record = &part[position..=positions[end] as usize];
                            self.emit(record, &places, offset + position as u64, sink);
                            at = end + 1;
                        }
                        BraceMeaning::Container(bracket, frame) => {
                            self.report_page(offset + position as u64, sink);
                            self.open.extend([OpenBrace::Members, frame]);
                            at = bracket + 1;
                        }
                        BraceMeaning::Open => {
                            return open(part, position, position, last, offset, sink);
                        }
                        BraceMeaning::Damaged(problem) => {
                            return damaged(sink, offset, position, problem);
                        }
                    }
                }
                b'[' if frame == Some(OpenBrace::Rows) => match close(part, positions, at) {
                    Some(end) => {
                        let row = row_as_object(&part[position..=positions[end] as usize]);
                        self.unwrap(&row, offset + position as u64, sink);
                        at = end + 1;
                    }
                    None => return open(part, position, position, last, offset, sink),
                },
                b'[' if self.open.len() < NESTING_MAX => {
                    self.open.push(OpenBrace::Elements);
                    at += 1;
                }
                b']' if frame.is_some() => {
                    self.open.pop();
                    at += 1;
                }
                _ => return damaged(sink, offset, position, ReadProblem::Damaged),
            }
            done = positions[at - 1] as usize + 1;
        }
        rest_of(part, done, last, offset, sink)
    }

    /// Reports that the object is one page of several, once.
    fn report_page(&mut self, offset: u64, sink: &mut dyn ItemSink) {
        if std::mem::take(&mut self.paged) {
            sink.item(TrailItem::Problem {
                offset,
                problem: ReadProblem::Paged,
            });
        }
    }

    /// Next step in an object with a container: another container, another member, or its end.
    /// `None` if it continues beyond the buffered bytes.
    fn member(
        &mut self,
        part: &[u8],
        structure: &Structure,
        done: usize,
        at: usize,
    ) -> Option<usize> {
        let position = structure.braces()[at] as usize;
        let token = structure
            .colons(done, position)
            .any(|colon| is_token(part, done, colon));
        match part[position] {
            b'}' => {
                self.paged |= token;
                self.open.pop();
                Some(at + 1)
            }
            b'[' | b'{' => {
                let colon = structure.colons(done, position).last();
                let end = close(part, structure.braces(), at);
                // If it continues beyond the buffered bytes, it is walked again.
                self.paged |= token && end.is_some();
                if let Some(frame) = colon.and_then(|colon| container(part, done, colon, position))
                {
                    self.paged |= token;
                    self.open.push(frame);
                    return Some(at + 1);
                }
                end.map(|end| end + 1)
            }
            _ => Some(at + 1),
        }
    }

    /// Finds the end of the object that opens at index `at`, and records the offsets of its known
    /// fields.
    fn object(
        &mut self,
        part: &[u8],
        structure: &Structure,
        at: usize,
        places: &mut FieldOffsets,
    ) -> BraceMeaning {
        let start = structure.braces()[at] as usize;
        // Containers occur only in the outermost objects.
        let candidate = self.open.len() < 4;
        // Everything before `done` is processed; members without braces lie between it and the next
        // brace.
        let (mut at, mut done, mut before) = (at + 1, start + 1, Field::COUNT);
        loop {
            let Some(&position) = structure.braces().get(at) else {
                return BraceMeaning::Open;
            };
            let position = position as usize;
            let mut colon = None;
            for found in structure.colons(done, position) {
                before = self.place(part, start, found, before, places);
                colon = Some(found);
            }
            match part[position] {
                b'}' => {
                    // The last value ends here, unless something follows it.
                    if before < Field::COUNT && places.end[before] == 0 {
                        let compact = !part[position - 1].is_ascii_whitespace();
                        places.end[before] = if compact {
                            (position - start) as u32
                        } else {
                            u32::MAX
                        };
                    }
                    return BraceMeaning::Whole(at);
                }
                b'{' | b'[' => {
                    if candidate
                        && !places.has(Field::EventName)
                        && let Some(frame) =
                            colon.and_then(|colon| container(part, start, colon, position))
                    {
                        self.paged = structure
                            .colons(start + 1, position)
                            .any(|colon| is_token(part, start, colon));
                        return BraceMeaning::Container(at, frame);
                    }
                    match skip(part, structure.braces(), at) {
                        Skipped::To(end) => {
                            at = end;
                            if before == Field::UserIdentity as usize {
                                places.identity_end = structure.braces()[end] - start as u32 + 1;
                            }
                        }
                        Skipped::Open => return BraceMeaning::Open,
                        Skipped::Damaged(problem) => return BraceMeaning::Damaged(problem),
                    }
                }
                _ => return BraceMeaning::Damaged(ReadProblem::Damaged),
            }
            done = structure.braces()[at] as usize + 1;
            at += 1;
        }
    }

    /// Records the offset of the value after a colon if its key is a known field. `before` is the
    /// previous field; returns this one.
    #[inline]
    fn place(
        &mut self,
        part: &[u8],
        start: usize,
        colon: usize,
        before: usize,
        places: &mut FieldOffsets,
    ) -> usize {
        let guess = self.follows.0[before];
        let (field, open) = if key_is(part, colon, guess.name().as_bytes()) {
            (Some(guess), colon - guess.name().len() - 2)
        } else {
            let key = key_before(part, start, colon);
            (
                Field::named(key),
                (colon - start).saturating_sub(key.len() + 2) + start,
            )
        };
        // The previous value ends at the comma before this key, unless something follows it.
        if before < Field::COUNT && places.end[before] == 0 {
            let compact = open > start && part[open - 1] == b',' && part[open] == b'"';
            places.end[before] = if compact {
                (open - 1 - start) as u32
            } else {
                u32::MAX
            };
        }
        let Some(field) = field else {
            places.odd |= is_odd(key_before(part, start, colon));
            return before;
        };
        self.follows.0[before] = field;
        places.at[field as usize] = (colon - start + 1) as u32;
        field as usize
    }

    fn emit(&mut self, record: &[u8], places: &FieldOffsets, offset: u64, sink: &mut dyn ItemSink) {
        match ObjectShape::of(record, places) {
            ObjectShape::Item(TrailItem::Event(event))
                if !self.anew && !is_usual(&event, places) =>
            {
                // Records in queues and streams have fields of the same names.
                if event.raw_text(Field::EventSource).starts_with(b"aws:") {
                    return self.wrapped(record, offset, sink);
                }
                match anew(record) {
                    Some(normal) => self.normal(&normal, offset, sink),
                    None => sink.item(TrailItem::Event(event)),
                }
            }
            ObjectShape::Item(item) => sink.item(item),
            ObjectShape::Envelope(content) => self.unwrap(&content, offset, sink),
            ObjectShape::Unknown => match anew(record) {
                Some(normal) if !self.anew => self.normal(&normal, offset, sink),
                _ => self.wrapped(record, offset, sink),
            },
        }
    }

    /// Passes on a normalized record.
    pub(super) fn normal(&mut self, normal: &NormalRecord, offset: u64, sink: &mut dyn ItemSink) {
        for (is, problem) in [
            (normal.unread, ReadProblem::Unread),
            (normal.sourceless, ReadProblem::NoSource),
        ] {
            if is {
                sink.item(TrailItem::Problem { offset, problem });
            }
        }
        self.inside(&normal.record, offset, sink, true);
    }

    /// Handles an object that is not a record but may contain one.
    fn wrapped(&mut self, object: &[u8], offset: u64, sink: &mut dyn ItemSink) {
        match wrapped::look(object) {
            WrappedContent::Contents(contents, paged) => {
                contents
                    .iter()
                    .for_each(|content| self.unwrap(content, offset, sink));
                if paged {
                    sink.item(TrailItem::Problem {
                        offset,
                        problem: ReadProblem::Paged,
                    });
                }
            }
            WrappedContent::Apart(apart) => sink.item(TrailItem::Apart(apart)),
            WrappedContent::Nothing => sink.item(TrailItem::Problem {
                offset,
                problem: ReadProblem::NotAnEvent,
            }),
        }
    }

    /// Splits the content of an envelope. Problems are reported at the offset of the envelope.
    pub(super) fn unwrap(&mut self, content: &[u8], offset: u64, sink: &mut dyn ItemSink) {
        if self.depth >= UNWRAP_DEPTH_MAX {
            sink.item(TrailItem::Problem {
                offset,
                problem: ReadProblem::TooDeep,
            });
            return;
        }
        self.inside(content, offset, sink, false);
    }

    fn inside(&mut self, content: &[u8], offset: u64, sink: &mut dyn ItemSink, anew: bool) {
        let mut inner = self.inner.take().unwrap_or_default();
        inner.begin();
        (inner.depth, inner.anew) = (self.depth + 1, anew);
        inner.push(content, true, &mut |item| match item {
            TrailItem::Problem { problem, .. } => sink.item(TrailItem::Problem { offset, problem }),
            item => sink.item(item),
        });
        self.inner = Some(inner);
    }
}

enum Skipped {
    /// Index of the closing brace.
    To(usize),
    Open,
    Damaged(ReadProblem),
}

/// Skips the value that opens at index `at`, checking that its braces match.
fn skip(part: &[u8], braces: &[u32], at: usize) -> Skipped {
    // Open containers, one bit each, set for objects. Branch-free, because the bytes are
    // unpredictable.
    let (mut depth, mut objects, mut wrong) = (0u32, 0u64, 0u64);
    for (n, &position) in braces.iter().enumerate().skip(at) {
        let position = position as usize;
        let (byte, before) = (part[position], part[position - 1]);
        let open = u64::from(byte & 2 != 0);
        let object = u64::from(byte & 0x20 != 0);
        wrong |= (1 - open) & (objects ^ object) & 1;
        // Two values without a comma between them: a brace is missing before this one.
        wrong |= open & u64::from(!SEPARATES[before as usize]);
        wrong |= u64::from(byte < b' ') | u64::from(depth >= NESTING_MAX as u32);
        objects = if open == 1 {
            objects << 1 | object
        } else {
            objects >> 1
        };
        depth = depth.wrapping_add(1).wrapping_sub(2 * (1 - open) as u32);
        if depth == 0 || wrong != 0 {
            return if wrong == 0 {
                Skipped::To(n)
            } else {
                skip_carefully(part, braces, at)
            };
        }
    }
    Skipped::Open
}

/// Like [`skip`], with exact checks, for damage and for whitespace between tokens.
fn skip_carefully(part: &[u8], braces: &[u32], at: usize) -> Skipped {
    let (mut depth, mut objects) = (0usize, 0u64);
    for (n, &position) in braces.iter().enumerate().skip(at) {
        let position = position as usize;
        match part[position] {
            open @ (b'{' | b'[') => {
                depth += 1;
                objects = objects << 1 | u64::from(open == b'{');
                if depth >= NESTING_MAX {
                    return Skipped::Damaged(ReadProblem::TooDeep);
                }
                let before = part[..position]
                    .iter()
                    .rev()
                    .find(|b| !b.is_ascii_whitespace());
                if !before.is_some_and(|b| SEPARATES[*b as usize]) {
                    return Skipped::Damaged(ReadProblem::Damaged);
                }
            }
            end @ (b'}' | b']') => {
                if objects & 1 != u64::from(end == b'}') {
                    return Skipped::Damaged(ReadProblem::Damaged);
                }
                objects >>= 1;
                depth -= 1;
                if depth == 0 {
                    return Skipped::To(n);
                }
            }
            _ => return Skipped::Damaged(ReadProblem::Damaged),
        }
    }
    Skipped::Open
}

/// Bytes that may come before a nested value.
const SEPARATES: [bool; 256] = {
    let mut table = [false; 256];
    table[b':' as usize] = true;
    table[b',' as usize] = true;
    table[b'[' as usize] = true;
    table
};

/// Everything behind the last brace.
fn rest_of(part: &[u8], done: usize, last: bool, offset: u64, sink: &mut dyn ItemSink) -> Walked {
    let rest = &part[done..];
    if last {
        if !gap(rest, offset + done as u64, sink) {
            sink.item(TrailItem::Problem {
                offset: offset + done as u64,
                problem: ReadProblem::Damaged,
            });
        }
        return Walked::Consumed(part.len());
    }
    // A token may continue beyond the buffered bytes; whitespace is consumed.
    if rest.iter().all(u8::is_ascii_whitespace) || rest.len() > RECORD_BYTES_MAX {
        Walked::Consumed(part.len())
    } else {
        Walked::Consumed(done)
    }
}

/// Something from `done` on that continues beyond the buffered bytes: it is walked again with more
/// of them, unless there are none or it is too large.
#[cold]
fn open(
    part: &[u8],
    done: usize,
    position: usize,
    last: bool,
    offset: u64,
    sink: &mut dyn ItemSink,
) -> Walked {
    if last {
        damaged(sink, offset, position, ReadProblem::Cut)
    } else if part.len() - done > RECORD_BYTES_MAX {
        damaged(sink, offset, position, ReadProblem::TooLarge)
    } else {
        Walked::Consumed(done)
    }
}

fn damaged(sink: &mut dyn ItemSink, offset: u64, position: usize, problem: ReadProblem) -> Walked {
    sink.item(TrailItem::Problem {
        offset: offset + position as u64,
        problem,
    });
    Walked::Damaged(position + 1)
}

const NEEDLE: &[u8] = br#"{"eventVersion""#;

/// Start of the next record after damage: the usual first field, or a brace at the start of a line.
fn find_record(bytes: &[u8]) -> Option<usize> {
    let usual = memmem::find(bytes, NEEDLE);
    let line = match bytes.first() {
        Some(b'{') => Some(0),
        _ => memmem::find(&bytes[..usual.unwrap_or(bytes.len())], b"\n{").map(|n| n + 1),
    };
    [usual, line].into_iter().flatten().min()
}

/// Skips whitespace and commas between records; null and other scalars are counted as problems.
/// Returns false if it is not JSON at all.
fn gap(bytes: &[u8], offset: u64, sink: &mut dyn ItemSink) -> bool {
    if matches!(bytes, b"" | b"," | b"\n") {
        return true;
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    for token in text.split(|b| *b == b',') {
        match token.trim_ascii() {
            b"" | b"\x1e" => {}
            b"null" => sink.item(TrailItem::Problem {
                offset,
                problem: ReadProblem::Null,
            }),
            // CloudWatch Logs exports put the time of each event before it.
            time if time.len() > 10 && parse_time(time).is_some() => {}
            scalar if serde_json::from_slice::<serde::de::IgnoredAny>(scalar).is_ok() => {
                sink.item(TrailItem::Problem {
                    offset,
                    problem: ReadProblem::NotAnEvent,
                });
            }
            _ => return false,
        }
    }
    true
}

/// Frame of the array that opens at `bracket` as the value after this colon, if it is a container.
fn container(part: &[u8], start: usize, colon: usize, bracket: usize) -> Option<OpenBrace> {
    if part[bracket] != b'[' || first_behind(part, colon as u32) != Some(bracket) {
        return None;
    }
    let key = key_before(part, start, colon);
    CONTAINERS
        .iter()
        .find(|(name, _)| *name == key)
        .map(|(_, frame)| *frame)
}

/// Whether a member is the token for the next page (`NextToken` of `aws cloudtrail lookup-events`
/// and `get-query-results`, `nextToken` of `aws logs filter-log-events`). `nextForwardToken` is
/// always present and does not count.
fn is_token(part: &[u8], start: usize, colon: usize) -> bool {
    matches!(key_before(part, start, colon), b"NextToken" | b"nextToken")
        && first_behind(part, colon as u32)
            .is_some_and(|at| part[at] == b'"' && part.get(at + 1).is_some_and(|b| *b != b'"'))
}

/// Whether the key before a colon is `name`, without whitespace.
#[inline]
fn key_is(part: &[u8], colon: usize, name: &[u8]) -> bool {
    let Some(open) = colon.checked_sub(name.len() + 2) else {
        return false;
    };
    let key = &part[open..colon];
    key[0] == b'"' && key[key.len() - 1] == b'"' && same(&key[1..key.len() - 1], name)
}

/// Equality of short byte strings of the same length, eight bytes at a time.
#[inline]
fn same(a: &[u8], b: &[u8]) -> bool {
    let word = |t: &[u8], at: usize| {
        t.get(at..at + 8)
            .and_then(|w| w.try_into().ok())
            .map(u64::from_le_bytes)
    };
    let half = |t: &[u8], at: usize| {
        t.get(at..at + 4)
            .and_then(|w| w.try_into().ok())
            .map(u32::from_le_bytes)
    };
    match a.len() {
        4..8 => half(a, 0) == half(b, 0) && half(a, a.len() - 4) == half(b, b.len() - 4),
        8..=16 => word(a, 0) == word(b, 0) && word(a, a.len() - 8) == word(b, b.len() - 8),
        17..=24 => {
            word(a, 0) == word(b, 0)
                && word(a, 8) == word(b, 8)
                && word(a, a.len() - 8) == word(b, b.len() - 8)
        }
        _ => a == b,
    }
}

/// Offset of the first non-whitespace byte after `position`.
fn first_behind(part: &[u8], position: u32) -> Option<usize> {
    let from = position as usize + 1;
    part[from..]
        .iter()
        .position(|b| !b.is_ascii_whitespace())
        .map(|n| from + n)
}

/// Key before a colon, without quotes; empty if there is none.
fn key_before(part: &[u8], start: usize, colon: usize) -> &[u8] {
    let mut close = colon;
    while close > start && part[close - 1].is_ascii_whitespace() {
        close -= 1;
    }
    if close <= start + 1 || part[close - 1] != b'"' {
        return &[];
    }
    let key = &part[start..close - 1];
    let open = key.iter().rposition(|b| *b == b'"');
    open.map_or(&[], |open| &key[open + 1..])
}

/// Index of the bracket that closes the one at index `at`.
fn close(part: &[u8], positions: &[u32], at: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (n, &position) in positions.iter().enumerate().skip(at) {
        match part[position as usize] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return Some(n);
        }
    }
    None
}

/// CloudTrail Lake row `[{"a":1},{"b":2}]` as `{"a":1,"b":2}`.
fn row_as_object(row: &[u8]) -> Vec<u8> {
    let mut object = vec![b'{'];
    for cell in super::json::JsonValue::new(row, 0)
        .into_iter()
        .flat_map(super::json::JsonValue::elements)
    {
        let raw = cell.raw();
        let inner = raw
            .strip_prefix(b"{")
            .and_then(|r| r.strip_suffix(b"}"))
            .unwrap_or_default();
        if object.len() > 1 && !inner.is_empty() {
            object.push(b',');
        }
        object.extend_from_slice(inner);
    }
    object.push(b'}');
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(window_bytes: usize, text: &str) -> Vec<String> {
        let (mut splitter, mut window, mut names) = (Splitter::new(), Vec::new(), Vec::new());
        let mut rest = text.as_bytes();
        loop {
            let n = window_bytes.min(rest.len());
            window.extend_from_slice(&rest[..n]);
            rest = &rest[n..];
            let done = splitter.push(&window, rest.is_empty(), &mut |item| {
                if let TrailItem::Event(event) = item {
                    names.extend(event.text(Field::EventName).map(|t| t.into_owned()));
                }
            });
            window.drain(..done);
            if rest.is_empty() {
                return names;
            }
        }
    }

    #[test]
    fn records_are_found_whatever_the_size_of_the_window() {
        let record = |name: &str| {
            format!(
                r#"{{"eventVersion":"1.08","eventTime":"2026-03-01T00:00:00Z","eventSource":"s3.amazonaws.com","eventName":"{name}","x":"}}]\\"}}"#
            )
        };
        let text = format!(r#"{{"Records":[{},{}]}}"#, record("A"), record("B"));
        for window_bytes in [1, 7, 64, 1 << 20] {
            assert_eq!(names(window_bytes, &text), ["A", "B"], "{window_bytes}");
        }
    }
}
