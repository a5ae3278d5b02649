//! How a command ended, and its exit code.

use std::process::ExitCode;

/// End of a command that did what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// Something that was checked does not hold.
    Bad,
    /// Findings at or above `--fail-on`.
    Findings,
    /// Something could not be read, under `--require-complete`.
    Incomplete,
    WrongUsage,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Done => 0,
            Outcome::Bad => 1,
            Outcome::WrongUsage => 2,
            Outcome::Findings => 10,
            Outcome::Incomplete => 11,
        })
    }
}
