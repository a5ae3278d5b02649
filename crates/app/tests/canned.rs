//! A server that answers every operation of the call table with what AWS's own model says its
//! answer looks like, in the operation's own protocol, with faults on demand.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bartizan_cloud::model::{Model, ModelShape, Operation, Protocol, ServiceModel};
use bartizan_cloud::table::CallTable;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

/// What to do instead of answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// `AccessDenied`.
    Denied,
    /// A web page with status 500.
    Html500,
    /// A web page with status 200.
    Html200,
    /// Half of the answer.
    Truncated,
    /// Nothing.
    Empty,
    /// The answer of the other protocol family.
    WrongType,
    /// A gigabyte.
    Huge,
    /// "Slower", this many times, then the answer.
    Throttled(u64),
    /// `ExpiredToken`, for ever.
    Expired,
    /// The connection closed in the middle.
    Hangup,
}

/// The answers.
pub(crate) struct Canned {
    pub(crate) model: Model,
    pub(crate) table: CallTable,
    /// Items in the lists of an answer.
    pub(crate) items: usize,
    /// One item a page.
    pub(crate) paged: bool,
    /// Regions that the account has.
    pub(crate) regions: Vec<String>,
    pub(crate) delay: Duration,
    pub(crate) faults: Mutex<HashMap<String, Fault>>,
    /// After this many calls every answer is `ExpiredToken`.
    pub(crate) expires_after: Option<u64>,
    pub(crate) calls: AtomicU64,
    pub(crate) throttled: Mutex<HashMap<String, u64>>,
}

impl Canned {
    pub(crate) fn new(items: usize) -> Self {
        let model = Model::builtin();
        let table = CallTable::builtin(&model).unwrap();
        Self {
            model,
            table,
            items,
            paged: false,
            regions: vec!["us-east-1".into(), "eu-west-1".into()],
            delay: Duration::ZERO,
            faults: Mutex::default(),
            expires_after: None,
            calls: AtomicU64::new(0),
            throttled: Mutex::default(),
        }
    }

    pub(crate) fn fault(self, operation: &str, fault: Fault) -> Self {
        self.faults
            .lock()
            .unwrap()
            .insert(operation.to_owned(), fault);
        self
    }

    /// The answer to an operation as the model has it.
    pub(crate) fn answer(&self, service: &str, name: &str, params: &Map<String, Value>) -> Value {
        let (model, operation) = self.model.operation(service, name).unwrap();
        let Some(output) = &operation.output else {
            return json!({});
        };
        let mut maker = Maker {
            service: model,
            items: self.items,
            json: matches!(model.protocol, Protocol::Json | Protocol::RestJson),
            seed: seed(params),
        };
        let mut answer = maker.value(output, "", 0, &mut Vec::new());
        for (member, value) in special(name, &self.regions, self.items) {
            answer[member] = value;
        }
        if name == "ListPermissionSets" || name == "ListOrganizationalUnitsForParent" {
            // One level is enough: what is inside what is inside … has no end in a model.
            if params
                .get("ParentId")
                .is_some_and(|p| p.as_str().is_some_and(|p| p.contains("inner")))
            {
                answer["OrganizationalUnits"] = json!([]);
            }
        }
        if name == "ListOrganizationalUnitsForParent" {
            for (i, unit) in answer["OrganizationalUnits"]
                .as_array_mut()
                .into_iter()
                .flatten()
                .enumerate()
            {
                unit["Id"] = json!(format!("inner-{i}"));
            }
        }
        self.page(service, name, operation, params, &mut answer);
        answer
    }

    /// Cuts the answer to the page that the token in `params` asks for.
    fn page(
        &self,
        service: &str,
        name: &str,
        operation: &Operation,
        params: &Map<String, Value>,
        answer: &mut Value,
    ) {
        let calls = self
            .table
            .service(service)
            .into_iter()
            .flat_map(|s| s.calls.iter());
        let own = calls
            .filter(|c| c.operation == name)
            .find_map(|c| c.page.as_ref())
            .map(|p| (p.input.clone(), p.output.clone()));
        let Some((input, output)) = &own.or(operation.page.clone()) else {
            return;
        };
        let (path, leaf) = output.rsplit_once('.').unwrap_or(("", output));
        let inner = if path.is_empty() {
            &mut *answer
        } else {
            &mut answer[path]
        };
        let Some(map) = inner.as_object_mut() else {
            return;
        };
        map.remove(leaf);
        map.remove("Marker");
        let wire = operation
            .input
            .get(input)
            .map_or(input.as_str(), |(_, w)| w.as_str());
        let at: usize = params
            .get(input)
            .or_else(|| params.get(wire))
            .and_then(Value::as_str)
            .and_then(|t| t.strip_prefix("page-"))
            .and_then(|t| t.parse().ok())
            .unwrap_or(0);
        let longest = map
            .values()
            .filter_map(|v| v.as_array().map(Vec::len))
            .max()
            .unwrap_or(0);
        if !self.paged {
            return;
        }
        for list in map.values_mut().filter_map(Value::as_array_mut) {
            *list = list.iter().skip(at).take(1).cloned().collect();
        }
        if at + 1 < longest {
            map.insert(leaf.to_owned(), json!(format!("page-{}", at + 1)));
        }
    }

    /// Serves on a free port of this machine until the process ends. Gives the URL.
    pub(crate) fn serve(self) -> (String, Arc<Self>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let canned = Arc::new(self);
        let server = Arc::clone(&canned);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let canned = Arc::clone(&server);
                std::thread::spawn(move || while canned.exchange(&stream).is_some() {});
            }
        });
        (url, canned)
    }

    /// One request and its answer; `None` when the connection is over.
    fn exchange(&self, stream: &TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream);
        let request = Request::read(&mut reader)?;
        let n = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        std::thread::sleep(self.delay);
        let (service, name) = self.operation_of(&request)?;
        let (model, operation) = self.model.operation(&service, &name)?;
        let xml = !matches!(model.protocol, Protocol::Json | Protocol::RestJson);
        let fault = self.faults.lock().unwrap().get(&name).copied();
        // New credentials are good for ever.
        let old = request
            .headers
            .get("authorization")
            .is_some_and(|a| a.contains("AKIAIOSFODNN7EXAMPLE"));
        let fault = if old && self.expires_after.is_some_and(|after| n > after) {
            Some(Fault::Expired)
        } else {
            fault
        };
        let answer = self.answer(&service, &name, &request.params(operation));
        let body = wire(model, operation, &name, &answer);
        let error = |code: &str, status: u16| {
            let text = if xml {
                format!(
                    "<ErrorResponse><Error><Code>{code}</Code><Message>{code} \x1b[31m\u{202e}</Message></Error></ErrorResponse>"
                )
            } else {
                json!({"__type": format!("com.amazonaws#{code}"), "message": code}).to_string()
            };
            (status, text.into_bytes())
        };
        let (status, body) = match fault {
            None => (200, body),
            Some(Fault::Denied) => error("AccessDenied", 403),
            Some(Fault::Expired) => error("ExpiredToken", 400),
            Some(Fault::Html500) => (500, b"<html><body>oops</body></html>".to_vec()),
            Some(Fault::Html200) => (200, b"<!DOCTYPE html><html>Please log in</html>".to_vec()),
            Some(Fault::Truncated) => (200, body[..body.len() / 2].to_vec()),
            Some(Fault::Empty) => (200, Vec::new()),
            Some(Fault::WrongType) => (
                200,
                if xml {
                    b"{\"a\": 1}".to_vec()
                } else {
                    b"<a><b/></a>".to_vec()
                },
            ),
            Some(Fault::Huge) => return huge(stream),
            Some(Fault::Hangup) => {
                let mut stream = stream;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf");
                return None;
            }
            Some(Fault::Throttled(times)) => {
                let mut seen = self.throttled.lock().unwrap();
                let count = seen.entry(name.clone()).or_default();
                *count += 1;
                if *count <= times {
                    error("Throttling", 400)
                } else {
                    (200, body)
                }
            }
        };
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: {}\r\ncontent-length: {}\r\n\r\n",
            if xml { "text/xml" } else { "application/json" },
            body.len()
        );
        let mut stream = stream;
        stream.write_all(&[head.as_bytes(), &body].concat()).ok()
    }

    /// Service and operation, from how the request was signed and where it went.
    fn operation_of(&self, request: &Request) -> Option<(String, String)> {
        let signing = request
            .headers
            .get("authorization")?
            .split('/')
            .nth(3)?
            .to_owned();
        let target = request
            .headers
            .get("x-amz-target")
            .and_then(|t| t.rsplit('.').next());
        let action = request.form().get("Action").cloned();
        for service in self
            .table
            .services
            .iter()
            .map(|s| s.name.as_str())
            .chain(["sts"])
        {
            if self
                .model
                .service(service)
                .is_none_or(|m| m.signing != signing)
            {
                continue;
            }
            let named = target.map(str::to_owned).or_else(|| action.clone());
            if let Some(name) = named {
                if self.model.operation(service, &name).is_some() {
                    return Some((service.to_owned(), name));
                }
                continue;
            }
            let calls = self
                .table
                .service(service)
                .into_iter()
                .flat_map(|s| s.calls.iter());
            let fits = |name: &&String| {
                self.model
                    .operation(service, name)
                    .is_some_and(|(_, o)| o.method == request.method && fits(&o.uri, &request.uri))
            };
            let mut names: Vec<&String> = calls.map(|c| &c.operation).filter(fits).collect();
            // The most literal path wins: /?x of a bucket over /{Bucket}.
            names.sort_by_key(|name| {
                std::cmp::Reverse(
                    self.model
                        .operation(service, name)
                        .map_or(0, |(_, o)| literal(&o.uri)),
                )
            });
            if let Some(name) = names.first() {
                return Some((service.to_owned(), (*name).clone()));
            }
        }
        None
    }
}

/// Streams a gigabyte, until the client has had enough.
fn huge(mut stream: &TcpStream) -> Option<()> {
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n");
    let block = vec![b' '; 1 << 20];
    for _ in 0..1024 {
        stream.write_all(&block).ok()?;
    }
    None
}

/// Texts that differ between items, so that ids do.
fn seed(params: &Map<String, Value>) -> String {
    let parts: Vec<String> = params
        .iter()
        .filter(|(k, v)| {
            v.is_string()
                && ![
                    "AccountId",
                    "NextToken",
                    "nextToken",
                    "Marker",
                    "PolicyName",
                    "Attribute",
                    "Action",
                    "Version",
                ]
                .contains(&k.as_str())
                && !v.as_str().is_some_and(|v| v.starts_with("page-"))
        })
        .filter_map(|(_, v)| v.as_str().map(str::to_owned))
        .collect();
    parts
        .join("~")
        .chars()
        .rev()
        .take(40)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect()
}

/// Members whose values mean something to the caller.
fn special(name: &str, regions: &[String], items: usize) -> Vec<(&'static str, Value)> {
    match name {
        "GetCallerIdentity" => vec![
            ("Account", json!("123456789012")),
            ("Arn", json!("arn:aws:iam::123456789012:role/audit")),
        ],
        "DescribeRegions" => {
            vec![(
                "Regions",
                regions
                    .iter()
                    .map(|r| json!({"RegionName": r, "OptInStatus": "opt-in-not-required"}))
                    .collect(),
            )]
        }
        "GenerateCredentialReport" => vec![("State", json!("COMPLETE"))],
        "GetCredentialReport" => {
            let rows: String = (0..items)
                .map(|i| format!("user{i},arn:u{i},true\n"))
                .collect();
            vec![(
                "Content",
                json!(BASE64_STANDARD.encode(format!("user,arn,mfa_active\n{rows}"))),
            )]
        }
        "GetBucketLocation" => vec![("LocationConstraint", json!("eu-west-1"))],
        "DescribeTrustedAdvisorChecks" => {
            vec![(
                "checks",
                json!([{"id": "Pfx0RwqBli", "category": "security", "name": "Bucket permissions"}]),
            )]
        }
        _ => Vec::new(),
    }
}

struct Maker<'a> {
    service: &'a ServiceModel,
    items: usize,
    json: bool,
    seed: String,
}

impl Maker<'_> {
    fn value(
        &mut self,
        reference: &str,
        name: &str,
        index: usize,
        open: &mut Vec<String>,
    ) -> Value {
        let shape = match self.service.shape(reference) {
            None => return self.scalar(reference, name, index),
            Some(shape) => shape,
        };
        if open.iter().filter(|o| *o == reference).count() > 0 || open.len() > 7 {
            return Value::Null;
        }
        open.push(reference.to_owned());
        let value = match shape {
            ModelShape::Structure { members, .. } => {
                let mut map = Map::new();
                for (member, reference) in members {
                    let value = self.value(reference, member, index, open);
                    if !value.is_null() {
                        map.insert(member.clone(), value);
                    }
                }
                Value::Object(map)
            }
            ModelShape::List { list, .. } => {
                // Two structures deep is where the items of a call are; what is further in needs
                // one of each.
                let count = if open.len() <= 3 || name == "PolicyVersionList" {
                    self.items
                } else {
                    1
                };
                let items: Vec<Value> = (0..count)
                    .map(|i| self.value(list, name, i, open))
                    .collect();
                items.into_iter().filter(|v| !v.is_null()).collect()
            }
            ModelShape::Map { map, .. } => {
                let value = self.value(map, name, index, open);
                let policy = policy(index);
                json!({"Policy": policy, format!("{name}Key"): value})
            }
        };
        open.pop();
        value
    }

    fn scalar(&self, reference: &str, name: &str, index: usize) -> Value {
        match reference {
            "i" => json!(index),
            "f" => json!(1.5),
            "b" => json!(name == "IsDefaultVersion" && index == 0),
            "t" if self.json => json!(1_700_000_000),
            "t" => json!("2023-11-14T22:13:20Z"),
            "x" => json!("AAAA"),
            _ if name == "KeyManager" => json!("CUSTOMER"),
            _ if name.ends_with("olicyDocument")
                || [
                    "Policy",
                    "Document",
                    "policyText",
                    "ResourcePolicy",
                    "accessPolicy",
                    "InlinePolicy",
                    "policies",
                    "Content",
                ]
                .contains(&name) =>
            {
                json!(policy(index))
            }
            _ if self.seed.is_empty() => json!(format!("{name}-{index}")),
            _ => json!(format!("{name}-{index}-{}", self.seed)),
        }
    }
}

fn policy(index: usize) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": format!("s3:Get{index}"), "Resource": "*"}],
    })
    .to_string()
}

/// The answer in the operation's protocol.
fn wire(service: &ServiceModel, operation: &Operation, name: &str, answer: &Value) -> Vec<u8> {
    let Some(output) = &operation.output else {
        return Vec::new();
    };
    if let Some(payload) = &operation.payload
        && let Value::String(text) = &answer[payload]
    {
        return text.clone().into_bytes();
    }
    let (body, reference) = match (&operation.payload, service.shape(output)) {
        (Some(payload), Some(ModelShape::Structure { members, .. })) => {
            (&answer[payload], members[payload].as_str())
        }
        _ => (answer, output.as_str()),
    };
    if matches!(service.protocol, Protocol::Json | Protocol::RestJson) {
        return json_wire(service, reference, body).to_string().into_bytes();
    }
    if name == "GetBucketLocation" {
        return format!(
            "<LocationConstraint>{}</LocationConstraint>",
            answer["LocationConstraint"].as_str().unwrap()
        )
        .into_bytes();
    }
    let mut text = String::new();
    xml_inside(service, reference, body, &mut text);
    let root = format!("{name}Response");
    match &operation.wrapper {
        Some(wrapper) => format!("<?xml \
        version=\"1.0\"?><{root}><{wrapper}>{text}</{wrapper}><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{root}>"),
        None => format!("<?xml version=\"1.0\"?><{root}>{text}</{root}>"),
    }
    .into_bytes()
}

fn json_wire(service: &ServiceModel, reference: &str, value: &Value) -> Value {
    match (service.shape(reference), value) {
        (Some(ModelShape::Structure { members, wire }), Value::Object(map)) => map
            .iter()
            .map(|(k, v)| {
                (
                    wire.get(k).unwrap_or(k).clone(),
                    members
                        .get(k)
                        .map_or_else(|| v.clone(), |r| json_wire(service, r, v)),
                )
            })
            .collect::<Map<_, _>>()
            .into(),
        (Some(ModelShape::List { list, .. }), Value::Array(items)) => {
            items.iter().map(|v| json_wire(service, list, v)).collect()
        }
        _ => value.clone(),
    }
}

fn xml_inside(service: &ServiceModel, reference: &str, value: &Value, out: &mut String) {
    match (service.shape(reference), value) {
        (Some(ModelShape::Structure { members, wire }), Value::Object(map)) => {
            for (member, value) in map {
                let Some(reference) = members.get(member) else {
                    continue;
                };
                let tag = wire.get(member).unwrap_or(member);
                if tag.contains(':') {
                    continue; // an attribute
                }
                match (service.shape(reference), value) {
                    (
                        Some(ModelShape::List {
                            list,
                            flat: true,
                            item,
                        }),
                        Value::Array(items),
                    ) => {
                        let tag = if wire.contains_key(member) || item == "member" {
                            tag
                        } else {
                            item
                        };
                        items
                            .iter()
                            .for_each(|v| element(service, list, tag, v, out));
                    }
                    (
                        Some(ModelShape::Map {
                            map: inner,
                            flat: true,
                            key,
                            value: v_tag,
                        }),
                        Value::Object(entries),
                    ) => {
                        for (k, v) in entries {
                            out.push_str(&format!("<{tag}><{key}>{}</{key}>", escaped(k)));
                            element(service, inner, v_tag, v, out);
                            out.push_str(&format!("</{tag}>"));
                        }
                    }
                    _ => element(service, reference, tag, value, out),
                }
            }
        }
        (Some(ModelShape::List { list, item, .. }), Value::Array(items)) => items
            .iter()
            .for_each(|v| element(service, list, item, v, out)),
        (
            Some(ModelShape::Map {
                map,
                key,
                value: tag,
                ..
            }),
            Value::Object(entries),
        ) => {
            for (k, v) in entries {
                out.push_str(&format!("<entry><{key}>{}</{key}>", escaped(k)));
                element(service, map, tag, v, out);
                out.push_str("</entry>");
            }
        }
        (_, Value::String(text)) => out.push_str(&escaped(text)),
        (_, other) => out.push_str(&other.to_string()),
    }
}

fn element(service: &ServiceModel, reference: &str, tag: &str, value: &Value, out: &mut String) {
    out.push_str(&format!("<{tag}>"));
    xml_inside(service, reference, value, out);
    out.push_str(&format!("</{tag}>"));
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}

struct Request {
    method: String,
    uri: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Request {
    fn read(reader: &mut impl BufRead) -> Option<Self> {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
        let mut words = line.split(' ');
        let (method, uri) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            match line.trim_end().split_once(':') {
                Some((name, value)) => headers.insert(name.to_lowercase(), value.trim().to_owned()),
                None => break,
            };
        }
        let mut body = vec![
            0;
            headers
                .get("content-length")
                .and_then(|n| n.parse().ok())
                .unwrap_or(0)
        ];
        reader.read_exact(&mut body).ok()?;
        Some(Self {
            method,
            uri,
            headers,
            body,
        })
    }

    fn form(&self) -> BTreeMap<String, String> {
        let text = String::from_utf8_lossy(&self.body);
        if !self
            .headers
            .get("content-type")
            .is_some_and(|t| t.contains("form-urlencoded"))
        {
            return BTreeMap::new();
        }
        pairs(&text)
    }

    /// Parameters, wherever they stand.
    fn params(&self, operation: &Operation) -> Map<String, Value> {
        let mut params: Map<String, Value> = serde_json::from_slice(&self.body).unwrap_or_default();
        let (path, query) = self.uri.split_once('?').unwrap_or((&self.uri, ""));
        params.extend(
            self.form()
                .into_iter()
                .chain(pairs(query))
                .map(|(k, v)| (k, Value::String(v))),
        );
        let template = operation.uri.split('?').next().unwrap_or("");
        for (label, value) in template.split('/').zip(path.split('/')) {
            if let Some(label) = label.strip_prefix('{') {
                params.insert(
                    label.trim_end_matches(['}', '+']).to_owned(),
                    Value::String(decode(value)),
                );
            }
        }
        params
    }
}

fn pairs(text: &str) -> BTreeMap<String, String> {
    text.split('&')
        .filter_map(|p| p.split_once('='))
        .map(|(k, v)| (decode(k), decode(v)))
        .collect()
}

fn decode(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        if b == b'%' {
            let hex: String = bytes.by_ref().take(2).map(char::from).collect();
            out.push(u8::from_str_radix(&hex, 16).unwrap_or(b'?'));
        } else {
            out.push(b);
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Whether a request's path and query fit a template such as `/{Bucket}?policy`.
fn fits(template: &str, uri: &str) -> bool {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let (template, wanted) = template.split_once('?').unwrap_or((template, ""));
    let (a, b): (Vec<&str>, Vec<&str>) = (
        template.trim_end_matches('/').split('/').collect(),
        path.trim_end_matches('/').split('/').collect(),
    );
    let greedy = template.contains("+}");
    let same = |(t, p): (&&str, &&str)| t.starts_with('{') && !p.is_empty() || t == p;
    let fields: Vec<&str> = query.split('&').collect();
    (a.len() == b.len() || greedy && b.len() >= a.len())
        && a.iter().zip(&b).all(same)
        && wanted.split('&').all(|w| {
            w.is_empty()
                || fields
                    .iter()
                    .any(|f| *f == w || f.split('=').next() == Some(w))
        })
}

fn literal(template: &str) -> usize {
    template
        .split(['/', '?', '&'])
        .filter(|p| !p.is_empty() && !p.starts_with('{'))
        .count()
}
