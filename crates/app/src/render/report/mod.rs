//! The report: one HTML file that needs nothing else. Three depths: a card that answers, pictures
//! of time and of power, lists.
//!
//! Every name comes from an account or a log. maud escapes for HTML, [`text`] makes control and
//! bidirectional characters visible, and a Content-Security-Policy that names our one script and
//! one style by their hashes lets nothing else run.

mod bill;
mod escape;
mod picture;

use bartizan_detect::work::{ActorWork, MadeThing};
use bartizan_incident::{Incident, PersistentChange, TimelineEntry};
use bartizan_inventory::fact::Hash;
use bartizan_model::{Counterparty, Finding, Severity};
use base64::Engine;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use self::escape::text;
use super::watch::first_line;
use super::words::{counted, minute};
use crate::watch_result::{ChangeLine, ChangeSummary, CoverageReport, WatchResult};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("filter.js");

/// Findings that the table has at most; the rest is in the store.
const FINDINGS_SHOWN: usize = 2000;

/// The whole file.
pub(crate) fn report(watched: &WatchResult) -> String {
    let hash = |text: &str| {
        format!(
            "'sha256-{}'",
            base64::engine::general_purpose::STANDARD.encode(Hash::of(text.as_bytes()).0)
        )
    };
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { "Bartizan: " (text(&first_line(watched))) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (card(watched))
                nav {
                    @for (n, _) in watched.incidents.iter().enumerate() {
                        a href=(format!("#incident-{n}")) { "incident " (n + 1) }
                    }
                    a href="#access" { "access gained" }
                    a href="#changes" { "changes" }
                    a href="#findings" { "findings" }
                    @if watched.bill.is_some() { a href="#bill" { "the bill" } }
                    a href="#coverage" { "what was not seen" } a href="#verify" { "how to verify" }
                }
                @for (n, incident) in watched.incidents.iter().enumerate() {
                    (one(n, incident, watched))
                }
                (access(watched))
                (changes(&watched.changes))
                (findings(&watched.findings))
                @if let Some(bill) = &watched.bill { (bill::months(bill)) }
                (coverage(watched))
                (verify(watched))
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
    .into_string()
}

fn word(severity: Severity) -> Markup {
    let name = severity.to_string();
    html! { span class=(format!("word {name}")) { (name) } }
}

/// Place of a moment among all of an incident.
fn position(moments: &[&TimelineEntry], moment: &TimelineEntry) -> usize {
    moments
        .iter()
        .position(|m| m.finding == moment.finding)
        .unwrap_or(0)
}

fn still_there(change: &PersistentChange) -> String {
    format!("{}, since {} UTC", change.what, minute(&change.since))
}

fn line_class(line: &ChangeLine) -> &'static str {
    match line {
        ChangeLine::Removed(_) => "minus",
        ChangeLine::Added(_) => "plus",
    }
}

/// `let in account 999988887777; made user eve`.
fn counterparties(finding: &Finding) -> String {
    let one = |c: &Counterparty| format!("{} {c}", c.relation.word());
    let all: Vec<String> = finding.counterparty.iter().map(one).collect();
    all.join("; ")
}

/// `3 exact, 1 unknown`.
fn attributed(coverage: &CoverageReport) -> String {
    let one = |(word, n): (&String, &usize)| format!("{n} {word}");
    let all: Vec<String> = coverage.attributed.iter().map(one).collect();
    all.join(", ")
}

/// The card that answers: is somebody in, since when, who, how bad, what to do.
fn card(watched: &WatchResult) -> Markup {
    let worst = watched.incidents.first();
    let class = match worst.map(|i| i.severity) {
        Some(Severity::Critical) => "card critical",
        Some(_) => "card high",
        None => "card good",
    };
    html! {
        header class=(class) {
            h1 { (text(&first_line(watched))) }
            @if let Some(incident) = worst {
                p { (text(&incident.headline)) }
                dl {
                    dt { "how bad" }
                    dd { (word(incident.severity)) " · score " (incident.score) " of 100" }
                    dt { "since" }
                    dd {
                        (minute(&incident.first_time)) " UTC, last seen "
                        (minute(&incident.last_time)) " UTC"
                    }
                    dt { "who" }
                    dd {
                        @for suspect in &incident.actor {
                            (text(&suspect.name))
                            @if !suspect.addresses.is_empty() {
                                " from " (text(&suspect.addresses.join(", ")))
                            }
                            br;
                        }
                    }
                    dt { "still there" }
                    dd {
                        @if incident.standing.is_empty() {
                            @if incident.standing_known {
                                "nothing, in the latest snapshot"
                            } @else {
                                "unknown: no configuration snapshot after it"
                                @if !incident.left.is_empty() {
                                    br; "not removed in this trail: "
                                    @for made in &incident.left { (text(&made.what)) br; }
                                }
                            }
                        }
                        @for s in &incident.standing { (text(&s.what)) br; }
                    }
                }
                @if !incident.todo.is_empty() {
                    h3 { "To do first" }
                    p class="dim" { "For you to read and run. Bartizan never changes an account." }
                    @for advice in &incident.todo {
                        p { (text(&advice.why)) }
                        pre { (text(&advice.command)) }
                    }
                }
            } @else {
                p {
                    "No intrusion found in the data read. What was not read is listed below, and \
                    is no all-clear."
                }
            }
            p class="dim" {
                "As of " (minute(&watched.as_of)) " UTC"
                @for s in &watched.snapshot {
                    " · account " (text(&s.account)) ", " (s.facts) " facts, " (s.calls_read) " of "
                    (s.calls) " calls read"
                }
                " · " (watched.coverage.events) " events in " (watched.coverage.objects) " objects"
            }
        }
    }
}

fn one(number: usize, incident: &Incident, watched: &WatchResult) -> Markup {
    let moments = incident.moments();
    html! {
        section id=(format!("incident-{number}")) {
            h2 { "Incident " (number + 1) ": " (text(&incident.headline)) }
            p {
                (word(incident.severity)) " · " (minute(&incident.first_time)) " → "
                (minute(&incident.last_time)) " UTC · stages "
                (incident.stages.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ▸ "))
                " · " (counted(incident.findings.len() as u64, "finding", "findings")) " · id "
                code { (incident.id) }
                @if !incident.attack.is_empty() { " · ATT&CK " (text(&incident.attack.join(" "))) }
            }
            div class="wide" { (picture::time(incident, &moments)) }
            (bill::of_incident(incident, watched.bill.as_ref()))
            ol {
                @for moment in &moments {
                    li id=(format!("m-{number}-{}", text(&moment.finding)))
                       value=(1 + position(&moments, moment)) {
                        span class="dim" { (minute(&moment.time)) " · " (moment.stage) " · " }
                        (word(moment.severity)) " " (text(&moment.line()))
                        @if let Some(event) = &moment.event {
                            span class="dim" { " · evt " (text(event)) }
                        }
                    }
                }
            }
            @for suspect in &incident.actor {
                h3 { "Who: " (text(&suspect.name)) }
                dl {
                    @if let Some(key) = &suspect.access_key_id {
                        dt { "key" }
                        dd { code { (text(key)) } }
                    }
                    @if !suspect.addresses.is_empty() {
                        dt { "from" }
                        dd { (text(&suspect.addresses.join(", "))) }
                    }
                    @if !suspect.user_agents.is_empty() {
                        dt { "user agents" }
                        dd { @for agent in &suspect.user_agents { (text(agent)) br; } }
                    }
                    @for chain in &suspect.chains {
                        dt { "through" }
                        dd { (text(&chain.join(" ▸ "))) }
                    }
                    @if !suspect.whole {
                        dt { "unknown" }
                        dd {
                            "the chain of sessions ends here: who is behind it is not in this trail"
                        }
                    }
                }
            }
            (list("Still there", incident.standing.iter().map(still_there)))
            (did(incident, &watched.actors))
            (list("Reached", incident.reached.iter().cloned()))
            (list("Blast radius: what they can do", incident.blast_radius.iter().cloned()))
            (list("Unknown", incident.unknown.iter().cloned()))
            @if !incident.todo.is_empty() {
                h3 { "What to do" }
                @for advice in &incident.todo {
                    p { (text(&advice.why)) }
                    pre { (text(&advice.command)) }
                }
            }
        }
    }
}

/// The whole activity of its actors.
fn did(incident: &Incident, actors: &[ActorWork]) -> Markup {
    let made = |title: &str, list: &[MadeThing]| {
        html! {
            @if !list.is_empty() {
                h3 { (title) }
                ul { @for m in list {
                    li {
                        (text(&m.what))
                        span class="dim" {
                            " · " (text(&m.call)) " at " (minute(&m.time)) " UTC · evt "
                            (text(&m.event))
                        }
                        @if let Some(undo) = &m.undo { pre { (text(undo)) } }
                    }
                } }
            }
        }
    };
    html! {
        (made("Made or opened, and not removed in this trail", &incident.left))
        (made("Deleted or switched off", &incident.taken_away))
        @for work in actors.iter().filter(|w| incident.actors.contains(&w.key)) {
            details {
                summary {
                    "All calls of " (text(&work.name)) ": " (work.events) ", " (work.refused)
                    " refused, " (minute(&work.first_time)) " → " (minute(&work.last_time)) " UTC"
                }
                table {
                    thead {
                        tr {
                            th { "call" }
                            th { "times" }
                            th { "refused" }
                            th { "first, UTC" }
                            th { "last, UTC" }
                            th class="more" { "on" }
                        }
                    }
                    tbody { @for c in &work.calls {
                        tr {
                            td { code { (text(&c.call)) } }
                            td { (c.count) }
                            td { (c.refused) }
                            td { (minute(&c.first_time)) }
                            td { (minute(&c.last_time)) }
                            td class="more" { (text(&c.resources.join(", "))) }
                        }
                    } }
                }
                @if work.calls_left_out > 0 { p { "and " (work.calls_left_out) " more calls" } }
                ul { @for line in &work.not_visible { li { "not visible: " (text(line)) } } }
            }
        }
    }
}

fn list(title: &str, items: impl Iterator<Item = String>) -> Markup {
    let items: Vec<String> = items.collect();
    html! {
        @if !items.is_empty() { h3 { (title) } ul { @for item in &items { li { (text(item)) } } } }
    }
}

fn access(watched: &WatchResult) -> Markup {
    html! {
        section id="access" {
            h2 { "Access that was gained" }
            @if watched.paths.is_empty() {
                p {
                    "No principal gained a path to administrator, and nothing was opened to other \
                    accounts. What single policies gained is listed with the changes."
                }
            }
            @else {
                div class="wide" { (picture::power(&watched.paths)) }
                ul {
                    @for path in &watched.paths {
                        li {
                            (text(&path.from)) " → " (text(&path.to)) ": " (text(&path.through)) " "
                            span class="dim" {
                                "(before: " (path.before) ", now: " (path.after) ")"
                            }
                        }
                    }
                }
            }
        }
    }
}

fn changes(changes: &[ChangeSummary]) -> Markup {
    html! {
        section id="changes" {
            h2 { (counted(changes.len() as u64, "change", "changes")) }
            @for change in changes {
                details open[change.severity >= Severity::High] {
                    summary {
                        span class=(format!("word {}", change.severity)) { (change.severity) }
                        " " (change.sign) " "
                        code { (text(&change.kind)) " " (text(&change.id)) }
                        span class="dim" {
                            @if change.region != "global" { " · " (text(&change.region)) }
                            " · " (text(&change.attributed))
                            @if let Some(first) = change.by.first() { ": " (text(first)) }
                            @if let (Some(call), Some(time)) = (&change.call, &change.time) {
                                ", " (text(call)) " at " (minute(time))
                            }
                        }
                    }
                    @if let Some(access) = &change.access {
                        p { (text(access)) }
                        ul {
                            @for g in &change.gained {
                                li { span class="plus" { "gained " } (text(g)) }
                            }
                            @for l in &change.lost {
                                li { span class="minus" { "lost " } (text(l)) }
                            }
                        }
                    }
                    @if !change.lines.is_empty() {
                        pre {
                            @for line in &change.lines {
                                span class=(line_class(line)) {
                                    (text(&line.to_string()))
                                }
                                "\n"
                            }
                        }
                    }
                    @if change.by.len() > 1 { p { "through " (text(&change.by.join(" ▸ "))) } }
                    ul { @for why in &change.because { li { (text(why)) } } }
                    pre { (text(&change.show)) }
                }
            }
        }
    }
}

fn findings(findings: &[Finding]) -> Markup {
    html! {
        section id="findings" {
            h2 { (counted(findings.len() as u64, "finding", "findings")) }
            div id="filters" hidden {}
            table {
                thead {
                    tr {
                        th { "severity" }
                        th { "stage" }
                        th { "when, UTC" }
                        th { "what" }
                        th class="more" { "evidence" }
                    }
                }
                tbody {
                    @for f in findings.iter().take(FINDINGS_SHOWN) {
                        tr data-severity=(f.severity.to_string()) data-stage=(f.stage.to_string()) {
                            td { (word(f.severity)) } td { (f.stage) }
                            td { (f.first_time.as_deref().map(minute).unwrap_or_default()) }
                            td {
                                strong { (text(&f.title)) }
                                br; (text(&f.summary))
                                @if !f.counterparty.is_empty() {
                                    br;
                                    (text(&counterparties(f)))
                                }
                                @for why in f.because.iter().take(2) {
                                    br;
                                    span class="dim" { (text(why)) }
                                }
                            }
                            td class="more" {
                                code { (text(&f.show)) }
                                br;
                                span class="dim" {
                                    (f.id)
                                    @if !f.attack.is_empty() { " · " (text(&f.attack.join(" "))) }
                                }
                            }
                        }
                    }
                }
            }
            @if findings.len() > FINDINGS_SHOWN {
                p { "and " (findings.len() - FINDINGS_SHOWN) " more in the store" }
            }
        }
    }
}

fn coverage(watched: &WatchResult) -> Markup {
    let coverage = &watched.coverage;
    let [volatile, derived, vendor, cosmetic] = coverage.folded;
    html! {
        section id="coverage" {
            h2 { "What was not seen, and what was left out" }
            @if coverage.holes.is_empty() && coverage.unknown.is_empty() {
                p { "Everything that was there to be read was read." }
            }
            ul {
                @for hole in &coverage.holes { li { (text(hole)) } }
                @for unknown in &coverage.unknown { li { "unknown: " (text(unknown)) } }
                @for s in watched.snapshot.iter().filter(|s| s.calls_read < s.calls) {
                    li {
                        "account " (text(&s.account)) ": " (s.calls - s.calls_read) " of " (s.calls)
                        " calls were not read"
                    }
                }
            }
            p {
                "Folded: " (volatile) " volatile, " (derived) " derived, " (vendor)
                " by AWS itself, " (cosmetic) " reordered; " (coverage.undone_folded)
                " made and undone without effect; " (coverage.accepted) " accepted."
            }
            @if !coverage.attributed.is_empty() {
                p {
                    "Who made the changes: "
                    (attributed(coverage))
                    "."
                }
            }
        }
    }
}

fn verify(watched: &WatchResult) -> Markup {
    let e = &watched.evidence;
    html! {
        section id="verify" {
            h2 { "How to verify the evidence" }
            p {
                "The snapshots behind this report are in an append-only log, signed. This is its \
                head when the report was written:"
            }
            pre {
                "store  " (text(&e.store)) "\nsize   " (e.log_size) "\nroot   " (text(&e.head))
                "\nkey    " (text(&e.key))
            }
            pre { "bartizan verify evidence" }
        }
    }
}
