//! `bartizan alerts`, one file a command.

mod list;
mod redrive;
mod silence;
mod test;

use anyhow::Result;

use crate::cli::{AlertsCommand, Global};
use crate::outcome::Outcome;

pub(super) fn run(global: &Global, command: &AlertsCommand) -> Result<Outcome> {
    match command {
        AlertsCommand::List(args) => list::run(global, args),
        AlertsCommand::Test(args) => test::run(global, args),
        AlertsCommand::Silence(args) => silence::run(global, args),
        AlertsCommand::Redrive(args) => redrive::run(global, args),
    }
}
