//! From a parsed policy to a compiled one.

use std::collections::HashMap;

use super::condition::CompiledCondition;
use super::resource::ResourcePattern;
use super::statement::{Compiled, CompiledStatement, StatementEffect};
use crate::actions::Actions;
use crate::bits::Bits;
use crate::pattern::Pattern;
use crate::policy::{Block, Policy, Principal, Statement};
use crate::request::PolicyGrammar;
use crate::service;

/// Compiles policies. It remembers what each pattern of actions means, as accounts repeat a few
/// thousand of them.
///
/// ```
/// use bartizan_iam::{Actions, Compiler, PolicyGrammar, parse};
/// let mut compiler = Compiler::new(Actions::builtin());
/// // An effect that AWS does not know: kept, counted, and never a quiet no.
/// let odd = parse(r#"{"Version": "2012-10-17", "Statement": {"Effect": "Perhaps",
///     "Action": "*", "Resource": "*"}}"#)?;
/// assert_eq!(compiler.compile(&odd, PolicyGrammar::Identity).not_understood, 1);
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
pub struct Compiler<'a> {
    actions: &'a Actions,
    sets: HashMap<String, Bits>,
}

/// Patterns that a compiler remembers.
const SETS_MAX: usize = 50_000;

impl<'a> Compiler<'a> {
    /// A compiler for a table of actions.
    pub fn new(actions: &'a Actions) -> Self {
        Self {
            actions,
            sets: HashMap::new(),
        }
    }

    /// Compiles a policy for the place where it stands.
    ///
    /// ```
    /// use bartizan_iam::{
    ///     Actions, Compiled, Compiler, Context, Decision, Layers, PolicyGrammar, Request,
    ///     RequestCaller, parse,
    /// };
    /// let actions = Actions::builtin();
    /// let policy = parse(
    ///     r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}}"#,
    /// )?;
    /// let policy = Compiler::new(actions).compile(&policy, PolicyGrammar::Identity);
    /// let request = Request {
    ///     action: "s3:GetObject".into(),
    ///     resource: "arn:aws:s3:::bucket/key".into(),
    ///     resource_account: Some("123456789012".into()),
    ///     caller: RequestCaller::Aws("arn:aws:iam::123456789012:user/alice".into()),
    ///     context: Context::default(),
    /// };
    /// let layers = Layers {
    ///     identity: vec![&policy],
    ///     ..Layers::default()
    /// };
    /// assert_eq!(
    ///     Compiled::evaluate(&request, &layers, actions).decision,
    ///     Decision::Allowed
    /// );
    /// # Ok::<(), bartizan_iam::PolicyError>(())
    /// ```
    pub fn compile(&mut self, policy: &Policy, side: PolicyGrammar) -> Compiled {
        let known = policy.unknown.is_empty() && policy.is_version_known();
        let statements: Vec<_> = policy
            .statements
            .iter()
            .map(|s| self.statement(s, policy.version == "2012-10-17", known, side))
            .collect();
        let not_understood = statements.iter().filter(|s| !s.is_understood()).count();
        let mut actions_unlisted = 0;
        for statement in &policy.statements {
            if let Some(Block::Is(list) | Block::Not(list)) = &statement.action {
                actions_unlisted += list
                    .iter()
                    .filter(|a| self.set(std::slice::from_ref(*a)).is_empty())
                    .count();
            }
        }
        Compiled {
            statements,
            not_understood,
            actions_unlisted,
            is_public: service::is_public_policy(policy),
        }
    }

    /// The actions that some patterns mean.
    pub(crate) fn set(&mut self, patterns: &[String]) -> Bits {
        let mut all = Bits::default();
        for pattern in patterns {
            if self.sets.len() >= SETS_MAX {
                self.sets.clear();
            }
            let set = match self.sets.get(pattern) {
                Some(set) => set,
                None => self
                    .sets
                    .entry(pattern.clone())
                    .or_insert_with(|| self.actions.matching(pattern)),
            };
            all = if all.is_empty() {
                set.clone()
            } else {
                all.union(set)
            };
        }
        all
    }
}

impl Compiler<'_> {
    fn statement(
        &mut self,
        statement: &Statement,
        variables: bool,
        known: bool,
        side: PolicyGrammar,
    ) -> CompiledStatement {
        let patterns = |list: &[String]| -> Vec<(String, Pattern)> {
            let lower = list.iter().map(|a| a.to_ascii_lowercase());
            let pair = |a: String| match a.as_str() {
                "*" | "*:*" => Some(("*".to_owned(), Pattern::text("*"))),
                _ => a
                    .split_once(':')
                    .map(|(service, name)| (service.to_owned(), Pattern::text(name))),
            };
            lower.filter_map(pair).collect()
        };
        let (set, unlisted) = match &statement.action {
            None => (Bits::default(), Block::Is(Vec::new())),
            Some(Block::Is(list)) => (self.set(list), Block::Is(patterns(list))),
            Some(Block::Not(list)) => (
                self.actions.all().difference(&self.set(list)),
                Block::Not(patterns(list)),
            ),
        };
        let resources = |list: &Vec<String>| {
            list.iter()
                .filter_map(|r| ResourcePattern::new(r, variables, side))
                .collect()
        };
        CompiledStatement {
            sid: statement.sid.clone(),
            effect: match statement.effect.as_str() {
                "Allow" => StatementEffect::Allow,
                "Deny" => StatementEffect::Deny,
                _ => StatementEffect::Other,
            },
            understood: known && statement.unknown.is_empty() && statement.action.is_some(),
            actions: if statement.action.is_some() {
                set
            } else {
                self.actions.all()
            },
            unlisted: if statement.action.is_some() {
                unlisted
            } else {
                Block::Not(Vec::new())
            },
            resource: match &statement.resource {
                // In the policy of a key such a statement does nothing; policies of roles and
                // repositories have no Resource.
                None if side == PolicyGrammar::Resource => {
                    Some(Block::Not(vec![ResourcePattern::Pattern(Pattern::arn(
                        KEYS,
                    ))]))
                }
                None => None,
                Some(Block::Is(list)) => Some(Block::Is(resources(list))),
                Some(Block::Not(list)) => Some(Block::Not(resources(list))),
            },
            principal: match side {
                PolicyGrammar::Identity | PolicyGrammar::Scp => {
                    Some(Block::Is(vec![Principal::Star]))
                }
                PolicyGrammar::Resource | PolicyGrammar::Rcp => statement.principal.clone(),
            },
            conditions: statement
                .conditions
                .iter()
                .map(|c| CompiledCondition::new(c, variables))
                .collect(),
            is_without_resource: side == PolicyGrammar::Resource && statement.resource.is_none(),
            lacks_action: side == PolicyGrammar::Resource && statement.action.is_none(),
        }
    }
}

/// Every KMS key.
const KEYS: &str = "arn:*:kms:*:*:key/*";
