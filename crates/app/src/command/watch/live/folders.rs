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

/// Folders that are looked through again and again.
pub(super) struct FolderSource {
    paths: Vec<String>,
    /// Version of each file that was handed over.
    known: HashMap<String, Option<String>>,
    /// Version of each file that may still be written: it is handed over when it stays so.
    settling: HashMap<String, Option<String>>,
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
            match self.settling.get(&object.name) == Some(&version) {
                true => changed.push(object),
                false => drop(settling.insert(object.name, version)),
            }
        }
        self.settling = settling;
        changed
    }
}
