//! `bartizan report`.

use std::path::Path;

use anyhow::{Context, Result};

use crate::cli::{Global, ReportArgs};
use crate::coverage_strip::CoverageStrip;
use crate::files::write_whole;
use crate::outcome::Outcome;
use crate::render::{self, Out};
use crate::store::StoreState;
use crate::watch_result::WatchResult;

pub(super) fn run(global: &Global, args: &ReportArgs) -> Result<Outcome> {
    let state = StoreState::read(&global.store)?;
    let watched = state.map(|s| WatchResult::last(&s)).transpose()?.flatten();
    let watched = watched.with_context(|| {
        format!(
            "nobody has watched with {} yet: run bartizan watch --once first",
            global.store
        )
    })?;
    if args.output == Path::new("-") {
        Out::new().raw(&document(global, &watched)?)?;
        return Ok(Outcome::Done);
    }
    write_whole(&args.output, &document(global, &watched)?)?;
    render::talk(global, &format!("wrote {}", args.output.display()));
    Ok(Outcome::Done)
}

/// The report of a watch, with the coverage of the store's snapshots.
pub(super) fn document(global: &Global, watched: &WatchResult) -> Result<String> {
    let sight = CoverageStrip::of(global, watched)?;
    Ok(render::report(watched, &sight))
}
