//! The commands, one a file.

mod accept;
mod access;
mod completions;
mod detect;
mod diff;
mod flat;
mod report;
mod role;
mod rules;
mod snapshot;
mod snapshots;
mod verify;
pub(crate) mod watch;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use bartizan_cloud::model::Model;
use bartizan_cloud::table::CallTable;

use crate::cli::{Cli, Command, Format};
use crate::render;

/// What this program calls itself in what it signs.
pub(crate) const TOOL: &str = concat!("bartizan ", env!("CARGO_PKG_VERSION"));

/// How a command ended that did what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// What was checked does not hold.
    Bad,
    /// Findings at or above `--fail-on`.
    Findings,
    /// Something could not be read, under `--require-complete`.
    Incomplete,
    /// Wrong usage.
    WrongUsage,
}

/// Runs the command, prints what went wrong, and gives the exit code.
pub(crate) fn run(cli: Cli) -> ExitCode {
    let verbose = cli.global.verbose;
    if matches!(cli.global.format, Format::Ocsf | Format::Csv)
        && !matches!(cli.command, Command::Detect(_))
    {
        render::error(
            &anyhow::anyhow!("--format ocsf and csv are for detect: use human, json or ndjson"),
            false,
        );
        return ExitCode::from(2);
    }
    let result = match cli.command {
        Command::Snapshot(args) => snapshot::run(&cli.global, &args),
        Command::Snapshots => snapshots::run(&cli.global),
        Command::Watch(args) => watch::run(&cli.global, &args),
        Command::Report(args) => report::run(&cli.global, &args),
        Command::Accept(args) => accept::run(&cli.global, &args),
        Command::Diff(args) => diff::run(&cli.global, &args),
        Command::Detect(args) => detect::run(&cli.global, &args),
        Command::Rules(command) => rules::run(&cli.global, &command),
        Command::Access(command) => access::run(&cli.global, &command),
        Command::Flat(args) => flat::run(&cli.global, &args),
        Command::Verify(args) => verify::run(&cli.global, &args),
        Command::Role(args) => role::run(&cli.global, &args),
        Command::Completions(args) => completions::run(&args),
    };
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Bad) => ExitCode::from(1),
        Ok(Outcome::Findings) => ExitCode::from(10),
        Ok(Outcome::Incomplete) => ExitCode::from(11),
        Ok(Outcome::WrongUsage) => ExitCode::from(2),
        // Whoever reads us had enough: that is their good right.
        Err(e) if closed_pipe(&e) => ExitCode::SUCCESS,
        Err(e) => {
            render::error(&e, verbose);
            ExitCode::from(1)
        }
    }
}

fn closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|e| {
        e.downcast_ref::<std::io::Error>()
            .is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

/// The model and the call table, with the rows of `files`.
fn table(files: &[std::path::PathBuf]) -> Result<(Arc<Model>, CallTable)> {
    let model = Arc::new(Model::builtin());
    let mut texts = Vec::new();
    for file in files {
        let text = crate::files::read_text(file)?;
        texts.push((file.display().to_string(), text));
    }
    let table = CallTable::with(&model, &texts)
        .context("the call table cannot be used, so nothing was read")?;
    Ok((model, table))
}

/// A runtime for talking to AWS. One thread is enough: the waiting is AWS's.
fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the network runtime")
}
