//! Findings of attributed changes: the severity of a change comes from the access it gave, not from
//! its kind.

mod change;
mod consequence;
mod gap;
mod nodes;
mod source;
mod undone;
mod weight;

use std::collections::BTreeMap;

use change::change_finding;
use consequence::assign;
use gap::gap_finding;
use undone::undone_finding;

use super::attribute::Attributions;
use bartizan_detect::attribution::AttributionIndex;
use bartizan_inventory::diff::Change;
use bartizan_model::Finding;

pub use consequence::{Consequence, GrantedAccess};
pub(crate) use nodes::{thing, things};
pub(crate) use source::origin_words;
pub use source::{name_origins, origin_of};

/// Findings of changes, reverted calls and trail gaps.
#[derive(Debug, Default)]
pub struct ChangeFindings {
    /// Worst first.
    pub findings: Vec<Finding>,
    /// The change that a finding is about, by the finding's id.
    pub changes: BTreeMap<String, usize>,
    /// Access that the change of a finding gave, by the finding's id.
    pub gives: BTreeMap<String, Vec<GrantedAccess>>,
    /// Calls that left nothing and gave nobody anything: only counted.
    pub folded: usize,
}

/// Commands that show the evidence again.
pub struct ShowCommands<'a> {
    /// Of a change.
    pub change: &'a dyn Fn(&Change) -> String,
    /// Of a record, by its event id.
    pub event: &'a dyn Fn(&str) -> String,
}

/// Makes findings of changes, of calls whose result is gone, and of gaps.
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
