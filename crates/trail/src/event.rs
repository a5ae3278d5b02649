//! CloudTrail record, borrowed from its bytes. Fields are parsed on access.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher};

use super::json::{JsonKind, JsonValue};
pub(super) use super::time::parse_time;
use bartizan_model::limits::NESTING_MAX;

macro_rules! fields {
    ($($variant:ident $name:literal),* $(,)?) => {
        /// Top-level field whose offset is known as soon as a record is split off.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        #[allow(missing_docs, reason = "each is the field of its name")]
        pub enum Field { $($variant),* }

        const NAMES: &[&str] = &[$($name),*];
    };
}

// Fields of a record (CloudTrail user guide, "record contents"), then those that identify an
// envelope or another file format.
fields! {
    EventVersion "eventVersion", UserIdentity "userIdentity", EventTime "eventTime",
    EventSource "eventSource", EventName "eventName", AwsRegion "awsRegion",
    SourceIpAddress "sourceIPAddress", UserAgent "userAgent", ErrorCode "errorCode",
    ErrorMessage "errorMessage", RequestParameters "requestParameters",
    ResponseElements "responseElements", AdditionalEventData "additionalEventData",
    RequestId "requestID", EventId "eventID", ReadOnly "readOnly", Resources "resources",
    EventType "eventType", ManagementEvent "managementEvent",
    RecipientAccountId "recipientAccountId", EventCategory "eventCategory", TlsDetails "tlsDetails",
    SharedEventId "sharedEventID", VpcEndpointId "vpcEndpointId",
    SessionCredentialFromConsole "sessionCredentialFromConsole",
    ServiceEventDetails "serviceEventDetails", ApiVersion "apiVersion",
    InsightDetails "insightDetails", Timestamp "@timestamp", Detail "detail",
    CloudTrailEvent "CloudTrailEvent", LogMessage "message", EventData "eventData",
    EventJson "eventJson", DigestStartTime "digestStartTime", Notification "Message", Body "body",
    S3Bucket "s3Bucket", S3 "s3",
}

impl Field {
    /// Number of fields.
    pub(super) const COUNT: usize = NAMES.len();

    /// Field with that name.
    pub fn named(name: &[u8]) -> Option<Self> {
        NAMES
            .iter()
            .position(|n| n.len() == name.len() && n.as_bytes() == name)
            .map(|n| ALL[n])
    }

    /// All fields.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        ALL.into_iter()
    }

    /// Name in the record, e.g. `eventSource`.
    pub fn name(self) -> &'static str {
        NAMES[self as usize]
    }
}

const ALL: [Field; NAMES.len()] = {
    use Field::*;
    [
        EventVersion,
        UserIdentity,
        EventTime,
        EventSource,
        EventName,
        AwsRegion,
        SourceIpAddress,
        UserAgent,
        ErrorCode,
        ErrorMessage,
        RequestParameters,
        ResponseElements,
        AdditionalEventData,
        RequestId,
        EventId,
        ReadOnly,
        Resources,
        EventType,
        ManagementEvent,
        RecipientAccountId,
        EventCategory,
        TlsDetails,
        SharedEventId,
        VpcEndpointId,
        SessionCredentialFromConsole,
        ServiceEventDetails,
        ApiVersion,
        InsightDetails,
        Timestamp,
        Detail,
        CloudTrailEvent,
        LogMessage,
        EventData,
        EventJson,
        DigestStartTime,
        Notification,
        Body,
        S3Bucket,
        S3,
    ]
};

/// Offset of each top-level field's value in a record; 0 if absent.
#[derive(Debug, Clone, Copy)]
pub struct FieldOffsets {
    pub(super) at: [u32; NAMES.len()],
    /// Offset of each value's end, in records without whitespace between members; 0 if unknown.
    pub(super) end: [u32; NAMES.len()],
    /// End of the `userIdentity` object; 0 if it is not an object.
    pub(super) identity_end: u32,
    /// A field name may be a variant of a known one, e.g. `event_name`.
    pub(super) odd: bool,
}

impl FieldOffsets {
    /// Record without known fields.
    pub(super) const NONE: Self = Self {
        at: [0; NAMES.len()],
        end: [0; NAMES.len()],
        identity_end: 0,
        odd: false,
    };

    /// Offsets in a record that differs only in the lengths of its variable spans.
    pub(super) fn moved(&self, from: &[(u32, u32)], to: &[(u32, u32)]) -> Self {
        let mut moved = *self;
        for (one, other) in from.iter().zip(to) {
            let by = (other.1 - other.0).wrapping_sub(one.1 - one.0);
            if by == 0 {
                continue;
            }
            // Unknown offsets stay unknown. Branch-free, so that the compiler can vectorize it.
            let shift = |known: u32| {
                if known > one.1 && known != u32::MAX {
                    by
                } else {
                    0
                }
            };
            for (places, known) in [(&mut moved.at, &self.at), (&mut moved.end, &self.end)] {
                places
                    .iter_mut()
                    .zip(known)
                    .for_each(|(place, known)| *place = place.wrapping_add(shift(*known)));
            }
            moved.identity_end = moved.identity_end.wrapping_add(shift(self.identity_end));
        }
        moved
    }

    pub(super) fn has(&self, field: Field) -> bool {
        self.at[field as usize] != 0
    }
}

/// Set of top-level fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldSet(u64);

impl FieldSet {
    /// No field.
    pub const NONE: Self = Self(0);
    /// All fields that are not a [`Field`].
    pub const OTHER: Self = Self(1 << 63);
    /// Every field.
    pub const ALL: Self = Self(u64::MAX);
    /// Fields that differ from event to event.
    pub const PER_EVENT: Self = Self::of(&PER_EVENT);

    /// The set of these fields.
    pub const fn of(fields: &[Field]) -> Self {
        let (mut bits, mut n) = (0, 0);
        while n < fields.len() {
            bits |= 1 << fields[n] as u64;
            n += 1;
        }
        Self(bits)
    }

    /// This set and the fields of another.
    pub const fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// This set without the fields of another.
    pub const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// Whether the two sets share a field.
    pub const fn meets(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }
}

pub(super) const PER_EVENT: [Field; 5] = [
    Field::EventTime,
    Field::SourceIpAddress,
    Field::RequestId,
    Field::EventId,
    Field::SharedEventId,
];

/// CloudTrail record.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    bytes: &'a [u8],
    places: &'a FieldOffsets,
}

impl<'a> Event<'a> {
    pub(super) fn new(bytes: &'a [u8], places: &'a FieldOffsets) -> Self {
        Self { bytes, places }
    }

    /// JSON of the record, byte for byte as in the log.
    pub fn raw(&self) -> &'a [u8] {
        self.bytes
    }

    /// Record as a JSON value.
    pub fn record(&self) -> JsonValue<'a> {
        JsonValue::new(self.bytes, 0)
            .unwrap_or_else(|| unreachable!("a record begins with a brace"))
    }

    /// Value of a top-level field.
    pub fn field(&self, field: Field) -> Option<JsonValue<'a>> {
        match self.places.at[field as usize] {
            0 => None,
            at => JsonValue::new(self.bytes, at as usize),
        }
    }

    /// Text of a top-level field; `None` if it is absent, null, an object or an array.
    pub fn text(&self, field: Field) -> Option<Cow<'a, str>> {
        self.field(field)?.text()
    }

    /// Raw content of a string field with its escapes, for comparing and hashing.
    pub fn raw_text(&self, field: Field) -> &'a [u8] {
        if let Some(raw) = self.quick(field) {
            return raw;
        }
        self.field(field)
            .and_then(JsonValue::raw_string)
            .unwrap_or_default()
    }

    /// Raw bytes of a field, for comparing and hashing: a string without quotes, any other value
    /// with the byte before it, and `[1]` if absent. No string starts with either of these bytes.
    pub fn raw_scalar(&self, field: Field) -> &'a [u8] {
        if !self.places.has(field) {
            return &[1];
        }
        if let Some(raw) = self.quick(field) {
            return raw;
        }
        let Some(value) = self.field(field) else {
            return &[1];
        };
        match value.raw_string() {
            Some(raw) => raw,
            // The colon before the value distinguishes it from a string of the same characters.
            None => value.with_byte_before(),
        }
    }

    /// Content of a string field whose end is known, without scanning for it.
    #[inline]
    fn quick(&self, field: Field) -> Option<&'a [u8]> {
        let (from, to) = (
            self.places.at[field as usize] as usize,
            self.places.end[field as usize] as usize,
        );
        match self.bytes.get(from..to)? {
            [b'"', raw @ .., b'"'] => Some(raw),
            _ => None,
        }
    }

    /// First byte of a field's value; 0 if absent.
    #[inline]
    pub(super) fn first_byte(&self, field: Field) -> u8 {
        match self.places.at[field as usize] as usize {
            0 => 0,
            at => match self.bytes.get(at) {
                Some(b) if !b.is_ascii_whitespace() => *b,
                _ => JsonValue::new(self.bytes, at)
                    .map_or(0, |value| value.raw().first().copied().unwrap_or(0)),
            },
        }
    }

    /// Raw bytes of `userIdentity`.
    pub fn identity(&self) -> &'a [u8] {
        let (from, to) = (
            self.places.at[Field::UserIdentity as usize] as usize,
            self.places.identity_end as usize,
        );
        if from != 0 && to > from {
            return &self.bytes[from..to];
        }
        self.field(Field::UserIdentity)
            .map(JsonValue::raw)
            .unwrap_or_default()
    }

    /// Offsets of the known fields.
    pub(super) fn places(&self) -> &'a FieldOffsets {
        self.places
    }

    /// Span of a string field's content: `Some(None)` if it is absent, `None` if its end is
    /// unknown.
    pub(super) fn content_span(&self, field: Field) -> Option<Option<(u32, u32)>> {
        if !self.places.has(field) {
            return Some(None);
        }
        let from = self.places.at[field as usize] + 1;
        let content = self.quick(field)?;
        Some(Some((from, from + content.len() as u32)))
    }

    /// Value of any top-level field by name.
    pub fn named(&self, name: &str) -> Option<JsonValue<'a>> {
        match Field::named(name.as_bytes()) {
            Some(field) => self.field(field),
            None => self.record().get(name),
        }
    }

    /// Appends all values at a dotted path; arrays on the path are entered. Returns whether the
    /// path ended at JSON inside a string, which is not entered.
    pub fn at(&self, path: &str, found: &mut Vec<JsonValue<'a>>) -> bool {
        let (first, rest) = path
            .split_once('.')
            .map_or((path, None), |(f, r)| (f, Some(r)));
        self.named(first)
            .is_some_and(|value| descend(value, rest, found))
    }

    /// Text of the first value at a dotted path.
    pub fn text_at(&self, path: &str) -> Option<Cow<'a, str>> {
        let mut found = Vec::new();
        self.at(path, &mut found);
        found.first().and_then(|v| v.text())
    }

    /// Error code of a failed call; `None` if it succeeded. A message without a code counts as the
    /// error (`Failed authentication` at sign-in), and codes that mean success (`""`, `Success`,
    /// `200`) do not.
    pub fn error(&self) -> Option<Cow<'a, str>> {
        let code = self
            .text(Field::ErrorCode)
            .filter(|code| !SUCCESS.iter().any(|s| code.trim().eq_ignore_ascii_case(s)));
        if code.is_some() || !self.places.has(Field::ErrorMessage) {
            return code;
        }
        let message = self.text(Field::ErrorMessage)?;
        let words = [
            "is not authorized to perform",
            "Access Denied",
            "AccessDenied",
        ];
        match message.trim() {
            nothing if SUCCESS.iter().any(|s| nothing.eq_ignore_ascii_case(s)) => None,
            // IAM's message for every call that it denies.
            refused if words.iter().any(|w| refused.contains(w)) => {
                Some(Cow::Borrowed("AccessDenied"))
            }
            _ => Some(message),
        }
    }

    /// Time of the call in seconds since 1970.
    pub fn time_s(&self) -> Option<i64> {
        [Field::EventTime, Field::Timestamp]
            .into_iter()
            .find_map(|field| {
                let value = self.field(field)?;
                match value.raw_string() {
                    Some(raw) => parse_time(raw),
                    None => parse_time(value.text()?.as_bytes()),
                }
            })
    }

    /// Event id as a UUID; if it is none, e.g. redacted, a hash of the whole record, so that
    /// different records stay different.
    pub fn id(&self) -> EventId {
        let raw = self.raw_text(Field::EventId);
        EventId::read(raw).unwrap_or_else(|| {
            let source = self.raw_text(Field::SourceIpAddress);
            let rest = mark(
                self.content(),
                self.time_s().unwrap_or(i64::MIN),
                source,
                self.raw_text(Field::RequestId),
            );
            let half = |seed| foldhash::quality::FixedState::with_seed(seed).hash_one((raw, rest));
            EventId {
                high: half(1),
                low: half(2),
            }
        })
    }

    /// Hash of caller, request and result. It does not depend on member order, whitespace or the
    /// form of values, because the same record is delivered in several formats and exports omit
    /// fields.
    pub fn content(&self) -> u64 {
        let scalars = [Field::EventName, Field::EventSource, Field::ErrorCode];
        let scalars = scalars.map(|field| (field, self.field(field)));
        let structures = [Field::RequestParameters, Field::ResponseElements]
            .map(|field| (field, self.field(field)));
        let who = (
            Field::UserIdentity,
            self.field(Field::UserIdentity)
                .and_then(|identity| identity.get("arn")),
        );
        let all = scalars.into_iter().chain(structures).chain([who]);
        all.fold(0, |all, (field, value)| {
            all.wrapping_add(value.map_or(0, |value| leaves(value, field as u64, 0)))
        })
    }
}

/// Hash that tells apart events with the same id: [`Event::content`] with time, source address and
/// request id.
#[inline]
pub fn mark(content: u64, time_s: i64, source: &[u8], request: &[u8]) -> u64 {
    let mut hasher = foldhash::fast::FixedState::with_seed(3).build_hasher();
    hasher.write_u64(content);
    hasher.write_i64(time_s);
    hasher.write(source);
    hasher.write(request);
    hasher.finish()
}

fn name_hash(above: u64, name: &[u8]) -> u64 {
    foldhash::fast::FixedState::with_seed(4).hash_one((above, name))
}

/// Sum of the hashes of all scalars in a value, each with its path.
fn leaves(value: JsonValue<'_>, above: u64, depth: usize) -> u64 {
    match value.kind() {
        JsonKind::Object if depth < NESTING_MAX => {
            value.raw_members().fold(above, |all, (name, value)| {
                all.wrapping_add(leaves(value, name_hash(above, name), depth + 1))
            })
        }
        JsonKind::Array if depth < NESTING_MAX => {
            let all = value.elements().enumerate();
            all.fold(above, |all, (n, value)| {
                all.wrapping_add(leaves(value, name_hash(above, &n.to_le_bytes()), depth + 1))
            })
        }
        _ if value.is_null() => 0,
        _ => name_hash(above, value.raw_string().unwrap_or_else(|| value.raw())),
    }
}

/// Values of `errorCode` in exports for successful calls.
const SUCCESS: [&str; 9] = [
    "",
    "-",
    "0",
    "200",
    "ok",
    "success",
    "succeeded",
    "null",
    "none",
];

/// Identity of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    // Two halves, because `u128` is aligned to 16 bytes and there are hundreds of thousands.
    high: u64,
    low: u64,
}

impl EventId {
    /// Id from an `eventID`, if it is a UUID as CloudTrail writes it.
    pub fn read(raw: &[u8]) -> Option<Self> {
        uuid(raw).map(Self::from)
    }

    /// Id combined with a hash of the content, see [`mark`].
    pub fn marked(self, mark: u64) -> Self {
        Self {
            high: self.high ^ mark,
            low: self.low ^ mark.rotate_left(32),
        }
    }

    /// The 128 bits of the id.
    pub fn bits(self) -> u128 {
        u128::from(self.high) << 64 | u128::from(self.low)
    }
}

impl From<u128> for EventId {
    fn from(bits: u128) -> Self {
        Self {
            high: (bits >> 64) as u64,
            low: bits as u64,
        }
    }
}

impl std::fmt::Display for EventId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let h = format!("{:032x}", self.bits());
        write!(
            f,
            "{}-{}-{}-{}-{}",
            &h[..8],
            &h[8..12],
            &h[12..16],
            &h[16..20],
            &h[20..]
        )
    }
}

/// Returns whether the path ended at JSON inside a string.
fn descend<'a>(value: JsonValue<'a>, path: Option<&str>, found: &mut Vec<JsonValue<'a>>) -> bool {
    let Some(path) = path else {
        found.push(value);
        return false;
    };
    match value.kind() {
        JsonKind::Object => {
            // A flat key takes precedence over a nested one.
            if let Some(flat) = value.get(path) {
                found.push(flat);
                return false;
            }
            let (first, rest) = path
                .split_once('.')
                .map_or((path, None), |(f, r)| (f, Some(r)));
            match (value.get(first), rest) {
                (Some(inner), Some(_)) => descend(inner, rest, found),
                _ => false,
            }
        }
        JsonKind::Array => value
            .elements()
            .fold(false, |text, e| descend(e, Some(path), found) | text),
        JsonKind::String => value.raw_string().is_some_and(|raw| {
            raw.trim_ascii_start().starts_with(b"{") || raw.trim_ascii_start().starts_with(b"[")
        }),
        JsonKind::Scalar => false,
    }
}

/// 128 bits of a UUID in its usual text form.
fn uuid(text: &[u8]) -> Option<u128> {
    let text: &[u8; 36] = text.try_into().ok()?;
    if [text[8], text[13], text[18], text[23]] != [b'-'; 4] {
        return None;
    }
    let digits = |a: usize, b: usize| {
        hex([
            text[a],
            text[a + 1],
            text[a + 2],
            text[a + 3],
            text[b],
            text[b + 1],
            text[b + 2],
            text[b + 3],
        ])
    };
    let words = [
        digits(0, 4)?,
        digits(9, 14)?,
        digits(19, 24)?,
        digits(28, 32)?,
    ];
    Some(
        words
            .iter()
            .fold(0, |bits, word| bits << 32 | u128::from(*word)),
    )
}

/// Value of eight hexadecimal digits, computed in parallel.
fn hex(digits: [u8; 8]) -> Option<u32> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let text = u64::from_be_bytes(digits);
    let letters = (text >> 6) & ONES;
    let mut value = (text & (0x0f * ONES)).wrapping_add(letters * 9);
    // Formatting the value again verifies that all bytes were digits.
    let above_nine = ((value.wrapping_add(6 * ONES)) >> 4) & ONES;
    if value & (0xf0 * ONES) != 0
        || value
            .wrapping_add(0x30 * ONES)
            .wrapping_add(above_nine * 0x27)
            != text | letters << 5
    {
        return None;
    }
    value = (value | value >> 4) & 0x00ff_00ff_00ff_00ff;
    value = (value | value >> 8) & 0x0000_ffff_0000_ffff;
    Some((value | value >> 16) as u32)
}

/// Parser for event times that caches the minute, since most events are of the same minute as the
/// one before.
#[derive(Debug, Default)]
pub struct TimeReader {
    /// Last time read, up to its seconds.
    minute: Option<[u8; 17]>,
    minute_s: i64,
}

impl TimeReader {
    /// Equal to [`parse_time`].
    pub fn read(&mut self, text: &[u8]) -> Option<i64> {
        let Some((minute, [tens @ b'0'..=b'5', ones @ b'0'..=b'9', b'Z'])) =
            text.split_first_chunk::<17>()
        else {
            return parse_time(text);
        };
        let second = i64::from(tens - b'0') * 10 + i64::from(ones - b'0');
        if self.minute.as_ref() != Some(minute) {
            self.minute_s = parse_time(text)? - second;
            self.minute = Some(*minute);
        }
        Some(self.minute_s + second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_fields_stand_in_one_order() {
        for (n, field) in ALL.iter().enumerate() {
            assert_eq!(*field as usize, n);
            assert_eq!(Field::named(NAMES[n].as_bytes()), Some(*field));
        }
    }

    proptest::proptest! {
        #[test]
        fn time_is_what_jiff_says(second in 0i64..4_102_444_800) {
            let text = jiff::Timestamp::from_second(second).unwrap().to_string();
            proptest::prop_assert_eq!(parse_time(text.as_bytes()), Some(second));
            let mut clock = TimeReader::default();
            for second in [second, second - second % 60 + 59, second + 61, second] {
                let text = jiff::Timestamp::from_second(second).unwrap().to_string();
                proptest::prop_assert_eq!(clock.read(text.as_bytes()), Some(second));
            }
        }

        #[test]
        fn ids_print_as_they_were_read(bits in proptest::prelude::any::<u128>()) {
            let text = EventId::from(bits).to_string();
            proptest::prop_assert_eq!(uuid(text.as_bytes()), Some(bits));
            proptest::prop_assert_eq!(uuid(text.to_uppercase().as_bytes()), Some(bits));
        }

        #[test]
        fn eight_digits_are_what_the_library_reads(digits in proptest::prelude::any::<[u8; 8]>(), pick in proptest::collection::vec(0..24usize, 8)) {
            let from: Vec<u8> = pick.iter().map(|n| b"0123456789abcdefABCDEFgG"[*n]).collect();
            for text in [digits, from.try_into().unwrap()] {
                let hexadecimal = text.iter().all(u8::is_ascii_hexdigit);
                let read = std::str::from_utf8(&text).ok().filter(|_| hexadecimal).and_then(|t| u32::from_str_radix(t, 16).ok());
                proptest::prop_assert_eq!(hex(text), read);
            }
        }
    }
}
