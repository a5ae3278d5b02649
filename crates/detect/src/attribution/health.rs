//! Trail health: whether a trail was recording, so that missing calls are evidence.

use std::collections::BTreeSet;

use serde::Serialize;

use super::index::{AttributionIndex, BUCKET_S, MutatingCall};
use bartizan_model::time_text;

/// Whether a trail would have recorded a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrailHealth {
    /// Was recording, with the reason.
    Healthy(String),
    /// May not have been recording, with the reason.
    Unhealthy(String),
}

/// Period in which a trail recorded nothing, or may not have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct TrailGap {
    pub account: String,
    /// Empty for all regions.
    pub region: String,
    /// Seconds since 1970.
    pub from_s: i64,
    /// Seconds since 1970.
    pub to_s: i64,
    /// Reason.
    pub why: String,
    pub cause: GapCause,
}

/// Reason for a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum GapCause {
    /// A call stopped, deleted or narrowed a trail, and nothing was recorded after it.
    Stopped,
    /// No event for longer than is usual in the region.
    Silent,
}

/// Rhythm of the events of one account and region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceRhythm {
    pub account: String,
    pub region: String,
    /// End of the five minutes of the newest event, seconds since 1970.
    pub newest_s: i64,
    /// Longest silence in seconds that is no gap, with the time of delivery; none where too little
    /// is known.
    pub usual_silence_s: Option<i64>,
}

/// Seconds after a trail was stopped in which earlier events may still arrive.
const SETTLE_S: i64 = 900;
/// Shortest silence in seconds that counts as a gap, however busy the region is.
const SILENCE_S: i64 = 3600;
/// Factor by which a silence must exceed the usual ones.
const SILENCE_FACTOR: i64 = 2;
/// Rank of the silence that counts as the longest usual one.
const HABIT: usize = 3;
/// Number of five-minute buckets with events that are needed to know what is usual.
const BUCKETS_MIN: usize = 100;
/// Seconds that snapshots and digests may differ in: clocks, and the time that a snapshot takes.
const VERIFIED_SLACK_S: i64 = 900;
/// Seconds around a change within which another event shows that the trail was recording.
const NEAR_S: i64 = 2 * 3600;

impl AttributionIndex {
    /// Periods in which the trail was stopped according to its own records, or unusually silent.
    #[must_use]
    pub fn gaps(&self) -> Vec<TrailGap> {
        let mut gaps = Vec::new();
        let named = |d: &&MutatingCall, names: [&str; 2]| names.contains(&&*d.call.name);
        let starts: Vec<&MutatingCall> = self
            .mutations
            .values()
            .filter(|d| named(d, ["cloudtrail:StartLogging", "cloudtrail:CreateTrail"]))
            .collect();
        for stop in self
            .mutations
            .values()
            .filter(|d| named(d, ["cloudtrail:StopLogging", "cloudtrail:DeleteTrail"]))
        {
            let account = stop.call.account.clone().unwrap_or_default();
            let later = &starts[starts.partition_point(|d| d.time_s < stop.time_s)..];
            let again = later.iter().find(|d| d.call.account == stop.call.account);
            let to_s = again.map_or(i64::MAX, |d| d.time_s);
            // Another trail may have continued: only silence makes it a gap.
            let (from, to) = (
                (stop.time_s + SETTLE_S) / BUCKET_S + 1,
                (to_s.saturating_sub(60)) / BUCKET_S,
            );
            let seen_range = self
                .presence
                .range((account.clone(), String::new())..)
                .take_while(|((a, _), _)| *a == account);
            let loud = from < to
                && seen_range
                    .into_iter()
                    .any(|(_, buckets)| buckets.range(from..to).next().is_some());
            if !loud {
                let why = format!("{} at {}", stop.call.name, time_text(stop.time_s));
                gaps.push(TrailGap {
                    account,
                    region: String::new(),
                    from_s: stop.time_s,
                    to_s,
                    why,
                    cause: GapCause::Stopped,
                });
            }
        }
        for ((account, region), buckets) in &self.presence {
            gaps.extend(
                silences(buckets)
                    .into_iter()
                    .map(|(from_s, to_s)| TrailGap {
                        account: account.clone(),
                        region: region.clone(),
                        from_s,
                        to_s,
                        why: format!(
                            "no event in {region} for {} min, where it is never so quiet",
                            (to_s - from_s) / 60
                        ),
                        cause: GapCause::Silent,
                    }),
            );
        }
        gaps.sort();
        gaps
    }

    /// Newest event of each account and region, and the longest silence that is usual there.
    #[must_use]
    pub fn rhythms(&self) -> Vec<PlaceRhythm> {
        let rhythm = |((account, region), buckets): (&(String, String), &BTreeSet<i64>)| {
            let newest = *buckets.last()?;
            Some(PlaceRhythm {
                account: account.clone(),
                region: region.clone(),
                newest_s: (newest + 1) * BUCKET_S,
                usual_silence_s: usual_silence_s(buckets).map(|usual| usual + SETTLE_S),
            })
        };
        self.presence.iter().filter_map(rhythm).collect()
    }

    /// Whether a call in this account and region, within the given time, would have been recorded.
    #[must_use]
    pub fn health(
        &self,
        gaps: &[TrailGap],
        account: &str,
        region: &str,
        (from_s, to_s): (i64, i64),
    ) -> TrailHealth {
        let place = (account.to_owned(), region.to_owned());
        let verified = self.verified.get(&place);
        let concerns = |g: &&TrailGap| {
            g.account == account
                && (g.region.is_empty() || g.region == region)
                && g.from_s < to_s
                && g.to_s > from_s
                // A signed digest says that there was nothing.
                && !(g.cause == GapCause::Silent && verified.is_some())
        };
        if let Some(gap) = gaps.iter().find(concerns) {
            return TrailHealth::Unhealthy(gap.why.clone());
        }
        if let Some(spans) = verified {
            return verified_health(spans, region, (from_s, to_s));
        }
        let Some(buckets) = self.presence.get(&place) else {
            return TrailHealth::Unhealthy(format!("this trail has no event of {region}"));
        };
        let (from, to) = (from_s.div_euclid(BUCKET_S), to_s.div_euclid(BUCKET_S));
        let near = NEAR_S / BUCKET_S;
        let before = buckets.range(..=from).next_back().copied();
        let after = buckets.range(to..).next().copied();
        match (before, after) {
            (Some(b), Some(a))
                if to_s - from_s > 2 * NEAR_S || (from - b <= near && a - to <= near) =>
            {
                let seen_range = buckets.range(from - near..=to + near).count();
                TrailHealth::Healthy(format!(
                    "the trail of {region} was heard before, after and around it ({seen_range} \
                    times five minutes)"
                ))
            }
            (Some(_), Some(_)) => TrailHealth::Unhealthy(format!(
                "nothing else was heard of {region} within two hours"
            )),
            (None, _) => TrailHealth::Unhealthy(format!("the trail of {region} begins after it")),
            (_, None) => TrailHealth::Unhealthy(format!("the trail of {region} ends before it")),
        }
    }

    /// Region that records calls of global services: one per partition (CloudTrail user guide,
    /// "Global service events").
    #[must_use]
    pub fn home(&self, account: &str) -> &'static str {
        let seen_range = |region: &str| {
            self.presence
                .contains_key(&(account.to_owned(), region.to_owned()))
        };
        ["us-east-1", "us-gov-west-1", "cn-north-1"]
            .into_iter()
            .find(|region| seen_range(region))
            .unwrap_or("us-east-1")
    }

    /// Time up to which a region was heard or is verified, in seconds since 1970.
    #[must_use]
    pub fn progress_s(&self, account: &str, region: &str) -> Option<i64> {
        let place = (account.to_owned(), region.to_owned());
        let heard = self
            .presence
            .get(&place)
            .and_then(|buckets| buckets.last())
            .map(|b| (b + 1) * BUCKET_S);
        let verified = self.verified.get(&place).and_then(|spans| spans.last());
        heard.max(verified.map(|(_, to)| *to))
    }
}

/// Health of a region that has digests: whether the whole time is verified.
fn verified_health(spans: &[(i64, i64)], region: &str, (from_s, to_s): (i64, i64)) -> TrailHealth {
    let covers = |(from, to): &(i64, i64)| {
        *from - VERIFIED_SLACK_S <= from_s && to_s <= *to + VERIFIED_SLACK_S
    };
    if spans.iter().any(covers) {
        return TrailHealth::Healthy(format!(
            "every hour of the trail of {region} in it is verified by signed digests"
        ));
    }
    let before = spans.iter().filter(|(_, to)| *to < to_s).map(|s| s.1).max();
    TrailHealth::Unhealthy(match before {
        Some(before) if before >= from_s => format!(
            "no valid digest of {region} covers it whole: the logs are not verified after {}",
            time_text(before)
        ),
        _ => format!("no valid digest of {region} covers it whole"),
    })
}

/// Silences unusual for a region: nights and weekends recur, so a silence counts only if no other
/// comes near it.
fn silences(buckets: &BTreeSet<i64>) -> Vec<(i64, i64)> {
    let list: Vec<i64> = buckets.iter().copied().collect();
    let Some(strange) = usual_silence_s(buckets) else {
        return Vec::new();
    };
    let silence = |w: &[i64]| ((w[0] + 1) * BUCKET_S, w[1] * BUCKET_S);
    list.windows(2)
        .map(silence)
        .filter(|(from, to)| to - from > strange)
        .collect()
}

/// Longest silence in seconds that is not strange; none where too little is known.
fn usual_silence_s(buckets: &BTreeSet<i64>) -> Option<i64> {
    let list: Vec<i64> = buckets.iter().copied().collect();
    let mut lengths: Vec<i64> = list
        .windows(2)
        .map(|w| (w[1] - w[0] - 1) * BUCKET_S)
        .collect();
    if lengths.len() < BUCKETS_MIN {
        return None;
    }
    lengths.sort_unstable_by_key(|length| std::cmp::Reverse(*length));
    Some((lengths[HABIT] * SILENCE_FACTOR).max(SILENCE_S))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_strange_only_against_a_habit() {
        let every_five: BTreeSet<i64> = (0..1000).filter(|n| !(500..515).contains(n)).collect();
        assert_eq!(silences(&every_five), [(500 * 300, 515 * 300)]);
        let nights: BTreeSet<i64> = (0..3000).filter(|n| n % 288 < 120).collect();
        assert_eq!(silences(&nights), []);
        assert_eq!(silences(&(0..50).map(|n| n * 100).collect()), []);
    }
}
