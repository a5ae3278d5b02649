//! Fast path for records that repeat an earlier one in everything but time, ids and address: they
//! are recognized without parsing.
//!
//! The end of such a record and the spans of those values are guessed from a few byte pairs. This
//! is sound, because a guess counts only if everything around the values has the hash of a record
//! that was fully parsed. Both records then have the same structure: the values can contain neither
//! a closing quote nor an escape.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::__m256i;
use std::hash::{BuildHasher, Hasher};

use foldhash::quality::RandomState;
use wide::u8x16;

use super::bits::{BLOCK, write_positions};
#[cfg(target_arch = "x86_64")]
use super::bits::{bits_of, either, equal};
use super::event::{Event, Field, FieldOffsets, PER_EVENT};
use super::shape::TrailItem;
use bartizan_model::limits::{REPEATED_RECORD_BYTES_MAX, REPEATED_TEXT_BYTES_MAX};

/// Receiver of the items in a trail.
pub trait ItemSink {
    fn item(&mut self, item: TrailItem<'_>);

    /// Hasher by which this sink recognizes repeated records; `None` if it never does.
    fn hasher(&self) -> Option<&RandomState> {
        None
    }

    /// Takes candidates, which follow each other without gaps, up to the first that does not repeat
    /// a known record. Returns the number taken.
    fn again(&mut self, window: &[u8], records: &[Candidate]) -> usize {
        let _ = (window, records);
        0
    }
}

/// Sink that passes every item to a closure.
pub(super) struct EveryItem<'s>(pub(super) &'s mut dyn FnMut(TrailItem<'_>));

impl ItemSink for EveryItem<'_> {
    fn item(&mut self, item: TrailItem<'_>) {
        (self.0)(item);
    }
}

/// Record that may repeat an earlier one.
#[derive(Debug, Clone, Copy)]
pub struct Candidate {
    start: usize,
    end: usize,
    holes: VariableSpans,
    /// [`RecordTemplate::of`] of the records that it may repeat.
    pub hash: u64,
}

impl Candidate {
    /// Largest number of candidates offered at once. In a larger batch more cache misses overlap.
    pub const BATCH: usize = 32;

    /// Bytes of the record.
    pub fn record<'w>(&self, window: &'w [u8]) -> &'w [u8] {
        &window[self.start..self.end]
    }

    /// Content of one of the fields in [`super::FieldSet::PER_EVENT`], a string without escapes.
    pub fn content<'w>(&self, window: &'w [u8], field: Field) -> Option<&'w [u8]> {
        let (from, to) = self.holes.of(field)?;
        self.record(window).get(from as usize..to as usize)
    }

    /// Event with the field offsets of the record that it repeats. `moved` stores its own offsets
    /// if they differ.
    pub fn event<'w>(
        &self,
        window: &'w [u8],
        known: &'w RecordTemplate,
        moved: &'w mut Option<FieldOffsets>,
    ) -> Event<'w> {
        let lengths = |holes: &VariableSpans| holes.spans.map(|(from, to)| to - from);
        let places = if lengths(&known.holes) == lengths(&self.holes) {
            &known.places
        } else {
            moved.insert(known.places.moved(known.holes.spans(), self.holes.spans()))
        };
        Event::new(self.record(window), places)
    }
}

/// Field offsets and variable spans that repeated records share.
#[derive(Debug)]
pub struct RecordTemplate {
    places: FieldOffsets,
    holes: VariableSpans,
}

impl RecordTemplate {
    /// Hash of everything but the variable values, and the spans of those. `None` if the record has
    /// whitespace between tokens or one of the values is not a string.
    pub fn of(event: &Event<'_>, hasher: &RandomState) -> Option<(u64, VariableSpans)> {
        let holes = VariableSpans::of_event(event)?;
        Some((holes.hash(event.raw(), hasher), holes))
    }

    /// Template with the field offsets of this event.
    pub fn keep(event: &Event<'_>, holes: VariableSpans) -> Self {
        Self {
            places: *event.places(),
            holes,
        }
    }
}

/// Spans of the [`super::FieldSet::PER_EVENT`] contents in a record, in order of position.
#[derive(Debug, Clone, Copy)]
pub struct VariableSpans {
    count: usize,
    fields: [Field; PER_EVENT.len()],
    spans: [(u32, u32); PER_EVENT.len()],
}

impl VariableSpans {
    const NONE: Self = Self {
        count: 0,
        fields: [Field::EventTime; PER_EVENT.len()],
        spans: [(u32::MAX, u32::MAX); PER_EVENT.len()],
    };

    fn of_event(event: &Event<'_>) -> Option<Self> {
        let mut holes = Self::NONE;
        for field in PER_EVENT {
            if let Some(span) = event.content_span(field)? {
                holes.push(field, span);
            }
        }
        // They mostly come in this order.
        for n in 1..holes.count {
            let mut at = n;
            while at > 0 && holes.spans[at] < holes.spans[at - 1] {
                holes.spans.swap(at, at - 1);
                holes.fields.swap(at, at - 1);
                at -= 1;
            }
        }
        Some(holes)
    }

    /// Returns false if there are too many.
    fn push(&mut self, field: Field, span: (u32, u32)) -> bool {
        let Some(slot) = self.spans.get_mut(self.count) else {
            return false;
        };
        *slot = span;
        self.fields[self.count] = field;
        self.count += 1;
        true
    }

    fn of(&self, field: Field) -> Option<(u32, u32)> {
        let at = self.fields[..self.count].iter().position(|f| *f == field)?;
        Some(self.spans[at])
    }

    pub(super) fn spans(&self) -> &[(u32, u32)] {
        &self.spans[..self.count]
    }

    fn hash(&self, record: &[u8], hasher: &RandomState) -> u64 {
        let (mut hasher, mut at) = (hasher.build_hasher(), 0);
        for &(from, to) in self.spans() {
            hasher.write(&record[at..from as usize]);
            hasher.write_usize(from as usize - at);
            at = to as usize;
        }
        hasher.write(&record[at..]);
        hasher.finish()
    }
}

/// Guesses where records end and where their variable spans are.
#[derive(Default)]
pub(super) struct Lookahead {
    /// Candidates guessed so far.
    ahead: Vec<Candidate>,
    /// Number of candidates done.
    done: usize,
    /// Number of candidates offered at once; few after a miss.
    batch: usize,
    /// Offsets of [`MARKS`] in the window, in order, as far as it was searched; entries from
    /// `count` on are stale.
    marks: Vec<u32>,
    count: usize,
    /// Index of the first mark that is not before the current record.
    next: usize,
    /// Offset up to which the window was searched.
    looked: usize,
}

impl Lookahead {
    /// Starts a new window.
    pub(super) fn begin(&mut self) {
        self.ahead.clear();
        (self.done, self.batch) = (0, 1);
        (self.count, self.next, self.looked) = (0, 0, 0);
    }

    /// Passes repeated records from `from` on to the sink. Returns where they end, and the guessed
    /// length of the next record, which is not a repeat.
    pub(super) fn again(
        &mut self,
        window: &[u8],
        from: usize,
        hasher: &RandomState,
        sink: &mut dyn ItemSink,
    ) -> (usize, Option<usize>) {
        let mut from = from;
        loop {
            // A comma follows a finished record.
            let start = from + usize::from(window.get(from) == Some(&b','));
            while self
                .ahead
                .get(self.done)
                .is_some_and(|guess| guess.start < start)
            {
                self.done += 1;
            }
            if self
                .ahead
                .get(self.done)
                .is_none_or(|guess| guess.start != start)
            {
                self.ahead.clear();
                self.done = 0;
                let mut start = start;
                while self.ahead.len() < self.batch
                    && let Some(guess) = self.guess(window, start, hasher)
                {
                    start = guess.end + 1;
                    self.ahead.push(guess);
                }
            }
            let rest = &self.ahead[self.done..];
            let batch = &rest[..rest.len().min(self.batch)];
            let taken = sink.again(window, batch);
            if let Some(last) = batch[..taken].last() {
                from = last.end;
            }
            self.done += taken;
            if taken < batch.len() || batch.is_empty() {
                self.batch = 1;
                return (from, batch.get(taken).map(|next| next.end - from));
            }
            self.batch = (self.batch * 4).min(Candidate::BATCH);
        }
    }

    /// Guesses the record at `start`, which must not be before those of earlier calls. `None` if it
    /// does not look like one.
    fn guess(&mut self, window: &[u8], start: usize, hasher: &RandomState) -> Option<Candidate> {
        if !begins(window, start) {
            return None;
        }
        if self.looked < start {
            (self.count, self.next, self.looked) = (0, 0, start);
        }
        while self.next < self.count && (self.marks[self.next] as usize) < start {
            self.next += 1;
        }
        let (mut holes, mut at, mut done) = (VariableSpans::NONE, self.next, start);
        loop {
            if at == self.count {
                if self.looked - start > REPEATED_RECORD_BYTES_MAX || !self.look(window) {
                    return None;
                }
                continue;
            }
            let mark = self.marks[at] as usize;
            at += 1;
            if mark < done {
                continue;
            }
            let found = match window[mark] {
                b',' if window[mark - 1] == b'}' && begins(window, mark + 1) => {
                    self.next = at;
                    let hash = holes.hash(&window[start..mark], hasher);
                    return Some(Candidate {
                        start,
                        end: mark,
                        holes,
                        hash,
                    });
                }
                b't' => around(window, mark, b"\"even", b"tTime\":\"", Field::EventTime),
                b'P' => around(
                    window,
                    mark,
                    b"\"sourceI",
                    b"PAddress\":\"",
                    Field::SourceIpAddress,
                ),
                b'D' => around(window, mark, b"\"eventI", b"D\":\"", Field::EventId)
                    .or_else(|| around(window, mark, b"\"requestI", b"D\":\"", Field::RequestId))
                    .or_else(|| {
                        around(
                            window,
                            mark,
                            b"\"sharedEventI",
                            b"D\":\"",
                            Field::SharedEventId,
                        )
                    }),
                _ => None,
            };
            let Some((field, from)) = found else { continue };
            let to = stop(window, from)?;
            if !holes.push(field, ((from - start) as u32, (to - start) as u32)) {
                return None;
            }
            done = to;
        }
    }

    /// Searches the next bytes for marks; returns false at the end of the window.
    fn look(&mut self, window: &[u8]) -> bool {
        // A mark is a pair of bytes, so the last byte has to wait.
        let end = window.len().saturating_sub(1).min(self.looked + LOOK_BYTES);
        if end < self.looked + BLOCK {
            return false;
        }
        let blocks = (end - self.looked) / BLOCK;
        let (from, to) = (self.looked, self.looked + blocks * BLOCK);
        if self.marks.len() < self.count + (to - from) {
            self.marks.resize(self.count + LOOK_BYTES, 0);
        }
        let (first, next) = (
            window[from..to].as_chunks().0,
            window[from + 1..=to].as_chunks().0,
        );
        let marks = &mut self.marks[self.count..];
        self.count += find_marks(first, next, from as u32, marks);
        self.looked = to;
        true
    }
}

/// Number of bytes searched at a time, small enough to be still in the CPU cache for hashing.
const LOOK_BYTES: usize = 16 << 10;

/// Whether a record may start here, i.e. with a known field name; CloudTrail usually writes
/// `eventVersion` first.
fn begins(window: &[u8], at: usize) -> bool {
    let Some(key) = window
        .get(at..)
        .and_then(|rest| rest.strip_prefix(br#"{""#))
    else {
        return false;
    };
    if key.starts_with(b"eventVersion\"") {
        return true;
    }
    let name = key
        .iter()
        .take(KEY_BYTES)
        .position(|b| *b == b'"')
        .map(|end| &key[..end]);
    name.and_then(Field::named).is_some()
}

/// More than the longest field name.
const KEY_BYTES: usize = 32;

/// Field whose key is around `mark`, with the offset of its value's content.
#[inline]
fn around<const A: usize, const B: usize>(
    window: &[u8],
    mark: usize,
    before: &[u8; A],
    behind: &[u8; B],
    field: Field,
) -> Option<(Field, usize)> {
    let text = window.get(mark.checked_sub(A)?..mark + B)?;
    (text[..A] == *before && text[A..] == *behind).then_some((field, mark + B))
}

/// End of the string content that starts at `from`, if it is short and has no escapes or control
/// characters.
#[inline]
fn stop(window: &[u8], from: usize) -> Option<usize> {
    for at in (from..from + REPEATED_TEXT_BYTES_MAX).step_by(16) {
        let bytes = u8x16::new(*window.get(at..)?.first_chunk()?);
        let is = |wanted: u8| bytes.simd_eq(u8x16::splat(wanted));
        let found = is(b'"') | is(b'\\') | bytes.min(u8x16::splat(0x1f)).simd_eq(bytes);
        let found = found.to_bitmask();
        if found != 0 {
            let end = at + found.trailing_zeros() as usize;
            return (window[end] == b'"').then_some(end);
        }
    }
    None
}

/// Byte pairs that are rare except in the keys of [`super::FieldSet::PER_EVENT`] and at the end of
/// a record.
const MARKS: [(u8, u8); 4] = [(b't', b'T'), (b'P', b'A'), (b'D', b'"'), (b',', b'{')];

/// Writes the offsets of [`MARKS`] in the blocks; each block of `next` starts one byte later than
/// that of `first`. Returns their number.
fn find_marks(first: &[[u8; BLOCK]], next: &[[u8; BLOCK]], base: u32, out: &mut [u32]) -> usize {
    #[cfg(target_arch = "x86_64")]
    if let Some(wide) = pulp::x86::V3::try_new() {
        return wide.vectorize(
            #[inline(always)]
            || {
                list(
                    first,
                    next,
                    base,
                    out,
                    #[inline(always)]
                    |a, b| marks_avx2(wide, a, b),
                )
            },
        );
    }
    list(first, next, base, out, marks)
}

#[inline(always)]
fn list(
    first: &[[u8; BLOCK]],
    next: &[[u8; BLOCK]],
    base: u32,
    out: &mut [u32],
    marks: impl Fn(&[u8; BLOCK], &[u8; BLOCK]) -> u64,
) -> usize {
    let mut count = 0;
    for (n, (block, next)) in first.iter().zip(next).enumerate() {
        let slots = &mut out[count..count + BLOCK];
        count += write_positions::<2>(marks(block, next), base + (n * BLOCK) as u32, slots);
    }
    count
}

fn marks(block: &[u8; BLOCK], next: &[u8; BLOCK]) -> u64 {
    let (mut found, pairs) = (0, block.iter().zip(next));
    for (n, (a, b)) in pairs.enumerate() {
        found |= u64::from(MARKS.contains(&(*a, *b))) << n;
    }
    found
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn marks_avx2(wide: pulp::x86::V3, block: &[u8; BLOCK], next: &[u8; BLOCK]) -> u64 {
    let (block, next) = (block.as_chunks::<32>().0, next.as_chunks::<32>().0);
    let low = marks_of_half(wide, pulp::cast(block[0]), pulp::cast(next[0]));
    let high = marks_of_half(wide, pulp::cast(block[1]), pulp::cast(next[1]));
    bits_of(wide, low, high)
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn marks_of_half(wide: pulp::x86::V3, block: __m256i, next: __m256i) -> __m256i {
    let mut found = wide.avx._mm256_setzero_si256();
    for (a, b) in MARKS {
        let (first, second) = (equal(wide, block, a), equal(wide, next, b));
        found = either(wide, found, wide.avx2._mm256_and_si256(first, second));
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::super::inflate::TrailReader;
    use super::*;

    /// Everything read: each event with the raw text of all its fields, and each problem.
    #[derive(Debug, Default, PartialEq)]
    struct Heard(Vec<String>);

    impl Heard {
        fn event(&mut self, event: &Event<'_>) {
            let fields = (event.record().members()).map(|(name, _)| {
                let value = event
                    .named(&name)
                    .map(|v| v.raw().to_vec())
                    .unwrap_or_default();
                (
                    name.into_owned(),
                    String::from_utf8_lossy(&value).into_owned(),
                )
            });
            let whole = String::from_utf8_lossy(event.raw()).into_owned();
            let identity = String::from_utf8_lossy(event.identity()).into_owned();
            self.0.push(format!(
                "{whole} {:?} {identity} {:?} {:?}",
                fields.collect::<Vec<_>>(),
                event.id(),
                event.time_s()
            ));
        }

        fn item(&mut self, item: TrailItem<'_>) {
            match item {
                TrailItem::Event(event) => self.event(&event),
                TrailItem::Apart(apart) => self.0.push(format!("{apart:?}")),
                TrailItem::Problem { offset, problem } => {
                    self.0.push(format!("{offset} {problem:?}"))
                }
            }
        }
    }

    /// Sink that recognizes every record from its second occurrence on.
    #[derive(Default)]
    struct Knowing {
        hasher: RandomState,
        known: HashMap<u64, RecordTemplate>,
        heard: Heard,
        again: usize,
    }

    impl ItemSink for Knowing {
        fn item(&mut self, item: TrailItem<'_>) {
            if let TrailItem::Event(event) = &item
                && let Some((hash, holes)) = RecordTemplate::of(event, &self.hasher)
            {
                self.known
                    .entry(hash)
                    .or_insert_with(|| RecordTemplate::keep(event, holes));
            }
            self.heard.item(item);
        }

        fn hasher(&self) -> Option<&RandomState> {
            Some(&self.hasher)
        }

        fn again(&mut self, window: &[u8], records: &[Candidate]) -> usize {
            for (n, record) in records.iter().enumerate() {
                let Some(known) = self.known.get(&record.hash) else {
                    return n;
                };
                let mut moved = None;
                let event = record.event(window, known, &mut moved);
                for field in [
                    Field::EventTime,
                    Field::EventId,
                    Field::SourceIpAddress,
                    Field::RequestId,
                ] {
                    let content = event
                        .field(field)
                        .and_then(super::super::json::JsonValue::raw_string);
                    assert_eq!(record.content(window, field), content);
                }
                self.heard.event(&event);
                self.again += 1;
            }
            records.len()
        }
    }

    fn both(text: &str) -> (Heard, Knowing) {
        let (mut plain, mut knowing) = (Heard::default(), Knowing::default());
        TrailReader::new().read(&mut text.as_bytes(), &mut |item| plain.item(item));
        TrailReader::new().read_into(&mut text.as_bytes(), &mut knowing);
        (plain, knowing)
    }

    fn record(source: &str, id: u32, inside: &str) -> String {
        format!(
            r#"{{"eventVersion":"1.08","userIdentity":{{"type":"Root"}},"eventTime":"2026-01-01T00:00:{:02}Z","eventSource":"s3.amazonaws.com","eventName":"A","sourceIPAddress":"{source}","requestParameters":{{"a":{inside}}},"requestID":"r{id}","eventID":"{id:08x}-0000-0000-0000-000000000000"}}"#,
            id % 60
        )
    }

    #[test]
    fn what_repeats_is_known_again() {
        let records: Vec<String> = (0..500)
            .map(|n| record(&format!("10.0.0.{}", n % 200), n, "1"))
            .collect();
        let (plain, knowing) = both(&format!(r#"{{"Records":[{}]}}"#, records.join(",")));
        assert_eq!(plain, knowing.heard);
        assert_eq!(plain.0.len(), 500);
        // All but those read together with the first record, and the last one, which no record
        // follows.
        assert!(knowing.again >= 490, "{}", knowing.again);
    }

    #[test]
    fn damage_between_records_that_repeat_is_told() {
        let good = |n| record("10.0.0.1", n, "1");
        for bad in [
            "{\"eventName\":",
            "]",
            "7",
            "\"",
            "{}",
            &record("10.0\n0.1", 7, "1"),
            &record("1\\u0030.0.0.1", 7, "1"),
        ] {
            let text = format!(
                r#"{{"Records":[{},{},{bad},{},{}]}}"#,
                good(1),
                good(2),
                good(3),
                good(4)
            );
            let (plain, knowing) = both(&text);
            assert_eq!(plain, knowing.heard, "{bad}");
        }
    }

    proptest! {
        /// Guesses may be arbitrarily wrong without changing the result.
        #[test]
        fn what_is_known_again_is_read_the_same(
            parts in proptest::collection::vec((0u32..4, 0usize..14, 0usize..8, 0u32..100), 1..60),
        ) {
            let sources = ["10.0.0.1", "1.1.1.1", "ec2.amazonaws.com", "", "a\\\"b", "x\\\\", "a\nb", "\u{1}"];
            let insides = [
                "1", "\"}\"", "{}", "[]", "[{},{}]", "{\"eventID\":\"x\"}", "{\"eventTime\":\"x\",\"b\":[{\"eventVersion\":\"1\"},{\"eventVersion\":\"1\"}]}",
                "\"},{\\\"eventVersion\\\"\"", "{\"sharedEventID\":\"1\"}", "[", "{", "\"", "\"requestID\"", "\"sourceIPAddress\\\":\\\"\"",
            ];
            let records: Vec<String> = parts.iter().map(|(kind, inside, source, id)| {
                let whole = record(sources[*source], *id, insides[*inside % if *kind == 0 { 14 } else { 9 }]);
                match kind {
                    2 => whole.replace("\"requestID\"", "\"sharedEventID\":\"s\",\"requestID\""),
                    3 => whole.replace(",\"eventName\":\"A\"", "").replacen('{', "{\"eventName\":\"A\",", 1),
                    _ => whole,
                }
            }).collect();
            let (plain, knowing) = both(&format!(r#"{{"Records":[{}]}}"#, records.join(",")));
            prop_assert_eq!(plain, knowing.heard);
        }

        #[test]
        fn marks_are_the_same_in_registers_of_every_size(bytes in proptest::collection::vec(proptest::sample::select(b"tTPAD\",{}x\xff\x80".to_vec()), 65..66)) {
            let (block, next) = (bytes[..64].try_into().unwrap(), bytes[1..].try_into().unwrap());
            let slow = marks(&block, &next);
            #[cfg(target_arch = "x86_64")]
            {
                if let Some(wide) = pulp::x86::V3::try_new() {
                    prop_assert_eq!(wide.vectorize(#[inline(always)] || marks_avx2(wide, &block, &next)), slow);
                }
            }
            let pairs = (0..64).filter(|n| MARKS.contains(&(bytes[*n], bytes[n + 1])));
            prop_assert_eq!(pairs.fold(0u64, |all, n| all | 1 << n), slow);
        }
    }
}
