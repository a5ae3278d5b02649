//! Which alerts a watch raises against the watch before it.

use bartizan_alert::{Alert, AlertKind, EndReason, WatchedState, alerts_of};
use bartizan_incident::Incident;
use bartizan_model::{Evidence, Finding, Severity, Stage};
use jiff::Timestamp;

use crate::made::{finding, incident};

const AS_OF: &str = "2026-03-11T07:00:00Z";

fn now() -> Timestamp {
    "2026-03-11T07:05:00Z".parse().unwrap()
}

fn state<'a>(findings: &'a [Finding], incidents: &'a [Incident]) -> WatchedState<'a> {
    WatchedState {
        findings,
        incidents,
        merged: &[],
        as_of: AS_OF,
        since: "",
    }
}

fn kinds(alerts: &[Alert]) -> Vec<(AlertKind, &str)> {
    alerts
        .iter()
        .map(|a| (a.kind, a.subject.as_str()))
        .collect()
}

#[test]
fn the_same_input_gives_the_same_alerts_and_nothing_new_gives_none() {
    let findings = [
        finding("f1", Severity::High, "x"),
        finding("f2", Severity::Medium, "x"),
    ];
    let incidents = [incident("i1", Severity::High, &["f1"], "x")];
    let nothing = WatchedState::default();
    let first = alerts_of(&nothing, &state(&findings, &incidents), now());
    assert_eq!(
        kinds(&first),
        [
            (AlertKind::IncidentOpened, "i1"),
            (AlertKind::Finding, "f2")
        ]
    );
    assert_eq!(first[0].findings, ["f1"]);
    let mut turned = findings.clone();
    turned.reverse();
    assert_eq!(
        alerts_of(&nothing, &state(&turned, &incidents), now()),
        first
    );
    // At another time the keys are the same.
    let later = "2026-04-01T00:00:00Z".parse().unwrap();
    let keys = |alerts: &[Alert]| alerts.iter().map(|a| a.key.clone()).collect::<Vec<_>>();
    let again = alerts_of(&nothing, &state(&findings, &incidents), later);
    assert_eq!(keys(&again), keys(&first));
    let same = state(&findings, &incidents);
    assert_eq!(alerts_of(&same, &same, now()), []);
}

#[test]
fn an_incident_is_updated_escalated_and_ended() {
    let before_findings = [finding("f1", Severity::High, "x")];
    let before = [incident("i1", Severity::High, &["f1"], "x")];
    let more = [
        finding("f1", Severity::High, "x"),
        finding("f2", Severity::High, "x"),
    ];
    let grown = [incident("i1", Severity::High, &["f1", "f2"], "x")];
    let updated = alerts_of(
        &state(&before_findings, &before),
        &state(&more, &grown),
        now(),
    );
    assert_eq!(kinds(&updated), [(AlertKind::IncidentUpdated, "i1")]);
    assert_eq!(updated[0].findings, ["f2"]);

    let mut worse = grown.clone();
    worse[0].stages.push(Stage::Blind);
    let escalated = alerts_of(
        &state(&before_findings, &before),
        &state(&more, &worse),
        now(),
    );
    assert_eq!(kinds(&escalated), [(AlertKind::IncidentEscalated, "i1")]);
    assert_eq!(escalated[0].findings, ["f2"]);

    // Accepted as a whole.
    let mut accepted = grown.clone();
    accepted[0].severity = Severity::Info;
    let ended = alerts_of(&state(&more, &grown), &state(&more, &accepted), now());
    assert_eq!(kinds(&ended), [(AlertKind::IncidentEnded, "i1")]);
    assert_eq!(ended[0].ended(), Some(&EndReason::Accepted));
    assert_eq!(ended[0].severity, Severity::High);

    // Nothing of it stands, and a day without events.
    let mut gone = grown.clone();
    gone[0].standing.clear();
    let mut after = state(&more, &gone);
    assert_eq!(alerts_of(&state(&more, &grown), &after, now()), []);
    after.as_of = "2026-03-12T07:00:00Z";
    let over = alerts_of(&state(&more, &grown), &after, now());
    assert_eq!(over[0].ended(), Some(&EndReason::Quiet));

    // Part of another one.
    let other = [incident("i0", Severity::High, &["f0", "f1", "f2"], "x")];
    let merged = [("i1".to_owned(), "i0".to_owned())];
    let mut after = state(&more, &other);
    after.merged = &merged;
    let joined = alerts_of(&state(&more, &grown), &after, now());
    assert_eq!(
        kinds(&joined),
        [
            (AlertKind::IncidentEnded, "i1"),
            (AlertKind::IncidentOpened, "i0")
        ]
    );
    assert_eq!(joined[0].ended(), Some(&EndReason::Joined("i0".to_owned())));
}

#[test]
fn findings_alone_are_told_once_worse_again_and_when_they_end() {
    let low = [finding("f1", Severity::Low, "x")];
    let high = [finding("f1", Severity::High, "x")];
    let worse = alerts_of(&state(&low, &[]), &state(&high, &[]), now());
    assert_eq!(kinds(&worse), [(AlertKind::Finding, "f1")]);
    assert_eq!(alerts_of(&state(&high, &[]), &state(&low, &[]), now()), []);

    let cleared = alerts_of(&state(&high, &[]), &state(&[], &[]), now());
    assert_eq!(kinds(&cleared), [(AlertKind::FindingEnded, "f1")]);
    assert_eq!(cleared[0].ended(), Some(&EndReason::Cleared));
    let mut after = state(&[], &[]);
    after.since = "2026-03-20T00:00:00Z";
    let old = alerts_of(&state(&high, &[]), &after, now());
    assert_eq!(old[0].ended(), Some(&EndReason::LeftLookback));

    let with = [incident("i1", Severity::High, &["f1"], "x")];
    let joined = alerts_of(&state(&high, &[]), &state(&high, &with), now());
    assert_eq!(
        kinds(&joined),
        [
            (AlertKind::IncidentOpened, "i1"),
            (AlertKind::FindingEnded, "f1")
        ]
    );
}

#[test]
fn what_is_not_seen_any_more_is_an_alert_of_its_own_kind() {
    let mut blind = finding("b1", Severity::High, "x");
    blind.stage = Stage::Blind;
    blind.actor = None;
    blind.evidence = vec![Evidence::Coverage {
        place: "ap-south-1".to_owned(),
        what: "no events for 4 h".to_owned(),
    }];
    let alerts = alerts_of(&WatchedState::default(), &state(&[blind], &[]), now());
    assert_eq!(kinds(&alerts), [(AlertKind::SensorBlind, "b1")]);
}
