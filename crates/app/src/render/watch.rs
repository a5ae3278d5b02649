//! Result of a watch, for somebody who was just woken up.

use anyhow::Result;
use bartizan_incident::Incident;
use bartizan_model::Finding;
use bartizan_model::Severity;

use super::style::{painted, severity_style, stage_style};
use super::words::{counted, minute, thousands};
use super::wrap::{ListItem, list, wrapped};
use super::{Out, clean, shell, work};
use crate::bill_report::{BillNews, NewsKind};
use crate::watch_result::WatchResult;

/// Findings beside the incidents that are listed.
const FINDINGS_SHOWN: usize = 10;

/// First whether somebody is in; then the incidents; then what else was found, and what was not
/// seen.
pub(crate) fn watched(out: &mut Out, watched: &WatchResult, store: &str) -> Result<()> {
    if !watched.new {
        out.line(&format!(
            "nothing new since the last watch: no snapshot, no trail object, nothing accepted; as \
            of {}",
            watched.as_of
        ))?;
    }
    out.line(&first_line(watched))?;
    for incident in &watched.incidents {
        print_incident(out, incident, watched)?;
    }
    others(out, watched)?;
    footer(out, watched, store)
}

/// Whether too much was not read to call it quiet.
pub(crate) fn is_blind(watched: &WatchResult) -> bool {
    // Silence of what was not read is no all-clear.
    let is_loss = |f: &Finding| f.rule == "events-lost" || f.rule == "spend-unread";
    let lost = watched.findings.iter().any(is_loss);
    let no_charge = watched.bill.as_ref().is_some_and(|b| b.charges == 0);
    watched.coverage.events == 0 || watched.snapshot.is_empty() || lost || no_charge
}

/// Is somebody in: yes, no, cannot tell.
pub(crate) fn first_line(watched: &WatchResult) -> String {
    let inside = watched
        .incidents
        .iter()
        .filter(|i| !i.standing.is_empty())
        .count();
    let blind = is_blind(watched);
    match watched.incidents.len() {
        0 if blind => "CANNOT TELL  no findings, but coverage is incomplete".to_owned(),
        0 => {
            let look = watched
                .findings
                .iter()
                .filter(|f| f.severity >= Severity::Medium)
                .count();
            match look {
                0 => "QUIET  no intrusion found in the data read".to_owned(),
                1 => "QUIET  no incident; 1 finding is worth a look".to_owned(),
                n => format!("QUIET  no incident; {n} findings are worth a look"),
            }
        }
        n => {
            let count = if n == 1 {
                "1 incident".to_owned()
            } else {
                format!("{n} incidents")
            };
            // One bad act by itself may be somebody's work; an intruder goes on.
            let is_bill = |i: &Incident| i.timeline.iter().all(|m| m.rule.starts_with("spend-"));
            let is_alone = |i: &Incident| {
                i.stages.len() < 2 && (i.severity < Severity::Critical || is_bill(i))
            };
            if watched.incidents.iter().all(is_alone) {
                return format!(
                    "LOOK NOW  {count}: isolated suspicious activity; no related events"
                );
            }
            match watched.incidents.iter().find_map(|i| i.standing.first()) {
                Some(first) if inside == 1 => {
                    format!("INTRUDER  {count}, still inside: {}", first.what)
                }
                Some(_) => format!("INTRUDER  {count}, {inside} of them still inside"),
                None if watched.incidents.iter().any(|i| !i.standing_known) => {
                    format!("INTRUDER  {count}; persistence unknown: no configuration snapshot")
                }
                None => {
                    format!("INTRUDER  {count}; no remaining access found in the latest snapshot")
                }
            }
        }
    }
}

fn print_incident(out: &mut Out, incident: &Incident, watched: &WatchResult) -> Result<()> {
    out.line("")?;
    let severity = painted(
        severity_style(incident.severity),
        &format!("{:8}", incident.severity),
    );
    let mut lines = wrapped(&clean(&incident.headline), 10).into_iter();
    out.styled(&format!("{severity}  {}", lines.next().unwrap_or_default()))?;
    lines.try_for_each(|line| out.line(&format!("          {line}")))?;
    print_span(out, incident)?;
    print_moments(out, incident)?;
    list(
        out,
        "still there",
        incident
            .standing
            .iter()
            .map(|s| format!("{}, since {}", s.what, minute(&s.since))),
    )?;
    work::of_incident(out, incident, &watched.actors)?;
    list(out, "reached", incident.reached.iter().cloned())?;
    list(out, "bill", incident.bill.iter().cloned())?;
    list(out, "can do", incident.blast_radius.iter().cloned())?;
    list(out, "unknown", incident.unknown.iter().cloned())?;
    list(
        out,
        "to do first",
        incident
            .todo
            .iter()
            .map(|a| ListItem::with_command(a.why.clone(), Some(a.command.clone()))),
    )?;
    if !incident.todo.is_empty() {
        out.line(
            "               commands are for you to read and run; bartizan never changes an \
        account",
        )?;
    }
    Ok(())
}

/// When, from where, through which sessions.
fn print_span(out: &mut Out, incident: &Incident) -> Result<()> {
    let stages: Vec<String> = incident.stages.iter().map(ToString::to_string).collect();
    let mut from: Vec<&str> = incident
        .actor
        .iter()
        .flat_map(|a| a.addresses.iter().map(String::as_str))
        .collect();
    let mut seen = std::collections::BTreeSet::new();
    from.retain(|a| seen.insert(*a));
    from.truncate(3);
    let from = if from.is_empty() {
        String::new()
    } else {
        format!(" · from {}", from.join(", "))
    };
    let span = format!(
        "{} → {} UTC{from} · {} · stages {} · incident {}",
        minute(&incident.first_time),
        minute(&incident.last_time),
        counted(incident.findings.len() as u64, "finding", "findings"),
        stages.join(" ▸ "),
        incident.id
    );
    for line in wrapped(&span, 10) {
        out.line(&format!("          {line}"))?;
    }
    for chain in incident.actor.iter().flat_map(|a| &a.chains).take(3) {
        for line in wrapped(&format!("through {}", chain.join(" ▸ ")), 10) {
            out.line(&format!("          {line}"))?;
        }
    }
    Ok(())
}

/// The timeline, with each date where it changes.
fn print_moments(out: &mut Out, incident: &Incident) -> Result<()> {
    let mut day = String::new();
    let moments = incident.moments();
    for moment in &moments {
        if moment.time.get(..10) != Some(day.as_str()) {
            day = moment.time.get(..10).unwrap_or_default().to_owned();
            out.line(&format!("  {day}"))?;
        }
        let stage = painted(stage_style(moment.stage), &format!("{:8}", moment.stage));
        // A bill has days, not hours.
        let when = match moment.rule.starts_with("spend-") {
            true => "day  ",
            false => moment.time.get(11..16).unwrap_or("     "),
        };
        let said = format!("{} · {}", moment.line(), short(&moment.finding));
        let mut lines = wrapped(&clean(&said), 21).into_iter();
        out.styled(&format!(
            "    {when}  {stage}  {}",
            lines.next().unwrap_or_default()
        ))?;
        lines.try_for_each(|line| out.line(&format!("{:21}{line}", "")))?;
    }
    let hidden = incident.timeline.len() - moments.len();
    if hidden > 0 {
        out.line(&format!("           {} (--format json)", folded(hidden)))?;
    }
    Ok(())
}

/// Findings that belong to no incident.
fn others(out: &mut Out, watched: &WatchResult) -> Result<()> {
    let told: std::collections::BTreeSet<&String> =
        watched.incidents.iter().flat_map(|i| &i.findings).collect();
    let rest: Vec<_> = watched
        .findings
        .iter()
        .filter(|f| !told.contains(&f.id))
        .collect();
    // The same thing by the same people, day after day, is one line.
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    for finding in rest.iter().filter(|f| f.severity >= Severity::Low) {
        let key = |f: &Finding| {
            (
                f.rule.clone(),
                f.title.clone(),
                f.severity,
                f.actor.as_ref().map(|a| a.key.clone()),
            )
        };
        match groups
            .iter_mut()
            .find(|g| finding.actor.is_some() && key(g[0]) == key(finding))
        {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    let shown = &groups[..groups.len().min(FINDINGS_SHOWN)];
    if !shown.is_empty() {
        out.line("")?;
        out.line("other findings")?;
    }
    for group in shown {
        let finding = group[0];
        let time = finding
            .first_time
            .as_deref()
            .map(minute)
            .unwrap_or_default();
        let severity = painted(
            severity_style(finding.severity),
            &format!("{:8}", finding.severity),
        );
        let more = if group.len() > 1 {
            format!(", and {} more like it", group.len() - 1)
        } else {
            String::new()
        };
        let mut lines = wrapped(
            &clean(&format!(
                "{}{more} · {}",
                finding.summary,
                short(&finding.id)
            )),
            30,
        )
        .into_iter();
        out.styled(&format!(
            "  {severity}  {time:16}  {}",
            lines.next().unwrap_or_default()
        ))?;
        lines.try_for_each(|line| out.line(&format!("{:30}{line}", "")))?;
    }
    out.line("")?;
    let hidden = rest.len() - shown.iter().map(Vec::len).sum::<usize>();
    if hidden > 0 {
        out.line(&format!("findings  {} (--format json)", notes(hidden)))?;
    }
    Ok(())
}

fn footer(out: &mut Out, watched: &WatchResult, store: &str) -> Result<()> {
    let store = if store == "bartizan-store" {
        String::new()
    } else {
        format!(" --store {}", shell(store))
    };
    let coverage = &watched.coverage;
    let attributed: Vec<String> = coverage
        .attributed
        .iter()
        .map(|(word, n)| format!("{n} {word}"))
        .collect();
    let attributed = if attributed.is_empty() {
        String::new()
    } else {
        format!(" · who made them: {}", attributed.join(", "))
    };
    let [volatile, derived, vendor, cosmetic] = coverage.folded;
    out.line(&format!("changes   {}{attributed}", watched.changes.len()))?;
    out.line(&format!(
        "folded    {volatile} volatile · {derived} derived · {vendor} by AWS itself · {cosmetic} \
        reordered · {} made and undone without effect · {} accepted",
        coverage.undone_folded, coverage.accepted
    ))?;
    for unknown in &coverage.unknown {
        out.line(&format!("unknown   {unknown}"))?;
    }
    let span = match (&coverage.first_event, &coverage.last_event) {
        (Some(first), Some(last)) => format!(" · {} → {} UTC", minute(first), minute(last)),
        _ => String::new(),
    };
    out.line(&format!(
        "trail     {} events · {} objects{span}",
        thousands(coverage.events),
        thousands(coverage.objects)
    ))?;
    bill_line(out, watched)?;
    for s in &watched.snapshot {
        out.line(&format!(
            "snapshot  {} · account {} · {} facts · {} of {} calls read",
            s.id, s.account, s.facts, s.calls_read, s.calls
        ))?;
    }
    for hole in &coverage.holes {
        out.line(&format!("not seen  {hole}"))?;
    }
    let evidence = &watched.evidence;
    match evidence.log_size {
        0 => out.line("evidence  none: no snapshot was taken, so nothing is signed")?,
        n => out.line(&format!(
            "evidence  log size {n} in {}, signed · bartizan verify evidence{store}",
            evidence.store
        ))?,
    }
    out.line(&format!("report    bartizan report -o report.html{store}"))?;
    if !watched.findings.is_empty() {
        out.line(&format!(
            "accept    bartizan accept ID --reason TEXT{store}   an incident or a \
        finding, by the id on its line"
        ))?;
    }
    Ok(())
}

/// Charges read of a bill, and which of its findings were reported before.
fn bill_line(out: &mut Out, watched: &WatchResult) -> Result<()> {
    let Some(bill) = &watched.bill else {
        return Ok(());
    };
    let count = |news: NewsKind| {
        let of_kind = |n: &&BillNews| n.news == news && n.severity >= Severity::Medium;
        bill.news.iter().filter(of_kind).count() as u64
    };
    let news = match (count(NewsKind::New), count(NewsKind::Escalated)) {
        (0, 0) => "nothing new".to_owned(),
        (new, 0) => counted(new, "new finding", "new findings"),
        (0, worse) => format!(
            "{} worse than before",
            counted(worse, "finding", "findings")
        ),
        (new, worse) => format!(
            "{}, {worse} worse than before",
            counted(new, "new finding", "new findings")
        ),
    };
    let known = match count(NewsKind::Known) {
        0 => String::new(),
        n => format!(" · {n} reported before"),
    };
    let gone = match count(NewsKind::Gone) {
        0 => String::new(),
        n => format!(" · {n} reported before and no longer on the bill"),
    };
    let span = match (&bill.first_day, &bill.scored_through) {
        (Some(first), Some(through)) => format!(" · {first} → {through}"),
        _ => String::new(),
    };
    out.line(&format!(
        "bill      {} · {}{span} · {news}{known}{gone}",
        counted(bill.charges, "charge", "charges"),
        counted(bill.files as u64, "file", "files")
    ))?;
    Ok(())
}

/// Characters of an id that are printed; `accept` takes the beginning of an id.
const ID_SHOWN: usize = 12;

fn short(id: &str) -> &str {
    id.get(..ID_SHOWN).unwrap_or(id)
}

fn folded(n: usize) -> String {
    format!(
        "{} hidden",
        counted(n as u64, "corroborating finding", "corroborating findings")
    )
}

fn notes(n: usize) -> String {
    format!(
        "{} hidden",
        counted(
            n as u64,
            "finding of less weight",
            "findings of less weight"
        )
    )
}
