//! Benchmarks: print the measured values next to the required bounds. They are ignored tests of the
//! program, run in release mode; a slow machine does not make them fail.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::tools::{python, run};

/// Tests of a package in release mode; the arguments that follow select them.
fn released(root: &Path, package: &str, tests: &str) -> Command {
    let mut command = Command::new("cargo");
    command
        .args(["test", "--release", "--locked", "--quiet"])
        .args(["--package", package, "--test", tests, "--"])
        .current_dir(root);
    command
}

/// Runs one benchmark of the program.
pub(crate) fn bench(root: &Path, name: &str) -> Result<()> {
    run(released(root, "bartizan", "app").args(["--ignored", "--exact", "--nocapture", name]))
}

/// Measures `detect` with and without lookahead, on made and on real records.
pub(crate) fn ablate(root: &Path) -> Result<()> {
    let name = "ablate::bench_lookahead";
    run(released(root, "bartizan-detect", "detect").args([
        "--ignored",
        "--exact",
        "--nocapture",
        name,
    ]))
}

/// Runs the benchmarks of log integrity, against the AWS CLI.
pub(crate) fn digest(root: &Path) -> Result<()> {
    let mut command = released(root, "bartizan", "app");
    command.args([
        "--ignored",
        "--nocapture",
        "--test-threads=1",
        "digest::bench",
    ]);
    run(command.env("BARTIZAN_VENV", python(root)?.0))
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
    let name = "differential::ten_million";
    run(released(root, "bartizan-iam", "iam")
        .args(["--ignored", "--exact", "--nocapture", name])
        .env("BARTIZAN_CASES", cases))
}

/// Compares a hundred thousand random policies, and all AWS managed policies, each with itself.
pub(crate) fn identity(root: &Path) -> Result<()> {
    run(released(root, "bartizan-iam", "iam")
        .args(["--include-ignored", "--nocapture", "identity::"])
        .env("BARTIZAN_CASES", "100000"))
}

/// A million random questions between accounts, against the plain reference.
pub(crate) fn estate(root: &Path) -> Result<()> {
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
            "--include-ignored",
            "--nocapture",
            "estate::a_million_questions",
        ])
        .env("BARTIZAN_CASES", "1000000");
    run(command.current_dir(root))
}
