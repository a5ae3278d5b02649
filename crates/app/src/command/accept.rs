//! `bartizan accept`.

use anyhow::{Result, bail, ensure};
use bartizan_evidence::{GrantRef, Justification};
use bartizan_incident::Incident;
use bartizan_posture::check;
use jiff::Timestamp;
use serde_json::json;

use crate::cli::{AcceptArgs, Format, Global};
use crate::outcome::Outcome;
use crate::posture::{failing, result_id};
use crate::render::Out;
use crate::store::{self, StoreState};

pub(super) fn run(global: &Global, args: &AcceptArgs) -> Result<Outcome> {
    if args.list {
        return list(global);
    }
    let (Some(id), Some(reason)) = (&args.finding, &args.reason) else {
        bail!("name a finding and a --reason")
    };
    ensure!(
        !reason.trim().is_empty(),
        "--reason is empty: say why, for whoever reads it in a year"
    );
    let now = Timestamp::now();
    ensure!(
        args.until.is_none_or(|until| until > now),
        "--until is over already"
    );
    let Some(state) = StoreState::read(&global.store)? else {
        return accept_result(global, args, (id, reason), now);
    };
    let found = state.finding(id)?;
    let incidents: Vec<Incident> = state
        .incidents()?
        .into_iter()
        .filter(|i| i.id.starts_with(id.as_str()))
        .collect();
    let finding = match (found.as_slice(), incidents.as_slice()) {
        ([one], []) => one,
        ([], [incident]) => return whole(global, args, &state, incident, reason, now),
        ([], []) => return accept_result(global, args, (id, reason), now),
        _ => bail!("several findings or incidents begin with {id}: give more of it"),
    };
    let justification = Justification {
        finding: finding.id.clone(),
        title: finding.title.clone(),
        grant: GrantRef::of(finding),
        reason: reason.clone(),
        by: None,
        until: args.until.map(|t| t.to_string()),
    };
    justify(global, args, justification, &finding.summary, now)
}

/// Accepts the result of a posture check, as it is in the last snapshot.
fn accept_result(
    global: &Global,
    args: &AcceptArgs,
    (id, reason): (&str, &str),
    now: Timestamp,
) -> Result<Outcome> {
    let found = failing(global, id)?;
    let one = match found.as_slice() {
        [one] => one,
        [] => bail!(
            "no finding, incident or failing check {id} in {}: ids are on the lines of bartizan \
            watch --once and of bartizan check --format ndjson",
            global.store
        ),
        _ => bail!("several results begin with {id}: give more of it"),
    };
    let result = &one.result;
    let title = check(result.check).map_or(result.check, |c| c.title);
    let Some(grant) = one.grant.clone() else {
        bail!(
            "{} is about a change, not about what is there: it passes with the next snapshot",
            result.check
        )
    };
    let justification = Justification {
        finding: result_id(result),
        title: title.to_owned(),
        grant: Some(grant),
        reason: reason.to_owned(),
        by: None,
        until: args.until.map(|t| t.to_string()),
    };
    let summary = format!("{} {}: {title}", result.check, result.resource);
    justify(global, args, justification, &summary, now)
}

/// Signs an acceptance, and says what it holds for.
fn justify(
    global: &Global,
    args: &AcceptArgs,
    justification: Justification,
    summary: &str,
    now: Timestamp,
) -> Result<Outcome> {
    let (finding, grant) = (justification.finding.clone(), justification.grant.clone());
    let storage = store::open(global)?;
    let index = store::justify(global, storage.as_ref(), justification, now)?;
    let mut out = Out::new();
    if global.format != Format::Human {
        out.json(
            global.format,
            vec![json!({
                "entry": index,
                "finding": finding,
                "until": args.until.map(|t| t.to_string()),
            })],
        )?;
        return Ok(Outcome::Done);
    }
    let until = args
        .until
        .map(|t| format!(" until {t}"))
        .unwrap_or_default();
    out.line(&format!("accepted{until}: {finding} {summary}"))?;
    match grant {
        Some(grant) => out.line(&format!(
            "  holds for {} {} as it is now; another grant under that name raises the alarm again",
            grant.fact, grant.id
        ))?,
        None => out.line("  holds for this finding only; the same on another day is a new one")?,
    }
    out.line(&format!("  entry {index} of the log, signed"))?;
    out.flush()?;
    Ok(Outcome::Done)
}

/// Accepts every finding of an incident.
fn whole(
    global: &Global,
    args: &AcceptArgs,
    state: &StoreState,
    incident: &Incident,
    reason: &str,
    now: Timestamp,
) -> Result<Outcome> {
    let storage = store::open(global)?;
    let mut out = Out::new();
    let mut entries = Vec::new();
    for id in &incident.findings {
        let Some(finding) = state.finding(id)?.into_iter().find(|f| f.id == *id) else {
            continue;
        };
        let justification = Justification {
            finding: finding.id.clone(),
            title: finding.title.clone(),
            grant: GrantRef::of(&finding),
            reason: reason.to_owned(),
            by: None,
            until: args.until.map(|t| t.to_string()),
        };
        let index = store::justify(global, storage.as_ref(), justification, now)?;
        entries.push(json!({
            "entry": index,
            "finding": finding.id,
            "until": args.until.map(|t| t.to_string()),
        }));
    }
    if global.format != Format::Human {
        out.rows(global.format, &entries)?;
        out.flush()?;
        return Ok(Outcome::Done);
    }
    let until = args
        .until
        .map(|t| format!(" until {t}"))
        .unwrap_or_default();
    out.line(&format!(
        "accepted{until}: incident {}, {} of its {} findings",
        incident.id,
        entries.len(),
        incident.findings.len()
    ))?;
    out.line("  holds for these findings only; the same on another day is a new one")?;
    out.flush()?;
    Ok(Outcome::Done)
}

fn list(global: &Global) -> Result<Outcome> {
    let storage = store::open(global)?;
    let accepted = bartizan_evidence::justifications(&store::log(storage.as_ref())?)?;
    let now = Timestamp::now();
    let over = |j: &Justification| j.is_over(now);
    let mut out = Out::new();
    if global.format != Format::Human {
        let row = |(index, time, j): &(u64, String, Justification)| {
            json!({
                "entry": index,
                "time": time,
                "justification": j,
                "over": over(j),
            })
        };
        out.rows(global.format, &accepted.iter().map(row).collect::<Vec<_>>())?;
        out.flush()?;
        return Ok(Outcome::Done);
    }
    for (index, time, j) in &accepted {
        let until = match (&j.until, over(j)) {
            (Some(until), true) => format!("over since {until}"),
            (Some(until), false) => format!("until {until}"),
            (None, _) => "until it changes".to_owned(),
        };
        out.line(&format!("{index}  {}  {}  {until}", j.finding, j.title))?;
        let what = j
            .grant
            .as_ref()
            .map(|g| format!("{} {}: ", g.fact, g.id))
            .unwrap_or_default();
        out.line(&format!("   {what}{}  (accepted {time})", j.reason))?;
    }
    if accepted.is_empty() {
        out.line("nothing was accepted")?;
    }
    out.flush()?;
    Ok(Outcome::Done)
}
