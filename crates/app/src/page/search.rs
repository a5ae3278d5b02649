//! Search: one field over incidents, findings, changes, facts and events.

use bartizan_model::limits::SEARCH_TEXT_MAX;
use bartizan_model::{Evidence, Finding, Severity};
use maud::{Markup, html};
use serde::Serialize;

use super::live::{LiveStore, Seen};
use crate::render::html::{brief, finding_table, word};
use crate::render::minute;
use crate::store::StoreState;
use crate::watch_result::{ChangeSummary, WatchResult};

/// Rows of each list; all are counted.
const ROWS_SHOWN: usize = 40;

/// Content of the page.
#[derive(Default, Serialize)]
pub(super) struct SearchPage {
    query: String,
    incidents: Vec<FoundIncident>,
    findings: Vec<Finding>,
    findings_count: u64,
    changes: Vec<ChangeSummary>,
    changes_count: usize,
    facts: Vec<FoundFact>,
    facts_count: usize,
    events: Vec<FoundEvent>,
    events_count: usize,
}

#[derive(Serialize)]
struct FoundIncident {
    id: String,
    headline: String,
    severity: Severity,
}

/// Fact of the last snapshot of an account.
#[derive(Serialize)]
struct FoundFact {
    snapshot: u64,
    kind: String,
    account: String,
    region: String,
    id: String,
    sha256: String,
}

/// Event behind a finding, or of an actor with a finding.
#[derive(Serialize)]
struct FoundEvent {
    event: String,
    time: String,
    call: String,
    /// Finding, or what was made.
    of: String,
}

/// Looks a question up. Upper and lower case are the same.
pub(super) fn search(live: &LiveStore, seen: &Seen, query: &str) -> anyhow::Result<SearchPage> {
    let query = query.trim();
    let mut page = SearchPage {
        query: query.to_owned(),
        ..SearchPage::default()
    };
    if query.is_empty() {
        return Ok(page);
    }
    let wanted = query.to_lowercase();
    if let Some(state) = StoreState::read(&live.global().store)? {
        (page.findings, page.findings_count) = state.findings_with(query, ROWS_SHOWN)?;
    }
    if let Some(watched) = &seen.watched {
        page.read_watched(watched, &wanted);
    }
    for facts in seen.facts(live.global()) {
        page.read_facts(facts.snapshot, &facts.text, &wanted);
    }
    Ok(page)
}

impl SearchPage {
    fn read_watched(&mut self, watched: &WatchResult, wanted: &str) {
        let holds = |text: &str| text.to_lowercase().contains(wanted);
        let incidents = watched.incidents.iter().filter(|i| {
            holds(&i.id)
                || holds(&i.headline)
                || i.actor.iter().any(|s| {
                    holds(&s.key)
                        || holds(&s.name)
                        || s.access_keys.iter().chain(&s.addresses).any(|t| holds(t))
                })
                || i.findings.iter().any(|f| f == wanted)
                || i.timeline
                    .iter()
                    .any(|m| m.event.as_deref().is_some_and(holds))
        });
        self.incidents = incidents
            .take(ROWS_SHOWN)
            .map(|i| FoundIncident {
                id: i.id.clone(),
                headline: i.headline.clone(),
                severity: i.severity,
            })
            .collect();
        for change in &watched.changes {
            let about = [
                Some(&change.id),
                change.resource_arn.as_ref(),
                change.event.as_ref(),
            ];
            let is_it = about.into_iter().flatten().any(|t| holds(t))
                || holds(&change.kind)
                || change.by.iter().any(|t| holds(t))
                || change.lines.iter().any(|l| holds(&l.to_string()));
            if is_it {
                self.changes_count += 1;
                if self.changes.len() < ROWS_SHOWN {
                    self.changes.push(change.clone());
                }
            }
        }
        for finding in &watched.findings {
            for evidence in &finding.evidence {
                if let Evidence::Event { id, time, call, .. } = evidence
                    && (holds(id) || holds(call))
                {
                    self.event(id, time, call, &finding.title);
                }
            }
        }
        for made in watched.actors.iter().flat_map(|a| &a.made) {
            let key = made.access_key_id.as_deref().is_some_and(holds);
            let address = made.source_ip.as_deref().is_some_and(holds);
            if key || address || holds(&made.event) || holds(&made.what) || holds(&made.call) {
                self.event(&made.event, &made.time, &made.call, &made.what);
            }
        }
    }

    fn event(&mut self, event: &str, time: &str, call: &str, of: &str) {
        if self.events.iter().any(|e| e.event == event) {
            return;
        }
        self.events_count += 1;
        if self.events.len() < ROWS_SHOWN {
            self.events.push(FoundEvent {
                event: event.to_owned(),
                time: time.to_owned(),
                call: call.to_owned(),
                of: of.to_owned(),
            });
        }
    }

    /// Lines of a snapshot: kind, account, region, id, hashes, with tabs between.
    fn read_facts(&mut self, snapshot: u64, text: &str, wanted: &str) {
        // An ARN names a thing by its last part; facts are named by that alone.
        let name = wanted
            .starts_with("arn:")
            .then(|| wanted.rsplit([':', '/']).next());
        let name = name.flatten().filter(|n| n.len() > 2);
        for line in text.lines().filter(|l| !l.starts_with('#')) {
            let small = line.to_ascii_lowercase();
            let is_it = small.contains(wanted) || name.is_some_and(|n| small.contains(n));
            if !is_it {
                continue;
            }
            self.facts_count += 1;
            if self.facts.len() < ROWS_SHOWN {
                let mut fields = line.split('\t').map(str::to_owned);
                let mut next = || fields.next().unwrap_or_default();
                self.facts.push(FoundFact {
                    snapshot,
                    kind: next(),
                    account: next(),
                    region: next(),
                    id: next(),
                    sha256: next(),
                });
            }
        }
    }

    /// The page.
    pub(super) fn markup(&self) -> Markup {
        let nothing = self.incidents.is_empty()
            && self.findings.is_empty()
            && self.changes.is_empty()
            && self.facts.is_empty()
            && self.events.is_empty();
        html! {
            h1 { "Search" }
            form method="get" action="/search" role="search" class="picks" aria-label="all" {
                label {
                    "ARN, access key id, address, event id, finding id, or words "
                    input type="search" name="q" value=(self.query) maxlength=(SEARCH_TEXT_MAX);
                }
                button { "Search" }
            }
            @if nothing && !self.query.is_empty() {
                p role="status" {
                    "Nothing in the findings, changes, facts and events that are kept."
                }
            }
            @if !self.incidents.is_empty() {
                h2 { "Incidents" }
                ul { @for i in &self.incidents { li {
                    (word(i.severity)) " "
                    a href=(format!("/incident/{}", i.id)) { (brief(&i.headline)) }
                } } }
            }
            (self.findings_found())
            (self.rest_found())
        }
    }

    fn findings_found(&self) -> Markup {
        html! {
            @if !self.findings.is_empty() {
                h2 { "Findings, worst first" }
                (finding_table(self.findings.iter()))
                ul class="links" { @for f in &self.findings {
                    li { a href=(format!("/finding/{}", f.id)) { "finding " (brief(&f.id)) } }
                } }
                (more(self.findings_count as usize, self.findings.len()))
            }
        }
    }

    fn rest_found(&self) -> Markup {
        html! {
            @if !self.changes.is_empty() {
                h2 { "Changes" }
                @for change in &self.changes { (crate::render::html::change_row(change)) }
                (more(self.changes_count, self.changes.len()))
            }
            @if !self.events.is_empty() {
                h2 { "Events" }
                ul { @for e in &self.events { li {
                    span class="dim" { (minute(&e.time)) " UTC · " }
                    code { (brief(&e.call)) } " · "
                    (brief(&e.of)) " · "
                    a href=(format!("/event/{}", address(&e.event))) { "record " (brief(&e.event)) }
                } } }
                (more(self.events_count, self.events.len()))
            }
            @if !self.facts.is_empty() {
                h2 { "Facts of the last snapshots" }
                ul { @for f in &self.facts { li {
                    code { (brief(&f.kind)) " " (brief(&f.id)) }
                    span class="dim" {
                        " · " (brief(&f.account)) " " (brief(&f.region)) " · "
                        a href=(format!("/account?snapshot={}", f.snapshot)) {
                            "snapshot " (f.snapshot)
                        }
                    }
                } } }
                (more(self.facts_count, self.facts.len()))
            }
        }
    }
}

/// Part of an address: what is no letter or digit is left out, as in no event id.
fn address(id: &str) -> String {
    id.chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        .collect()
}

fn more(count: usize, shown: usize) -> Markup {
    html! { @if count > shown { p { "and " (count - shown) " more" } } }
}
