//! `bartizan access can`.

use anyhow::{Context, Result};
use bartizan_iam::{
    AccessQuestion, Account, Arn, CallerKind, Estate, Extent, Owner, PatternAnswer, QuestionCaller,
    RequestCaller, Tri,
};
use serde_json::json;

use crate::access::{accounts, actions, check_question, is_of_many, nobody};
use crate::cli::{AccessCanArgs, Format, Global};
use crate::outcome::Outcome;
use crate::render::{Out, answer, answer_of_many, assumptions, note_unread, word, word_of_many};

pub(super) fn run(global: &Global, args: &AccessCanArgs) -> Result<Outcome> {
    let actions = actions(&args.on.table)?;
    check_question(&actions, &args.asked.action, &args.asked.resource)?;
    let accounts = accounts(global, args.on.on.as_deref(), &actions)?;
    note_unread(global, &accounts);
    let estate = Estate::new(&accounts);
    let caller = caller(&estate, &args.principal)?;
    if is_of_many(&args.asked.resource)
        && let QuestionCaller::Principal(id) = caller
    {
        let many = estate.ask_many(id, &args.asked.action, &args.asked.resource);
        return of_many(global, args, &accounts[id.account], &many);
    }
    let sides = sides(&estate, &caller, args);
    let said = estate.ask(&AccessQuestion::new(
        caller,
        &args.asked.action,
        &args.asked.resource,
    ));
    let account = sides.account.clone();
    let assumptions = sides.assumptions();
    let mut out = Out::new();
    if global.format == Format::Human {
        let (can, under) = match said.verdict {
            Tri::Yes => ("can", ""),
            Tri::Maybe if said.conditions.is_empty() && !said.unread.is_empty() => {
                ("can", ", as far as was read")
            }
            Tri::Maybe => ("can", ", under conditions"),
            Tri::No => ("cannot", ""),
        };
        out.line(&format!(
            "{:4}  {} {can} {} on {}{under}",
            word(said.verdict),
            args.principal,
            args.asked.action,
            args.asked.resource
        ))?;
        for because in &said.because {
            out.line(&format!("      {because}"))?;
        }
        for unread in &said.unread {
            out.line(&format!("      {unread}"))?;
        }
        for condition in &said.conditions {
            out.line(&format!("      depends on: {condition}"))?;
        }
        for assumption in assumptions {
            out.line(&format!("      {assumption}"))?;
        }
    } else {
        let mut value = answer(&said);
        value["principal"] = json!(args.principal);
        value["action"] = json!(args.asked.action);
        value["resource"] = json!(args.asked.resource);
        value["account"] = json!(account);
        value["assumptions"] = json!(assumptions);
        out.json(global.format, vec![value])?;
    }
    if args.on.require_complete && (!said.unread.is_empty() || sides.is_cut()) {
        return Ok(Outcome::Incomplete);
    }
    Ok(if said.verdict == Tri::No {
        Outcome::Findings
    } else {
        Outcome::Done
    })
}

/// The answer for all resources that a pattern matches.
fn of_many(
    global: &Global,
    args: &AccessCanArgs,
    account: &Account<'_>,
    many: &PatternAnswer,
) -> Result<Outcome> {
    let mut out = Out::new();
    if global.format == Format::Human {
        let (answer, extent) = (word_of_many(many), many.extent.word());
        out.line(&format!(
            "{answer:4}  {} on {extent} of {}: {}",
            args.principal, args.asked.resource, args.asked.action
        ))?;
        for (example, said) in many.classes.iter().take(CLASSES_SHOWN) {
            let by = said
                .unread
                .first()
                .or(said.because.first())
                .map(String::as_str)
                .unwrap_or_default();
            out.line(&format!("      {:4}  {example}  {by}", word(said.verdict)))?;
        }
        if many.cut || many.classes.len() > CLASSES_SHOWN {
            out.line("      and more that are decided otherwise")?;
        }
        assumptions(account)
            .iter()
            .try_for_each(|a| out.line(&format!("      {a}")))?;
        out.flush()?;
    } else {
        let mut value = answer_of_many(many);
        value["principal"] = json!(args.principal);
        value["action"] = json!(args.asked.action);
        value["resource"] = json!(args.asked.resource);
        value["account"] = json!(account.id);
        value["assumptions"] = json!(assumptions(account));
        out.json(global.format, vec![value])?;
    }
    Ok(if many.extent == Extent::None {
        Outcome::Findings
    } else {
        Outcome::Done
    })
}

/// Kinds of resources that one answer shows.
const CLASSES_SHOWN: usize = 12;

/// The accounts of both sides, as far as they were read.
struct AskedAccounts<'x, 'a> {
    /// Account of the caller; of the resource, where the caller's was not read.
    account: String,
    read: Vec<&'x Account<'a>>,
}

impl AskedAccounts<'_, '_> {
    /// Assumptions behind an answer about both accounts, each once.
    fn assumptions(&self) -> Vec<String> {
        let mut list: Vec<String> = Vec::new();
        for assumption in self.read.iter().flat_map(|account| assumptions(account)) {
            if !list.contains(&assumption) {
                list.push(assumption);
            }
        }
        list
    }

    fn is_cut(&self) -> bool {
        self.read.iter().any(|a| a.principals_cut().is_some())
    }
}

fn sides<'x, 'a>(
    estate: &Estate<'x, 'a>,
    caller: &QuestionCaller,
    args: &AccessCanArgs,
) -> AskedAccounts<'x, 'a> {
    let id = match caller {
        QuestionCaller::Principal(id) => Some(estate.accounts[id.account].id.as_str()),
        QuestionCaller::Other(caller) => caller.account(),
    };
    let home = id.and_then(|id| estate.account(id));
    let mut read: Vec<&Account<'a>> = home.into_iter().collect();
    for owner in estate.owners(id, &args.asked.resource) {
        if let Owner::Read(there) = owner
            && read.iter().all(|account| account.id != there.id)
        {
            read.push(there);
        }
    }
    let account = read.first().map_or(id.unwrap_or_default(), |a| &a.id);
    AskedAccounts {
        account: account.to_owned(),
        read,
    }
}

/// Whoever an argument means: a user or role that was read, or a principal that was not.
fn caller(estate: &Estate<'_, '_>, name: &str) -> Result<QuestionCaller> {
    let error = match estate.principal(name) {
        Ok(id) => return Ok(id.into()),
        Err(error) => error,
    };
    anyhow::ensure!(!estate.accounts.is_empty(), "there is no account to ask");
    let caller = RequestCaller::Aws(name.to_owned());
    let read = Arn::parse(name).and_then(|arn| estate.account(arn.account));
    let is_outside = Arn::parse(name).is_some() && read.is_none();
    // Sessions and the root user are in no list.
    let has_role = |account: &Account<'_>| {
        let mut principals = account.principals.iter();
        principals.any(|p| Some(p.name.as_str()) == caller.role())
    };
    let is_session = caller.kind() == CallerKind::Session && read.is_some_and(has_role);
    if is_outside || is_session || caller.kind() == CallerKind::Root {
        return Ok(caller.into());
    }
    let cut = estate
        .accounts
        .iter()
        .find(|a| a.principals_cut().is_some());
    let account = read.or(cut).unwrap_or(&estate.accounts[0]);
    Err(anyhow::anyhow!(nobody(account, error)))
        .context("cannot tell who is meant; give a name, role/NAME, or an ARN")
}
