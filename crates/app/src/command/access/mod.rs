//! `bartizan access`, one file for each question.

mod can;
mod diff;
mod effective;
mod escalate;
mod eval;
mod policy_diff;
mod public;
mod reach;
mod unused;
mod who_can;

use anyhow::Result;

use crate::cli::{AccessCommand, Global};
use crate::outcome::Outcome;

pub(super) fn run(global: &Global, command: &AccessCommand) -> Result<Outcome> {
    match command {
        AccessCommand::Can(args) => can::run(global, args),
        AccessCommand::WhoCan(args) => who_can::run(global, args),
        AccessCommand::Effective(args) => effective::run(global, args),
        AccessCommand::Reach(args) => reach::run(global, args),
        AccessCommand::Unused(args) => unused::run(global, args),
        AccessCommand::Escalate(args) => escalate::run(global, args),
        AccessCommand::Public(args) => public::run(global, args),
        AccessCommand::Diff(args) => diff::run(global, args),
        AccessCommand::PolicyDiff(args) => policy_diff::run(global, args),
        AccessCommand::Eval(args) => eval::run(global, args),
    }
}
