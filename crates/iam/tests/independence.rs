//! The two evaluators share nothing that judges, so that a fault in one is found by the other.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// A fault of the engine: one text of one file, changed.
struct Mutant {
    about: String,
    file: String,
    old: String,
    new: String,
}

fn mutants() -> Vec<Mutant> {
    let text = include_str!("mutants.txt");
    let lines: Vec<&str> = text
        .lines()
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
        .collect();
    let mutant = |four: &[&str]| {
        let part = |n: usize, mark: &str| four[n].strip_prefix(mark).unwrap().to_owned();
        Mutant {
            about: part(0, "= "),
            file: part(1, "@ "),
            old: part(2, "- "),
            new: part(3, "+ "),
        }
    };
    lines.chunks(4).map(mutant).collect()
}

fn crate_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_planted_fault_has_its_place() {
    let mutants = mutants();
    assert_eq!(mutants.len(), 10);
    for mutant in mutants {
        let path = crate_folder().join("src").join(&mutant.file);
        let source = std::fs::read_to_string(&path).unwrap();
        let count = source.matches(&mutant.old).count();
        assert_eq!(
            count, 1,
            "{}: {:?} in {}",
            mutant.about, mutant.old, mutant.file
        );
    }
}

/// The reference knows the parsed policy, the request and the table of actions, and judges by
/// itself.
#[test]
fn the_reference_borrows_no_judgement() {
    let folder = crate_folder().join("src/reference");
    for path in std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        let source = std::fs::read_to_string(&path).unwrap();
        let code = source
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        for line in code.filter(|line| line.contains("crate::")) {
            let allowed = [
                "crate::policy::",
                "crate::request::",
                "crate::actions::Actions",
            ];
            let is_allowed = allowed.iter().any(|module| line.contains(module));
            assert!(is_allowed, "{}: {line}", path.display());
        }
        // Methods of the request that judge: the reference reads callers, accounts and layers
        // itself.
        for method in [
            ".kind()",
            ".role()",
            ".account()",
            ".complete",
            ".side()",
            ".is_version_known",
            ".is_known_kind",
        ] {
            assert!(!source.contains(method), "{}: {method}", path.display());
        }
    }
}

/// The reference for estates puts layers together by itself.
#[test]
fn the_reference_for_estates_borrows_no_judgement() {
    let source = std::fs::read_to_string(crate_folder().join("tests/estate/reference.rs")).unwrap();
    let code = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let code: Vec<&str> = code.collect();
    for word in [
        "Estate::",
        "Account::",
        "Compiled",
        "Organization::",
        ".ask(",
        ".bind(",
    ] {
        let found = code.iter().find(|line| line.contains(word));
        assert!(found.is_none(), "{word}: {found:?}");
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for path in std::fs::read_dir(from)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

/// A workspace with this crate alone, whose only test is the comparison of the two evaluators.
fn copied_workspace() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("mutants");
    let root = crate_folder().ancestors().nth(2).unwrap().to_owned();
    let inner = folder.join("crates/iam");
    if inner.exists() {
        std::fs::remove_dir_all(&inner).unwrap();
    }
    copy(&crate_folder().join("src"), &inner.join("src"));
    std::fs::create_dir_all(inner.join("tests")).unwrap();
    std::fs::copy(
        crate_folder().join("tests/differential.rs"),
        inner.join("tests/differential.rs"),
    )
    .unwrap();
    let manifest = std::fs::read_to_string(crate_folder().join("Cargo.toml")).unwrap();
    let manifest = manifest.replace("tests/main.rs", "tests/differential.rs");
    std::fs::write(inner.join("Cargo.toml"), manifest).unwrap();
    std::fs::create_dir_all(folder.join("data")).unwrap();
    std::fs::copy(
        root.join("data/iam-actions.txt.zst"),
        folder.join("data/iam-actions.txt.zst"),
    )
    .unwrap();
    std::fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let workspace = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let is_ours =
        |line: &&str| !line.starts_with("exclude") && !line.starts_with("default-members");
    let lines = workspace.lines().filter(is_ours).map(|line| match line {
        line if line.starts_with("members") => "members = [\"crates/iam\"]",
        line => line,
    });
    std::fs::write(
        folder.join("Cargo.toml"),
        lines.collect::<Vec<_>>().join("\n"),
    )
    .unwrap();
    folder
}

/// Each planted fault makes the comparison of the two evaluators fail, within a minute of running.
/// Takes ten compilations: `cargo test -p bartizan-iam --test iam -- --ignored --nocapture
/// every_planted_fault`.
#[test]
#[ignore = "ten compilations of the crate"]
fn every_planted_fault_is_found() {
    let folder = copied_workspace();
    let cargo = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO"));
        command
            .current_dir(&folder)
            .env("CARGO_TARGET_DIR", folder.join("target"));
        command
            .args(["test", "--offline", "-q", "--test", "iam"])
            .args(arguments)
            .output()
            .unwrap()
    };
    let compile = || {
        let output = cargo(&["--no-run"]);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    compile();
    assert!(
        cargo(&[]).status.success(),
        "the evaluators differ before any fault is planted"
    );
    for mutant in mutants() {
        let path = folder.join("crates/iam/src").join(&mutant.file);
        let source = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, source.replace(&mutant.old, &mutant.new)).unwrap();
        compile();
        let started = Instant::now();
        let output = cargo(&[]);
        let seconds = started.elapsed().as_secs_f64();
        std::fs::write(&path, source).unwrap();
        println!("{seconds:>5.1} s  {}", mutant.about);
        let said = String::from_utf8_lossy(&output.stdout);
        let is_found = !output.status.success() && said.contains("test result: FAILED");
        assert!(is_found, "{} was not found: {said}", mutant.about);
        assert!(seconds < 60.0, "{}: {seconds} s", mutant.about);
    }
}
