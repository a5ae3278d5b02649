//! HTTP requests for operations and their parameters, in each of AWS's protocols.

use http::{HeaderName, HeaderValue, Method, Request};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::model::{Operation, Protocol, ServiceModel};

/// Everything but RFC 3986 unreserved characters.
const ENCODE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Reason why no request can be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot build the request: {0}")]
pub struct RequestError(String);

/// Builds the request of one call. `base` is `https://host`.
///
/// # Errors
/// If a path parameter is missing, or the result is not a valid URL or header.
pub fn build(
    base: &str,
    service: &ServiceModel,
    (name, operation): (&str, &Operation),
    params: &Map<String, Value>,
) -> Result<Request<Vec<u8>>, RequestError> {
    let mut parts = Parts {
        path: String::new(),
        query: Vec::new(),
        headers: Vec::new(),
        body: Map::new(),
    };
    for (member, value) in params {
        let (location, wire) = operation
            .input
            .get(member)
            .map_or(("body", member.as_str()), |(l, w)| (l.as_str(), w.as_str()));
        match location {
            "query" => flatten_list(value)
                .into_iter()
                .for_each(|v| parts.query.push((wire.to_owned(), v))),
            "header" => parts.headers.push((wire.to_owned(), text(value))),
            "uri" => {}
            _ => drop(parts.body.insert(wire.to_owned(), value.clone())),
        }
    }
    parts.path(operation, params)?;
    let body = parts.body(service, (name, operation));
    let query: Vec<String> = parts
        .query
        .iter()
        .map(|(k, v)| format!("{}={}", encode(k), encode(v)))
        .collect();
    let joiner = if query.is_empty() {
        ""
    } else if parts.path.contains('?') {
        "&"
    } else {
        "?"
    };
    let uri = format!(
        "{}{}{joiner}{}",
        base.trim_end_matches('/'),
        parts.path,
        query.join("&")
    );
    let method =
        Method::from_bytes(operation.method.as_bytes()).map_err(|e| RequestError(e.to_string()))?;
    let mut request = Request::builder()
        .method(method)
        .uri(uri)
        .body(body)
        .map_err(|e| RequestError(e.to_string()))?;
    for (name, value) in parts.headers {
        let name =
            HeaderName::from_bytes(name.as_bytes()).map_err(|e| RequestError(e.to_string()))?;
        let value = HeaderValue::from_str(&value).map_err(|e| RequestError(e.to_string()))?;
        request.headers_mut().insert(name, value);
    }
    Ok(request)
}

struct Parts {
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Map<String, Value>,
}

impl Parts {
    /// Body in the form of the protocol; adds its headers.
    fn body(&mut self, service: &ServiceModel, (name, operation): (&str, &Operation)) -> Vec<u8> {
        let body = std::mem::take(&mut self.body);
        match service.protocol {
            Protocol::Query | Protocol::Ec2 => {
                self.headers.push((
                    "content-type".into(),
                    "application/x-www-form-urlencoded; charset=utf-8".into(),
                ));
                form(service, name, &body).into_bytes()
            }
            Protocol::Json => {
                self.headers.push((
                    "content-type".into(),
                    format!("application/x-amz-json-{}", service.json),
                ));
                self.headers
                    .push(("x-amz-target".into(), format!("{}.{name}", service.target)));
                Value::Object(body).to_string().into_bytes()
            }
            Protocol::RestJson if operation.method != "GET" => {
                self.headers
                    .push(("content-type".into(), "application/json".into()));
                Value::Object(body).to_string().into_bytes()
            }
            Protocol::RestJson | Protocol::RestXml => Vec::new(),
        }
    }

    /// Fills `/2015-03-31/functions/{FunctionName}/policy`. `{Name+}` keeps slashes.
    fn path(
        &mut self,
        operation: &Operation,
        params: &Map<String, Value>,
    ) -> Result<(), RequestError> {
        let mut rest = operation.uri.as_str();
        while let Some((before, tail)) = rest.split_once('{') {
            self.path.push_str(before);
            let (label, after) = tail.split_once('}').unwrap_or((tail, ""));
            let greedy = label.ends_with('+');
            let label = label.trim_end_matches('+');
            let named = |wire: &str| {
                operation
                    .input
                    .iter()
                    .find(|(_, (l, w))| l == "uri" && w == wire)
                    .map_or(label, |(m, _)| m.as_str())
            };
            let value = params.get(named(label)).map(text).filter(|v| !v.is_empty());
            let value =
                value.ok_or_else(|| RequestError(format!("parameter {label} is missing")))?;
            let value = if greedy {
                value.split('/').map(encode).collect::<Vec<_>>().join("/")
            } else {
                encode(&value)
            };
            self.path.push_str(&value);
            rest = after;
        }
        self.path.push_str(rest);
        Ok(())
    }
}

fn form(service: &ServiceModel, action: &str, params: &Map<String, Value>) -> String {
    let mut pairs = vec![
        ("Action".to_owned(), action.to_owned()),
        ("Version".to_owned(), service.version.clone()),
    ];
    // The query protocol writes lists as Name.member.1, ec2 as Name.1.
    let infix = if service.protocol == Protocol::Ec2 {
        ""
    } else {
        ".member"
    };
    for (name, value) in params {
        match value {
            Value::Array(list) => {
                for (i, v) in list.iter().enumerate() {
                    pairs.push((format!("{name}{infix}.{}", i + 1), text(v)));
                }
            }
            single => pairs.push((name.clone(), text(single))),
        }
    }
    pairs
        .iter()
        .map(|(k, v)| format!("{}={}", encode(k), encode(v)))
        .collect::<Vec<_>>()
        .join("&")
}

fn flatten_list(value: &Value) -> Vec<String> {
    match value {
        Value::Array(list) => list.iter().map(text).collect(),
        single => vec![text(single)],
    }
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODE).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;
    use serde_json::json;

    fn run(service: &str, operation: &str, params: Value) -> (String, String) {
        let model = Model::builtin();
        let (service, row) = model.operation(service, operation).unwrap();
        let request = build(
            "https://h",
            service,
            (operation, row),
            params.as_object().unwrap(),
        )
        .unwrap();
        (
            request.uri().to_string(),
            String::from_utf8(request.into_body()).unwrap(),
        )
    }

    #[test]
    fn every_protocol_has_its_form() {
        assert_eq!(
            run("iam", "ListAccessKeys", json!({"UserName": "a b"})).1,
            "Action=ListAccessKeys&Version=2010-05-08&UserName=a%20b"
        );
        let (_, ec2) = run(
            "ec2",
            "DescribeSnapshots",
            json!({"OwnerIds": ["self"], "MaxResults": 5}),
        );
        assert_eq!(
            ec2,
            "Action=DescribeSnapshots&Version=2016-11-15&Owner.1=self&MaxResults=5"
        );
        assert_eq!(
            run(
                "lambda",
                "GetPolicy",
                json!({"FunctionName": "a:b/c", "Qualifier": "x"})
            )
            .0,
            "https://h/2015-03-31/functions/a%3Ab%2Fc/policy?Qualifier=x"
        );
        assert_eq!(
            run("s3", "GetBucketPolicy", json!({"Bucket": "b"})).0,
            "https://h/b?policy"
        );
        assert_eq!(
            run("kms", "GetKeyPolicy", json!({"KeyId": "k"})).1,
            r#"{"KeyId":"k"}"#
        );
        assert_eq!(
            run(
                "accessanalyzer",
                "ListFindingsV2",
                json!({"analyzerArn": "x"})
            )
            .1,
            r#"{"analyzerArn":"x"}"#
        );
    }
}
