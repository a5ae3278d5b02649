//! `bartizan access can`.

use anyhow::Result;
use bartizan_iam::{Account, Actions, Estate, Extent, Owner, QuestionCaller, SetAnswer, Tri};
use serde_json::json;

use crate::access::{KnownRequest, accounts, actions, check_question, is_of_set};
use crate::cli::{AccessCanArgs, Format, Global};
use crate::outcome::Outcome;
use crate::render::{
    Out, answer, answer_of_set, assumptions_given, lines_of_set, note_unread, word, word_of_set,
};

pub(super) fn run(global: &Global, args: &AccessCanArgs) -> Result<Outcome> {
    let actions = actions(&args.on.table)?;
    check_question(&actions, &args.asked.action, &args.asked.resource)?;
    let accounts = accounts(global, args.on.on.as_deref(), &actions)?;
    note_unread(global, &accounts);
    let estate = Estate::new(&accounts);
    let request = KnownRequest::of_caller(&estate, &actions, args)?;
    let sides = sides(&estate, &request, args);
    let question = request.question(&args.asked);
    if is_of_set(&actions, &args.asked.action, &args.asked.resource) {
        let said = estate.ask_set(&question);
        return of_set(global, args, &sides, &actions, &said);
    }
    let said = estate.ask(&question);
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

/// The answer for all actions and resources that patterns match.
fn of_set(
    global: &Global,
    args: &AccessCanArgs,
    sides: &AskedAccounts<'_, '_>,
    actions: &Actions,
    said: &SetAnswer,
) -> Result<Outcome> {
    let mut out = Out::new();
    if global.format == Format::Human {
        out.line(&format!(
            "{:4}  {} on {} of {}: {}",
            word_of_set(said),
            args.principal,
            said.extent.word(),
            args.asked.resource,
            args.asked.action
        ))?;
        lines_of_set(said, actions)
            .iter()
            .try_for_each(|line| out.line(&format!("      {line}")))?;
        sides
            .assumptions()
            .iter()
            .try_for_each(|a| out.line(&format!("      {a}")))?;
        out.flush()?;
    } else {
        let mut value = answer_of_set(said, actions);
        value["principal"] = json!(args.principal);
        value["action"] = json!(args.asked.action);
        value["resource"] = json!(args.asked.resource);
        value["account"] = json!(sides.account);
        value["assumptions"] = json!(sides.assumptions());
        out.json(global.format, vec![value])?;
    }
    let unread = said.parts.iter().any(|part| !part.said.unread.is_empty());
    if args.on.require_complete && (unread || said.cut || sides.is_cut()) {
        return Ok(Outcome::Incomplete);
    }
    Ok(if said.extent == Extent::None {
        Outcome::Findings
    } else {
        Outcome::Done
    })
}

/// The accounts of both sides, as far as they were read.
struct AskedAccounts<'x, 'a> {
    /// Account of the caller; of the resource, where the caller's was not read.
    account: String,
    read: Vec<&'x Account<'a>>,
    is_of_session: bool,
    is_of_endpoint: bool,
}

impl AskedAccounts<'_, '_> {
    /// Assumptions behind an answer about both accounts, each once.
    fn assumptions(&self) -> Vec<String> {
        let mut list: Vec<String> = Vec::new();
        for assumption in self
            .read
            .iter()
            .flat_map(|account| self.assumed_of(account))
        {
            if !list.contains(&assumption) {
                list.push(assumption);
            }
        }
        list
    }

    fn assumed_of(&self, account: &Account<'_>) -> Vec<String> {
        assumptions_given(account, self.is_of_session, self.is_of_endpoint)
    }

    fn is_cut(&self) -> bool {
        self.read.iter().any(|a| a.principals_cut().is_some())
    }
}

fn sides<'x, 'a>(
    estate: &Estate<'x, 'a>,
    request: &KnownRequest<'_>,
    args: &AccessCanArgs,
) -> AskedAccounts<'x, 'a> {
    let id = match &request.caller {
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
        is_of_session: request.is_of_session(),
        is_of_endpoint: args.asked.from_vpce.is_some(),
    }
}
