//! The bill for people: findings with a line of the last days, and sums.

use std::io::IsTerminal;

use anyhow::Result;
use bartizan_model::Severity;
use bartizan_spend::{
    BillFile, BillProblem, BillProblemKind, ChartDay, Ledger, Problems, SpendFinding, SpendSummary,
    SummaryRow, UnreadPeriod, day_text,
};
use rust_decimal::Decimal;
use serde::Serialize;

use super::style::{painted, severity_style};
use super::words::{counted, thousands};
use super::{Out, clean};

/// Rows of a table that are shown.
const ROWS_SHOWN: usize = 15;
/// Unreadable parts that are shown.
const PROBLEMS_SHOWN: usize = 5;

/// Result of `spend`.
#[derive(Serialize)]
pub(crate) struct SpendDocument<'l> {
    pub(crate) rows: u64,
    pub(crate) files: &'l [BillFile],
    /// Files of older deliveries, which were not read.
    pub(crate) superseded: usize,
    pub(crate) problems: &'l Problems,
    pub(crate) unread: &'l [UnreadPeriod],
    /// False alarms of medium and worse, an account and month, that the thresholds are for.
    pub(crate) false_alarms: f64,
    pub(crate) findings: &'l [SpendFinding],
    #[serde(skip)]
    days: Option<(i32, i32)>,
    #[serde(skip)]
    as_of_day: i32,
}

/// Circumstances of a reading.
pub(crate) struct SpendAbout {
    pub(crate) superseded: usize,
    pub(crate) false_alarms: f64,
    pub(crate) as_of_day: i32,
}

impl<'l> SpendDocument<'l> {
    pub(crate) fn new(
        ledger: &'l Ledger,
        about: &SpendAbout,
        findings: &'l [SpendFinding],
    ) -> Self {
        let days = || ledger.costs().map(|(_, d)| d.day);
        Self {
            rows: ledger.rows(),
            files: &ledger.files,
            superseded: about.superseded,
            false_alarms: about.false_alarms,
            as_of_day: about.as_of_day,
            problems: &ledger.problems,
            unread: &ledger.unread,
            findings,
            days: days().min().zip(days().max()),
        }
    }

    fn is_incomplete(&self) -> bool {
        self.problems.count > 0 || !self.unread.is_empty()
    }
}

/// Whether something is wrong, in a line.
pub(crate) fn spend_headline(document: &SpendDocument<'_>) -> String {
    let at_least = |s: Severity| {
        document
            .findings
            .iter()
            .filter(|f| f.finding.severity >= s && is_of_spend(f))
            .count()
    };
    let (high, medium) = (at_least(Severity::High), at_least(Severity::Medium));
    let unread = if document.is_incomplete() {
        "; part of the bill could not be read"
    } else {
        ""
    };
    match (document.rows, high, medium) {
        (0, ..) => "CANNOT TELL  no charge was read".to_owned(),
        (_, 0, 0) if document.is_incomplete() => {
            "CANNOT TELL  nothing unusual in what was read, but part of the bill could not be read"
                .to_owned()
        }
        (_, 0, 0) => "QUIET  the bill is as usual".to_owned(),
        (_, 0, n) => {
            let n = counted(n as u64, "medium finding", "medium findings");
            format!("LOOK TODAY  {n}{unread}")
        }
        (_, n, _) => {
            let n = counted(
                n as u64,
                "high or critical finding",
                "high or critical findings",
            );
            format!("LOOK NOW  {n}{unread}")
        }
    }
}

/// Whether a finding is about spend, not about what could not be read.
fn is_of_spend(found: &SpendFinding) -> bool {
    found.finding.rule != "spend-unread"
}

/// Findings, worst first.
pub(crate) fn spend(out: &mut Out, document: &SpendDocument<'_>, all: bool) -> Result<()> {
    out.line(&spend_headline(document))?;
    let span = document.days.map_or(String::new(), |(first, last)| {
        format!(" · {} → {}", day_text(first), day_text(last))
    });
    let files = counted(document.files.len() as u64, "file", "files");
    out.line(&format!(
        "{} · {files}{span}",
        counted(document.rows, "charge", "charges")
    ))?;
    if document.rows == 0 {
        return nothing_read(out, document);
    }
    out.line(&format!(
        "thresholds for {} false alarms of medium and worse an account and month (--false-alarms)",
        document.false_alarms
    ))?;
    let is_shown = |f: &&SpendFinding| all || f.finding.severity >= Severity::Medium;
    for found in document.findings.iter().filter(is_shown) {
        out.line("")?;
        one(out, found)?;
    }
    let hidden = document.findings.iter().filter(|f| !is_shown(f)).count() as u64;
    if hidden > 0 {
        out.line("")?;
        let hidden = counted(hidden, "low finding", "low findings");
        out.line(&format!("{hidden} not shown: --all shows them"))?;
    }
    problems(out, document)
}

/// Days of a bill that is asked for: three months, so that there is a ladder.
const ASKED_DAYS: i32 = 92;

/// Where nothing was a bill: what was found in its place, and how to get one.
fn nothing_read(out: &mut Out, document: &SpendDocument<'_>) -> Result<()> {
    problems(out, document)?;
    out.line("")?;
    out.line(match document.problems.count {
        0 if document.files.is_empty() => "no file was found there",
        _ => "none of the files is a bill that could be read",
    })?;
    out.line(
        "a bill is a cost and usage report, a data export (CUR 2.0, FOCUS), a detailed billing \
         report, or what the AWS CLI prints; to get one for a few cents:",
    )?;
    let (from, to) = (
        document.as_of_day.saturating_sub(ASKED_DAYS),
        document.as_of_day,
    );
    out.line(&format!(
        "  aws ce get-cost-and-usage --time-period Start={},End={} --granularity DAILY --metrics \
         UnblendedCost UsageQuantity --group-by Type=DIMENSION,Key=SERVICE \
         Type=DIMENSION,Key=REGION > bill.json && bartizan spend bill.json",
        day_text(from),
        day_text(to)
    ))
}

fn one(out: &mut Out, found: &SpendFinding) -> Result<()> {
    let finding = &found.finding;
    let severity = painted(
        severity_style(finding.severity),
        &format!("{:<8}", finding.severity.to_string()),
    );
    out.styled(&format!(
        "{severity}  {}  {}",
        finding.id,
        clean(&finding.title)
    ))?;
    out.line(&format!("  {}", finding.summary))?;
    if found.chart.iter().any(|d| d.value > 0.0) {
        let picture = sparkline(&found.chart, std::io::stdout().is_terminal());
        let first = found.chart.first().map_or(0, |d| d.day);
        let usual = found.chart.last().map_or(0.0, |d| d.expected);
        out.line(&format!(
            "  {picture}  {} on, usually {usual:.2} {} a day",
            day_text(first),
            found.currency
        ))?;
    }
    if found.daily > 0.0 {
        out.line(&format!(
            "  {:.2} {} extra so far, {:.2} a day",
            found.so_far, found.currency, found.daily
        ))?;
    }
    for because in &finding.because {
        out.line(&format!("  · {because}"))?;
    }
    out.line(&format!("  {}", finding.show))
}

/// One character a day: as high as its cost, the usual level at a third. ASCII where the output is
/// no terminal.
fn sparkline(days: &[ChartDay], is_terminal: bool) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    const ASCII: [char; 8] = ['_', '.', ',', '-', '=', '+', '*', '#'];
    let marks = if is_terminal { BLOCKS } else { ASCII };
    let most = days.iter().map(|d| d.value).fold(0.0, f64::max);
    let mark = |value: f64| {
        let height = if most > 0.0 { value / most * 7.0 } else { 0.0 };
        marks[(height.round().max(0.0) as usize).min(7)]
    };
    days.iter().map(|d| mark(d.value)).collect()
}

fn problems(out: &mut Out, document: &SpendDocument<'_>) -> Result<()> {
    let left_out: u64 = document.files.iter().map(|f| f.left_out).sum();
    let mut skipped = Vec::new();
    if left_out > 0 {
        skipped.push(counted(
            left_out,
            "total or foreign row",
            "total or foreign rows",
        ));
    }
    if document.superseded > 0 {
        let files = counted(document.superseded as u64, "file", "files");
        skipped.push(format!("{files} of older deliveries"));
    }
    if !skipped.is_empty() {
        out.line("")?;
        out.line(&format!("left out  {}", skipped.join(" · ")))?;
    }
    if document.problems.count > 0 {
        out.line("")?;
        let count = thousands(document.problems.count);
        out.line(&format!("not read  {count} × something in the files"))?;
        for problem in document.problems.first.iter().take(PROBLEMS_SHOWN) {
            out.line(&format!("  {}", bill_problem(problem)))?;
        }
        if document.problems.first.len() > PROBLEMS_SHOWN {
            out.line("  …  --format json lists more")?;
        }
    }
    for unread in document.unread {
        let (period, file) = (&unread.period, &unread.file);
        let period = match period == file {
            true => String::new(),
            false => format!("{period}: "),
        };
        out.line(&format!("UNKNOWN  {period}{file}: {}", unread.because))?;
    }
    Ok(())
}

/// `bill.csv, line 12: the cost is not understood`.
pub(crate) fn bill_problem(problem: &BillProblem) -> String {
    let line = match problem.line {
        0 => String::new(),
        line => format!(", line {line}"),
    };
    format!("{}{line}: {}", problem.file, problem_text(problem.kind))
}

fn problem_text(kind: BillProblemKind) -> &'static str {
    match kind {
        BillProblemKind::CutRow => "the row has too few cells",
        BillProblemKind::RowTooLarge => "the row is too large: a quote may not be closed",
        BillProblemKind::Date => "the date is not understood",
        BillProblemKind::Cost => "the cost is not understood",
        BillProblemKind::Quantity => "the quantity is not understood",
        BillProblemKind::Account => "a spreadsheet rounded the account id",
        BillProblemKind::UnknownKind => "the type of charge is unknown",
        BillProblemKind::RepeatedColumn => "a column stands twice: the first counts",
        BillProblemKind::MissingColumn => "a needed column is missing",
        BillProblemKind::Damaged => "it ends too early or is damaged",
        BillProblemKind::NotABill => "it is no bill that is known",
        BillProblemKind::TooManyKeys => {
            "there are too many kinds of charges: they count in sums only"
        }
        BillProblemKind::Inexact => "the sum has too many digits to be exact",
        BillProblemKind::UnnamedMetric => {
            "the metric has no dimensions: add the queries (--metric-data-queries) as a file"
        }
        BillProblemKind::Missing => "the manifest names it, and it is not there",
    }
}

/// Sums by service, region and account.
pub(crate) fn spend_summary(out: &mut Out, summary: &SpendSummary) -> Result<()> {
    out.line(&format!("through {}", summary.through))?;
    for (title, rows) in [
        ("total", &summary.total),
        ("service", &summary.services),
        ("region", &summary.regions),
        ("account", &summary.accounts),
    ] {
        if rows.is_empty() {
            continue;
        }
        out.line("")?;
        out.line(&format!(
            "{title:<44} {:>14} {:>14} {:>14}",
            "this month", "last month", "projected"
        ))?;
        for row in rows.iter().take(ROWS_SHOWN) {
            out.line(&summary_line(row))?;
        }
        if rows.len() > ROWS_SHOWN {
            let more = (rows.len() - ROWS_SHOWN) as u64;
            out.line(&format!("… {} more: --format json", thousands(more)))?;
        }
    }
    Ok(())
}

fn summary_line(row: &SummaryRow) -> String {
    let amount = |amount: Decimal| format!("{:.2}", amount.round_dp(2));
    let name: String = row.name.chars().take(44).collect();
    format!(
        "{name:<44} {:>14} {:>14} {:>14} {}",
        amount(row.this_month),
        amount(row.last_month),
        amount(row.projected),
        row.currency
    )
}

#[cfg(test)]
mod tests {
    use super::sparkline;
    use bartizan_spend::ChartDay;

    #[test]
    fn a_line_is_as_high_as_its_days() {
        let day = |value: f64| ChartDay {
            day: 0,
            value,
            expected: 1.0,
        };
        let days = [1.0, 1.0, 7.0, 0.0].map(day);
        assert_eq!(sparkline(&days, true), "▂▂█▁");
        assert_eq!(sparkline(&days, false), "..#_");
    }
}
