//! A server that is a bucket with a trail, and CloudTrail's `ListPublicKeys`: enough of both for
//! our client and for the AWS CLI.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bartizan_model::time_text;
use serde_json::{Value, json};

use super::chain::Made;

/// Name of the bucket.
pub(crate) const BUCKET: &str = "audit-logs";

/// The bucket.
pub(crate) struct BucketServer {
    pub(crate) url: String,
    pub(crate) made: Mutex<Made>,
    /// Keys that are denied.
    pub(crate) denied: Mutex<Vec<String>>,
    /// Objects that were read.
    pub(crate) gets: AtomicUsize,
    delay: Duration,
}

impl BucketServer {
    /// Serves a trail; every object takes `delay`.
    pub(crate) fn start(made: Made, delay: Duration) -> Arc<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let server = Arc::new(Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            made: Mutex::new(made),
            denied: Mutex::default(),
            gets: AtomicUsize::new(0),
            delay,
        });
        let own = Arc::clone(&server);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let own = Arc::clone(&own);
                std::thread::spawn(move || own.connection(connection));
            }
        });
        server
    }

    fn connection(&self, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut stream = stream;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let mut length = 0;
            loop {
                let mut header = String::new();
                if reader.read_line(&mut header).unwrap_or(0) == 0 || header.trim().is_empty() {
                    break;
                }
                let (name, value) = header.split_once(':').unwrap_or_default();
                if name.eq_ignore_ascii_case("content-length") {
                    length = value.trim().parse().unwrap_or(0);
                }
            }
            let mut body = vec![0; length];
            if reader.read_exact(&mut body).is_err() {
                return;
            }
            let path = line.split(' ').nth(1).unwrap_or("/").to_owned();
            let answer = if line.starts_with("POST") {
                (200, Vec::new(), self.keys().to_string().into_bytes())
            } else {
                self.get(&path)
            };
            if respond(&mut stream, answer).is_err() {
                return;
            }
        }
    }

    /// Answer of `ListPublicKeys`, whose times are seconds.
    fn keys(&self) -> Value {
        let mut keys = self.made.lock().unwrap().keys.clone();
        for key in &mut keys {
            for field in ["ValidityStartTime", "ValidityEndTime"] {
                let time: jiff::Timestamp = key[field].as_str().unwrap().parse().unwrap();
                key[field] = json!(time.as_second());
            }
        }
        json!({ "PublicKeyList": keys })
    }

    fn get(&self, path: &str) -> (u16, Vec<(String, String)>, Vec<u8>) {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let key = path
            .trim_start_matches('/')
            .strip_prefix(BUCKET)
            .unwrap_or_default()
            .trim_start_matches('/');
        if key.is_empty() {
            return (200, Vec::new(), self.list(query).into_bytes());
        }
        std::thread::sleep(self.delay);
        let error = |status, code: &str| {
            let text = format!("<Error><Code>{code}</Code><Message>no</Message></Error>");
            (status, Vec::new(), text.into_bytes())
        };
        self.gets.fetch_add(1, Ordering::SeqCst);
        let key = decoded(key);
        if self.denied.lock().unwrap().contains(&key) {
            return error(403, "AccessDenied");
        }
        let made = self.made.lock().unwrap();
        let Some(bytes) = made.files.get(&key) else {
            return error(404, "NoSuchKey");
        };
        let mut headers = vec![
            ("ETag".to_owned(), format!("\"{:x}\"", bytes.len())),
            (
                "Last-Modified".to_owned(),
                "Sun, 01 Mar 2026 00:00:00 GMT".to_owned(),
            ),
        ];
        if let Some(hex) = made.signatures.get(&key) {
            headers.push(("x-amz-meta-signature".to_owned(), hex.clone()));
            headers.push((
                "x-amz-meta-signature-algorithm".to_owned(),
                "SHA256withRSA".to_owned(),
            ));
        }
        (200, headers, bytes.clone())
    }

    fn list(&self, query: &str) -> String {
        let parameters: Vec<(&str, String)> = query
            .split('&')
            .map(|p| p.split_once('=').unwrap_or((p, "")))
            .map(|(name, value)| (name, decoded(value)))
            .collect();
        let of = |name: &str| {
            let found = parameters.iter().find(|(n, _)| *n == name);
            found.map(|(_, value)| value.clone())
        };
        if of("location").is_some() {
            return "<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"/>"
                .to_owned();
        }
        let (prefix, marker) = (
            of("prefix").unwrap_or_default(),
            of("marker").or(of("start-after")).unwrap_or_default(),
        );
        let made = self.made.lock().unwrap();
        let items: String = made
            .files
            .iter()
            .filter(|(key, _)| key.starts_with(&prefix) && **key > marker)
            .map(|(key, bytes)| {
                format!(
                    "<Contents><Key>{key}</Key><LastModified>{}</LastModified><ETag>\"e\"</ETag>\
                    <Size>{}</Size><StorageClass>STANDARD</StorageClass></Contents>",
                    time_text(0),
                    bytes.len()
                )
            })
            .collect();
        format!(
            "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>{BUCKET}\
            </Name><IsTruncated>false</IsTruncated>{items}</ListBucketResult>"
        )
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        let hex = || u8::from_str_radix(std::str::from_utf8(tail.get(..2)?).ok()?, 16).ok();
        match first {
            b'%' if hex().is_some() => {
                bytes.extend(hex());
                rest = &tail[2..];
            }
            b'+' => bytes.push(b' '),
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn respond(
    stream: &mut TcpStream,
    (status, headers, body): (u16, Vec<(String, String)>, Vec<u8>),
) -> std::io::Result<()> {
    let reason = if status == 200 { "OK" } else { "No" };
    let mut text = format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Length: {}\r\n",
        body.len()
    );
    let kind = if body.starts_with(b"{") {
        "application/x-amz-json-1.1"
    } else {
        "application/xml"
    };
    text += &format!("Content-Type: {kind}\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += "\r\n";
    stream.write_all(text.as_bytes())?;
    stream.write_all(&body)
}
