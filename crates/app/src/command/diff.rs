//! `bartizan diff`.

use anyhow::{Context, Result, bail};
use bartizan_iam::Actions;

use crate::access::{self, StatePair};
use crate::cli::{DiffArgs, Format, Global};
use crate::named_snapshots::pairs;
use crate::outcome::Outcome;
use crate::render::{self, Out, SnapshotPair};
use crate::snapshot_diff::between;

pub(super) fn run(global: &Global, args: &DiffArgs) -> Result<Outcome> {
    let paired = pairs(
        global,
        args.snapshots.before.as_deref(),
        args.snapshots.after.as_deref(),
    )?;
    let organizations = (
        access::organizations(paired.before())?,
        access::organizations(paired.after())?,
    );
    let mut out = Out::new();
    let mut outcome = Outcome::Done;
    let mut rows = Vec::new();
    for (before, after) in &paired.pairs {
        let mut difference = between(before, after)?;
        if let Some(fact) = &args.fact {
            let (kind, id) = fact
                .split_once(' ')
                .context("--fact wants a kind and an id, such as 'iam:role admin'")?;
            difference.changes.retain(|c| c.kind == kind && c.id == id);
            if difference.changes.is_empty() {
                bail!(
                    "{kind} {id} did not change between {} and {}",
                    before.name,
                    after.name
                );
            }
        }
        if difference
            .changes
            .iter()
            .any(|c| args.fail_on.is_some_and(|at| c.severity >= at))
        {
            outcome = Outcome::Findings;
        } else if outcome == Outcome::Done
            && args.require_complete
            && (difference.coverage.ok < difference.coverage.total
                || !difference.unknown.is_empty())
        {
            outcome = Outcome::Incomplete;
        }
        let shown = SnapshotPair::new(global, before, after)?;
        // What it means for who can do what: only where something that grants changed.
        let states = StatePair {
            before,
            after,
            organizations: (&organizations.0, &organizations.1),
        };
        let grants = difference.changes.iter().any(|c| access::wanted(&c.kind));
        let access = if (grants || states.is_otherwise_bound()) && args.fact.is_none() {
            let neighbours = states.neighbours();
            Some(access::changed(&states, Actions::builtin(), neighbours)?)
        } else {
            None
        };
        match global.format {
            Format::Human => {
                let lines = access
                    .as_ref()
                    .map(|a| render::access_lines(&a.new, &a.difference))
                    .unwrap_or_default();
                render::diff(&mut out, &shown, &difference, &lines, args.fact.is_some())?;
            }
            _ => {
                let access = access
                    .as_ref()
                    .map(|a| render::access_json(&a.old, &a.new, &a.difference));
                match global.format {
                    Format::Ndjson => rows.extend(render::diff_rows(&shown, &difference, access)?),
                    _ => rows.push(render::diff_json(&shown, &difference, access)?),
                }
            }
        }
    }
    if global.format != Format::Human {
        out.json(global.format, rows)?;
    }
    Ok(outcome)
}
