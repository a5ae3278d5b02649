//! Map from API calls to the facts that they can change, and to the path of the resource in the
//! record: `data/event-facts.txt`.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use bartizan_model::limits::{CALL_POLICY_BYTES_MAX, FACT_ID_BYTES_MAX, FACTS_OF_CALL_MAX};
use bartizan_trail::json::{JsonKind, JsonValue};
use bartizan_trail::{Event, Field};

/// Map from API calls to facts.
#[derive(Debug, Default)]
pub struct CallMap {
    /// Rows by event source, then by event name: each event is looked up, and most calls of most
    /// sources change nothing.
    rows: KindNumbers<KindNumbers<Vec<CallRow>>>,
    /// Kinds of fact by number.
    kinds: Vec<String>,
    /// Kinds whose changes no call explains, with the reason.
    unattributable: BTreeMap<String, String>,
    /// Facts created and changed by AWS itself: kind, prefix of the id, reason.
    by_aws: Vec<(String, String, String)>,
}

type KindNumbers<T> = HashMap<Vec<u8>, T, foldhash::fast::RandomState>;

/// Effect of a call on a fact.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub enum FactEffect {
    /// Exists afterwards.
    Add,
    /// May have other content afterwards.
    Set,
    /// Does not exist afterwards.
    Remove,
}

#[derive(Debug)]
struct CallRow {
    kind: u16,
    effect: FactEffect,
    id: Vec<TemplatePart>,
    /// Alternative paths of a policy document.
    content: Vec<String>,
    /// Fields implied by the call's name, e.g. `IsLogging=false`.
    sets: Vec<String>,
}

/// Part of an id template.
#[derive(Debug)]
pub enum TemplatePart {
    Text(String),
    /// Alternative paths, and a default.
    Field(Vec<ValuePath>, Option<String>),
}

/// Path of a value in a record.
#[derive(Debug, PartialEq, Eq)]
pub enum ValuePath {
    Request(String),
    Response(String),
    /// User name of the caller: the default of IAM calls without one.
    Caller,
}

/// Fact affected by a call, as far as its record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TouchedFact {
    /// Number of the kind.
    pub kind: u16,
    pub effect: FactEffect,
    /// Id as named in the record; a `*` at the end stands for any suffix.
    pub id: String,
    /// Policy document in the call.
    pub content: Option<String>,
    /// Fields implied by the call's name.
    pub sets: Vec<String>,
}

impl CallMap {
    /// Map shipped with Bartizan.
    ///
    /// # Panics
    /// Never: a test parses the built-in map.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "the map is compiled in and read by a test"
    )]
    pub fn builtin() -> Self {
        Self::parse(include_str!("../../../../data/event-facts.txt")).expect("event-facts.txt")
    }

    /// Number of kinds of facts in the map.
    pub(crate) fn kind_count(&self) -> usize {
        self.kinds.len()
    }

    /// Parses a map.
    ///
    /// # Errors
    /// The first line not in the generator's format.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut map = Self::default();
        for (number, line) in text
            .lines()
            .enumerate()
            .filter(|(_, l)| !l.starts_with('#'))
        {
            let fields: Vec<&str> = line.split('\t').collect();
            let [source, event, kind, effect, id, content, sets] = fields.as_slice() else {
                return Err(format!("line {}: expected 7 fields", number + 1));
            };
            let effect = match *effect {
                "add" => FactEffect::Add,
                "set" => FactEffect::Set,
                "remove" => FactEffect::Remove,
                "none" => {
                    map.unattributable
                        .insert((*kind).to_owned(), (*id).to_owned());
                    continue;
                }
                "aws" => {
                    map.by_aws
                        .push(((*kind).to_owned(), (*id).to_owned(), (*content).to_owned()));
                    continue;
                }
                other => return Err(format!("line {}: no such effect: {other}", number + 1)),
            };
            let list = |text: &str, by: char| match text {
                "-" => Vec::new(),
                text => text.split(by).map(str::to_owned).collect(),
            };
            let kind = map.kind_or_new(kind);
            let row = CallRow {
                kind,
                effect,
                id: parts(id),
                content: list(content, '|'),
                sets: list(sets, ' '),
            };
            map.rows
                .entry(source.as_bytes().to_vec())
                .or_default()
                .entry(event.as_bytes().to_vec())
                .or_default()
                .push(row);
        }
        Ok(map)
    }

    fn kind_or_new(&mut self, kind: &str) -> u16 {
        let known = self.kinds.iter().position(|k| k == kind);
        known.unwrap_or_else(|| {
            self.kinds.push(kind.to_owned());
            self.kinds.len() - 1
        }) as u16
    }

    /// Kind by number.
    #[must_use]
    pub fn kind(&self, number: u16) -> &str {
        &self.kinds[usize::from(number)]
    }

    /// Number of a kind; `None` if no call is known to change it.
    #[must_use]
    pub fn number(&self, kind: &str) -> Option<u16> {
        self.kinds.iter().position(|k| k == kind).map(|n| n as u16)
    }

    /// Whether the map contains a kind, either with calls or as unattributable.
    #[must_use]
    pub fn names(&self, kind: &str) -> bool {
        self.number(kind).is_some() || self.unattributable.contains_key(kind)
    }

    /// Reason why no call explains changes of this kind; `None` if a call can.
    #[must_use]
    pub fn unattributable(&self, kind: &str) -> Option<&str> {
        match self.unattributable.get(kind) {
            Some(reason) => Some(reason),
            None if self.number(kind).is_none() => Some("a kind that no call is known to change"),
            None => None,
        }
    }

    /// Reason why AWS itself creates and changes a fact, if it does.
    #[must_use]
    pub fn by_aws(&self, kind: &str, id: &str) -> Option<&str> {
        self.by_aws
            .iter()
            .find(|(k, begins, _)| k == kind && id.starts_with(begins))
            .map(|(_, _, why)| why.as_str())
    }

    /// Whether a call of this name can change anything.
    pub(super) fn concerns(&self, event: &Event<'_>) -> bool {
        self.rows_of(event).is_some()
    }

    fn rows_of(&self, event: &Event<'_>) -> Option<&[CallRow]> {
        let calls = self.rows.get(event.raw_text(Field::EventSource))?;
        calls
            .get(without_version(event.raw_text(Field::EventName)))
            .map(Vec::as_slice)
    }

    /// Facts affected by a record.
    #[must_use]
    pub fn touched(&self, event: &Event<'_>, user_name: Option<&str>) -> Vec<TouchedFact> {
        let (request, response) = (
            event.field(Field::RequestParameters),
            event.field(Field::ResponseElements),
        );
        let mut found = Vec::new();
        for row in self.rows_of(event).unwrap_or_default() {
            let content = row.content.iter().find_map(|path| {
                let value = *values(request?, path).first()?;
                let text = if value.kind() == JsonKind::Object {
                    value.compact()
                } else {
                    value.text()?
                };
                (text.len() <= CALL_POLICY_BYTES_MAX).then(|| text.into_owned())
            });
            let mut named = ids(&row.id, request, response, user_name);
            // An omitted request may be about any resource of the kind.
            if named.is_empty() && request.is_some_and(is_omitted) {
                named.push("*".to_owned());
            }
            for id in named {
                if found.len() < FACTS_OF_CALL_MAX && id.len() <= FACT_ID_BYTES_MAX {
                    found.push(TouchedFact {
                        kind: row.kind,
                        effect: row.effect,
                        id,
                        content: content.clone(),
                        sets: row.sets.clone(),
                    });
                }
            }
        }
        found
    }
}

/// Whether CloudTrail omitted a request because of its size:
/// `{"omitted":true,"originalSize":108321,"reason":"…"}` (CloudTrail user guide, "CloudTrail record
/// contents").
pub fn is_omitted(request: JsonValue<'_>) -> bool {
    request.raw().len() < 400
        && request
            .raw()
            .windows(9)
            .any(|w| w == b"too large" || w == b"\"omitted\"")
}

/// Name of a call without the API version that Lambda (`20150331v2`) and CloudFront (`2020_05_31`)
/// add.
pub fn without_version(name: &[u8]) -> &[u8] {
    let digits = |b: &[u8]| !b.is_empty() && b.iter().all(u8::is_ascii_digit);
    let bare = match name.iter().rposition(|b| *b == b'v') {
        Some(at) if digits(&name[at + 1..]) && at >= 8 && digits(&name[at - 8..at]) => &name[..at],
        _ => name,
    };
    match bare.len().checked_sub(8) {
        Some(at) if digits(&bare[at..]) => return &bare[..at],
        _ => {}
    }
    match bare.len().checked_sub(10) {
        Some(at)
            if digits(&bare[at..at + 4])
                && bare[at + 4] == b'_'
                && bare[at + 7] == b'_'
                && digits(&bare[at + 8..]) =>
        {
            &bare[..at]
        }
        _ => name,
    }
}

/// Parts of a template such as `{userName|me}/{=accessKey.accessKeyId}`.
pub fn parts(template: &str) -> Vec<TemplatePart> {
    let (mut parts, mut rest) = (Vec::new(), template);
    while let Some((text, (field, after))) = rest
        .split_once('{')
        .and_then(|(t, r)| Some((t, r.split_once('}')?)))
    {
        if !text.is_empty() {
            parts.push(TemplatePart::Text(text.to_owned()));
        }
        let (names, default) = field
            .split_once('?')
            .map_or((field, None), |(n, d)| (n, Some(d.to_owned())));
        let path = |name: &str| match name.strip_prefix('=') {
            Some(path) => ValuePath::Response(path.to_owned()),
            None if name == "me" => ValuePath::Caller,
            None => ValuePath::Request(name.to_owned()),
        };
        parts.push(TemplatePart::Field(
            names.split('|').map(path).collect(),
            default,
        ));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(TemplatePart::Text(rest.to_owned()));
    }
    parts
}

/// All ids that a template gives; none if a field is missing.
fn ids(
    parts: &[TemplatePart],
    request: Option<JsonValue<'_>>,
    response: Option<JsonValue<'_>>,
    user_name: Option<&str>,
) -> Vec<String> {
    let mut ids = vec![String::new()];
    for part in parts {
        let found: Vec<Cow<'_, str>> = match part {
            TemplatePart::Text(text) => vec![Cow::Borrowed(text)],
            TemplatePart::Field(paths, default) => {
                let one = |path: &'_ ValuePath| -> Vec<Cow<'_, str>> {
                    let texts = |value: Option<JsonValue<'_>>, path: &str| -> Vec<Cow<'_, str>> {
                        let found = value.map(|v| values(v, path)).unwrap_or_default();
                        found
                            .into_iter()
                            .filter_map(JsonValue::text)
                            .map(|t| Cow::Owned(t.into_owned()))
                            .collect()
                    };
                    match path {
                        ValuePath::Request(path) => texts(request, path),
                        ValuePath::Response(path) => texts(response, path),
                        ValuePath::Caller => user_name
                            .map(|n| Cow::Owned(n.to_owned()))
                            .into_iter()
                            .collect(),
                    }
                };
                let found = paths
                    .iter()
                    .map(one)
                    .find(|f| !f.is_empty())
                    .unwrap_or_default();
                if found.is_empty() {
                    default.iter().map(|d| Cow::Borrowed(d.as_str())).collect()
                } else {
                    found
                }
            }
        };
        let longer = ids
            .iter()
            .flat_map(|id| found.iter().map(move |f| format!("{id}{f}")));
        ids = longer.take(FACTS_OF_CALL_MAX).collect();
    }
    ids.retain(|id| !id.is_empty());
    ids
}

/// All values at a dotted path; lists are entered. The first character of a name may be in either
/// case.
pub fn values<'a>(value: JsonValue<'a>, path: &str) -> Vec<JsonValue<'a>> {
    let mut found = vec![value];
    for name in path.split('.') {
        let mut next = Vec::new();
        for value in found {
            match value.kind() {
                JsonKind::Array => next.extend(value.elements().filter_map(|e| member(e, name))),
                _ => next.extend(member(value, name)),
            }
        }
        found = next;
    }
    let lists = found.iter().any(|v| v.kind() == JsonKind::Array);
    if lists {
        found
            .into_iter()
            .flat_map(|v| {
                if v.kind() == JsonKind::Array {
                    v.elements().collect()
                } else {
                    vec![v]
                }
            })
            .collect()
    } else {
        found
    }
}

fn member<'a>(value: JsonValue<'a>, name: &str) -> Option<JsonValue<'a>> {
    value.get(name).or_else(|| {
        let mut other = name.to_owned();
        let first = other.get_mut(..1)?;
        if name.as_bytes()[0].is_ascii_uppercase() {
            first.make_ascii_lowercase()
        } else {
            first.make_ascii_uppercase()
        }
        value.get(&other)
    })
}

/// Resource name in an ARN: `main` for `arn:…:trail/main`. `None` if it is not an ARN.
#[must_use]
pub fn short_name(id: &str) -> Option<&str> {
    let resource = id.strip_prefix("arn:")?.splitn(5, ':').nth(4)?;
    let typed = resource.find(['/', ':']).filter(|at| {
        resource[..*at]
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b == b'-')
    });
    let name = typed.map_or(resource, |at| &resource[at + 1..]);
    // Secrets Manager appends a dash and six characters to the name.
    if id.contains(":secretsmanager:") && name.len() > 7 && name.as_bytes()[name.len() - 7] == b'-'
    {
        return Some(&name[..name.len() - 7]);
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bartizan_trail::{TrailItem, TrailReader};

    fn touched(json: &str) -> Vec<(String, FactEffect, String)> {
        let map = CallMap::builtin();
        let mut found = Vec::new();
        TrailReader::new().read(&mut json.as_bytes(), &mut |item| {
            if let TrailItem::Event(event) = item {
                found.extend(
                    map.touched(&event, Some("me"))
                        .into_iter()
                        .map(|t| (map.kind(t.kind).to_owned(), t.effect, t.id)),
                );
            }
        });
        found
    }

    #[test]
    fn records_name_what_they_touch() {
        for (json, kind, effect, id) in [
            (
                r#"{"eventSource":"iam.amazonaws.com","eventName":"PutUserPolicy","requestParameters":{"userName":"bob","policyName":"p"}}"#,
                "iam:userpolicy",
                FactEffect::Set,
                "bob/p",
            ),
            (
                r#"{"eventSource":"iam.amazonaws.com","eventName":"CreateAccessKey","requestParameters":null,"responseElements":{"accessKey":{"accessKeyId":"AKIA1"}}}"#,
                "iam:accesskey",
                FactEffect::Add,
                "me/AKIA1",
            ),
            (
                r#"{"eventSource":"lambda.amazonaws.com","eventName":"UpdateFunctionCode20150331v2","requestParameters":{"functionName":"f"}}"#,
                "lambda:function",
                FactEffect::Set,
                "f",
            ),
            (
                r#"{"eventSource":"cloudfront.amazonaws.com","eventName":"UpdateDistribution2020_05_31","requestParameters":{"id":"E1"}}"#,
                "cloudfront:distribution",
                FactEffect::Set,
                "E1",
            ),
            (
                r#"{"eventSource":"ec2.amazonaws.com","eventName":"TerminateInstances","requestParameters":{"instancesSet":{"items":[{"instanceId":"i-1"}]}}}"#,
                "ec2:instance",
                FactEffect::Remove,
                "i-1",
            ),
            (
                r#"{"eventSource":"events.amazonaws.com","eventName":"PutRule","requestParameters":{"name":"r"}}"#,
                "events:rule",
                FactEffect::Set,
                "default/r",
            ),
        ] {
            let found = touched(json);
            assert!(
                found.contains(&(kind.to_owned(), effect, id.to_owned())),
                "{found:?}"
            );
        }
    }

    #[test]
    fn several_things_of_one_call_are_all_named() {
        let found = touched(
            r#"{"eventSource":"ec2.amazonaws.com","eventName":"RunInstances","responseElements":{"instancesSet":{"items":[
            {"instanceId":"i-1","networkInterfaceSet":{"items":[{"networkInterfaceId":"eni-1"}]}},{"instanceId":"i-2"}]}}}"#,
        );
        let named: Vec<&str> = found.iter().map(|(_, _, id)| id.as_str()).collect();
        assert!(
            ["i-1", "i-2", "eni-1"].iter().all(|id| named.contains(id)),
            "{found:?}"
        );
    }

    #[test]
    fn arns_have_a_short_name() {
        for (id, name) in [
            ("arn:aws:cloudtrail:us-east-1:1:trail/main", Some("main")),
            ("arn:aws:sns:us-east-1:1:jobs", Some("jobs")),
            (
                "arn:aws:secretsmanager:us-east-1:1:secret:prod/db-AbCdEf",
                Some("prod/db"),
            ),
            ("arn:aws:iam::aws:policy/x/Y", Some("x/Y")),
            ("main", None),
        ] {
            assert_eq!(short_name(id), name);
        }
    }
}
