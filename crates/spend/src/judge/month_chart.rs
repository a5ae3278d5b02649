//! The month to date beside the month before, with the ladder, for pictures.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ladder::{LadderStep, LadderVerdict, ladder, month_sums};
use super::options::JudgeOptions;
use super::series::{SpendSeries, UsageSeries};
use crate::day::{month_end, month_start};
use crate::ledger::Ledger;

/// Services, and regions, that have a chart because they are the largest.
const LARGEST: usize = 4;
/// Charts of one bill.
const CHARTS_MAX: usize = 16;

/// Sums from the first of the month to each of its days.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MonthChart {
    pub dimension: ChartDimension,
    /// Service or region; empty for the total.
    pub name: String,
    pub currency: String,
    /// First day of the month, in days since 1970.
    pub month: i32,
    /// Usage at list prices.
    pub this_month: Vec<f64>,
    /// Empty where the bill does not reach back a whole month.
    pub last_month: Vec<f64>,
    /// Empty where there is no whole month before.
    pub steps: Vec<LadderStep>,
    /// Days by which a step must be early to count.
    pub early_days: i32,
    pub verdict: Option<LadderVerdict>,
}

/// Dimension of a chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChartDimension {
    Total,
    Service,
    Region,
}

type ChartKey = (ChartDimension, String, String);

/// Charts of the last scored month: the totals, the largest services and regions, and all that are
/// ahead of their ladder.
#[must_use]
pub fn month_charts(ledger: &Ledger, options: &JudgeOptions) -> Vec<MonthChart> {
    let Some(estate) = SpendSeries::of(ledger, options) else {
        return Vec::new();
    };
    let mut sums: BTreeMap<ChartKey, Vec<f64>> = BTreeMap::new();
    for series in &estate.usage {
        for key in keys(series) {
            let sum = sums
                .entry(key)
                .or_insert_with(|| vec![0.0; estate.length()]);
            sum.iter_mut()
                .zip(&series.value)
                .for_each(|(sum, value)| *sum += value);
        }
    }
    let mut charts: Vec<MonthChart> = sums
        .into_iter()
        .map(|(key, days)| chart(&estate, key, &days, options.early_days))
        .collect();
    let spent = |c: &MonthChart| c.this_month.last().copied().unwrap_or(0.0);
    charts.sort_by(|a, b| {
        let key = |c: &MonthChart| (c.dimension, std::cmp::Reverse(c.verdict));
        key(a)
            .cmp(&key(b))
            .then(spent(b).total_cmp(&spent(a)))
            .then_with(|| a.name.cmp(&b.name))
    });
    let mut kept: BTreeMap<ChartDimension, usize> = BTreeMap::new();
    charts.retain(|chart| {
        let number = kept.entry(chart.dimension).or_default();
        *number += 1;
        let is_early = chart.verdict > Some(LadderVerdict::Ok);
        spent(chart) > 0.0 && (is_early || *number <= LARGEST)
    });
    charts.truncate(CHARTS_MAX);
    charts
}

/// Charts that a series counts in.
fn keys(series: &UsageSeries) -> Vec<ChartKey> {
    let place = &series.place;
    let key = |dimension, name: &str| (dimension, name.to_owned(), place.currency.clone());
    let mut found = vec![key(ChartDimension::Total, "")];
    found.extend(
        place
            .service
            .as_deref()
            .map(|s| key(ChartDimension::Service, s)),
    );
    found.extend(
        place
            .region
            .as_deref()
            .map(|r| key(ChartDimension::Region, r)),
    );
    found
}

fn chart(estate: &SpendSeries, key: ChartKey, days: &[f64], early_days: i32) -> MonthChart {
    let (dimension, name, currency) = key;
    let month = month_start(estate.last);
    let before = month_start(month - 1);
    let ladder = ladder(estate.first, days, estate.last, early_days);
    let last_month = match before >= estate.first {
        true => month_sums(estate.first, days, before, month_end(before) - 1),
        false => Vec::new(),
    };
    MonthChart {
        dimension,
        name,
        currency,
        month,
        this_month: month_sums(estate.first, days, month, estate.last),
        last_month,
        verdict: ladder.as_ref().map(|l| l.verdict),
        steps: ladder.map(|l| l.steps).unwrap_or_default(),
        early_days,
    }
}

/// Last day that is scored: charges of later days may still be missing.
#[must_use]
pub fn scored_through(ledger: &Ledger, options: &JudgeOptions) -> Option<i32> {
    SpendSeries::of(ledger, options).map(|estate| estate.last)
}
