//! `bartizan access diff`.

use anyhow::Result;

use crate::access::{StatePair, actions, changed, organizations};
use crate::cli::{AccessDiffArgs, Format, Global};
use crate::named_snapshots::pairs;
use crate::outcome::Outcome;
use crate::render::{Out, access_json, access_lines};

pub(super) fn run(global: &Global, args: &AccessDiffArgs) -> Result<Outcome> {
    let actions = actions(&args.table)?;
    let mut out = Out::new();
    let mut values = Vec::new();
    let mut gained = false;
    let paired = pairs(
        global,
        args.snapshots.before.as_deref(),
        args.snapshots.after.as_deref(),
    )?;
    let organizations = (
        organizations(paired.before())?,
        organizations(paired.after())?,
    );
    for (before, after) in &paired.pairs {
        let states = StatePair {
            before,
            after,
            organizations: (&organizations.0, &organizations.1),
        };
        let changed = changed(&states, &actions, states.neighbours())?;
        gained |= changed.is_more();
        if global.format == Format::Human {
            let lines = access_lines(&changed.new, &changed.difference);
            out.line(&format!(
                "account {}: {} → {}",
                changed.new.id, before.name, after.name
            ))?;
            lines
                .iter()
                .try_for_each(|line| out.line(&format!("  {line}")))?;
            if lines.is_empty() {
                out.line("  nobody gained or lost anything")?;
            }
        } else {
            values.push(access_json(&changed.old, &changed.new, &changed.difference));
        }
    }
    if global.format != Format::Human {
        out.json(global.format, values)?;
    }
    out.flush()?;
    Ok(if gained {
        Outcome::Findings
    } else {
        Outcome::Done
    })
}
