//! Trust policies: principals and services that roles trust.

use std::collections::HashMap;

use super::sets::{SureAndPossible, add};
use crate::account::Account;
use crate::arn::Arn;
use crate::engine::{CompiledStatement, StatementEffect};
use crate::policy::{Block, Principal};
use crate::request::{Context, ContextValue};
use crate::service::{is_everybody, is_reserved_role};
use crate::tri::Tri;

/// Cognito gives the roles of an identity pool out to whom the attacker likes.
const COGNITO: &str = "cognito-identity.amazonaws.com";

/// Roles by whom they trust.
#[derive(Default)]
pub(super) struct TrustIndex {
    /// By service principal, e.g. `lambda.amazonaws.com`.
    pub(super) services: HashMap<String, SureAndPossible>,
    /// By ARN of a user or role.
    pub(super) arns: HashMap<String, SureAndPossible>,
    /// Trusting the whole account.
    pub(super) account: SureAndPossible,
    pub(super) everybody: SureAndPossible,
}

impl TrustIndex {
    pub(super) fn new(account: &Account<'_>) -> Self {
        let assume = account.actions.bit("sts:AssumeRole");
        let mut trust = Self::default();
        for (number, role) in account.principals.iter().enumerate() {
            let (Some(document), false) = (role.trust, is_reserved_role(&role.arn)) else {
                continue;
            };
            let statements = &account.documents[document as usize].compiled.statements;
            // A deny in a trust policy is rare: what it leaves is not sure.
            let denies = statements
                .iter()
                .any(|s| s.effect != StatementEffect::Allow);
            let allows = statements
                .iter()
                .filter(|s| s.effect == StatementEffect::Allow);
            for statement in allows {
                if statement.actions.contains(assume) {
                    trust.enter(statement, denies, &account.id, number as u32);
                } else {
                    trust.enter_federated(statement, number as u32);
                }
            }
        }
        trust
    }

    /// Enters a statement that lets its principals call `sts:AssumeRole`.
    fn enter(&mut self, statement: &CompiledStatement, denies: bool, account: &str, number: u32) {
        let mut context = Context::open();
        context.set(
            "aws:PrincipalAccount",
            ContextValue::One(account.to_owned()),
        );
        let mut verdict = statement
            .conditions
            .iter()
            .fold(Tri::Yes, |v, c| v.and(c.holds(&context)));
        if denies || !statement.understood {
            verdict = verdict.and(Tri::Maybe);
        }
        let list = match &statement.principal {
            None => return,
            Some(Block::Not(_)) => {
                return add(&mut self.everybody, verdict.and(Tri::Maybe), number);
            }
            Some(Block::Is(list)) => list,
        };
        for principal in list {
            let Principal::Of(kind, value) = principal else {
                add(&mut self.everybody, verdict, number);
                continue;
            };
            let sets = match kind.as_str() {
                "AWS" if is_everybody(principal) => &mut self.everybody,
                "AWS" if value == account || Arn::is_root_of(value, account) => &mut self.account,
                "AWS" => self.arns.entry(value.clone()).or_default(),
                "Service" => self.services.entry(value.clone()).or_default(),
                "Federated" if value == COGNITO => self.services.entry(value.clone()).or_default(),
                _ => continue,
            };
            add(sets, verdict, number);
        }
    }

    /// Enters a statement of another action: roles that only web identities may assume have one.
    fn enter_federated(&mut self, statement: &CompiledStatement, number: u32) {
        let Some(Block::Is(list)) = &statement.principal else {
            return;
        };
        let cognito = Principal::Of("Federated".to_owned(), COGNITO.to_owned());
        for _ in list.iter().filter(|principal| **principal == cognito) {
            let verdict = if statement.conditions.is_empty() {
                Tri::Yes
            } else {
                Tri::Maybe
            };
            add(
                self.services.entry(COGNITO.to_owned()).or_default(),
                verdict,
                number,
            );
        }
    }
}
