//! `bartizan access`.

mod eval;

use std::borrow::Cow;
use std::path::Path;

use anyhow::{Context, Result};
use bartizan_iam::Actions;

use super::Outcome;
use crate::cli::{AccessCommand, Global};

pub(super) fn run(global: &Global, command: &AccessCommand) -> Result<Outcome> {
    match command {
        AccessCommand::Eval(args) => eval::run(global, args),
    }
}

/// The table of actions: ours, or the one of `--iam-data`.
fn actions(file: Option<&Path>) -> Result<Cow<'static, Actions>> {
    let Some(file) = file else { return Ok(Cow::Borrowed(Actions::builtin())) };
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(Cow::Owned(Actions::unpack(&bytes).with_context(|| file.display().to_string())?))
}
