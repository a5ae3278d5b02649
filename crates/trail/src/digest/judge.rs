//! Judging all digests and logs of a trail: first the digests, then the logs that they name.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::check::{CheckReason, CheckedObject, FileFault, RecordedStop, TrailCheck, TrailVerdict};
use super::document::{DigestDocument, NamedHash};
use super::holes::{Covered, explained, holes, merged};
use super::keys::DigestKeys;
use super::log::{LogRead, TrailSwitch};
use super::name::{LogGroup, SeriesName, TrailFileName, key_of};
use super::remembered::{SeriesHead, VerifiedDigest, VerifiedFiles};
use super::series::{DigestSeries, SeriesDigest, Signers};
use super::sidecar::DigestSignatures;

/// Seconds that a digest must end after the delivery of a log to be sure that it would name it.
const SETTLED_S: i64 = 3600;

/// File of a trail, by its name alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailFile {
    pub path: String,
    /// Size as stored, where it is known.
    pub bytes: Option<u64>,
    pub name: TrailFileName,
}

/// All files of a trail, sorted by path.
#[derive(Debug, Default)]
pub struct TrailListing {
    files: Vec<TrailFile>,
    /// Positions of the files of a key.
    by_key: HashMap<String, Vec<usize>>,
}

/// Everything that is known beside the files.
#[derive(Debug, Default)]
pub struct TrailEvidence {
    pub keys: DigestKeys,
    pub signatures: DigestSignatures,
    /// Newest digests that earlier runs recorded.
    pub heads: Vec<SeriesHead>,
    /// Verified by earlier runs. Files of the same name and size are not read again.
    pub verified: VerifiedFiles,
}

/// Span of delivery of a region that is verified with all its logs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct VerifiedSpan {
    pub account: String,
    pub region: String,
    /// Seconds since 1970.
    pub from_s: i64,
    /// Seconds since 1970.
    pub to_s: i64,
}

/// Result of a check.
#[derive(Debug, Default)]
pub struct TrailReport {
    /// Lines by account, region and time.
    pub checks: Vec<TrailCheck>,
    /// Newest believed digest of each chain, and those of earlier runs that are newer.
    pub heads: Vec<SeriesHead>,
    pub verified: VerifiedFiles,
    pub spans: Vec<VerifiedSpan>,
    /// Accounts and regions that have digests, or had some in an earlier run.
    pub places: BTreeSet<(String, String)>,
    /// Number of digests that are there.
    pub digests: usize,
}

/// Digests, judged; the logs that they name are to be read.
pub struct JudgedDigests<'a> {
    listing: &'a TrailListing,
    evidence: &'a TrailEvidence,
    series: Vec<DigestSeries<'a>>,
    checks: Vec<TrailCheck>,
    /// By key: what digests say of a log.
    named: HashMap<String, Vec<LogNaming>>,
    /// Logs that were verified by an earlier run and need not be read: by key.
    remembered: HashMap<String, Option<u64>>,
    /// Keys that have a signature, with the end time in their names.
    signed: HashMap<SeriesName, Vec<(&'a str, i64)>>,
    /// Digests that were verified by an earlier run, by key.
    known: HashMap<&'a str, &'a VerifiedDigest>,
}

/// A digest's word on a log.
struct LogNaming {
    series: usize,
    digest: usize,
    hash: NamedHash,
    events_s: Option<(i64, i64)>,
}

impl TrailListing {
    /// Listing of paths with sizes, in any order.
    #[must_use]
    pub fn new(paths: impl IntoIterator<Item = (String, Option<u64>)>) -> Self {
        let mut files: Vec<TrailFile> = paths
            .into_iter()
            .map(|(path, bytes)| TrailFile {
                name: TrailFileName::parse(&path),
                path,
                bytes,
            })
            .collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files.dedup_by(|a, b| a.path == b.path);
        let mut by_key: HashMap<String, Vec<usize>> = HashMap::new();
        for (n, file) in files.iter().enumerate() {
            if let Some(key) = key_of(&file.path) {
                by_key.entry(key.to_owned()).or_default().push(n);
            }
        }
        Self { files, by_key }
    }

    /// All files, sorted by path.
    #[must_use]
    pub fn files(&self) -> &[TrailFile] {
        &self.files
    }

    /// Positions of the digests to read.
    #[must_use]
    pub fn unread_digests(&self, verified: &VerifiedFiles) -> Vec<usize> {
        let known: HashMap<&str, Option<u64>> = verified
            .0
            .iter()
            .map(|d| (d.key.as_str(), d.bytes))
            .collect();
        (0..self.files.len())
            .filter(|n| {
                let file = &self.files[*n];
                let key = key_of(&file.path).unwrap_or_default();
                matches!(file.name, TrailFileName::Digest { .. })
                    && known.get(key).is_none_or(|bytes| *bytes != file.bytes)
            })
            .collect()
    }

    fn has(&self, key: &str) -> bool {
        self.by_key.contains_key(key)
    }
}

/// Judges the digests. `read` has those of [`TrailListing::unread_digests`], by position.
#[must_use]
pub fn judge_digests<'a>(
    listing: &'a TrailListing,
    evidence: &'a TrailEvidence,
    read: Vec<(usize, Result<DigestDocument, FileFault>)>,
) -> JudgedDigests<'a> {
    let (by_series, remembered) = by_series(listing, evidence, read);
    let signers = Signers {
        keys: &evidence.keys,
        signatures: &evidence.signatures,
    };
    let mut series: Vec<DigestSeries<'a>> = by_series
        .into_iter()
        .map(|(name, digests)| DigestSeries {
            name,
            digests,
            head: evidence.heads.iter().find(|head| head.series == *name),
        })
        .collect();
    let mut named: HashMap<String, Vec<LogNaming>> = HashMap::new();
    for (s, one) in series.iter_mut().enumerate() {
        one.judge(signers);
        for (d, digest) in one.digests.iter().enumerate() {
            let logs = digest.read.as_ref().map_or(&[][..], |doc| &doc.logs);
            for log in logs {
                let key = key_of(&log.object).unwrap_or(&log.object).to_owned();
                named.entry(key).or_default().push(LogNaming {
                    series: s,
                    digest: d,
                    hash: log.hash.clone(),
                    events_s: log.events_s,
                });
            }
        }
    }
    let mut judged = JudgedDigests {
        listing,
        evidence,
        series,
        checks: Vec::new(),
        named,
        remembered,
        signed: signed(&evidence.signatures),
        known: evidence
            .verified
            .0
            .iter()
            .map(|d| (d.key.as_str(), d))
            .collect(),
    };
    judged.add_digest_checks();
    judged
}

/// Digests by chain.
type DigestsBySeries<'a> = BTreeMap<&'a SeriesName, Vec<SeriesDigest>>;

/// Digests by chain, read now or verified by an earlier run, and the logs of the latter by key.
fn by_series<'a>(
    listing: &'a TrailListing,
    evidence: &'a TrailEvidence,
    read: Vec<(usize, Result<DigestDocument, FileFault>)>,
) -> (DigestsBySeries<'a>, HashMap<String, Option<u64>>) {
    let mut by_series: BTreeMap<&SeriesName, Vec<SeriesDigest>> = BTreeMap::new();
    let mut add = |file: usize, read, is_remembered| {
        let one = &listing.files[file];
        if let TrailFileName::Digest { series, end_s } = &one.name {
            by_series.entry(series).or_default().push(SeriesDigest {
                file,
                key: key_of(&one.path).unwrap_or_default().to_owned(),
                end_s: *end_s,
                read,
                is_remembered,
                verdict: TrailVerdict::Unchecked,
                because: CheckReason::NoSignature,
            });
        }
    };
    let mut remembered = HashMap::new();
    for known in &evidence.verified.0 {
        let files = listing
            .by_key
            .get(&known.key)
            .map_or(&[][..], Vec::as_slice);
        for file in files {
            if listing.files[*file].bytes == known.bytes
                && let Some(document) = known.document()
            {
                add(*file, Ok(document), true);
                remembered.extend(known.logs.iter().map(|log| {
                    let key = key_of(&log.object).unwrap_or(&log.object);
                    (key.to_owned(), log.bytes)
                }));
            }
        }
    }
    for (file, result) in read {
        add(file, result, false);
    }
    for head in &evidence.heads {
        by_series.entry(&head.series).or_default();
    }
    (by_series, remembered)
}

/// Keys that have a signature, by chain.
fn signed(signatures: &DigestSignatures) -> HashMap<SeriesName, Vec<(&str, i64)>> {
    let mut signed: HashMap<SeriesName, Vec<(&str, i64)>> = HashMap::new();
    for key in signatures.keys() {
        if let TrailFileName::Digest { series, end_s } = TrailFileName::parse(key) {
            signed.entry(series).or_default().push((key, end_s));
        }
    }
    signed
}

impl JudgedDigests<'_> {
    fn signed_of(&self, series: &SeriesName) -> &[(&str, i64)] {
        self.signed.get(series).map_or(&[], Vec::as_slice)
    }

    fn digest(&self, naming: &LogNaming) -> &SeriesDigest {
        &self.series[naming.series].digests[naming.digest]
    }

    /// Lines for the digests, and for those that are missing.
    fn add_digest_checks(&mut self) {
        for one in &self.series {
            for digest in &one.digests {
                let file = &self.listing.files[digest.file];
                let start_s = digest.read.as_ref().ok().map(|d| d.start_s);
                self.checks.push(TrailCheck {
                    first_s: start_s
                        .filter(|s| *s <= digest.end_s)
                        .or(Some(digest.end_s)),
                    last_s: Some(digest.end_s),
                    ..check(
                        one.name,
                        &file.path,
                        (digest.verdict, digest.because.clone()),
                    )
                });
            }
            for (key, end_s, verdict) in missing(one, self.listing, self.signed_of(one.name)) {
                self.checks.push(TrailCheck {
                    first_s: Some(first_missing_s(one, end_s, &verdict.1)),
                    last_s: Some(end_s),
                    ..check(one.name, &key, verdict)
                });
            }
        }
        let there: HashSet<&SeriesName> = self.series.iter().map(|s| s.name).collect();
        let mut absent: Vec<_> = self
            .signed
            .iter()
            .filter(|(series, _)| !there.contains(series))
            .collect();
        absent.sort();
        for (series, keys) in absent {
            for (key, end_s) in keys {
                self.checks.push(TrailCheck {
                    first_s: Some(*end_s),
                    last_s: Some(*end_s),
                    ..check(
                        series,
                        key,
                        (TrailVerdict::Unchecked, CheckReason::OnlySignatures),
                    )
                });
            }
        }
        for line in &self.evidence.signatures.unreadable {
            self.checks.push(TrailCheck {
                account: String::new(),
                region: String::new(),
                first_s: None,
                last_s: None,
                about: CheckedObject::Other,
                object: String::new(),
                kind: TrailVerdict::Unchecked,
                because: CheckReason::SignatureLine { line: *line },
                recorded: None,
                trail: String::new(),
            });
        }
    }

    /// Positions of the logs to read: those that a believed digest names, unless an earlier run
    /// verified them.
    #[must_use]
    pub fn unread_logs(&self) -> Vec<usize> {
        (0..self.listing.files.len())
            .filter(|n| {
                let file = &self.listing.files[*n];
                let Some(key) = key_of(&file.path) else {
                    return false;
                };
                let is_named = self.named.get(key).is_some_and(|namings| {
                    namings.iter().any(|naming| {
                        self.digest(naming).is_believed()
                            && matches!(naming.hash, NamedHash::Sha256(_))
                    })
                });
                is_named && !self.is_remembered(key, file.bytes)
            })
            .collect()
    }

    fn is_remembered(&self, key: &str, bytes: Option<u64>) -> bool {
        let by_remembered = |namings: &Vec<LogNaming>| {
            namings
                .iter()
                .filter(|n| self.digest(n).is_believed())
                .all(|n| self.digest(n).is_remembered)
        };
        self.remembered
            .get(key)
            .is_some_and(|known| *known == bytes)
            && self.named.get(key).is_some_and(by_remembered)
    }

    /// Judges the logs and the holes. `read` has those of [`Self::unread_logs`], by position.
    #[must_use]
    pub fn finish(mut self, read: Vec<(usize, Result<LogRead, FileFault>)>) -> TrailReport {
        let read: HashMap<usize, Result<LogRead, FileFault>> = read.into_iter().collect();
        let mut bad: BTreeSet<(usize, usize)> = BTreeSet::new();
        let mut switches: BTreeMap<(usize, usize), Vec<TrailSwitch>> = BTreeMap::new();
        let groups = self.groups();
        let mut checks = Vec::new();
        for (n, file) in self.listing.files.iter().enumerate() {
            if matches!(file.name, TrailFileName::Digest { .. }) {
                continue;
            }
            let key = key_of(&file.path).unwrap_or_default();
            let Some(namings) = self.named.get(key) else {
                checks.push(unnamed(file, &groups));
                continue;
            };
            let verdict = if self.is_remembered(key, file.bytes) {
                (TrailVerdict::Valid, CheckReason::Remembered)
            } else {
                self.judge_log(namings, read.get(&n))
            };
            if verdict.0 != TrailVerdict::Valid {
                bad.extend(namings.iter().map(|n| (n.series, n.digest)));
            } else if let (Some(Ok(log)), Some(naming)) = (read.get(&n), namings.first()) {
                switches
                    .entry((naming.series, naming.digest))
                    .or_default()
                    .extend(log.switches.iter().cloned());
            }
            checks.push(self.log_check(&file.path, namings, verdict));
        }
        for (key, namings) in &self.named {
            if self.listing.has(key) {
                continue;
            }
            let believed = namings.iter().find(|n| self.digest(n).is_believed());
            let digest = |n: &LogNaming| self.digest(n).key.clone();
            let verdict = match (believed, namings.first()) {
                (Some(naming), _) => (
                    TrailVerdict::Missing,
                    CheckReason::NamedByDigest {
                        digest: digest(naming),
                    },
                ),
                (None, Some(naming)) => (
                    TrailVerdict::Unchecked,
                    CheckReason::DigestNotBelieved {
                        digest: digest(naming),
                    },
                ),
                (None, None) => continue,
            };
            bad.extend(namings.iter().map(|n| (n.series, n.digest)));
            checks.push(self.log_check(key, namings, verdict));
        }
        self.checks.append(&mut checks);
        self.report(&bad, switches)
    }

    fn judge_log(
        &self,
        namings: &[LogNaming],
        read: Option<&Result<LogRead, FileFault>>,
    ) -> (TrailVerdict, CheckReason) {
        let mut verdict = None;
        for naming in namings.iter().filter(|n| self.digest(n).is_believed()) {
            let digest = self.digest(naming).key.clone();
            let one = match (&naming.hash, read) {
                (NamedHash::Other(algorithm), _) => (
                    TrailVerdict::Unchecked,
                    CheckReason::Algorithm(algorithm.clone()),
                ),
                (_, Some(Err(fault @ FileFault::Unreadable(_)))) => {
                    (TrailVerdict::Unchecked, CheckReason::File(fault.clone()))
                }
                (_, Some(Err(fault))) => (TrailVerdict::Tampered, CheckReason::File(fault.clone())),
                (NamedHash::Sha256(hash), Some(Ok(log))) if *hash == log.sha256 => {
                    (TrailVerdict::Valid, CheckReason::HashNamed { digest })
                }
                (_, Some(Ok(_))) => (TrailVerdict::Tampered, CheckReason::OtherHash { digest }),
                (_, None) => (
                    TrailVerdict::Unchecked,
                    CheckReason::File(FileFault::Unreadable(String::new())),
                ),
            };
            // The worst word counts: tampered, unchecked, valid.
            let rank = |v: TrailVerdict| match v {
                TrailVerdict::Tampered => 2,
                TrailVerdict::Unchecked => 1,
                _ => 0,
            };
            if verdict
                .as_ref()
                .is_none_or(|(v, _): &(TrailVerdict, CheckReason)| rank(one.0) > rank(*v))
            {
                verdict = Some(one);
            }
        }
        verdict.unwrap_or_else(|| {
            let digest = namings.first().map(|n| self.digest(n).key.clone());
            (
                TrailVerdict::Unchecked,
                CheckReason::DigestNotBelieved {
                    digest: digest.unwrap_or_default(),
                },
            )
        })
    }

    fn log_check(
        &self,
        object: &str,
        namings: &[LogNaming],
        (kind, because): (TrailVerdict, CheckReason),
    ) -> TrailCheck {
        let believed = namings.iter().find(|n| self.digest(n).is_believed());
        let naming = believed.or_else(|| namings.first());
        let name = naming.map(|n| self.series[n.series].name);
        let delivered = match TrailFileName::parse(object) {
            TrailFileName::Log { delivered_s, .. } => Some(delivered_s),
            _ => None,
        };
        let span = naming
            .and_then(|n| n.events_s)
            .filter(|(from, to)| from <= to)
            .or(delivered);
        TrailCheck {
            account: name.map(|n| n.account.clone()).unwrap_or_default(),
            region: name.map(|n| n.region.clone()).unwrap_or_default(),
            first_s: span.map(|s| s.0),
            last_s: span.map(|s| s.1),
            about: CheckedObject::Log,
            object: object.to_owned(),
            kind,
            because,
            recorded: None,
            trail: name.map(|n| n.trail.clone()).unwrap_or_default(),
        }
    }

    /// Chains that may name the logs of a group: what they cover.
    fn groups(&self) -> HashMap<LogGroup, Vec<Vec<(i64, i64)>>> {
        let mut groups: HashMap<LogGroup, Vec<Vec<(i64, i64)>>> = HashMap::new();
        for one in self.series.iter().filter(|s| !s.name.backfill) {
            let spans = one
                .digests
                .iter()
                .filter_map(|d| d.believed().map(|doc| (doc.start_s, doc.end_s)));
            let spans = merged(spans.collect());
            let of_group = groups.entry(one.name.logs()).or_default();
            // Anybody can put a file beside that looks like a digest of one more trail.
            if !spans.is_empty() || one.head.is_some() {
                of_group.push(spans);
            }
        }
        groups
    }

    /// Holes, heads, and what is verified.
    fn report(
        mut self,
        bad: &BTreeSet<(usize, usize)>,
        switches: BTreeMap<(usize, usize), Vec<TrailSwitch>>,
    ) -> TrailReport {
        let mut known: Vec<TrailSwitch> = switches.values().flatten().cloned().collect();
        for verified in &self.evidence.verified.0 {
            known.extend(verified.switches.iter().map(TrailSwitch::from));
        }
        let gaps: Vec<TrailCheck> = self
            .series
            .iter()
            .filter(|s| !s.name.backfill)
            .flat_map(|s| self.gaps(s, &known))
            .collect();
        self.checks.extend(gaps);
        let mut report = TrailReport {
            digests: self.series.iter().map(|s| s.digests.len()).sum(),
            places: self
                .series
                .iter()
                .filter(|s| !s.name.backfill)
                .map(|s| (s.name.account.clone(), s.name.region.clone()))
                .collect(),
            heads: self.series.iter().filter_map(|s| self.head(s)).collect(),
            ..TrailReport::default()
        };
        let mut spans: BTreeMap<(&str, &str), Vec<(i64, i64)>> = BTreeMap::new();
        for (s, one) in self.series.iter().enumerate() {
            for (d, digest) in one.digests.iter().enumerate() {
                let Some(document) = digest.believed().filter(|_| !bad.contains(&(s, d))) else {
                    continue;
                };
                if !one.name.backfill {
                    spans
                        .entry((&one.name.account, &one.name.region))
                        .or_default()
                        .push((document.start_s, document.end_s));
                }
                report
                    .verified
                    .0
                    .extend(self.verified(digest, document, switches.get(&(s, d))));
            }
        }
        report.verified.0.sort_by(|a, b| a.key.cmp(&b.key));
        report.verified.0.dedup_by(|a, b| a.key == b.key);
        for ((account, region), list) in spans {
            for (from_s, to_s) in merged(list) {
                report.spans.push(VerifiedSpan {
                    account: account.to_owned(),
                    region: region.to_owned(),
                    from_s,
                    to_s,
                });
            }
        }
        self.checks.sort();
        self.checks.dedup();
        report.checks = self.checks;
        report
    }

    fn verified(
        &self,
        digest: &SeriesDigest,
        document: &DigestDocument,
        switches: Option<&Vec<TrailSwitch>>,
    ) -> Option<VerifiedDigest> {
        if digest.is_remembered {
            return self.known.get(digest.key.as_str()).map(|d| (*d).clone());
        }
        let bytes = |object: &str| {
            let key = key_of(object).unwrap_or(object);
            let file = self.listing.by_key.get(key)?.first()?;
            self.listing.files[*file].bytes
        };
        let stored = self.listing.files[digest.file].bytes;
        let mut verified = VerifiedDigest::new(&digest.key, stored, document, &bytes)?;
        verified.switches = switches.into_iter().flatten().map(Into::into).collect();
        Some(verified)
    }

    /// Lines for the holes of a chain.
    fn gaps(&self, one: &DigestSeries<'_>, switches: &[TrailSwitch]) -> Vec<TrailCheck> {
        let mut spans: Vec<Covered> = Vec::new();
        let mut accounted = Vec::new();
        for (n, digest) in one.digests.iter().enumerate() {
            match digest.believed() {
                Some(document) => spans.push(Covered {
                    digest: n,
                    start_s: document.start_s,
                    end_s: document.end_s,
                    is_first: document.previous.is_none(),
                }),
                None => accounted.push(digest.end_s),
            }
        }
        spans.sort_by_key(|s| (s.start_s, s.end_s, s.digest));
        accounted.extend(
            missing(one, self.listing, self.signed_of(one.name))
                .iter()
                .map(|(_, end_s, _)| *end_s),
        );
        accounted.sort_unstable();
        let own: Vec<&TrailSwitch> = switches
            .iter()
            .filter(|s| !self.is_of_another(s, one.name))
            .collect();
        let mut lines = Vec::new();
        for hole in holes(&spans, &accounted) {
            let after = &one.digests[hole.before];
            for ((from_s, to_s), off) in explained(&hole, one.name, &own) {
                lines.push(TrailCheck {
                    about: CheckedObject::Span,
                    first_s: Some(from_s),
                    last_s: Some(to_s),
                    recorded: off.map(|s| RecordedStop {
                        event_id: s.event_id.clone(),
                        call: s.call.clone(),
                        time_s: s.time_s,
                    }),
                    ..check(
                        one.name,
                        &self.listing.files[after.file].path,
                        (TrailVerdict::Gap, hole.because()),
                    )
                });
            }
        }
        lines
    }

    /// Whether a call was about an account's own trail of the same name as an organization's.
    fn is_of_another(&self, switch: &TrailSwitch, series: &SeriesName) -> bool {
        series.organization.is_some()
            && self.series.iter().any(|other| {
                other.name.organization.is_none()
                    && other.name.account == switch.account
                    && other.name.trail == switch.trail
                    && other.name.home == switch.home
            })
    }

    /// Newest believed digest of a chain; never an older one than an earlier run recorded.
    fn head(&self, one: &DigestSeries<'_>) -> Option<SeriesHead> {
        let believed = || {
            one.digests
                .iter()
                .filter_map(|d| d.believed().map(|doc| (d, doc)))
        };
        let newest = believed().max_by_key(|(d, doc)| (doc.end_s, &d.key));
        let first_s = believed()
            .map(|(_, doc)| doc.start_s)
            .chain(one.head.map(|h| h.first_s))
            .min()?;
        let head = newest.map(|(digest, document)| SeriesHead {
            series: one.name.clone(),
            first_s,
            end_s: document.end_s,
            key: digest.key.clone(),
            sha256: document.sha256,
            signature: self.evidence.signatures.of(&digest.key).first().cloned(),
        });
        match (head, one.head) {
            (Some(new), Some(old)) if new.end_s <= old.end_s => Some(old.clone()),
            (None, Some(old)) => Some(old.clone()),
            (new, _) => new,
        }
    }
}

fn check(
    series: &SeriesName,
    object: &str,
    (kind, because): (TrailVerdict, CheckReason),
) -> TrailCheck {
    TrailCheck {
        account: series.account.clone(),
        region: series.region.clone(),
        first_s: None,
        last_s: None,
        about: CheckedObject::Digest,
        object: object.to_owned(),
        kind,
        because,
        recorded: None,
        trail: series.trail.clone(),
    }
}

/// Digests of a chain that are not there, by key, with end time.
fn missing(
    one: &DigestSeries<'_>,
    listing: &TrailListing,
    signed: &[(&str, i64)],
) -> Vec<(String, i64, (TrailVerdict, CheckReason))> {
    let mut found: BTreeMap<String, (i64, (TrailVerdict, CheckReason))> = BTreeMap::new();
    let end_of = |key: &str| match TrailFileName::parse(key) {
        TrailFileName::Digest { end_s, series } if series == *one.name => Some(end_s),
        _ => None,
    };
    let oldest = one.digests.first().map(|d| d.end_s);
    let mut add = |key: &str, end_s: i64, kind, because| {
        if !listing.has(key) {
            found
                .entry(key.to_owned())
                .or_insert((end_s, (kind, because)));
        }
    };
    let is_before_oldest = |end_s: i64| {
        oldest.is_some_and(|oldest| end_s < oldest)
            && one.head.is_none_or(|head| end_s < head.end_s)
    };
    for digest in &one.digests {
        let Some(previous) = digest.believed().and_then(|doc| doc.previous.as_ref()) else {
            continue;
        };
        let key = key_of(&previous.object).unwrap_or(&previous.object);
        let end_s = end_of(key).unwrap_or(digest.end_s);
        let next = digest.key.clone();
        if is_before_oldest(end_s) {
            add(
                key,
                end_s,
                TrailVerdict::Unchecked,
                CheckReason::BeforeOldest { next },
            );
        } else {
            add(
                key,
                end_s,
                TrailVerdict::Missing,
                CheckReason::NamedByNext { next },
            );
        }
    }
    if let Some(head) = one.head {
        add(
            &head.key,
            head.end_s,
            TrailVerdict::Missing,
            CheckReason::NewestRemembered,
        );
    }
    for (key, end_s) in signed {
        if oldest.is_some_and(|oldest| *end_s > oldest) {
            add(
                key,
                *end_s,
                TrailVerdict::Missing,
                CheckReason::InSignatures,
            );
        }
    }
    found
        .into_iter()
        .map(|(key, (end_s, verdict))| (key, end_s, verdict))
        .collect()
}

/// Where the time of a missing digest begins: after the believed digest before it, but for all that
/// is lost where an earlier run knew it as the newest.
fn first_missing_s(one: &DigestSeries<'_>, end_s: i64, because: &CheckReason) -> i64 {
    let before = one
        .digests
        .iter()
        .filter_map(SeriesDigest::believed)
        .filter(|doc| doc.end_s <= end_s)
        .map(|doc| (doc.end_s, doc.end_s - doc.start_s))
        .max();
    match (before, because) {
        (Some((end, _)), CheckReason::NewestRemembered) => end,
        (None, CheckReason::NewestRemembered) => one.head.map_or(end_s, |h| h.first_s),
        (Some((end, period)), _) if end_s - end <= period + period / 2 => end,
        (Some((_, period)), _) => end_s - period,
        (None, _) => end_s,
    }
}

/// Verdict on a file that no digest names.
fn unnamed(file: &TrailFile, groups: &HashMap<LogGroup, Vec<Vec<(i64, i64)>>>) -> TrailCheck {
    let line = |account: &str, region: &str, span: Option<(i64, i64)>, verdict| TrailCheck {
        account: account.to_owned(),
        region: region.to_owned(),
        first_s: span.map(|s| s.0),
        last_s: span.map(|s| s.1),
        about: if span.is_some() {
            CheckedObject::Log
        } else {
            CheckedObject::Other
        },
        object: file.path.clone(),
        kind: verdict,
        because: CheckReason::NotItsName,
        recorded: None,
        trail: String::new(),
    };
    let TrailFileName::Log { group, delivered_s } = &file.name else {
        return line("", "", None, TrailVerdict::Unchecked);
    };
    let because = match groups.get(group) {
        None => CheckReason::NoDigests,
        Some(chains) => why_unnamed(chains, *delivered_s),
    };
    let kind = if because == CheckReason::NamedByNone {
        TrailVerdict::Extra
    } else {
        TrailVerdict::Unchecked
    };
    TrailCheck {
        because,
        ..line(&group.account, &group.region, Some(*delivered_s), kind)
    }
}

/// Why no digest names a log: one of each chain that could have should cover its time, and one
/// should end an hour later.
fn why_unnamed(chains: &[Vec<(i64, i64)>], (from_s, to_s): (i64, i64)) -> CheckReason {
    if chains.iter().all(Vec::is_empty) {
        return CheckReason::NotCovered;
    }
    // A name without a minute is none of CloudTrail's: any part of the day will do.
    let has_minute = to_s - from_s < 60;
    let covers = |spans: &Vec<(i64, i64)>| {
        spans.iter().any(|(from, to)| {
            if has_minute {
                *from <= from_s && to_s - 59 <= *to
            } else {
                *from < to_s && *to > from_s
            }
        })
    };
    let last_s = |spans: &Vec<(i64, i64)>| spans.last().map_or(i64::MIN, |s| s.1);
    if chains
        .iter()
        .any(|spans| last_s(spans) < from_s + SETTLED_S)
    {
        return CheckReason::TooNew;
    }
    if chains.iter().all(covers) {
        CheckReason::NamedByNone
    } else {
        CheckReason::NotCovered
    }
}
