//! `bartizan report`.

use std::path::Path;

use anyhow::{Context, Result};

use crate::cli::{Global, ReportArgs};
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
        Out::new().raw(&render::report(&watched))?;
        return Ok(Outcome::Done);
    }
    write_whole(&args.output, &render::report(&watched))?;
    render::talk(global, &format!("wrote {}", args.output.display()));
    Ok(Outcome::Done)
}
