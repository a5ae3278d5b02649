//! Whom a call let in, and what it made, gave or sent.

use bartizan_iam::{Block, Principal};

use super::fields::{CallWords, ScalarField, ScalarFields, plain, singular, stem};
use crate::derive::text::cut;
use bartizan_model::limits::TOUCHED_COMMAND_BYTES_MAX;
use bartizan_model::{Counterparty, Party, Relation};

pub(super) fn of(call: &CallWords, leaves: &ScalarFields) -> Vec<Counterparty> {
    let mut found: Vec<Counterparty> = Vec::new();
    let mut add = |relation, kind, id: &str, detail: Option<String>| {
        let one = Counterparty {
            relation,
            kind,
            id: cut(id),
            detail: detail.map(|d| cut(&d)),
        };
        if !found.contains(&one) {
            found.push(one);
        }
    };
    if call.makes() {
        made(call, leaves, &mut add);
    }
    if call.gives_nothing() {
        return found;
    }
    let user = text(&leaves.request, "username");
    for leaf in leaves.request.iter().filter(|l| !is_taken_away(l)) {
        let (key, value) = (leaf.key(), leaf.text.as_str());
        if value.starts_with('{') && value.contains("Statement") {
            if let Ok(policy) = bartizan_iam::parse(value) {
                let_in_by_policy(call, &policy, &mut add);
            }
            continue;
        }
        if key.contains("cidr") || key == "publicaccesscidrs" {
            let old = text(&leaves.request, "ruleaction").is_none_or(|action| action == "allow");
            if value.contains(['.', ':']) && opens_networks(call) && old {
                add(Relation::LetIn, Party::Network, value, leaf.ports.clone());
            }
            continue;
        }
        match GIVEN
            .iter()
            .find(|row| row.key == key && row.verbs.contains(&call.verb.as_str()))
        {
            Some(row) if row.service.is_none_or(|s| s == call.service) => {
                add(row.relation, row.party, value, None);
                continue;
            }
            _ => {}
        }
        if let Some((kind, id)) = outsider(call, leaf) {
            add(Relation::LetIn, kind, &id, None);
        }
    }
    special(call, leaves, user, &mut add);
    found
}

/// What a field gives or sends, by its name and the verb of the call.
struct PartyRole {
    key: &'static str,
    service: Option<&'static str>,
    verbs: &'static [&'static str],
    relation: Relation,
    party: Party,
}

const fn row(
    key: &'static str,
    service: Option<&'static str>,
    verbs: &'static [&'static str],
    relation: Relation,
    party: Party,
) -> PartyRole {
    PartyRole {
        key,
        service,
        verbs,
        relation,
        party,
    }
}

const GIVEN: &[PartyRole] = &[
    row(
        "policyarn",
        Some("iam"),
        &["Attach", "Put"],
        Relation::Given,
        Party::Policy,
    ),
    row(
        "permissionsboundary",
        Some("iam"),
        &["Put"],
        Relation::Given,
        Party::Policy,
    ),
    row(
        "policyname",
        Some("iam"),
        &["Put"],
        Relation::Given,
        Party::Policy,
    ),
    row(
        "groupname",
        Some("iam"),
        &["Add"],
        Relation::Given,
        Party::Group,
    ),
    row(
        "rolename",
        Some("iam"),
        &["Add"],
        Relation::Given,
        Party::Role,
    ),
    row(
        "policyarn",
        Some("eks"),
        &["Associate"],
        Relation::Given,
        Party::Policy,
    ),
    row(
        "principalarn",
        Some("eks"),
        &["Create", "Update", "Associate"],
        Relation::LetIn,
        Party::Principal,
    ),
    row(
        "granteeprincipal",
        Some("kms"),
        &["Create"],
        Relation::LetIn,
        Party::Principal,
    ),
    row(
        "principalid",
        Some("sso"),
        &["Create"],
        Relation::LetIn,
        Party::Principal,
    ),
    row(
        "endpoint",
        Some("sns"),
        &["Subscribe"],
        Relation::SendsTo,
        Party::Endpoint,
    ),
    row(
        "destinationarn",
        None,
        &["Put", "Create", "Update"],
        Relation::SendsTo,
        Party::Endpoint,
    ),
    row(
        "destinationbackupvaultarn",
        None,
        &["Start", "Create", "Put"],
        Relation::SendsTo,
        Party::Endpoint,
    ),
    row(
        "s3bucketname",
        None,
        &["Start", "Create", "Update"],
        Relation::SendsTo,
        Party::Bucket,
    ),
    row(
        "s3bucket",
        None,
        &["Start", "Create", "Update"],
        Relation::SendsTo,
        Party::Bucket,
    ),
    row(
        "targetbucket",
        None,
        &["Put"],
        Relation::SendsTo,
        Party::Bucket,
    ),
    row(
        "transferserverid",
        None,
        &["Create"],
        Relation::SendsTo,
        Party::Endpoint,
    ),
];

/// What stands below a field of what is taken away.
fn is_taken_away(leaf: &ScalarField) -> bool {
    leaf.path
        .iter()
        .any(|name| name.starts_with("remove") || name.ends_with("toremove") || name == "revoke")
}

/// Calls whose addresses are those that may come in, or out.
fn opens_networks(call: &CallWords) -> bool {
    [
        "securitygroup",
        "networkacl",
        "clusterconfig",
        "cluster",
        "ipset",
        "prefixlist",
        "clientvpn",
        "endpointaccess",
    ]
    .iter()
    .any(|n| call.noun.contains(n))
}

/// Somebody else in a request: an account that is not the one that was called, everybody, an
/// organization.
fn outsider(call: &CallWords, leaf: &ScalarField) -> Option<(Party, String)> {
    const WHO: &[&str] = &[
        "userid",
        "group",
        "usergroup",
        "groups",
        "userids",
        "valuestoadd",
        "principal",
        "principals",
        "accountid",
        "accountids",
        "accounts",
        "awsaccountid",
        "awsaccountids",
        "accountidstoadd",
        "accountstoadd",
        "accountwithrestoreaccess",
        "account",
        "consumeridentifier",
        "grantee",
        "granteeid",
        "peerownerid",
        "sharedwith",
        "addallowedprincipals",
        "allowedprincipal",
        "organizationarn",
        "organizationalunitarn",
        "targetaccounts",
        "targetaccountids",
        "id",
        "target",
        "dataconsumer",
        "datalakeprincipalidentifier",
        "uri",
        "sourceaccount",
        "destinationaccount",
        "invitee",
        "memberaccount",
    ];
    let (key, value) = (leaf.key(), leaf.text.as_str());
    let who = WHO.contains(&key);
    if who
        && (value == "*"
            || value == "all" && key != "id"
            || value.ends_with("/groups/global/AllUsers"))
    {
        return Some((Party::Everybody, "*".to_owned()));
    }
    if is_account(value) {
        return (who && value != call.own).then(|| (Party::Account, value.to_owned()));
    }
    let mut parts = value.split(':');
    if parts.next() == Some("arn") {
        let service = parts.nth(1).unwrap_or_default();
        let account = parts.nth(1).unwrap_or_default();
        if service == "organizations" && who {
            return Some((Party::Organization, value.to_owned()));
        }
        let foreign = is_account(account) && account != call.own;
        return match service {
            "iam" | "sts" if foreign && value.ends_with(":root") => {
                Some((Party::Account, account.to_owned()))
            }
            "iam" | "sts" if foreign => Some((Party::Principal, value.to_owned())),
            _ => None,
        };
    }
    let organization = value.starts_with("o-") && value.len() >= 12 || value.starts_with("ou-");
    (who && organization).then(|| (Party::Organization, value.to_owned()))
}

/// Principals that a policy lets in. Own principals are named where they are one by one.
fn let_in_by_policy(
    call: &CallWords,
    policy: &bartizan_iam::Policy,
    add: &mut impl FnMut(Relation, Party, &str, Option<String>),
) {
    for statement in policy.statements.iter().filter(|s| s.effect == "Allow") {
        let principals = match &statement.principal {
            Some(Block::Is(principals)) => principals,
            Some(Block::Not(_)) => {
                add(Relation::LetIn, Party::Everybody, "*", None);
                continue;
            }
            None => continue,
        };
        let detail = (!statement.conditions.is_empty()).then(|| "with a condition".to_owned());
        for principal in principals {
            match principal {
                Principal::Star => add(Relation::LetIn, Party::Everybody, "*", detail.clone()),
                Principal::Of(kind, value) => match kind.as_str() {
                    "AWS" if value == "*" => {
                        add(Relation::LetIn, Party::Everybody, "*", detail.clone())
                    }
                    "AWS" => {
                        let account = if is_account(value) {
                            value
                        } else {
                            value.split(':').nth(4).unwrap_or_default()
                        };
                        let whole = is_account(value) || value.ends_with(":root");
                        if whole && account == call.own {
                            continue;
                        }
                        let (party, id) = if whole {
                            (Party::Account, account)
                        } else {
                            (Party::Principal, value.as_str())
                        };
                        add(Relation::LetIn, party, id, detail.clone());
                    }
                    "Federated" => add(Relation::LetIn, Party::Federation, value, detail.clone()),
                    "Service" => add(Relation::LetIn, Party::Service, value, detail.clone()),
                    _ => add(Relation::LetIn, Party::Principal, value, detail.clone()),
                },
            }
        }
    }
}

/// What was made, by the answer; by the request where the answer names nothing.
fn made(
    call: &CallWords,
    leaves: &ScalarFields,
    add: &mut impl FnMut(Relation, Party, &str, Option<String>),
) {
    // A key is of more use to whoever made it than anything else in the answer.
    let key =
        |l: &&ScalarField| l.key() == "accesskeyid" && l.is_below(&["accesskey", "credentials"]);
    if let Some(key) = leaves.response.iter().find(key) {
        let user = text(&leaves.request, "username").or_else(|| text(&leaves.response, "username"));
        return add(
            Relation::Made,
            Party::AccessKey,
            &key.text,
            user.map(|u| format!("user {u}")),
        );
    }
    let party = party(&call.noun);
    let is_it = |leaf: &&ScalarField| {
        let key = leaf.key();
        if ["clienttoken", "requestid", "ownerid"].contains(&key) {
            return false;
        }
        let Some(stem) = stem(key).map(singular) else {
            return false;
        };
        // `{"role":{"arn":…}}` names a role too.
        let around = leaf.path.iter().rev().nth(1).map(|p| singular(p));
        stem == call.noun
            || stem.is_empty() && around.is_none_or(|a| a == call.noun) && key == "arn"
    };
    // `userName` rather than the user's unique id and ARN, for that is what other calls name.
    let best = |leaves: &[ScalarField]| -> Vec<String> {
        let mut all: Vec<&ScalarField> = leaves.iter().filter(is_it).collect();
        all.sort_by_key(|l| {
            (
                !l.key().ends_with("name"),
                !l.key().ends_with("id"),
                l.key().len(),
            )
        });
        let Some(first) = all.first().map(|l| l.key()) else {
            return Vec::new();
        };
        all.iter()
            .filter(|l| l.key() == first)
            .map(|l| l.text.clone())
            .collect()
    };
    let mut ids = best(&leaves.response);
    if ids.is_empty() {
        ids = best(&leaves.request);
    }
    for id in ids {
        add(Relation::Made, party, &id, None);
    }
}

/// What a noun of a call is: `instance` of `RunInstances`.
fn party(noun: &str) -> Party {
    match noun {
        "user" => Party::User,
        "role" => Party::Role,
        "group" => Party::Group,
        "policy" | "policyversion" => Party::Policy,
        "accesskey" => Party::AccessKey,
        "instance" | "notebookinstance" => Party::Instance,
        "bucket" => Party::Bucket,
        "key" => Party::Key,
        "openidconnectprovider" | "samlprovider" | "trustanchor" => Party::Federation,
        noun if noun.contains("snapshot") || noun.contains("image") || noun.contains("backup") => {
            Party::Copy
        }
        _ => Party::Resource,
    }
}

/// What no rule of names tells.
fn special(
    call: &CallWords,
    leaves: &ScalarFields,
    user: Option<&str>,
    add: &mut impl FnMut(Relation, Party, &str, Option<String>),
) {
    let request = |key: &str| text(&leaves.request, key);
    match (call.service.as_str(), call.name.as_str()) {
        ("iam", "CreateLoginProfile" | "UpdateLoginProfile") => {
            let user = user
                .or_else(|| text(&leaves.response, "username"))
                .unwrap_or("of the caller");
            add(
                Relation::Made,
                Party::User,
                user,
                Some("console password".to_owned()),
            );
        }
        ("iam", "UpdateAccessKey")
            if request("status").is_some_and(|s| s.eq_ignore_ascii_case("active")) =>
        {
            if let Some(key) = request("accesskeyid") {
                add(
                    Relation::LetIn,
                    Party::AccessKey,
                    key,
                    Some("switched on".to_owned()),
                );
            }
        }
        (
            "ssm",
            "SendCommand" | "StartSession" | "CreateAssociation" | "StartAutomationExecution",
        ) => {
            let document = request("documentname").or_else(|| request("name"));
            let commands = leaves
                .request
                .iter()
                .filter(|l| l.is_below(&["commands", "command"]));
            let mut is_told = false;
            for command in commands {
                is_told = true;
                add(
                    Relation::Sent,
                    Party::Command,
                    &short(&command.text),
                    document.map(str::to_owned),
                );
            }
            if let (false, Some(document)) = (is_told, document) {
                let hidden = leaves.request.iter().any(|l| l.key() == "parameters");
                let detail = hidden.then(|| "its text is not in the record".to_owned());
                add(Relation::Sent, Party::Command, document, detail);
            }
        }
        ("ecs", "ExecuteCommand") => {
            if let Some(command) = request("command") {
                add(Relation::Sent, Party::Command, &short(command), None);
            }
        }
        ("s3", "PutBucketReplication") => {
            for leaf in leaves
                .request
                .iter()
                .filter(|l| l.key() == "bucket" && l.is_below(&["destination"]))
            {
                add(Relation::SendsTo, Party::Bucket, &leaf.text, None);
            }
        }
        _ => {}
    }
}

fn short(command: &str) -> String {
    let mut end = command.len().min(TOUCHED_COMMAND_BYTES_MAX);
    while !command.is_char_boundary(end) {
        end -= 1;
    }
    if end < command.len() {
        format!("{}…", &command[..end])
    } else {
        command.to_owned()
    }
}

fn text<'l>(leaves: &'l [ScalarField], key: &str) -> Option<&'l str> {
    debug_assert_eq!(plain(key), key);
    leaves
        .iter()
        .find(|l| l.key() == key)
        .map(|l| l.text.as_str())
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}
