//! Things that calls create, open or remove, and the commands that revert them: `data/things.txt`.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::LazyLock;

use foldhash::quality::RandomState;

use crate::attribution::{TemplatePart, ValuePath, is_omitted, parts, values};
use crate::call::ApiCall;
use bartizan_model::limits::{LOG_TEXT_BYTES_MAX, THINGS_OF_CALL_MAX};
use bartizan_model::shell_word;
use bartizan_trail::json::JsonValue;
use bartizan_trail::{Event, Field};

/// Parsed table.
#[derive(Debug, Default)]
pub(crate) struct ThingTable {
    /// Row numbers, by event source and event name.
    numbers: HashMap<(String, String), Vec<u16>, RandomState>,
    rows: Vec<ThingRow>,
}

/// Effect of a call on a thing.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum ThingEffect {
    /// Created: a user, a key, an instance.
    Made,
    /// Changed, or opened to others: a policy, a share, a security group rule.
    Opened,
    /// Removed or switched off.
    TookAway,
}

#[derive(Debug)]
struct ThingRow {
    sign: ThingEffect,
    /// Field that the request must have, and its value.
    when: Option<(String, Option<String>)>,
    /// Names of the thing, each as a path: removing a thing removes its children.
    keys: Vec<Vec<ThingTemplate>>,
    words: ThingTemplate,
    undo: Option<ThingTemplate>,
    /// Fields in the templates.
    fields: Vec<ThingField>,
    /// Names of this service are unique within a region only.
    regional: bool,
}

/// Field of a template.
#[derive(Debug, PartialEq, Eq)]
struct ThingField {
    paths: Vec<ValuePath>,
    default: Option<String>,
    /// Whether a name and an ARN that ends with it mean the same thing.
    short: bool,
}

type ThingTemplate = Vec<ThingPiece>;

#[derive(Debug)]
enum ThingPiece {
    Text(String),
    /// Number of a field.
    Value(usize),
}

/// Things affected by one call; shared by all events that repeat it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CallThings {
    /// Row and field values.
    things: Box<[(u16, FieldValues)]>,
    keys: ThingKeys,
}

/// Value of each field of a row.
pub(crate) type FieldValues = Box<[Option<Box<str>>]>;

/// Hashes of the path steps of each name of each thing. They are randomly seeded, so that nobody
/// can craft a collision; therefore nothing may be ordered by them.
#[derive(Debug)]
struct ThingKeys(Box<[Box<[ThingName]>]>);

/// Hashes of one name's path steps.
pub(super) type ThingName = Box<[u64]>;

impl PartialEq for ThingKeys {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for ThingKeys {}

impl PartialOrd for ThingKeys {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ThingKeys {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

/// Services whose things are global rather than regional.
const GLOBAL: [&str; 6] = ["iam", "s3", "organizations", "cloudfront", "route53", "sso"];

impl ThingTable {
    /// Table shipped with Bartizan.
    ///
    /// # Panics
    /// Never: a test parses the built-in table.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "the table is compiled in and read by a test"
    )]
    pub(crate) fn builtin() -> &'static Self {
        static BUILTIN: LazyLock<ThingTable> = LazyLock::new(|| {
            ThingTable::parse(include_str!("../../../../data/things.txt")).expect("things.txt")
        });
        &BUILTIN
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut things = Self::default();
        for (number, line) in text
            .lines()
            .enumerate()
            .filter(|(_, l)| !l.starts_with('#'))
        {
            let columns: Vec<&str> = line.split('\t').collect();
            let [source, call, sign, keys, words, undo] = columns.as_slice() else {
                return Err(format!("line {}: expected 6 columns", number + 1));
            };
            let sign = match *sign {
                "+" => ThingEffect::Made,
                "o" => ThingEffect::Opened,
                "-" => ThingEffect::TookAway,
                other => return Err(format!("line {}: no such sign: {other}", number + 1)),
            };
            let (name, when) = match call.split_once('[') {
                Some((name, when)) => (name, Some(when.trim_end_matches(']'))),
                None => (*call, None),
            };
            let when = when.map(|w| match w.split_once('=') {
                Some((field, text)) => (field.to_owned(), Some(text.to_owned())),
                None => (w.to_owned(), None),
            });
            let mut fields = Vec::new();
            let keys = keys
                .split(" ; ")
                .map(|key| {
                    key.split(" > ")
                        .map(|step| template(step, &mut fields))
                        .collect()
                })
                .collect();
            let words = template(words, &mut fields);
            let undo = (*undo != "-").then(|| template(undo, &mut fields));
            let row = ThingRow {
                sign,
                when,
                keys,
                words,
                undo,
                fields,
                regional: !GLOBAL.contains(source),
            };
            let numbers = things
                .numbers
                .entry((format!("{source}.amazonaws.com"), name.to_owned()))
                .or_default();
            numbers.push(things.rows.len() as u16);
            things.rows.push(row);
        }
        Ok(things)
    }

    /// Row numbers of a call.
    fn rows_of(&self, event: &Event<'_>) -> &[u16] {
        let (Some(source), Some(name)) =
            (event.text(Field::EventSource), event.text(Field::EventName))
        else {
            return &[];
        };
        let name = crate::attribution::without_version(name.as_bytes());
        let name = String::from_utf8_lossy(name).into_owned();
        self.numbers
            .get(&(source.into_owned(), name))
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// Whether a call of this name creates or removes anything.
    pub(crate) fn concerns(&self, event: &Event<'_>) -> bool {
        !self.rows_of(event).is_empty()
    }

    /// Things affected by a successful call; `None` if the record names none.
    pub(crate) fn acted(
        &self,
        event: &Event<'_>,
        user_name: Option<&str>,
        call: &ApiCall,
        hasher: &RandomState,
    ) -> Option<CallThings> {
        let (request, response) = (
            event.field(Field::RequestParameters),
            event.field(Field::ResponseElements),
        );
        let (mut things, mut keys) = (Vec::new(), Vec::new());
        for &number in self.rows_of(event) {
            let row = &self.rows[usize::from(number)];
            let has = |(field, text): &(String, Option<String>)| {
                let found = request.map(|r| values(r, field)).unwrap_or_default();
                found.iter().any(|v| {
                    text.as_ref()
                        .is_none_or(|t| v.text().is_some_and(|v| v.eq_ignore_ascii_case(t)))
                })
            };
            if row.when.as_ref().is_some_and(|when| !has(when)) {
                continue;
            }
            let found: Vec<Vec<Box<str>>> = row
                .fields
                .iter()
                .map(|slot| first_of(&slot.paths, request, response, user_name))
                .collect();
            let count = found
                .iter()
                .map(Vec::len)
                .max()
                .unwrap_or_default()
                .clamp(1, THINGS_OF_CALL_MAX);
            for n in 0..count {
                // Parallel lists have the same length; a single value applies to all of them.
                let of: FieldValues = found
                    .iter()
                    .map(|f| f.get(n.min(f.len().saturating_sub(1))).cloned())
                    .collect();
                let names = row.names(&of, call, hasher);
                // A thing created by an omitted request has no name, but is still reported.
                let unnamed = names.is_empty()
                    && row.sign != ThingEffect::TookAway
                    && request.is_some_and(is_omitted);
                if (unnamed || !names.is_empty()) && things.len() < THINGS_OF_CALL_MAX {
                    things.push((number, of));
                    keys.push(names);
                }
            }
        }
        (!things.is_empty()).then(|| CallThings {
            things: things.into(),
            keys: ThingKeys(keys.into()),
        })
    }
}

impl ThingRow {
    /// Names of a thing, as hashes. Names are of the account and, for regional services, of the
    /// region.
    fn names(
        &self,
        values: &FieldValues,
        call: &ApiCall,
        hasher: &RandomState,
    ) -> Box<[ThingName]> {
        let region = self.regional.then_some(&call.region);
        let scope = (&call.account, region, &call.source);
        self.keys
            .iter()
            .filter_map(|steps| hashes(steps, self, values, &scope, hasher))
            .collect()
    }
}

impl CallThings {
    /// Row number and field values of each thing, as a scan result keeps them.
    pub(crate) fn rows(&self) -> &[(u16, FieldValues)] {
        &self.things
    }

    /// Things of a scan result, with the names that this process gives them; `None` if the table
    /// has no such rows.
    pub(crate) fn of_rows(
        things: Box<[(u16, FieldValues)]>,
        call: &ApiCall,
        hasher: &RandomState,
    ) -> Option<Self> {
        let table = ThingTable::builtin();
        let names = |(number, values): &(u16, FieldValues)| {
            let row = table.rows.get(usize::from(*number))?;
            (values.len() == row.fields.len()).then(|| row.names(values, call, hasher))
        };
        let keys = things.iter().map(names).collect::<Option<Box<[_]>>>()?;
        (things.len() <= THINGS_OF_CALL_MAX).then_some(Self {
            keys: ThingKeys(keys),
            things,
        })
    }

    /// Things by index, with the hashes of their names.
    pub(super) fn things(&self) -> impl Iterator<Item = (usize, &[Box<[u64]>])> {
        self.keys
            .0
            .iter()
            .enumerate()
            .map(|(n, names)| (n, &**names))
    }

    pub(super) fn sign(&self, n: usize) -> ThingEffect {
        ThingTable::builtin().rows[usize::from(self.things[n].0)].sign
    }

    /// Whether one of the names of a thing ends with this step.
    pub(super) fn is_at(&self, n: usize, step: u64) -> bool {
        self.keys
            .0
            .get(n)
            .is_some_and(|names| names.iter().any(|name| name.last() == Some(&step)))
    }

    /// Whether there may be a command that reverts it.
    pub(super) fn has_undo(&self, n: usize) -> bool {
        ThingTable::builtin().rows[usize::from(self.things[n].0)]
            .undo
            .is_some()
    }

    /// Description of the thing, e.g. `access key AKIA… of user bob`.
    pub(super) fn words(&self, n: usize) -> String {
        let (row, values) = (
            &ThingTable::builtin().rows[usize::from(self.things[n].0)],
            &self.things[n].1,
        );
        let field = |at: usize| {
            values[at]
                .as_deref()
                .or(row.fields[at].default.as_deref())
                .unwrap_or("?")
                .to_owned()
        };
        let words = write(&row.words, &field);
        match self.keys.0[n].is_empty() {
            true => format!("{words} (CloudTrail left out which)"),
            false => words,
        }
    }

    /// Command that reverts it. Every name in it is a single shell word from the record.
    pub(super) fn undo(&self, n: usize, region: Option<&str>) -> Option<String> {
        let (row, values) = (
            &ThingTable::builtin().rows[usize::from(self.things[n].0)],
            &self.things[n].1,
        );
        let undo = row.undo.as_ref()?;
        let known =
            |piece: &ThingPiece| !matches!(piece, ThingPiece::Value(at) if values[*at].is_none());
        if !undo.iter().all(known) {
            return None;
        }
        let command = write(undo, &|at| {
            values[at].as_deref().map(shell_word).unwrap_or_default()
        });
        let region = region
            .filter(|_| row.regional)
            .map(|r| format!(" --region {}", shell_word(r)))
            .unwrap_or_default();
        Some(command + &region)
    }
}

fn write(template: &ThingTemplate, field: &dyn Fn(usize) -> String) -> String {
    template
        .iter()
        .map(|piece| match piece {
            ThingPiece::Text(text) => text.clone(),
            ThingPiece::Value(at) => field(*at),
        })
        .collect()
}

fn template(text: &str, fields: &mut Vec<ThingField>) -> ThingTemplate {
    let piece = |part| match part {
        TemplatePart::Text(text) => ThingPiece::Text(text),
        TemplatePart::Field(paths, default) => {
            let mut short = false;
            let bare = |path: String, short: &mut bool| {
                *short |= path.ends_with('~');
                path.trim_end_matches('~').to_owned()
            };
            let paths = paths.into_iter().map(|path| match path {
                ValuePath::Request(path) => ValuePath::Request(bare(path, &mut short)),
                ValuePath::Response(path) => ValuePath::Response(bare(path, &mut short)),
                ValuePath::Caller => ValuePath::Caller,
            });
            let field = ThingField {
                paths: paths.collect(),
                default,
                short,
            };
            let known = fields.iter().position(|f| *f == field);
            ThingPiece::Value(known.unwrap_or_else(|| {
                fields.push(field);
                fields.len() - 1
            }))
        }
    };
    parts(text).into_iter().map(piece).collect()
}

/// Values at the first of these paths that has any.
fn first_of(
    paths: &[ValuePath],
    request: Option<JsonValue<'_>>,
    response: Option<JsonValue<'_>>,
    user_name: Option<&str>,
) -> Vec<Box<str>> {
    let at = |path: &ValuePath| -> Vec<Box<str>> {
        let texts = |value: Option<JsonValue<'_>>, path: &str| -> Vec<Box<str>> {
            let found = value.map(|v| values(v, path)).unwrap_or_default();
            let texts = found
                .into_iter()
                .filter_map(JsonValue::text)
                .filter(|t| !t.is_empty() && t.len() <= LOG_TEXT_BYTES_MAX * 4);
            texts
                .take(THINGS_OF_CALL_MAX)
                .map(|t| t.into_owned().into())
                .collect()
        };
        match path {
            ValuePath::Request(path) => texts(request, path),
            ValuePath::Response(path) => texts(response, path),
            ValuePath::Caller => user_name.map(Into::into).into_iter().collect(),
        }
    };
    paths
        .iter()
        .map(at)
        .find(|found| !found.is_empty())
        .unwrap_or_default()
}

/// Hashes of a name's path steps, outermost first; `None` if the record lacks a part of it.
fn hashes(
    steps: &[ThingTemplate],
    row: &ThingRow,
    values: &FieldValues,
    scope: &impl Hash,
    hasher: &RandomState,
) -> Option<Box<[u64]>> {
    let mut state = hasher.build_hasher();
    scope.hash(&mut state);
    let mut found = Vec::with_capacity(steps.len());
    for step in steps {
        for piece in step {
            match piece {
                ThingPiece::Text(text) => text.hash(&mut state),
                ThingPiece::Value(at) => {
                    let ThingField { default, short, .. } = &row.fields[*at];
                    let value = values[*at].as_deref().or(default.as_deref())?;
                    let name = value
                        .strip_prefix("arn:")
                        .filter(|_| *short)
                        .and_then(|arn| arn.rsplit([':', '/']).next());
                    name.unwrap_or(value).hash(&mut state);
                }
            }
        }
        state.write_u8(0x1f);
        found.push(state.clone().finish());
    }
    Some(found.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_and_every_thing_that_is_made_can_be_named() {
        let things = ThingTable::builtin();
        assert!(things.rows.len() > 300);
        for row in &things.rows {
            assert!(row.keys.iter().all(|steps| !steps.is_empty()));
            assert!(row.words.iter().any(|p| matches!(p, ThingPiece::Text(_))));
        }
    }
}
