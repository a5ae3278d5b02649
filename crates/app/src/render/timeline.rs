//! Findings for people: by actor, the worst first, with what each took and made before the course
//! of events.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use bartizan_detect::DetectionResult;
use bartizan_model::{Evidence, Finding, Relation, Severity, Stage};

use super::findings::{footer, headline, read_line};
use super::style::{painted, severity_style, stage_style};
use super::words::{counted, thousands};
use super::wrap::wrapped;
use super::{Out, clean};

/// Findings below this are counted only, unless all are asked for.
const SHOWN: Severity = Severity::Medium;
/// Things that a line of what an actor took names.
const NAMED_SHOWN: usize = 3;
/// Kinds of findings that are not shown and are named.
const KINDS_SHOWN: usize = 3;

/// Findings grouped by actor, worst first; then what was read and what could not be.
pub(crate) fn timeline(
    out: &mut Out,
    verdicts: &DetectionResult,
    sources: &str,
    left_out: usize,
    all: bool,
) -> Result<()> {
    out.line(&headline(verdicts))?;
    out.line(&read_line(&verdicts.totals))?;
    for group in groups(&verdicts.findings, all) {
        group.print(out)?;
    }
    out.line("")?;
    if !all {
        folded(out, &verdicts.findings)?;
    }
    footer(out, verdicts, left_out)?;
    if verdicts.findings.iter().any(|f| !f.show.is_empty()) {
        out.line(&format!("evidence  bartizan detect {sources} --event ID"))?;
    }
    Ok(())
}

/// Findings of one actor, or those without one.
struct ActorGroup<'a> {
    name: String,
    is_actor: bool,
    findings: Vec<&'a Finding>,
}

/// Findings of one actor each, in the order of time. Those without an actor come last.
fn groups(findings: &[Finding], all: bool) -> Vec<ActorGroup<'_>> {
    let mut by_actor: BTreeMap<(bool, String), Vec<&Finding>> = BTreeMap::new();
    for finding in findings
        .iter()
        .filter(|f| all || f.severity >= SHOWN || f.actor.is_none())
    {
        let key = finding.actor.as_ref().map(|a| a.key.clone());
        by_actor
            .entry((key.is_none(), key.unwrap_or_default()))
            .or_default()
            .push(finding);
    }
    let mut groups: Vec<ActorGroup<'_>> = by_actor
        .into_iter()
        .map(|((nobody, _), findings)| ActorGroup::new(nobody, findings))
        .collect();
    groups.sort_by_cached_key(|g| {
        (
            !g.is_actor,
            std::cmp::Reverse(g.weight()),
            g.findings[0].first_time.clone(),
        )
    });
    groups
}

impl<'a> ActorGroup<'a> {
    /// Of findings of one actor.
    fn new(nobody: bool, mut findings: Vec<&'a Finding>) -> Self {
        findings.sort_by(|a, b| {
            (&a.first_time, b.severity, &a.id).cmp(&(&b.first_time, a.severity, &b.id))
        });
        let name = match findings[0].actor.as_ref().filter(|_| !nobody) {
            None => "what could not be seen".to_owned(),
            Some(actor) => {
                let account = actor
                    .account
                    .as_deref()
                    .map(|a| format!("  account {a}"))
                    .unwrap_or_default();
                let keys: BTreeSet<&str> = findings
                    .iter()
                    .filter_map(|f| f.actor.as_ref()?.access_key_id.as_deref())
                    .collect();
                let key = match keys.len() {
                    0 => String::new(),
                    1 => keys
                        .first()
                        .map(|k| format!("  key {k}"))
                        .unwrap_or_default(),
                    n => keys
                        .first()
                        .map(|k| format!("  key {k} and {} more", n - 1))
                        .unwrap_or_default(),
                };
                format!("{}{account}{key}", actor.name)
            }
        };
        Self {
            name,
            is_actor: !nobody,
            findings,
        }
    }
}

impl ActorGroup<'_> {
    fn worst(&self) -> Severity {
        self.findings
            .iter()
            .map(|f| f.severity)
            .max()
            .unwrap_or_default()
    }

    /// Whose line stands first: whoever did the worst; then who did more of what intruders do,
    /// which somebody who works in the console does not; then who did more of it.
    fn weight(&self) -> (Severity, usize, usize) {
        let bad = || {
            self.findings
                .iter()
                .filter(|f| f.severity >= Severity::Medium && f.refused < f.count)
        };
        let stages: BTreeSet<Stage> = bad()
            .map(|f| f.stage)
            .filter(|s| *s != Stage::Hygiene)
            .collect();
        (
            self.worst(),
            stages.len(),
            bad().filter(|f| f.severity >= Severity::High).count(),
        )
    }

    fn print(&self, out: &mut Out) -> Result<()> {
        let worst = self.worst();
        out.line("")?;
        let count = counted(self.findings.len() as u64, "finding", "findings");
        for (n, text) in wrapped(&clean(&format!("{}  {count}", self.name)), 10)
            .iter()
            .enumerate()
        {
            if n == 0 {
                out.styled(&format!(
                    "{}  {}",
                    painted(severity_style(worst), &format!("{worst:8}")),
                    text.trim_end()
                ))?;
            } else {
                out.line(&format!("          {}", text.trim()))?;
            }
        }
        if self.findings.len() > 1 {
            self.digest(out)?;
        }
        let mut day = String::new();
        for finding in &self.findings {
            let time = finding.first_time.as_deref().unwrap_or("");
            // The date stands once, where it changes.
            if time.len() >= 16 && time[..10] != day {
                day = time[..10].to_owned();
                out.line(&format!("  {day}"))?;
            }
            print_finding(out, finding, worst)?;
        }
        Ok(())
    }

    /// Things that the actor took, deleted, made, opened and gave, a line for each verb.
    fn digest(&self, out: &mut Out) -> Result<()> {
        let took = self
            .findings
            .iter()
            .filter(|f| f.stage == Stage::Steal)
            .flat_map(|f| &f.calls);
        let mut calls: BTreeMap<&str, (u64, BTreeSet<&str>)> = BTreeMap::new();
        for call in took.filter(|c| c.refused < c.count) {
            let (count, on) = calls.entry(&call.call).or_default();
            // Several rules may tell of the same events.
            *count = (*count).max(call.count - call.refused);
            on.extend(call.resources.iter().map(String::as_str));
        }
        let mut calls: Vec<_> = calls.into_iter().collect();
        calls.sort_by_key(|(call, (count, _))| (std::cmp::Reverse(*count), *call));
        let (destroyed, took): (Vec<_>, Vec<_>) =
            calls.into_iter().partition(|(call, _)| destroys(call));
        let line_of = |(call, (count, on)): (&str, (u64, BTreeSet<&str>))| {
            let times = if count > 1 {
                format!(" ×{}", thousands(count))
            } else {
                String::new()
            };
            let more = if on.len() > 1 { " and others" } else { "" };
            let on = on
                .first()
                .map(|on| format!(" on {on}{more}"))
                .unwrap_or_default();
            format!("{call}{times}{on}")
        };
        line(out, "took", took.into_iter().map(line_of).collect())?;
        line(out, "deleted", destroyed.into_iter().map(line_of).collect())?;
        for (name, relation) in [
            ("made", Relation::Made),
            ("let in", Relation::LetIn),
            ("gave", Relation::Given),
            ("sends to", Relation::SendsTo),
            ("sent", Relation::Sent),
        ] {
            let mut seen = BTreeSet::new();
            let all = self
                .findings
                .iter()
                .flat_map(|f| &f.counterparty)
                .filter(|c| c.relation == relation);
            line(
                out,
                name,
                all.filter(|c| seen.insert(*c))
                    .map(ToString::to_string)
                    .collect(),
            )?;
        }
        Ok(())
    }
}

/// Whether a call of an intruder destroys: `s3:DeleteObjects`, `kms:ScheduleKeyDeletion`.
fn destroys(call: &str) -> bool {
    let name = call.rsplit(':').next().unwrap_or(call);
    [
        "Delete",
        "Terminate",
        "Schedule",
        "Deregister",
        "Disable",
        "Purge",
    ]
    .iter()
    .any(|verb| name.starts_with(verb))
}

fn line(out: &mut Out, name: &str, things: Vec<String>) -> Result<()> {
    if things.is_empty() {
        return Ok(());
    }
    let rest = things.len().saturating_sub(NAMED_SHOWN);
    let more = if rest > 0 {
        format!(" and {rest} more")
    } else {
        String::new()
    };
    let text = format!("{}{more}", things[..things.len() - rest].join(" · "));
    for (n, text) in wrapped(&clean(&text), 20).iter().enumerate() {
        out.line(&format!(
            "          {:8}  {text}",
            if n == 0 { name } else { "" }
        ))?;
    }
    Ok(())
}

fn print_finding(out: &mut Out, finding: &Finding, worst: Severity) -> Result<()> {
    let when = finding
        .first_time
        .as_deref()
        .and_then(|t| t.get(11..16))
        .unwrap_or("     ");
    let count = if finding.count > 1 {
        format!("  ×{}", thousands(finding.count))
    } else {
        String::new()
    };
    let severity = if finding.severity == worst {
        String::new()
    } else {
        format!("  ({})", finding.severity)
    };
    let attack = if finding.attack.is_empty() {
        String::new()
    } else {
        format!("  {}", finding.attack.join(" "))
    };
    let stage = painted(stage_style(finding.stage), &format!("{:8}", finding.stage));
    let title = clean(&format!("{}{severity}{count}{attack}", finding.title));
    for (n, text) in wrapped(&title, 21).iter().enumerate() {
        if n == 0 {
            out.styled(&format!("    {when}  {stage}  {}", text.trim_end()))?;
        } else {
            out.line(&format!("{:21}{}", "", text.trim()))?;
        }
    }
    for text in wrapped(&clean(&finding.summary), 21) {
        out.line(&format!("{:21}{text}", ""))?;
    }
    let region = finding
        .region
        .as_deref()
        .map(|r| format!("{r} · "))
        .unwrap_or_default();
    let event = match finding.evidence.first() {
        Some(Evidence::Event { id, .. }) => format!(" · event {id}"),
        _ => String::new(),
    };
    let ids = format!("{region}finding {}{event}", finding.id);
    wrapped(&clean(&ids), 21)
        .iter()
        .try_for_each(|text| out.line(&format!("{:21}{text}", "")))
}

/// How many findings are not shown, and of what kinds.
fn folded(out: &mut Out, findings: &[Finding]) -> Result<()> {
    let hidden = || {
        findings
            .iter()
            .filter(|f| f.severity < SHOWN && f.actor.is_some())
    };
    let count = hidden().count() as u64;
    if count == 0 {
        return Ok(());
    }
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    hidden().for_each(|f| *kinds.entry(&f.title).or_default() += 1);
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(title, n)| (std::cmp::Reverse(*n), *title));
    let rest = kinds.len().saturating_sub(KINDS_SHOWN);
    let named: Vec<String> = kinds
        .iter()
        .take(KINDS_SHOWN)
        .map(|(title, n)| format!("{n} × {title}"))
        .collect();
    let more = if rest > 0 {
        format!(" and {}", counted(rest as u64, "more kind", "more kinds"))
    } else {
        String::new()
    };
    let text = format!(
        "{} not shown (--all): {}{more}",
        counted(count, "low finding", "low findings"),
        named.join(" · ")
    );
    for (n, text) in wrapped(&clean(&text), 10).iter().enumerate() {
        out.line(&format!("{:10}{text}", if n == 0 { "folded" } else { "" }))?;
    }
    Ok(())
}
