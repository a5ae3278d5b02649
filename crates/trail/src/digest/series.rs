//! Judging the digests of one chain by their signatures and by each other.

use std::collections::BTreeMap;

use super::check::{CheckReason, FileFault, TrailVerdict};
use super::document::{DigestDocument, NamedHash, PreviousDigest};
use super::keys::{DigestKeys, SignatureVerdict};
use super::name::{SeriesName, TrailFileName, key_of};
use super::remembered::SeriesHead;
use super::sidecar::DigestSignatures;

/// Digests of one chain, by end time.
pub(super) struct DigestSeries<'a> {
    pub(super) name: &'a SeriesName,
    pub(super) digests: Vec<SeriesDigest>,
    pub(super) head: Option<&'a SeriesHead>,
}

/// Digest file with its verdict.
pub(super) struct SeriesDigest {
    /// Index of its file.
    pub(super) file: usize,
    /// Key from `AWSLogs/` on.
    pub(super) key: String,
    /// End time by its name, seconds since 1970.
    pub(super) end_s: i64,
    pub(super) read: Result<DigestDocument, FileFault>,
    /// Whether it was verified by an earlier run and is not read again.
    pub(super) is_remembered: bool,
    pub(super) verdict: TrailVerdict,
    pub(super) because: CheckReason,
}

/// Keys and signatures.
#[derive(Clone, Copy)]
pub(super) struct Signers<'a> {
    pub(super) keys: &'a DigestKeys,
    pub(super) signatures: &'a DigestSignatures,
}

impl SeriesDigest {
    pub(super) fn is_believed(&self) -> bool {
        self.verdict == TrailVerdict::Valid
    }

    /// Content, if it is believed.
    pub(super) fn believed(&self) -> Option<&DigestDocument> {
        self.read.as_ref().ok().filter(|_| self.is_believed())
    }

    /// The digest before it, as it says itself.
    fn previous(&self) -> Option<(&str, &PreviousDigest)> {
        let previous = self.read.as_ref().ok()?.previous.as_ref()?;
        Some((
            key_of(&previous.object).unwrap_or(&previous.object),
            previous,
        ))
    }

    fn set(&mut self, (verdict, because): (TrailVerdict, CheckReason)) {
        (self.verdict, self.because) = (verdict, because);
    }
}

const fn tampered(because: CheckReason) -> (TrailVerdict, CheckReason) {
    (TrailVerdict::Tampered, because)
}

const fn unchecked(because: CheckReason) -> (TrailVerdict, CheckReason) {
    (TrailVerdict::Unchecked, because)
}

impl DigestSeries<'_> {
    /// Gives every digest its verdict.
    pub(super) fn judge(&mut self, signers: Signers<'_>) {
        self.digests
            .sort_by(|a, b| (a.end_s, &a.key, a.file).cmp(&(b.end_s, &b.key, b.file)));
        for n in 0..self.digests.len() {
            let verdict = self.by_itself(&self.digests[n], signers);
            self.digests[n].set(verdict);
        }
        // What follows a digest is judged before it.
        let claims = self.claims();
        for n in (0..self.digests.len()).rev() {
            let next = claims
                .get(&self.digests[n].key)
                .map_or(&[][..], Vec::as_slice);
            if let Some(verdict) = self.by_next(n, next, signers) {
                self.digests[n].set(verdict);
            }
        }
        let by_key = self.by_key();
        for n in 0..self.digests.len() {
            if let Some(verdict) = self.by_previous(n, &by_key, signers) {
                self.digests[n].set(verdict);
            }
        }
        self.judge_copies(&by_key);
    }

    /// Positions of the files of each key.
    fn by_key(&self) -> BTreeMap<String, Vec<usize>> {
        let mut by_key: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (n, digest) in self.digests.iter().enumerate() {
            by_key.entry(digest.key.clone()).or_default().push(n);
        }
        by_key
    }

    /// Positions of the digests that name a digest as the one before them, by its key.
    fn claims(&self) -> BTreeMap<String, Vec<usize>> {
        let mut claims: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (n, digest) in self.digests.iter().enumerate() {
            if let Some((key, _)) = digest.previous() {
                claims.entry(key.to_owned()).or_default().push(n);
            }
        }
        claims
    }

    /// Verdict from the file and its signature alone.
    fn by_itself(&self, one: &SeriesDigest, signers: Signers<'_>) -> (TrailVerdict, CheckReason) {
        let document = match &one.read {
            Ok(document) => document,
            Err(fault @ FileFault::Unreadable(_)) => {
                return unchecked(CheckReason::File(fault.clone()));
            }
            Err(fault) => return tampered(CheckReason::File(fault.clone())),
        };
        if one.is_remembered {
            return (TrailVerdict::Valid, CheckReason::Remembered);
        }
        if key_of(&document.object) != Some(&one.key)
            || document.account != self.name.account
            || document.end_s != one.end_s
        {
            return tampered(CheckReason::Moved);
        }
        if document.end_s < document.start_s {
            return tampered(CheckReason::ClockRunsBack);
        }
        let head = self.head.filter(|head| head.key == one.key);
        if head.is_some_and(|head| head.sha256 != document.sha256) {
            return tampered(CheckReason::NotAsRemembered);
        }
        if document.algorithm != "SHA256withRSA" {
            return unchecked(CheckReason::Algorithm(document.algorithm.clone()));
        }
        let verdicts = signers
            .signatures
            .of(&one.key)
            .iter()
            .map(|hex| signers.keys.judge(document, hex, self.name.backfill))
            .collect::<Vec<_>>();
        let worst = [
            SignatureVerdict::Bad,
            SignatureVerdict::NotValidThen,
            SignatureVerdict::UnusableKey,
            SignatureVerdict::NoKey,
            SignatureVerdict::Good,
        ]
        .into_iter()
        .find(|v| verdicts.contains(v));
        match worst {
            Some(verdict) => of_signature(verdict, document, CheckReason::Signed, || {
                CheckReason::BadSignature
            }),
            None if head.is_some() => (TrailVerdict::Valid, CheckReason::Remembered),
            None => unchecked(CheckReason::NoSignature),
        }
    }

    /// Verdict on a digest that its own signature did not decide, from those that name it.
    fn by_next(
        &self,
        n: usize,
        claims: &[usize],
        signers: Signers<'_>,
    ) -> Option<(TrailVerdict, CheckReason)> {
        let one = &self.digests[n];
        let document = one.read.as_ref().ok()?;
        if one.verdict != TrailVerdict::Unchecked {
            return None;
        }
        let mut verdict = None;
        for next in claims.iter().map(|c| &self.digests[*c]) {
            let Some((_, named)) = next.previous() else {
                continue;
            };
            let name = || next.key.clone();
            if next.is_believed() {
                match &named.hash {
                    NamedHash::Sha256(hash) if *hash != document.sha256 => {
                        return Some(tampered(CheckReason::OtherHashInNext { next: name() }));
                    }
                    NamedHash::Other(_) => continue,
                    NamedHash::Sha256(_) => {}
                }
            }
            if one.because != CheckReason::NoSignature {
                continue;
            }
            let signed = named
                .signature
                .as_deref()
                .map(|hex| signers.keys.judge(document, hex, self.name.backfill));
            let good = CheckReason::SignedInNext { next: name() };
            match signed {
                // Whoever hands over a signature of CloudTrail, it is one.
                Some(SignatureVerdict::Good) => return Some((TrailVerdict::Valid, good)),
                Some(other) if next.is_believed() => {
                    verdict = Some(of_signature(other, document, good, || {
                        CheckReason::BadSignatureInNext { next: name() }
                    }));
                }
                None if next.is_believed() => verdict = Some((TrailVerdict::Valid, good)),
                _ => {}
            }
        }
        verdict
    }

    /// Verdict on a believed digest that does not fit the one before it.
    fn by_previous(
        &self,
        n: usize,
        by_key: &BTreeMap<String, Vec<usize>>,
        signers: Signers<'_>,
    ) -> Option<(TrailVerdict, CheckReason)> {
        let one = &self.digests[n];
        let document = one.believed().filter(|_| !one.is_remembered)?;
        let (key, named) = one.previous()?;
        let earlier = match TrailFileName::parse(key) {
            TrailFileName::Digest { end_s, .. } => end_s,
            _ => i64::MIN,
        };
        if earlier >= document.end_s {
            return Some(tampered(CheckReason::ClockRunsBack));
        }
        let differs = || {
            Some(tampered(CheckReason::PreviousDiffers {
                previous: key.to_owned(),
            }))
        };
        if let Some(head) = self.head.filter(|head| head.key == key)
            && matches!(named.hash, NamedHash::Sha256(hash) if hash != head.sha256)
        {
            return differs();
        }
        let before = by_key
            .get(key)?
            .iter()
            .find_map(|n| self.digests[*n].believed())?;
        match &named.hash {
            NamedHash::Other(algorithm) => {
                return Some(unchecked(CheckReason::Algorithm(algorithm.clone())));
            }
            NamedHash::Sha256(hash) if *hash != before.sha256 => return differs(),
            NamedHash::Sha256(_) => {}
        }
        let signatures = signers.signatures.of(key);
        let same = |hex: &String| signatures.iter().any(|s| s.eq_ignore_ascii_case(hex));
        if !signatures.is_empty() && !named.signature.as_ref().is_some_and(same) {
            return differs();
        }
        (document.start_s < before.start_s).then(|| tampered(CheckReason::ClockRunsBack))
    }

    /// Of several files with one key, those that differ from the one that is believed are wrong.
    fn judge_copies(&mut self, by_key: &BTreeMap<String, Vec<usize>>) {
        let hash = |d: &SeriesDigest| d.read.as_ref().ok().map(|r| r.sha256);
        for copies in by_key.values().filter(|copies| copies.len() > 1) {
            let signed = copies
                .iter()
                .map(|n| &self.digests[*n])
                .find(|d| d.is_believed())
                .and_then(hash);
            let Some(signed) = signed else { continue };
            for n in copies {
                let one = &self.digests[*n];
                if one.verdict == TrailVerdict::Unchecked && hash(one) != Some(signed) {
                    self.digests[*n].set(tampered(CheckReason::OtherCopySigned));
                }
            }
        }
    }
}

fn of_signature(
    verdict: SignatureVerdict,
    document: &DigestDocument,
    good: CheckReason,
    bad: impl Fn() -> CheckReason,
) -> (TrailVerdict, CheckReason) {
    let fingerprint = document.fingerprint.clone();
    match verdict {
        SignatureVerdict::Good => (TrailVerdict::Valid, good),
        SignatureVerdict::Bad => tampered(bad()),
        SignatureVerdict::NotValidThen => tampered(CheckReason::KeyNotValidThen { fingerprint }),
        SignatureVerdict::NoKey => unchecked(CheckReason::NoKey { fingerprint }),
        SignatureVerdict::UnusableKey => unchecked(CheckReason::UnusableKey { fingerprint }),
    }
}
