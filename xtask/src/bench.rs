//! Benchmarks: print the measured values next to the required bounds. They are ignored tests of the
//! program, run in release mode; a slow machine does not make them fail.

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

/// Runs the benchmarks of the bill.
pub(crate) fn spend(root: &Path) -> Result<()> {
    let mut command = Command::new("cargo");
    command.args([
        "test",
        "--release",
        "--locked",
        "--quiet",
        "--package",
        "bartizan-spend",
        "--test",
        "spend",
        "--",
    ]);
    // One after the other: both measure.
    command.args(["--ignored", "--nocapture", "--test-threads=1", "bench::"]);
    run(command.current_dir(root))
}

/// Runs both policy evaluators on random cases.
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

/// Compares a hundred thousand random policies, and all AWS managed policies, each with itself.
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
