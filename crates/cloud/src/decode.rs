//! Decoder from responses to JSON as the AWS CLI prints it.

use std::collections::BTreeSet;

use bartizan_model::limits::NESTING_MAX;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use quick_xml::events::Event;
use serde_json::{Map, Value};

use crate::model::{ModelShape, Operation, Protocol, ServiceModel};

/// Error in decoding a response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Empty body.
    #[error("the answer is empty")]
    Empty,
    /// HTML page from a proxy or a login portal.
    #[error("the answer is a web page: something stands between here and AWS")]
    Html,
    /// Invalid or truncated JSON.
    #[error("the answer is broken JSON: {0}")]
    Json(String),
    /// Invalid or truncated XML.
    #[error("the answer is broken XML: {0}")]
    Xml(String),
}

/// Decodes a successful response. Unknown field names are added to `new_fields`; the fields are
/// kept.
///
/// # Errors
/// See [`DecodeError`].
pub fn decode(
    service: &ServiceModel,
    operation: &Operation,
    body: &[u8],
    new_fields: &mut BTreeSet<String>,
) -> Result<Value, DecodeError> {
    let Some(output) = operation.output.as_deref() else {
        return Ok(Value::Object(Map::new()));
    };
    let start = body.trim_ascii_start();
    if start.is_empty() {
        return Err(DecodeError::Empty);
    }
    let head = start[..start.len().min(64)].to_ascii_lowercase();
    if head.starts_with(b"<!doctype html") || head.starts_with(b"<html") {
        return Err(DecodeError::Html);
    }
    let mut decoder = Decoder {
        service,
        new_fields,
    };
    let mut answer = match (service.protocol, payload(service, operation, output)) {
        // S3's bucket policy: the body is the text.
        (_, Some((member, "s" | "x"))) => Value::Object(Map::from_iter([(
            member.to_owned(),
            Value::String(String::from_utf8_lossy(body).into_owned()),
        )])),
        (Protocol::Json | Protocol::RestJson, payload) => {
            let value =
                serde_json::from_slice(body).map_err(|e| DecodeError::Json(e.to_string()))?;
            match payload {
                Some((member, reference)) => Value::Object(Map::from_iter([(
                    member.to_owned(),
                    decoder.json(reference, value),
                )])),
                None => decoder.json(output, value),
            }
        }
        (_, payload) => {
            let mut root = parse_xml(body)?;
            if root.name == "LocationConstraint" {
                // S3's GetBucketLocation: the root element is the member. If it is empty, as for
                // us-east-1, the member is absent.
                let member = (!root.text.is_empty())
                    .then(|| ("LocationConstraint".to_owned(), Value::String(root.text)));
                return Ok(Value::Object(member.into_iter().collect()));
            }
            if let Some(wrapper) = &operation.wrapper {
                root = root
                    .children
                    .into_iter()
                    .find(|c| c.name == *wrapper)
                    .ok_or_else(|| DecodeError::Xml(format!("no {wrapper} in it")))?;
            }
            root.children.retain(|c| {
                !["ResponseMetadata", "requestId", "RequestId"].contains(&c.name.as_str())
            });
            match payload {
                Some((member, reference)) => Value::Object(Map::from_iter([(
                    member.to_owned(),
                    decoder.xml(reference, root),
                )])),
                None => decoder.xml(output, root),
            }
        }
    };
    if let Value::Object(map) = &mut answer {
        map.retain(|_, v| !v.is_null());
    }
    Ok(answer)
}

/// Member that is the body of a response by itself, and its shape: `Policy` of S3's
/// `GetBucketPolicy`.
fn payload<'m>(
    service: &'m ServiceModel,
    operation: &'m Operation,
    output: &str,
) -> Option<(&'m str, &'m str)> {
    let member = operation.payload.as_deref()?;
    match service.shape(output) {
        Some(ModelShape::Structure { members, .. }) => Some((member, members.get(member)?)),
        _ => None,
    }
}

/// Normalizes JSON from other sources (AWS CLI output, AWS Config): times, and the case of member
/// names.
pub fn normalise(
    service: &ServiceModel,
    operation: &Operation,
    value: Value,
    new_fields: &mut BTreeSet<String>,
) -> Value {
    match operation.output.as_deref() {
        Some(output) => Decoder {
            service,
            new_fields,
        }
        .json(output, value),
        None => value,
    }
}

struct Decoder<'a> {
    service: &'a ServiceModel,
    new_fields: &'a mut BTreeSet<String>,
}

impl Decoder<'_> {
    fn json(&mut self, reference: &str, value: Value) -> Value {
        match (self.service.shape(reference), value) {
            (Some(ModelShape::Structure { members, wire }), Value::Object(map)) => {
                let mut out = Map::new();
                for (name, value) in map {
                    if value.is_null() {
                        continue;
                    }
                    let member = members
                        .get_key_value(&name)
                        .or_else(|| {
                            wire.iter()
                                .find(|(_, w)| **w == name)
                                .and_then(|(m, _)| members.get_key_value(m))
                        })
                        .or_else(|| members.iter().find(|(m, _)| m.eq_ignore_ascii_case(&name)));
                    match member {
                        Some((member, reference)) => {
                            out.insert(member.clone(), self.json(reference, value));
                        }
                        None => {
                            self.new_fields.insert(name.clone());
                            out.insert(name, value);
                        }
                    }
                }
                out.into()
            }
            (Some(ModelShape::List { list, .. }), Value::Array(items)) => {
                items.into_iter().map(|v| self.json(list, v)).collect()
            }
            (Some(ModelShape::Map { map: reference, .. }), Value::Object(map)) => map
                .into_iter()
                .map(|(k, v)| (k, self.json(reference, v)))
                .collect::<Map<_, _>>()
                .into(),
            (None, value) if reference == "t" => time(value),
            (_, value) => value,
        }
    }

    fn xml(&mut self, reference: &str, node: Node) -> Value {
        match self.service.shape(reference) {
            Some(ModelShape::Structure { members, wire }) => self.structure(members, wire, node),
            Some(ModelShape::List { list, item, .. }) => {
                let items = node
                    .children
                    .into_iter()
                    .filter(|c| c.name == *item || c.name == "member" || c.name == "item");
                items.map(|c| self.xml(list, c)).collect()
            }
            Some(ModelShape::Map {
                map, key, value, ..
            }) => {
                let entries = node
                    .children
                    .into_iter()
                    .filter_map(|entry| self.entry(map, key, value, entry));
                entries.collect::<Map<_, _>>().into()
            }
            None => scalar(reference, node),
        }
    }

    fn structure(
        &mut self,
        members: &std::collections::BTreeMap<String, String>,
        wire: &std::collections::BTreeMap<String, String>,
        node: Node,
    ) -> Value {
        let mut out = Map::new();
        for (name, text) in node.attributes {
            // Only Grantee has an attribute: xsi:type is its member Type.
            if let Some((member, _)) = wire.iter().find(|(_, w)| **w == name) {
                out.insert(member.clone(), Value::String(text));
            }
        }
        for child in node.children {
            let member = wire
                .iter()
                .find(|(_, w)| **w == child.name)
                .and_then(|(m, _)| members.get_key_value(m))
                .or_else(|| members.get_key_value(&child.name))
                .or_else(|| self.flat_item(members, &child.name));
            let Some((member, reference)) = member else {
                self.new_fields.insert(child.name.clone());
                add(&mut out, child.name.clone(), plain(child));
                continue;
            };
            match self.service.shape(reference) {
                Some(ModelShape::List {
                    list, flat: true, ..
                }) => {
                    let value = self.xml(list, child);
                    if let Some(list) = out
                        .entry(member.clone())
                        .or_insert_with(|| Value::Array(Vec::new()))
                        .as_array_mut()
                    {
                        list.push(value);
                    }
                }
                Some(ModelShape::Map {
                    map,
                    key,
                    value,
                    flat: true,
                }) => {
                    if let Some((k, v)) = self.entry(map, key, value, child)
                        && let Some(map) = out
                            .entry(member.clone())
                            .or_insert_with(|| Value::Object(Map::new()))
                            .as_object_mut()
                    {
                        map.insert(k, v);
                    }
                }
                _ => {
                    let value = self.xml(reference, child);
                    if !value.is_null() {
                        out.insert(member.clone(), value);
                    }
                }
            }
        }
        out.into()
    }

    /// Flat list whose elements have their own name.
    fn flat_item<'m>(
        &self,
        members: &'m std::collections::BTreeMap<String, String>,
        name: &str,
    ) -> Option<(&'m String, &'m String)> {
        members.iter().find(|(_, r)| match self.service.shape(r) {
            Some(ModelShape::List { flat, item, .. }) => *flat && item == name,
            _ => false,
        })
    }

    fn entry(
        &mut self,
        reference: &str,
        key: &str,
        value: &str,
        entry: Node,
    ) -> Option<(String, Value)> {
        let (mut k, mut v) = (None, None);
        for child in entry.children {
            if child.name == key {
                k = Some(child.text);
            } else if child.name == value {
                v = Some(self.xml(reference, child));
            }
        }
        k.zip(v)
    }
}

fn scalar(reference: &str, node: Node) -> Value {
    let text = node.text;
    match reference {
        "i" => text
            .trim()
            .parse::<i64>()
            .map_or(Value::String(text), Value::from),
        "f" => text
            .trim()
            .parse::<f64>()
            .map_or(Value::String(text), Value::from),
        "b" => match text.trim() {
            "true" | "1" => Value::Bool(true),
            "false" | "0" => Value::Bool(false),
            _ => Value::String(text),
        },
        "t" => time(Value::String(text)),
        _ if node.children.is_empty() => Value::String(text),
        _ => plain(Node { text, ..node }),
    }
}

/// XML without a shape: repeated elements become a list.
fn plain(node: Node) -> Value {
    if node.children.is_empty() {
        return Value::String(node.text);
    }
    let mut out = Map::new();
    for child in node.children {
        add(&mut out, child.name.clone(), plain(child));
    }
    out.into()
}

fn add(map: &mut Map<String, Value>, name: String, value: Value) {
    match map.get_mut(&name) {
        None => drop(map.insert(name, value)),
        Some(Value::Array(list)) => list.push(value),
        Some(first) => *first = Value::Array(vec![first.take(), value]),
    }
}

/// Time as AWS CLI v2 prints it, in UTC: `2024-01-01T00:00:00+00:00`, with microseconds if there
/// are any.
fn time(value: Value) -> Value {
    let parsed = match &value {
        Value::Number(n) => n
            .as_f64()
            .and_then(|s| Timestamp::from_microsecond((s * 1e6).round() as i64).ok()),
        Value::String(s) => s.parse::<Timestamp>().ok().or_else(|| {
            s.parse::<f64>()
                .ok()
                .and_then(|s| Timestamp::from_microsecond((s * 1e6).round() as i64).ok())
        }),
        _ => None,
    };
    let Some(time) = parsed else { return value };
    let zoned = time.to_zoned(TimeZone::UTC);
    let micros = time.subsec_microsecond();
    let base = zoned.strftime("%Y-%m-%dT%H:%M:%S");
    Value::String(if micros == 0 {
        format!("{base}+00:00")
    } else {
        format!("{base}.{micros:06}+00:00")
    })
}

/// XML element.
#[derive(Debug, Default)]
pub(crate) struct Node {
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Node>,
    pub(crate) text: String,
}

impl Node {
    /// Text of the first element with that name, at any depth.
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        if self.name == name {
            return Some(&self.text);
        }
        self.children.iter().find_map(|c| c.find(name))
    }
}

/// Parses a whole XML document. Entities defined in the document are not expanded.
pub(crate) fn parse_xml(body: &[u8]) -> Result<Node, DecodeError> {
    let broken = |e: &dyn std::fmt::Display| DecodeError::Xml(e.to_string());
    let text = str::from_utf8(body).map_err(|e| broken(&e))?;
    let mut reader = quick_xml::Reader::from_str(text);
    let mut open: Vec<Node> = Vec::new();
    loop {
        let event = reader.read_event().map_err(|e| broken(&e))?;
        match event {
            Event::Start(ref start) | Event::Empty(ref start) => {
                if open.len() >= NESTING_MAX {
                    return Err(broken(&format!("nested deeper than {NESTING_MAX}")));
                }
                let mut node = Node {
                    name: local(start.name().as_ref()),
                    ..Node::default()
                };
                for attribute in start.attributes().flatten() {
                    node.attributes.push((
                        attribute.key.as_ref().to_owned(),
                        attribute.value.into_owned(),
                    ));
                }
                open.push(node);
                if matches!(event, Event::Empty(_))
                    && let Some(root) = close(&mut open)
                {
                    return Ok(root);
                }
            }
            Event::End(_) => {
                if let Some(root) = close(&mut open) {
                    return Ok(root);
                }
            }
            Event::Text(text) => {
                if let Some(node) = open.last_mut() {
                    node.text.push_str(&text);
                }
            }
            Event::CData(text) => {
                if let Some(node) = open.last_mut() {
                    node.text.push_str(&text);
                }
            }
            Event::GeneralRef(reference) => {
                let name = reference.to_string();
                let text = match reference.resolve_char_ref() {
                    Ok(Some(c)) => c.to_string(),
                    _ => quick_xml::escape::resolve_predefined_entity(&name)
                        .ok_or_else(|| broken(&format!("unknown entity &{name};")))?
                        .to_owned(),
                };
                if let Some(node) = open.last_mut() {
                    node.text.push_str(&text);
                }
            }
            Event::Eof => return Err(broken(&"it ends inside an element")),
            _ => {}
        }
    }
}

/// Closes the innermost element; returns the root if it was that.
fn close(open: &mut Vec<Node>) -> Option<Node> {
    let mut node = open.pop()?;
    if !node.children.is_empty() && node.text.trim().is_empty() {
        node.text.clear();
    }
    match open.last_mut() {
        Some(outer) => {
            outer.children.push(node);
            None
        }
        None => Some(node),
    }
}

fn local(name: &str) -> String {
    name.rsplit(':').next().unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;
    use proptest::prelude::*;
    use serde_json::json;

    fn run(service: &str, operation: &str, body: &str) -> Result<Value, DecodeError> {
        let model = Model::builtin();
        let (service, operation) = model.operation(service, operation).unwrap();
        decode(service, operation, body.as_bytes(), &mut BTreeSet::new())
    }

    #[test]
    fn query_ec2_and_rest_xml_become_what_the_cli_prints() {
        let users = run("iam", "ListUsers", "<ListUsersResponse><ListUsersResult><Users><member><UserName>a&amp;b</UserName><CreateDate>2024-01-02T03:04:05Z</CreateDate></member></Users><IsTruncated>false</IsTruncated></ListUsersResult><ResponseMetadata><RequestId>x</RequestId></ResponseMetadata></ListUsersResponse>").unwrap();
        assert_eq!(
            users,
            json!({
                "Users": [{"UserName": "a&b", "CreateDate": "2024-01-02T03:04:05+00:00"}],
                "IsTruncated": false,
            })
        );
        let groups = run("ec2", "DescribeSecurityGroups", "<DescribeSecurityGroupsResponse><requestId>x</requestId><securityGroupInfo><item><groupId>sg-1</groupId><ipPermissions><item><fromPort>22</fromPort><ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges><groups/></item></ipPermissions><brandNew>1</brandNew></item></securityGroupInfo></DescribeSecurityGroupsResponse>").unwrap();
        assert_eq!(
            groups,
            json!({
                "SecurityGroups": [{
                    "GroupId": "sg-1",
                    "IpPermissions": [{
                        "FromPort": 22,
                        "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
                        "UserIdGroupPairs": [],
                    }],
                    "brandNew": "1",
                }],
            })
        );
        let acl = run("s3", "GetBucketAcl", r#"<AccessControlPolicy><Owner><ID>o</ID></Owner><AccessControlList><Grant><Grantee xmlns:xsi="u" xsi:type="CanonicalUser"><ID>o</ID></Grantee><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>"#).unwrap();
        assert_eq!(
            acl,
            json!({
                "Owner": {"ID": "o"},
                "Grants": [{"Grantee": {"Type": "CanonicalUser", "ID": "o"}, "Permission": "READ"}],
            })
        );
        let location = |inside: &str| {
            run(
                "s3",
                "GetBucketLocation",
                &format!(r#"<LocationConstraint xmlns="u">{inside}</LocationConstraint>"#),
            )
            .unwrap()
        };
        assert_eq!(
            (location(""), location("EU")),
            (json!({}), json!({"LocationConstraint": "EU"}))
        );
        assert_eq!(
            run("s3", "GetBucketPolicy", r#"{"Statement":[]}"#).unwrap(),
            json!({"Policy": r#"{"Statement":[]}"#})
        );
        let cors = run("s3", "GetBucketCors", "<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod><AllowedMethod>PUT</AllowedMethod></CORSRule></CORSConfiguration>").unwrap();
        assert_eq!(
            cors,
            json!({"CORSRules": [{"AllowedMethods": ["GET", "PUT"]}]})
        );
    }

    #[test]
    fn json_times_become_text() {
        let keys = run(
            "kms",
            "DescribeKey",
            r#"{"KeyMetadata":{"KeyId":"k","CreationDate":1700000000.25,"New":1}}"#,
        )
        .unwrap();
        assert_eq!(
            keys,
            json!({
                "KeyMetadata": {
                    "KeyId": "k",
                    "CreationDate": "2023-11-14T22:13:20.250000+00:00",
                    "New": 1,
                },
            })
        );
    }

    #[test]
    fn broken_answers_are_errors() {
        assert_eq!(run("iam", "ListUsers", " "), Err(DecodeError::Empty));
        assert_eq!(
            run("iam", "ListUsers", "<!DOCTYPE html><p>hi"),
            Err(DecodeError::Html)
        );
        assert!(matches!(
            run(
                "iam",
                "ListUsers",
                "<ListUsersResponse><ListUsersResult><Users>"
            ),
            Err(DecodeError::Xml(_))
        ));
        assert!(matches!(
            run("kms", "ListKeys", r#"{"Keys":[{"KeyId"#),
            Err(DecodeError::Json(_))
        ));
        assert!(matches!(
            run("iam", "ListUsers", &"<a>".repeat(100_000)),
            Err(DecodeError::Xml(_))
        ));
        assert!(matches!(
            run("iam", "ListUsers", "<a>&lol;</a>"),
            Err(DecodeError::Xml(_))
        ));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn any_answer_is_read_or_refused(text in "(<[a-zA-Z:]{0,8}/?>|</[a-z]{0,3}>|[&;\\PC]){0,30}") {
            let _ = run("ec2", "DescribeInstances", &text);
            let _ = run("kms", "ListKeys", &text);
        }
    }
}
