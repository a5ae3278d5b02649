//! Scalars of request and response, and the words of a call's name to which they are compared.

use bartizan_model::limits::{TOUCHED_DEPTH_MAX, TOUCHED_LEAVES_MAX, TOUCHED_TEXT_BYTES_MAX};
use bartizan_trail::json::{JsonKind, JsonValue};

/// Words of a call's name, in the form to which field names are compared.
pub(crate) struct CallWords {
    /// `ec2`.
    pub(crate) service: String,
    /// `Delete`.
    pub(crate) verb: String,
    /// `volume` for `DeleteVolume`, `flowlog` for `DeleteFlowLogs`: in lower case, singular.
    pub(crate) noun: String,
    /// Name without a version suffix (`CreateFunction20150331`).
    pub(crate) name: String,
    /// Account that received the call.
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

    /// Whether the call removes or only reads, so that it lets nobody in.
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

    /// Whether the call creates something.
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

/// Scalars of request and response.
pub(crate) struct ScalarFields {
    pub(crate) request: Vec<ScalarField>,
    pub(crate) response: Vec<ScalarField>,
}

/// Scalar with the field names on its path.
pub(crate) struct ScalarField {
    /// `["ippermission", "cidrip"]`: in lower case without separators, and without pure list
    /// wrappers (`items`, `…Set`, `…Request`).
    pub(crate) path: Vec<String>,
    pub(crate) text: String,
    /// Ports of the rule around it, e.g. `tcp 22`.
    pub(crate) ports: Option<String>,
}

impl ScalarField {
    /// Name of its own field.
    pub(crate) fn key(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }

    /// Whether any field on the path contains one of the names.
    pub(crate) fn is_below(&self, names: &[&str]) -> bool {
        self.path.iter().any(|p| names.contains(&p.as_str()))
    }
}

/// Position of a walk.
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
                // `{"attribute": …, "value": …}` in old requests: the outer field names the value.
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
                // Exports write whole requests as text; policies are read elsewhere.
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

/// Name in lower case without separators: `dbsnapshotidentifier` for `dBSnapshotIdentifier` and
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

/// Resource noun in a field name, if any: `volume` for `volumeid`, `alarm` for `alarmnames`.
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

/// Fields that hold the value named by the outer field.
pub(crate) const HOLDERS: [&str; 7] = [
    "items", "item", "member", "members", "content", "entry", "entries",
];

/// Ports of an object with ports or a protocol, e.g. `tcp 22`, `tcp 0-65535`, `all`.
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
