//! The commands in README and guide do what they say.

use crate::common::{Home, root};

#[test]
fn readme_and_guide_are_true() {
    // trycmd runs commands where this process is; every other test names its folder.
    std::env::set_current_dir(root()).unwrap();
    // A home for each: trycmd runs its files side by side.
    for file in ["README.md", "docs/guide.md"] {
        let home = Home::new();
        trycmd::TestCases::new()
            .register_bin("bartizan", std::path::Path::new(env!("CARGO_BIN_EXE_bartizan")))
            .env("HOME", home.dir.path().to_str().unwrap())
            .env("BARTIZAN_STORE", home.path("store").to_str().unwrap())
            .case(file)
            .run();
    }
}

#[test]
fn help_has_examples_and_completions_are_there() {
    let home = Home::new();
    for command in [
        vec![],
        vec!["snapshot"],
        vec!["diff"],
        vec!["watch"],
        vec!["report"],
        vec!["accept"],
        vec!["detect"],
        vec!["flat"],
        vec!["role"],
        vec!["completions"],
        vec!["access", "can"],
        vec!["access", "who-can"],
        vec!["access", "escalate"],
        vec!["access", "public"],
        vec!["access", "diff"],
        vec!["access", "policy-diff"],
        vec!["access", "eval"],
    ] {
        let text = home.must(0, &[command.as_slice(), &["--help"]].concat());
        assert!(text.contains("Example"), "{command:?}: {text}");
        assert!(text.lines().all(|l| l.chars().count() <= 110), "{command:?}");
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(home.must(0, &["completions", shell]).contains("snapshot"));
    }
}

#[test]
fn a_closed_pipe_is_success_and_a_pipe_has_no_colour() {
    let home = Home::new();
    let heist = root().join("examples/heist");
    let (before, after) = (heist.join("config/20260301T000000Z"), heist.join("config/20260315T000000Z"));
    let args = ["diff", before.to_str().unwrap(), after.to_str().unwrap()];
    assert!(!home.must(0, &args).contains('\x1b'));
    assert!(home.must(0, &[args.as_slice(), &["--color", "always"]].concat()).contains('\x1b'));
    let mut child = home.command(&["role"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}
