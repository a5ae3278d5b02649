//! Strip of coverage: for each account, region and sensor, when it saw everything, a part, or
//! nothing.

use std::collections::BTreeSet;

use anyhow::Result;
use bartizan_evidence::LoggedSnapshot;
use bartizan_inventory::snapshot::{CallStatus, Snapshot};
use jiff::Timestamp;
use serde::Serialize;

use crate::cli::Global;
use crate::store;
use crate::watch_result::WatchResult;

/// Cells of a row.
pub(crate) const STRIP_CELLS: usize = 56;
/// Rows that are kept; those that saw everything are counted first.
const ROWS_SHOWN: usize = 40;
/// Snapshots that are read for it, the last ones.
const SNAPSHOTS_READ: usize = 24;
/// Longest time that it shows, in seconds.
const SPAN_S: i64 = 28 * 86_400;

/// Rows over one span of time.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct CoverageStrip {
    /// RFC 3339.
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) rows: Vec<StripRow>,
    /// Rows that saw everything and that there was no room for.
    pub(crate) folded: usize,
}

/// One sensor in one region of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct StripRow {
    /// Empty for all accounts of a bill.
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) sensor: StripSensor,
    /// Spans of equal sight, in cells.
    pub(crate) spans: Vec<StripSpan>,
    /// Calls that the last snapshot could not read.
    pub(crate) unread: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StripSensor {
    Configuration,
    Trail,
    Bill,
}

/// Cells beside one another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct StripSpan {
    pub(crate) sight: Sight,
    pub(crate) first_cell: usize,
    pub(crate) cells: usize,
    /// RFC 3339.
    pub(crate) from: String,
    pub(crate) to: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Sight {
    /// Nobody looked yet.
    NotLooked,
    All,
    Part,
    /// It should have seen, and did not.
    Nothing,
}

/// Sight of a snapshot in one region.
struct RegionSight {
    account: String,
    region: String,
    time_s: i64,
    unread: Vec<String>,
    calls: usize,
}

impl CoverageStrip {
    /// Sensors of the last watch of a store.
    pub(crate) fn of(global: &Global, watched: &WatchResult) -> Result<Self> {
        let sights = region_sights(global)?;
        Ok(Self::from_sights(watched, &sights))
    }

    fn from_sights(watched: &WatchResult, sights: &[RegionSight]) -> Self {
        let to_s = second(&watched.as_of).unwrap_or(0);
        let first_event = watched.coverage.first_event.as_deref().and_then(second);
        let first = sights.iter().map(|s| s.time_s).chain(first_event).min();
        let from_s = first.unwrap_or(to_s).max(to_s - SPAN_S).min(to_s - 3600);
        let axis = StripAxis { from_s, to_s };
        let mut rows = configuration(&axis, sights);
        rows.extend(trail(&axis, watched, sights));
        rows.extend(bill(&axis, watched));
        let worst = |r: &StripRow| r.spans.iter().map(|s| s.sight).max();
        rows.sort_by_key(|r| {
            (
                std::cmp::Reverse(worst(r)),
                r.account.clone(),
                r.region.clone(),
                r.sensor,
            )
        });
        let folded = rows.len().saturating_sub(ROWS_SHOWN);
        rows.truncate(ROWS_SHOWN);
        rows.sort_by_key(|r| (r.account.clone(), r.region.clone(), r.sensor));
        Self {
            from: text(from_s),
            to: text(to_s),
            rows,
            folded,
        }
    }
}

/// Seconds since 1970 of the first and last cell.
struct StripAxis {
    from_s: i64,
    to_s: i64,
}

impl StripAxis {
    fn time_of(&self, cell: usize) -> i64 {
        self.from_s + (self.to_s - self.from_s) * cell as i64 / STRIP_CELLS as i64
    }

    fn spans(&self, sight: impl Fn(i64, i64) -> Sight) -> Vec<StripSpan> {
        let mut spans: Vec<StripSpan> = Vec::new();
        for cell in 0..STRIP_CELLS {
            let (from, to) = (self.time_of(cell), self.time_of(cell + 1));
            let sight = sight(from, to);
            match spans.last_mut() {
                Some(last) if last.sight == sight => {
                    last.cells += 1;
                    last.to = text(to);
                }
                _ => spans.push(StripSpan {
                    sight,
                    first_cell: cell,
                    cells: 1,
                    from: text(from),
                    to: text(to),
                }),
            }
        }
        spans
    }
}

fn configuration(axis: &StripAxis, sights: &[RegionSight]) -> Vec<StripRow> {
    let places: BTreeSet<(&str, &str)> = sights
        .iter()
        .map(|s| (s.account.as_str(), s.region.as_str()))
        .collect();
    let row = |(account, region): (&str, &str)| {
        let own: Vec<&RegionSight> = sights
            .iter()
            .filter(|s| (s.account.as_str(), s.region.as_str()) == (account, region))
            .collect();
        let sight = |_: i64, to: i64| {
            let last = own.iter().rfind(|s| s.time_s <= to);
            last.map_or(Sight::NotLooked, |s| match s.unread.len() {
                0 => Sight::All,
                n if n < s.calls => Sight::Part,
                _ => Sight::Nothing,
            })
        };
        StripRow {
            account: account.to_owned(),
            region: region.to_owned(),
            sensor: StripSensor::Configuration,
            spans: axis.spans(sight),
            unread: own.last().map(|s| s.unread.clone()).unwrap_or_default(),
        }
    };
    places.into_iter().map(row).collect()
}

/// A row for each region that events came from.
fn trail(axis: &StripAxis, watched: &WatchResult, sights: &[RegionSight]) -> Vec<StripRow> {
    let coverage = &watched.coverage;
    let span = |t: &Option<String>| t.as_deref().and_then(second);
    let (Some(first), Some(last)) = (span(&coverage.first_event), span(&coverage.last_event))
    else {
        return Vec::new();
    };
    let gaps: Vec<(Option<&str>, i64, i64)> = watched
        .findings
        .iter()
        .filter(|f| f.rule == "trail-gap")
        .filter_map(|f| {
            Some((
                f.region.as_deref(),
                span(&f.first_time)?,
                span(&f.last_time)?,
            ))
        })
        .collect();
    let mut places: BTreeSet<(&str, &str)> = watched
        .findings
        .iter()
        .filter(|f| f.actor.is_some())
        .filter_map(|f| Some((f.account.as_deref()?, f.region.as_deref()?)))
        .collect();
    if places.is_empty() {
        places.extend(
            sights
                .iter()
                .map(|s| (s.account.as_str(), s.region.as_str())),
        );
    }
    let row = |(account, region): (&str, &str)| {
        let sight = |from: i64, to: i64| {
            let is_in = |(of, begin, end): &&(Option<&str>, i64, i64)| {
                of.is_none_or(|of| of == region) && *begin < to && *end > from
            };
            let dark: i64 = gaps
                .iter()
                .filter(is_in)
                .map(|(_, begin, end)| (*end).min(to) - (*begin).max(from))
                .sum();
            match (to < first || from > last, dark) {
                (true, _) => Sight::NotLooked,
                (_, 0) => Sight::All,
                (_, dark) if dark >= to - from => Sight::Nothing,
                _ => Sight::Part,
            }
        };
        StripRow {
            account: account.to_owned(),
            region: region.to_owned(),
            sensor: StripSensor::Trail,
            spans: axis.spans(sight),
            unread: Vec::new(),
        }
    };
    places.into_iter().map(row).collect()
}

fn bill(axis: &StripAxis, watched: &WatchResult) -> Option<StripRow> {
    let bill = watched.bill.as_ref()?;
    let day = |d: &Option<String>| second(&format!("{}T00:00:00Z", d.as_deref()?));
    let (first, scored) = (day(&bill.first_day)?, day(&bill.scored_through)?);
    let sight = |from: i64, to: i64| match to <= first || from >= scored + 86_400 {
        true => Sight::NotLooked,
        false => Sight::All,
    };
    Some(StripRow {
        account: String::new(),
        region: "all".to_owned(),
        sensor: StripSensor::Bill,
        spans: axis.spans(sight),
        unread: Vec::new(),
    })
}

/// Coverage of the last snapshots by region; none where there is no log.
fn region_sights(global: &Global) -> Result<Vec<RegionSight>> {
    let storage = store::open(global)?;
    let Ok(log) = bartizan_evidence::EvidenceLog::open(storage.as_ref()) else {
        return Ok(Vec::new());
    };
    let history = bartizan_evidence::snapshots(&log)?;
    let read = history.len().saturating_sub(SNAPSHOTS_READ);
    let mut sights = Vec::new();
    for kept in history.iter().skip(read) {
        let text = bartizan_evidence::facts(storage.as_ref(), kept)?;
        sights.extend(sights_of(kept, &text)?);
    }
    Ok(sights)
}

fn sights_of(kept: &LoggedSnapshot, text: &str) -> Result<Vec<RegionSight>> {
    // The header is enough, and a snapshot of a large account is long.
    let header: String = text
        .lines()
        .take_while(|line| line.starts_with('#'))
        .flat_map(|line| [line, "\n"])
        .collect();
    let snapshot = Snapshot::parse(&header)?;
    let mut sights: Vec<RegionSight> = Vec::new();
    for row in snapshot
        .header
        .coverage
        .iter()
        .filter(|c| !c.is_region_off())
    {
        let is_read = row.status == CallStatus::Ok;
        let of_region = |s: &&mut RegionSight| s.region == row.region;
        let sight = match sights.iter_mut().find(of_region) {
            Some(sight) => sight,
            None => {
                sights.push(RegionSight {
                    account: kept.snapshot.account.clone(),
                    region: row.region.clone(),
                    time_s: second(&kept.snapshot.taken.0).unwrap_or(0),
                    unread: Vec::new(),
                    calls: 0,
                });
                let last = sights.len() - 1;
                &mut sights[last]
            }
        };
        sight.calls += 1;
        if !is_read {
            sight.unread.push(row.call.clone());
        }
    }
    Ok(sights)
}

fn second(time: &str) -> Option<i64> {
    time.parse::<Timestamp>().ok().map(Timestamp::as_second)
}

fn text(second: i64) -> String {
    bartizan_model::time_text(second)
}
