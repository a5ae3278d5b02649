//! The binary `bartizan`: parse, run, exit code.

mod cli;
mod command;
mod files;
mod render;
mod store;
mod trail;

use std::process::ExitCode;

fn main() -> ExitCode {
    command::run(cli::parse())
}
