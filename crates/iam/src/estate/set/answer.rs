//! A question about a set: one request of each part, and parts that are answered alike put
//! together.

use super::asked::AskedPiece;
use super::cells::ToldApart;
use super::model::{ResourceCell, SetAnswer, SetPart};
use crate::bits::Bits;
use crate::engine::CompiledStatement;
use crate::estate::answer::AccessAnswer;
use crate::estate::keys::known_keys;
use crate::estate::model::Estate;
use crate::estate::owner::Owner;
use crate::estate::parties::{Asker, Target};
use crate::estate::question::AccessQuestion;
use crate::limits::PARTS_MAX;
use crate::request::{Context, Request};

impl<'x, 'a> Estate<'x, 'a> {
    /// Whether somebody may do all, some or none of what a pattern of actions (`s3:*`) and one of
    /// resources (`arn:aws:s3:::payroll/*`) match. Where the resource leaves the account open, all
    /// accounts that were read are meant.
    pub fn ask_set(&self, question: &AccessQuestion<'_>) -> SetAnswer {
        let asker = self.asker(&question.caller);
        let pieces = self.asked_pieces(asker.account(), question.action, question.resource);
        self.ask_pieces(question, &asker, &pieces)
    }

    pub(super) fn ask_pieces(
        &self,
        question: &AccessQuestion<'_>,
        asker: &Asker<'x, 'a>,
        pieces: &[AskedPiece<'x, 'a>],
    ) -> SetAnswer {
        let own = statements(question, asker);
        let context = self.known_of_caller(question, asker);
        let (mut parts, mut cut) = (Vec::new(), false);
        for piece in pieces {
            let theirs = piece.statements();
            let all: Vec<&CompiledStatement> = own.iter().copied().chain(theirs).collect();
            for class in split(&piece.actions, &all) {
                let about: Vec<&CompiledStatement> = all
                    .iter()
                    .filter(|s| s.actions.meets(&class))
                    .copied()
                    .collect();
                let Some(first) = class.iter().next() else {
                    continue;
                };
                let action = self.actions.bit_name(first);
                let cells = if piece.within.is_empty() {
                    vec![(ResourceCell::one("*"), "*".to_owned())]
                } else {
                    let (cells, whole) = piece.cells(&ToldApart::by(&about, &context));
                    cut |= !whole;
                    cells
                };
                for (cell, example) in cells {
                    if parts.len() >= PARTS_MAX {
                        return SetAnswer::new(merged(parts), true);
                    }
                    let one = AccessQuestion {
                        action: &action,
                        resource: &example,
                        ..question.clone()
                    };
                    let said = self.ask(&one);
                    parts.push(SetPart {
                        actions: class.clone(),
                        cells: vec![cell],
                        example: (action.clone(), example),
                        said,
                    });
                }
            }
        }
        SetAnswer::new(merged(parts), cut)
    }

    /// Keys that are known whatever is asked for.
    fn known_of_caller(&self, question: &AccessQuestion<'_>, asker: &Asker<'x, 'a>) -> Context {
        let target = Target::new(Owner::Unknown, "", "*");
        let mut request = Request {
            action: String::new(),
            resource: "*".to_owned(),
            resource_account: None,
            caller: asker.caller.clone(),
            context: question.context.clone(),
        };
        known_keys(self, asker, &target, &mut request);
        request.complete(self.actions);
        request.context
    }
}

/// Statements of the caller's side.
fn statements<'q>(
    question: &AccessQuestion<'q>,
    asker: &Asker<'q, '_>,
) -> Vec<&'q CompiledStatement> {
    let mut found = Vec::new();
    if let Some(home) = asker.home {
        let own = asker.principal.into_iter();
        let own = own.flat_map(|p| p.policies.iter().chain(&p.boundary));
        for document in own.chain(home.scp.iter().flatten()) {
            found.extend(&home.documents[*document as usize].compiled.statements);
        }
    }
    for policy in question.session.iter().chain(&question.endpoint) {
        found.extend(&policy.statements);
    }
    found
}

/// Actions in classes that the same statements are about.
fn split(actions: &Bits, statements: &[&CompiledStatement]) -> Vec<Bits> {
    let mut classes = vec![actions.clone()];
    for statement in statements {
        if classes.len() >= actions.len() {
            break;
        }
        let apart = |class: Bits| {
            [
                class.intersection(&statement.actions),
                class.difference(&statement.actions),
            ]
        };
        classes = classes
            .into_iter()
            .flat_map(apart)
            .filter(|c| !c.is_empty())
            .collect();
    }
    classes
}

/// Parts with the same answer as one: first all actions on the same resources, then all resources
/// of the same actions.
fn merged(parts: Vec<SetPart>) -> Vec<SetPart> {
    let is_same = |a: &AccessAnswer, b: &AccessAnswer| {
        (a.verdict, &a.because, &a.conditions, &a.unread)
            == (b.verdict, &b.because, &b.conditions, &b.unread)
    };
    let mut by_cells: Vec<SetPart> = Vec::new();
    for part in parts {
        let same =
            |known: &&mut SetPart| known.cells == part.cells && is_same(&known.said, &part.said);
        match by_cells.iter_mut().find(same) {
            Some(known) => known.actions = known.actions.union(&part.actions),
            None => by_cells.push(part),
        }
    }
    let mut merged: Vec<SetPart> = Vec::new();
    for mut part in by_cells {
        let same = |known: &&mut SetPart| {
            known.actions == part.actions && is_same(&known.said, &part.said)
        };
        match merged.iter_mut().find(same) {
            Some(known) => known.cells.append(&mut part.cells),
            None => merged.push(part),
        }
    }
    merged
}
