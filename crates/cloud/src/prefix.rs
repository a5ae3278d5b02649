//! New objects of a trail in S3 without notifications: a look lists each account and region from
//! the day of the last look on, by key order, never years.
//!
//! Keys: `[prefix/]AWSLogs/[o-id/]111122223333/CloudTrail/eu-west-1/2026/03/10/….json.gz`
//! (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html>).

use std::collections::{BTreeMap, BTreeSet};

use bartizan_inventory::fact::Hash;
use bartizan_model::limits::{NEW_OBJECTS_MAX, TRAIL_PLACES_MAX};
use futures::{StreamExt, TryStreamExt};
use jiff::{SignedDuration, Timestamp};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};
use serde::{Deserialize, Serialize};

use crate::bucket::{ListedObject, S3Folder};

/// Folders between the prefix and the years at most: prefixes, `AWSLogs`, the organization, the
/// account, `CloudTrail`, the region.
const FOLDERS_ABOVE_YEARS: usize = 8;
/// Places that are listed at a time.
const LISTS_IN_FLIGHT: usize = 16;

/// Objects that earlier looks at a prefix have seen. By default none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrefixMarker {
    /// By place: `AWSLogs/111122223333/CloudTrail/eu-west-1`.
    places: BTreeMap<String, PlaceMarker>,
}

/// Objects that earlier looks have seen of one account and region.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct PlaceMarker {
    /// Day from which the next look lists, e.g. `2026/03/09`; empty where there are no days.
    from_day: String,
    /// Hashes of the objects of these days, each with its entity tag, by day.
    seen: BTreeMap<String, BTreeSet<String>>,
}

/// When and how far a look goes.
#[derive(Debug, Clone, Copy)]
pub struct LookTime {
    pub now: Timestamp,
    /// Time from which objects of a place are wanted that was never looked at.
    pub since: Timestamp,
    /// Days before the last look that are listed again for objects that came late; at least 1.
    pub days_back: u16,
    /// Whether new accounts and regions are looked for: a request for each folder.
    pub discover: bool,
}

/// Result of a look.
#[derive(Debug, Default)]
pub struct PrefixLook {
    /// Objects that are new or were overwritten, sorted by key.
    pub new: Vec<ListedObject>,
    /// Places that could not be listed, with the reason; the next look lists them again.
    pub failed: Vec<(String, String)>,
    /// More are new than one look returns: look again.
    pub is_cut: bool,
    /// Keys that were listed.
    pub listed_count: usize,
}

impl PrefixMarker {
    /// Accounts and regions that are known, e.g. `AWSLogs/111122223333/CloudTrail/eu-west-1`.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str)
    }
}

impl S3Folder {
    /// Lists what is new since the last look, and moves the marker. Keep the marker only together
    /// with what was returned.
    pub fn look(&self, marker: &mut PrefixMarker, time: LookTime) -> PrefixLook {
        let mut look = PrefixLook::default();
        self.runtime.block_on(async {
            if time.discover || marker.places.is_empty() {
                self.discover(marker, &mut look).await;
            }
            let begin = day(time.since);
            let lists = marker.places.iter().map(|(place, known)| {
                let from = match known.from_day.as_str() {
                    "" => begin.clone(),
                    from => from.to_owned(),
                };
                let place = place.clone();
                async move {
                    let listed = self.list_from(&place, &from).await;
                    (place, listed)
                }
            });
            let lists: Vec<_> = lists.collect();
            let mut answers = futures::stream::iter(lists).buffered(LISTS_IN_FLIGHT);
            while let Some((place, listed)) = answers.next().await {
                match listed {
                    Ok(objects) => {
                        let known = marker.places.entry(place.clone()).or_default();
                        known.take(&place, objects, time, &mut look);
                    }
                    Err(e) => look.failed.push((place, e.to_string())),
                }
            }
        });
        look.new.sort();
        look
    }

    /// Finds places: folders whose folders are years, and those that hold objects themselves.
    async fn discover(&self, marker: &mut PrefixMarker, look: &mut PrefixLook) {
        let mut folders = vec![(self.prefix.clone(), 0)];
        while let Some((folder, depth)) = folders.pop() {
            if is_dated(&folder) {
                marker.places.entry(folder).or_default();
                continue;
            }
            let prefix = (!folder.is_empty()).then(|| Path::from(folder.as_str()));
            let listed = match self.store.list_with_delimiter(prefix.as_ref()).await {
                Ok(listed) => listed,
                Err(e) => {
                    look.failed.push((folder, e.to_string()));
                    continue;
                }
            };
            let years = |path: &Path| path.filename().is_some_and(is_year);
            let holds = listed.objects.iter().any(|o| o.size > 0);
            if holds || listed.common_prefixes.iter().any(years) {
                marker.places.entry(folder).or_default();
            }
            let below = listed.common_prefixes.into_iter().filter(|p| !years(p));
            folders.extend(
                below
                    .filter(|_| depth < FOLDERS_ABOVE_YEARS)
                    .map(|p| (p.into(), depth + 1)),
            );
            if marker.places.len() + folders.len() > TRAIL_PLACES_MAX {
                let why = format!("more than {TRAIL_PLACES_MAX} accounts and regions");
                look.failed.push((self.prefix.clone(), why));
                return;
            }
        }
    }

    /// Objects of a place from a day on, or all where it has no days.
    async fn list_from(&self, place: &str, from: &str) -> object_store::Result<Vec<ObjectMeta>> {
        let prefix = (!place.is_empty()).then(|| Path::from(place));
        if is_dated(place) {
            return self.store.list(prefix.as_ref()).try_collect().await;
        }
        // Objects that lie beside the years.
        let beside = self.store.list_with_delimiter(prefix.as_ref()).await?;
        let mut objects = beside.objects;
        if beside
            .common_prefixes
            .iter()
            .any(|p| p.filename().is_some_and(is_year))
        {
            let offset = Path::from(format!("{place}/{from}"));
            let is_of_day = |o: &ObjectMeta| day_in(place, o.location.as_ref()).is_some();
            let dated = self.store.list_with_offset(prefix.as_ref(), &offset);
            let dated: Vec<ObjectMeta> = dated.try_collect().await?;
            objects.extend(dated.into_iter().filter(is_of_day));
        }
        Ok(objects)
    }
}

impl PlaceMarker {
    fn take(
        &mut self,
        place: &str,
        objects: Vec<ObjectMeta>,
        time: LookTime,
        look: &mut PrefixLook,
    ) {
        look.listed_count += objects.len();
        let mut is_whole = true;
        for object in objects.into_iter().filter(|o| o.size > 0) {
            let key = object.location.to_string();
            let tag = object.e_tag.unwrap_or_default();
            let mut id = Hash::of(format!("{tag}\n{key}").as_bytes()).to_string();
            id.truncate(32);
            let day = day_in(place, &key).unwrap_or_default();
            let seen = self.seen.entry(day.to_owned()).or_default();
            if seen.contains(&id) {
                continue;
            }
            if look.new.len() >= NEW_OBJECTS_MAX {
                (look.is_cut, is_whole) = (true, false);
                continue;
            }
            seen.insert(id);
            look.new.push(ListedObject {
                key,
                bytes: object.size,
                entity_tag: (!tag.is_empty()).then_some(tag),
            });
        }
        // Without days everything is listed each time, so everything stays known.
        if is_whole && !is_dated(place) {
            let back = SignedDuration::from_hours(24 * i64::from(time.days_back.max(1)));
            self.from_day = day(time.now.checked_sub(back).unwrap_or(time.now));
            let from = &self.from_day;
            self.seen.retain(|day, _| day.is_empty() || day >= from);
        }
    }
}

/// `2026/03/10` in UTC.
fn day(time: Timestamp) -> String {
    let text = time.to_string();
    text.get(..10).unwrap_or_default().replace('-', "/")
}

/// Day below a place in a key: `2026/03/10` of `p/2026/03/10/x.gz`.
fn day_in<'a>(place: &str, key: &'a str) -> Option<&'a str> {
    let below = key.strip_prefix(place)?;
    let day = below.trim_start_matches('/').get(..10)?;
    let shape = day.bytes().enumerate().all(|(n, b)| match n {
        4 | 7 => b == b'/',
        _ => b.is_ascii_digit(),
    });
    shape.then_some(day)
}

fn is_year(name: &str) -> bool {
    name.len() == 4 && name.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a prefix names a year, month or day of a region itself: `…/eu-west-1/2026/03`.
fn is_dated(place: &str) -> bool {
    let mut parts = place.rsplit('/');
    let is_number = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
    parts.find(|part| !is_number(part)).is_some_and(is_year)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_stand_in_keys() {
        let place = "p/AWSLogs/111122223333/CloudTrail/eu-west-1";
        let key = format!("{place}/2026/03/10/x.json.gz");
        assert_eq!(day_in(place, &key), Some("2026/03/10"));
        assert_eq!(day_in(place, &format!("{place}/loose.json.gz")), None);
        assert_eq!(day_in("", "2026/03/10/x"), Some("2026/03/10"));
        assert!(is_dated(&format!("{place}/2026/03")) && is_dated("2026/03/10"));
        assert!(!is_dated(place) && !is_dated("") && !is_dated("a/03"));
        assert_eq!(day("2026-03-10T23:59:59Z".parse().unwrap()), "2026/03/10");
    }
}
