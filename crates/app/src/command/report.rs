//! `bartizan report`.

use std::path::Path;

use anyhow::{Context, Result};

use super::Outcome;
use super::watch::{WatchResult, last};
use crate::cli::{Global, ReportArgs};
use crate::render::{self, Out};
use crate::store::StoreState;

pub(super) fn run(global: &Global, args: &ReportArgs) -> Result<Outcome> {
    let state = StoreState::read(&global.store)?;
    let watched = state.map(|s| last(&s)).transpose()?.flatten();
    let watched = watched.with_context(|| {
        format!(
            "nobody has watched with {} yet: run bartizan watch --once first",
            global.store
        )
    })?;
    if args.output == Path::new("-") {
        Out::new().raw(&render::report(&watched))?;
        return Ok(Outcome::Done);
    }
    write(&watched, &args.output)?;
    render::talk(global, &format!("wrote {}", args.output.display()));
    Ok(Outcome::Done)
}

/// Writes the report, whole or not at all.
pub(super) fn write(watched: &WatchResult, file: &Path) -> Result<()> {
    let unfinished = file.with_extension("unfinished");
    std::fs::write(&unfinished, render::report(watched))
        .with_context(|| format!("cannot write {}", file.display()))?;
    std::fs::rename(&unfinished, file).with_context(|| format!("cannot write {}", file.display()))
}
