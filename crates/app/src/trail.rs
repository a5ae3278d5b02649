//! Where the objects of a trail are: files, folders, globs, standard input, S3.

use std::collections::{HashMap, HashSet};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use bartizan_cloud::bucket::{S3Folder, split_url};
use bartizan_cloud::live::Identity;
use bartizan_cloud::model::Model;
use bartizan_detect::ObjectInfo;
use bartizan_model::encoding::decode_lossy;
use bartizan_model::limits::{DELIVERY_SECONDS_MAX, FOLDER_DEPTH_MAX, OBJECT_WHOLE_BYTES_MAX};
use jiff::Timestamp;

use crate::files::read_text;

/// One object to read.
pub(crate) struct TrailObject {
    /// Name in messages: a path, or `s3://bucket/key`.
    pub(crate) name: String,
    /// Bytes as stored, where that is known.
    pub(crate) bytes: Option<u64>,
    /// Times that are asked for, and when it was delivered.
    pub(crate) about: ObjectInfo,
    /// Entity tag or time of the last write, where that is known: another one after an overwrite.
    pub(crate) version: Option<String>,
    place: ObjectPlace,
    /// Content that was read ahead.
    held: Option<Vec<u8>>,
    /// [`Self::scan_version`] of an object that is only known from the state.
    kept_version: Option<String>,
}

enum ObjectPlace {
    /// Permission denied, or no file.
    Closed(io::ErrorKind, String),
    File(PathBuf),
    Stdin,
    S3(Arc<S3Folder>, String),
}

/// Objects to read, and times outside of which they are left out.
pub(crate) struct WantedObjects<'a> {
    pub(crate) paths: &'a [String],
    pub(crate) list: Option<&'a str>,
    pub(crate) since: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
    pub(crate) profile: Option<&'a str>,
}

/// All objects, in the order of the times in their names, and how many the times left out.
///
/// The order is a hint that keeps memory small; what is found does not depend on it.
pub(crate) fn objects(wanted: &WantedObjects<'_>) -> Result<(Vec<TrailObject>, usize)> {
    let about = ObjectInfo {
        since_s: wanted.since.map(Timestamp::as_second),
        until_s: wanted.until.map(Timestamp::as_second),
        delivered_s: None,
    };
    let mut finder = ObjectFinder::new(wanted.profile, about);
    for path in wanted.paths {
        finder.add(path)?;
    }
    if let Some(list) = wanted.list {
        let text = if list == "-" {
            let mut bytes = Vec::new();
            io::stdin()
                .lock()
                .read_to_end(&mut bytes)
                .context("cannot read standard input")?;
            decode_lossy(&bytes)
        } else {
            read_text(Path::new(list))?
        };
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            finder.add_listed(line)?;
        }
    }
    let all = finder.objects.len();
    let mut objects = finder.objects;
    objects.retain(|object| {
        let Some((from, to)) = delivered(&object.name) else {
            return true;
        };
        let late = jiff::SignedDuration::from_secs(DELIVERY_SECONDS_MAX);
        // Its events are no younger than its delivery, and not much older.
        wanted.since.is_none_or(|since| to >= since)
            && wanted
                .until
                .is_none_or(|until| from <= until.saturating_add(late).unwrap_or(until))
    });
    let left_out = all - objects.len();
    objects.sort_by_cached_key(|object| (object.delivered(), object.name.clone()));
    Ok((objects, left_out))
}

impl TrailObject {
    /// When it was delivered, where its name says so.
    pub(crate) fn delivered(&self) -> Option<Timestamp> {
        let delivered_s = self.about.delivered_s?;
        Timestamp::from_second(delivered_s).ok()
    }

    /// Version of its content, by which a kept scan result is known to be of it: entity tag, or
    /// time of the last write and size.
    pub(crate) fn scan_version(&self) -> Option<String> {
        if self.kept_version.is_some() {
            return self.kept_version.clone();
        }
        let version = self.version.as_deref()?;
        Some(format!("{version} {}", self.bytes?))
    }

    /// Bucket and full key, for an object of S3.
    pub(crate) fn in_bucket(&self) -> Option<(&Arc<S3Folder>, &str)> {
        match &self.place {
            ObjectPlace::S3(bucket, key) => Some((bucket, key)),
            _ => None,
        }
    }

    /// File, if it can be read.
    pub(crate) fn of_file(path: &Path) -> Option<Self> {
        let about = std::fs::metadata(path).ok()?;
        let mut finder = ObjectFinder::new(None, ObjectInfo::default());
        finder.push_file(path, &about);
        finder.objects.pop()
    }

    /// Object of a bucket.
    pub(crate) fn of_bucket(
        bucket: Arc<S3Folder>,
        key: &str,
        bytes: u64,
        version: Option<String>,
    ) -> Self {
        let name = format!("s3://{}/{key}", bucket.bucket());
        let place = ObjectPlace::S3(bucket, key.to_owned());
        Self {
            version,
            ..Self::new(name, Some(bytes), ObjectInfo::default(), place)
        }
    }

    fn new(name: String, bytes: Option<u64>, about: ObjectInfo, place: ObjectPlace) -> Self {
        let delivered_s = delivered(&name).map(|(from, _)| from.as_second());
        Self {
            about: ObjectInfo {
                delivered_s,
                ..about
            },
            name,
            bytes,
            version: None,
            place,
            held: None,
            kept_version: None,
        }
    }

    /// Reads a small object into memory, for whoever opens it.
    pub(crate) fn hold(&mut self) -> io::Result<()> {
        if self.bytes.is_none_or(|n| n > OBJECT_WHOLE_BYTES_MAX as u64) {
            return Ok(());
        }
        let mut content = Vec::new();
        self.open()?.read_to_end(&mut content)?;
        self.held = Some(content);
        Ok(())
    }

    /// Lets go of what was read ahead.
    pub(crate) fn release(&mut self) {
        self.held = None;
    }

    /// Opens it for reading.
    pub(crate) fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        if let Some(held) = &self.held {
            return Ok(Box::new(held.as_slice()));
        }
        Ok(match &self.place {
            ObjectPlace::Closed(kind, text) => return Err(io::Error::new(*kind, text.clone())),
            ObjectPlace::File(path) => Box::new(std::fs::File::open(path)?),
            ObjectPlace::Stdin => Box::new(io::stdin()),
            ObjectPlace::S3(bucket, key) => Box::new(RangedObject {
                bucket,
                key,
                at: 0,
                end: self.bytes.unwrap_or(0),
                part: Vec::new(),
                read: 0,
            }),
        })
    }
}

struct ObjectFinder<'a> {
    objects: Vec<TrailObject>,
    buckets: HashMap<String, Arc<S3Folder>>,
    profile: Option<&'a str>,
    /// Folders that were walked, so that no link leads in a circle.
    walked: HashSet<PathBuf>,
    about: ObjectInfo,
}

/// Objects of S3 that only the state knows, which a queue named: name, bytes, version of the kept
/// scan result.
pub(crate) fn remembered_objects(
    known: impl Iterator<Item = (String, Option<u64>, Option<String>)>,
    profile: Option<&str>,
) -> Result<Vec<TrailObject>> {
    let mut finder = ObjectFinder::new(profile, ObjectInfo::default());
    for (name, bytes, version) in known {
        let Some((bucket, key)) = split_url(&name) else {
            continue;
        };
        let place = ObjectPlace::S3(finder.bucket(&format!("s3://{bucket}"))?, key);
        finder.push(name, bytes, place);
        if let Some(last) = finder.objects.last_mut() {
            last.kept_version = version;
        }
    }
    Ok(finder.objects)
}

impl<'a> ObjectFinder<'a> {
    fn new(profile: Option<&'a str>, about: ObjectInfo) -> Self {
        Self {
            objects: Vec::new(),
            buckets: HashMap::new(),
            profile,
            walked: HashSet::new(),
            about,
        }
    }

    /// A path as typed.
    fn add(&mut self, path: &str) -> Result<()> {
        if path == "-" {
            self.push("(standard input)".to_owned(), None, ObjectPlace::Stdin);
            return Ok(());
        }
        if path.starts_with("s3://") {
            let bucket = self.bucket(path)?;
            let (name, _) = split_url(path).context("expected s3://bucket/prefix")?;
            let found = bucket
                .objects()
                .with_context(|| format!("cannot list {path}"))?;
            if found.is_empty() {
                bail!("nothing under {path}: check bucket and prefix");
            }
            for object in found {
                self.push(
                    format!("s3://{name}/{}", object.key),
                    Some(object.bytes),
                    ObjectPlace::S3(bucket.clone(), object.key),
                );
                if let Some(last) = self.objects.last_mut() {
                    last.version = object.entity_tag;
                }
            }
            return Ok(());
        }
        // Where permission is denied it may exist: `named` says why it cannot be read.
        if Path::new(path).try_exists().unwrap_or(true) {
            return self.named(Path::new(path));
        }
        let found = glob::glob(path)
            .map(Iterator::collect::<Vec<_>>)
            .unwrap_or_default();
        if found.is_empty() {
            bail!("no such file, folder or glob: {path}");
        }
        for found in found {
            match found {
                Ok(path) => self.below(&path, 0),
                Err(e) => {
                    let (path, e) = (e.path().to_owned(), io::Error::from(e));
                    self.closed(&path, &e);
                }
            }
        }
        Ok(())
    }

    fn push(&mut self, name: String, bytes: Option<u64>, place: ObjectPlace) {
        self.objects
            .push(TrailObject::new(name, bytes, self.about, place));
    }

    fn push_file(&mut self, path: &Path, about: &std::fs::Metadata) {
        // A pipe can be read when it was named; in a folder it would be waited for.
        let bytes = about.is_file().then_some(about.len());
        let place = ObjectPlace::File(path.to_owned());
        self.push(path.display().to_string(), bytes, place);
        let written = about
            .modified()
            .ok()
            .and_then(|t| Timestamp::try_from(t).ok());
        if let Some(last) = self.objects.last_mut() {
            last.version = written.map(|t| t.to_string());
        }
    }

    /// Keeps a path that cannot be opened, with the reason: it costs a line, not the run.
    fn closed(&mut self, path: &Path, error: &io::Error) {
        self.push(
            path.display().to_string(),
            None,
            ObjectPlace::Closed(error.kind(), error.to_string()),
        );
    }

    /// A line of --list: one file or one object.
    fn add_listed(&mut self, name: &str) -> Result<()> {
        let Some((bucket, key)) = split_url(name) else {
            return self.named(Path::new(name));
        };
        let place = self.bucket(&format!("s3://{bucket}"))?;
        let bytes = place
            .size(&key)
            .with_context(|| format!("cannot read {name}"))?;
        self.push(name.to_owned(), Some(bytes), ObjectPlace::S3(place, key));
        Ok(())
    }

    /// A file or folder that somebody named: when it is not there at all, that is a mistake.
    fn named(&mut self, path: &Path) -> Result<()> {
        let about =
            std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
        if about.is_dir() {
            std::fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?;
        } else {
            self.push_file(path, &about);
            return Ok(());
        }
        self.below(path, 0);
        Ok(())
    }

    /// A file, or all files of a folder. Links are followed, but no folder is walked twice.
    fn below(&mut self, path: &Path, depth: usize) {
        let about = match std::fs::metadata(path) {
            Ok(about) => about,
            Err(e) => return self.closed(path, &e),
        };
        if about.is_file() {
            return self.push_file(path, &about);
        }
        if !about.is_dir() {
            return self.closed(path, &io::Error::other("neither a file nor a folder"));
        }
        if depth > FOLDER_DEPTH_MAX {
            return self.closed(path, &io::Error::other("folders too deep"));
        }
        if path
            .canonicalize()
            .is_ok_and(|real| !self.walked.insert(real))
        {
            return;
        }
        let entries = match std::fs::read_dir(path) {
            Ok(entries) => entries,
            Err(e) => return self.closed(path, &e),
        };
        for entry in entries {
            match entry {
                Ok(entry) => self.below(&entry.path(), depth + 1),
                Err(e) => self.closed(path, &e),
            }
        }
    }

    fn bucket(&mut self, url: &str) -> Result<Arc<S3Folder>> {
        if let Some(bucket) = self.buckets.get(url) {
            return Ok(bucket.clone());
        }
        let identity = Identity {
            profile: self.profile.map(str::to_owned),
            ..Identity::default()
        };
        let bucket = Arc::new(S3Folder::open(&Model::builtin(), url, &identity)?);
        self.buckets.insert(url.to_owned(), bucket.clone());
        Ok(bucket)
    }
}

/// An object of S3 in parts, so that a large one does not have to fit in memory.
struct RangedObject<'a> {
    bucket: &'a S3Folder,
    key: &'a str,
    at: u64,
    end: u64,
    part: Vec<u8>,
    read: usize,
}

const PART_BYTES: u64 = 8 << 20;

impl Read for RangedObject<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.read == self.part.len() {
            if self.at >= self.end {
                return Ok(0);
            }
            let next = self.end.min(self.at + PART_BYTES);
            self.part = self
                .bucket
                .range(self.key, self.at..next)
                .map_err(io::Error::other)?;
            if self.part.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            (self.at, self.read) = (self.at + self.part.len() as u64, 0);
        }
        let n = out.len().min(self.part.len() - self.read);
        out[..n].copy_from_slice(&self.part[self.read..self.read + n]);
        self.read += n;
        Ok(n)
    }
}

/// Time at which an object was delivered, by its name.
pub(crate) fn delivered_at(name: &str) -> Option<Timestamp> {
    delivered(name).map(|(from, _)| from)
}

/// Between which times an object was delivered, by its name: `…_20260310T0205Z_…`, or else the day
/// in `…/2026/03/10/…`.
fn delivered(name: &str) -> Option<(Timestamp, Timestamp)> {
    let stamp = name.rsplit('/').next()?.split('_').find_map(|part| {
        let digits = part.strip_suffix('Z')?;
        let (date, time) = digits.split_once('T')?;
        let plain = date.len() == 8
            && time.len() == 4
            && (date.to_owned() + time).bytes().all(|b| b.is_ascii_digit());
        plain.then(|| {
            format!(
                "{}-{}-{}T{}:{}:00Z",
                &date[..4],
                &date[4..6],
                &date[6..],
                &time[..2],
                &time[2..]
            )
        })
    });
    if let Some(minute) = stamp.and_then(|stamp| stamp.parse().ok()) {
        return Some((minute, minute));
    }
    let parts: Vec<&str> = name.split('/').collect();
    let day = parts.windows(3).find_map(|w| {
        let number =
            |text: &str, len: usize| text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
        (number(w[0], 4) && number(w[1], 2) && number(w[2], 2))
            .then(|| format!("{}-{}-{}T00:00:00Z", w[0], w[1], w[2]))
    });
    let from: Timestamp = day?.parse().ok()?;
    Some((
        from,
        from.checked_add(jiff::SignedDuration::from_hours(24))
            .unwrap_or(from),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_when_they_were_delivered() {
        for (name, time) in [
            (
                "a/AWSLogs/1/CloudTrail/us-east-1/2023/07/10/1_CloudTrail_us-east-1_20230710T1220Z_WMiHxZgr5Hdd6UDc.json.gz",
                Some("2023-07-10T12:20:00Z 2023-07-10T12:20:00Z"),
            ),
            (
                "a/2023/07/10/x.json.gz",
                Some("2023-07-10T00:00:00Z 2023-07-11T00:00:00Z"),
            ),
            ("x.json", None),
            ("x_99999999T9999Z_.json", None),
        ] {
            assert_eq!(
                delivered(name)
                    .map(|(from, to)| format!("{from} {to}"))
                    .as_deref(),
                time,
                "{name}"
            );
        }
    }
}
