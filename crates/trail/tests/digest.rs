//! Clean trails of every shape raise no alarm; every kind of tampering is found, and the right
//! object or hour is named.

use bartizan_trail::digest::{
    CheckReason, DigestDocument, MemberReader, TrailCheck, TrailReport, TrailVerdict,
    VerifiedFiles, signed_text,
};
use serde_json::{Value, json};

use crate::chain::{ACCOUNT, Made, Memory, Plan, START_S, call, check, gzip, key};
use crate::tampers::{Expected, Tamper, tampers};

fn alarms(report: &TrailReport) -> Vec<&TrailCheck> {
    report.checks.iter().filter(|c| c.is_alarm()).collect()
}

fn stop(hour: i64, name: &str, parameters: Value) -> (i64, Value) {
    let plan = Plan::default();
    (
        hour,
        call(&plan, START_S + hour * 3600 + 1800, name, parameters),
    )
}

/// Clean trails by name, and whether all of it can be checked.
pub(crate) fn clean() -> Vec<(&'static str, Made, bool)> {
    let plan = Plan::default;
    let arn = "arn:aws:cloudtrail:us-east-1:111122223333:trail/main";
    let mut shapes = vec![
        ("plain", vec![plan()], true),
        ("one digest", vec![Plan { hours: 1, ..plan() }], true),
        ("no event at all", vec![Plan { logs: 0, ..plan() }], true),
        (
            "empty hours",
            vec![Plan {
                empty: vec![2, 3, 7],
                ..plan()
            }],
            true,
        ),
        (
            "off the hour",
            vec![Plan {
                start_s: START_S + 1291,
                ..plan()
            }],
            true,
        ),
        (
            "over midnight",
            vec![Plan {
                start_s: START_S + 18 * 3600,
                ..plan()
            }],
            true,
        ),
        (
            "key rotation",
            vec![Plan {
                rotated: Some(5),
                ..plan()
            }],
            true,
        ),
        (
            "bucket change",
            vec![Plan {
                moved: Some((6, "new-logs")),
                ..plan()
            }],
            true,
        ),
        (
            "prefix",
            vec![Plan {
                prefix: "trails/prod/",
                ..plan()
            }],
            true,
        ),
        (
            "trail name with dots",
            vec![Plan {
                trail: "my.trail_of-2026",
                ..plan()
            }],
            true,
        ),
        (
            "restarted within the hour",
            vec![Plan {
                restarts: vec![4, 9],
                ..plan()
            }],
            true,
        ),
        (
            "organization",
            vec![
                Plan {
                    organization: Some("o-a1b2c3d4e5"),
                    ..plan()
                },
                Plan {
                    organization: Some("o-a1b2c3d4e5"),
                    account: "444455556666".to_owned(),
                    ..plan()
                },
                Plan {
                    trail: "own",
                    start_s: START_S + 600,
                    ..plan()
                },
            ],
            true,
        ),
        (
            "many trails, same second",
            vec![
                plan(),
                Plan {
                    trail: "second",
                    ..plan()
                },
                Plan {
                    region: "eu-west-1",
                    ..plan()
                },
                Plan {
                    region: "ap-south-1",
                    start_s: START_S + 7,
                    ..plan()
                },
            ],
            true,
        ),
        (
            "backfill",
            vec![
                plan(),
                Plan {
                    backfill: true,
                    hours: 3,
                    start_s: START_S + 7200,
                    logs: 2,
                    ..plan()
                },
            ],
            true,
        ),
        (
            "China",
            vec![Plan {
                region: "cn-north-1",
                home: "cn-north-1",
                ..plan()
            }],
            true,
        ),
        (
            "GovCloud",
            vec![Plan {
                region: "us-gov-west-1",
                home: "us-gov-west-1",
                ..plan()
            }],
            true,
        ),
        (
            "stopped, on record",
            vec![Plan {
                silent: vec![4, 5, 6],
                restarts: vec![7],
                records: vec![stop(3, "StopLogging", json!({"name": arn}))],
                ..plan()
            }],
            true,
        ),
        (
            "deleted and made again, on record",
            vec![Plan {
                silent: vec![4, 5, 6],
                restarts: vec![7],
                records: vec![stop(3, "DeleteTrail", json!({"name": "main"}))],
                ..plan()
            }],
            true,
        ),
        (
            "validation off, on record",
            vec![Plan {
                silent: vec![4, 5, 6],
                restarts: vec![7],
                records: vec![stop(
                    3,
                    "UpdateTrail",
                    json!({"name": "main", "enableLogFileValidation": false}),
                )],
                ..plan()
            }],
            true,
        ),
    ]
    .into_iter()
    .map(|(name, plans, whole)| (name, Made::new(&plans), whole))
    .collect::<Vec<_>>();
    let mut bare = Made::new(&[plan()]);
    bare.signatures.clear();
    shapes.push(("no sidecar", bare, false));
    let mut sparse = Made::new(&[plan()]);
    let newest = sparse.digests[11].clone();
    sparse.signatures.retain(|key, _| *key == newest);
    shapes.push(("the newest signature only", sparse, true));
    let mut upper = Made::new(&[plan()]);
    upper
        .signatures
        .values_mut()
        .for_each(|hex| *hex = hex.to_uppercase());
    shapes.push(("upper-case hex", upper, true));
    let mut epoch = Made::new(&[Plan {
        rotated: Some(6),
        ..plan()
    }]);
    // The first key ends an hour before the digest that it still signs; the second begins after.
    epoch.keys = vec![key(0).item(0, 0), key(1).item(0, 0)];
    let change_s = START_S + 5 * 3600;
    epoch.keys[0]["ValidityStartTime"] = json!(START_S - 86_400);
    epoch.keys[0]["ValidityEndTime"] = json!(change_s);
    epoch.keys[1]["ValidityStartTime"] = json!((change_s + 3 * 3600) as f64);
    epoch.keys[1]["ValidityEndTime"] = json!(change_s + 90 * 86_400);
    shapes.push(("validity in epoch seconds, at its edge", epoch, true));
    let mut late = Made::new(&[Plan {
        backfill: true,
        ..plan()
    }]);
    late.keys = vec![key(0).item(START_S + 40 * 86_400, START_S + 90 * 86_400)];
    shapes.push(("backfill, signed with a later key", late, true));
    let mut packed = Made::new(&[plan()]);
    let log = packed.logs[5][1].clone();
    let text = packed.text(&log);
    packed.files.insert(log, gzip(text.as_bytes()));
    shapes.push(("log compressed again", packed, true));
    shapes
}

#[test]
fn clean_trails_raise_no_alarm() {
    for (name, made, is_whole) in clean() {
        let (report, _) = check(&made, &Memory::default());
        let wrong = alarms(&report);
        assert!(wrong.is_empty(), "{name}: {wrong:#?}");
        let unchecked: Vec<&TrailCheck> = report
            .checks
            .iter()
            .filter(|c| c.kind == TrailVerdict::Unchecked)
            .collect();
        assert_eq!(unchecked.is_empty(), is_whole, "{name}: {unchecked:#?}");
        let valid = report
            .checks
            .iter()
            .filter(|c| c.kind == TrailVerdict::Valid);
        if is_whole {
            assert_eq!(valid.count(), made.files.len(), "{name}");
        }
        // The next run knows all of it, reads nothing and finds nothing.
        let memory = Memory {
            heads: report.heads.clone(),
            verified: VerifiedFiles::from_bytes(&report.verified.to_bytes()).unwrap(),
        };
        let (again, read) = check(&made, &memory);
        assert!(alarms(&again).is_empty(), "{name}: {:#?}", alarms(&again));
        if is_whole {
            assert_eq!(read, 0, "{name}");
            assert_eq!(again.verified, report.verified, "{name}");
        }
        assert_eq!(again.heads, report.heads, "{name}");
    }
}

/// Whether a line is the expected one.
fn is_named(expected: &Expected, check: &TrailCheck) -> bool {
    match expected {
        Expected::Alarm(kind, object) => check.kind == *kind && check.object.ends_with(object),
        Expected::Gap(from_s, to_s) => {
            check.kind == TrailVerdict::Gap
                && check.recorded.is_none()
                && check.first_s == Some(*from_s)
                && check.last_s == Some(*to_s)
        }
        Expected::Unchecked(object) => {
            check.kind == TrailVerdict::Unchecked && check.object.ends_with(object)
        }
        Expected::SignatureLine => matches!(check.because, CheckReason::SignatureLine { .. }),
    }
}

#[test]
fn every_tamper_is_found_and_named() {
    let all: Vec<Tamper> = tampers();
    assert!(all.len() >= 60, "{}", all.len());
    for tamper in &all {
        let mut made = Made::new(&tamper.plans);
        let memory = if tamper.is_remembered {
            let (report, _) = check(&made, &Memory::default());
            Memory {
                heads: report.heads,
                verified: VerifiedFiles::default(),
            }
        } else {
            Memory::default()
        };
        let expected = (tamper.act)(&mut made);
        let (report, _) = check(&made, &memory);
        let name = tamper.name;
        for one in &expected {
            assert!(
                report.checks.iter().any(|c| is_named(one, c)),
                "{name}: {one:?} is not named by {:#?}",
                alarms(&report)
            );
        }
        // Nothing else is accused.
        for alarm in alarms(&report) {
            assert!(
                expected.iter().any(|one| is_named(one, alarm)),
                "{name}: nobody touched {alarm:#?}"
            );
        }
    }
    println!("{} kinds of tampering", all.len());
}

/// The vector of the AWS CLI's tests: body `abc`, first of a chain.
#[test]
fn the_signed_text_is_that_of_the_user_guide() {
    let mut made = Made::new(&[Plan {
        hours: 2,
        ..Plan::default()
    }]);
    let second = made.digests[1].clone();
    let mut reader = MemberReader::new();
    let digest = DigestDocument::read(&mut reader, &mut made.files[&second].as_slice()).unwrap();
    let text = made.text(&second);
    assert_eq!(
        signed_text(&digest),
        crate::chain::signed_text(&made.documents[&second], &text)
    );
    made.forge(&second, "abc");
    assert!(DigestDocument::read(&mut reader, &mut made.files[&second].as_slice()).is_err());
    assert!(second.contains(ACCOUNT));
}

/// CPU of judging 2,000 logs and 200 digests, to that of inflating and hashing the same bytes.
#[test]
#[ignore = "a benchmark"]
fn bench_judging() {
    let made = Made::new(&[Plan {
        hours: 200,
        logs: 10,
        records_of_log: 84,
        ..Plan::default()
    }]);
    let floor = || {
        let start = std::time::Instant::now();
        let mut inflater = libdeflater::Decompressor::new();
        let mut text = Vec::new();
        for bytes in made.files.values() {
            let size = u32::from_le_bytes(bytes[bytes.len() - 4..].try_into().unwrap());
            text.resize(size as usize, 0);
            inflater.gzip_decompress(bytes, &mut text).unwrap();
            assert_eq!(crate::chain::sha256(&text).len(), 32);
        }
        start.elapsed().as_secs_f64()
    };
    let ours = || {
        let start = std::time::Instant::now();
        let (report, read) = check(&made, &Memory::default());
        assert_eq!((alarms(&report).len(), read), (0, 2200));
        start.elapsed().as_secs_f64()
    };
    let least = |run: &dyn Fn() -> f64| (0..9).map(|_| run()).fold(f64::MAX, f64::min);
    let (floor, ours) = (least(&floor), least(&ours));
    println!(
        "floor {floor:.3} s, judging {ours:.3} s: {:.2} × (≤ 1.3)",
        ours / floor
    );
}
