//! Severity, stage and ATT&CK techniques of a change.

use super::consequence::Consequence;
use bartizan_detect::attribution::{MutatingCall, own_user_name};
use bartizan_inventory::diff::{AccessVerdict, Change, ChangeVerdict};
use bartizan_inventory::fact::{FactKinds, KindRole};
use bartizan_model::{Severity, Stage};

/// Whether facts of this kind have this role.
pub(super) fn is(kind: &str, role: KindRole) -> bool {
    role.is_of(kind)
}

/// Severity of a change, its stage, and the reasons.
pub(super) fn weigh(
    change: &Change,
    mutations: &[&MutatingCall],
    given: &[&Consequence],
) -> (Severity, Stage, Vec<String>) {
    let kind = change.kind.as_str();
    let mut because: Vec<String> = given.iter().map(|c| c.text.clone()).collect();
    because.dedup();
    let mut severity = given
        .iter()
        .map(|c| c.severity)
        .max()
        .unwrap_or(Severity::Info);
    let alarm = alarm(change);
    severity = severity.max(alarm.unwrap_or(Severity::Info));
    let mut stage = given.iter().max_by_key(|c| c.severity).map(|c| c.stage);
    let switched_off = change
        .content
        .fields
        .iter()
        .any(|f| f.before == Some(true.into()) && f.after == Some(false.into()));
    let weaker = change.verdict == ChangeVerdict::Removed || switched_off;
    if is(kind, KindRole::Watching) {
        stage.get_or_insert(Stage::Blind);
        severity = severity.max(match (weaker, change.verdict) {
            (true, _) => Severity::High,
            (false, ChangeVerdict::Added) => Severity::Info,
            (false, _) => Severity::Low,
        });
    } else if is(kind, KindRole::WayIn) {
        stage.get_or_insert(Stage::Maintain);
        if matches!(
            change.verdict,
            ChangeVerdict::Added | ChangeVerdict::Replaced
        ) || switched_off
        {
            severity = severity.max(Severity::Low);
        }
        let own = mutations.first().and_then(|d| own_user_name(&d.who.actor));
        let of = change.id.split('/').next();
        if is(kind, KindRole::Credential)
            && change.verdict == ChangeVerdict::Added
            && own.is_some()
            && own != of
        {
            because.push("a credential that somebody made for another user".to_owned());
            severity = severity.max(Severity::Medium);
        }
    } else if is(kind, KindRole::Share) && change.verdict != ChangeVerdict::Removed {
        stage.get_or_insert(Stage::Steal);
        severity = severity.max(Severity::Low);
    } else if change
        .access
        .as_ref()
        .is_some_and(|a| matches!(a.verdict, AccessVerdict::Grew | AccessVerdict::Both))
    {
        stage.get_or_insert(Stage::Maintain);
        severity = severity.max(Severity::Low);
    } else if kind.ends_with("publicaccessblock") && weaker {
        stage.get_or_insert(Stage::Steal);
        severity = severity.max(Severity::Medium);
    }
    if alarm.is_some() && kind.starts_with("ec2:") {
        stage.get_or_insert(Stage::Maintain);
    }
    (severity, stage.unwrap_or(Stage::Hygiene), because)
}

/// Severity of the new content of a change, e.g. a statement that lets everybody in. `None` where
/// a policy gives nobody more than before.
fn alarm(change: &Change) -> Option<Severity> {
    let no_more = change
        .access
        .as_ref()
        .is_some_and(|a| matches!(a.verdict, AccessVerdict::Same | AccessVerdict::Shrank));
    if no_more {
        return None;
    }
    let alarms = change.content.alarming(&change.place());
    alarms.into_iter().map(|(_, severity)| severity).max()
}

/// ATT&CK techniques of a change.
pub(super) fn techniques(change: &Change, stage: Stage) -> Vec<String> {
    let kind = change.kind.as_str();
    let attack = &FactKinds::shared().get(kind).attack;
    let of_kind = match change.verdict {
        ChangeVerdict::Added => attack.added.as_deref(),
        ChangeVerdict::Removed => None,
        _ => attack.changed.as_deref(),
    };
    let id = match of_kind {
        Some(id) => id,
        None if is(kind, KindRole::Share) && stage == Stage::Steal => "T1537",
        None if is(kind, KindRole::Watching) && stage == Stage::Blind => "T1562.008",
        None if is(kind, KindRole::Network) && stage != Stage::Hygiene => "T1562.007",
        None => return Vec::new(),
    };
    vec![id.to_owned()]
}
