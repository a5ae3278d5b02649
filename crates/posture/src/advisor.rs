//! AWS's own answers: the results of Trusted Advisor, where the account has Business support.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::missing::GLOBAL;
use crate::reading::FactView;
use crate::view::AccountView;

/// Result of one check of Trusted Advisor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdvisorResult {
    /// `HCP4007jGY`.
    pub id: String,
    /// `ok`, `warning`, `error` or `not_available`.
    pub status: String,
    /// Number of resources that it flags.
    pub flagged: u64,
    /// Number of resources that it looked at.
    pub processed: u64,
    /// Words of each flagged resource that nobody excluded: region, name, id.
    pub resources: Vec<Vec<String>>,
}

/// Difference between what Trusted Advisor flags and what fails here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdvisorDifference {
    /// Resources that only Trusted Advisor flags, in its words.
    pub advisor_only: Vec<String>,
    /// ARNs of resources that only fail here.
    pub ours_only: Vec<String>,
}

/// Results of Trusted Advisor that a snapshot has, by id.
#[must_use]
pub fn advisor_results(view: &AccountView<'_>) -> Vec<AdvisorResult> {
    let of = |result: &&FactView<'_>| {
        let field = |name: &str| result.volatile_json(name);
        let count = |name: &str| field("resourcesSummary").and_then(|s| s.get(name)?.as_u64());
        let flagged = field("flaggedResources").and_then(Value::as_array);
        let resources = flagged.into_iter().flatten();
        let resources = resources.filter(|r| r["isSuppressed"] != true && r["status"] != "ok");
        Some(AdvisorResult {
            id: result.id.clone(),
            status: result.volatile("status")?.to_owned(),
            flagged: count("resourcesFlagged")?,
            processed: count("resourcesProcessed")?,
            resources: resources.map(words).collect(),
        })
    };
    let results = view.list("support:trustedadvisorresult").facts;
    let global = results.iter().filter(|r| r.region == GLOBAL);
    global.filter_map(of).collect()
}

fn words(resource: &Value) -> Vec<String> {
    let words = resource["metadata"].as_array().into_iter().flatten();
    words
        .filter_map(|w| w.as_str().map(str::to_owned))
        .collect()
}

impl AdvisorResult {
    /// Compares with what fails here: ARNs, or the account id. A resource is the same where the
    /// last part of its ARN is a word of Trusted Advisor: `sg-0a1b` in `sg-0a1b (vpc-1)`. What is
    /// about the account is the same where both flag it.
    #[must_use]
    pub fn compared(&self, failing: &[&str]) -> AdvisorDifference {
        let name = |arn: &str| arn.rsplit(['/', ':']).next().unwrap_or(arn).to_owned();
        let ours: BTreeSet<String> = failing.iter().map(|arn| name(arn)).collect();
        let parts = |words: &Vec<String>| -> BTreeSet<String> {
            let parts = words.iter().flat_map(|w| w.split([' ', '(', ')']));
            parts.map(str::to_owned).collect()
        };
        let theirs: BTreeSet<String> = self.resources.iter().flat_map(parts).collect();
        let is_account = |resource: &str| !resource.contains(':');
        let both_flag_account = self.flagged > 0 && failing.iter().any(|r| is_account(r));
        let is_strange =
            |words: &&Vec<String>| !both_flag_account && parts(words).is_disjoint(&ours);
        let advisor_only = self.resources.iter().filter(is_strange);
        let is_ours = |resource: &&&str| match is_account(resource) {
            true => self.flagged == 0,
            false => !theirs.contains(&name(resource)),
        };
        let ours_only = failing.iter().filter(is_ours);
        AdvisorDifference {
            advisor_only: advisor_only.map(|words| words.join(" ")).collect(),
            ours_only: ours_only.map(|arn| (*arn).to_owned()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_the_same_by_the_last_part_of_its_arn() {
        let words = |list: &[&str]| list.iter().map(|w| (*w).to_owned()).collect();
        let result = AdvisorResult {
            id: "HCP4007jGY".to_owned(),
            status: "error".to_owned(),
            flagged: 2,
            processed: 9,
            resources: vec![
                words(&["us-east-1", "web", "sg-1 (vpc-1)", "tcp", "Red", "22-22"]),
                words(&["us-east-1", "db", "sg-2 (vpc-1)", "tcp", "Red", "3306-3306"]),
            ],
        };
        let arn = |id: &str| format!("arn:aws:ec2:us-east-1:111122223333:security-group/{id}");
        let (one, three) = (arn("sg-1"), arn("sg-3"));
        let difference = result.compared(&[&one, &three]);
        assert_eq!(difference.ours_only, [three]);
        let account = result.compared(&["111122223333"]);
        assert!(account.ours_only.is_empty() && account.advisor_only.is_empty());
        let two = "us-east-1 db sg-2 (vpc-1) tcp Red 3306-3306";
        assert_eq!(difference.advisor_only, [two]);
    }
}
