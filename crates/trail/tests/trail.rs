//! Every shape that a trail comes in, and every way in which it can be broken.

use std::collections::BTreeMap;
use std::io::Write;

use bartizan_trail::{Field, NonEvent, ReadProblem, TrailItem, TrailReader};

/// Items found in an object: event names in order, what was set apart, problems with their
/// offsets.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) names: Vec<String>,
    apart: BTreeMap<NonEvent, u64>,
    problems: Vec<(u64, ReadProblem)>,
}

pub(crate) fn read(bytes: &[u8]) -> Found {
    let mut found = Found::default();
    TrailReader::new().read(&mut &bytes[..], &mut |item| match item {
        TrailItem::Event(event) => found.names.push(
            event
                .text(Field::EventName)
                .unwrap_or_default()
                .into_owned(),
        ),
        TrailItem::Apart(apart) => *found.apart.entry(apart).or_default() += 1,
        TrailItem::Problem { offset, problem } => found.problems.push((offset, problem)),
    });
    found
}

/// The shared test data, or one line that says it is absent.
pub(crate) fn shared(name: &str) -> Option<std::path::PathBuf> {
    let base = std::env::var_os("BARTIZAN_SHARED").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        Into::into,
    );
    let path = base.join(name);
    if !path.exists() {
        eprintln!(
            "skipped: {} is absent (set BARTIZAN_SHARED)",
            path.display()
        );
        return None;
    }
    Some(path)
}

const EVENT: &str = r#"{"eventVersion":"1.08","userIdentity":{"type":"Root"},"eventTime":"2026-03-01T00:00:00Z","eventSource":"s3.amazonaws.com","eventName":"A","x":{"y":["\"}{",1]}}"#;

#[test]
fn every_edge_sample_gives_every_event_in_it() {
    let Some(folder) = shared("data/cloudtrail/edge") else {
        return;
    };
    let stop = |n: usize| vec!["StopLogging".to_owned(); n];
    for (name, events, apart, problems) in [
        ("01_normal.json.gz", 1, 0, vec![]),
        ("03_concat.json.gz", 2, 0, vec![]),
        ("04_multimember.json.gz", 2, 0, vec![]),
        ("05_eventbridge.json", 1, 0, vec![]),
        ("06_cwl.json.gz", 1, 0, vec![]),
        ("07_ndjson.json", 2, 0, vec![]),
        ("08_lookupevents.json", 1, 0, vec![]),
        ("09_bom.json", 1, 0, vec![]),
        ("10_badutf8.json.gz", 1, 0, vec![]),
        ("11_gz_named_json.json", 1, 0, vec![]),
        ("12_digest.json.gz", 0, 1, vec![]),
        ("13_array.json", 1, 0, vec![]),
        ("14_pretty.json", 1, 0, vec![]),
        (
            "15_nullrec.json",
            1,
            0,
            vec![
                (13, ReadProblem::Null),
                (13, ReadProblem::NotAnEvent),
                (1029, ReadProblem::NotAnEvent),
            ],
        ),
    ] {
        let found = read(&std::fs::read(folder.join(name)).unwrap());
        assert_eq!(found.names, stop(events), "{name}: {found:?}");
        assert_eq!(found.apart.values().sum::<u64>(), apart, "{name}");
        assert_eq!(found.problems, problems, "{name}");
    }
    // Cut in the middle: what was inflated is read, the rest is a problem with its place.
    let found = read(&std::fs::read(folder.join("02_truncated.json.gz")).unwrap());
    assert!(found.names.len() > 20, "{} events", found.names.len());
    let kinds: Vec<_> = found.problems.iter().map(|(_, p)| *p).collect();
    assert_eq!(
        kinds,
        [ReadProblem::Cut, ReadProblem::Inflate],
        "{:?}",
        found.problems
    );
}

#[test]
fn real_files_give_all_their_records() {
    let Some(folder) = shared("data/cloudtrail/invictus") else {
        return;
    };
    let mut events = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let whole: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let wanted: Vec<_> = whole["Records"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| r["eventName"].as_str().unwrap().to_owned())
            .collect();
        let found = read(&bytes);
        assert_eq!(found.names, wanted);
        assert!(found.problems.is_empty() && found.apart.is_empty());
        events += wanted.len();
    }
    assert_eq!(events, 2900);
}

#[test]
fn real_envelopes_are_told_from_other_events() {
    let Some(folder) = shared("data/cloudtrail/eventbridge") else {
        return;
    };
    let mut total = Found::default();
    for file in std::fs::read_dir(folder).unwrap() {
        let found = read(&std::fs::read(file.unwrap().path()).unwrap());
        total.names.extend(found.names);
        found
            .apart
            .into_iter()
            .for_each(|(a, n)| *total.apart.entry(a).or_default() += n);
        total.problems.extend(found.problems);
    }
    assert_eq!(total.names.len(), 24, "{total:?}");
    assert_eq!(
        total.names.len() as u64 + total.apart.values().sum::<u64>() + total.problems.len() as u64,
        37,
        "{total:?}"
    );
}

#[test]
fn wrappers_of_wrappers() {
    let string = |text: &str| serde_json::Value::String(text.to_owned()).to_string();
    let bridge = format!(r#"{{"detail-type":"AWS API Call via CloudTrail","detail":{EVENT}}}"#);
    for (text, events) in [
        (
            format!(
                r#"{{"QueryStatus":"FINISHED","QueryStatistics":{{"ResultsCount":1}},"QueryResultRows":[[{{"eventName":"A"}},{{"eventTime":"2026-03-01 00:00:00.000"}},{{"eventSource":"s3.amazonaws.com"}},{{"userIdentity":"{{type=Root, accountid=1}}"}}],[{{"eventJson":{}}}]]}}"#,
                string(EVENT)
            ),
            2,
        ),
        (
            format!(
                r#"{{"messageType":"DATA_MESSAGE","logEvents":[{{"id":"1","message":{}}},{{"id":"2","message":{}}}]}}"#,
                string(&bridge),
                string(EVENT)
            ),
            2,
        ),
        (
            format!(
                r#"{{"NextToken":"","Events":[{{"CloudTrailEvent":{}}}]}}"#,
                string(EVENT)
            ),
            1,
        ),
        (
            format!(r#"{{"eventVersion":"1.0","eventData":{EVENT}}}"#),
            1,
        ),
        (format!(r#"[[{EVENT}],[{EVENT},{EVENT}]]"#), 3),
        (format!("{EVENT}\n\n{EVENT}\r\n\u{1e}{EVENT}"), 3),
        (
            format!(
                r#"{{ "Records" : [ {EVENT} , {EVENT} ] , "more": {{"a":[1]}} }} {{"Records":[{EVENT}]}}"#
            ),
            3,
        ),
        (r#"{"Records":[]}"#.to_owned(), 0),
        (String::new(), 0),
        ("  \n ".to_owned(), 0),
    ] {
        let found = read(text.as_bytes());
        assert_eq!(
            (found.names.len(), found.problems.len()),
            (events, 0),
            "{text}: {found:?}"
        );
        // The same in zstd and in gzip of two members.
        assert_eq!(read(&zstd::encode_all(text.as_bytes(), 1).unwrap()), found);
        let half = text.len() / 2;
        let half = (0..=half)
            .rev()
            .find(|n| text.is_char_boundary(*n))
            .unwrap();
        assert_eq!(
            read(
                &[
                    gzip(&text.as_bytes()[..half]),
                    gzip(&text.as_bytes()[half..])
                ]
                .concat()
            ),
            found
        );
        // Packed twice, as a subscription that Firehose packs again.
        assert_eq!(read(&gzip(&gzip(text.as_bytes()))), found);
    }
    for text in [
        r#"{"Type":"Notification","Message":"{}"}"#,
        r#"{"Records":[{"s3":{"object":{}}}]}"#,
        r#"{"s3Bucket":"b","s3ObjectKey":["k"]}"#,
    ] {
        assert_eq!(
            read(text.as_bytes()).apart,
            BTreeMap::from([(NonEvent::Notification, 1)]),
            "{text}"
        );
    }
    let insight = r#"{"Records":[{"eventVersion":"1.07","eventTime":"2026-03-01T00:00:00Z","eventType":"AwsCloudTrailInsight","insightDetails":{"state":"Start"},"eventCategory":"Insight"}]}"#;
    assert_eq!(
        read(insight.as_bytes()).apart,
        BTreeMap::from([(NonEvent::Insight, 1)])
    );
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

#[test]
fn damage_costs_the_record_in_which_it_stands() {
    let records = |n: usize| vec![EVENT; n].join(",");
    for (text, events, problems) in [
        // A quote is missing; the records behind it are found again.
        (
            format!(
                r#"{{"Records":[{},{},{}]}}"#,
                records(2),
                EVENT.replacen("\"A\"", "\"A", 1),
                records(3)
            ),
            5,
            1,
        ),
        // A brace is missing in a line.
        (
            format!("{EVENT}\n{}\n{EVENT}\n{EVENT}", &EVENT[..EVENT.len() - 1]),
            3,
            1,
        ),
        (format!("{EVENT}\n{}\n{EVENT}", &EVENT[..40]), 2, 1),
        (format!(r#"{{"Records":[{}"#, records(2)), 2, 1),
        (
            format!(r#"{{"Records":[{},{}"#, records(2), &EVENT[..60]),
            2,
            1,
        ),
        ("{\"Records\":[}]".to_owned(), 0, 1),
        (format!("garbage, {EVENT}"), 1, 1),
        (
            format!(
                r#"{{"eventVersion":"1","a":{}1{}}}{EVENT}"#,
                "[".repeat(100),
                "]".repeat(100)
            ),
            1,
            1,
        ),
        (format!(r#"{{"hello":"world"}}{EVENT}"#), 1, 1),
    ] {
        let found = read(text.as_bytes());
        assert_eq!(
            (found.names.len(), found.problems.len()),
            (events, problems),
            "{text}: {found:?}"
        );
        for (offset, _) in &found.problems {
            assert!(*offset <= text.len() as u64);
        }
    }
}

#[test]
fn a_record_without_end_and_a_bomb_cost_a_line() {
    let huge = format!(
        r#"{{"eventVersion":"1","x":"{}"}}{EVENT}"#,
        "a".repeat(3 << 20)
    );
    let found = read(&zstd::encode_all(huge.as_bytes(), 1).unwrap());
    assert_eq!(
        (found.names.len(), found.problems.as_slice()),
        (1, [(0, ReadProblem::TooLarge)].as_slice())
    );

    // 10 GiB of whitespace in gzip, made from one member of 64 MiB that stands there 160 times.
    let member = gzip(&vec![b' '; 64 << 20]);
    let found = read(&member.repeat(160));
    assert_eq!(
        found.problems.iter().map(|(_, p)| *p).collect::<Vec<_>>(),
        [ReadProblem::Bomb]
    );
    let zeros = zstd::encode_all(std::io::repeat(b' ').take(1 << 30), 1).unwrap();
    assert_eq!(
        read(&zeros)
            .problems
            .iter()
            .map(|(_, p)| *p)
            .collect::<Vec<_>>(),
        [ReadProblem::Bomb]
    );
}

use std::io::Read;

#[test]
fn damage_everywhere_is_not_slow() {
    // Half a million broken lines. Were each of them to index all that follows, this would take
    // hours.
    let found = read("{\"eventVersion\":\"1\n".repeat(500_000).as_bytes());
    assert_eq!((found.names.len(), found.problems.len()), (0, 500_000));
}

proptest::proptest! {
    /// Whatever the window, the same records come out of what is sound; whatever the bytes, nothing
    /// panics. (Where a record begins again after damage may depend on how much was at hand.)
    #[test]
    fn a_stream_gives_what_the_whole_gives(
        picks in proptest::collection::vec(0..9usize, 0..30),
        steps in proptest::collection::vec(1..200usize, 1..40),
    ) {
        let parts = [EVENT, ",", "\n", "{\"Records\":[", "]}", "{", "\"", "null", "{\"message\":\"x\"}"];
        let text: String = picks.iter().map(|n| parts[*n]).collect();
        let whole = read(text.as_bytes());
        let mut names = Vec::new();
        let mut splitter = bartizan_trail::Splitter::new();
        let (mut window, mut rest, mut steps) = (Vec::new(), text.as_bytes(), steps.iter().cycle());
        loop {
            let step = (*steps.next().unwrap()).min(rest.len());
            window.extend_from_slice(&rest[..step]);
            rest = &rest[step..];
            let done = splitter.push(&window, rest.is_empty(), &mut |item| if let TrailItem::Event(e) = item {
                names.push(e.text(Field::EventName).unwrap_or_default().into_owned());
            });
            window.drain(..done);
            if rest.is_empty() { break }
        }
        if !whole.problems.iter().any(|(_, p)| p.loses_events()) {
            proptest::prop_assert_eq!(names, whole.names);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300), magic in 0..3usize) {
        let magic: &[u8] = [&[][..], &[0x1f, 0x8b, 8][..], &[0x28, 0xb5, 0x2f, 0xfd][..]][magic];
        read(&[magic, &bytes].concat());
    }
}
