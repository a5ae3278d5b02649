//! Effective access as documents, evaluated alone, against all layers together.

use std::collections::BTreeMap;

use bartizan_iam::{
    AccessQuestion, Account, Actions, Context, ContextValue, Decision, EffectivePolicies, Estate,
    Layers, Policy, PrincipalId, QuestionCaller, Request, RequestCaller, Tri, evaluate, parse,
};
use serde_json::json;

use super::generate::PlainEstate;
use super::reference::{PlainCaller, PlainQuestion};
use super::{is_of_request, question, request_keys};
use crate::differential::Random;

#[derive(Debug, Default)]
struct FoldedCounts {
    requests: usize,
    allowed: usize,
    /// Allowed whatever the request holds.
    must: usize,
    /// Requests for actions that a document does not say all about.
    left_out: usize,
    reasons: BTreeMap<String, usize>,
}

/// One request that leaves nothing open, as the question allows it.
fn closed(
    plain: &PlainEstate,
    asked: &PlainQuestion,
    random: &mut Random,
) -> (Context, Option<&'static str>) {
    let keys = request_keys(plain, random);
    let mut context = Context::default();
    for (key, value) in &keys.keys {
        if !is_of_request(plain, asked, &key.to_ascii_lowercase()) {
            continue;
        }
        match value {
            Some(value) => context.set(key, ContextValue::One(value.clone())),
            None => context.absent(key),
        }
    }
    if let PlainCaller::Principal(account, n) = asked.caller {
        let me = &plain.accounts[account].principals[n];
        if me.is_role {
            let id = format!("{}:{}", me.id, keys.session);
            context.set("aws:userid", ContextValue::One(id));
            return (context, Some(keys.session));
        }
    }
    (context, None)
}

/// Whether a document alone allows a request. The resource lets in the account of the caller, so
/// that only the document decides.
fn allows(document: &Policy, request: &Request, account: &str) -> bool {
    let delegate = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow",
        "Principal": {"AWS": account}, "Action": "*", "Resource": "*"}});
    let layers = Layers {
        identity: vec![document.clone()],
        resource: Some(parse(&delegate.to_string()).unwrap()),
        ..Layers::default()
    };
    evaluate(request, &layers, Actions::builtin()).decision == Decision::Allowed
}

/// Adds what the resource tells of a request to a context.
fn with_resource(plain: &PlainEstate, asked: &PlainQuestion, context: &mut Context) {
    let owner = &plain.accounts[asked.owner];
    match owner.organization {
        Some(n) => {
            let id = plain.organizations[n].id.clone();
            context.set("aws:ResourceOrgID", ContextValue::One(id));
        }
        None => context.absent("aws:ResourceOrgID"),
    }
    context.set("aws:ResourceAccount", ContextValue::One(owner.id.clone()));
    context.set("s3:ResourceAccount", ContextValue::One(owner.id.clone()));
    let tagged = owner.principals.iter().find(|p| p.arn == asked.resource);
    for (key, value) in tagged.into_iter().flat_map(|p| &p.tags) {
        for prefix in ["aws", "iam"] {
            let key = format!("{prefix}:ResourceTag/{key}");
            context.set(&key, ContextValue::One(value.clone()));
        }
    }
}

struct Asked<'q, 'x, 'a> {
    plain: &'q PlainEstate,
    estate: &'q Estate<'x, 'a>,
    id: PrincipalId,
    said: &'q EffectivePolicies,
}

impl Asked<'_, '_, '_> {
    fn compare(&self, asked: &PlainQuestion, random: &mut Random, counts: &mut FoldedCounts) {
        let action = Actions::builtin().bit(asked.action);
        counts.requests += 1;
        if let Some(left) = self
            .said
            .left_out
            .iter()
            .find(|l| l.actions.contains(action))
        {
            counts.left_out += 1;
            *counts.reasons.entry(format!("{:?}", left.why)).or_default() += 1;
            return;
        }
        let ask = |caller: QuestionCaller, context: Context| {
            let question = AccessQuestion {
                context,
                ..AccessQuestion::new(caller, asked.action, &asked.resource)
            };
            self.estate.ask(&question)
        };
        let account = self.estate.accounts[self.id.account].id.as_str();
        let request = |context: Context| Request {
            action: asked.action.to_owned(),
            resource: asked.resource.clone(),
            resource_account: Some(account.to_owned()),
            caller: RequestCaller::Aws(self.estate.arn(self.id).to_owned()),
            context,
        };
        let (context, session) = closed(self.plain, asked, random);
        let caller = match session {
            Some(session) => {
                let me = &self.estate.accounts[self.id.account].principals[self.id.principal];
                let arn = format!("arn:aws:sts::{account}:assumed-role/{}/{session}", me.name);
                RequestCaller::Aws(arn).into()
            }
            None => self.id.into(),
        };
        let together = ask(caller, context.clone());
        let mut alone = context.clone();
        with_resource(self.plain, asked, &mut alone);
        let must = allows(&self.said.must, &request(Context::default()), account);
        let may = allows(&self.said.may, &request(alone), account);
        let seen = || {
            format!(
                "{} {} on {} with {context:?}: together {together:#?}, must {must}, may {may}\n\
                must {}\nmay {}\n{:#?}",
                self.estate.arn(self.id),
                asked.action,
                asked.resource,
                self.said.must.json(),
                self.said.may.json(),
                self.plain
            )
        };
        assert_ne!(together.verdict, Tri::Maybe, "{}", seen());
        assert_eq!(must || may, together.verdict == Tri::Yes, "{}", seen());
        counts.allowed += usize::from(must || may);
        counts.must += usize::from(must);
        let open = ask(self.id.into(), Context::open()).verdict;
        if must {
            assert_eq!(open, Tri::Yes, "{}", seen());
        } else if open == Tri::Yes {
            // Tags and the organization of one resource are known, and conditions of a document.
            assert!(may, "{}", seen());
        }
    }
}

/// Compares so many requests.
fn compare(seed: u64, requests: usize) -> FoldedCounts {
    let mut random = Random(seed | 1);
    let mut counts = FoldedCounts::default();
    while counts.requests < requests {
        let plain = PlainEstate::generate(&mut random);
        let accounts: Vec<Account<'_>> = plain.read();
        let estate = Estate::new(&accounts);
        for account in 0..accounts.len() {
            for n in 0..4 {
                let arn = &plain.accounts[account].principals[n].arn;
                let id = estate.principal(arn).unwrap();
                let said = estate.effective(id);
                let one = Asked {
                    plain: &plain,
                    estate: &estate,
                    id,
                    said: &said,
                };
                for _ in 0..40 {
                    let mut asked = question(&plain, &mut random);
                    asked.caller = PlainCaller::Principal(account, n);
                    let decides_itself = ["sts:AssumeRole", "kms:Decrypt"].contains(&asked.action);
                    if asked.owner != account && !decides_itself {
                        continue;
                    }
                    one.compare(&asked, &mut random, &mut counts);
                }
            }
        }
    }
    counts
}

#[test]
fn documents_alone_allow_what_all_layers_allow() {
    let counts = compare(7, 4_000);
    println!("{counts:?}");
    assert!(counts.allowed > 300 && counts.must > 100, "{counts:?}");
    assert!(counts.left_out * 10 < counts.requests, "{counts:?}");
}

#[test]
#[ignore = "minutes"]
fn a_hundred_thousand_requests() {
    println!("{:?}", compare(8, 100_000));
}
