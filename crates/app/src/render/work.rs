//! The whole activity of an actor, for people.

use anyhow::Result;
use bartizan_detect::work::{ActorWork, CallWork, MadeThing};
use bartizan_incident::Incident;
use bartizan_model::Severity;

use super::Out;
use super::words::{counted, minute, thousands};
use super::wrap::{ListItem, list, wrapped};

/// Calls of one line.
const CALLS_SHOWN: usize = 16;

/// Things that are listed one by one.
const THINGS_SHOWN: usize = 12;

/// Prints the activity of each actor. `--format json` has all of it.
pub(crate) fn work(out: &mut Out, actors: &[ActorWork]) -> Result<()> {
    actors.iter().try_for_each(|one| {
        out.line("")?;
        for (n, line) in wrapped(&format!("what {} did: {}", one.name, span(one)), 2)
            .iter()
            .enumerate()
        {
            out.line(&format!("{}{line}", if n == 0 { "" } else { "  " }))?;
        }
        calls(out, one)?;
        list(
            out,
            "not removed",
            things(one.standing(), one.standing().count()),
        )?;
        list(
            out,
            "switched off",
            things(one.taken_away(), one.taken_away().count()),
        )?;
        let undone = one.undone();
        let undone = (undone > 0).then(|| {
            format!(
                "{} made or changed and undone again",
                counted(undone as u64, "thing", "things")
            )
        });
        list(out, "undone", undone.into_iter())
    })?;
    let Some(one) = actors.first() else {
        return Ok(());
    };
    out.line("")?;
    list(out, "not visible", one.not_visible.iter().cloned())
}

/// Prints the activity of the actors of an incident, without what the incident says already.
pub(super) fn of_incident(out: &mut Out, incident: &Incident, actors: &[ActorWork]) -> Result<()> {
    for one in actors.iter().filter(|w| incident.actors.contains(&w.key)) {
        list(
            out,
            "calls",
            std::iter::once(format!("{}: {}", one.name, span(one))),
        )?;
        calls(out, one)?;
    }
    let things = |all: &[MadeThing]| -> Vec<String> {
        let shown = all
            .iter()
            .take(THINGS_SHOWN)
            .map(|m| format!("{}, {} at {}", m.what, m.call, minute(&m.time)));
        let more = all.len().saturating_sub(THINGS_SHOWN);
        shown
            .chain((more > 0).then(|| format!("and {more} more (--format json)")))
            .collect()
    };
    if incident.standing.is_empty() {
        list(out, "not removed", things(&incident.left).into_iter())?;
    }
    list(
        out,
        "switched off",
        things(&incident.taken_away).into_iter(),
    )
}

/// Whether the work of an actor is shown unasked: `worst` of its findings is high or critical.
pub(crate) fn is_shown_unasked(worst: Severity) -> bool {
    worst >= Severity::High
}

fn span(one: &ActorWork) -> String {
    let refused = if one.refused > 0 {
        format!(", {} refused", thousands(one.refused))
    } else {
        String::new()
    };
    let keys: Vec<String> = one
        .access_keys
        .iter()
        .map(|k| format!("{} ({})", k.access_key_id, thousands(k.count)))
        .collect();
    let keys = if keys.is_empty() {
        String::new()
    } else {
        format!(" · keys {}", keys.join(", "))
    };
    let calls = counted(one.events, "call", "calls");
    format!(
        "{calls}{refused} · {} → {} UTC{keys}",
        minute(&one.first_time),
        minute(&one.last_time)
    )
}

fn calls(out: &mut Out, one: &ActorWork) -> Result<()> {
    let changing: Vec<&CallWork> = one
        .calls
        .iter()
        .filter(|c| !c.is_read() && c.count > c.refused)
        .collect();
    let reading: Vec<&CallWork> = one
        .calls
        .iter()
        .filter(|c| c.is_read() && c.count > c.refused)
        .collect();
    let refused: Vec<&CallWork> = one.calls.iter().filter(|c| c.refused > 0).collect();
    list(
        out,
        "  changed",
        line(&changing, |c| c.count - c.refused).into_iter(),
    )?;
    list(
        out,
        "  read",
        line(&reading, |c| c.count - c.refused).into_iter(),
    )?;
    list(out, "  refused", line(&refused, |c| c.refused).into_iter())
}

/// `iam:CreateUser ×2, s3:GetObject`, most often first.
fn line(calls: &[&CallWork], count: impl Fn(&CallWork) -> u64) -> Option<String> {
    let mut sorted = calls.to_vec();
    sorted.sort_by(|a, b| (count(b), &a.call).cmp(&(count(a), &b.call)));
    let one = |c: &&CallWork| match count(c) {
        1 => c.call.clone(),
        n => format!("{} ×{}", c.call, thousands(n)),
    };
    let shown: Vec<String> = sorted.iter().take(CALLS_SHOWN).map(one).collect();
    let more = sorted.len().saturating_sub(CALLS_SHOWN);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    (!shown.is_empty()).then(|| format!("{}{more}", shown.join(", ")))
}

fn things<'m>(
    made: impl Iterator<Item = &'m MadeThing>,
    count: usize,
) -> impl Iterator<Item = ListItem> {
    let one = |m: &MadeThing| {
        let text = format!("{}, {} at {}", m.what, m.call, minute(&m.time));
        ListItem::with_command(text, m.undo.clone())
    };
    let more = count.saturating_sub(THINGS_SHOWN);
    let more = (more > 0).then(|| format!("and {more} more (--format json)").into());
    made.take(THINGS_SHOWN)
        .map(one)
        .chain(more)
        .collect::<Vec<_>>()
        .into_iter()
}
