//! Sums of a bill by day and key. Memory grows with keys and days, not with rows.

use std::collections::HashMap;

use foldhash::quality::RandomState;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::charge::{ChargeKey, ChargeKind, Name};
use crate::money::exact_sum;
use bartizan_model::limits::{BILL_KEYS_MAX, BILL_PROBLEMS_MAX};

/// All charges that were read, summed.
#[derive(Default)]
pub struct Ledger {
    pub(crate) names: Names,
    keys: HashMap<ChargeKey, u32, RandomState>,
    pub(crate) series: Vec<Series>,
    /// Files by number.
    pub files: Vec<BillFile>,
    pub problems: Problems,
    /// Anomalies that AWS found.
    pub reported: Vec<ReportedAnomaly>,
    /// Budgets that AWS reported as exceeded.
    pub budgets: Vec<BudgetNotice>,
    /// Months of which something could not be read, e.g. `2026-03`, each with the reason.
    pub unread: Vec<UnreadPeriod>,
}

/// File of a bill.
#[derive(Clone, Debug, Serialize)]
pub struct BillFile {
    pub name: String,
    pub format: &'static str,
    /// Charges read.
    pub rows: u64,
    /// Charges of other clouds, totals and repeated headers, which are left out.
    pub left_out: u64,
}

/// Part of a bill that was not read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct UnreadPeriod {
    /// `2026-03`, or the file's name where its period is not known.
    pub period: String,
    pub file: String,
    pub because: &'static str,
}

/// Finding of AWS Cost Anomaly Detection.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReportedAnomaly {
    pub id: String,
    pub first_day: String,
    pub last_day: String,
    pub account: Option<String>,
    pub service: Option<String>,
    pub region: Option<String>,
    pub usage_type: Option<String>,
    /// Dollars above what AWS expected, in all.
    pub impact: Option<Decimal>,
    pub file: u32,
}

/// Notification of AWS Budgets.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BudgetNotice {
    pub budget: String,
    pub account: Option<String>,
    pub limit: Option<Decimal>,
    pub actual: Option<Decimal>,
    pub file: u32,
}

/// Charges of one key, by day.
pub(crate) struct Series {
    pub(crate) key: ChargeKey,
    pub(crate) days: Vec<DayCost>,
}

/// Charges of one key and day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayCost {
    /// Days since 1970-01-01, UTC.
    pub day: i32,
    /// First hour with a charge.
    pub first_hour: u8,
    /// Number of the first file that had one.
    pub file: u32,
    /// Unblended cost: what is paid.
    pub cost: Decimal,
    /// Price list cost of what was used, where the bill has it; else the unblended cost.
    pub listed: Decimal,
    pub quantity: Decimal,
}

/// Texts, each once.
#[derive(Default)]
pub(crate) struct Names {
    texts: Vec<String>,
    index: HashMap<String, Name, RandomState>,
}

impl Names {
    pub(crate) fn intern(&mut self, text: &str) -> Name {
        if let Some(name) = self.index.get(text) {
            return *name;
        }
        let name = self.texts.len() as Name;
        self.texts.push(text.to_owned());
        self.index.insert(text.to_owned(), name);
        name
    }

    pub(crate) fn text(&self, name: Name) -> &str {
        self.texts.get(name as usize).map_or("", String::as_str)
    }
}

/// Unreadable parts, counted; the first are listed.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Problems {
    pub count: u64,
    pub first: Vec<BillProblem>,
}

/// One thing that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BillProblem {
    pub file: String,
    /// Line, from 1; 0 where the file has no lines.
    pub line: u64,
    pub kind: BillProblemKind,
}

/// Kind of a problem in a file of a bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BillProblemKind {
    /// Row with too few cells.
    CutRow,
    /// Row larger than the bound, e.g. because of an unclosed quote.
    RowTooLarge,
    /// No date, or one that is not understood.
    Date,
    /// No cost, or one that is not understood.
    Cost,
    /// Quantity that is not understood.
    Quantity,
    /// Account id as a spreadsheet rounds it, e.g. `1.23457E+11`.
    Account,
    /// Type of charge that this program does not know.
    UnknownKind,
    /// Two columns of the same name; the first counts.
    RepeatedColumn,
    /// A needed column is missing.
    MissingColumn,
    /// Ends before its end, or is damaged.
    Damaged,
    /// Not a bill.
    NotABill,
    /// More keys than the bound: their charges are in the sums of the total only.
    TooManyKeys,
    /// Sum with more digits than can be held exactly.
    Inexact,
    /// CloudWatch values without dimensions.
    UnnamedMetric,
    /// Named in a manifest and absent.
    Missing,
}

impl Problems {
    pub(crate) fn add(&mut self, file: &str, line: u64, kind: BillProblemKind) {
        self.count += 1;
        if self.first.len() < BILL_PROBLEMS_MAX {
            let file = file.to_owned();
            self.first.push(BillProblem { file, line, kind });
        }
    }
}

/// Amounts of one charge.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Amounts {
    pub(crate) cost: Decimal,
    pub(crate) listed: Decimal,
    pub(crate) quantity: Decimal,
}

impl Ledger {
    /// Number of the series with this key. Over the bound, keys lose their family.
    pub(crate) fn series_of(&mut self, key: ChargeKey) -> (u32, bool) {
        if let Some(id) = self.keys.get(&key) {
            return (*id, true);
        }
        let mut key = key;
        let fits = self.series.len() < BILL_KEYS_MAX;
        if !fits {
            let rest = self.names.intern("(further)");
            key.family = key.family.map(|_| rest);
            key.region = key.region.map(|_| rest);
            key.service = key.service.map(|_| rest);
            if let Some(id) = self.keys.get(&key) {
                return (*id, false);
            }
        }
        let id = self.series.len() as u32;
        self.keys.insert(key, id);
        let days = Vec::new();
        self.series.push(Series { key, days });
        (id, fits)
    }

    /// Adds a charge. `false` if a sum could not be held exactly.
    pub(crate) fn add(&mut self, series: u32, day: i32, hour: u8, file: u32, a: &Amounts) -> bool {
        let days = &mut self.series[series as usize].days;
        let at = match days.last() {
            Some(last) if last.day == day => days.len() - 1,
            Some(last) if last.day < day => days.len(),
            None => 0,
            Some(_) => days.partition_point(|d| d.day < day),
        };
        if days.get(at).is_none_or(|d| d.day != day) {
            let first_hour = hour;
            let Amounts {
                cost,
                listed,
                quantity,
            } = *a;
            days.insert(
                at,
                DayCost {
                    day,
                    first_hour,
                    file,
                    cost,
                    listed,
                    quantity,
                },
            );
            return true;
        }
        let cell = &mut days[at];
        cell.first_hour = cell.first_hour.min(hour);
        let sums = [
            (cell.cost, a.cost),
            (cell.listed, a.listed),
            (cell.quantity, a.quantity),
        ]
        .map(|(sum, more)| exact_sum(sum, more));
        let exact = sums.iter().all(Option::is_some);
        let [cost, listed, quantity] = sums;
        cell.cost = cost.unwrap_or_else(|| cell.cost.saturating_add(a.cost));
        cell.listed = listed.unwrap_or_else(|| cell.listed.saturating_add(a.listed));
        cell.quantity = quantity.unwrap_or_else(|| cell.quantity.saturating_add(a.quantity));
        exact
    }

    /// Charges read.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|f| f.rows).sum()
    }
}

/// Dimensions of a sum as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChargeLabel<'l> {
    pub account: Option<&'l str>,
    pub service: Option<&'l str>,
    pub region: Option<&'l str>,
    pub family: Option<&'l str>,
    pub kind: ChargeKind,
    pub currency: &'l str,
}

impl Ledger {
    /// All sums, in no order.
    pub fn costs(&self) -> impl Iterator<Item = (ChargeLabel<'_>, &DayCost)> {
        self.series.iter().flat_map(|series| {
            let text = |name: Option<Name>| name.map(|n| self.names.text(n));
            let label = ChargeLabel {
                account: text(series.key.account),
                service: text(series.key.service),
                region: text(series.key.region),
                family: text(series.key.family),
                kind: series.key.kind,
                currency: self.names.text(series.key.currency),
            };
            series.days.iter().map(move |day| (label, day))
        })
    }
}
