//! Findings of calls whose result was gone before the next snapshot.

use super::source::{calls, event, origin_words, stood};
use super::weight::is;
use crate::attribution::attribute::{RevertedCall, RevertedKind};
use crate::attribution::origin::origin;
use bartizan_detect::attribution::{AttributionIndex, MutatingCall, leaf, own_user_name};
use bartizan_detect::call::actor_of;
use bartizan_iam::PolicyLocation;
use bartizan_inventory::diff::ContentChange;
use bartizan_inventory::fact::{FactKinds, FieldClasses, KindRole, PolicyAttachment};
use bartizan_model::{Confidence, Finding, Severity, Stage, Verdict, finding_id, time_text};

/// Finding of a call whose result was gone before the next snapshot. `None` where it gave nobody
/// anything.
pub(super) fn undone_finding(
    undone: &RevertedCall,
    attribution: &AttributionIndex,
    show_event: &dyn Fn(&str) -> String,
) -> Option<Finding> {
    let made = attribution.mutations.get(&undone.made)?;
    let by = undone
        .undone
        .as_ref()
        .and_then(|at| attribution.mutations.get(at));
    let kind = undone.kind.as_str();
    let content = undone
        .content
        .as_ref()
        .and_then(|text| serde_json::from_str(text).ok());
    let place = PolicyLocation {
        trust: FactKinds::shared().get(kind).policy == Some(PolicyAttachment::Trust),
        now_s: Some(made.time_s as f64),
        ..PolicyLocation::default()
    };
    let alarms = ContentChange::of_values(&FieldClasses::default(), None, content).alarming(&place);
    let watching = is(kind, KindRole::Watching);
    let way_in = is(kind, KindRole::WayIn)
        || undone.content.is_some()
        || is(kind, KindRole::Share)
        || is(kind, KindRole::Network);
    if !watching && !way_in {
        return None;
    }
    let worst = alarms.iter().map(|(_, severity)| *severity).max();
    let mut severity = severity(undone, made, worst.unwrap_or(Severity::Low));
    let stage = stage(kind);
    let origin = origin(attribution, &made.who.actor);
    let mut actor = actor_of(&made.who, &made.source);
    actor.origin = origin_words(&origin);
    let name = &*made.call.name;
    let last_s = by.map_or(made.time_s, |d| d.time_s);
    let (rule, title, tail) = rule_and_title(undone, made, by);
    if rule == "made-and-gone" {
        severity = severity.max(Severity::Medium);
    }
    let entity = format!("{kind}\u{1f}{}\u{1f}{}", undone.id, made.event);
    let mut because: Vec<String> = alarms.into_iter().map(|(why, _)| why).collect();
    because.push("a change that is reverted soon may have been meant to stay unseen".to_owned());
    let mut evidence = vec![event(made)];
    evidence.extend(by.map(event));
    Some(Finding {
        id: finding_id("undone", &entity, false, 0),
        rule: rule.to_owned(),
        title: title.to_owned(),
        summary: format!(
            "{} called {name} on {kind} {}; {tail}",
            origin.name, undone.id
        ),
        severity,
        confidence: Confidence::High,
        stage,
        attack: if watching {
            vec!["T1562.008".to_owned()]
        } else {
            vec!["T1070".to_owned()]
        },
        account: made.call.account.clone(),
        region: made.call.region.clone(),
        first_time: Some(time_text(made.time_s)),
        last_time: Some(time_text(last_s)),
        count: evidence.len() as u64,
        refused: 0,
        calls: calls([made].into_iter().chain(by)),
        actor: Some(actor),
        resources: vec![undone.id.clone()],
        counterparty: Vec::new(),
        evidence,
        verdict: Verdict::Must,
        because,
        show: show_event(&made.event.to_string()),
    })
}

/// Stage of a reverted call on a fact of this kind.
fn stage(kind: &str) -> Stage {
    if is(kind, KindRole::Watching) {
        Stage::Blind
    } else if is(kind, KindRole::Share) {
        Stage::Steal
    } else {
        Stage::Maintain
    }
}

/// Rule and title of a reverted call's finding, and the end of its summary.
fn rule_and_title(
    undone: &RevertedCall,
    made: &MutatingCall,
    by: Option<&MutatingCall>,
) -> (&'static str, &'static str, String) {
    match (undone.what, by) {
        (RevertedKind::Undone, Some(by)) => {
            let stood = stood(by.time_s - made.time_s);
            (
                "made-and-undone",
                "made and undone: no snapshot shows it",
                format!("reverted after {stood} by {}", by.call.name),
            )
        }
        _ => (
            "made-and-gone",
            "made, then gone with no matching CloudTrail event",
            "it is gone, and no CloudTrail event removed it".to_owned(),
        ),
    }
}

/// Severity of a reverted call, at least `severity`.
fn severity(undone: &RevertedCall, made: &MutatingCall, mut severity: Severity) -> Severity {
    let kind = undone.kind.as_str();
    let everybody = ["0.0.0.0/0", "::/0", "all"]
        .iter()
        .any(|who| made.leaves.binary_search(&leaf(who)).is_ok());
    if everybody && (is(kind, KindRole::Network) || is(kind, KindRole::Share)) {
        severity = severity.max(Severity::High);
    }
    let other =
        own_user_name(&made.who.actor).is_some_and(|own| Some(own) != undone.id.split('/').next());
    if is(kind, KindRole::Credential) && other {
        severity = severity.max(Severity::Medium);
    }
    if is(kind, KindRole::Watching)
        && (made.call.name.contains("Stop")
            || made.call.name.contains("Delete")
            || made.call.name.contains("Disable"))
    {
        severity = severity.max(Severity::High);
    }
    severity
}
