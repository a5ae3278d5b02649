//! `bartizan access diff`, and what `bartizan diff` says about access.

use std::collections::BTreeMap;

use anyhow::Result;
use bartizan_iam::{
    AccessClass, Account, AccountDifference, Actions, Behalf, Class, Controls, Difference,
    Escalation, EscalationChange, Neighbours, Opening, Outsider, Presence, ROWS, Tri,
    account_difference, actions_text, escalations, reach_difference,
};
use bartizan_incident::attribution::{Consequence, GrantedAccess};
use bartizan_model::Severity;
use bartizan_model::{Stage, Verdict};
use serde_json::{Value, json};

use super::{Outcome, account, actions, short, word};
use crate::cli::{AccessDiffArgs, Format, Global};
use crate::command::diff::pairs;
use crate::render::Out;
use crate::store::Loaded;

/// Names of actions that one line shows.
const NAMES_MAX: usize = 4;

/// Classes that one principal shows.
const CLASSES_MAX: usize = 6;

pub(super) fn run(global: &Global, args: &AccessDiffArgs) -> Result<Outcome> {
    let actions = actions(&args.table)?;
    let mut out = Out::new();
    let mut values = Vec::new();
    let mut gained = false;
    for (before, after) in pairs(global, args.before.as_deref(), args.after.as_deref())? {
        let changed = changed(&before, &after, &actions)?;
        gained |= changed.is_more();
        if global.format == Format::Human {
            let lines = changed.lines();
            out.line(&format!(
                "account {}: {} → {}",
                changed.new.id, before.name, after.name
            ))?;
            lines
                .iter()
                .try_for_each(|line| out.line(&format!("  {line}")))?;
            if lines.is_empty() {
                out.line("  nobody gained or lost anything")?;
            }
        } else {
            values.push(changed.value());
        }
    }
    if global.format != Format::Human {
        out.json(global.format, values)?;
    }
    out.flush()?;
    Ok(if gained {
        Outcome::Findings
    } else {
        Outcome::Done
    })
}

/// Two states of an account and what lies between them.
pub(crate) struct AccountChange<'a> {
    old: Account<'a>,
    new: Account<'a>,
    found: AccountDifference,
}

/// One way to power that was not there before: by a grant, or from outside.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct AccessPath {
    /// Who has it.
    pub(crate) from: String,
    /// What it leads to.
    pub(crate) to: String,
    /// By what.
    pub(crate) through: String,
    /// Whether it was there: no, may, must.
    pub(crate) before: String,
    /// Whether it is.
    pub(crate) after: String,
}

/// Who may do everything in the last snapshot, or can get there, by ARN.
pub(crate) fn power(loaded: &Loaded, actions: &Actions) -> Result<BTreeMap<String, String>> {
    let account = account(loaded, None, actions)?;
    let threads = std::thread::available_parallelism().map_or(1, Into::into);
    let one = |e: &Escalation| {
        let what = if e.steps.is_empty() {
            "may do everything"
        } else {
            "can become administrator"
        };
        (
            account.principals[e.principal as usize].arn.clone(),
            format!("{what} ({})", word(e.verdict)),
        )
    };
    Ok(escalations(&account, threads)
        .found
        .iter()
        .map(one)
        .collect())
}

/// Compares the access of two snapshots.
pub(crate) fn changed<'a>(
    before: &Loaded,
    after: &Loaded,
    actions: &'a Actions,
) -> Result<AccountChange<'a>> {
    compared(
        before,
        after,
        actions,
        Neighbours::default(),
        account_difference,
    )
}

/// Compares who reaches everything and who comes in from outside, where other accounts are known.
pub(crate) fn reached<'a>(
    before: &Loaded,
    after: &Loaded,
    actions: &'a Actions,
    neighbours: Neighbours,
) -> Result<AccountChange<'a>> {
    compared(before, after, actions, neighbours, reach_difference)
}

type AccountComparison = fn(&Account<'_>, &Account<'_>, &Neighbours, usize) -> AccountDifference;

fn compared<'a>(
    before: &Loaded,
    after: &Loaded,
    actions: &'a Actions,
    mut neighbours: Neighbours,
    compare: AccountComparison,
) -> Result<AccountChange<'a>> {
    let (old, new) = (
        account(before, None, actions)?,
        account(after, None, actions)?,
    );
    let threads = std::thread::available_parallelism().map_or(1, Into::into);
    [&old, &new]
        .into_iter()
        .for_each(|account| neighbours.learn(account));
    let found = compare(&old, &new, &neighbours, threads);
    Ok(AccountChange { old, new, found })
}

impl AccountChange<'_> {
    fn is_more(&self) -> bool {
        let more = |d: &Difference| !d.gained.is_empty();
        self.found
            .principals
            .iter()
            .any(|p| more(&p.identity) || p.boundary.as_ref().is_some_and(more))
            || self.found.escalations.iter().any(|e| e.after > e.before)
            || !self.found.opened.is_empty()
    }

    /// For people, the worst first.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for change in &self.found.escalations {
            lines.push(self.escalation(change));
        }
        for (sign, openings) in [("open  ", &self.found.opened), ("shut  ", &self.found.shut)] {
            let one = |o: &Opening| {
                let hangs = if o.conditions.is_empty() {
                    String::new()
                } else {
                    format!("  if {}", o.conditions.join(" and "))
                };
                format!(
                    "{sign} {} for {}: {} ({}){hangs}",
                    o.arn,
                    o.to.sentence(),
                    o.actions.join(", "),
                    word(o.verdict)
                )
            };
            lines.extend(openings.iter().map(one));
        }
        for change in &self.found.principals {
            let name = short(&change.arn);
            let what = match change.presence {
                Presence::New => " (new)",
                Presence::Gone => " (gone)",
                Presence::Both => "",
            };
            let before = lines.len();
            for (word, difference) in [
                ("", Some(&change.identity)),
                ("its boundary: ", change.boundary.as_ref()),
            ] {
                let Some(difference) = difference else {
                    continue;
                };
                for (sign, classes) in
                    [("grew  ", &difference.gained), ("shrank", &difference.lost)]
                {
                    lines.extend(
                        classes
                            .iter()
                            .take(CLASSES_MAX)
                            .map(|c| format!("{sign} {name}{what}: {word}{}", self.class(c))),
                    );
                    if classes.len() > CLASSES_MAX {
                        lines.push(format!(
                            "{sign} {name}{what}: and {} more",
                            classes.len() - CLASSES_MAX
                        ));
                    }
                }
            }
            if lines.len() == before {
                lines.push(format!("same   {name}{what}: holds nothing"));
            }
        }
        lines.extend(self.found.unknown.iter().map(|u| format!("unknown {u}")));
        lines
    }

    fn class(&self, class: &AccessClass) -> String {
        let hangs = if class.conditions.is_empty() {
            String::new()
        } else {
            format!(" if {}", class.conditions.join(" and "))
        };
        format!(
            "{} on {}{hangs} ({})",
            actions_text(&class.actions, self.new.actions, NAMES_MAX),
            class.resource,
            word(class.verdict)
        )
    }

    fn escalation(&self, change: &EscalationChange) -> String {
        let name = short(&change.arn);
        if change.after < change.before {
            let left = if change.after == Tri::No {
                "can no longer"
            } else {
                "can only perhaps still"
            };
            return format!("shrank {name} {left} do everything");
        }
        let how = match change.after {
            Tri::Yes => "can now",
            _ => "can now perhaps",
        };
        if change.escalation.steps.is_empty() {
            return format!(
                "GREW   {name} {how} do everything (rung {})",
                change.escalation.rung.letter()
            );
        }
        format!(
            "GREW   {name} {how} become administrator: {} (rung {})",
            self.path(&self.new, &change.escalation),
            change.escalation.rung.letter()
        )
    }

    /// `iam:PassRole + ec2:RunInstances → role/build`.
    fn path(&self, account: &Account<'_>, escalation: &Escalation) -> String {
        let step = |s: &bartizan_iam::Step| {
            let needs = ROWS
                .iter()
                .find(|r| r.id == s.row)
                .map(|r| r.needs.join(" + "))
                .unwrap_or_default();
            let to =
                s.to.map(|to| format!(" → {}", short(&account.principals[to as usize].arn)))
                    .unwrap_or_default();
            format!("{needs}{to}")
        };
        escalation
            .steps
            .iter()
            .map(step)
            .collect::<Vec<_>>()
            .join(", then ")
    }

    /// What it means, for the severity of the changes that brought it.
    pub(crate) fn consequences(&self) -> Vec<Consequence> {
        let mut found = Vec::new();
        for change in self.found.escalations.iter().filter(|e| e.after > e.before) {
            // Policies of the organization that nobody read seldom hold an administrator back.
            let sure = change.after == Tri::Yes;
            let grave = sure
                || matches!(self.new.controls, Controls::Unread(_))
                    && change.escalation.steps.is_empty();
            found.push(Consequence {
                about: change.arn.clone(),
                through: self.sources(change),
                anywhere: true,
                gives: GrantedAccess::Administrator,
                severity: if grave {
                    Severity::Critical
                } else {
                    Severity::High
                },
                stage: Stage::Gain,
                verdict: if sure { Verdict::Must } else { Verdict::May },
                text: self
                    .escalation(change)
                    .trim_start_matches("GREW")
                    .trim()
                    .to_owned(),
            });
        }
        for opening in &self.found.opened {
            let severity = match (opening.class, &opening.to) {
                (Class::Same | Class::Org | Class::Deleted, _) => Severity::Info,
                (Class::Friendly | Class::Vendor, _) => Severity::Low,
                (
                    Class::Unknown,
                    Outsider::Service(_, Behalf::Anybody | Behalf::Owner(_))
                    | Outsider::Federated(_, true),
                ) => Severity::Low,
                (Class::Unknown, Outsider::Unidentified(_)) => Severity::Medium,
                (Class::Unknown, Outsider::Anybody | Outsider::AnyAccount)
                    if opening.verdict == Tri::Yes =>
                {
                    Severity::Critical
                }
                (Class::Unknown, _) => Severity::High,
            };
            found.push(Consequence {
                about: opening.arn.clone(),
                through: Vec::new(),
                anywhere: false,
                gives: GrantedAccess::OpenTo(opening.to.sentence()),
                severity,
                stage: if opening.arn.contains(":role/") {
                    Stage::Maintain
                } else {
                    Stage::Steal
                },
                verdict: if opening.verdict == Tri::Yes {
                    Verdict::Must
                } else {
                    Verdict::May
                },
                text: format!(
                    "{} is now open to {}: {}",
                    short(&opening.arn),
                    opening.to.sentence(),
                    opening.actions.join(", ")
                ),
            });
        }
        found
    }

    /// What may have given a principal its power: its policies, its groups, and those whom it takes
    /// over.
    fn sources(&self, change: &EscalationChange) -> Vec<String> {
        let account = &self.new;
        let Some(principal) = account.principals.get(change.escalation.principal as usize) else {
            return Vec::new();
        };
        let policies = principal
            .policies
            .iter()
            .map(|d| account.documents[*d as usize].name.clone());
        let groups = principal
            .groups
            .iter()
            .map(|g| account.groups[*g as usize].arn.clone());
        let taken = change
            .escalation
            .steps
            .iter()
            .filter_map(|s| s.to)
            .map(|to| account.principals[to as usize].arn.clone());
        policies.chain(groups).chain(taken).collect()
    }

    /// What principals can do now, who can do everything.
    pub(crate) fn paths(&self) -> Vec<AccessPath> {
        let path = |change: &EscalationChange| AccessPath {
            from: short(&change.arn).to_owned(),
            to: "everything".to_owned(),
            through: match self.path(&self.new, &change.escalation) {
                path if path.is_empty() => "its own policies".to_owned(),
                path => path,
            },
            before: word(change.before).to_owned(),
            after: word(change.after).to_owned(),
        };
        let open = |opening: &Opening| AccessPath {
            from: opening.to.sentence(),
            to: short(&opening.arn).to_owned(),
            through: opening.actions.join(", "),
            before: "no".to_owned(),
            after: word(opening.verdict).to_owned(),
        };
        let grown = self
            .found
            .escalations
            .iter()
            .filter(|e| e.after > e.before)
            .map(path);
        grown.chain(self.found.opened.iter().map(open)).collect()
    }

    /// As complete as what people see.
    pub(crate) fn value(&self) -> Value {
        let class = |c: &AccessClass| {
            json!({
                "actions": actions_text(&c.actions, self.new.actions, NAMES_MAX),
                "resource": c.resource,
                "conditions": c.conditions,
                "verdict": word(c.verdict),
            })
        };
        let difference = |d: &Difference| {
            json!({
                "gained": d.gained.iter().map(class).collect::<Vec<_>>(),
                "lost": d.lost.iter().map(class).collect::<Vec<_>>(),
            })
        };
        let principals: Vec<Value> = self
            .found
            .principals
            .iter()
            .map(|p| {
                let presence = match p.presence {
                    Presence::New => "new",
                    Presence::Gone => "gone",
                    Presence::Both => "both",
                };
                json!({
                    "principal": p.arn,
                    "presence": presence,
                    "identity": difference(&p.identity),
                    "boundary": p.boundary.as_ref().map(difference),
                })
            })
            .collect();
        let escalations: Vec<Value> = self
            .found
            .escalations
            .iter()
            .map(|e| {
                let account = if e.after == Tri::No {
                    &self.old
                } else {
                    &self.new
                };
                json!({
                    "principal": e.arn,
                    "before": word(e.before),
                    "after": word(e.after),
                    "rung": e.escalation.rung.letter().to_string(),
                    "path": self.path(account, &e.escalation),
                    "sentence": self.escalation(e),
                })
            })
            .collect();
        let opening = |o: &Opening| {
            json!({
                "resource": o.arn,
                "by": o.by,
                "to": o.to.sentence(),
                "class": o.class.word(),
                "actions": o.actions,
                "verdict": word(o.verdict),
                "conditions": o.conditions,
            })
        };
        json!({
            "account": self.new.id,
            "principals": principals,
            "escalations": escalations,
            "opened": self.found.opened.iter().map(opening).collect::<Vec<_>>(),
            "unknown": self.found.unknown,
            "shut": self.found.shut.iter().map(opening).collect::<Vec<_>>(),
        })
    }
}
