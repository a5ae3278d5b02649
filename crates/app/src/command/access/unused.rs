//! `bartizan access unused`.

use anyhow::{Context, Result};
use bartizan_detect::Evaluator;
use bartizan_detect::work::ActorWork;
use bartizan_detect::{FirstSeenMemory, Networks, Rules, ScanPlan};
use bartizan_iam::{
    Actions, Bits, EffectivePolicies, Estate, Policy, PolicyGrammar, actions_text, difference,
};
use serde_json::{Value, json};

use crate::access::{UseEvidence, UsedActions, accounts, actions, of_account};
use crate::cli::{AccessUnusedArgs, Format, Global};
use crate::detection::{scan, thread_count};
use crate::files::read_text;
use crate::outcome::Outcome;
use crate::render::{Bytes, Out, left_out, note_unread};
use crate::trail::{WantedObjects, objects};

/// Names of actions that one line shows.
const NAMES_SHOWN: usize = 12;

/// Access of a principal, and the part of it that was used.
struct UnusedAccess {
    held: Bits,
    used: Bits,
    /// Kept, as the trail does not show whether they are used.
    not_visible: Bits,
    /// Calls that match no action: their services are kept.
    unmatched: Vec<String>,
    must: Policy,
    may: Policy,
    /// Whether all of the trail was read: what is in a hole may have been used.
    trail_is_whole: bool,
    /// Whether it is proved that the smaller policies allow nothing new.
    is_proved: bool,
}

pub(super) fn run(global: &Global, args: &AccessUnusedArgs) -> Result<Outcome> {
    let actions = actions(&args.on.table)?;
    let accounts = accounts(global, args.on.on.as_deref(), &actions)?;
    note_unread(global, &accounts);
    let estate = Estate::new(&accounts);
    let id = of_account(&estate, &args.principal)?;
    let arn = estate.arn(id);
    let said = estate.effective(id);
    let mut used = UsedActions::default();
    let mut trail_is_whole = true;
    let seen = if args.trail.is_empty() {
        None
    } else {
        let (work, is_whole) = work_of(global, args, arn)?;
        trail_is_whole = is_whole;
        used.add_calls(work.as_ref().map_or(&[], |w| &w.calls), &actions);
        Some(work)
    };
    if let Some(file) = &args.last_accessed {
        used.add_last_accessed(&read_text(file)?, &actions)
            .with_context(|| format!("cannot use {}", file.display()))?;
    }
    let found = UnusedAccess {
        trail_is_whole,
        ..unused(&said, &used, &actions)
    };
    let mut out = Out::new();
    if global.format == Format::Human {
        human(&mut out, arn, &found, seen.as_ref(), &actions)?;
        for one in &said.left_out {
            out.line(&format!("not all said  {}", left_out(one, &actions)))?;
        }
    } else {
        out.json(
            global.format,
            vec![value(arn, &found, seen.as_ref(), &actions)],
        )?;
    }
    out.flush()?;
    if args.on.require_complete && !(said.left_out.is_empty() && trail_is_whole) {
        return Ok(Outcome::Incomplete);
    }
    Ok(if found.never(&actions).is_empty() {
        Outcome::Done
    } else {
        Outcome::Findings
    })
}

/// Calls of a principal in a trail; and whether all of it was read.
fn work_of(
    global: &Global,
    args: &AccessUnusedArgs,
    arn: &str,
) -> Result<(Option<ActorWork>, bool)> {
    let wanted = WantedObjects {
        paths: &args.trail,
        list: None,
        since: args.since,
        until: None,
        profile: None,
    };
    let (objects, _) = objects(&wanted)?;
    let plan = ScanPlan {
        rules: Rules::load(&[]),
        networks: Networks::builtin(),
        memory: FirstSeenMemory::default(),
        tally: true,
        calls: None,
    };
    let mut judge = Evaluator::new(&plan);
    let total: Option<u64> = objects.iter().map(|o| o.bytes).sum();
    let bar = Bytes::new(global, total);
    scan(
        &objects.iter().collect::<Vec<_>>(),
        (&plan, thread_count(None)),
        |bytes| bar.add(bytes),
        &mut judge,
    );
    bar.clear();
    let mut verdicts = judge.finish(false, &|_| String::new());
    anyhow::ensure!(
        verdicts.totals.events > 0,
        "there is no CloudTrail event in {}",
        args.trail.join(", ")
    );
    let actors = [arn.to_owned(), without_path(arn)].into();
    let mut work = verdicts.work.of(&actors, &|_, _| Vec::new());
    let is_whole = !verdicts.totals.is_incomplete()
        && work.iter().all(|actor| actor.calls_left_out == 0)
        && verdicts.work.dropped == 0;
    let mut one = work.pop();
    if let (Some(one), Some(other)) = (&mut one, work.pop()) {
        one.calls.extend(other.calls);
    }
    Ok((one, is_whole))
}

/// ARN of a role as its sessions show it: `arn:aws:iam::111122223333:role/deploy`.
fn without_path(arn: &str) -> String {
    let name = arn.rsplit('/').next().unwrap_or_default();
    match arn.split_once(":role/") {
        Some((before, _)) => format!("{before}:role/{name}"),
        None => arn.to_owned(),
    }
}

fn unused(said: &EffectivePolicies, used: &UsedActions, actions: &Actions) -> UnusedAccess {
    let held = said
        .must
        .allowed_actions(actions)
        .union(&said.may.allowed_actions(actions));
    let in_use = used.of(UseEvidence::Seen, &held, actions);
    let not_visible = used
        .of(UseEvidence::NotVisible, &held, actions)
        .difference(&in_use);
    let kept = in_use.union(&not_visible);
    let (must, may) = (
        said.must.narrowed(&kept, actions),
        said.may.narrowed(&kept, actions),
    );
    let proved = |old: &Policy, new: &Policy| {
        difference(old, new, PolicyGrammar::Identity, actions).grants_nothing_new()
    };
    UnusedAccess {
        trail_is_whole: true,
        is_proved: proved(&said.must, &must) && proved(&said.may, &may),
        held,
        used: in_use,
        not_visible,
        unmatched: used.unmatched(),
        must,
        may,
    }
}

impl UnusedAccess {
    /// Actions that were never used.
    fn never(&self, actions: &Actions) -> Bits {
        let mut never = Bits::default();
        let kept = self.used.union(&self.not_visible);
        let left = self.held.difference(&kept);
        actions
            .known(&left)
            .for_each(|action| never.insert(action.0));
        never
    }
}

fn human(
    out: &mut Out,
    arn: &str,
    found: &UnusedAccess,
    seen: Option<&Option<ActorWork>>,
    actions: &Actions,
) -> Result<()> {
    let count = |set: &Bits| actions.known(set).count();
    let text = |set: &Bits| actions_text(set, actions, NAMES_SHOWN);
    out.line(&format!(
        "{arn} used {} of {} actions that it may do",
        count(&found.used),
        count(&found.held)
    ))?;
    match seen {
        None => {}
        Some(None) => out.line("  there is no call of it in the trail")?,
        Some(Some(work)) => out.line(&format!(
            "  {} calls from {} to {}",
            work.events, work.first_time, work.last_time
        ))?,
    }
    if !found.trail_is_whole {
        out.line(
            "  the trail could not be read whole: more may have been used \
            (bartizan detect tells what is wrong with it)",
        )?;
    }
    for (word, set) in [
        ("used", &found.used),
        ("kept, as the trail does not show them", &found.not_visible),
        ("never used", &found.never(actions)),
    ] {
        if count(set) > 0 {
            out.line(&format!("  {word} ({}): {}", count(set), text(set)))?;
        }
    }
    if !found.unmatched.is_empty() {
        out.line(&format!(
            "  calls that match no action, so that their services are kept: {}",
            found.unmatched.join(", ")
        ))?;
    }
    for (word, policy) in [
        ("a smaller policy", &found.must),
        ("under conditions", &found.may),
    ] {
        if policy.statements.is_empty() {
            continue;
        }
        out.line(word)?;
        for line in serde_json::to_string_pretty(&policy.json())?.lines() {
            out.line(&format!("  {line}"))?;
        }
    }
    out.line(if found.is_proved {
        "  proved: it allows nothing that is not allowed today"
    } else {
        "  not proved: compare it with bartizan access policy-diff before you use it"
    })
}

fn value(
    arn: &str,
    found: &UnusedAccess,
    seen: Option<&Option<ActorWork>>,
    actions: &Actions,
) -> Value {
    let names = |set: &Bits| -> Vec<String> {
        actions
            .known(set)
            .map(|action| actions.name(action))
            .collect()
    };
    let times = seen.and_then(Option::as_ref).map(|work| {
        json!({"events": work.events, "first_time": work.first_time, "last_time": work.last_time})
    });
    json!({
        "principal": arn,
        "trail": times,
        "trail_whole": found.trail_is_whole,
        "held": names(&found.held).len(),
        "used": names(&found.used),
        "not_visible": names(&found.not_visible),
        "never_used": names(&found.never(actions)),
        "unmatched_calls": found.unmatched,
        "policy": found.must.json(),
        "policy_under_conditions": found.may.json(),
        "allows_nothing_new": found.is_proved,
    })
}
