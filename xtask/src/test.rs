//! `cargo xtask test`: the one test command.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Result, anyhow, bail};

use crate::tidy;
use crate::tools::{self, run as sh};

/// Checks of `tidy` that the tree passes and must keep passing, e.g. `"cycles"`.
const TIDY: &[&str] = &[
    "cycles",
    "names",
    "paths",
    "references",
    "sentences",
    "docs",
];

/// Checks formatting, lints, licenses and generated tables, then runs all tests.
fn run_steps(
    root: &Path,
    are_tables_fresh: &dyn Fn() -> Result<()>,
) -> Result<Vec<(&'static str, f64)>> {
    let mut times = Vec::new();
    let mut step = |name: &'static str, f: &mut dyn FnMut() -> Result<()>| -> Result<()> {
        println!("== {name}");
        let start = Instant::now();
        f()?;
        times.push((name, start.elapsed().as_secs_f64()));
        Ok(())
    };
    let cargo = |args: &[&str]| {
        let mut command = Command::new("cargo");
        command.args(args).current_dir(root);
        command
    };
    step("format", &mut || {
        sh(&mut cargo(&["fmt", "--all", "--check"]))
    })?;
    step("tidy", &mut || tidy(root, TIDY))?;
    step("lints", &mut || {
        sh(&mut cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--quiet",
            "--",
            "--deny",
            "warnings",
        ]))
    })?;
    step("python: moto, boto3, awscli", &mut || {
        tools::python(root).map(drop)
    })?;
    step("python: LocalStack", &mut || {
        tools::localstack(root).map(drop)
    })?;
    step("Chromium", &mut || {
        tools::debian();
        Ok(())
    })?;
    step("npm: playwright-core, axe-core, oidc-provider", &mut || {
        tools::node(root).map(drop)
    })?;
    step("the generated tables are fresh", &mut || are_tables_fresh())?;
    step("licences, bans, sources", &mut || {
        let deny = tools::cargo_deny(root)?;
        sh(Command::new(deny)
            .args([
                "--log-level",
                "error",
                "check",
                "licenses",
                "bans",
                "sources",
            ])
            .current_dir(root))
    })?;
    step("fuzz targets compile", &mut || {
        let mut check = cargo(&[
            "check",
            "--manifest-path",
            "fuzz/Cargo.toml",
            "--locked",
            "--quiet",
        ]);
        sh(check.arg("--target-dir").arg(tools::target(root)))
    })?;
    step("tests", &mut || {
        let mut tests = cargo(&["test", "--workspace", "--locked"]);
        tests
            .env("BARTIZAN_VENV", tools::python(root)?.0)
            .env("BARTIZAN_LOCALSTACK_VENV", tools::localstack(root)?.0)
            .env("BARTIZAN_NODE", tools::node(root)?);
        sh(&mut tests)
    })?;
    Ok(times)
}

/// Runs checks of `tidy` by name, and fails on any violation.
pub(crate) fn tidy(root: &Path, checks: &[&str]) -> Result<()> {
    match tidy::run(root, checks).map_err(|e| anyhow!(e))? {
        0 => Ok(()),
        found => bail!("tidy found {found}"),
    }
}

/// Runs all steps and prints the duration of each.
pub(crate) fn run(root: &Path, are_tables_fresh: &dyn Fn() -> Result<()>) -> Result<()> {
    let times = run_steps(root, are_tables_fresh)?;
    for (name, seconds) in times {
        println!("{seconds:8.1} s  {name}");
    }
    Ok(())
}
