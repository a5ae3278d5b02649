//! `cargo xtask test`: the one test command.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::Result;

use crate::tools::{self, run as sh};

/// Checks the form, the lints, the licences and the generated table, then runs all tests.
pub(crate) fn run_steps(root: &Path) -> Result<Vec<(&'static str, f64)>> {
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
    step("format", &mut || sh(&mut cargo(&["fmt", "--all", "--check"])))?;
    step("lints", &mut || {
        sh(&mut cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "--deny", "warnings"]))
    })?;
    step("python: moto, boto3, awscli", &mut || tools::python(root).map(drop))?;
    step("python: LocalStack", &mut || tools::localstack(root).map(drop))?;
    step("Chromium", &mut || {
        tools::chromium();
        Ok(())
    })?;
    step("the generated tables are fresh", &mut || crate::generate(true))?;
    step("licences, bans, sources", &mut || {
        let deny = tools::cargo_deny(root)?;
        sh(Command::new(deny).args(["--log-level", "error", "check", "licenses", "bans", "sources"]).current_dir(root))
    })?;
    step("tests", &mut || {
        let mut tests = cargo(&["test", "--workspace", "--locked"]);
        tests.env("BARTIZAN_VENV", tools::python(root)?.0).env("BARTIZAN_LOCALSTACK_VENV", tools::localstack(root)?.0);
        sh(&mut tests)
    })?;
    Ok(times)
}

/// The steps, and how long each took.
pub(crate) fn run(root: &Path) -> Result<()> {
    let times = run_steps(root)?;
    for (name, seconds) in times {
        println!("{seconds:8.1} s  {name}");
    }
    Ok(())
}
