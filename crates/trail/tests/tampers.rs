//! Kinds of tampering with a trail, and what must be named for each.

use bartizan_trail::digest::TrailVerdict;
use serde_json::{Value, json};

use crate::chain::{Made, Plan, START_S, call, gzip, key};

/// Line that a check must have.
#[derive(Debug, Clone)]
pub(crate) enum Expected {
    /// Verdict that is an alarm, and the end of the path.
    Alarm(TrailVerdict, String),
    /// Unexplained gap, in seconds since 1970.
    Gap(i64, i64),
    /// File that cannot be judged, but is named.
    Unchecked(String),
    SignatureLine,
}

type Act = Box<dyn Fn(&mut Made) -> Vec<Expected>>;

/// One kind of tampering.
pub(crate) struct Tamper {
    pub(crate) name: &'static str,
    pub(crate) plans: Vec<Plan>,
    /// Whether an earlier run saw the trail as it was.
    pub(crate) is_remembered: bool,
    pub(crate) act: Act,
}

/// Position of the digest that is tampered with, and those beside it.
const BEFORE: usize = 4;
const AT: usize = 5;
const AFTER: usize = 6;

fn tampered(object: &str) -> Expected {
    Expected::Alarm(TrailVerdict::Tampered, object.to_owned())
}

fn missing(object: &str) -> Expected {
    Expected::Alarm(TrailVerdict::Missing, object.to_owned())
}

fn extra(object: &str) -> Expected {
    Expected::Alarm(TrailVerdict::Extra, object.to_owned())
}

fn hour(n: i64) -> i64 {
    START_S + n * 3600
}

/// A tamper of an ordinary trail.
fn plain(name: &'static str, act: impl Fn(&mut Made) -> Vec<Expected> + 'static) -> Tamper {
    Tamper {
        name,
        plans: vec![Plan::default()],
        is_remembered: false,
        act: Box::new(act),
    }
}

/// A tamper of a trail that an earlier run checked.
fn known(name: &'static str, act: impl Fn(&mut Made) -> Vec<Expected> + 'static) -> Tamper {
    Tamper {
        is_remembered: true,
        ..plain(name, act)
    }
}

/// Changes the stored bytes of the digest in the middle.
fn digest_bytes(name: &'static str, change: impl Fn(&mut Vec<u8>) + 'static) -> Tamper {
    plain(name, move |made| {
        let at = made.digests[AT].clone();
        change(made.files.get_mut(&at).unwrap());
        vec![tampered(&at)]
    })
}

/// Changes the text of the digest in the middle, as somebody can who has no key.
fn digest_text(name: &'static str, change: impl Fn(&str) -> String + 'static) -> Tamper {
    plain(name, move |made| {
        let at = made.digests[AT].clone();
        let text = change(&made.text(&at));
        made.forge(&at, &text);
        vec![tampered(&at)]
    })
}

/// Changes a field of the digest in the middle.
fn digest_field(name: &'static str, change: impl Fn(&mut Value) + 'static) -> Tamper {
    digest_text(name, move |text| {
        let mut document: Value = serde_json::from_str(text).unwrap();
        change(&mut document);
        document.to_string()
    })
}

/// Changes the digest in the middle and signs it with a key of CloudTrail: what only a fault of
/// CloudTrail, or its key in other hands, can do.
fn signed_field(name: &'static str, change: impl Fn(&mut Value) + 'static) -> Tamper {
    plain(name, move |made| {
        let at = made.digests[AT].clone();
        let mut document = made.documents[&at].clone();
        change(&mut document);
        made.put_digest(&at, document, 0);
        vec![tampered(&at)]
    })
}

/// Changes the stored bytes of a log.
fn log_bytes(name: &'static str, change: impl Fn(&mut Vec<u8>) + 'static) -> Tamper {
    plain(name, move |made| {
        let log = made.logs[AT][1].clone();
        change(made.files.get_mut(&log).unwrap());
        vec![tampered(&log)]
    })
}

/// Changes the text of a log.
fn log_text(name: &'static str, change: impl Fn(&str) -> String + 'static) -> Tamper {
    log_bytes(name, move |bytes| {
        let text = String::from_utf8(crate::chain::gunzip(bytes)).unwrap();
        *bytes = gzip(change(&text).as_bytes());
    })
}

/// All kinds.
pub(crate) fn tampers() -> Vec<Tamper> {
    [
        absent_digests(),
        changed_digests(),
        digests_in_other_places(),
        signed_again(),
        sidecars(),
        changed_logs(),
        logs_in_other_places(),
        gaps(),
        remembered(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn absent_digests() -> Vec<Tamper> {
    vec![
        plain("digest deleted", |made| {
            let at = made.digests[AT].clone();
            made.files.remove(&at);
            vec![missing(&at)]
        }),
        plain("digest deleted with its signature", |made| {
            let at = made.digests[AT].clone();
            made.files.remove(&at);
            made.signatures.remove(&at);
            vec![missing(&at)]
        }),
        plain("digest deleted with its logs", |made| {
            let at = made.digests[AT].clone();
            made.files.remove(&at);
            for log in made.logs[AT].clone() {
                made.files.remove(&log);
            }
            vec![missing(&at)]
        }),
        plain("four digests deleted, and their signatures", |made| {
            for n in 3..7 {
                let key = made.digests[n].clone();
                made.files.remove(&key);
                made.signatures.remove(&key);
            }
            vec![missing(&made.digests[6]), Expected::Gap(hour(3), hour(6))]
        }),
        plain("four digests deleted, their signatures kept", |made| {
            let keys: Vec<String> = made.digests[3..7].to_vec();
            keys.iter().for_each(|key| drop(made.files.remove(key)));
            keys.iter().map(|key| missing(key)).collect()
        }),
        plain("every other digest deleted", |made| {
            let keys: Vec<String> = made.digests.iter().skip(1).step_by(2).cloned().collect();
            keys.iter().for_each(|key| drop(made.files.remove(key)));
            keys.iter().map(|key| missing(key)).collect()
        }),
        plain("newest digest deleted, its signature kept", |made| {
            made.cut(1);
            vec![missing(&made.digests[11])]
        }),
        plain(
            "newest three digests deleted, their signatures kept",
            |made| {
                made.cut(3);
                made.digests[9..].iter().map(|key| missing(key)).collect()
            },
        ),
        plain("all digests deleted, their signatures kept", |made| {
            made.cut(12);
            vec![Expected::Unchecked(made.digests[11].clone())]
        }),
        plain("digest deleted, the next one pointed past it", |made| {
            let (before, at, after) = (
                made.digests[BEFORE].clone(),
                made.digests[AT].clone(),
                made.digests[AFTER].clone(),
            );
            made.files.remove(&at);
            let mut document = made.documents[&after].clone();
            document["previousDigestS3Object"] = json!(before);
            document["previousDigestSignature"] = json!(made.signatures[&before]);
            made.forge(&after, &document.to_string());
            vec![missing(&at), tampered(&after)]
        }),
    ]
}

fn changed_digests() -> Vec<Tamper> {
    let twice = |text: &str, field: &str, value: &str| {
        text.replacen('{', &format!("{{\"{field}\":{value},"), 1)
    };
    vec![
        digest_bytes("digest: a bit flipped", |b| {
            let middle = b.len() / 2;
            b[middle] ^= 4;
        }),
        digest_bytes("digest: checksum flipped", |b| {
            let at = b.len() - 6;
            b[at] ^= 1;
        }),
        digest_bytes("digest: emptied", Vec::clear),
        digest_bytes("digest: truncated", |b| b.truncate(b.len() / 2)),
        digest_bytes("digest: last byte cut", |b| b.truncate(b.len() - 1)),
        digest_bytes("digest: a byte appended", |b| b.push(0)),
        digest_bytes("digest: second member", |b| {
            b.extend(gzip(b"{\"logFiles\":[]}"))
        }),
        digest_bytes("digest: empty second member", |b| b.extend(gzip(b""))),
        digest_bytes("digest: the same member twice", |b| b.extend(b.clone())),
        digest_bytes("digest: not compressed", |b| *b = crate::chain::gunzip(b)),
        digest_bytes("digest: noise", |b| *b = vec![7; 900]),
        digest_text("digest: not JSON", |_| "no digest".to_owned()),
        digest_text("digest: a list", |text| format!("[{text}]")),
        digest_text("digest: two documents", |text| format!("{text}{text}")),
        digest_text("digest: too deep", |_| "[".repeat(4000) + &"]".repeat(4000)),
        digest_text("digest: a blank more", |text| format!("{text} ")),
        digest_text("digest: byte order mark", |text| format!("\u{feff}{text}")),
        digest_text("digest: key twice", move |text| {
            twice(text, "digestEndTime", "\"2030-01-01T00:00:00Z\"")
        }),
        digest_text("digest: unknown key twice", move |text| {
            let once = twice(text, "x", "1");
            twice(&once, "x", "2")
        }),
        digest_text("digest: key twice, once escaped", move |text| {
            twice(text, "log\\u0046iles", "[]")
        }),
        digest_text("digest: key twice in a log", |text| {
            text.replacen("{\"s3Bucket\"", "{\"hashValue\":\"00\",\"s3Bucket\"", 1)
        }),
        digest_field("digest: a log left out", |d| {
            drop(d["logFiles"].as_array_mut().unwrap().pop());
        }),
        digest_field("digest: all logs left out", |d| d["logFiles"] = json!([])),
        digest_field("digest: a log added", |d| {
            let mut log = d["logFiles"][0].clone();
            log["s3Object"] = json!("AWSLogs/x");
            d["logFiles"].as_array_mut().unwrap().push(log);
        }),
        digest_field("digest: a log's hash changed", |d| {
            d["logFiles"][0]["hashValue"] = json!("00".repeat(32));
        }),
        digest_field("digest: a log's algorithm changed", |d| {
            d["logFiles"][0]["hashAlgorithm"] = json!("MD5");
        }),
        digest_field("digest: hash of the one before changed", |d| {
            d["previousDigestHashValue"] = json!("11".repeat(32));
        }),
        digest_field("digest: signature of the one before changed", |d| {
            d["previousDigestSignature"] = json!("22".repeat(256));
        }),
        digest_field("digest: made the first of a chain", |d| {
            for field in [
                "S3Bucket",
                "S3Object",
                "HashValue",
                "HashAlgorithm",
                "Signature",
            ] {
                d[format!("previousDigest{field}")] = Value::Null;
            }
        }),
        digest_field("digest: start moved", |d| {
            d["digestStartTime"] = json!("2026-03-01T03:00:00Z");
        }),
        digest_field("digest: end moved", |d| {
            d["digestEndTime"] = json!("2026-03-01T05:30:00Z");
        }),
        digest_field("digest: other account", |d| {
            d["awsAccountId"] = json!("999988887777")
        }),
        digest_field("digest: other bucket", |d| {
            d["digestS3Bucket"] = json!("elsewhere")
        }),
        digest_field("digest: other fingerprint that is known", |d| {
            d["digestPublicKeyFingerprint"] = json!(key(1).fingerprint);
        }),
        digest_field("digest: fingerprint that nobody knows", |d| {
            d["digestPublicKeyFingerprint"] = json!("0".repeat(32));
        }),
        digest_field("digest: other algorithm", |d| {
            d["digestSignatureAlgorithm"] = json!("SHA512withRSA");
        }),
        digest_field("digest: field of another type", |d| {
            d["digestEndTime"] = json!(7)
        }),
        digest_field("digest: no list of logs", |d| {
            drop(d.as_object_mut().unwrap().remove("logFiles"));
        }),
    ]
}

fn digests_in_other_places() -> Vec<Tamper> {
    let regions = || {
        vec![
            Plan::default(),
            Plan {
                region: "eu-west-1",
                trail: "other",
                ..Plan::default()
            },
        ]
    };
    vec![
        plain("digest replaced by the one before", |made| {
            let (before, at) = (made.digests[BEFORE].clone(), made.digests[AT].clone());
            made.files.insert(at.clone(), made.files[&before].clone());
            made.signatures
                .insert(at.clone(), made.signatures[&before].clone());
            vec![tampered(&at)]
        }),
        plain("two digests swapped", |made| {
            let (at, after) = (made.digests[AT].clone(), made.digests[AFTER].clone());
            let (one, two) = (made.files[&at].clone(), made.files[&after].clone());
            made.files.insert(at.clone(), two);
            made.files.insert(after.clone(), one);
            vec![tampered(&at), tampered(&after)]
        }),
        Tamper {
            plans: regions(),
            ..plain("digest of another region and trail", |made| {
                let (at, other) = (made.digests[AT].clone(), made.digests[12 + AT].clone());
                made.files.insert(at.clone(), made.files[&other].clone());
                made.signatures
                    .insert(at.clone(), made.signatures[&other].clone());
                vec![tampered(&at)]
            })
        },
        plain("digest renamed", |made| {
            let at = made.digests[AT].clone();
            let to = at.replace("T060000Z", "T061500Z");
            let bytes = made.files.remove(&at).unwrap();
            made.files.insert(to.clone(), bytes);
            vec![missing(&at), tampered(&to)]
        }),
        plain("old digest played again as the next one", |made| {
            let newest = made.digests[11].clone();
            let next = Plan::default().digest_key(hour(13));
            made.files.insert(next.clone(), made.files[&newest].clone());
            made.signatures
                .insert(next.clone(), made.signatures[&newest].clone());
            vec![tampered(&next)]
        }),
        plain("made-up digest at the end", |made| {
            let newest = made.digests[11].clone();
            let mut document = made.documents[&newest].clone();
            let next = Plan::default().digest_key(hour(13));
            document["digestS3Object"] = json!(next);
            document["digestStartTime"] = json!("2026-03-01T12:00:00Z");
            document["digestEndTime"] = json!("2026-03-01T13:00:00Z");
            document["previousDigestS3Object"] = json!(newest);
            document["previousDigestSignature"] = json!(made.signatures[&newest]);
            made.put_digest(&next, document, 2);
            vec![tampered(&next)]
        }),
    ]
}

fn signed_again() -> Vec<Tamper> {
    vec![
        plain(
            "digest signed again, by a key of the same fingerprint",
            |made| {
                let at = made.digests[AT].clone();
                let mut document = made.documents[&at].clone();
                document["logFiles"] = json!([]);
                made.put_digest(&at, document, 2);
                vec![tampered(&at)]
            },
        ),
        plain("digest signed again, by a key that nobody knows", |made| {
            let at = made.digests[AT].clone();
            let mut document = made.documents[&at].clone();
            document["logFiles"] = json!([]);
            document["digestPublicKeyFingerprint"] = json!(key(2).fingerprint);
            made.put_digest(&at, document, 2);
            vec![tampered(&at)]
        }),
        plain(
            "newest digest signed again, by a key that nobody knows",
            |made| {
                let newest = made.digests[11].clone();
                let mut document = made.documents[&newest].clone();
                document["logFiles"] = json!([]);
                document["digestPublicKeyFingerprint"] = json!(key(2).fingerprint);
                made.put_digest(&newest, document, 2);
                vec![Expected::Unchecked(newest)]
            },
        ),
        plain(
            "digest signed again, by a key that was no longer valid",
            |made| {
                made.keys[1] = key(1).item(START_S - 90 * 86_400, START_S - 86_400);
                let at = made.digests[AT].clone();
                let mut document = made.documents[&at].clone();
                document["digestPublicKeyFingerprint"] = json!(key(1).fingerprint);
                made.put_digest(&at, document, 1);
                vec![tampered(&at)]
            },
        ),
        plain(
            "digest signed again, by a key that was not valid yet",
            |made| {
                made.keys[1] = key(1).item(START_S + 86_400, START_S + 90 * 86_400);
                let newest = made.digests[11].clone();
                let mut document = made.documents[&newest].clone();
                document["digestPublicKeyFingerprint"] = json!(key(1).fingerprint);
                made.put_digest(&newest, document, 1);
                vec![tampered(&newest)]
            },
        ),
        signed_field("signed, but ends before it begins", |d| {
            d["digestStartTime"] = json!("2026-03-01T09:00:00Z");
        }),
        signed_field("signed, but begins before the one before", |d| {
            d["digestStartTime"] = json!("2026-03-01T01:00:00Z");
        }),
        signed_field("signed, but its predecessor is later", |d| {
            d["previousDigestS3Object"] = json!(Plan::default().digest_key(hour(8)));
        }),
        signed_field("signed, but does not fit the hash of the one before", |d| {
            d["previousDigestHashValue"] = json!("33".repeat(32));
        }),
        signed_field(
            "signed, but does not fit the signature of the one before",
            |d| {
                d["previousDigestSignature"] = json!("44".repeat(256));
            },
        ),
    ]
    .into_iter()
    .map(|tamper| match tamper.name {
        // The digest after it was signed over what it was.
        name if name.starts_with("signed, ") || name.contains("no longer valid") => Tamper {
            act: Box::new(move |made| {
                let expected = (tamper.act)(made);
                sign_all_after(made, AT);
                expected
            }),
            ..tamper
        },
        _ => tamper,
    })
    .collect()
}

/// Signs the digests after one again, so that they fit it.
fn sign_all_after(made: &mut Made, at: usize) {
    for n in at + 1..made.digests.len() {
        let (before, own) = (made.digests[n - 1].clone(), made.digests[n].clone());
        let mut document = made.documents[&own].clone();
        let text = made.documents[&before].to_string();
        document["previousDigestHashValue"] =
            json!(crate::chain::hex(&crate::chain::sha256(text.as_bytes())));
        document["previousDigestSignature"] = json!(made.signatures[&before]);
        made.put_digest(&own, document, 0);
    }
}

fn sidecars() -> Vec<Tamper> {
    vec![
        plain("sidecar: a digit changed", |made| {
            let at = made.digests[AT].clone();
            let hex = made.signatures.get_mut(&at).unwrap();
            let last = if hex.ends_with('0') { "1" } else { "0" };
            hex.replace_range(hex.len() - 1.., last);
            vec![tampered(&at)]
        }),
        plain("sidecar: no hex", |made| {
            let at = made.digests[AT].clone();
            made.signatures.insert(at.clone(), "zz".repeat(256));
            vec![tampered(&at)]
        }),
        plain("sidecar: cut short", |made| {
            let at = made.digests[AT].clone();
            made.signatures.get_mut(&at).unwrap().truncate(101);
            vec![tampered(&at)]
        }),
        plain("sidecar: two lines swapped", |made| {
            let (at, after) = (made.digests[AT].clone(), made.digests[AFTER].clone());
            let (one, two) = (
                made.signatures[&at].clone(),
                made.signatures[&after].clone(),
            );
            made.signatures.insert(at.clone(), two);
            made.signatures.insert(after.clone(), one);
            vec![tampered(&at), tampered(&after)]
        }),
        plain("sidecar: a second line for a digest", |made| {
            let at = made.digests[AT].clone();
            made.lines.push(format!("{} {at}", "ab".repeat(256)));
            vec![tampered(&at)]
        }),
        plain("sidecar: a line of a digest that is not there", |made| {
            let next = Plan::default().digest_key(hour(13));
            made.lines.push(format!("{} {next}", "ab".repeat(256)));
            vec![missing(&next)]
        }),
        plain("sidecar: noise", |made| {
            made.lines.push("noise".to_owned());
            vec![Expected::SignatureLine]
        }),
    ]
}

fn changed_logs() -> Vec<Tamper> {
    vec![
        log_bytes("log: a bit flipped", |b| {
            let middle = b.len() / 2;
            b[middle] ^= 4;
        }),
        log_bytes("log: emptied", Vec::clear),
        log_bytes("log: truncated", |b| b.truncate(b.len() - 20)),
        log_bytes("log: last byte cut", |b| b.truncate(b.len() - 1)),
        log_bytes("log: a byte appended", |b| b.push(b'x')),
        log_bytes("log: second member", |b| {
            b.extend(gzip(b"{\"Records\":[]}"))
        }),
        log_bytes("log: the same member twice", |b| b.extend(b.clone())),
        log_bytes("log: in two members", |b| {
            let text = crate::chain::gunzip(b);
            let (one, two) = text.split_at(text.len() / 2);
            *b = [gzip(one), gzip(two)].concat();
        }),
        log_bytes("log: not compressed", |b| *b = crate::chain::gunzip(b)),
        log_bytes("log: its checksum moved behind noise", |b| {
            let trailer = b.split_off(b.len() - 8);
            b.extend([0; 5]);
            b.extend(trailer);
        }),
        log_text("log: a name changed", |text| text.replacen("ana", "bob", 1)),
        log_text("log: a time changed", |text| {
            text.replacen("T05:", "T04:", 1)
        }),
        log_text("log: a record removed", |text| {
            let mut log: Value = serde_json::from_str(text).unwrap();
            drop(log["Records"].as_array_mut().unwrap().remove(1));
            log.to_string()
        }),
        log_text("log: all records removed", |_| {
            "{\"Records\":[]}".to_owned()
        }),
        log_text("log: a record added", |text| {
            let mut log: Value = serde_json::from_str(text).unwrap();
            let one = log["Records"][0].clone();
            log["Records"].as_array_mut().unwrap().push(one);
            log.to_string()
        }),
        log_text("log: records reordered", |text| {
            let mut log: Value = serde_json::from_str(text).unwrap();
            log["Records"].as_array_mut().unwrap().reverse();
            log.to_string()
        }),
        log_text("log: a blank more", |text| format!("{text} ")),
    ]
}

fn logs_in_other_places() -> Vec<Tamper> {
    vec![
        plain("log deleted", |made| {
            let log = made.logs[AT][0].clone();
            made.files.remove(&log);
            vec![missing(&log)]
        }),
        plain("all logs of an hour deleted", |made| {
            let logs = made.logs[AT].clone();
            logs.iter().for_each(|log| drop(made.files.remove(log)));
            logs.iter().map(|log| missing(log)).collect()
        }),
        plain("all logs deleted", |made| {
            let logs: Vec<String> = made.logs.concat();
            logs.iter().for_each(|log| drop(made.files.remove(log)));
            logs.iter().map(|log| missing(log)).collect()
        }),
        plain("log replaced by another", |made| {
            let (one, two) = (made.logs[AT][0].clone(), made.logs[AT][1].clone());
            made.files.insert(one.clone(), made.files[&two].clone());
            vec![tampered(&one)]
        }),
        plain("two logs swapped", |made| {
            let (one, two) = (made.logs[AT][0].clone(), made.logs[AFTER][1].clone());
            let (a, b) = (made.files[&one].clone(), made.files[&two].clone());
            made.files.insert(one.clone(), b);
            made.files.insert(two.clone(), a);
            vec![tampered(&one), tampered(&two)]
        }),
        plain("log renamed", |made| {
            let log = made.logs[AT][0].clone();
            let to = log.replace(".json.gz", "X.json.gz");
            let bytes = made.files.remove(&log).unwrap();
            made.files.insert(to.clone(), bytes);
            vec![missing(&log), extra(&to)]
        }),
        plain("log moved to another day", |made| {
            let log = made.logs[AT][0].clone();
            let to = log.replace("2026/03/01", "2026/02/11");
            let bytes = made.files.remove(&log).unwrap();
            made.files.insert(to.clone(), bytes);
            vec![missing(&log), extra(&to)]
        }),
        plain("forged log", |made| {
            let forged = Plan::default().log_key(hour(5) + 700, "Forged0123456789");
            made.files.insert(forged.clone(), gzip(b"{\"Records\":[]}"));
            vec![extra(&forged)]
        }),
        plain(
            "forged log beside a made-up digest of one more trail",
            |made| {
                let plan = Plan {
                    trail: "more",
                    ..Plan::default()
                };
                let digest = plan.digest_key(hour(6));
                let mut document = made.documents[&made.digests[AT]].clone();
                document["digestS3Object"] = json!(digest);
                made.forge(&digest, &document.to_string());
                let forged = plan.log_key(hour(5) + 700, "Forged0123456789");
                made.files.insert(forged.clone(), gzip(b"{\"Records\":[]}"));
                vec![extra(&forged), Expected::Unchecked(digest)]
            },
        ),
        plain("forged log with a name of its own", |made| {
            let log = made.logs[AT][0].clone();
            let forged = format!("{}/more.json.gz", log.rsplit_once('/').unwrap().0);
            made.files.insert(forged.clone(), gzip(b"{\"Records\":[]}"));
            vec![extra(&forged)]
        }),
        plain("copy of a log", |made| {
            let log = made.logs[AT][0].clone();
            let copy = Plan::default().log_key(hour(5) + 1200, "Copy0123456789ab");
            made.files.insert(copy.clone(), made.files[&log].clone());
            vec![extra(&copy)]
        }),
        plain("forged log in the last hour", |made| {
            let forged = Plan::default().log_key(hour(12) - 300, "Forged0123456789");
            made.files.insert(forged.clone(), gzip(b"{\"Records\":[]}"));
            vec![Expected::Unchecked(forged)]
        }),
        plain("forged log of a region without digests", |made| {
            let plan = Plan {
                region: "eu-north-1",
                ..Plan::default()
            };
            let forged = plan.log_key(hour(5) + 700, "Forged0123456789");
            made.files.insert(forged.clone(), gzip(b"{\"Records\":[]}"));
            vec![Expected::Unchecked(forged)]
        }),
    ]
}

/// A trail that was off from the fourth hour to the seventh.
fn stopped(
    name: &'static str,
    records: Vec<(i64, Value)>,
    act: impl Fn(&mut Made) -> Vec<Expected> + 'static,
) -> Tamper {
    Tamper {
        plans: vec![Plan {
            silent: vec![4, 5, 6],
            restarts: vec![7],
            records,
            ..Plan::default()
        }],
        ..plain(name, act)
    }
}

fn gaps() -> Vec<Tamper> {
    let stop = |hour_of: i64, name: &str, parameters: Value| {
        let time_s = hour(hour_of) + 1800;
        (hour_of, call(&Plan::default(), time_s, name, parameters))
    };
    let own = || json!({"name": "main"});
    let whole = |_: &mut Made| vec![Expected::Gap(hour(4), hour(7))];
    let mut failed = stop(3, "StopLogging", own());
    failed.1["errorCode"] = json!("AccessDenied");
    vec![
        stopped("gap without a call", vec![], whole),
        stopped(
            "gap after a call on another trail",
            vec![stop(3, "StopLogging", json!({"name": "second"}))],
            whole,
        ),
        stopped(
            "gap after a call on a trail of another account",
            vec![stop(
                3,
                "StopLogging",
                json!({"name": "arn:aws:cloudtrail:us-east-1:999988887777:trail/main"}),
            )],
            whole,
        ),
        stopped("gap after a call that failed", vec![failed], whole),
        stopped(
            "gap after an UpdateTrail that kept validation",
            vec![stop(
                3,
                "UpdateTrail",
                json!({"name": "main", "enableLogFileValidation": true}),
            )],
            whole,
        ),
        stopped(
            "gap long after a call",
            vec![
                stop(0, "StopLogging", own()),
                stop(1, "StartLogging", own()),
            ],
            whole,
        ),
        stopped(
            "gap after a call in a log that was tampered with",
            vec![stop(3, "StopLogging", own())],
            |made| {
                let log = made.logs[3][0].clone();
                let text = made.text(&log).replacen("ana", "bob", 1);
                made.files.insert(log.clone(), gzip(text.as_bytes()));
                vec![tampered(&log), Expected::Gap(hour(4), hour(7))]
            },
        ),
        stopped(
            "gap that goes on after the trail was started",
            vec![
                stop(3, "StopLogging", own()),
                (7, call(&Plan::default(), hour(5), "StartLogging", own())),
            ],
            |_| vec![Expected::Gap(hour(5), hour(7))],
        ),
        stopped(
            "digests deleted, said to be a stop",
            vec![stop(3, "StopLogging", own())],
            |made| {
                let (first, next) = (made.digests[4].clone(), made.digests[5].clone());
                made.files.remove(&first);
                made.signatures.remove(&first);
                // The one after names it, so no chain begins there.
                assert!(made.text(&next).contains(&first));
                vec![missing(&first), Expected::Gap(hour(4), hour(7))]
            },
        ),
    ]
}

fn remembered() -> Vec<Tamper> {
    vec![
        known("newest digest deleted without a trace", |made| {
            made.cut(1);
            made.signatures.remove(&made.digests[11]);
            vec![missing(&made.digests[11])]
        }),
        known("newest four digests deleted without a trace", |made| {
            made.cut(4);
            made.signatures.clear();
            vec![missing(&made.digests[11])]
        }),
        known("all deleted without a trace", |made| {
            made.files.clear();
            made.signatures.clear();
            vec![missing(&made.digests[11])]
        }),
        known("all digests deleted, logs kept", |made| {
            for digest in made.digests.clone() {
                made.files.remove(&digest);
            }
            made.signatures.clear();
            vec![missing(&made.digests[11])]
        }),
        known(
            "newest digest signed again by a key of CloudTrail",
            |made| {
                let newest = made.digests[11].clone();
                let mut document = made.documents[&newest].clone();
                document["logFiles"] = json!([]);
                made.put_digest(&newest, document, 0);
                let mut expected = vec![tampered(&newest)];
                expected.extend(
                    made.logs[11]
                        .iter()
                        .map(|log| Expected::Unchecked(log.clone())),
                );
                expected
            },
        ),
        known("newest digest replaced, its signature gone", |made| {
            let newest = made.digests[11].clone();
            let mut document = made.documents[&newest].clone();
            document["logFiles"] = json!([]);
            made.forge(&newest, &document.to_string());
            made.signatures.remove(&newest);
            vec![tampered(&newest)]
        }),
    ]
}
