//! An incident: findings that belong to one intruder.

use bartizan_detect::work::MadeThing;
use bartizan_model::Severity;
use bartizan_model::Stage;
use serde::{Deserialize, Serialize};

/// One intruder's work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Stable: it stays when more of the incident is found.
    pub id: String,
    /// One line: who, the worst of it, and what stands.
    pub headline: String,
    /// How bad it is.
    pub severity: Severity,
    /// 0 to 100: severity, stages reached, what stands.
    pub score: u32,
    /// Stages reached, in the order of an attack.
    pub stages: Vec<Stage>,
    /// Earliest and last moment, RFC 3339.
    pub first_time: String,
    /// Likewise.
    pub last_time: String,
    /// Accounts that it touched.
    pub accounts: Vec<String>,
    /// Who stands behind it, worst first.
    pub actor: Vec<Suspect>,
    /// Events of the incident, by time.
    pub timeline: Vec<TimelineEntry>,
    /// Changes that the latest snapshot still shows.
    pub standing: Vec<PersistentChange>,
    /// Keys of those who acted in it; what each did stands beside the incidents.
    #[serde(default)]
    pub actors: Vec<String>,
    /// Things that the suspects made or opened and nobody removed, as far as the trail shows.
    #[serde(default)]
    pub left: Vec<MadeThing>,
    /// Things that the suspects removed and nobody restored.
    #[serde(default)]
    pub taken_away: Vec<MadeThing>,
    /// Whether there is a snapshot after it that could tell what is still there.
    pub standing_known: bool,
    /// Things that were read, copied or used.
    pub reached: Vec<String>,
    /// What the bill shows of it.
    #[serde(default)]
    pub bill: Vec<String>,
    /// Access that the intruder holds.
    pub blast_radius: Vec<String>,
    /// Gaps in what was read.
    pub unknown: Vec<String>,
    /// Recommended commands, most urgent first. Never run by Bartizan.
    pub todo: Vec<Advice>,
    /// ATT&CK techniques.
    pub attack: Vec<String>,
    /// Ids of the findings, by time.
    pub findings: Vec<String>,
}

/// Somebody behind an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspect {
    /// Persistent ones.
    pub key: String,
    /// For people.
    pub name: String,
    /// First credential of the chain.
    pub access_key_id: Option<String>,
    /// All first credentials of their chains.
    #[serde(default)]
    pub access_keys: Vec<String>,
    /// How they got to the calls: one chain for each way.
    pub chains: Vec<Vec<String>>,
    /// Whether the chains were followed to their start.
    pub whole: bool,
    /// Addresses that they called from.
    pub addresses: Vec<String>,
    /// User agents that they sent.
    pub user_agents: Vec<String>,
    /// Findings.
    pub findings: usize,
}

/// One line of the timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// RFC 3339.
    pub time: String,
    /// RFC 3339; the same for what took no time.
    pub until: String,
    /// Stage.
    pub stage: Stage,
    /// How bad.
    pub severity: Severity,
    pub title: String,
    /// With the particulars.
    pub summary: String,
    /// The finding.
    pub finding: String,
    /// Its rule.
    pub rule: String,
    /// First event, where there is one.
    pub event: Option<String>,
}

impl Suspect {
    /// Name of the IAM user, e.g. `build` of `arn:aws:iam::111122223333:user/ci/build`; none for
    /// anybody else.
    pub(crate) fn user_name(&self) -> Option<&str> {
        self.key.split_once(":user/")?.1.rsplit('/').next()
    }
}

impl Incident {
    /// The moments that people read: of several about one event, that which says most; nothing that
    /// is a mere note.
    #[must_use]
    pub fn moments(&self) -> Vec<&TimelineEntry> {
        let mut told: Vec<&TimelineEntry> = Vec::new();
        let rank = |m: &TimelineEntry| match m.rule.as_str() {
            "changed"
            | "changed-without-call"
            | "changed-unseen"
            | "changed-mismatch"
            | "changed-otherwise" => 0,
            "made-and-undone" | "made-and-gone" => 1,
            _ => 2,
        };
        for moment in self
            .timeline
            .iter()
            .filter(|m| m.severity >= Severity::Low && m.stage != Stage::Hygiene)
        {
            match told
                .iter_mut()
                .find(|t| t.event.is_some() && t.event == moment.event)
            {
                Some(known)
                    if (rank(moment), known.severity, known.stage)
                        < (rank(known), moment.severity, moment.stage) =>
                {
                    *known = moment
                }
                Some(_) => {}
                None => told.push(moment),
            }
        }
        told
    }
}

impl TimelineEntry {
    /// In one line: what it is, and the particulars.
    #[must_use]
    pub fn line(&self) -> String {
        let plain = [
            "changed",
            "changed-without-call",
            "changed-unseen",
            "changed-mismatch",
            "changed-otherwise",
            "made-and-undone",
            "made-and-gone",
            "trail-gap",
        ];
        if plain.contains(&self.rule.as_str()) {
            self.summary.clone()
        } else {
            format!("{}: {}", self.title, self.summary)
        }
    }
}

/// Something of the incident that is still so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersistentChange {
    /// In words.
    pub what: String,
    /// Kind of fact.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Since when, RFC 3339.
    pub since: String,
    /// The finding.
    pub finding: String,
}

/// Something to do about it, for the reader to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advice {
    /// Why.
    pub why: String,
    /// A command, or several joined by `&&`.
    pub command: String,
    /// Effect of the command.
    #[serde(default)]
    pub remedy: Remedy,
}

/// Effect of a command that undoes a change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remedy {
    /// Turns a credential or a feature off.
    Disable,
    /// Deletes or detaches a thing.
    Remove,
    /// Denies everything to a principal.
    Deny,
    /// Ends the sessions of a role.
    RevokeSessions,
    /// Stops a machine.
    Stop,
    /// Starts what was stopped.
    Restart,
    /// Lets a trail log again.
    RestartTrail,
    /// Brings a deleted thing back.
    Restore,
    /// Turns on what was turned off.
    Enable,
    /// Any other effect.
    #[default]
    Undo,
}
