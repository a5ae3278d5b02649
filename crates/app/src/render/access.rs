//! Answers about access, in words and as JSON.

use bartizan_cloud::collect::GLOBAL;
use bartizan_iam::{
    AccessAnswer, Account, Compiled, Controls, ExternalPrincipal, OnBehalfOf, Tri, UnreadFact,
};
use serde_json::{Value, json};

use super::note;
use crate::cli::Global;

/// Notes how much of each account could not be read.
pub(crate) fn note_unread(global: &Global, accounts: &[Account<'_>]) {
    for account in accounts {
        let unread = account.unknown.len();
        if unread > 0 {
            let first = account
                .unknown
                .first()
                .map(String::as_str)
                .unwrap_or_default();
            note(
                global,
                &format!(
                    "account {}: {unread} things could not be read, the first: {first}",
                    account.id
                ),
            );
        }
    }
}

/// How sure an answer is, as people read it.
pub(crate) fn word(verdict: Tri) -> &'static str {
    match verdict {
        Tri::Yes => "must",
        Tri::Maybe => "may",
        Tri::No => "no",
    }
}

/// Where a hole is, and why: `kms:ListGrants denied in eu-west-1`.
fn place(hole: &UnreadFact) -> String {
    if hole.region.is_empty() || hole.region == GLOBAL {
        hole.sentence()
    } else {
        format!("{} in {}", hole.sentence(), hole.region)
    }
}

/// External principal as JSON: `{"type": "account", "id": "999988887777", "principal": null}`.
pub(crate) fn outsider(to: &ExternalPrincipal) -> Value {
    let named = |kind: &str, id: &str| json!({"type": kind, "id": id});
    match to {
        ExternalPrincipal::Anybody => json!({"type": "anybody"}),
        ExternalPrincipal::AnyAccount => json!({"type": "any-account"}),
        ExternalPrincipal::Organization(id) => named("organization", id),
        ExternalPrincipal::Account(id, who) => {
            let principal = Some(who).filter(|who| !who.is_empty());
            json!({"type": "account", "id": id, "principal": principal})
        }
        ExternalPrincipal::Federated(provider, tenant) => {
            json!({"type": "federated", "id": provider, "tenant_named": tenant})
        }
        ExternalPrincipal::Service(service, behalf) => {
            let behalf = match behalf {
                OnBehalfOf::Anybody => json!({"type": "anybody"}),
                OnBehalfOf::Account(id) => named("account", id),
                OnBehalfOf::Organization(id) => named("organization", id),
                OnBehalfOf::Owner(arn) => named("owner", arn),
            };
            json!({"type": "service", "id": service, "on_behalf_of": behalf})
        }
        ExternalPrincipal::Deleted(id) => named("deleted", id),
        ExternalPrincipal::Unidentified(id) => named("unidentified", id),
    }
}

/// The first few of a list.
pub(crate) fn some(list: &[String], most: usize) -> String {
    let more = if list.len() > most {
        format!(" and {} more", list.len() - most)
    } else {
        String::new()
    };
    format!(
        "{}{more}",
        list.iter()
            .take(most)
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(", ")
    )
}

/// That somebody may be there who was not read.
pub(crate) fn principals_cut(account: &Account<'_>) -> Option<String> {
    let why = account.principals_cut()?;
    Some(format!(
        "the list of users and roles is not whole ({why}): there may be more of them, \
        administrators too"
    ))
}

/// Assumptions behind every answer about an account.
pub(crate) fn assumptions(account: &Account<'_>) -> Vec<String> {
    let mut list = assumptions_but_cut(account);
    // Second, after the table of actions.
    principals_cut(account)
        .into_iter()
        .for_each(|cut| list.insert(1, cut));
    list
}

/// Assumptions without that the list of principals is cut, for answers that say so at the top.
pub(crate) fn assumptions_but_cut(account: &Account<'_>) -> Vec<String> {
    let mut list = vec![format!("actions of {}", account.actions.date)];
    let count = |of: fn(&Compiled) -> usize| {
        account
            .documents
            .iter()
            .map(|d| of(&d.compiled))
            .sum::<usize>()
    };
    let (unlisted, not_understood) = (count(|c| c.actions_unlisted), count(|c| c.not_understood));
    if unlisted > 0 {
        list.push(format!(
            "{unlisted} actions in policies are not among them: decided by their names"
        ));
    }
    if not_understood > 0 {
        list.push(format!(
            "{not_understood} statements are not wholly understood: what they touch is a may"
        ));
    }
    match &account.controls {
        Controls::Read => {}
        Controls::NotAsked => {
            list.push(
                "policies of the organization (SCPs, RCPs) are not in the snapshot: taken \
            as allowing everything"
                    .to_owned(),
            );
        }
        Controls::Unread(why) => {
            list.push(format!(
                "policies of the organization (SCPs, RCPs) were not read ({why}): \
            they may deny more"
            ));
        }
    }
    let mut grants: Vec<String> = account
        .unread_facts_of("kms:grant")
        .iter()
        .map(place)
        .collect();
    grants.dedup();
    if !grants.is_empty() {
        list.push(format!(
            "grants of KMS keys were not read ({}): they may allow more",
            some(&grants, 3)
        ));
    }
    list.push(NOT_LOOKED_AT.to_owned());
    list
}

const NOT_LOOKED_AT: &str = "session policies and VPC endpoint policies are not looked at";

/// Assumptions behind an answer to which session policies, or the policy of an endpoint, were
/// given.
pub(crate) fn assumptions_given(
    account: &Account<'_>,
    session: bool,
    endpoint: bool,
) -> Vec<String> {
    let mut list = assumptions(account);
    let left = match (session, endpoint) {
        (false, false) => return list,
        (true, false) => Some("VPC endpoint policies are not looked at"),
        (false, true) => Some("session policies are not looked at"),
        (true, true) => None,
    };
    list.retain(|one| one != NOT_LOOKED_AT);
    list.extend(left.map(str::to_owned));
    list
}

/// The answer as JSON, without the question.
pub(crate) fn answer(said: &AccessAnswer) -> Value {
    let because: Vec<&String> = said.because.iter().chain(&said.unread).collect();
    json!({
        "verdict": word(said.verdict),
        "decision": said.decision.word(),
        "because": because,
        "conditions": said.conditions,
        "unread": said.unread,
    })
}
