//! Records as CloudTrail delivers them: compressed objects in S3's layout, and a chain of signed
//! digests.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

use super::world::{ACCOUNT, HOME, time_text};

const BUCKET: &str = "audit-logs";
const KEY: &[u8] = include_bytes!("digest-key.pk8");
/// Seconds between objects, and between digests.
const PERIOD_S: i64 = 6 * 3600;

/// Writes the objects of `records` and their digests below `folder`, and the public key next to
/// them.
pub(crate) fn write(records: &[(i64, Value)], folder: &Path) -> Result<()> {
    let mut objects: BTreeMap<(String, i64), Vec<&Value>> = BTreeMap::new();
    for (time_s, record) in records {
        let region = record["awsRegion"].as_str().unwrap_or(HOME).to_owned();
        objects
            .entry((region, time_s.div_euclid(PERIOD_S)))
            .or_default()
            .push(record);
    }
    let mut logs: BTreeMap<i64, Vec<Value>> = BTreeMap::new();
    for ((region, period), records) in objects {
        let end = time_text((period + 1) * PERIOD_S);
        let (day, minute) = (
            end[..10].replace('-', "/"),
            end[..16].replace(['-', ':'], ""),
        );
        let text = json!({ "Records": records }).to_string();
        let tail: String = hex(&sha256(text.as_bytes()))[..16].to_owned();
        let key = format!(
            "AWSLogs/{ACCOUNT}/CloudTrail/{region}/{day}/{ACCOUNT}_CloudTrail_{region}_{minute}Z_{tail}.json.gz"
        );
        save(&folder.join(&key), &gzip(text.as_bytes())?)?;
        if region == HOME {
            let time = |n: usize| records[n]["eventTime"].clone();
            logs.entry(period).or_default().push(json!({
                "s3Bucket": BUCKET,
                "s3Object": key,
                "hashValue": hex(&sha256(text.as_bytes())),
                "hashAlgorithm": "SHA-256",
                "newestEventTime": time(records.len() - 1),
                "oldestEventTime": time(0),
            }));
        }
    }
    digests(&logs, folder)
}

fn digests(logs: &BTreeMap<i64, Vec<Value>>, folder: &Path) -> Result<()> {
    let pair =
        RsaKeyPair::from_pkcs8(KEY).map_err(|e| anyhow::anyhow!("the key of the digests: {e}"))?;
    let public = pair.public().as_ref();
    let fingerprint = hex(&ring::digest::digest(&ring::digest::SHA256, public).as_ref()[..16]);
    let (mut previous, mut hash, mut object) = ("null".to_owned(), Value::Null, Value::Null);
    let mut signatures = String::new();
    let Some(first) = logs.keys().next() else {
        return Ok(());
    };
    for period in *first..=*logs.keys().next_back().unwrap_or(first) {
        let (start, end) = (
            time_text(period * PERIOD_S),
            time_text((period + 1) * PERIOD_S),
        );
        let (day, stamp) = (end[..10].replace('-', "/"), end.replace(['-', ':'], ""));
        let key = format!(
            "AWSLogs/{ACCOUNT}/CloudTrail-Digest/{HOME}/{day}/{ACCOUNT}_CloudTrail-Digest_{HOME}_main_{HOME}_{stamp}.json.gz"
        );
        let files = logs.get(&period).cloned().unwrap_or_default();
        let time = |name: &str| files.first().map_or(Value::Null, |f| f[name].clone());
        let signature_before = if previous == "null" {
            Value::Null
        } else {
            previous.clone().into()
        };
        let digest = json!({
            "awsAccountId": ACCOUNT,
            "digestStartTime": start,
            "digestEndTime": end,
            "digestS3Bucket": BUCKET,
            "digestS3Object": key,
            "digestPublicKeyFingerprint": fingerprint,
            "digestSignatureAlgorithm": "SHA256withRSA",
            "newestEventTime": time("newestEventTime"),
            "oldestEventTime": time("oldestEventTime"),
            "previousDigestS3Bucket": BUCKET,
            "previousDigestS3Object": object,
            "previousDigestHashValue": hash,
            "previousDigestHashAlgorithm": "SHA-256",
            "previousDigestSignature": signature_before,
            "logFiles": files,
        })
        .to_string();
        let sum = hex(&sha256(digest.as_bytes()));
        // Signed content: end, location, hash, and previous signature (CloudTrail user guide,
        // "digest file structure").
        let signed = format!("{end}\n{BUCKET}/{key}\n{sum}\n{previous}");
        let mut signature = vec![0; pair.public().modulus_len()];
        let random = ring::rand::SystemRandom::new();
        pair.sign(
            &RSA_PKCS1_SHA256,
            &random,
            signed.as_bytes(),
            &mut signature,
        )
        .map_err(|e| anyhow::anyhow!("signing: {e}"))?;
        save(&folder.join(&key), &gzip(digest.as_bytes())?)?;
        // S3 keeps the signature in the object's metadata, which a folder does not have.
        (previous, hash, object) = (hex(&signature), sum.into(), key.clone().into());
        signatures.push_str(&format!("{previous} {key}\n"));
    }
    let beside = folder.parent().context("a folder beside")?;
    save(&beside.join("digest-signatures.txt"), signatures.as_bytes())?;
    let key = json!({
        "Fingerprint": fingerprint,
        "Value": base64::Engine::encode(&base64::engine::general_purpose::STANDARD, public),
    });
    save(
        &beside.join("digest-key.json"),
        format!("{key}\n").as_bytes(),
    )
}

fn save(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::create_dir_all(path.parent().context("a file in a folder")?)?;
    std::fs::write(path, bytes).with_context(|| path.display().to_string())
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(bytes)?;
    Ok(packer.finish()?)
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    ring::digest::digest(&ring::digest::SHA256, bytes)
        .as_ref()
        .to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
