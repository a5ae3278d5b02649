//! Words decide nothing: a store whose every English text is in upper case gives the same ids,
//! severities, stages, incidents, order and exit codes.

use std::fs;

use rusqlite::params;
use serde_json::Value;

use crate::common::{Home, root};
use crate::watch::copy;

/// Whether a text is English: a letter stands beside a blank.
fn is_english(text: &str) -> bool {
    text.as_bytes().windows(2).any(|pair| {
        pair[0] == b' ' && pair[1].is_ascii_alphabetic()
            || pair[0].is_ascii_alphabetic() && pair[1] == b' '
    })
}

/// Puts every English text below a value in upper case; counts them.
fn shout(value: &mut Value) -> usize {
    match value {
        Value::String(text) if is_english(text) => {
            *text = text.to_uppercase();
            1
        }
        Value::Array(list) => list.iter_mut().map(shout).sum(),
        Value::Object(map) => map.values_mut().map(shout).sum(),
        _ => 0,
    }
}

fn shouted(mut value: Value) -> Value {
    shout(&mut value);
    value
}

/// Puts every English text that a store keeps in upper case; counts them.
fn shout_in_store(home: &Home) -> usize {
    let connection = rusqlite::Connection::open(home.path("bartizan-store/state.sqlite")).unwrap();
    let mut count = 0;
    for (select, update) in [
        (
            "select id, json from finding",
            "update finding set json = ?2 where id = ?1",
        ),
        (
            "select id, json from incident",
            "update incident set json = ?2, headline = upper(headline) where id = ?1",
        ),
        (
            "select key, cast(value as text) from kept where key = 'result'",
            "update kept set value = cast(?2 as blob) where key = ?1",
        ),
    ] {
        let mut statement = connection.prepare(select).unwrap();
        let rows: Vec<(String, String)> = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        for (key, text) in rows {
            let mut value: Value = serde_json::from_str(&text).unwrap();
            count += shout(&mut value);
            connection
                .execute(update, params![key, value.to_string()])
                .unwrap();
        }
    }
    count
}

/// Copies the part of the heist that was delivered before this day of the month, or all of it.
fn deliver(home: &Home, before: u32) {
    let heist = root().join("examples/heist");
    copy(&heist, &home.path("in"), &mut |name| {
        let day = name
            .split('/')
            .find_map(|part| part.split("_202603").nth(1))
            .and_then(|rest| rest.get(..2)?.parse().ok())
            .unwrap_or(0);
        if day < before || day == 0 {
            vec![name.to_owned()]
        } else {
            Vec::new()
        }
    });
}

/// Output and exit code of a run.
fn answer(home: &Home, args: &[&str]) -> (Option<i32>, Value) {
    let output = home.run(args);
    let text = String::from_utf8_lossy(&output.stdout);
    let mut value = serde_json::from_str(&text).unwrap_or_else(|_| text.into_owned().into());
    if let Value::Object(map) = &mut value {
        // The head of the log is signed with a key of the store's own.
        map.remove("evidence");
    }
    for row in value.as_array_mut().into_iter().flatten() {
        // When a finding was accepted.
        row.as_object_mut().unwrap().remove("time");
    }
    (output.status.code(), shouted(value))
}

/// Two watches with other commands between them; between the two, the words of the store change or
/// do not.
fn story(change: &dyn Fn(&Home)) -> Vec<(Option<i32>, Value)> {
    let home = Home::new();
    deliver(&home, 12);
    let watch = |fail_on: &'static str| {
        let args = [
            "watch",
            "--once",
            "in",
            "--format",
            "json",
            "--fail-on",
            fail_on,
        ];
        answer(&home, &args)
    };
    let mut answers = vec![watch("critical")];
    assert!(
        answers[0].1["incidents"][0]["id"].is_string(),
        "no incident"
    );
    change(&home);
    // Nothing is new: the result that is kept is read back.
    answers.push(watch("high"));
    let finding = answers[0].1["findings"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    answers.push(answer(&home, &["accept", &finding, "--reason", "planned"]));
    change(&home);
    // The rest of the trail is new, and one finding is accepted.
    deliver(&home, 32);
    answers.push(watch("medium"));
    change(&home);
    answers.push(answer(&home, &["--format", "json", "accept", "--list"]));
    let report = home.run(&["report", "-o", "report.html"]);
    answers.push((report.status.code(), Value::Null));
    let page = fs::read_to_string(home.path("report.html")).unwrap_or_default();
    answers.push((None, page.matches("<section").count().into()));
    answers
}

#[test]
fn a_store_that_shouts_decides_the_same() {
    let plain = story(&|_| {});
    let loud = story(&|home| assert!(shout_in_store(home) > 100));
    assert_eq!(plain.len(), loud.len());
    for (n, (plain, loud)) in plain.iter().zip(&loud).enumerate() {
        assert_eq!(plain.0, loud.0, "the exit code of step {n}");
        let (Value::Object(plain), Value::Object(loud)) = (&plain.1, &loud.1) else {
            assert_eq!(plain.1, loud.1, "step {n}");
            continue;
        };
        for (key, value) in plain {
            assert_eq!(Some(value), loud.get(key), "{key} of step {n}");
        }
    }
    assert_eq!(
        plain.iter().map(|(code, _)| *code).collect::<Vec<_>>()[..2],
        [Some(10), Some(10)]
    );
}
