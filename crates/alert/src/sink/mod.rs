//! Message of each sink, one a file. Each escapes every text for its medium.

pub mod alertmanager;
pub mod command;
pub mod eventbridge;
pub mod file;
pub mod pagerduty;
pub mod payload;
pub mod securityhub;
pub mod slack;
pub mod smtp;
pub mod sns;
pub mod syslog;
pub mod teams;
pub mod webhook;

/// Request of a sink that speaks HTTP; the method is POST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpMessage {
    /// Names in lower case. Values have no control characters.
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl HttpMessage {
    fn json(body: &serde_json::Value) -> Self {
        Self {
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.to_string().into_bytes(),
        }
    }
}
