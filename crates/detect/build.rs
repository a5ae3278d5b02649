//! Lists the rule files of the repository and their fixtures, so that they are built into the
//! program.

use std::fmt::Write as _;
use std::path::Path;

fn main() {
    let rules = Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"))
        .join("../../rules")
        .canonicalize()
        .expect("the rules folder");
    let mut files = Vec::new();
    for stage in ["gain", "maintain", "steal", "blind"] {
        let folder = rules.join(stage);
        println!("cargo::rerun-if-changed={}", folder.display());
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|e| e == "yml") {
                files.push((
                    format!("{stage}/{}", entry.file_name().to_string_lossy()),
                    path,
                ));
            }
        }
    }
    files.sort();
    let mut code = String::from("const RULES: &[(&str, &str, &str)] = &[\n");
    for (name, path) in files {
        let fixture = path.with_extension("json");
        let [rule, fixture] = [&path, &fixture].map(|p| p.display().to_string());
        let _ = writeln!(
            code,
            "    ({name:?}, include_str!({rule:?}), include_str!({fixture:?})),"
        );
    }
    code.push_str("];\n");
    let out = std::env::var("OUT_DIR").expect("cargo sets it");
    std::fs::write(Path::new(&out).join("builtin_rules.rs"), code).expect("write the list");
}
