//! One file or folder for each command, and where they are dispatched.

mod accept;
mod access;
mod alerts;
mod check;
mod completions;
mod credentials;
mod detect;
mod diff;
mod flat;
mod ladder_check;
mod report;
mod role;
mod rules;
mod serve;
mod snapshot;
mod snapshots;
mod spend;
mod status;
mod verify;
mod watch;

use std::process::ExitCode;

use crate::cli::{Cli, Command, Format};
use crate::render;

/// Runs the command, prints what went wrong, and gives the exit code.
pub(crate) fn run(cli: Cli) -> ExitCode {
    let verbose = cli.global.verbose;
    if let Some(message) = wrong_format(cli.global.format, &cli.command) {
        render::error(&anyhow::anyhow!(message), false);
        return ExitCode::from(2);
    }
    let result = match cli.command {
        Command::Snapshot(args) => snapshot::run(&cli.global, &args),
        Command::Snapshots => snapshots::run(&cli.global),
        Command::Watch(args) => watch::run(&cli.global, &args),
        Command::Report(args) => report::run(&cli.global, &args),
        Command::Serve(args) => serve::run(&cli.global, &args),
        Command::Accept(args) => accept::run(&cli.global, &args),
        Command::Alerts(command) => alerts::run(&cli.global, &command),
        Command::Diff(args) => diff::run(&cli.global, &args),
        Command::Check(args) => check::run(&cli.global, &args),
        Command::Credentials(args) => credentials::run(&cli.global, &args),
        Command::Detect(args) => detect::run(&cli.global, &args),
        Command::Spend(args) => spend::run(&cli.global, &args),
        Command::Rules(command) => rules::run(&cli.global, &command),
        Command::Access(command) => access::run(&cli.global, &command),
        Command::Flat(args) => flat::run(&cli.global, &args),
        Command::Verify(args) => verify::run(&cli.global, &args),
        Command::Status => status::run(&cli.global),
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

/// Why a command cannot print in a format.
fn wrong_format(format: Format, command: &Command) -> Option<&'static str> {
    match (format, command) {
        (Format::Human | Format::Json | Format::Ndjson, _)
        | (Format::Ocsf | Format::Csv, Command::Detect(_) | Command::Spend(_))
        | (Format::Csv, Command::Credentials(_))
        | (_, Command::Check(_)) => None,
        (Format::Ocsf | Format::Csv, _) => {
            Some("--format ocsf and csv are for detect, spend and check: use human, json or ndjson")
        }
        (Format::Asff | Format::Sarif, _) => {
            Some("--format asff and sarif are for check: use human, json or ndjson")
        }
    }
}

fn closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|e| {
        e.downcast_ref::<std::io::Error>()
            .is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
    })
}
