//! Judges a bill: what is not normal, and how bad that is.

mod baseline;
mod commitment;
mod episode;
mod finding_text;
mod kinds;
mod ladder;
mod month_chart;
mod options;
mod rise;
mod series;
mod silence;
mod spend_finding;

use std::collections::{BTreeMap, BTreeSet};

pub use kinds::SpendRule;
pub use ladder::{LADDER_STEPS, Ladder, LadderStep, LadderVerdict, ladder};
pub use month_chart::{ChartDimension, MonthChart, month_charts, scored_through};
pub use options::{FALSE_ALARMS, JudgeOptions};
pub use spend_finding::{ChartDay, SpendFinding, SpendSubject};

use crate::ledger::Ledger;
use bartizan_model::Severity;
use bartizan_model::limits::FINDINGS_MAX;
use episode::{Episode, episodes};
use finding_text::SpendText;
use series::{SpendPlace, SpendSeries};

/// Findings of a bill, worst first. The same charges give the same findings, whatever format and
/// order they are read in.
#[must_use]
pub fn judge(ledger: &Ledger, options: &JudgeOptions) -> Vec<SpendFinding> {
    let mut found: Vec<SpendFinding> = Vec::new();
    if let Some(estate) = SpendSeries::of(ledger, options) {
        let text = SpendText {
            estate: &estate,
            files: &ledger.files,
            options,
        };
        let rises = merged_views(episodes(&estate, options));
        found.extend(rises.iter().map(|e| text.rise(e)));
        found.extend(
            silence::silences(&estate, options)
                .iter()
                .map(|s| text.silent(s)),
        );
        let bought = commitment::commitments(&estate, options);
        found.extend(bought.iter().map(|c| text.commitment(c)));
        found.extend(early(&estate, options, &text, &rises));
        found.extend(ledger.reported.iter().map(|a| text.reported(a)));
        found.extend(ledger.budgets.iter().map(|b| text.budget(b)));
    }
    found.extend(ledger.unread.iter().map(finding_text::unread));
    let mut by_id: BTreeMap<String, SpendFinding> = BTreeMap::new();
    for one in found {
        by_id
            .entry(one.finding.id.clone())
            .and_modify(|known| keep_worse(known, &one))
            .or_insert(one);
    }
    let mut found: Vec<SpendFinding> = by_id.into_values().collect();
    found.sort_by(|a, b| {
        let key = |f: &SpendFinding| (std::cmp::Reverse(f.finding.severity), f.known_day);
        key(a)
            .cmp(&key(b))
            .then(b.so_far.total_cmp(&a.so_far))
            .then_with(|| a.finding.id.cmp(&b.finding.id))
    });
    found.truncate(FINDINGS_MAX);
    found
}

/// Two rises of one place in one month are one finding: the worse, with the days of both counted.
fn keep_worse(known: &mut SpendFinding, other: &SpendFinding) {
    let count = known.finding.count + other.finding.count;
    let rank = |f: &SpendFinding| (f.finding.severity, (f.so_far * 100.0) as i64);
    if rank(other) > rank(known) {
        *known = other.clone();
    }
    known.finding.count = count;
}

/// Cost Explorer sums by service and region, and by account and service: a rise in both is one,
/// with the dimensions of both.
fn merged_views(episodes: Vec<Episode>) -> Vec<Episode> {
    let (with, without): (Vec<Episode>, Vec<Episode>) = episodes
        .into_iter()
        .partition(|e| e.place.account.is_some());
    if with.is_empty() || without.is_empty() {
        return [with, without].concat();
    }
    let mut used = BTreeSet::new();
    let mut merged = Vec::new();
    for mut episode in without {
        let same = with.iter().position(|w| {
            w.place.service == episode.place.service
                && w.place.region.is_none()
                && w.start.abs_diff(episode.start) <= 1
                && (0.5..2.0).contains(&(w.excess() / episode.excess().max(f64::MIN_POSITIVE)))
        });
        if let Some(same) = same {
            used.insert(same);
            episode.place.account.clone_from(&with[same].place.account);
            episode.severity = episode.severity.max(with[same].severity);
            episode.normal_day = with[same].normal_day;
        }
        merged.push(episode);
    }
    let rest = with
        .into_iter()
        .enumerate()
        .filter(|(n, _)| !used.contains(n));
    merged.extend(rest.map(|(_, e)| e));
    merged.sort_by(|a, b| (a.start, &a.place).cmp(&(b.start, &b.place)));
    merged
}

/// Months ahead of their ladder, of each account and of all, unless a rise explains them.
fn early(
    estate: &SpendSeries,
    options: &JudgeOptions,
    text: &SpendText<'_>,
    rises: &[Episode],
) -> Vec<SpendFinding> {
    let mut sums = estate.account_days();
    let mut totals: BTreeMap<String, (usize, Vec<f64>)> = BTreeMap::new();
    for ((account, currency), days) in &sums {
        if account.is_some() {
            let empty = || (0, vec![0.0; estate.length()]);
            let (accounts, total) = totals.entry(currency.clone()).or_insert_with(empty);
            *accounts += 1;
            total.iter_mut().zip(days).for_each(|(sum, v)| *sum += v);
        }
    }
    for (currency, (accounts, total)) in totals {
        if accounts > 1 {
            sums.entry((None, currency)).or_insert(total);
        }
    }
    let mut found = Vec::new();
    for ((account, currency), days) in sums {
        let explained: BTreeSet<i32> = rises
            .iter()
            .filter(|e| e.severity >= Severity::Medium)
            .filter(|e| account.is_none() || e.place.account == account)
            .flat_map(|e| [e.start, e.last].map(|at| crate::day::month_start(estate.day(at))))
            .collect();
        let mut month = crate::day::month_start(estate.first);
        while month <= estate.last {
            let end = (crate::day::month_end(month) - 1).min(estate.last);
            let ladder = ladder(estate.first, &days, end, options.early_days);
            if let Some(ladder) = ladder.filter(|l| l.verdict > LadderVerdict::Ok)
                && !explained.contains(&month)
            {
                let place = SpendPlace {
                    account: account.clone(),
                    service: None,
                    region: None,
                    family: None,
                    currency: currency.clone(),
                };
                found.push(text.early(&place, &ladder));
            }
            month = crate::day::month_end(month);
        }
    }
    found
}
