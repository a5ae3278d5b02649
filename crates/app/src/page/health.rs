//! Rules and health: what each rule matched, what the last snapshots read, what the evidence log
//! holds, and what the live watch says of itself.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use anyhow::Result;
use bartizan_detect::{RuleKind, Rules, builtin_files};
use bartizan_model::{Finding, Severity, Stage, time_text};
use jiff::Timestamp;
use maud::{Markup, html};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::Value;

use super::live::{LiveStore, Seen};
use crate::render::html::{brief, finding_table, text, word};
use crate::render::{health_lines, minute, status_json};
use crate::store::StoreState;
use crate::watch_health::WatchHealth;
use crate::watch_result::{EvidenceSummary, SnapshotSummary};

/// Days that rules are counted over.
const DAYS: i64 = 30;
/// Findings of one rule.
const FINDINGS_SHOWN: usize = 50;

/// Content of the page.
#[derive(Serialize)]
pub(super) struct HealthPage<'s> {
    /// Those that matched first, then by stage.
    rules: Vec<RuleRow>,
    /// Start of the counts, RFC 3339.
    since: String,
    snapshots: &'s [SnapshotSummary],
    evidence: Option<&'s EvidenceSummary>,
    /// End of the last verified digest of the trail, RFC 3339.
    trail_verified_until: Option<String>,
    /// Queue, sinks and canary, as the live watch keeps them; none where it does not run.
    watch: Option<Value>,
    /// The same in words: the first line says whether the alarm is on.
    health_lines: Vec<String>,
}

/// A rule with its counts.
#[derive(Debug, Serialize)]
struct RuleRow {
    id: String,
    title: String,
    stage: Option<Stage>,
    severity: Option<Severity>,
    findings: u64,
    last_time: Option<String>,
}

impl<'s> HealthPage<'s> {
    pub(super) fn of(live: &LiveStore, seen: &'s Seen, now: Timestamp) -> Result<Self> {
        let watched = seen.watched.as_ref();
        let end = watched
            .and_then(|w| w.as_of.parse::<Timestamp>().ok())
            .unwrap_or(now);
        let since = time_text(end.as_second() - DAYS * 86_400);
        let state = StoreState::read(&live.global().store)?;
        let counts = state.as_ref().map(|s| s.rule_counts(&since)).transpose()?;
        let health = WatchHealth::load(&live.global().store)?;
        Ok(Self {
            rules: rules(counts.unwrap_or_default()),
            since,
            snapshots: watched.map_or(&[], |w| &w.snapshot),
            evidence: watched.map(|w| &w.evidence),
            trail_verified_until: verified_until(live)?,
            health_lines: health
                .as_ref()
                .map_or_else(Vec::new, |h| health_lines(h, now.as_second())),
            watch: health
                .map(|h| status_json(&h, now.as_second()))
                .transpose()?,
        })
    }

    /// The page.
    pub(super) fn markup(&self) -> Markup {
        let matched = self.rules.iter().filter(|r| r.findings > 0).count();
        html! {
            h1 { "Rules and health" }
            section aria-labelledby="h-health" {
                h2 id="h-health" { "Health" }
                dl {
                    @for s in self.snapshots {
                        dt { "snapshot " (s.id) }
                        dd {
                            "account " (brief(&s.account)) ", " (minute(&s.taken)) " UTC, "
                            (s.facts) " facts, " (s.calls_read) " of " (s.calls) " calls read"
                        }
                    }
                    @if let Some(e) = self.evidence {
                        dt { "evidence" }
                        dd { (e.log_size) " entries, head " code { (brief(&e.head)) } }
                    }
                    dt { "trail verified until" }
                    dd {
                        @match &self.trail_verified_until {
                            Some(until) => { (minute(until)) " UTC" }
                            None => { "never: " code { "bartizan verify trail" } }
                        }
                    }
                    dt { "live watch" }
                    dd {
                        @if self.health_lines.is_empty() { "no watch that goes on ever ran" }
                        @for line in &self.health_lines { (brief(line)) br; }
                    }
                }
            }
            section aria-labelledby="h-rules" {
                h2 id="h-rules" { "Rules" }
                p {
                    (self.rules.len()) " rules, " (matched) " of them matched since "
                    (minute(&self.since)) " UTC"
                }
                div class="scroll" tabindex="0" role="group" aria-label="rules" { table {
                    thead { tr {
                        th scope="col" { "findings" } th scope="col" { "rule" }
                        th scope="col" { "stage" } th scope="col" { "severity" }
                        th scope="col" class="more" { "last, UTC" }
                    } }
                    tbody { @for r in self.rules.iter().filter(|r| r.findings > 0) { (row(r)) } }
                } }
                details id="d-quiet" {
                    summary { (self.rules.len() - matched) " rules that matched nothing" }
                    ul { @for r in self.rules.iter().filter(|r| r.findings == 0) {
                        li {
                            (brief(&r.title))
                            @if let Some(stage) = r.stage { span class="dim" { " · " (stage) } }
                        }
                    } }
                }
            }
        }
    }
}

fn row(r: &RuleRow) -> Markup {
    let id = utf8_percent_encode(&r.id, NON_ALPHANUMERIC);
    html! {
        tr {
            td { a href=(format!("/rule?id={id}")) { (r.findings) } }
            td { (brief(&r.title)) }
            td { @if let Some(stage) = r.stage { (stage) } }
            td { @if let Some(severity) = r.severity { (word(severity)) } }
            td class="more" { (r.last_time.as_deref().map(minute).unwrap_or_default()) }
        }
    }
}

/// Rules of ours with their counts; and those of others that matched.
fn rules(counts: Vec<crate::store::RuleCount>) -> Vec<RuleRow> {
    let mut by_id: BTreeMap<String, crate::store::RuleCount> =
        counts.into_iter().map(|c| (c.rule.clone(), c)).collect();
    // They are in the program and never change.
    static LOADED: OnceLock<Rules> = OnceLock::new();
    let loaded = LOADED.get_or_init(|| Rules::load(&builtin_files()));
    let mut rows: Vec<RuleRow> = loaded
        .rules
        .iter()
        .filter(|r| !matches!(r.kind, RuleKind::Part))
        .map(|r| {
            let count = by_id.remove(&r.id.to_string());
            RuleRow {
                id: r.id.to_string(),
                title: r.title.to_string(),
                stage: Some(r.stage),
                severity: Some(r.severity),
                findings: count.as_ref().map_or(0, |c| c.findings),
                last_time: count.and_then(|c| c.last_time),
            }
        })
        .collect();
    rows.extend(by_id.into_values().map(|c| RuleRow {
        title: c.rule.clone(),
        id: c.rule,
        stage: None,
        severity: None,
        findings: c.findings,
        last_time: c.last_time,
    }));
    rows.sort_by(|a, b| (b.findings, a.stage, &a.title).cmp(&(a.findings, b.stage, &b.title)));
    rows
}

fn verified_until(live: &LiveStore) -> Result<Option<String>> {
    let storage = crate::store::open(live.global())?;
    let Ok(log) = bartizan_evidence::EvidenceLog::open(storage.as_ref()) else {
        return Ok(None);
    };
    let state = bartizan_evidence::trail_state(&log)?;
    Ok(state.heads.iter().map(|h| h.end_time.clone()).max())
}

/// What a rule matched.
#[derive(Serialize)]
pub(super) struct RulePage {
    rule: String,
    findings: Vec<Finding>,
}

impl RulePage {
    pub(super) fn of(live: &LiveStore, rule: &str) -> Result<Self> {
        let state = StoreState::read(&live.global().store)?;
        let findings = state
            .map(|s| s.findings_of_rule(rule, FINDINGS_SHOWN))
            .transpose()?;
        Ok(Self {
            rule: rule.to_owned(),
            findings: findings.unwrap_or_default(),
        })
    }

    /// The page.
    pub(super) fn markup(&self) -> Markup {
        let title = self.findings.first().map_or("", |f| f.title.as_str());
        html! {
            h1 { "Rule: " (text(title)) }
            p class="dim" {
                code { (brief(&self.rule)) } " · the last " (FINDINGS_SHOWN) " at most"
            }
            @if self.findings.is_empty() { p { "It matched nothing that is kept." } } @else {
                div id="filters" hidden {}
                (finding_table(self.findings.iter()))
            }
        }
    }
}
