//! Estates against a plain reference: random questions over generated accounts.

mod folded;
mod generate;
mod reference;
mod sets;

use std::collections::BTreeMap;

use bartizan_iam::{
    AccessAnswer, AccessHolder, AccessQuestion, Account, AccountBuilder, Actions, Compiled,
    Compiler, Decision, Estate, OpenReason, Organization, PolicyGrammar, PrincipalId,
    QuestionCaller, RequestCaller, Tri,
};
use serde_json::{Value, json};

use crate::differential::Random;
use generate::{
    ACTIONS, PROVIDER, PlainAccount, PlainEstate, PlainPolicy, REQUEST_KEYS, SERVICES, SESSIONS,
};
use reference::{PlainCaller, PlainQuestion, RequestKeys};

impl PlainEstate {
    /// The accounts, as they would be read.
    fn read(&self) -> Vec<Account<'static>> {
        let organizations: Vec<Organization> = (0..self.organizations.len())
            .map(|n| self.organization(n))
            .collect();
        let build = |account: &PlainAccount| {
            let mut builder = AccountBuilder::new(&account.id, Actions::builtin());
            builder
                .authorization_details(&account.details().to_string())
                .unwrap();
            builder.read("s3:bucket", "global");
            for resource in &account.resources {
                if let Some(bucket) = resource.arn.strip_prefix("arn:aws:s3:::") {
                    builder.fact("s3:bucket", "us-east-1", bucket, "{}");
                    let abac = r#""Disabled""#;
                    builder.fact("s3:bucketabac", "us-east-1", bucket, abac);
                }
                if let Some(policy) = &resource.policy {
                    builder.resource(resource.kind, &resource.arn, &policy.text);
                }
            }
            match account.organization {
                Some(n) => assert!(organizations[n].bind(&account.id, &mut builder)),
                None => builder.absent("organizations:organization", "organization"),
            }
            builder.build()
        };
        self.accounts.iter().map(build).collect()
    }

    fn organization(&self, n: usize) -> Organization {
        let (plain, mut organization) = (&self.organizations[n], Organization::default());
        let document = json!({"Id": plain.id, "MasterAccountId": plain.management}).to_string();
        organization.fact("organizations:organization", "organization", || {
            Some(document)
        });
        let mut add = |kind: &str, levels: &BTreeMap<String, Vec<PlainPolicy>>| {
            for (node, policies) in levels {
                for (n, policy) in policies.iter().enumerate() {
                    let id = format!("p-{kind}-{node}-{n}");
                    organization.fact("organizations:policy", &id, || Some(policy.text.clone()));
                    let target = format!("{id}/{node}");
                    organization.fact("organizations:policytarget", &target, || None);
                }
            }
        };
        add("scp", &plain.scp);
        add("rcp", &plain.rcp);
        for account in self.accounts.iter().filter(|a| a.organization == Some(n)) {
            let way: Vec<&String> = account.nodes.iter().chain([&account.id]).collect();
            for pair in way.windows(2) {
                let id = format!("{}/{}", pair[0], pair[1]);
                organization.fact("organizations:member", &id, || None);
            }
        }
        organization
    }
}

impl PlainAccount {
    /// An answer of `iam:GetAccountAuthorizationDetails`.
    fn details(&self) -> Value {
        let (mut users, mut roles, mut policies) = (Vec::new(), Vec::new(), Vec::new());
        let parsed =
            |policy: &PlainPolicy| -> Value { serde_json::from_str(&policy.text).unwrap() };
        for principal in &self.principals {
            let word = if principal.is_role { "Role" } else { "User" };
            let inline = principal.identity.iter().enumerate().map(|(n, policy)| {
                json!({"PolicyName": format!("p{n}"), "PolicyDocument": parsed(policy)})
            });
            let tags = principal.tags.iter();
            let tags = tags.map(|(key, value)| json!({"Key": key, "Value": value}));
            let mut one = json!({"Arn": principal.arn, "Tags": tags.collect::<Vec<_>>()});
            one[format!("{word}Name")] = json!(principal.name);
            one[format!("{word}Id")] = json!(principal.id);
            one[format!("{word}PolicyList")] = inline.collect();
            if let Some(boundary) = &principal.boundary {
                let arn = format!("arn:aws:iam::{}:policy/{}", self.id, principal.name);
                one["PermissionsBoundary"] = json!({"PermissionsBoundaryArn": arn});
                policies.push(json!({"Arn": arn, "PolicyVersionList": [
                    {"Document": parsed(boundary), "IsDefaultVersion": true}]}));
            }
            if let Some(trust) = &principal.trust {
                one["AssumeRolePolicyDocument"] = parsed(trust);
                roles.push(one);
            } else {
                users.push(one);
            }
        }
        json!({"UserDetailList": users, "RoleDetailList": roles, "Policies": policies})
    }
}

/// A random question, sensible enough that some answers are yes.
fn question(estate: &PlainEstate, random: &mut Random) -> PlainQuestion {
    let account = random.below(estate.accounts.len());
    let caller = match random.below(20) {
        0 => PlainCaller::Service(random.pick(SERVICES)),
        1 => PlainCaller::Federated,
        2 => PlainCaller::Unsigned,
        3 => PlainCaller::Root(account),
        4 | 5 => PlainCaller::Session(account, 2 + random.below(2), random.pick(SESSIONS)),
        _ => PlainCaller::Principal(account, random.below(4)),
    };
    let of_account = !matches!(
        caller,
        PlainCaller::Service(_) | PlainCaller::Federated | PlainCaller::Unsigned
    );
    let (action, kind) = loop {
        let (action, kind) = *random.pick_of(ACTIONS);
        if of_account || kind != "nothing" {
            break (action, kind);
        }
    };
    let mut owner = random.below(estate.accounts.len());
    if of_account && (kind == "nothing" || random.chance(40)) {
        owner = account;
    }
    let at = &estate.accounts[owner];
    let resource = match kind {
        "object" => {
            let keys = ["a", "alice/x", "blue/y"];
            let bucket = &at.resources[random.below(2)].arn;
            format!("{bucket}/{}", random.pick(&keys))
        }
        "bucket" => at.resources[random.below(2)].arn.clone(),
        "key" => at.resources[2].arn.clone(),
        "queue" => at.resources[3].arn.clone(),
        "user" => at.principals[random.below(2)].arn.clone(),
        "role" => at.principals[2 + random.below(2)].arn.clone(),
        _ => "*".to_owned(),
    };
    let is_role = match caller {
        PlainCaller::Session(..) => true,
        PlainCaller::Principal(_, n) => n >= 2,
        _ => false,
    };
    let session = (is_role && random.chance(15)).then(|| estate.session_policy(random));
    PlainQuestion {
        caller,
        action,
        resource,
        owner,
        session,
    }
}

/// Keys that only the request knows: of any, of calls by services, of unsigned calls.
fn is_of_request(estate: &PlainEstate, asked: &PlainQuestion, key: &str) -> bool {
    if REQUEST_KEYS
        .iter()
        .any(|(known, _)| known.eq_ignore_ascii_case(key))
    {
        return true;
    }
    let role = match asked.caller {
        PlainCaller::Principal(a, n) => Some((&estate.accounts[a].principals[n], true)),
        PlainCaller::Session(a, n, _) => Some((&estate.accounts[a].principals[n], false)),
        _ => None,
    };
    match key {
        // The name of the session is behind the id of the role.
        "aws:userid" if role.is_some() => role.is_some_and(|(p, open)| p.is_role && open),
        "aws:principaltag/team" => role.is_some_and(|(p, _)| p.takes_tags),
        // No call reads the tags of objects, keys and queues for access.
        "aws:resourcetag/team" => {
            let is_bucket =
                asked.resource.starts_with("arn:aws:s3:::") && !asked.resource.contains('/');
            !asked.resource.starts_with("arn:aws:iam:") && !is_bucket
        }
        "aws:sourceaccount" | "aws:sourcearn" => matches!(asked.caller, PlainCaller::Service(_)),
        "aws:principalarn" | "aws:principalaccount" | "aws:userid" => matches!(
            asked.caller,
            PlainCaller::Service(_) | PlainCaller::Federated | PlainCaller::Unsigned
        ),
        _ => false,
    }
}

/// One request of those that the question leaves open.
fn request_keys(estate: &PlainEstate, random: &mut Random) -> RequestKeys {
    let mut keys = BTreeMap::new();
    let mut add = |key: &str, value: Option<String>| keys.insert(key.to_owned(), value);
    for (key, values) in REQUEST_KEYS {
        let value = random.chance(70).then(|| random.pick(values).to_owned());
        add(key, value);
    }
    for key in ["aws:PrincipalTag/team", "aws:ResourceTag/team"] {
        let team = random
            .chance(60)
            .then(|| random.pick(&["blue", "red"]).to_owned());
        add(key, team);
    }
    let account = random.pick_of(&estate.accounts);
    add(
        "aws:SourceAccount",
        random.chance(70).then(|| account.id.clone()),
    );
    let arn = &random.pick_of(&account.resources).arn;
    add("aws:SourceArn", random.chance(70).then(|| arn.clone()));
    RequestKeys {
        keys,
        session: random.pick(SESSIONS),
    }
}

#[derive(Debug, Default)]
struct Counts {
    verdicts: BTreeMap<Tri, usize>,
    crossing: BTreeMap<Tri, usize>,
    /// Answers that are open, by reason.
    reasons: BTreeMap<String, usize>,
}

impl Counts {
    fn add(mut self, other: Self) -> Self {
        for (sum, of) in [
            (&mut self.verdicts, other.verdicts),
            (&mut self.crossing, other.crossing),
        ] {
            of.into_iter()
                .for_each(|(key, n)| *sum.entry(key).or_default() += n);
        }
        for (key, n) in other.reasons {
            *self.reasons.entry(key).or_default() += n;
        }
        self
    }
}

/// Asks so many questions; some hundred of each estate.
fn compare(questions: usize, seed: u64) -> Counts {
    let mut random = Random(seed | 1);
    let (mut counts, mut asked_so_far) = (Counts::default(), 0);
    let mut compiler = Compiler::new(Actions::builtin());
    while asked_so_far < questions {
        let plain = PlainEstate::generate(&mut random);
        let accounts = plain.read();
        let estate = Estate::new(&accounts);
        for _ in 0..200 {
            let asked = question(&plain, &mut random);
            let session = asked.session.as_ref();
            let session: Vec<Compiled> = session
                .map(|p| compiler.compile(&p.policy, PolicyGrammar::Identity))
                .into_iter()
                .collect();
            let said = ask(&plain, &estate, &asked, &session);
            hold(&plain, &asked, &said, &mut random, seed);
            let account = match asked.caller {
                PlainCaller::Principal(account, _)
                | PlainCaller::Session(account, ..)
                | PlainCaller::Root(account) => Some(account),
                _ => None,
            };
            *counts.verdicts.entry(said.verdict).or_default() += 1;
            if account.is_some_and(|account| account != asked.owner) {
                *counts.crossing.entry(said.verdict).or_default() += 1;
            }
            for reason in &said.open {
                let word = match reason {
                    OpenReason::Key(key) => key.clone(),
                    other => format!("{other:?}"),
                };
                *counts.reasons.entry(word).or_default() += 1;
            }
        }
        hold_holders(&plain, &estate, &mut random);
        asked_so_far += 200;
    }
    counts
}

/// The caller of a question, as the estate knows it.
fn caller_of(plain: &PlainEstate, estate: &Estate<'_, '_>, caller: &PlainCaller) -> QuestionCaller {
    match caller {
        PlainCaller::Principal(account, n) => {
            let arn = &plain.accounts[*account].principals[*n].arn;
            let principals = &estate.accounts[*account].principals;
            let principal = principals.iter().position(|p| p.arn == *arn).unwrap();
            let account = *account;
            PrincipalId { account, principal }.into()
        }
        PlainCaller::Session(account, n, session) => {
            let account = &plain.accounts[*account];
            let arn = format!(
                "arn:aws:sts::{}:assumed-role/{}/{session}",
                account.id, account.principals[*n].name
            );
            RequestCaller::Aws(arn).into()
        }
        PlainCaller::Root(account) => {
            let arn = format!("arn:aws:iam::{}:root", plain.accounts[*account].id);
            RequestCaller::Aws(arn).into()
        }
        PlainCaller::Service(name) => RequestCaller::Service((*name).to_owned()).into(),
        PlainCaller::Federated => RequestCaller::Federated(PROVIDER.to_owned()).into(),
        PlainCaller::Unsigned => RequestCaller::Anonymous.into(),
    }
}

fn ask(
    plain: &PlainEstate,
    estate: &Estate<'_, '_>,
    asked: &PlainQuestion,
    session: &[Compiled],
) -> AccessAnswer {
    let caller = caller_of(plain, estate, &asked.caller);
    let mut question = AccessQuestion::new(caller, asked.action, &asked.resource);
    question.session = session.iter().collect();
    estate.ask(&question)
}

/// Holds an answer against the reference: a must and a no for every request that is tried, a may by
/// a reason that the reference has as well.
fn hold(
    plain: &PlainEstate,
    asked: &PlainQuestion,
    said: &AccessAnswer,
    random: &mut Random,
    seed: u64,
) {
    let shown = || format!("seed {seed}\n{asked:#?}\n{said:#?}\n{plain:#?}");
    for _ in 0..3 {
        let request = request_keys(plain, random);
        let is_allowed = plain.decide(asked, Some(&request)) == Decision::Allowed;
        let is_wrong = match said.verdict {
            Tri::Yes => !is_allowed,
            Tri::No => is_allowed,
            Tri::Maybe => false,
        };
        assert!(!is_wrong, "{:?}\n{}", request.keys, shown());
    }
    if said.verdict != Tri::Maybe {
        return;
    }
    assert_eq!(plain.decide(asked, None), Decision::Unknown, "{}", shown());
    assert!(!said.open.is_empty(), "{}", shown());
    for reason in &said.open {
        let is_of_request = match reason {
            OpenReason::Key(key) => is_of_request(plain, asked, key),
            OpenReason::SessionName => true,
            OpenReason::NotUnderstood | OpenReason::Unread => false,
        };
        assert!(is_of_request, "{reason:?}\n{}", shown());
    }
}

/// Whoever may do something has a row, and nobody else.
fn hold_holders(plain: &PlainEstate, estate: &Estate<'_, '_>, random: &mut Random) {
    let mut asked = question(plain, random);
    while asked.resource == "*" {
        asked = question(plain, random);
    }
    let holders = estate.who_can(asked.action, &asked.resource);
    let shown = || format!("{asked:#?}\n{holders:#?}\n{plain:#?}");
    for (account, read) in estate.accounts.iter().enumerate() {
        for principal in 0..read.principals.len() {
            let id = PrincipalId { account, principal };
            let question = AccessQuestion::new(id.into(), asked.action, &asked.resource);
            let is_row = holders.iter().any(|h| h.principal == Some(id));
            let is_allowed = estate.ask(&question).verdict != Tri::No;
            assert_eq!(is_row, is_allowed, "{id:?}\n{}", shown());
        }
    }
    if holders.iter().any(|holder| holder.is_anybody) {
        return;
    }
    let mut callers: Vec<(&str, PlainCaller)> = SERVICES
        .iter()
        .map(|name| (*name, PlainCaller::Service(name)))
        .collect();
    if asked.action.starts_with("sts:") {
        callers.push((PROVIDER, PlainCaller::Federated));
    }
    for (name, caller) in callers {
        (asked.caller, asked.session) = (caller, None);
        let many = ["an AWS service", "whoever an identity provider vouches for"];
        let is_row =
            |holder: &AccessHolder| holder.name == name || many.contains(&holder.name.as_str());
        let decision = plain.decide(&asked, None);
        let is_let_in = matches!(decision, Decision::Allowed | Decision::Unknown);
        assert!(
            !is_let_in || holders.iter().any(is_row),
            "{name}: {decision:?}\n{asked:#?}\n{holders:#?}\n{plain:#?}"
        );
    }
}

#[test]
fn both_sides_are_asked_as_the_reference_asks_them() {
    let counts = compare(15_000, 11);
    for verdict in [Tri::Yes, Tri::Maybe, Tri::No] {
        assert!(counts.verdicts[&verdict] > 150, "{counts:?}");
        assert!(counts.crossing[&verdict] > 25, "{counts:?}");
    }
}

/// `cargo xtask fuzz-iam estate`.
#[test]
#[ignore = "a million questions"]
fn a_million_questions() {
    let questions = std::env::var("BARTIZAN_CASES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(1_000_000usize);
    let threads = std::thread::available_parallelism().map_or(1, Into::into);
    let started = std::time::Instant::now();
    let counts = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..threads)
            .map(|n| scope.spawn(move || compare(questions / threads + 1, 2001 + 2 * n as u64)))
            .collect();
        let counts = runs.into_iter().map(|run| run.join().unwrap());
        counts.fold(Counts::default(), Counts::add)
    });
    let sum: usize = counts.verdicts.values().sum();
    println!("{counts:#?}");
    println!(
        "{sum} questions, no disagreement, {:.0} s",
        started.elapsed().as_secs_f64()
    );
}
