//! Checking a trail against its digests, as `verify trail` and `watch` share it: many files at
//! once, public keys from AWS where they are not given, and what earlier runs remember.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use anyhow::{Context, Result};
use bartizan_cloud::bucket::S3Folder;
use bartizan_cloud::live::Identity;
use bartizan_cloud::model::Model;
use bartizan_cloud::public_keys::public_keys;
use bartizan_model::limits::{FETCHES_IN_FLIGHT, KEY_SLACK_SECONDS};
use bartizan_trail::digest::{
    DigestDocument, DigestKeys, DigestSignatures, FileFault, LogReader, MemberReader,
    TrailEvidence, TrailFileName, TrailListing, TrailReport, judge_digests,
};

use crate::files::read_text;
use crate::trail::TrailObject;

/// Where public keys come from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum KeySource<'a> {
    /// A file of `aws cloudtrail list-public-keys`.
    File(&'a Path),
    /// AWS, with a profile.
    Live(Option<&'a str>),
    /// Nowhere: nothing is asked of AWS.
    Absent,
}

/// Result of a check, with what came from the bucket.
pub(crate) struct CheckedTrail {
    pub(crate) report: TrailReport,
    /// Signatures from the metadata of S3.
    pub(crate) signatures: DigestSignatures,
    /// Regions whose public keys AWS did not give, and why.
    pub(crate) keyless: Vec<(String, String)>,
}

/// Reads public keys from a file.
pub(crate) fn read_keys(file: &Path) -> Result<DigestKeys> {
    DigestKeys::parse(&read_text(file)?).map_err(|_| {
        anyhow::anyhow!(
            "{} holds no public keys: give what aws cloudtrail list-public-keys prints",
            file.display()
        )
    })
}

/// Reads the signatures of a file.
pub(crate) fn read_signatures(file: &Path) -> Result<DigestSignatures> {
    Ok(DigestSignatures::parse(&read_text(file)?))
}

/// Checks all objects. `read` is told of stored bytes as they are read.
pub(crate) fn check_trail(
    objects: &[TrailObject],
    evidence: TrailEvidence,
    keys: KeySource<'_>,
    threads: usize,
    read: &(dyn Fn(u64) + Sync),
) -> Result<CheckedTrail> {
    let mut evidence = evidence;
    let listing = TrailListing::new(objects.iter().map(|o| (o.name.clone(), o.bytes)));
    let by_name: BTreeMap<&str, &TrailObject> =
        objects.iter().map(|o| (o.name.as_str(), o)).collect();
    let of = |positions: &[usize]| -> Vec<(usize, &TrailObject)> {
        positions
            .iter()
            .filter_map(|n| Some((*n, *by_name.get(listing.files()[*n].path.as_str())?)))
            .collect()
    };
    let mut signatures = DigestSignatures::default();
    let unread = listing.unread_digests(&evidence.verified);
    let digests = read_all(
        &of(&unread),
        threads,
        read,
        MemberReader::new,
        |reader, source| DigestDocument::read(reader, source),
        &mut |name, metadata| {
            if let Some(hex) = metadata.get("signature") {
                signatures.add(name, hex);
            }
        },
    );
    evidence.signatures.add_all(&signatures);
    let mut keyless = Vec::new();
    match keys {
        KeySource::File(file) => evidence.keys = read_keys(file)?,
        KeySource::Live(profile) => {
            keyless = live_keys(&mut evidence.keys, profile, &listing, &digests)?;
        }
        KeySource::Absent => {}
    }
    let judged = judge_digests(&listing, &evidence, digests);
    let logs = read_all(
        &of(&judged.unread_logs()),
        threads,
        read,
        LogReader::new,
        |reader, source| reader.read(source),
        &mut |_, _| {},
    );
    Ok(CheckedTrail {
        report: judged.finish(logs),
        signatures,
        keyless,
    })
}

type Read1<T> = Result<T, FileFault>;

/// Asks AWS for the keys of every region that has digests to judge.
fn live_keys(
    keys: &mut DigestKeys,
    profile: Option<&str>,
    listing: &TrailListing,
    digests: &[(usize, Read1<DigestDocument>)],
) -> Result<Vec<(String, String)>> {
    let mut spans: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for (n, read) in digests {
        if let (TrailFileName::Digest { series, .. }, Ok(digest)) =
            (&listing.files()[*n].name, read)
        {
            let span = (
                digest.start_s - KEY_SLACK_SECONDS,
                digest.end_s + KEY_SLACK_SECONDS,
            );
            let all = spans.entry(series.region.clone()).or_insert(span);
            *all = (all.0.min(span.0), all.1.max(span.1));
        }
    }
    if spans.is_empty() {
        return Ok(Vec::new());
    }
    let identity = Identity {
        profile: profile.map(str::to_owned),
        ..Identity::default()
    };
    let spans: Vec<(String, (i64, i64))> = spans.into_iter().collect();
    let answers = match public_keys(&Model::builtin(), &identity, &spans) {
        Ok(answers) => answers,
        Err(e) => {
            let why = e.to_string();
            return Ok(spans.into_iter().map(|(r, _)| (r, why.clone())).collect());
        }
    };
    let mut keyless = Vec::new();
    for (region, answer) in answers {
        match answer {
            Ok(list) => keys
                .add(&list)
                .map_err(|_| anyhow::anyhow!("AWS gave keys of another form"))
                .with_context(|| format!("cannot read the public keys of {region}"))?,
            Err(e) => keyless.push((region, e.detail)),
        }
    }
    Ok(keyless)
}

/// Reads objects, many at once, and tells of the metadata of those in a bucket.
fn read_all<R, T: Send>(
    objects: &[(usize, &TrailObject)],
    threads: usize,
    stored: &(dyn Fn(u64) + Sync),
    reader: impl Fn() -> R + Sync,
    read: impl Fn(&mut R, &mut dyn Read) -> Read1<T> + Sync,
    metadata: &mut dyn FnMut(&str, &BTreeMap<String, String>),
) -> Vec<(usize, Read1<T>)> {
    let (remote, local): (Vec<_>, Vec<_>) =
        objects.iter().partition(|(_, o)| o.in_bucket().is_some());
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(objects.len()));
    let keep = |list: Vec<(usize, Read1<T>)>| {
        done.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(list);
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.min(local.len()) {
            scope.spawn(|| {
                let (mut reader, mut own) = (reader(), Vec::new());
                while let Some((n, object)) = local.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = match object.open() {
                        Ok(mut source) => read(&mut reader, &mut source),
                        Err(e) => Err(FileFault::Unreadable(e.to_string())),
                    };
                    stored(object.bytes.unwrap_or(0));
                    own.push((*n, result));
                }
                keep(own);
            });
        }
    });
    for folder in folders(&remote) {
        let of_folder: Vec<(usize, &str, &TrailObject)> = remote
            .iter()
            .filter_map(|(n, o)| {
                let (own, key) = o.in_bucket()?;
                Arc::ptr_eq(own, &folder).then_some((*n, key, *o))
            })
            .collect();
        keep(fetch_all(
            &folder, &of_folder, threads, stored, &reader, &read, metadata,
        ));
    }
    let mut all = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    all.sort_by_key(|(n, _)| *n);
    all
}

fn folders(remote: &[(usize, &TrailObject)]) -> Vec<Arc<S3Folder>> {
    let mut seen = BTreeSet::new();
    remote
        .iter()
        .filter_map(|(_, o)| o.in_bucket())
        .filter(|(folder, _)| seen.insert(Arc::as_ptr(folder) as usize))
        .map(|(folder, _)| Arc::clone(folder))
        .collect()
}

/// Fetches objects of a bucket. One thread fetches, the others inflate and hash.
fn fetch_all<R, T: Send>(
    folder: &S3Folder,
    objects: &[(usize, &str, &TrailObject)],
    threads: usize,
    stored: &(dyn Fn(u64) + Sync),
    reader: &(impl Fn() -> R + Sync),
    read: &(impl Fn(&mut R, &mut dyn Read) -> Read1<T> + Sync),
    metadata: &mut dyn FnMut(&str, &BTreeMap<String, String>),
) -> Vec<(usize, Read1<T>)> {
    let (sender, receiver) = mpsc::sync_channel(2 * FETCHES_IN_FLIGHT);
    let receiver = Mutex::new(receiver);
    let done = Mutex::new(Vec::with_capacity(objects.len()));
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                let (mut reader, mut own) = (reader(), Vec::new());
                loop {
                    let next = receiver
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .recv();
                    let Ok((n, bytes)) = next else { break };
                    let bytes: Result<_, io::Error> = bytes;
                    own.push((
                        n,
                        match bytes {
                            Ok(bytes) => {
                                let bytes: Vec<u8> = bytes;
                                let mut source = bytes.as_slice();
                                read(&mut reader, &mut source)
                            }
                            Err(e) => Err(FileFault::Unreadable(e.to_string())),
                        },
                    ));
                }
                done.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .extend(own);
            });
        }
        let keys: Vec<&str> = objects.iter().map(|(_, key, _)| *key).collect();
        folder.fetch(&keys, FETCHES_IN_FLIGHT, &mut |at, fetched| {
            let (n, _, object) = objects[at];
            stored(object.bytes.unwrap_or(0));
            let bytes = fetched
                .map(|fetched| {
                    metadata(&object.name, &fetched.metadata);
                    fetched.bytes.to_vec()
                })
                .map_err(io::Error::other);
            // The readers end after us.
            let _ = sender.send((n, bytes));
        });
        drop(sender);
    });
    done.into_inner().unwrap_or_else(PoisonError::into_inner)
}
