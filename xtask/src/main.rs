//! `cargo xtask`: the chores of this repository, in Rust so that they run wherever cargo does.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a build tool talks to its terminal")]

mod model;

use std::path::PathBuf;
use anyhow::{Result, bail};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["generate", botocore] => {
            let table = model::generate(&root, &PathBuf::from(botocore))?;
            std::fs::write(root.join("data/aws-model.json"), table)?;
            Ok(())
        }
        _ => bail!("usage"),
    }
}
