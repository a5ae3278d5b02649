//! One file or folder for each command, and where they are dispatched.

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
mod spend;
mod verify;
mod watch;

use std::process::ExitCode;

use crate::cli::{Cli, Command, Format};
use crate::render;

/// Runs the command, prints what went wrong, and gives the exit code.
pub(crate) fn run(cli: Cli) -> ExitCode {
    let verbose = cli.global.verbose;
    if matches!(cli.global.format, Format::Ocsf | Format::Csv)
        && !matches!(cli.command, Command::Detect(_) | Command::Spend(_))
    {
        render::error(
            &anyhow::anyhow!(
                "--format ocsf and csv are for detect and spend: use human, json or ndjson"
            ),
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
        Command::Spend(args) => spend::run(&cli.global, &args),
        Command::Rules(command) => rules::run(&cli.global, &command),
        Command::Access(command) => access::run(&cli.global, &command),
        Command::Flat(args) => flat::run(&cli.global, &args),
        Command::Verify(args) => verify::run(&cli.global, &args),
        Command::Role(args) => role::run(&cli.global, &args),
        Command::Completions(args) => completions::run(&args),
    };
    match result {
        Ok(outcome) => outcome.into(),
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
