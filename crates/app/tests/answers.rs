//! Answers do not change by accident: JSON of whole runs has the digest that it had before.
//!
//! `answers/changed.txt` lists what was changed on purpose since the digests were made: it is
//! undone before an answer is hashed. `BARTIZAN_WRITE=1 cargo test --test app answers` writes new
//! digests (empty that list then); `BARTIZAN_BIN=/path/to/bartizan` runs another build.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use bartizan_inventory::fact::Hash;
use serde_json::Value;

use crate::common::{Home, root, shared};
use crate::watch::copy;

/// Lines `field NAME` (a field that is new), `field NAME` of what differs by machine, and
/// `word FIELD NEW OLD` (a value of a field that had another word).
struct Changed {
    fields: Vec<String>,
    words: Vec<[String; 3]>,
}

impl Changed {
    fn read(path: &Path) -> Self {
        let mut changed = Self {
            fields: Vec::new(),
            words: Vec::new(),
        };
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["field", name] => changed.fields.push((*name).to_owned()),
                ["word", rest @ ..] => {
                    let rest: [&str; 3] = rest.try_into().expect("word FIELD NEW OLD");
                    changed.words.push(rest.map(str::to_owned));
                }
                [] => {}
                [first, ..] => assert!(first.starts_with('#'), "{line}"),
            }
        }
        changed
    }

    fn undo(&self, value: &mut Value) {
        match value {
            Value::Array(list) => list.iter_mut().for_each(|v| self.undo(v)),
            Value::Object(map) => {
                map.retain(|key, _| !self.fields.contains(key));
                for (key, value) in map.iter_mut() {
                    for [field, new, old] in &self.words {
                        if key == field && value == new {
                            *value = Value::String(old.clone());
                        }
                    }
                    self.undo(value);
                }
            }
            _ => {}
        }
    }
}

fn answer(home: &Home, args: &[&str]) -> Value {
    let mut command = home.command(args);
    if let Some(other) = std::env::var_os("BARTIZAN_BIN") {
        let mut old = std::process::Command::new(other);
        old.args(args)
            .current_dir(home.dir.path())
            .stdin(Stdio::null());
        old.env_clear().env("HOME", home.dir.path());
        command = old;
    }
    let output = command.output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| {
        let talk = String::from_utf8_lossy(&output.stderr);
        panic!("{args:?}: {e}\n{talk}")
    })
}

/// Name of each answer, and its digest today.
fn digests(changed: &Changed) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut add = |name: &str, mut value: Value| {
        changed.undo(&mut value);
        let mut text = value.to_string();
        for place in shared("data").into_iter().chain([root()]) {
            text = text.replace(place.to_str().unwrap(), "");
        }
        let digest = Hash::of(text.as_bytes()).to_string();
        found.push((name.to_owned(), digest));
    };
    let path = |path: PathBuf| path.to_str().unwrap().to_owned();
    for folder in ["edge", "eventbridge", "invictus", "otrf", "stratus"] {
        if let Some(trail) = shared(&format!("data/cloudtrail/{folder}")) {
            let home = Home::new();
            let value = answer(&home, &["detect", "--format", "json", &path(trail)]);
            add(&format!("detect {folder}"), value);
        }
    }
    for example in ["heist", "quiet"] {
        let home = Home::new();
        copy(
            &root().join("examples").join(example),
            &home.path("in"),
            &mut |name| vec![name.to_owned()],
        );
        let key = path(root().join("crates/app/tests/answers/log.key"));
        let config = "in/bartizan.toml";
        let watch = [
            "--key", &key, "watch", "--once", "--config", config, "--format", "json",
        ];
        add(&format!("watch {example}"), answer(&home, &watch));
        let trail = answer(&home, &["detect", "--format", "json", "in/trail"]);
        add(&format!("detect {example}"), trail);
        let mut dumps: Vec<PathBuf> = std::fs::read_dir(home.path("in/config"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        dumps.sort();
        for dump in dumps {
            let name = dump.file_name().unwrap().to_str().unwrap().to_owned();
            let args = ["access", "escalate", "--format", "json", "--on"];
            let args: Vec<&str> = args.into_iter().chain([dump.to_str().unwrap()]).collect();
            add(&format!("escalate {example} {name}"), answer(&home, &args));
        }
    }
    for (name, on) in [
        ("ladder", Some(root().join("examples/ladder/account.json"))),
        ("demo", shared("data/config/demo-account")),
    ] {
        if let Some(on) = on {
            for question in ["escalate", "public"] {
                let args = [
                    "access",
                    question,
                    "--format",
                    "json",
                    "--on",
                    &path(on.clone()),
                ];
                add(&format!("{question} {name}"), answer(&Home::new(), &args));
            }
        }
    }
    found
}

#[test]
fn answers_are_what_they_were() {
    let folder = root().join("crates/app/tests/answers");
    let changed = Changed::read(&folder.join("changed.txt"));
    let today = digests(&changed);
    let file = folder.join("digests.txt");
    if std::env::var_os("BARTIZAN_WRITE").is_some() {
        let mut text = String::new();
        for (name, digest) in &today {
            let _ = writeln!(text, "{digest} {name}");
        }
        std::fs::write(&file, text).unwrap();
    }
    let known = std::fs::read_to_string(&file).unwrap();
    let differ: Vec<&str> = today
        .iter()
        .filter(|(name, digest)| !known.lines().any(|l| l == format!("{digest} {name}")))
        .map(|(name, _)| name.as_str())
        .collect();
    assert!(
        differ.is_empty(),
        "other answers than before: {differ:?}; list what was changed on purpose in {}",
        folder.join("changed.txt").display()
    );
}
