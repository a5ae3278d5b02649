//! This month, the last one, and where this one is going; and alarms for it.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;

use crate::day::{day_text, month_end, month_start};
use crate::ledger::{ChargeLabel, DayCost, Ledger};

/// Days whose mean the rest of a month is projected from.
const PROJECTED_FROM_DAYS: i32 = 7;
/// Alarms of CloudWatch that cost nothing.
const FREE_ALARMS: usize = 10;
/// Alarms for services, and for accounts, among them.
const SERVICE_ALARMS: usize = 3;
const ACCOUNT_ALARMS: usize = 2;

/// Sums of a bill by month.
#[derive(Clone, Debug, Serialize)]
pub struct SpendSummary {
    /// Last day with charges, e.g. `2026-03-11`.
    pub through: String,
    pub total: Vec<SummaryRow>,
    pub services: Vec<SummaryRow>,
    pub regions: Vec<SummaryRow>,
    pub accounts: Vec<SummaryRow>,
}

/// Sums of one service, region or account.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SummaryRow {
    pub name: String,
    pub currency: String,
    pub this_month: Decimal,
    pub last_month: Decimal,
    /// This month with its other days like the last seven.
    pub projected: Decimal,
}

/// Alarm on AWS's own estimate of the month's charges.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlarmProposal {
    /// `bartizan-bill-AmazonEC2-750`.
    pub name: String,
    pub service: Option<String>,
    pub account: Option<String>,
    pub currency: String,
    pub threshold: u64,
}

type Dimension = fn(&ChargeLabel<'_>) -> Option<String>;

/// Sums of the month of the last charge and the month before, up to a day.
#[must_use]
pub fn spend_summary(ledger: &Ledger, last_day: i32) -> Option<SpendSummary> {
    let through = ledger
        .costs()
        .map(|(_, d)| d.day)
        .filter(|d| *d <= last_day)
        .max()?;
    let rows = |dimension: Dimension| summary_rows(ledger, dimension, through);
    Some(SpendSummary {
        through: day_text(through),
        total: rows(|_| Some("total".to_owned())),
        services: rows(|l| l.service.map(str::to_owned)),
        regions: rows(|l| l.region.map(str::to_owned)),
        accounts: rows(|l| l.account.map(str::to_owned)),
    })
}

/// Sums by one dimension, largest first. A source that sums the same charges in several ways
/// counts once: by the dimensions that have most.
fn summary_rows(ledger: &Ledger, dimension: Dimension, through: i32) -> Vec<SummaryRow> {
    let dimensions =
        |l: &ChargeLabel<'_>| [l.account, l.service, l.region, l.family].map(|d| d.is_some());
    let counted = |l: &ChargeLabel<'_>| dimension(l).is_some();
    let Some(view) = ledger
        .costs()
        .filter(|(l, _)| counted(l))
        .map(|(l, _)| dimensions(&l))
        .max_by_key(|d| (d.iter().filter(|has| **has).count(), *d))
    else {
        return Vec::new();
    };
    let (this, last) = (month_start(through), month_start(month_start(through) - 1));
    let mut rows: BTreeMap<(String, String), (SummaryRow, Decimal)> = BTreeMap::new();
    for (label, day) in ledger.costs().filter(|(l, _)| dimensions(l) == view) {
        let Some(name) = dimension(&label) else {
            continue;
        };
        if day.day < last || day.day > through {
            continue;
        }
        let key = (name.clone(), label.currency.to_owned());
        let (row, recent) = rows.entry(key).or_insert_with(|| {
            let currency = label.currency.to_owned();
            let zero = Decimal::ZERO;
            let row = SummaryRow {
                name,
                currency,
                this_month: zero,
                last_month: zero,
                projected: zero,
            };
            (row, zero)
        });
        match day.day >= this {
            true => row.this_month += day.cost,
            false => row.last_month += day.cost,
        }
        if day.day > through - PROJECTED_FROM_DAYS && label.kind.is_usage() {
            *recent += day.cost;
        }
    }
    let left = Decimal::from(month_end(through) - 1 - through);
    let mut rows: Vec<SummaryRow> = rows
        .into_values()
        .map(|(mut row, recent)| {
            let rest = recent / Decimal::from(PROJECTED_FROM_DAYS) * left;
            row.projected = (row.this_month + rest).round_dp(2);
            row.this_month = row.this_month.normalize();
            row.last_month = row.last_month.normalize();
            row
        })
        .collect();
    rows.sort_by(|a, b| {
        b.this_month
            .cmp(&a.this_month)
            .then_with(|| a.name.cmp(&b.name))
    });
    rows
}

/// Ten alarms from the last whole month: steps of the total, the largest services and accounts.
#[must_use]
pub fn alarm_proposals(ledger: &Ledger, last_day: i32) -> Vec<AlarmProposal> {
    let whole = |d: &DayCost| d.day <= last_day;
    let Some(through) = ledger
        .costs()
        .map(|(_, d)| d)
        .filter(|d| whole(d))
        .map(|d| d.day)
        .max()
    else {
        return Vec::new();
    };
    // The month of the last charge is whole if the last charge is of its last day.
    let end = match month_end(through) - 1 == through {
        true => through,
        false => month_start(through) - 1,
    };
    let rows = |dimension: Dimension| -> Vec<SummaryRow> {
        let rows = summary_rows(ledger, dimension, end);
        rows.into_iter()
            .filter(|r| r.this_month > Decimal::ZERO)
            .collect()
    };
    let services: Vec<SummaryRow> = rows(|l| l.service.map(str::to_owned));
    let accounts: Vec<SummaryRow> = rows(|l| l.account.map(str::to_owned));
    let accounts = if accounts.len() > 1 {
        accounts
    } else {
        Vec::new()
    };
    let services = &services[..services.len().min(SERVICE_ALARMS)];
    let accounts = &accounts[..accounts.len().min(ACCOUNT_ALARMS)];
    let steps = FREE_ALARMS - services.len() - accounts.len();
    let mut found = Vec::new();
    for row in rows(|_| Some("total".to_owned())).iter().take(1) {
        for step in 1..=steps {
            // From a part of the usual month to half as much again.
            let share = 1.5 * step as f64 / steps as f64;
            found.extend(proposal(row, share, None, None));
        }
    }
    for row in services {
        found.extend(proposal(row, 1.25, Some(&row.name), None));
    }
    for row in accounts {
        found.extend(proposal(row, 1.25, None, Some(&row.name)));
    }
    found.dedup();
    found
}

fn proposal(
    row: &SummaryRow,
    share: f64,
    service: Option<&String>,
    account: Option<&String>,
) -> Option<AlarmProposal> {
    let threshold = rounded(row.this_month.to_f64()? * share);
    let of = service
        .or(account)
        .map(|n| format!("-{n}"))
        .unwrap_or_default();
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || c == '-' {
            c
        } else {
            '-'
        }
    };
    Some(AlarmProposal {
        name: format!("bartizan-bill{of}-{threshold}")
            .chars()
            .map(plain)
            .collect(),
        service: service.cloned(),
        account: account.cloned(),
        currency: row.currency.clone(),
        threshold,
    })
}

/// Amount with two digits that count: 1,263 is 1,300.
fn rounded(amount: f64) -> u64 {
    let digits = amount.max(1.0).log10().floor() as i32 - 1;
    let unit = 10f64.powi(digits.max(0));
    ((amount / unit).ceil() * unit).max(1.0) as u64
}

#[cfg(test)]
mod tests {
    use super::{alarm_proposals, spend_summary};
    use crate::read::BillReader;

    #[test]
    fn a_month_is_held_against_the_last() {
        let head = "line_item_usage_start_date,line_item_unblended_cost,\
                    line_item_usage_account_id,line_item_product_code,line_item_usage_type\n";
        let row = |month: u32, day: u32, cost: u32| {
            format!("2026-{month:02}-{day:02},{cost},111122223333,AmazonEC2,BoxUsage:m5.large\n")
        };
        let text: String = (1..=28)
            .map(|day| row(2, day, 10))
            .chain((1..=10).map(|day| row(3, day, 20)))
            .collect();
        let mut reader = BillReader::default();
        reader.read("bill", &mut format!("{head}{text}").as_bytes());
        let ledger = reader.finish();
        let summary = spend_summary(&ledger, i32::MAX);
        let total = summary.as_ref().map(|s| &s.total[0]);
        let amounts =
            total.map(|t| [t.this_month, t.last_month, t.projected].map(|a| a.to_string()));
        assert_eq!(amounts, Some(["200", "280", "620"].map(str::to_owned)));
        let alarms = alarm_proposals(&ledger, i32::MAX);
        assert_eq!(alarms.len(), 10);
        assert_eq!(
            alarms.last().map(|a| (a.name.as_str(), a.threshold)),
            Some(("bartizan-bill-AmazonEC2-350", 350))
        );
    }
}
