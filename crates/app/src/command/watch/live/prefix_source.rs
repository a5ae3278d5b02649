//! A prefix of S3 without notifications as a source: looked at again and again, from the day of the
//! last look on.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bartizan_cloud::bucket::S3Folder;
use bartizan_cloud::live::Identity;
use bartizan_cloud::model::Model;
use bartizan_cloud::prefix::{LookTime, PrefixMarker};
use jiff::Timestamp;

use super::arrivals::{Arrival, ArrivalSender, Brought};
use crate::trail::TrailObject;

/// Time between two looks.
const PAUSE: Duration = Duration::from_secs(30);

/// Looks between two searches for new accounts and regions.
const DISCOVER_EVERY: u32 = 20;

/// Days before the last look that are listed again for objects that came late.
const DAYS_BACK: u16 = 1;

/// Prefix that is polled, in a thread of its own.
pub(super) struct PrefixSource {
    /// `s3://bucket/prefix`.
    pub(super) url: String,
    pub(super) profile: Option<String>,
    /// Time from which objects are wanted.
    pub(super) since: Timestamp,
    /// Version by name of what was taken already.
    pub(super) known: HashMap<String, Option<String>>,
}

impl PrefixSource {
    /// Looks until nobody wants more.
    pub(super) fn run(self, sender: &ArrivalSender) {
        let identity = Identity {
            profile: self.profile.clone(),
            ..Identity::default()
        };
        let model = Model::builtin();
        let folder = loop {
            match S3Folder::open(&model, &self.url, &identity) {
                Ok(folder) => break Arc::new(folder),
                Err(e) => {
                    if !sender.problem(&format!("{}: {e}", self.url)) || !sender.pause(PAUSE) {
                        return;
                    }
                }
            }
        };
        let mut marker = PrefixMarker::default();
        for number in 0u32.. {
            let look = folder.look(
                &mut marker,
                LookTime {
                    now: Timestamp::now(),
                    since: self.since,
                    days_back: DAYS_BACK,
                    discover: number.is_multiple_of(DISCOVER_EVERY),
                },
            );
            for (place, why) in &look.failed {
                if !sender.problem(&format!("{place}: {why}")) {
                    return;
                }
            }
            for listed in look.new {
                let version = listed.entity_tag;
                let object =
                    TrailObject::of_bucket(folder.clone(), &listed.key, listed.bytes, version);
                if self.known.get(&object.name) == Some(&object.scan_version()) {
                    continue;
                }
                let arrival = Arrival {
                    brought: Brought::Object(object),
                    receipt: None,
                };
                if !sender.send(arrival) {
                    return;
                }
            }
            if !look.is_cut && !sender.pause(PAUSE) {
                return;
            }
        }
    }
}
