//! The binary `bartizan`: parse, run, exit code.

mod access;
mod access_graph;
mod alerting;
mod bill;
mod bill_report;
mod cli;
mod collect;
mod command;
mod coverage_strip;
mod detection;
mod files;
mod import;
mod named_snapshots;
mod outcome;
mod page;
mod posture;
mod rebuild;
mod render;
mod snapshot_diff;
mod store;
mod trail;
mod trail_check;
mod trail_records;
mod watch_health;
mod watch_result;

use std::process::ExitCode;

fn main() -> ExitCode {
    command::run(cli::parse())
}
