//! The bill of a watch: findings, usage that the join needs, and what was told before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::{Context, Result};
use bartizan_evidence::LoggedSnapshot;
use bartizan_incident::{BillInput, HiddenEstate, hidden_estate};
use bartizan_inventory::snapshot::Snapshot;
use bartizan_model::Finding;
use bartizan_spend::{
    BillProblem, BilledUsage, JudgeOptions, Ledger, SpendFinding, billed_usage, day_text, judge,
    month_charts, scored_through,
};
use jiff::Timestamp;

use super::inputs::WatchInputs;
use crate::bill::read_bill;
use crate::bill_report::{BillChart, BillReport, ToldFindings};
use crate::render::bill_problem;
use crate::store::{Loaded, StoreState};

/// Name under which the state keeps what was told of the bill.
pub(super) const TOLD: &str = "bill";
/// Problems of its files that are named.
const PROBLEMS_SHOWN: usize = 5;

/// The bill, read and judged.
pub(super) struct WatchedBill {
    ledger: Ledger,
    superseded: usize,
    options: JudgeOptions,
    found: Vec<SpendFinding>,
    hidden: Vec<HiddenEstate>,
    usage: Vec<BilledUsage>,
    through_day: i32,
    since: Timestamp,
}

/// Reads and judges the bill; none where nobody named one.
pub(super) fn watched_bill(
    inputs: &WatchInputs<'_>,
    since: Timestamp,
) -> Result<Option<WatchedBill>> {
    let Some(parts) = &inputs.bill else {
        return Ok(None);
    };
    let (ledger, superseded) = read_bill(inputs.global, parts);
    let options = inputs.config.spend.options(inputs.now);
    let found = judge(&ledger, &options);
    let usage = billed_usage(&ledger);
    let through_day = scored_through(&ledger, &options).unwrap_or(i32::MIN);
    let mut bill = WatchedBill {
        ledger,
        superseded,
        options,
        found,
        hidden: Vec::new(),
        usage,
        through_day,
        since,
    };
    bill.hidden = bill.hidden(inputs)?;
    Ok(Some(bill))
}

/// What of the bill the runs before told.
pub(super) fn told_before(state: &StoreState) -> Result<ToldFindings> {
    state.get(TOLD)?.map_or_else(
        || Ok(ToldFindings::default()),
        |bytes| {
            serde_json::from_slice(&bytes)
                .context("what the state holds of the bill cannot be read")
        },
    )
}

impl WatchedBill {
    /// Usage that the latest snapshot of its account does not show.
    fn hidden(&self, inputs: &WatchInputs<'_>) -> Result<Vec<HiddenEstate>> {
        let mut newest: BTreeMap<&str, &LoggedSnapshot> = BTreeMap::new();
        for kept in &inputs.history {
            newest.insert(&kept.snapshot.account, kept);
        }
        let history = Arc::new(inputs.history.clone());
        let mut found = Vec::new();
        for kept in newest.into_values() {
            let loaded = Loaded::kept(inputs.storage, &history, kept)?;
            let snapshot = Snapshot::parse(&loaded.text)
                .map_err(|e| anyhow::anyhow!("{}: {e}", loaded.name))?;
            found.extend(hidden_estate(&snapshot, &self.usage, self.through_day));
        }
        Ok(found)
    }

    /// Findings of the time that the watch looks at.
    pub(super) fn findings(&self) -> impl Iterator<Item = Finding> {
        let since = self.since;
        let is_recent = move |f: &&Finding| {
            let last = f
                .last_time
                .as_ref()
                .and_then(|t| t.parse::<Timestamp>().ok());
            last.is_none_or(|last| last >= since)
        };
        self.all().filter(is_recent).cloned()
    }

    fn all(&self) -> impl Iterator<Item = &Finding> {
        let found = self.found.iter().map(|f| &f.finding);
        found.chain(self.hidden.iter().map(|h| &h.finding))
    }

    /// The bill, as incidents need it.
    pub(super) fn input(&self) -> BillInput<'_> {
        let found = self.found.iter().map(|f| (&f.finding, &f.subject));
        let hidden = self.hidden.iter().map(|h| (&h.finding, &h.subject));
        let subjects = found.chain(hidden).map(|(f, s)| (f.id.as_str(), s));
        BillInput {
            subjects: subjects.collect(),
            usage: &self.usage,
            through_day: self.through_day,
        }
    }

    /// The report, with what is new against the runs before. Accepted findings are not told.
    pub(super) fn report(
        &self,
        told: &mut ToldFindings,
        accepted: &BTreeSet<String>,
    ) -> BillReport {
        let days = || self.ledger.costs().map(|(_, d)| d.day);
        let (first, last) = (days().min(), days().max());
        told.days = last.map(|last| (last, self.through_day));
        let findings: Vec<_> = self
            .all()
            .filter(|f| !accepted.contains(&f.id))
            .map(|f| (f.id.as_str(), f.severity))
            .collect();
        let charts = self.found.iter().filter(|f| !f.chart.is_empty());
        let charts = charts.map(|f| BillChart {
            finding: f.finding.id.clone(),
            currency: f.currency.clone(),
            so_far: f.so_far,
            daily: f.daily,
            days: f.chart.clone(),
        });
        BillReport {
            files: self.ledger.files.len(),
            superseded: self.superseded,
            charges: self.ledger.rows(),
            first_day: first.map(day_text),
            last_day: last.map(day_text),
            scored_through: last.map(|_| day_text(self.through_day)),
            news: told.tell(&findings),
            charts: charts.collect(),
            months: month_charts(&self.ledger, &self.options),
        }
    }

    /// Parts of the bill that were not read, a line each.
    pub(super) fn holes(&self) -> Vec<String> {
        let unread = self.ledger.unread.iter();
        let mut holes: Vec<String> = unread
            .map(|u| {
                format!(
                    "the bill of {}: {}: {}: its spend is unknown, not quiet",
                    u.period, u.file, u.because
                )
            })
            .collect();
        let problems = &self.ledger.problems;
        let named = |p: &BillProblem| format!("the bill: {}", bill_problem(p));
        holes.extend(problems.first.iter().take(PROBLEMS_SHOWN).map(named));
        let more = problems.count.saturating_sub(PROBLEMS_SHOWN as u64);
        if more > 0 {
            holes.push(format!("the bill: {more} more such parts"));
        }
        if self.ledger.rows() == 0 {
            holes.push("the bill: no charge was read".to_owned());
        }
        holes
    }
}
