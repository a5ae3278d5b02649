//! Routing, silences, quiet hours, storms, repetition.

use bartizan_alert::{
    Alert, AlertKind, AlertRoute, AlertSubject, Disposition, QuietHours, StormLimit, StormState,
    WatchedState, alerts_of, backoff_ms, dispatch, still_open,
};
use bartizan_model::{AlertSilence, Severity, Stage};
use jiff::Timestamp;

use crate::made::{finding, incident};

fn now() -> Timestamp {
    "2026-03-11T23:30:00Z".parse().unwrap()
}

fn route() -> AlertRoute {
    AlertRoute {
        sink: "ops".to_owned(),
        min_severity: Severity::Low,
        stages: Vec::new(),
        accounts: Vec::new(),
        rules: Vec::new(),
        repeat_hours: 4,
        quiet_hours: None,
        storm: StormLimit {
            alerts: 3,
            minutes: 10,
        },
        keeps_open: false,
    }
}

fn alerts(count: usize, severity: Severity) -> Vec<Alert> {
    let findings: Vec<_> = (0..count)
        .map(|n| finding(&format!("f{n:03}"), severity, "x"))
        .collect();
    let after = WatchedState {
        findings: &findings,
        ..WatchedState::default()
    };
    alerts_of(&WatchedState::default(), &after, now())
}

fn sent(route: &AlertRoute, alerts: &[Alert]) -> usize {
    let entries = dispatch(route, alerts, &[], &StormState::default(), now());
    entries
        .iter()
        .filter(|e| matches!(e.disposition, Disposition::Send { .. }))
        .count()
}

#[test]
fn a_route_matches_severity_stage_account_and_rule() {
    let one = alerts(1, Severity::Medium);
    assert_eq!(sent(&route(), &one), 1);
    for (name, route) in [
        (
            "severity",
            AlertRoute {
                min_severity: Severity::High,
                ..route()
            },
        ),
        (
            "stage",
            AlertRoute {
                stages: vec![Stage::Steal],
                ..route()
            },
        ),
        (
            "account",
            AlertRoute {
                accounts: vec!["999988887777".to_owned()],
                ..route()
            },
        ),
        (
            "rule",
            AlertRoute {
                rules: vec!["other".to_owned()],
                ..route()
            },
        ),
    ] {
        assert_eq!(sent(&route, &one), 0, "{name}");
    }
    let same = AlertRoute {
        stages: vec![Stage::Gain],
        accounts: vec!["111122223333".to_owned()],
        rules: vec!["rule x".to_owned()],
        ..route()
    };
    assert_eq!(sent(&same, &one), 1);
}

#[test]
fn low_waits_for_the_end_of_quiet_hours_and_high_does_not() {
    let quiet = AlertRoute {
        quiet_hours: Some(QuietHours::parse("22:00-07:00").unwrap()),
        ..route()
    };
    let at = |severity, text: &str| quiet.not_before_ms(severity, text.parse().unwrap());
    let ms = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
    let end = ms("2026-03-12T07:00:00Z");
    assert_eq!(at(Severity::Low, "2026-03-11T23:30:17Z"), end);
    assert_eq!(at(Severity::Low, "2026-03-12T06:59:59Z"), end);
    for (severity, text) in [
        (Severity::High, "2026-03-11T23:30:17Z"),
        (Severity::Low, "2026-03-12T07:00:00Z"),
        (Severity::Low, "2026-03-12T21:59:00Z"),
    ] {
        assert_eq!(at(severity, text), ms(text));
    }
    for bad in ["", "22:00", "24:00-07:00", "07:00-07:00", "a-b"] {
        assert!(QuietHours::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_silence_holds_until_it_ends_and_only_for_what_it_names() {
    let silence = AlertSilence {
        subject: None,
        rule: Some("rule x".to_owned()),
        account: Some("111122223333".to_owned()),
        stage: None,
        author: "a".to_owned(),
        reason: "r".to_owned(),
        until: "2026-03-12T00:00:00Z".to_owned(),
    };
    let one = alerts(1, Severity::High);
    let disposition = |silence: &AlertSilence, time: Timestamp| {
        let silences = [(7, silence.clone())];
        let entries = dispatch(&route(), &one, &silences, &StormState::default(), time);
        entries[0].disposition.clone()
    };
    let silenced = Disposition::Silenced { entry: 7 };
    assert_eq!(disposition(&silence, now()), silenced);
    let over = "2026-03-12T00:00:00Z".parse().unwrap();
    assert_ne!(disposition(&silence, over), silenced);
    let unreadable = AlertSilence {
        until: "never".to_owned(),
        ..silence.clone()
    };
    assert_ne!(disposition(&unreadable, now()), silenced);
    let other = AlertSilence {
        account: Some("999988887777".to_owned()),
        ..silence.clone()
    };
    assert_ne!(disposition(&other, now()), silenced);
    let nothing = AlertSilence {
        rule: None,
        account: None,
        ..silence
    };
    assert_ne!(disposition(&nothing, now()), silenced);
}

#[test]
fn a_storm_is_a_digest_that_counts_and_the_worst_go_first() {
    let mut many = alerts(20, Severity::Medium);
    many[17].severity = Severity::Critical;
    let entries = dispatch(&route(), &many, &[], &StormState::default(), now());
    let single: Vec<&str> = entries
        .iter()
        .filter(|e| matches!(e.disposition, Disposition::Send { .. }))
        .map(|e| e.alert.subject.as_str())
        .collect();
    assert_eq!(single, ["f000", "f001", "f017", "storm"]);
    let AlertSubject::Digest(digest) = &entries.last().unwrap().alert.about else {
        panic!("no digest")
    };
    assert_eq!(
        (digest.alerts, digest.severities[&Severity::Medium]),
        (17, 17)
    );
    let key = entries.last().unwrap().alert.key.clone();
    let folded = entries
        .iter()
        .filter(|e| {
            e.disposition
                == Disposition::Folded {
                    digest: key.clone(),
                }
        })
        .count();
    assert_eq!(folded, 17);

    // Further ones are counted in the same digest while it waits, and else in the next.
    let storm = StormState {
        recent: 3,
        waiting: Some(digest.clone()),
        digest_sent: false,
    };
    let more = dispatch(&route(), &many[..2], &[], &storm, now());
    let AlertSubject::Digest(counted) = &more.last().unwrap().alert.about else {
        panic!("no digest")
    };
    assert_eq!(
        (counted.alerts, &more.last().unwrap().alert.key),
        (19, &key)
    );
    let storm = StormState {
        recent: 3,
        waiting: None,
        digest_sent: true,
    };
    let next = dispatch(&route(), &many[..2], &[], &storm, now());
    let last = next.last().unwrap();
    assert_ne!(last.alert.key, key);
    let Disposition::Send { not_before_ms } = last.disposition else {
        panic!("not sent")
    };
    assert!(not_before_ms > now().as_millisecond());
}

#[test]
fn an_open_incident_is_told_again_after_its_hours() {
    let findings = [finding("f1", Severity::High, "x")];
    let incidents = [incident("i1", Severity::High, &["f1"], "x")];
    let after = WatchedState {
        findings: &findings,
        incidents: &incidents,
        as_of: "2026-03-11T23:30:00Z",
        ..WatchedState::default()
    };
    let opened = alerts_of(&WatchedState::default(), &after, now()).remove(0);
    let at = |hours: i64, number| {
        let time = now() + jiff::SignedDuration::from_hours(hours);
        still_open(&route(), &opened, (now(), number), &[], time)
    };
    assert_eq!(at(3, 1), None);
    let again = at(4, 1).unwrap().alert;
    assert_eq!(again.kind, AlertKind::StillOpen);
    assert_eq!(again.subject, "i1");
    assert_eq!(at(5, 1).unwrap().alert.key, again.key);
    assert_ne!(at(9, 2).unwrap().alert.key, again.key);
    let never = AlertRoute {
        repeat_hours: 0,
        ..route()
    };
    let later = now() + jiff::SignedDuration::from_hours(500);
    assert_eq!(still_open(&never, &opened, (now(), 1), &[], later), None);
}

#[test]
fn waits_double_to_five_minutes_with_jitter_in_their_upper_half() {
    let waits: Vec<i64> = (1..=12).map(|n| backoff_ms(n, 1.0)).collect();
    assert_eq!(waits[..4], [1000, 2000, 4000, 8000]);
    assert_eq!(waits[11], 300_000);
    assert_eq!(backoff_ms(3, 0.0), 2000);
    assert_eq!(backoff_ms(u32::MAX, 0.5), 225_000);
}
