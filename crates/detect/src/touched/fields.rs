//! The scalars of a request and response, and the words of a call that they are compared with.

use bartizan_model::limits::{TOUCHED_DEPTH_MAX, TOUCHED_LEAVES_MAX, TOUCHED_TEXT_BYTES_MAX};
use bartizan_trail::json::{JsonKind, JsonValue};

/// Which call it is, in the forms that names of fields are compared with.
pub(crate) struct CallWords {
    /// `ec2`.
    pub(crate) service: String,
    /// `Delete`.
    pub(crate) verb: String,
    /// `volume` of `DeleteVolume`, `flowlog` of `DeleteFlowLogs`, without capitals and plural.
    pub(crate) noun: String,
    /// As it stands, without a version behind it (`CreateFunction20150331`).
    pub(crate) name: String,
    /// Account that was called.
    pub(crate) own: String,
}

impl CallWords {
    pub(crate) fn new(source: &str, name: &str, own: &str) -> Self {
        let service = source.split('.').next().unwrap_or_default().to_owned();
        let name = name
            .trim()
            .trim_end_matches(|c: char| c.is_ascii_digit() || c == '_' || c == 'v')
            .to_owned();
        let words = name
            .char_indices()
            .skip(1)
            .find(|(_, c)| c.is_ascii_uppercase())
            .map_or(name.len(), |(at, _)| at);
        let (verb, noun) = name.split_at(words);
        // `BatchGetSecretValue`, `BatchDeleteImage`.
        let (verb, noun) = match verb {
            "Batch" | "Admin" => {
                let next = noun
                    .char_indices()
                    .skip(1)
                    .find(|(_, c)| c.is_ascii_uppercase())
                    .map_or(noun.len(), |(at, _)| at);
                noun.split_at(next)
            }
            _ => (verb, noun),
        };
        Self {
            service,
            verb: verb.to_owned(),
            noun: singular(&plain(noun)).to_owned(),
            own: own.to_owned(),
            name,
        }
    }

    /// Whether the call takes something away or only looks: then nobody is let in by it.
    pub(crate) fn gives_nothing(&self) -> bool {
        const VERBS: &[&str] = &[
            "Delete",
            "Remove",
            "Revoke",
            "Detach",
            "Disassociate",
            "Deregister",
            "Reject",
            "Disable",
            "Stop",
            "Terminate",
            "Cancel",
            "Reset",
            "Release",
            "Unsubscribe",
            "List",
            "Describe",
            "Get",
            "Head",
            "Lookup",
            "Search",
            "Scan",
            "Query",
            "Schedule",
            "Deactivate",
            "Leave",
            "Untag",
            "Tag",
            "Check",
            "Validate",
            "Simulate",
            "Test",
        ];
        VERBS.contains(&self.verb.as_str()) && !self.makes()
    }

    /// Whether the call makes something that was not there.
    pub(crate) fn makes(&self) -> bool {
        const VERBS: &[&str] = &[
            "Create", "Run", "Import", "Copy", "Upload", "Register", "Allocate", "Restore",
            "Issue", "Generate",
        ];
        const CALLS: &[&str] = &[
            "GetFederationToken",
            "GetSessionToken",
            "StartExportTask",
            "PublishLayerVersion",
        ];
        VERBS.contains(&self.verb.as_str()) || CALLS.contains(&self.name.as_str())
    }
}

/// The scalars of request and response.
pub(crate) struct ScalarFields {
    pub(crate) request: Vec<ScalarField>,
    pub(crate) response: Vec<ScalarField>,
}

/// A scalar with the fields on the way to it.
pub(crate) struct ScalarField {
    /// `["ippermission", "cidrip"]`: without capitals, marks, and what only holds lists (`items`,
    /// `…Set`, `…Request`).
    pub(crate) path: Vec<String>,
    pub(crate) text: String,
    /// Ports of the rule that it stands in: `tcp 22`.
    pub(crate) ports: Option<String>,
}

impl ScalarField {
    /// The name of its field.
    pub(crate) fn key(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }

    /// Whether any field on the way has a name like that.
    pub(crate) fn is_below(&self, names: &[&str]) -> bool {
        self.path.iter().any(|p| names.contains(&p.as_str()))
    }
}

/// Where a walk stands.
#[derive(Default)]
pub(crate) struct WalkPosition {
    path: Vec<String>,
    ports: Option<String>,
    depth: usize,
}

pub(crate) fn walk(value: JsonValue<'_>, place: &mut WalkPosition, leaves: &mut Vec<ScalarField>) {
    if place.depth >= TOUCHED_DEPTH_MAX || leaves.len() >= TOUCHED_LEAVES_MAX {
        return;
    }
    place.depth += 1;
    match value.kind() {
        JsonKind::Object => {
            let ports = place.ports.clone();
            if let Some(own) = ports_of(value) {
                place.ports = Some(own);
            }
            for (name, inner) in value.members() {
                let name = plain(name.split('.').next().unwrap_or_default());
                let holds = HOLDERS.contains(&name.as_str())
                    || name.ends_with("request") && inner.kind() == JsonKind::Object;
                // `{"attribute": …, "value": …}` of old forms: what it is stands in the field
                // around it.
                let holds = holds || name == "value" && !place.path.is_empty();
                if !holds {
                    place.path.push(
                        name.strip_suffix("set")
                            .filter(|n| n.len() > 3)
                            .map_or(name.clone(), str::to_owned),
                    );
                }
                walk(inner, place, leaves);
                if !holds {
                    place.path.pop();
                }
            }
            place.ports = ports;
        }
        JsonKind::Array => value
            .elements()
            .for_each(|inner| walk(inner, place, leaves)),
        _ => {
            if let Some(text) = value.text().filter(|t| !t.is_empty()) {
                let is_json = text.starts_with(['{', '[']) && text.len() <= TOUCHED_TEXT_BYTES_MAX;
                leaves.push(ScalarField {
                    path: place.path.clone(),
                    text: text.to_string(),
                    ports: place.ports.clone(),
                });
                // Exports write whole requests as text; policies are read as policies.
                if is_json
                    && !text.contains("\"Statement\"")
                    && let Some(inner) = JsonValue::new(text.as_bytes(), 0)
                {
                    walk(inner, place, leaves);
                }
            }
        }
    }
    place.depth -= 1;
}

/// A name without capitals and marks: `dbsnapshotidentifier` of `dBSnapshotIdentifier` and of
/// `db_snapshot_identifier`.
pub(crate) fn plain(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

pub(crate) fn singular(name: &str) -> &str {
    match name.strip_suffix('s') {
        Some(one) if !one.ends_with('s') && one.len() > 2 => one,
        _ => name,
    }
}

/// What a field names, if it names something: `volume` of `volumeid`, `alarm` of `alarmnames`.
pub(crate) fn stem(key: &str) -> Option<&str> {
    const ENDS: [&str; 10] = [
        "identifiers",
        "identifier",
        "arns",
        "arn",
        "names",
        "name",
        "urls",
        "url",
        "ids",
        "id",
    ];
    ENDS.iter().find_map(|end| key.strip_suffix(end))
}

/// Fields that hold what the field around them names.
pub(crate) const HOLDERS: [&str; 7] = [
    "items", "item", "member", "members", "content", "entry", "entries",
];

/// `tcp 22`, `tcp 0-65535`, `all`: of an object that has ports or a protocol.
pub(crate) fn ports_of(value: JsonValue<'_>) -> Option<String> {
    let (mut protocol, mut from, mut to) = (None, None, None);
    for (name, inner) in value.members() {
        match (plain(&name).as_str(), inner.kind()) {
            ("ipprotocol" | "protocol" | "aclprotocol", _) => {
                protocol = inner.text().map(|t| t.to_string())
            }
            ("fromport", _) => from = inner.text().map(|t| t.to_string()),
            ("toport", _) => to = inner.text().map(|t| t.to_string()),
            ("portrange", JsonKind::Object) => {
                from = inner
                    .get("from")
                    .or_else(|| inner.get("From"))
                    .and_then(JsonValue::text)
                    .map(|t| t.to_string());
                to = inner
                    .get("to")
                    .or_else(|| inner.get("To"))
                    .and_then(JsonValue::text)
                    .map(|t| t.to_string());
            }
            _ => {}
        }
    }
    if protocol.is_none() && from.is_none() {
        return None;
    }
    let protocol = match protocol.as_deref() {
        Some("-1" | "all") => return Some("all".to_owned()),
        Some("6") | None => "tcp".to_owned(),
        Some("17") => "udp".to_owned(),
        Some(other) => other.to_owned(),
    };
    Some(match (from, to) {
        (None, _) => protocol,
        (Some(from), Some(to)) if to != from => format!("{protocol} {from}-{to}"),
        (Some(from), _) => format!("{protocol} {from}"),
    })
}
