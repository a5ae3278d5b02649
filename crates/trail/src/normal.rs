//! Normalizes records of other formats to CloudTrail's own, so that rules, actors, attribution and
//! `--event` all see one format.
//!
//! Athena lowercases names and prints structures as text, data lakes write `event_name`, exports
//! turn absent values into `""`, and other partitions have other suffixes. A record in CloudTrail's
//! own format is never changed: [`is_usual`] recognizes it by a few bytes.

use serde_json::{Map, Value, json};

use super::event::{Event, Field, FieldOffsets, parse_time};
use super::loose;
use bartizan_model::limits::IDENTITY_DEPTH_MAX;

/// Normalized record.
pub(super) struct NormalRecord {
    pub(super) record: Vec<u8>,
    /// A structure is text that cannot be parsed, so that rules do not see its content.
    pub(super) unread: bool,
    /// The record does not name the called service.
    pub(super) sourceless: bool,
}

/// Whether a record is in CloudTrail's own format.
pub(super) fn is_usual(event: &Event<'_>, places: &FieldOffsets) -> bool {
    let first = |field| event.first_byte(field);
    let object = |field| matches!(first(field), 0 | b'{' | b'n');
    let name = event.raw_text(Field::EventName);
    let source = event.raw_text(Field::EventSource);
    !places.odd
        && first(Field::UserIdentity) == b'{'
        && object(Field::RequestParameters)
        && object(Field::ResponseElements)
        && object(Field::AdditionalEventData)
        && object(Field::ServiceEventDetails)
        && object(Field::TlsDetails)
        && matches!(first(Field::Resources), 0 | b'[' | b'n')
        && first(Field::EventTime) == b'"'
        && source.strip_suffix(SUFFIX.as_bytes()).is_some_and(|s| {
            s.iter()
                .all(|b| b.is_ascii_lowercase() || b"-.0123456789".contains(b))
        })
        && !name.is_empty()
        && !name.iter().any(u8::is_ascii_whitespace)
        && usual_error(event)
        && usual_identity(event.identity())
}

/// `errorCode` and `errorMessage` must be absent from successful calls.
fn usual_error(event: &Event<'_>) -> bool {
    [Field::ErrorCode, Field::ErrorMessage]
        .into_iter()
        .all(|field| match event.first_byte(field) {
            0 => true,
            b'"' => {
                let raw = event.raw_text(field);
                // Placeholders for absent values are short.
                !raw.is_empty()
                    && (raw.len() > 12
                        || !raw[0].is_ascii_whitespace()
                            && !is_success(&String::from_utf8_lossy(raw)))
            }
            _ => false,
        })
}

/// Whether the identity starts with a known type and contains no JSON text.
fn usual_identity(identity: &[u8]) -> bool {
    let kind = identity
        .strip_prefix(br#"{"type":""#)
        .and_then(|rest| Some(&rest[..rest.iter().position(|b| *b == b'"')?]));
    let known = match kind {
        Some(kind) => TYPES.iter().any(|t| t.as_bytes() == kind),
        // Services may act without a type. A type elsewhere is rare enough to search for it.
        None => super::json::JsonValue::new(identity, 0)
            .and_then(|i| i.get("type"))
            .is_none_or(|t| {
                t.raw_string()
                    .is_some_and(|kind| TYPES.iter().any(|t| t.as_bytes() == kind))
            }),
    };
    known && memchr::memmem::find(identity, b"\"{").is_none()
}

/// Suffix of service names in `eventSource`.
const SUFFIX: &str = ".amazonaws.com";

/// Identity types (CloudTrail user guide, "userIdentity element").
const TYPES: [&str; 12] = [
    "IAMUser",
    "AssumedRole",
    "AWSService",
    "Root",
    "AWSAccount",
    "Role",
    "FederatedUser",
    "Directory",
    "SAMLUser",
    "WebIdentityUser",
    "IdentityCenterUser",
    "Unknown",
];

/// Names in `userIdentity` (same page).
const IDENTITY: [&str; 30] = [
    "type",
    "principalId",
    "arn",
    "accountId",
    "accessKeyId",
    "userName",
    "sessionContext",
    "attributes",
    "mfaAuthenticated",
    "creationDate",
    "sessionIssuer",
    "webIdFederationData",
    "federatedProvider",
    "invokedBy",
    "identityProvider",
    "onBehalfOf",
    "userId",
    "identityStoreArn",
    "credentialId",
    "sourceIdentity",
    "ec2RoleDelivery",
    "inScopeOf",
    "assumedRoot",
    "issuerType",
    "credentialsIssuedTo",
    "sourceArn",
    "sourceAccount",
    "invokedByDelegate",
    "attributesList",
    "isExternal",
];

/// Folded names that exports give to fields, where they differ from CloudTrail's.
const SYNONYMS: [(&str, &str); 10] = [
    ("region", "awsRegion"),
    ("sourceip", "sourceIPAddress"),
    ("accountid", "recipientAccountId"),
    ("recipientaccount", "recipientAccountId"),
    ("requestparameter", "requestParameters"),
    ("responseelement", "responseElements"),
    ("eventtimestamp", "eventTime"),
    ("eventid", "eventID"),
    ("requestid", "requestID"),
    ("error", "errorCode"),
];

/// Fields that are objects.
const OBJECTS: [&str; 7] = [
    "userIdentity",
    "requestParameters",
    "responseElements",
    "additionalEventData",
    "resources",
    "serviceEventDetails",
    "tlsDetails",
];

/// Name in lower case without separators: `eventname` for `eventName`, `event_name`, `Event name`.
pub(super) fn fold(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Whether a name may be a variant of a known field's: it contains a separator or an escape, or
/// differs in case only.
pub(super) fn is_odd(key: &[u8]) -> bool {
    if key.iter().any(|b| b". \\_-".contains(b)) {
        return true;
    }
    let synonym = SYNONYMS
        .iter()
        .any(|(name, _)| name.len() == key.len() && name.as_bytes().eq_ignore_ascii_case(key));
    synonym
        || Field::all()
            .any(|f| f.name().len() == key.len() && f.name().as_bytes().eq_ignore_ascii_case(key))
}

/// Whether a text is a placeholder for an absent value.
pub(super) fn is_absent(text: &str) -> bool {
    matches!(
        text.trim(),
        "" | "null" | "NULL" | "None" | "nan" | "NaN" | "-" | "N/A" | "n/a" | "undefined" | "<NA>"
    )
}

/// Whether an error code means success.
fn is_success(text: &str) -> bool {
    is_absent(text)
        || ["success", "succeeded", "ok", "none", "0", "200", "noerror"]
            .contains(&fold(text).as_str())
}

/// Whether an object is a record of a call, however its names are written.
pub(super) fn is_record(fields: &Map<String, Value>) -> bool {
    let has = |wanted: &str| fields.keys().any(|k| fold(k) == wanted);
    has("eventname")
        && [
            "eventsource",
            "eventtime",
            "useridentity",
            "awsregion",
            "eventid",
        ]
        .iter()
        .any(|f| has(f))
}

/// Normalized record; `None` if it is not JSON or not a record.
pub(super) fn anew(record: &[u8]) -> Option<NormalRecord> {
    let text = String::from_utf8_lossy(record);
    let Value::Object(fields) = serde_json::from_str(&text).ok()? else {
        return None;
    };
    of_fields(fields)
}

/// Normalized record from parsed fields.
pub(super) fn of_fields(fields: Map<String, Value>) -> Option<NormalRecord> {
    if !is_record(&fields) {
        return None;
    }
    let mut out = Map::new();
    let mut later = Vec::new();
    for (key, value) in fields {
        // A field's own name takes precedence over synonyms.
        if Field::named(key.as_bytes()).is_some() {
            out.insert(key, value).map_or((), drop)
        } else {
            later.push((key, value))
        }
    }
    let named = out.contains_key("userIdentity");
    for (key, value) in later {
        if !named && let Some(name) = identity_column(&key) {
            // Access keys of IAM users start with AKIA (IAM user guide, "IAM identifiers").
            let kind = match text(&value).as_deref() {
                Some("root") if name == "userName" => Some("Root"),
                Some(key) if name == "accessKeyId" && key.starts_with("AKIA") => Some("IAMUser"),
                _ => None,
            };
            let identity = out.entry("userIdentity").or_insert_with(|| json!({}));
            put(identity, name, value);
            if let Some(kind) = kind {
                put(identity, "type", kind.into());
            }
            continue;
        }
        let (first, rest) = match key.split_once('.') {
            Some((first, rest)) if OBJECTS.contains(&canonical(first).as_str()) => {
                (canonical(first), Some(rest.to_owned()))
            }
            _ => (canonical(&key), None),
        };
        match rest {
            // Flat column name, e.g. `userIdentity.sessionContext.sessionIssuer.arn`.
            Some(path) => put(out.entry(first).or_insert_with(|| json!({})), &path, value),
            None => {
                let slot = out.entry(first).or_insert(Value::Null);
                if slot.is_null() {
                    *slot = value;
                }
            }
        }
    }
    // Without either of these, most rules see nothing.
    let mut unread = !["userIdentity", "requestParameters"]
        .iter()
        .any(|name| out.contains_key(*name));
    for name in OBJECTS {
        if let Some(value) = out.get_mut(name) {
            unread |= !open(value);
        }
    }
    if let Some(identity) = out.get_mut("userIdentity") {
        renamed(identity, 0);
    }
    scalars(&mut out);
    let sourceless = out.get("eventSource").is_none_or(Value::is_null);
    let record = serde_json::to_vec(&Value::Object(out)).ok()?;
    Some(NormalRecord {
        record,
        unread,
        sourceless,
    })
}

/// Name that CloudTrail gives to a field; unknown names stay as they are.
fn canonical(name: &str) -> String {
    let folded = fold(name);
    let field = Field::all().map(Field::name).find(|f| fold(f) == folded);
    let synonym = || {
        SYNONYMS
            .iter()
            .find(|(n, _)| *n == folded)
            .map(|(_, field)| *field)
    };
    field.or_else(synonym).unwrap_or(name).to_owned()
}

/// Name in `userIdentity` for a column that the console's event history and `lookup-events` print
/// next to the event.
fn identity_column(name: &str) -> Option<&'static str> {
    match fold(name).as_str() {
        "username" => Some("userName"),
        "awsaccesskey" | "awsaccesskeyid" | "accesskeyid" | "accesskey" => Some("accessKeyId"),
        _ => None,
    }
}

fn put(value: &mut Value, path: &str, new: Value) {
    let (first, rest) = path
        .split_once('.')
        .map_or((path, None), |(f, r)| (f, Some(r)));
    if !value.is_object() {
        return;
    }
    let Some(fields) = value.as_object_mut() else {
        return;
    };
    match rest {
        Some(rest) => put(fields.entry(first).or_insert_with(|| json!({})), rest, new),
        None => {
            fields.entry(first).or_insert(new);
        }
    }
}

/// Parses an object from its text. Returns false if it looks like an object but cannot be parsed.
fn open(value: &mut Value) -> bool {
    let Value::String(text) = &*value else {
        return true;
    };
    if is_absent(text) {
        *value = Value::Null;
        return true;
    }
    match loose::parse(text) {
        Some(opened) => {
            *value = opened;
            true
        }
        // CloudTrail itself writes `HIDDEN_DUE_TO_SECURITY_REASONS` and similar texts.
        None => !text.trim_start().starts_with(['{', '[']),
    }
}

/// Renames and converts the members of an identity to CloudTrail's format.
fn renamed(value: &mut Value, depth: usize) {
    if depth > IDENTITY_DEPTH_MAX {
        return;
    }
    open(value);
    match value {
        Value::Object(fields) => {
            for (key, mut value) in std::mem::take(fields) {
                renamed(&mut value, depth + 1);
                let name = IDENTITY
                    .iter()
                    .find(|n| fold(n) == fold(&key))
                    .map_or(key, |n| (*n).to_owned());
                match (&mut value, name.as_str()) {
                    (Value::Null, _) => continue,
                    (Value::String(text), "type") => {
                        if let Some(known) = TYPES.iter().find(|t| fold(t) == fold(text)) {
                            *text = (*known).to_owned();
                        }
                    }
                    (Value::Bool(b), _) => value = b.to_string().into(),
                    (number @ (Value::Number(_) | Value::String(_)), "accountId") => {
                        account(number)
                    }
                    (Value::Number(n), _) => value = n.to_string().into(),
                    (Value::String(text), "mfaAuthenticated") => text.make_ascii_lowercase(),
                    _ => {}
                }
                fields.entry(name).or_insert(value);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|v| renamed(v, depth + 1)),
        Value::String(text) => *text = text.trim().to_owned(),
        _ => {}
    }
}

/// Restores the twelve digits of an account id that was read as a number.
fn account(value: &mut Value) {
    let text = match &*value {
        Value::Number(n) => n.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return,
    };
    let digits = text.strip_suffix(".0").unwrap_or(&text);
    let number =
        !digits.is_empty() && digits.len() <= 12 && digits.bytes().all(|b| b.is_ascii_digit());
    *value = if number && (digits.len() > 8) {
        format!("{digits:0>12}")
    } else {
        text
    }
    .into();
}

/// Converts the scalar fields to CloudTrail's format.
fn scalars(out: &mut Map<String, Value>) {
    for name in ["errorCode", "errorMessage"] {
        if out
            .get(name)
            .is_some_and(|v| v.is_null() || text(v).is_some_and(|t| is_success(&t)))
        {
            out.shift_remove(name);
        }
    }
    for (name, value) in out.iter_mut() {
        if OBJECTS.contains(&name.as_str()) {
            continue;
        }
        if let Value::String(text) = value {
            *text = text.trim().to_owned();
        }
        if let Some(word) = text(value)
            && let "readOnly" | "managementEvent" = name.as_str()
            && let Ok(word) = word.to_ascii_lowercase().parse::<bool>()
        {
            *value = word.into();
        }
    }
    if let Some(value) = out.get_mut("recipientAccountId") {
        account(value);
    }
    if let Some(Value::String(source)) = out.get_mut("eventSource") {
        *source = service(source);
    }
    let time = ["eventTime", "@timestamp", "timestamp"]
        .iter()
        .filter_map(|name| text(out.get(*name)?))
        .find_map(|t| parse_time(t.as_bytes()));
    if let Some(time) = time.and_then(|second| jiff::Timestamp::from_second(second).ok()) {
        out.insert("eventTime".to_owned(), time.to_string().into());
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// Suffixes of service names in other partitions (AWS's `partitions.json`, `dnsSuffix`).
const SUFFIXES: [&str; 8] = [
    ".amazonaws.com.cn",
    ".amazonaws.cn",
    ".amazonaws.eu",
    ".api.aws",
    ".c2s.ic.gov",
    ".sc2s.sgov.gov",
    ".cloud.adc-e.uk",
    ".csp.hci.ic.gov",
];

/// Service as CloudTrail writes it: `s3.amazonaws.com` for `s3`, `S3.amazonaws.com`,
/// `s3.amazonaws.com.cn`.
fn service(source: &str) -> String {
    let low = source.trim().trim_end_matches('.').to_ascii_lowercase();
    let bare = SUFFIXES
        .iter()
        .chain([&SUFFIX])
        .find_map(|suffix| low.strip_suffix(suffix))
        .unwrap_or(&low);
    let name = !bare.is_empty()
        && bare
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b"-.0123456789".contains(&b));
    if name {
        format!("{bare}{SUFFIX}")
    } else {
        source.trim().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anew(record: &Value) -> Value {
        serde_json::from_slice(&super::anew(record.to_string().as_bytes()).unwrap().record).unwrap()
    }

    #[test]
    fn exports_of_one_record_are_the_same() {
        let wanted = json!({
            "eventName": "CreateUser",
            "eventSource": "iam.amazonaws.com",
            "eventTime": "2026-03-10T02:05:00Z",
            "awsRegion": "us-east-1",
            "recipientAccountId": "011122223333",
            "readOnly": false,
            "requestParameters": {"userName": "eve"},
            "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::011122223333:user/al", "accountId": "011122223333",
                "sessionContext": {"attributes": {"mfaAuthenticated": "false"}}},
        });
        let identity = |text: &str| {
            json!({
                "eventname": "CreateUser ",
                "eventsource": "iam",
                "eventtime": "2026-03-10 \
                    02:05:00.000000000",
                "awsregion": "us-east-1",
                "errorcode": "",
                "recipientaccountid": 11_122_223_333u64,
                "readonly": "False",
                "requestparameters": "{\"userName\":\"eve\"}",
                "useridentity": text,
            })
        };
        for odd in [
            wanted.clone(),
            identity(
                "{type=IAMUser, arn=arn:aws:iam::011122223333:user/al, accountid=011122223333, invokedby=null, sessioncontext={attributes={mfaauthenticated=false}}}",
            ),
            identity(
                "{\"type\":\"iamuser\",\"arn\":\"arn:aws:iam::011122223333:user/al\",\"accountId\":11122223333,\"sessionContext\":\"{\\\"attributes\\\":{\\\"mfaAuthenticated\\\":false}}\"}",
            ),
            identity(
                "{'type': 'IAMUser', 'arn': 'arn:aws:iam::011122223333:user/al', 'account_id': '011122223333', 'session_context': {'attributes': {'mfa_authenticated': False}}}",
            ),
            json!({
                "event_name": "CreateUser",
                "Event source": "IAM.amazonaws.com.cn",
                "event_time": 1_773_108_300u64,
                "region": "us-east-1",
                "error_code": null,
                "recipient_account_id": "11122223333.0",
                "read_only": false,
                "request_parameters": {"userName": "eve"},
                "user_identity.type": "IAMUser",
                "user_identity.arn": "arn:aws:iam::011122223333:user/al",
                "user_identity.account_id": "011122223333",
                "user_identity.session_context.attributes.mfa_authenticated": "false",
            }),
        ] {
            let found = anew(&odd);
            for (name, value) in wanted.as_object().unwrap() {
                assert_eq!(&found[name], value, "{name} of {odd}");
            }
            assert_eq!(found.get("errorCode"), None, "{odd}");
        }
    }

    #[test]
    fn services_of_every_partition_have_one_name() {
        for (source, name) in [
            ("s3", "s3.amazonaws.com"),
            ("S3.amazonaws.com", "s3.amazonaws.com"),
            ("s3.amazonaws.com.cn", "s3.amazonaws.com"),
            ("signin.amazonaws.cn", "signin.amazonaws.com"),
            ("lambda.amazonaws.com.", "lambda.amazonaws.com"),
            ("sts.c2s.ic.gov", "sts.amazonaws.com"),
            ("aws:s3", "aws:s3"),
        ] {
            assert_eq!(service(source), name);
        }
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let cut = json!({
            "eventName": "A",
            "eventSource": "s3.amazonaws.com",
            "requestParameters": "{\"bucketName\":\"b",
        });
        assert!(super::anew(cut.to_string().as_bytes()).unwrap().unread);
        let hidden = json!({
            "eventName": "A",
            "eventSource": "s3.amazonaws.com",
            "userIdentity": {},
            "responseElements": "HIDDEN_DUE_TO_SECURITY_REASONS",
        });
        assert!(!super::anew(hidden.to_string().as_bytes()).unwrap().unread);
        assert!(
            super::anew(br#"{"eventName": "A", "eventTime": "x"}"#)
                .unwrap()
                .sourceless
        );
        assert!(super::anew(br#"{"hello": "world"}"#).is_none());
    }
}
