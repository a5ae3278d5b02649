//! Files and folders as a source: new files, and files that grew.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::super::config::Config;
use super::arrivals::{Arrival, ArrivalSender, Brought};
use crate::trail::{TrailObject, WantedObjects, objects};

/// Shortest time between two looks.
const PAUSE_MIN: Duration = Duration::from_millis(500);

/// Longest time between two looks.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Part of the time that looking may take: a hundredth.
const SHARE: u32 = 100;

/// Longest time for which a file that grows all the time is not handed over.
const SETTLE_MAX: Duration = Duration::from_secs(5);

/// Time between two readings of a file that grows all the time: each is a new evaluation.
const GROWING_PAUSE: Duration = Duration::from_secs(30);

/// Folders that are looked through again and again.
pub(super) struct FolderSource {
    paths: Vec<String>,
    /// Version of each file that was handed over.
    known: HashMap<String, Option<String>>,
    /// Files that may still be written.
    settling: HashMap<String, SettlingFile>,
    /// When each file that changes all the time was handed over.
    handed: HashMap<String, Instant>,
}

/// File that changed: it is handed over when it stays as it is for a look, and at the latest after
/// a time.
struct SettlingFile {
    version: Option<String>,
    since: Instant,
}

impl FolderSource {
    /// Local sources of a configuration; `None` if there is none.
    pub(super) fn of(config: &Config, known: HashMap<String, Option<String>>) -> Option<Self> {
        let sources = config.trail.sources.iter();
        let paths: Vec<String> = sources
            .filter(|s| !s.starts_with("s3://"))
            .cloned()
            .collect();
        (!paths.is_empty()).then(|| Self {
            paths,
            known,
            settling: HashMap::new(),
            handed: HashMap::new(),
        })
    }

    /// Looks until nobody wants more.
    pub(super) fn run(mut self, sender: &ArrivalSender) {
        loop {
            let start = Instant::now();
            for object in self.changed() {
                let (name, version) = (object.name.clone(), object.scan_version());
                if !sender.send(Arrival {
                    brought: Brought::Object(object),
                    receipt: None,
                }) {
                    return;
                }
                self.known.insert(name, version);
            }
            let pause = (start.elapsed() * SHARE).clamp(PAUSE_MIN, PAUSE_MAX);
            if !sender.pause(pause) {
                return;
            }
        }
    }

    /// Files that are new or changed since the last look but one.
    fn changed(&mut self) -> Vec<TrailObject> {
        let wanted = WantedObjects {
            paths: &self.paths,
            list: None,
            since: None,
            until: None,
            profile: None,
        };
        // A folder that is gone for a while is no end: its files come when it is back.
        let Ok((found, _)) = objects(&wanted) else {
            return Vec::new();
        };
        let mut settling = HashMap::new();
        let mut changed = Vec::new();
        for object in found {
            let version = object.scan_version();
            if self.known.get(&object.name) == Some(&version) {
                continue;
            }
            let before = self.settling.remove(&object.name);
            let is_settled = before.as_ref().is_some_and(|b| b.version == version);
            let since = before.map_or_else(Instant::now, |b| b.since);
            let handed = self.handed.get(&object.name);
            let may_again = handed.is_none_or(|at| at.elapsed() >= GROWING_PAUSE);
            if is_settled || since.elapsed() >= SETTLE_MAX && may_again {
                if !is_settled {
                    self.handed.insert(object.name.clone(), Instant::now());
                }
                changed.push(object);
            } else {
                settling.insert(object.name, SettlingFile { version, since });
            }
        }
        self.settling = settling;
        changed
    }
}
