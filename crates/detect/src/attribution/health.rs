//! Was the trail recording? Silence about a change means something only where it would have spoken.

use std::collections::BTreeSet;

use serde::Serialize;

use super::index::{AttributionIndex, BUCKET_S, MutatingCall};
use bartizan_model::time_text;

/// Whether a trail would have shown a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrailHealth {
    /// It was recording: why we think so.
    Healthy(String),
    /// It may not have been: why.
    Unhealthy(String),
}

/// A stretch of time in which a trail recorded nothing, or may not have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct TrailGap {
    /// Account.
    pub account: String,
    /// Region; empty for all of them.
    pub region: String,
    /// Seconds since 1970.
    pub from_s: i64,
    /// Seconds since 1970.
    pub to_s: i64,
    /// Why it is a gap, in words.
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

/// Seconds after a trail was stopped in which events of before may still come.
const SETTLE_S: i64 = 900;
/// Silence shorter than this is no gap, however busy a region is.
const SILENCE_S: i64 = 3600;
/// How much longer than usual a silence must be to be strange.
const SILENCE_FACTOR: i64 = 2;
/// Which of the longest silences counts as usual.
const HABIT: usize = 3;
/// Stretches of five minutes with an event that a habit needs.
const BUCKETS_MIN: usize = 100;
/// How near to a change another event must be to show that the trail was recording.
const NEAR_S: i64 = 2 * 3600;

impl AttributionIndex {
    /// Stretches in which the trail was stopped, by its own records, or fell silent against its
    /// habit.
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
            // Another trail may have gone on: only silence makes it a gap.
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

    /// Whether a call in this account and region, at some time between the two, would be on record.
    #[must_use]
    pub fn health(
        &self,
        gaps: &[TrailGap],
        account: &str,
        region: &str,
        (from_s, to_s): (i64, i64),
    ) -> TrailHealth {
        let concerns = |g: &&TrailGap| {
            g.account == account
                && (g.region.is_empty() || g.region == region)
                && g.from_s < to_s
                && g.to_s > from_s
        };
        if let Some(gap) = gaps.iter().find(concerns) {
            return TrailHealth::Unhealthy(gap.why.clone());
        }
        let Some(buckets) = self.presence.get(&(account.to_owned(), region.to_owned())) else {
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

    /// The region where calls of global services are on record: one for each partition (CloudTrail
    /// user guide, "Global service events").
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

    /// The last event that was heard of a region, seconds since 1970: how far its trail has come.
    #[must_use]
    pub fn progress_s(&self, account: &str, region: &str) -> Option<i64> {
        self.presence
            .get(&(account.to_owned(), region.to_owned()))?
            .last()
            .map(|b| (b + 1) * BUCKET_S)
    }
}

/// Silences that are longer than a region's habit: nights and weekends come again, a silence that
/// nothing else comes near does not.
fn silences(buckets: &BTreeSet<i64>) -> Vec<(i64, i64)> {
    let list: Vec<i64> = buckets.iter().copied().collect();
    let mut lengths: Vec<i64> = list
        .windows(2)
        .map(|w| (w[1] - w[0] - 1) * BUCKET_S)
        .collect();
    if lengths.len() < BUCKETS_MIN {
        return Vec::new();
    }
    lengths.sort_unstable_by_key(|length| std::cmp::Reverse(*length));
    let strange = (lengths[HABIT] * SILENCE_FACTOR).max(SILENCE_S);
    let silence = |w: &[i64]| ((w[0] + 1) * BUCKET_S, w[1] * BUCKET_S);
    list.windows(2)
        .map(silence)
        .filter(|(from, to)| to - from > strange)
        .collect()
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
