//! Benchmarks print today's figures beside the bound that was asked for. They are ignored tests of
//! the program, run in release mode; nothing fails because a machine is slow.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::tools::run;

/// Runs one benchmark.
pub(crate) fn bench(root: &Path, name: &str) -> Result<()> {
    let mut command = Command::new("cargo");
    command.args([
        "test",
        "--release",
        "--locked",
        "--quiet",
        "--package",
        "bartizan",
        "--test",
        "app",
        "--",
    ]);
    run(command
        .args(["--ignored", "--exact", "--nocapture", name])
        .current_dir(root))
}

/// Runs both evaluators of policies on random cases.
pub(crate) fn differential(root: &Path, cases: &str) -> Result<()> {
    let mut command = Command::new("cargo");
    command.args([
        "test",
        "--release",
        "--locked",
        "--quiet",
        "--package",
        "bartizan-iam",
        "--test",
        "iam",
        "--",
    ]);
    command
        .args([
            "--ignored",
            "--exact",
            "--nocapture",
            "differential::ten_million",
        ])
        .env("BARTIZAN_CASES", cases);
    run(command.current_dir(root))
}

/// A hundred thousand random policies, and all that AWS writes, each compared with itself.
pub(crate) fn identity(root: &Path) -> Result<()> {
    let mut command = Command::new("cargo");
    command.args([
        "test",
        "--release",
        "--locked",
        "--quiet",
        "--package",
        "bartizan-iam",
        "--test",
        "iam",
        "--",
    ]);
    command
        .args(["--include-ignored", "--nocapture", "identity::"])
        .env("BARTIZAN_CASES", "100000");
    run(command.current_dir(root))
}
