//! From explained changes to findings: how bad a change is follows from what it gave, not from its
//! name.

use std::collections::BTreeMap;

use bartizan_iam::PolicyLocation;

use super::attribute::{AttributedChange, Attribution, Attributions, RevertedCall, RevertedKind};
use super::origin::{Origin, origin};
use bartizan_detect::attribution::CallMap;
use bartizan_detect::attribution::{AttributionIndex, MutatingCall};
use bartizan_detect::attribution::{GapCause, TrailGap};
use bartizan_inventory::diff::{AccessVerdict, Change, ChangeVerdict, ContentChange};
use bartizan_inventory::fact::{FactKinds, FieldClasses, JoinNode, KindRole, PolicyAttachment};
use bartizan_model::Severity;
use bartizan_model::{Actor, CallCount, Confidence, Evidence, Finding, Stage, Verdict};
use bartizan_model::{finding_id, time_text};
use bartizan_trail;

/// What a change means for who can do what: worked out by the IAM analysis.
#[derive(Debug, Clone)]
pub struct Consequence {
    /// Principal or resource that it is about, by ARN.
    pub about: String,
    /// What else may have brought it: names of the principal's policies (`group/devs/own`, an ARN),
    /// ARNs of its groups and of the principals on its way.
    pub through: Vec<String>,
    /// Whether anything in the account may have brought it, where no change is about any of these.
    pub anywhere: bool,
    /// What it gives.
    pub gives: GrantedAccess,
    /// How bad.
    pub severity: Severity,
    /// What an intruder does with it.
    pub stage: Stage,
    /// How sure.
    pub verdict: Verdict,
    /// In words.
    pub text: String,
}

/// What a change gives somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantedAccess {
    /// All of the account.
    Administrator,
    /// A resource or role, to those outside who are named here.
    OpenTo(String),
}

/// Findings about changes, and what stands behind all findings.
#[derive(Debug, Default)]
pub struct ChangeFindings {
    /// Worst first.
    pub findings: Vec<Finding>,
    /// The change that a finding is about, by the finding's id.
    pub changes: BTreeMap<String, usize>,
    /// What the change of a finding gives, by the finding's id.
    pub gives: BTreeMap<String, Vec<GrantedAccess>>,
    /// Calls that left nothing and gave nobody anything: counted, not told.
    pub folded: usize,
}

/// Whether facts of this kind have this role.
fn is(kind: &str, role: KindRole) -> bool {
    role.is_of(kind)
}

/// Commands that show the evidence again.
pub struct ShowCommands<'a> {
    /// Of a change.
    pub change: &'a dyn Fn(&Change) -> String,
    /// Of a record, by its event id.
    pub event: &'a dyn Fn(&str) -> String,
}

/// Makes findings of changes, of calls that left nothing, and of gaps.
pub fn tell(
    changes: &[Change],
    explanations: &Attributions,
    attribution: &AttributionIndex,
    consequences: &[Consequence],
    show: &ShowCommands<'_>,
) -> ChangeFindings {
    let mut told = ChangeFindings::default();
    let given = assign(changes, consequences);
    for explained in &explanations.changes {
        let change = &changes[explained.change];
        let finding = change_finding(
            change,
            explained,
            attribution,
            &given[explained.change],
            (show.change)(change),
        );
        let gives: Vec<GrantedAccess> = given[explained.change]
            .iter()
            .map(|c| c.gives.clone())
            .collect();
        if !gives.is_empty() {
            told.gives.insert(finding.id.clone(), gives);
        }
        told.changes.insert(finding.id.clone(), explained.change);
        told.findings.push(finding);
    }
    for undone in &explanations.undone {
        match undone_finding(undone, attribution, show.event) {
            Some(finding) => told.findings.push(finding),
            None => told.folded += 1,
        }
    }
    told.findings
        .extend(explanations.gaps.iter().map(gap_finding));
    told
}

/// Who stands behind the actor of a finding.
#[must_use]
pub fn origin_of(index: &AttributionIndex, actor: &Actor) -> Origin {
    let session = actor
        .arn
        .as_deref()
        .filter(|_| actor.kind == "AssumedRole")
        .and_then(|a| a.rsplit_once('/'))
        .map(|(_, s)| s.to_owned());
    origin(
        index,
        &bartizan_trail::CallerIdentity {
            kind: actor.kind.clone(),
            key: actor.key.clone(),
            name: actor.name.clone(),
            arn: actor.arn.clone(),
            account: actor.account.clone(),
            access_key_id: actor.access_key_id.clone(),
            session,
            through: actor.session_issuer.clone(),
            source_identity: actor.source_identity.clone(),
            invoked_by: None,
            mfa: None,
            caller: bartizan_trail::CallerType::Principal,
        },
    )
}

/// Writes down who stands behind the actor of each finding.
pub fn name_origins(attribution: &AttributionIndex, findings: &mut [Finding]) {
    for actor in findings.iter_mut().filter_map(|f| f.actor.as_mut()) {
        let origin = origin_of(attribution, actor);
        actor.origin = origin_words(&origin);
    }
}

/// The consequences of each change. One that is about a name goes to the changes of that name; one
/// that is about nobody who changed, to every change that gave something.
fn assign<'c>(changes: &[Change], consequences: &'c [Consequence]) -> Vec<Vec<&'c Consequence>> {
    let mut given: Vec<Vec<&Consequence>> = vec![Vec::new(); changes.len()];
    for consequence in consequences {
        let named: Vec<usize> = (0..changes.len())
            .filter(|n| is_about(&changes[*n], &consequence.about))
            .collect();
        // The policy that grew, where there is one, and not the user's tags beside it.
        let grew = |n: &&usize| {
            changes[**n].access.as_ref().is_some_and(|a| {
                a.verdict != AccessVerdict::Shrank && a.verdict != AccessVerdict::Same
            })
        };
        let best: Vec<usize> = named.iter().filter(grew).copied().collect();
        let through = || -> Vec<usize> {
            let one = |n: &usize| {
                gives(&changes[*n])
                    && consequence
                        .through
                        .iter()
                        .any(|name| is_through(&changes[*n], name))
            };
            (0..changes.len()).filter(one).collect()
        };
        let chosen = match (best.is_empty(), named.is_empty()) {
            (false, _) => best,
            _ if !through().is_empty() => through(),
            (true, false) => named,
            _ if consequence.anywhere => {
                (0..changes.len()).filter(|n| gives(&changes[*n])).collect()
            }
            _ => Vec::new(),
        };
        chosen.into_iter().for_each(|n| given[n].push(consequence));
    }
    given
}

/// Whether a change may give a principal something.
fn gives(change: &Change) -> bool {
    let grew = change
        .access
        .as_ref()
        .is_some_and(|a| matches!(a.verdict, AccessVerdict::Grew | AccessVerdict::Both));
    grew || matches!(
        change.kind.as_str(),
        "iam:user" | "iam:group" | "iam:role" | "iam:useringroup"
    ) && change.verdict != ChangeVerdict::Removed
}

/// Whether a fact is a policy of that name, a group, or about a principal.
fn is_through(change: &Change, name: &str) -> bool {
    let inline = match change.kind.as_str() {
        "iam:userpolicy" => Some("user"),
        "iam:grouppolicy" => Some("group"),
        "iam:rolepolicy" => Some("role"),
        _ => None,
    };
    match (change.kind.as_str(), inline) {
        (_, Some(sort)) if name == format!("{sort}/{}", change.id) => true,
        ("iam:group", _) => name.contains(":group/") && name.rsplit('/').next() == Some(&change.id),
        _ => is_about(change, name),
    }
}

/// Whether an ARN names what a fact is about.
fn is_about(change: &Change, arn: &str) -> bool {
    if change.id == arn {
        return true;
    }
    let first = change.id.split('/').next().unwrap_or(&change.id);
    let of = |kind: &str, name: &str| {
        arn.contains(&format!(":{kind}/")) && arn.rsplit('/').next() == Some(name)
    };
    match FactKinds::shared().get(&change.kind).principal {
        Some(owner) => of(owner.word(), first),
        None if change.kind.starts_with("iam:") => false,
        None => {
            arn.rsplit([':', '/']).next()
                == Some(change.id.rsplit([':', '/']).next().unwrap_or(&change.id))
        }
    }
}

fn change_finding(
    change: &Change,
    explained: &AttributedChange,
    attribution: &AttributionIndex,
    given: &[&Consequence],
    show: String,
) -> Finding {
    let mutations: Vec<&MutatingCall> = explained
        .mutations
        .iter()
        .filter_map(|at| attribution.mutations.get(at))
        .collect();
    let (mut severity, mut stage, mut because) = weigh(change, &mutations, given);
    let mut sure = match explained.matched {
        Attribution::Exact | Attribution::NoCallExpected | Attribution::WithoutCall => {
            Verdict::Must
        }
        Attribution::Likely | Attribution::Mismatch => Verdict::May,
        Attribution::Unknown | Attribution::TooEarly => Verdict::Unknown,
    };
    // What a change gave is as sure as the analysis is, whoever made it; that nobody did is sure by
    // itself.
    if let Some(worst) = given.iter().max_by_key(|c| c.severity)
        && explained.matched != Attribution::WithoutCall
    {
        sure = worst.verdict;
    }
    let verb = verb(change.verdict);
    let what = format!("{} {verb}", change.title);
    let thing = format!("{} {}", change.kind, change.id);
    let (rule, title) = match explained.matched {
        Attribution::WithoutCall => {
            severity = severity.max(Severity::High);
            stage = Stage::Blind;
            (
                "changed-without-call",
                format!("{what} with no matching CloudTrail event"),
            )
        }
        // Where there is no trail at all, that is said once and not for every change.
        Attribution::Unknown if attribution.presence.is_empty() => ("changed-unseen", what),
        Attribution::Unknown => {
            severity = severity.max(Severity::Medium);
            (
                "changed-unseen",
                format!("{what} while the trail may not have been recording"),
            )
        }
        Attribution::Mismatch => {
            severity = severity.max(Severity::Medium);
            (
                "changed-mismatch",
                format!("{what}, and not as the call on record says"),
            )
        }
        _ => ("changed", what),
    };
    because.extend(change.because.iter().cloned());
    because.extend(explained.because.iter().cloned());
    let mut actor = mutations
        .first()
        .map(|d| bartizan_detect::call::actor_of(&d.who, &d.source));
    if let (Some(actor), Some(origin)) = (&mut actor, &explained.origin) {
        actor.origin = origin_words(origin);
    }
    let by = match (&explained.origin, mutations.first()) {
        (Some(origin), Some(mutation)) => {
            let from = mutation.source.to_string();
            let from = if from.is_empty() {
                String::new()
            } else {
                format!(" from {from}")
            };
            format!("by {}{from}, {}", origin.name, mutation.call.name)
        }
        _ => match explained.matched {
            Attribution::WithoutCall => "with no matching CloudTrail event".to_owned(),
            Attribution::NoCallExpected => "as a result of something else".to_owned(),
            _ => "by an unknown principal".to_owned(),
        },
    };
    let gained = given
        .iter()
        .max_by_key(|c| c.severity)
        .map(|c| format!(": {}", c.text))
        .unwrap_or_default();
    let mut evidence = vec![Evidence::Change {
        fact: change.kind.clone(),
        id: change.id.clone(),
        region: change.region.clone(),
        before_sha256: change.before.as_ref().map(|s| s.canonical_sha256.clone()),
        after_sha256: change.after.as_ref().map(|s| s.canonical_sha256.clone()),
    }];
    evidence.extend(mutations.iter().map(|d| event(d)));
    let time = mutations
        .first()
        .map_or(explained.between_s.1, |d| d.time_s);
    let first = mutations
        .first()
        .map_or(explained.between_s.0, |d| d.time_s);
    let hash = |side: &Option<bartizan_inventory::diff::ChangeSide>| {
        side.as_ref()
            .map(|s| s.canonical_sha256.clone())
            .unwrap_or_default()
    };
    let (old, new) = (hash(&change.before), hash(&change.after));
    let entity = [
        &change.kind,
        &change.account,
        &change.region,
        &change.id,
        &old,
        &new,
    ]
    .map(String::as_str);
    Finding {
        // Who did it is no part of the id: it may be learned later.
        id: finding_id("change", &entity.join("\u{1f}"), false, 0),
        rule: rule.to_owned(),
        title,
        summary: format!("{thing} {verb} {by}{gained}"),
        severity,
        confidence: if explained.matched == Attribution::Exact
            || explained.matched == Attribution::WithoutCall
        {
            Confidence::High
        } else {
            Confidence::Medium
        },
        stage,
        attack: techniques(change, stage),
        account: Some(change.account.clone()),
        region: Some(change.region.clone()),
        first_time: Some(time_text(first)),
        last_time: Some(time_text(time)),
        count: 1,
        refused: 0,
        calls: calls(mutations.iter().copied()),
        actor,
        resources: vec![change.id.clone()],
        counterparty: Vec::new(),
        evidence,
        verdict: sure,
        because,
        show,
    }
}

/// How bad a change is, what an intruder would do with it, and why.
fn weigh(
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
    // What a policy says anew is no alarm where it gives nobody more than before.
    let no_more = change
        .access
        .as_ref()
        .is_some_and(|a| matches!(a.verdict, AccessVerdict::Same | AccessVerdict::Shrank));
    let alarm = if no_more {
        None
    } else {
        change
            .content
            .alarming(&change.place())
            .into_iter()
            .map(|(_, s)| s)
            .max()
    };
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
        let own = mutations
            .first()
            .and_then(|d| bartizan_detect::attribution::own_user_name(&d.who.actor));
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

/// ATT&CK techniques of a change.
fn techniques(change: &Change, stage: Stage) -> Vec<String> {
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

/// A call that left nothing. None where it gave nobody anything.
fn undone_finding(
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
    let mut severity = alarms
        .iter()
        .map(|(_, s)| *s)
        .max()
        .unwrap_or(Severity::Low);
    let everybody = ["0.0.0.0/0", "::/0", "all"].iter().any(|who| {
        made.leaves
            .binary_search(&bartizan_detect::attribution::leaf(who))
            .is_ok()
    });
    if everybody && (is(kind, KindRole::Network) || is(kind, KindRole::Share)) {
        severity = severity.max(Severity::High);
    }
    let other = bartizan_detect::attribution::own_user_name(&made.who.actor)
        .is_some_and(|own| Some(own) != undone.id.split('/').next());
    if is(kind, KindRole::Credential) && other {
        severity = severity.max(Severity::Medium);
    }
    if watching
        && (made.call.name.contains("Stop")
            || made.call.name.contains("Delete")
            || made.call.name.contains("Disable"))
    {
        severity = severity.max(Severity::High);
    }
    let stage = if watching {
        Stage::Blind
    } else if is(kind, KindRole::Share) {
        Stage::Steal
    } else {
        Stage::Maintain
    };
    let origin = origin(attribution, &made.who.actor);
    let mut actor = bartizan_detect::call::actor_of(&made.who, &made.source);
    actor.origin = origin_words(&origin);
    let name = &*made.call.name;
    let last_s = by.map_or(made.time_s, |d| d.time_s);
    let (rule, title, tail) = match (undone.what, by) {
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
    };
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

/// The calls behind a finding, each with how often.
fn calls<'d>(mutations: impl Iterator<Item = &'d MutatingCall>) -> Vec<CallCount> {
    let mut counts: std::collections::BTreeMap<&str, u64> = std::collections::BTreeMap::new();
    mutations.for_each(|d| *counts.entry(&d.call.name).or_default() += 1);
    let one = |(call, count): (&str, u64)| CallCount {
        call: call.to_owned(),
        count,
        refused: 0,
        resources: Vec::new(),
    };
    counts.into_iter().map(one).collect()
}

fn gap_finding(gap: &TrailGap) -> Finding {
    let place = if gap.region.is_empty() {
        format!("account {}", gap.account)
    } else {
        format!("account {} {}", gap.account, gap.region)
    };
    let open = gap.to_s == i64::MAX;
    let to = if open {
        "the end of this trail".to_owned()
    } else {
        time_text(gap.to_s)
    };
    let summary = if open {
        format!(
            "the trail of {place} is silent since {}: {}",
            time_text(gap.from_s),
            gap.why
        )
    } else {
        format!(
            "the trail of {place} is silent for {}, from {} to {to}: {}",
            stood(gap.to_s - gap.from_s),
            time_text(gap.from_s),
            gap.why
        )
    };
    let stopped = gap.cause == GapCause::Stopped;
    Finding {
        id: finding_id(
            "trail-gap",
            &format!("{}\u{1f}{}", gap.account, gap.region),
            false,
            gap.from_s,
        ),
        rule: "trail-gap".to_owned(),
        title: "a stretch of time that the trail does not show".to_owned(),
        summary,
        severity: if stopped {
            Severity::High
        } else {
            Severity::Low
        },
        confidence: if stopped {
            Confidence::High
        } else {
            Confidence::Medium
        },
        stage: Stage::Blind,
        attack: if stopped {
            vec!["T1562.008".to_owned()]
        } else {
            Vec::new()
        },
        account: Some(gap.account.clone()),
        region: Some(gap.region.clone()).filter(|r| !r.is_empty()),
        first_time: Some(time_text(gap.from_s)),
        last_time: (!open).then(|| time_text(gap.to_s)),
        count: 1,
        refused: 0,
        calls: Vec::new(),
        actor: None,
        resources: Vec::new(),
        counterparty: Vec::new(),
        evidence: vec![Evidence::Coverage {
            place,
            what: format!("events from {} to {to}", time_text(gap.from_s)),
        }],
        verdict: Verdict::Unknown,
        because: vec![
            "what was done in it is not known: only the snapshots before and after can tell"
                .to_owned(),
        ],
        show: String::new(),
    }
}

/// Origin and chain as a finding keeps them: the start first.
#[must_use]
pub(crate) fn origin_words(origin: &Origin) -> Vec<String> {
    let start = match &origin.access_key_id {
        Some(key) => format!("{} (key {key})", origin.name),
        None => origin.name.clone(),
    };
    std::iter::once(start)
        .chain(origin.chain.iter().cloned())
        .collect()
}

fn event(mutation: &MutatingCall) -> Evidence {
    Evidence::Event {
        id: mutation.event.to_string(),
        time: time_text(mutation.time_s),
        call: mutation.call.name.to_string(),
        error: None,
    }
}

/// How long something stood.
fn stood(seconds: i64) -> String {
    match seconds {
        s if s < 120 => format!("{s} s"),
        s if s < 7200 => format!("{} min", s / 60),
        s if s < 172_800 => format!("{} h", s / 3600),
        s => format!("{} days", s / 86_400),
    }
}

fn verb(verdict: ChangeVerdict) -> &'static str {
    match verdict {
        ChangeVerdict::Added => "added",
        ChangeVerdict::Removed => "removed",
        ChangeVerdict::Replaced => "replaced",
        ChangeVerdict::Changed | ChangeVerdict::Cosmetic => "changed",
    }
}

/// The node of a thing, by its id or ARN: the bucket of an object, the last name of anything else.
pub(crate) fn thing(id: &str) -> String {
    let name = match id.split_once(":::") {
        Some((_, path)) => path.split('/').next().unwrap_or(path),
        None => id.rsplit([':', '/']).next().unwrap_or(id),
    };
    format!("thing {name}")
}

/// Nodes by which findings are joined: the principals, keys and things that these calls made or
/// opened.
pub(crate) fn things<'d>(
    map: &CallMap,
    mutations: impl Iterator<Item = &'d MutatingCall>,
) -> Vec<String> {
    let mut nodes = Vec::new();
    for mutation in mutations {
        let account = mutation.call.account.as_deref().unwrap_or_default();
        for fact in mutation.touched.iter().filter(|f| f.id != "*") {
            let first = fact.id.split('/').next().unwrap_or_default();
            let kind = map.kind(fact.kind);
            let entry = FactKinds::shared().get(kind);
            nodes.extend(match entry.joins {
                Some(JoinNode::Key) => fact.id.rsplit('/').next().map(|key| format!("key {key}")),
                Some(JoinNode::Principal) => entry
                    .principal
                    .map(|owner| format!("principal {account} {}/{first}", owner.word())),
                Some(JoinNode::Thing) => Some(thing(&fact.id)),
                None => is(kind, KindRole::Share).then(|| thing(&fact.id)),
            });
        }
    }
    nodes
}
