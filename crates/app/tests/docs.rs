//! The commands in README and guide do what they say.

use crate::common::{Home, root};

#[test]
fn readme_and_guide_are_true() {
    // trycmd runs commands where this process is; every other test names its folder. What they
    // write stays out of the checkout.
    let place = tempfile::tempdir().unwrap();
    for name in ["examples", "docs", "README.md"] {
        std::os::unix::fs::symlink(root().join(name), place.path().join(name)).unwrap();
    }
    std::env::set_current_dir(place.path()).unwrap();
    // A home for each: trycmd runs its files side by side.
    for file in ["README.md", "docs/guide.md"] {
        let home = Home::new();
        trycmd::TestCases::new()
            .register_bin(
                "bartizan",
                std::path::Path::new(env!("CARGO_BIN_EXE_bartizan")),
            )
            .env("HOME", home.dir.path().to_str().unwrap())
            .env("BARTIZAN_STORE", home.path("store").to_str().unwrap())
            .case(file)
            .run();
        // The README's first command writes the report, and so does the guide.
        let report = std::fs::read_to_string(place.path().join("heist.html")).unwrap();
        assert!(report.contains("INTRUDER") && report.ends_with("</html>"));
        std::fs::remove_file(place.path().join("heist.html")).unwrap();
    }
    // The folder goes away, and this process is not to stand in it then.
    std::env::set_current_dir(root()).unwrap();
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
        vec!["access", "effective"],
        vec!["access", "reach"],
        vec!["access", "unused"],
        vec!["access", "escalate"],
        vec!["access", "public"],
        vec!["access", "diff"],
        vec!["access", "policy-diff"],
        vec!["access", "eval"],
        vec!["verify", "trail"],
        vec!["alerts", "list"],
        vec!["alerts", "test"],
        vec!["alerts", "silence"],
        vec!["alerts", "redrive"],
    ] {
        let text = home.must(0, &[command.as_slice(), &["--help"]].concat());
        assert!(text.contains("Example"), "{command:?}: {text}");
        assert!(
            text.lines().all(|l| l.chars().count() <= 110),
            "{command:?}"
        );
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(home.must(0, &["completions", shell]).contains("snapshot"));
    }
}

#[test]
fn a_closed_pipe_is_success_and_a_pipe_has_no_colour() {
    let home = Home::new();
    let heist = root().join("examples/heist");
    let (before, after) = (
        heist.join("config/20260301T000000Z"),
        heist.join("config/20260315T000000Z"),
    );
    let args = ["diff", before.to_str().unwrap(), after.to_str().unwrap()];
    assert!(!home.must(0, &args).contains('\x1b'));
    assert!(
        home.must(0, &[args.as_slice(), &["--color", "always"]].concat())
            .contains('\x1b')
    );
    let mut child = home
        .command(&["role"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}

/// docs/attribution.md says, for each kind of fact, which calls can change it, and which kinds
/// cannot be attributed.
#[test]
fn the_list_of_attribution_is_fresh() {
    use std::collections::BTreeMap;
    let table = std::fs::read_to_string(root().join("data/event-facts.txt")).unwrap();
    let rows = table
        .lines()
        .filter(|l| !l.starts_with('#'))
        .map(|l| l.split('\t').collect::<Vec<_>>());
    let (mut kinds, mut none) = (
        BTreeMap::<&str, BTreeMap<&str, Vec<String>>>::new(),
        Vec::new(),
    );
    for row in rows {
        let [_, event, kind, effect, id, content, _] = row[..] else {
            panic!("{row:?}")
        };
        if effect == "aws" {
            none.push(format!("| {kind} that begin with {id} | {content} |\n"));
            continue;
        }
        if effect == "none" {
            none.push(format!("| {kind} | {id} |\n"));
            continue;
        }
        let text = if content == "-" {
            event.to_owned()
        } else {
            format!("**{event}**")
        };
        kinds
            .entry(kind)
            .or_default()
            .entry(effect)
            .or_default()
            .push(text);
    }
    let mut text = format!(
        "# Attribution\n\nGenerated from `data/event-facts.txt` by the test \
        `the_list_of_attribution_is_fresh` (`BARTIZAN_WRITE=1 cargo test -p bartizan \
         attribution`). Calls in bold bring a policy, which is compared with the one that is \
         there.\n\n## Cannot be attributed\n\n| kind | why |\n|---|---|\n{}\n\
         ## {} kinds and the calls that change them\n\n| kind | adds | changes | removes \
         |\n|---|---|---|---|\n",
        none.concat(),
        kinds.len()
    );
    for (kind, calls) in kinds {
        let of = |effect: &str| calls.get(effect).map(|c| c.join(" ")).unwrap_or_default();
        text += &format!(
            "| {kind} | {} | {} | {} |\n",
            of("add"),
            of("set"),
            of("remove")
        );
    }
    let path = root().join("docs/attribution.md");
    if std::env::var_os("BARTIZAN_WRITE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(path).unwrap(),
        text,
        "run BARTIZAN_WRITE=1 cargo test -p bartizan attribution"
    );
}
