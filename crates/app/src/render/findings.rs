//! The result of a run, for people: the first line, counts, a table for a spreadsheet.

use std::collections::BTreeMap;

use anyhow::Result;
use bartizan_detect::{DetectionResult, Totals};
use bartizan_model::time_text;
use bartizan_model::{Finding, Severity};
use serde_json::{Value, json};

use super::words::{counted, minute, thousands};
use super::{Out, clean};

pub(super) fn headline(verdicts: &DetectionResult) -> String {
    let totals = &verdicts.totals;
    let lost = totals.problems.keys().any(|p| p.loses_events());
    let bad = verdicts
        .findings
        .iter()
        .filter(|f| f.severity >= Severity::High && f.actor.is_some());
    let actors: std::collections::BTreeSet<_> = bad
        .clone()
        .filter_map(|f| f.actor.as_ref().map(|a| &a.key))
        .collect();
    let unseen = match (lost, totals.unjudged_in_bulk()) {
        (true, _) => "; part of the trail could not be read",
        (_, true) => "; part of the trail was not judged",
        _ => "",
    };
    match (actors.len(), totals.events) {
        (0, _) if totals.no_rule => "CANNOT TELL  no rule was there to judge".to_owned(),
        (0, 0) if totals.outside > 0 => "CANNOT TELL  no event is in the time asked for".to_owned(),
        (0, 0) => "CANNOT TELL  no event was read".to_owned(),
        (0, _) if lost => {
            "CANNOT TELL  nothing bad in what was read, but part of the trail could not be read"
                .to_owned()
        }
        (0, _) if totals.unjudged_in_bulk() => {
            let all = thousands(totals.events.max(totals.unjudged));
            format!(
                "CANNOT TELL  nothing bad in what was judged, but {} of {all} records were not, \
                or by some rules only",
                thousands(totals.unjudged)
            )
        }
        (0, _) => "QUIET  no high or critical findings".to_owned(),
        (1, _) => format!(
            "LOOK NOW  1 actor with {}{unseen}",
            counted(
                bad.count() as u64,
                "high or critical finding",
                "high or critical findings"
            )
        ),
        (n, _) => format!(
            "LOOK NOW  {n} actors with {} high or critical findings{unseen}",
            bad.count()
        ),
    }
}

pub(super) fn read_line(totals: &Totals) -> String {
    let span = match (totals.first_s, totals.last_s) {
        (Some(first), Some(last)) => {
            let (first, last) = (time_text(first), time_text(last));
            let (first, last) = (minute(&first), minute(&last));
            let same_day = first.get(..10) == last.get(..10);
            format!(
                " · {first} → {} UTC",
                if same_day {
                    last.get(11..).unwrap_or(&last)
                } else {
                    &last
                }
            )
        }
        _ => String::new(),
    };
    format!(
        "{} · {}{span}",
        counted(totals.events, "event", "events"),
        counted(totals.objects, "object", "objects")
    )
}

/// Records that were skipped and holes in the trail, always printed.
pub(super) fn footer(out: &mut Out, verdicts: &DetectionResult, left_out: usize) -> Result<()> {
    let totals = &verdicts.totals;
    let mut skipped: Vec<String> = totals
        .apart
        .iter()
        .map(|(apart, n)| format!("{} {}", thousands(*n), apart.word(*n)))
        .collect();
    skipped.extend(holes(totals));
    for (n, one, many) in [
        (
            totals.duplicates,
            "duplicate delivery",
            "duplicate deliveries",
        ),
        (
            left_out as u64,
            "object outside of the time asked for, by its name",
            "objects outside of the time asked for, by their names",
        ),
        (
            totals.outside,
            "event outside of the time asked for",
            "events outside of the time asked for",
        ),
        (
            totals.pending,
            "correlation window still open",
            "correlation windows still open",
        ),
    ] {
        if n > 0 {
            skipped.push(counted(n, one, many));
        }
    }
    let skipped = if skipped.is_empty() {
        "nothing".to_owned()
    } else {
        skipped.join(" · ")
    };
    out.line(&format!("skipped   {skipped}"))
}

/// Parts of a trail that could not be read, and state that was evicted.
pub(crate) fn holes(totals: &Totals) -> Vec<String> {
    let mut holes = Vec::new();
    for (problem, places) in &totals.problems {
        let n: u64 = places.iter().map(|(_, _, n)| n).sum();
        let (object, offset, _) = &places[0];
        holes.push(format!(
            "{n} × {} ({object} at byte {offset}{})",
            problem.text(),
            if places.len() > 1 { ", …" } else { "" }
        ));
    }
    for (n, what) in [
        (
            totals.ids_evicted,
            "event ids forgotten: a duplicate of those would count twice",
        ),
        (
            totals.window_evicted,
            "events evicted by rules with windows",
        ),
        (totals.window_late, "events too late for rules with windows"),
        (totals.first_seen_evicted, "first-seen keys evicted"),
        (totals.findings_dropped, "matches without room"),
    ] {
        if n > 0 {
            holes.push(format!("{} {what}", thousands(n)));
        }
    }
    holes
}

/// Counts by actor, source, region, error and stage.
pub(crate) fn summary(out: &mut Out, verdicts: &DetectionResult) -> Result<()> {
    out.line(&read_line(&verdicts.totals))?;
    let mut stages: BTreeMap<String, u64> = BTreeMap::new();
    for finding in &verdicts.findings {
        *stages
            .entry(format!(
                "{:8}  {}",
                finding.stage.to_string(),
                finding.severity
            ))
            .or_default() += 1;
    }
    let tally = &verdicts.tally;
    for (title, counts) in [
        ("findings by stage and severity", &stages),
        ("events by actor", &tally.actors),
        ("events by source", &tally.sources),
        ("events by region", &tally.regions),
        ("events by error", &tally.errors),
    ] {
        out.line("")?;
        out.line(title)?;
        let mut rows: Vec<_> = counts.iter().collect();
        rows.sort_by_key(|(name, n)| (std::cmp::Reverse(**n), (*name).clone()));
        for (name, n) in rows.iter().take(SUMMARY_ROWS) {
            out.line(&format!("  {:>10}  {name}", thousands(**n)))?;
        }
        let rest: u64 = rows.iter().skip(SUMMARY_ROWS).map(|(_, n)| **n).sum();
        if rest > 0 {
            out.line(&format!(
                "  {:>10}  in {} more",
                thousands(rest),
                rows.len() - SUMMARY_ROWS
            ))?;
        }
    }
    out.line("")?;
    footer(out, verdicts, 0)
}

const SUMMARY_ROWS: usize = 20;

/// Everything but the findings.
pub(crate) fn totals_json(verdicts: &DetectionResult, left_out: usize) -> Value {
    let totals = &verdicts.totals;
    let mut stages: BTreeMap<String, u64> = BTreeMap::new();
    for finding in &verdicts.findings {
        *stages.entry(finding.stage.to_string()).or_default() += 1;
    }
    let problems: Vec<Value> = totals
        .problems
        .iter()
        .flat_map(|(problem, places)| {
            places.iter().map(move |(object, offset, n)| {
                json!({
                    "problem": problem.text(),
                    "object": object,
                    "offset": offset,
                    "count": n,
                    "loses_events": problem.loses_events(),
                    "not_judged": problem.is_unjudged(),
                })
            })
        })
        .collect();
    let apart: BTreeMap<&str, u64> = totals
        .apart
        .iter()
        .map(|(apart, n)| (apart.word(2), *n))
        .collect();
    let tally = &verdicts.tally;
    json!({
        "events": totals.events,
        "duplicates": totals.duplicates,
        "objects": totals.objects,
        "objects_left_out": left_out,
        "events_outside": totals.outside,
        "not_judged": totals.unjudged,
        "objects_not_judged": totals.unjudged_objects,
        "bytes_stored": totals.bytes_stored,
        "bytes_inflated": totals.bytes_inflated,
        "first_time": totals.first_s.map(time_text),
        "last_time": totals.last_s.map(time_text),
        "apart": apart,
        "problems": problems,
        "event_ids_forgotten": totals.ids_evicted,
        "window_events_evicted": totals.window_evicted,
        "window_events_late": totals.window_late,
        "first_seen_evicted": totals.first_seen_evicted,
        "matches_dropped": totals.findings_dropped,
        "pending": totals.pending,
        "first_seen_keys": verdicts.memory.len(),
        "by_stage": stages,
        "by_actor": tally.actors,
        "by_source": tally.sources,
        "by_region": tally.regions,
        "by_error": tally.errors,
    })
}

/// A row a finding. A cell that a spreadsheet would take for a formula gets an apostrophe in front
/// (OWASP, "CSV injection").
pub(crate) fn csv(out: &mut Out, findings: &[Finding]) -> Result<()> {
    out.line(
        "id,severity,confidence,stage,title,first_time,last_time,count,refused,calls,actor,\
        access_key_id,source_ip,account,region,attack,resources,counterparty,summary",
    )?;
    for f in findings {
        let actor = f.actor.as_ref();
        let text = |value: Option<&String>| value.cloned().unwrap_or_default();
        let cells = [
            f.id.clone(),
            f.severity.to_string(),
            serde_json::to_value(f.confidence)?
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            f.stage.to_string(),
            f.title.clone(),
            text(f.first_time.as_ref()),
            text(f.last_time.as_ref()),
            f.count.to_string(),
            f.refused.to_string(),
            f.calls
                .iter()
                .map(|c| format!("{} ×{} ({} refused)", c.call, c.count, c.refused))
                .collect::<Vec<_>>()
                .join("; "),
            text(actor.map(|a| &a.key)),
            text(actor.and_then(|a| a.access_key_id.as_ref())),
            text(actor.and_then(|a| a.source_ip.as_ref())),
            text(f.account.as_ref()),
            text(f.region.as_ref()),
            f.attack.join(" "),
            f.resources.join(" "),
            f.counterparty
                .iter()
                .map(|c| format!("{} {c}", c.relation.word()))
                .collect::<Vec<_>>()
                .join("; "),
            f.summary.clone(),
        ];
        out.line(&self::cells(&cells))?;
    }
    Ok(())
}

/// One line of a table for a spreadsheet.
pub(super) fn cells(texts: &[String]) -> String {
    texts
        .iter()
        .map(|text| cell(text))
        .collect::<Vec<_>>()
        .join(",")
}

fn cell(text: &str) -> String {
    let text = clean(text);
    let formula = text
        .trim_start()
        .starts_with(['=', '+', '-', '@', '\t', '\r'])
        || text.starts_with("\\u{");
    let text = if formula { format!("'{text}") } else { text };
    if text.contains([',', '"']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_no_formulas_and_stay_in_their_row() {
        for (text, wanted) in [
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("+1", "'+1"),
            (" @x", "' @x"),
            ("a,b", "\"a,b\""),
            ("\n=x", "'\\u{a}=x"),
            ("plain", "plain"),
        ] {
            assert_eq!(cell(text), wanted, "{text:?}");
        }
    }
}
