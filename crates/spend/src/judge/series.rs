//! Charges as dense series of days, one for each key of the views that are judged.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::prelude::ToPrimitive;

use super::options::JudgeOptions;
use crate::charge::{ChargeKey, ChargeKind, Name, View};
use crate::ledger::Ledger;

/// Dimensions of a series. `None` where the source has none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SpendPlace {
    pub(super) account: Option<String>,
    pub(super) service: Option<String>,
    pub(super) region: Option<String>,
    pub(super) family: Option<String>,
    pub(super) currency: String,
}

/// Account and currency: what is never added across.
pub(super) type AccountBill = (Option<String>, String);

impl SpendPlace {
    /// Account and currency.
    pub(super) fn bill(&self) -> AccountBill {
        (self.account.clone(), self.currency.clone())
    }
}

/// Usage of one place by day, from [`SpendSeries::first`] on.
#[derive(Clone, Debug)]
pub(super) struct UsageSeries {
    pub(super) place: SpendPlace,
    /// Price list cost, or an estimate where the bill shows a quantity and no cost.
    pub(super) value: Vec<f64>,
    pub(super) cost: Vec<f64>,
    pub(super) quantity: Vec<f64>,
    pub(super) files: Vec<u32>,
}

/// Charges that are not usage.
#[derive(Clone, Debug)]
pub(super) struct OtherCharge {
    pub(super) place: SpendPlace,
    pub(super) kind: ChargeKind,
    pub(super) day: i32,
    pub(super) cost: f64,
    pub(super) file: u32,
}

/// Everything that is judged.
pub(super) struct SpendSeries {
    /// First day of the bill.
    pub(super) first: i32,
    /// Last scored day.
    pub(super) last: i32,
    /// In the order of their places.
    pub(super) usage: Vec<UsageSeries>,
    pub(super) other: Vec<OtherCharge>,
}

/// Rough prices of usage that a bill may show without a cost, by the start of the family: one unit
/// in dollars, from AWS's price lists for us-east-1.
const ROUGH_PRICES: [(&str, f64); 12] = [
    ("BoxUsage:p", 5.0),
    ("BoxUsage:g", 1.0),
    ("BoxUsage", 0.1),
    ("SpotUsage:p", 2.0),
    ("SpotUsage:g", 0.4),
    ("SpotUsage", 0.04),
    ("Fargate-vCPU-Hours", 0.04),
    ("Lambda-GB-Second", 0.000_016_7),
    ("Build-Min", 0.005),
    ("OutboundSMS", 0.05),
    ("Recipients", 0.000_1),
    ("EBS:SnapshotUsage", 0.05),
];

impl SpendSeries {
    pub(super) fn of(ledger: &Ledger, options: &JudgeOptions) -> Option<Self> {
        let views = judged_views(ledger);
        let days = || {
            ledger
                .series
                .iter()
                .filter(|s| s.key.kind.is_usage())
                .flat_map(|s| &s.days)
        };
        let first = days().map(|d| d.day).min()?;
        let last = days().map(|d| d.day).max()?.min(options.scored_day());
        if last < first || last - first > 3660 {
            return None;
        }
        let length = usize::try_from(last - first + 1).ok()?;
        let mut usage: BTreeMap<SpendPlace, UsageSeries> = BTreeMap::new();
        let mut other = Vec::new();
        for series in ledger
            .series
            .iter()
            .filter(|s| views.contains(&s.key.view()))
        {
            let place = place_of(ledger, &series.key);
            if !series.key.kind.is_usage() {
                other.extend(
                    series
                        .days
                        .iter()
                        .filter(|d| d.day <= last)
                        .map(|d| OtherCharge {
                            place: place.clone(),
                            kind: series.key.kind,
                            day: d.day,
                            cost: d.cost.to_f64().unwrap_or(0.0),
                            file: d.file,
                        }),
                );
                continue;
            }
            let rough = place.family.as_deref().and_then(|f| {
                ROUGH_PRICES
                    .iter()
                    .find(|(start, _)| f.starts_with(start))
                    .map(|(_, p)| *p)
            });
            let dense = usage.entry(place.clone()).or_insert_with(|| UsageSeries {
                place,
                value: vec![0.0; length],
                cost: vec![0.0; length],
                quantity: vec![0.0; length],
                files: vec![0; length],
            });
            for day in &series.days {
                let at = usize::try_from(day.day - first).unwrap_or(usize::MAX);
                if at >= length {
                    continue;
                }
                let listed = day.listed.to_f64().unwrap_or(0.0);
                let quantity = day.quantity.to_f64().unwrap_or(0.0);
                let value = match rough {
                    Some(price) if listed == 0.0 => price * quantity,
                    _ => listed,
                };
                dense.value[at] += value.max(0.0);
                // A commitment pays for it: some formats show its price, some nothing.
                dense.cost[at] += match series.key.kind {
                    ChargeKind::Covered => value,
                    _ => day.cost.to_f64().unwrap_or(0.0),
                };
                dense.quantity[at] += quantity;
                dense.files[at] = day.file;
            }
        }
        other.sort_by(|a, b| (a.day, &a.place, a.kind).cmp(&(b.day, &b.place, b.kind)));
        Some(Self {
            first,
            last,
            usage: usage.into_values().collect(),
            other,
        })
    }

    pub(super) fn length(&self) -> usize {
        usize::try_from(self.last - self.first + 1).unwrap_or(0)
    }

    pub(super) fn day(&self, at: usize) -> i32 {
        self.first + i32::try_from(at).unwrap_or(0)
    }

    /// Value of usage by day for each account and currency. Sources without accounts have one, of
    /// everything.
    pub(super) fn account_days(&self) -> BTreeMap<AccountBill, Vec<f64>> {
        let mut sums: BTreeMap<AccountBill, Vec<f64>> = BTreeMap::new();
        for series in &self.usage {
            let sum = sums
                .entry(series.place.bill())
                .or_insert_with(|| vec![0.0; self.length()]);
            for (sum, value) in sum.iter_mut().zip(&series.value) {
                *sum += value;
            }
        }
        sums
    }
}

/// Views that no other view contains: a bill by account, service, region and family says all that
/// its sums by service would say.
fn judged_views(ledger: &Ledger) -> BTreeSet<View> {
    let views: BTreeSet<View> = ledger.series.iter().map(|s| s.key.view()).collect();
    let within = |a: View, b: View| a != b && a.0 & b.0 == a.0;
    views
        .iter()
        .filter(|v| !views.iter().any(|w| within(**v, *w)))
        .copied()
        .collect()
}

fn place_of(ledger: &Ledger, key: &ChargeKey) -> SpendPlace {
    let text = |name: Option<Name>| name.map(|n| ledger.names.text(n).to_owned());
    SpendPlace {
        account: text(key.account),
        service: text(key.service),
        region: text(key.region),
        family: text(key.family),
        currency: ledger.names.text(key.currency).to_owned(),
    }
}
