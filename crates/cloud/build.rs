//! Lists the files of `calls/`, so that a service is added by adding a file.
#![allow(
    clippy::print_stdout,
    reason = "a build script speaks to cargo on stdout"
)]

use std::fmt::Write as _;
use std::path::Path;

fn main() {
    let manifest = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let folder = Path::new(&manifest).join("calls");
    println!("cargo::rerun-if-changed={}", folder.display());
    let out = std::env::var("OUT_DIR").expect("cargo sets it");
    std::fs::write(Path::new(&out).join("builtin_calls.rs"), listing(&folder))
        .expect("write the list");
}

/// Expression with the name and the text of each file of `folder`, by name:
/// `&[("s3", include_str!("/…/calls/s3.toml")),]`.
pub(crate) fn listing(folder: &Path) -> String {
    let mut files: Vec<(String, String)> = std::fs::read_dir(folder)
        .expect("the folder of calls")
        .map(|entry| entry.expect("a file of calls").path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .map(|path| {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            (name.into_owned(), path.display().to_string())
        })
        .collect();
    files.sort();
    let mut code = String::from("&[\n");
    for (name, path) in files {
        let _ = writeln!(code, "    ({name:?}, include_str!({path:?})),");
    }
    code.push_str("]\n");
    code
}
