//! Made trails: logs and signed digests as CloudTrail writes them, in memory.
#![allow(dead_code, reason = "each test binary uses another part")]

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::OnceLock;

use bartizan_model::time_text;
use bartizan_trail::digest::{
    DigestDocument, DigestKeys, DigestSignatures, LogReader, MemberReader, SeriesHead,
    TrailEvidence, TrailListing, TrailReport, VerifiedFiles, judge_digests,
};
use base64::Engine;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

/// 2026-03-01T00:00:00Z.
pub(crate) const START_S: i64 = 1_772_323_200;
pub(crate) const ACCOUNT: &str = "111122223333";

/// RSA key that signs digests.
pub(crate) struct SigningKey {
    pair: RsaKeyPair,
    pub(crate) fingerprint: String,
}

/// Keys of CloudTrail (0, 1), and one that is nobody's (2).
pub(crate) fn key(n: usize) -> &'static SigningKey {
    static KEYS: OnceLock<Vec<SigningKey>> = OnceLock::new();
    let keys = KEYS.get_or_init(|| {
        [
            include_bytes!("first.pk8").as_slice(),
            include_bytes!("second.pk8"),
            include_bytes!("stranger.pk8"),
        ]
        .into_iter()
        .map(|pk8| {
            let pair = RsaKeyPair::from_pkcs8(pk8).unwrap();
            let fingerprint = hex(&sha256(pair.public().as_ref())[..16]);
            SigningKey { pair, fingerprint }
        })
        .collect()
    });
    &keys[n]
}

impl SigningKey {
    pub(crate) fn sign(&self, text: &str) -> String {
        let mut signature = vec![0; self.pair.public().modulus_len()];
        let random = ring::rand::SystemRandom::new();
        self.pair
            .sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature)
            .unwrap();
        hex(&signature)
    }

    /// Item of `ListPublicKeys`.
    pub(crate) fn item(&self, from_s: i64, to_s: i64) -> Value {
        json!({
            "Value": base64::prelude::BASE64_STANDARD.encode(self.pair.public().as_ref()),
            "ValidityStartTime": time_text(from_s),
            "ValidityEndTime": time_text(to_s),
            "Fingerprint": self.fingerprint,
        })
    }
}

/// One chain to be made.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) account: String,
    pub(crate) organization: Option<&'static str>,
    pub(crate) trail: &'static str,
    pub(crate) region: &'static str,
    pub(crate) home: &'static str,
    pub(crate) bucket: &'static str,
    pub(crate) prefix: &'static str,
    pub(crate) start_s: i64,
    pub(crate) hours: i64,
    pub(crate) logs: usize,
    pub(crate) records_of_log: i64,
    /// Hours that have no log.
    pub(crate) empty: Vec<i64>,
    /// Hours before which the chain begins anew.
    pub(crate) restarts: Vec<i64>,
    /// Hours in which nothing was written at all.
    pub(crate) silent: Vec<i64>,
    /// Hour from which the second key signs.
    pub(crate) rotated: Option<i64>,
    /// Hour from which another bucket is written.
    pub(crate) moved: Option<(i64, &'static str)>,
    pub(crate) backfill: bool,
    /// Records to be written in an hour.
    pub(crate) records: Vec<(i64, Value)>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            account: ACCOUNT.to_owned(),
            organization: None,
            trail: "main",
            region: "us-east-1",
            home: "us-east-1",
            bucket: "audit-logs",
            prefix: "",
            start_s: START_S,
            hours: 12,
            logs: 3,
            records_of_log: 3,
            empty: Vec::new(),
            restarts: Vec::new(),
            silent: Vec::new(),
            rotated: None,
            moved: None,
            backfill: false,
            records: Vec::new(),
        }
    }
}

/// Trail with all that belongs to it.
#[derive(Clone, Default)]
pub(crate) struct Made {
    /// Stored bytes by key.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// Signatures by key of the digest.
    pub(crate) signatures: BTreeMap<String, String>,
    /// Further lines of the sidecar.
    pub(crate) lines: Vec<String>,
    /// Keys of the digests, in order.
    pub(crate) digests: Vec<String>,
    /// Keys of the logs of each digest.
    pub(crate) logs: Vec<Vec<String>>,
    /// Digests as they were signed.
    pub(crate) documents: BTreeMap<String, Value>,
    /// `ListPublicKeys`.
    pub(crate) keys: Vec<Value>,
}

impl Made {
    pub(crate) fn new(plans: &[Plan]) -> Self {
        let mut made = Self::default();
        for plan in plans {
            made.add(plan);
        }
        made.keys = vec![
            key(0).item(START_S - 86_400, START_S + 365 * 86_400),
            key(1).item(START_S - 86_400, START_S + 365 * 86_400),
        ];
        made
    }

    fn add(&mut self, plan: &Plan) {
        let mut previous: Option<(String, String)> = None;
        for hour in 0..plan.hours {
            if plan.silent.contains(&hour) {
                continue;
            }
            if plan.restarts.contains(&hour) {
                previous = None;
            }
            let bucket = match plan.moved {
                Some((from, bucket)) if hour >= from => bucket,
                _ => plan.bucket,
            };
            let (start_s, end_s) = (plan.start_s + hour * 3600, plan.start_s + (hour + 1) * 3600);
            let logs: Vec<(String, Value)> = if plan.empty.contains(&hour) {
                Vec::new()
            } else {
                (0..plan.logs)
                    .map(|n| self.add_log(plan, bucket, hour, n))
                    .collect()
            };
            let signer = usize::from(plan.rotated.is_some_and(|from| hour >= from));
            let object = plan.digest_key(end_s);
            let (previous_key, previous_bucket) = match &previous {
                Some((key, bucket)) => (json!(key), json!(bucket)),
                None => (Value::Null, Value::Null),
            };
            let before = previous
                .as_ref()
                .and_then(|(key, _)| self.documents.get(key));
            let document = json!({
                "awsAccountId": plan.account,
                "digestStartTime": time_text(start_s),
                "digestEndTime": time_text(end_s),
                "digestS3Bucket": bucket,
                "digestS3Object": object,
                "digestPublicKeyFingerprint": key(signer).fingerprint,
                "digestSignatureAlgorithm": "SHA256withRSA",
                "newestEventTime": time_text(end_s - 300),
                "oldestEventTime": time_text(start_s),
                "previousDigestS3Bucket": previous_bucket,
                "previousDigestS3Object": previous_key,
                "previousDigestHashValue": before.map(|d| hex(&sha256(d.to_string().as_bytes()))),
                "previousDigestHashAlgorithm": before.map(|_| "SHA-256"),
                "previousDigestSignature":
                    previous.as_ref().map(|(key, _)| self.signatures[key].clone()),
                "logFiles": logs.iter().map(|(_, item)| item.clone()).collect::<Vec<_>>(),
            });
            self.put_digest(&object, document, signer);
            self.digests.push(object.clone());
            self.logs
                .push(logs.into_iter().map(|(key, _)| key).collect());
            previous = Some((object, bucket.to_owned()));
        }
    }

    fn add_log(&mut self, plan: &Plan, bucket: &str, hour: i64, n: usize) -> (String, Value) {
        let at_s = plan.start_s + hour * 3600 + 60 + (n as i64) * 3000 / plan.logs.max(1) as i64;
        let mut records: Vec<Value> = (0..plan.records_of_log)
            .map(|k| record(plan, at_s + k * 7, n))
            .collect();
        if n == 0 {
            records.extend(
                plan.records
                    .iter()
                    .filter(|(of, _)| *of == hour)
                    .map(|(_, r)| r.clone()),
            );
        }
        let text = json!({ "Records": records }).to_string();
        let key = plan.log_key(at_s + 300, &hex(&sha256(text.as_bytes()))[..16]);
        let item = json!({
            "s3Bucket": bucket,
            "s3Object": key,
            "hashValue": hex(&sha256(text.as_bytes())),
            "hashAlgorithm": "SHA-256",
            "newestEventTime": time_text(at_s + 14),
            "oldestEventTime": time_text(at_s),
        });
        self.files.insert(key.clone(), gzip(text.as_bytes()));
        (key, item)
    }

    /// Writes a digest and signs it.
    pub(crate) fn put_digest(&mut self, object: &str, document: Value, signer: usize) {
        let text = document.to_string();
        let signature = key(signer).sign(&signed_text(&document, &text));
        self.files.insert(object.to_owned(), gzip(text.as_bytes()));
        self.signatures.insert(object.to_owned(), signature);
        self.documents.insert(object.to_owned(), document);
    }

    /// Writes a digest without signing it: what somebody can do who has no key.
    pub(crate) fn forge(&mut self, object: &str, text: &str) {
        self.files.insert(object.to_owned(), gzip(text.as_bytes()));
    }

    /// Text of a file.
    pub(crate) fn text(&self, key: &str) -> String {
        String::from_utf8(gunzip(&self.files[key])).unwrap()
    }

    /// The sidecar.
    pub(crate) fn sidecar(&self) -> String {
        let mut text: String = self
            .signatures
            .iter()
            .map(|(key, hex)| format!("{hex} {key}\n"))
            .collect();
        for line in &self.lines {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// Removes the last `n` digests with their logs.
    pub(crate) fn cut(&mut self, n: usize) {
        for at in self.digests.len() - n..self.digests.len() {
            self.files.remove(&self.digests[at]);
            for log in &self.logs[at] {
                self.files.remove(log);
            }
        }
    }
}

impl Plan {
    fn base(&self, folder: &str, time_s: i64) -> String {
        let organization = self
            .organization
            .map(|o| format!("{o}/"))
            .unwrap_or_default();
        let day = time_text(time_s)[..10].replace('-', "/");
        format!(
            "{}AWSLogs/{organization}{}/{folder}/{}/{day}/{}_{folder}_{}_",
            self.prefix, self.account, self.region, self.account, self.region
        )
    }

    pub(crate) fn digest_key(&self, end_s: i64) -> String {
        let stamp = time_text(end_s).replace(['-', ':'], "");
        let backfill = if self.backfill { "_backfill" } else { "" };
        format!(
            "{}{}_{}_{stamp}{backfill}.json.gz",
            self.base("CloudTrail-Digest", end_s),
            self.trail,
            self.home
        )
    }

    pub(crate) fn log_key(&self, time_s: i64, unique: &str) -> String {
        let minute = &time_text(time_s).replace(['-', ':'], "")[..13];
        format!(
            "{}{minute}Z_{unique}.json.gz",
            self.base("CloudTrail", time_s)
        )
    }
}

/// Record of an ordinary read.
pub(crate) fn record(plan: &Plan, time_s: i64, n: usize) -> Value {
    let id = hex(&sha256(
        format!("{}{}{time_s}{n}", plan.account, plan.trail).as_bytes(),
    ));
    json!({
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "accountId": plan.account, "userName": "ana"},
        "eventTime": time_text(time_s),
        "eventSource": "ec2.amazonaws.com",
        "eventName": "DescribeInstances",
        "awsRegion": plan.region,
        "sourceIPAddress": "203.0.113.9",
        "userAgent": "aws-cli/2",
        "requestParameters": null,
        "responseElements": null,
        "eventID": format!("{}-{}-{}-{}-{}", &id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..32]),
        "readOnly": true,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": plan.account,
        "eventCategory": "Management",
    })
}

/// Record of a call on a trail.
pub(crate) fn call(plan: &Plan, time_s: i64, name: &str, parameters: Value) -> Value {
    let mut record = record(plan, time_s, 99);
    record["eventSource"] = json!("cloudtrail.amazonaws.com");
    record["eventName"] = json!(name);
    record["requestParameters"] = parameters;
    record["readOnly"] = json!(false);
    record
}

/// Text that is signed, by the user guide.
pub(crate) fn signed_text(document: &Value, text: &str) -> String {
    let field = |name: &str| document[name].as_str().unwrap_or("null").to_owned();
    format!(
        "{}\n{}/{}\n{}\n{}",
        field("digestEndTime"),
        field("digestS3Bucket"),
        field("digestS3Object"),
        hex(&sha256(text.as_bytes())),
        field("previousDigestSignature")
    )
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

pub(crate) fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(bytes), &mut text).unwrap();
    text
}

pub(crate) fn sha256(bytes: &[u8]) -> Vec<u8> {
    ring::digest::digest(&ring::digest::SHA256, bytes)
        .as_ref()
        .to_vec()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// What was remembered, or nothing.
#[derive(Default, Clone)]
pub(crate) struct Memory {
    pub(crate) heads: Vec<SeriesHead>,
    pub(crate) verified: VerifiedFiles,
}

/// Checks a made trail as it would lie on a disk. Also gives how many files were read.
pub(crate) fn check(made: &Made, memory: &Memory) -> (TrailReport, usize) {
    let evidence = TrailEvidence {
        keys: DigestKeys::parse(&json!({ "PublicKeyList": made.keys }).to_string()).unwrap(),
        signatures: DigestSignatures::parse(&made.sidecar()),
        heads: memory.heads.clone(),
        verified: memory.verified.clone(),
    };
    let paths =
        |(key, bytes): (&String, &Vec<u8>)| (format!("copy/{key}"), Some(bytes.len() as u64));
    let listing = TrailListing::new(made.files.iter().map(paths));
    let bytes =
        |n: usize| made.files[listing.files()[n].path.strip_prefix("copy/").unwrap()].as_slice();
    let mut reader = MemberReader::new();
    let digests: Vec<_> = listing
        .unread_digests(&evidence.verified)
        .into_iter()
        .map(|n| (n, DigestDocument::read(&mut reader, &mut bytes(n))))
        .collect();
    let mut read = digests.len();
    let judged = judge_digests(&listing, &evidence, digests);
    let mut reader = LogReader::new();
    let logs: Vec<_> = judged
        .unread_logs()
        .into_iter()
        .map(|n| (n, reader.read(&mut bytes(n))))
        .collect();
    read += logs.len();
    (judged.finish(logs), read)
}
