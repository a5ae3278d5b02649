//! Where the objects of a trail are: files, folders, globs, standard input, S3.

use std::collections::HashMap;
use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use bartizan_cloud::bucket::{Bucket, split_url};
use bartizan_cloud::live::Identity;
use bartizan_cloud::model::Model;
use jiff::Timestamp;

/// One object to read.
pub(crate) struct Object {
    /// What it is called in messages.
    pub(crate) name: String,
    /// Bytes as stored, where that is known.
    pub(crate) bytes: Option<u64>,
    place: Place,
}

enum Place {
    File(PathBuf),
    Stdin,
    S3(Arc<Bucket>, String),
}

/// What to read and what to leave out.
pub(crate) struct Wanted<'a> {
    pub(crate) paths: &'a [String],
    pub(crate) list: Option<&'a str>,
    pub(crate) since: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
    pub(crate) profile: Option<&'a str>,
}

/// All objects, in the order of the times in their names, and how many the times left out.
///
/// The order is a hint that keeps memory small; what is found does not depend on it.
pub(crate) fn objects(wanted: &Wanted<'_>) -> Result<(Vec<Object>, usize)> {
    let mut finder = Finder { objects: Vec::new(), buckets: HashMap::new(), profile: wanted.profile };
    for path in wanted.paths {
        finder.add(path)?;
    }
    if let Some(list) = wanted.list {
        let reader: Box<dyn BufRead> = if list == "-" {
            Box::new(io::stdin().lock())
        } else {
            Box::new(io::BufReader::new(std::fs::File::open(list).with_context(|| format!("cannot read {list}"))?))
        };
        for line in reader.lines() {
            let line = line.with_context(|| format!("cannot read {list}"))?;
            if !line.trim().is_empty() {
                finder.add_listed(line.trim())?;
            }
        }
    }
    let all = finder.objects.len();
    let mut objects = finder.objects;
    objects.retain(|object| {
        let Some(time) = delivered(&object.name) else { return true };
        wanted.since.is_none_or(|since| time >= since) && wanted.until.is_none_or(|until| time <= until)
    });
    let left_out = all - objects.len();
    objects.sort_by_cached_key(|object| (delivered(&object.name), object.name.clone()));
    Ok((objects, left_out))
}

impl Object {
    /// When it was delivered, where its name says so.
    pub(crate) fn delivered(&self) -> Option<Timestamp> {
        delivered(&self.name)
    }

    /// Opens it for reading.
    pub(crate) fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(match &self.place {
            Place::File(path) => Box::new(std::fs::File::open(path)?),
            Place::Stdin => Box::new(io::stdin()),
            Place::S3(bucket, key) => {
                Box::new(Ranges { bucket, key, at: 0, end: self.bytes.unwrap_or(0), part: Vec::new(), read: 0 })
            }
        })
    }
}

struct Finder<'a> {
    objects: Vec<Object>,
    buckets: HashMap<String, Arc<Bucket>>,
    profile: Option<&'a str>,
}

impl Finder<'_> {
    /// A path as typed.
    fn add(&mut self, path: &str) -> Result<()> {
        if path == "-" {
            self.objects.push(Object { name: "(standard input)".to_owned(), bytes: None, place: Place::Stdin });
            return Ok(());
        }
        if path.starts_with("s3://") {
            let bucket = self.bucket(path)?;
            let (name, _) = split_url(path).context("expected s3://bucket/prefix")?;
            let found = bucket.objects().with_context(|| format!("cannot list {path}"))?;
            if found.is_empty() {
                bail!("nothing under {path}: check bucket and prefix");
            }
            self.objects.extend(found.into_iter().map(|(key, bytes)| Object {
                name: format!("s3://{name}/{key}"),
                bytes: Some(bytes),
                place: Place::S3(bucket.clone(), key),
            }));
            return Ok(());
        }
        // What may not be looked at is there for all we know: `file` says why it cannot be read.
        if Path::new(path).try_exists().unwrap_or(true) {
            return self.file(Path::new(path));
        }
        let found = glob::glob(path).map(|paths| paths.flatten().collect::<Vec<_>>()).unwrap_or_default();
        if found.is_empty() {
            bail!("no such file, folder or glob: {path}");
        }
        found.iter().try_for_each(|path| self.file(path))
    }

    /// A line of --list: one file or one object.
    fn add_listed(&mut self, name: &str) -> Result<()> {
        let Some((bucket, key)) = split_url(name) else { return self.file(Path::new(name)) };
        let place = self.bucket(&format!("s3://{bucket}"))?;
        let bytes = place.size(&key).with_context(|| format!("cannot read {name}"))?;
        self.objects.push(Object { name: name.to_owned(), bytes: Some(bytes), place: Place::S3(place, key) });
        Ok(())
    }

    fn file(&mut self, path: &Path) -> Result<()> {
        let about = std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
        if !about.is_dir() {
            let bytes = about.is_file().then_some(about.len());
            self.objects.push(Object { name: path.display().to_string(), bytes, place: Place::File(path.to_owned()) });
            return Ok(());
        }
        let entries = std::fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("cannot read {}", path.display()))?;
            // A link may lead in a circle; what it leads to is read when it is named itself.
            if !entry.file_type().is_ok_and(|t| t.is_symlink()) {
                self.file(&entry.path())?;
            }
        }
        Ok(())
    }

    fn bucket(&mut self, url: &str) -> Result<Arc<Bucket>> {
        if let Some(bucket) = self.buckets.get(url) {
            return Ok(bucket.clone());
        }
        let identity = Identity { profile: self.profile.map(str::to_owned), ..Identity::default() };
        let bucket = Arc::new(Bucket::open(&Model::builtin(), url, &identity)?);
        self.buckets.insert(url.to_owned(), bucket.clone());
        Ok(bucket)
    }
}

/// An object of S3 in parts, so that a large one does not have to fit in memory.
struct Ranges<'a> {
    bucket: &'a Bucket,
    key: &'a str,
    at: u64,
    end: u64,
    part: Vec<u8>,
    read: usize,
}

const PART_BYTES: u64 = 8 << 20;

impl Read for Ranges<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.read == self.part.len() {
            if self.at >= self.end {
                return Ok(0);
            }
            let next = self.end.min(self.at + PART_BYTES);
            self.part = self.bucket.range(self.key, self.at..next).map_err(io::Error::other)?;
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

/// When an object was delivered, by its name: `…_20260310T0205Z_…`, or else the day in `…/2026/03/10/…`.
fn delivered(name: &str) -> Option<Timestamp> {
    let stamp = name.rsplit('/').next()?.split('_').find_map(|part| {
        let digits = part.strip_suffix('Z')?;
        let (date, time) = digits.split_once('T')?;
        let plain = date.len() == 8 && time.len() == 4 && (date.to_owned() + time).bytes().all(|b| b.is_ascii_digit());
        plain.then(|| format!("{}-{}-{}T{}:{}:00Z", &date[..4], &date[4..6], &date[6..], &time[..2], &time[2..]))
    });
    let day = || {
        let parts: Vec<&str> = name.split('/').collect();
        parts.windows(3).find_map(|w| {
            let number = |text: &str, len: usize| text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
            (number(w[0], 4) && number(w[1], 2) && number(w[2], 2)).then(|| format!("{}-{}-{}T00:00:00Z", w[0], w[1], w[2]))
        })
    };
    stamp.or_else(day)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_when_they_were_delivered() {
        for (name, time) in [
            (
                "a/AWSLogs/1/CloudTrail/us-east-1/2023/07/10/1_CloudTrail_us-east-1_20230710T1220Z_WMiHxZgr5Hdd6UDc.json.gz",
                Some("2023-07-10T12:20:00Z"),
            ),
            ("a/2023/07/10/x.json.gz", Some("2023-07-10T00:00:00Z")),
            ("x.json", None),
            ("x_99999999T9999Z_.json", None),
        ] {
            assert_eq!(delivered(name).map(|t| t.to_string()).as_deref(), time, "{name}");
        }
    }
}
