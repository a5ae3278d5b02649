//! Result of `verify trail`: the answer in a line, then holes by account and region, then files.

use std::collections::BTreeMap;

use anyhow::Result;
use bartizan_model::time_text;
use bartizan_trail::digest::{CheckReason, CheckedObject, FileFault, TrailCheck, TrailVerdict};
use serde_json::{Value, json};

use super::Out;
use super::words::{counted, minute};

/// Files of one verdict that are shown.
const FILES_SHOWN: usize = 20;
/// Spans of one account and region that are shown.
const SPANS_SHOWN: usize = 20;

/// Result of a check for output.
pub(crate) struct TrailCheckDocument<'a> {
    pub(crate) checks: &'a [TrailCheck],
    /// Number of digests that are there.
    pub(crate) digests: usize,
    /// Whether a store remembers it.
    pub(crate) remembers: bool,
}

impl TrailCheckDocument<'_> {
    /// One value for each line.
    pub(crate) fn rows(&self) -> Result<Vec<Value>> {
        self.checks.iter().map(row).collect()
    }

    fn count(&self, kind: TrailVerdict) -> u64 {
        self.checks.iter().filter(|c| c.kind == kind).count() as u64
    }

    fn of(&self, about: CheckedObject, kind: TrailVerdict) -> u64 {
        let is = |c: &&TrailCheck| c.about == about && c.kind == kind;
        self.checks.iter().filter(is).count() as u64
    }
}

fn row(check: &TrailCheck) -> Result<Value> {
    let mut row = json!({
        "kind": check.kind,
        "object": check.object,
        "account": some(&check.account),
        "region": some(&check.region),
        "first_time": check.first_s.map(time_text),
        "last_time": check.last_s.map(time_text),
        "because": trail_reason(&check.because),
    });
    if let Some(recorded) = &check.recorded {
        row["recorded"] = json!(recorded.event_id);
    }
    Ok(row)
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// Prints the result for people.
pub(crate) fn trail_checked(out: &mut Out, document: &TrailCheckDocument<'_>) -> Result<()> {
    out.line(&answer(document))?;
    spans(out, document)?;
    for kind in [
        TrailVerdict::Tampered,
        TrailVerdict::Missing,
        TrailVerdict::Extra,
        TrailVerdict::Unchecked,
    ] {
        files(out, document, kind)?;
    }
    if !document.remembers {
        out.line(
            "  nothing is remembered without --store: what is deleted at the end from now on, a \
            later run cannot tell",
        )?;
    }
    Ok(())
}

fn answer(document: &TrailCheckDocument<'_>) -> String {
    let (digests, logs) = (
        document.of(CheckedObject::Digest, TrailVerdict::Valid),
        document.of(CheckedObject::Log, TrailVerdict::Valid),
    );
    let valid = format!(
        "{} and {} are valid",
        counted(digests, "digest", "digests"),
        counted(logs, "log", "logs")
    );
    let unexplained = document
        .checks
        .iter()
        .filter(|c| c.kind == TrailVerdict::Gap && c.is_alarm())
        .count() as u64;
    let wrong = [
        (document.count(TrailVerdict::Tampered), "tampered with"),
        (document.count(TrailVerdict::Missing), "missing"),
        (document.count(TrailVerdict::Extra), "extra"),
    ];
    let mut parts: Vec<String> = wrong
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| format!("{n} {word}"))
        .collect();
    if unexplained > 0 {
        parts.push(counted(unexplained, "unexplained gap", "unexplained gaps"));
    }
    let unchecked = document.count(TrailVerdict::Unchecked);
    if !parts.is_empty() {
        return format!(
            "THE TRAIL IS NOT WHAT CLOUDTRAIL SIGNED: {}; {valid}",
            parts.join(", ")
        );
    }
    if document.digests == 0 {
        return "CANNOT TELL  there is no digest: is log file validation on, and is \
                AWSLogs/…/CloudTrail-Digest among the files?"
            .to_owned();
    }
    if unchecked > 0 {
        let n = counted(unchecked, "file or digest", "files and digests");
        return format!("NOT ALL COULD BE CHECKED  {n} unchecked; {valid}, none is wrong");
    }
    format!("the trail is what CloudTrail signed: {valid}")
}

/// Spans without a believed digest or log, by account and region.
fn spans(out: &mut Out, document: &TrailCheckDocument<'_>) -> Result<()> {
    let mut by_place: BTreeMap<(&str, &str), Vec<&TrailCheck>> = BTreeMap::new();
    for check in document.checks {
        let is_hole = match check.kind {
            TrailVerdict::Gap | TrailVerdict::Missing => true,
            TrailVerdict::Tampered => check.first_s.is_some(),
            _ => false,
        };
        if is_hole {
            by_place
                .entry((&check.account, &check.region))
                .or_default()
                .push(check);
        }
    }
    for ((account, region), checks) in by_place {
        out.line(&format!("  {account} {region}"))?;
        let mut ranges: Vec<HoleRange> = Vec::new();
        for check in checks {
            let (Some(from), Some(to)) = (check.first_s, check.last_s) else {
                continue;
            };
            let word = hole_word(check);
            match ranges.last_mut() {
                Some(last) if last.word == word && from <= last.to_s + 3600 => {
                    last.to_s = last.to_s.max(to);
                    last.count += 1;
                }
                _ => ranges.push(HoleRange {
                    from_s: from,
                    to_s: to,
                    word,
                    count: 1,
                }),
            }
        }
        for range in ranges.iter().take(SPANS_SHOWN) {
            let times = if range.count > 1 {
                format!(" ({} of them)", range.count)
            } else {
                String::new()
            };
            out.line(&format!(
                "    {} to {}  {}{times}",
                minute(&time_text(range.from_s)),
                minute(&time_text(range.to_s)),
                range.word
            ))?;
        }
        if ranges.len() > SPANS_SHOWN {
            out.line(&format!("    and {} more", ranges.len() - SPANS_SHOWN))?;
        }
    }
    Ok(())
}

struct HoleRange {
    from_s: i64,
    to_s: i64,
    word: String,
    count: usize,
}

fn hole_word(check: &TrailCheck) -> String {
    let what = match check.about {
        CheckedObject::Digest => "digest",
        CheckedObject::Log => "log",
        CheckedObject::Span | CheckedObject::Other => "",
    };
    match (check.kind, &check.recorded) {
        (TrailVerdict::Gap, Some(stop)) => format!(
            "no digest: {} at {}, event {}",
            stop.call,
            time_text(stop.time_s),
            stop.event_id
        ),
        (TrailVerdict::Gap, None) => "no digest, and no call on record explains it".to_owned(),
        (TrailVerdict::Missing, _) => format!("{what} missing"),
        _ => format!("{what} tampered with"),
    }
}

fn files(out: &mut Out, document: &TrailCheckDocument<'_>, kind: TrailVerdict) -> Result<()> {
    let of: Vec<&TrailCheck> = document.checks.iter().filter(|c| c.kind == kind).collect();
    let word = match kind {
        TrailVerdict::Valid => "valid",
        TrailVerdict::Tampered => "TAMPERED",
        TrailVerdict::Missing => "MISSING",
        TrailVerdict::Extra => "EXTRA",
        TrailVerdict::Gap => "GAP",
        TrailVerdict::Unchecked => "unchecked",
    };
    for check in of.iter().take(FILES_SHOWN) {
        out.line(&format!("  {word:<9} {}", check.object))?;
        out.line(&format!("            {}", trail_reason(&check.because)))?;
    }
    if of.len() > FILES_SHOWN {
        let n = of.len() - FILES_SHOWN;
        out.line(&format!("  {word:<9} and {n} more (--format ndjson)"))?;
    }
    Ok(())
}

/// Reason for a verdict in words.
pub(crate) fn trail_reason(because: &CheckReason) -> String {
    use CheckReason as R;
    match because {
        R::Signed => "its signature verifies".to_owned(),
        R::SignedInNext { next } => format!("its signature in the next digest verifies: {next}"),
        R::HashNamed { digest } => format!("it has the hash in {digest}"),
        R::Remembered => "verified by an earlier run, and of the same size".to_owned(),
        R::File(fault) => file_fault(fault),
        R::Moved => {
            "its key, account or end time is not the one that it was written with".to_owned()
        }
        R::BadSignature => "its signature does not verify".to_owned(),
        R::BadSignatureInNext { next } => {
            format!("the signature that the next digest has for it does not verify: {next}")
        }
        R::OtherHashInNext { next } => format!("the next digest has another hash for it: {next}"),
        R::PreviousDiffers { previous } => {
            format!("it has another hash or signature for the digest before it: {previous}")
        }
        R::KeyNotValidThen { fingerprint } => {
            format!("the public key {fingerprint} was not valid at that time")
        }
        R::ClockRunsBack => "its time runs back".to_owned(),
        R::NotAsRemembered => "an earlier run recorded another hash for it".to_owned(),
        R::OtherCopySigned => "another file with the same key is the signed one".to_owned(),
        R::OtherHash { digest } => format!("it has another hash than in {digest}"),
        R::NamedByNext { next } => format!("the next digest names it: {next}"),
        R::NamedByDigest { digest } => format!("{digest} names it"),
        R::InSignatures => "there is a signature of it".to_owned(),
        R::NewestRemembered => "an earlier run recorded it as the newest digest".to_owned(),
        R::NamedByNone => "digests cover its time, and none names it".to_owned(),
        R::Restarted => "the chain of digests begins anew after it".to_owned(),
        R::NoDigest => "no digest covers this time".to_owned(),
        R::NoKey { fingerprint } => format!("the public key {fingerprint} is not known"),
        R::UnusableKey { fingerprint } => {
            format!("the public key {fingerprint} is no RSA key of 2048 bits or more")
        }
        R::NoSignature => {
            "no signature: give --signatures, or a later digest, which has it".to_owned()
        }
        R::DigestNotBelieved { digest } => {
            format!("the digest that names it does not count: {digest}")
        }
        R::BeforeOldest { next } => {
            format!("older than all digests that are there; the oldest names it: {next}")
        }
        R::Algorithm(name) => format!("the algorithm {name:?} is not judged"),
        R::TooNew => "no digest ends an hour after it yet".to_owned(),
        R::NotCovered => "not every trail has a valid digest of its time".to_owned(),
        R::NoDigests => "there are no digests of its account and region".to_owned(),
        R::NotItsName => "not a name that CloudTrail gives to logs or digests".to_owned(),
        R::OnlySignatures => "there is a signature, and no digest of its trail".to_owned(),
        R::SignatureLine { line } => format!("line {line} of the signatures is no HEX KEY"),
        R::StoreRolledBack {
            entries,
            remembered,
        } => format!(
            "the evidence log has {entries} entries, and this machine saw it with {remembered}: it \
            was rolled back"
        ),
    }
}

fn file_fault(fault: &FileFault) -> String {
    match fault {
        FileFault::NotGzip => "it is not what gzip writes".to_owned(),
        FileFault::MoreThanOneMember => "something follows the compressed content".to_owned(),
        FileFault::CutShort => "it is cut short".to_owned(),
        FileFault::TooLarge => "it is larger than any that CloudTrail writes".to_owned(),
        FileFault::NotJson => "it is not JSON".to_owned(),
        FileFault::RepeatedKey => "its JSON has a key twice".to_owned(),
        FileFault::Field(name) => format!("its field {name} is absent or of another type"),
        FileFault::Unreadable(why) => format!("it cannot be read: {why}"),
    }
}
