//! Compiled statements.

use super::condition::CompiledCondition;
use super::resource::ResourcePattern;
use crate::bits::Bits;
use crate::pattern::Pattern;
use crate::policy::{Block, Principal};
use crate::request::Context;
use crate::service;
use crate::tri::Tri;

/// A policy, ready for requests.
///
/// ```
/// use bartizan_iam::{Actions, Compiler, PolicyGrammar, parse};
/// let policy = parse(r#"{"Version": "2012-10-17", "Statement": {"Sid": "Read",
///     "Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}"#)?;
/// let compiled = Compiler::new(Actions::builtin()).compile(&policy, PolicyGrammar::Identity);
/// assert_eq!((compiled.sid(0), compiled.not_understood), (Some("Read"), 0));
/// # Ok::<(), bartizan_iam::PolicyError>(())
/// ```
#[derive(Debug)]
pub struct Compiled {
    pub(crate) statements: Vec<CompiledStatement>,
    /// Statements that are not wholly understood: what they touch is unknown.
    pub not_understood: usize,
    /// Patterns of actions that name nothing in the table: decided by their text, in no set.
    pub actions_unlisted: usize,
    /// Whether S3 would call it public.
    pub(super) is_public: bool,
}

impl Compiled {
    /// `Sid` of a statement.
    pub fn sid(&self, statement: usize) -> Option<&str> {
        self.statements.get(statement)?.sid.as_deref()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatementEffect {
    Allow,
    Deny,
    /// Neither word.
    Other,
}

#[derive(Debug)]
pub(crate) struct CompiledStatement {
    pub(crate) sid: Option<String>,
    pub(crate) effect: StatementEffect,
    /// Whether every element of it is known.
    pub(crate) understood: bool,
    /// The actions it is about; `NotAction` is a complement.
    pub(crate) actions: Bits,
    /// Patterns for actions that the table does not know: service, name.
    pub(crate) unlisted: Block<Vec<(String, Pattern)>>,
    pub(crate) resource: Option<Block<Vec<ResourcePattern>>>,
    pub(crate) principal: Option<Block<Vec<Principal>>>,
    pub(crate) conditions: Vec<CompiledCondition>,
    /// Of a resource, and without Resource: as trust policies are.
    pub(crate) is_without_resource: bool,
    /// Of a resource, and without Action: it does nothing in the policy of a key, and is not
    /// understood elsewhere.
    pub(super) lacks_action: bool,
}

impl CompiledStatement {
    /// Whether resource and conditions fit; what is not understood may.
    pub(crate) fn applies_to(&self, resource: &str, context: &Context) -> Tri {
        let any = |list: &[ResourcePattern]| {
            list.iter().fold(Tri::No, |v, r| {
                if v == Tri::Yes {
                    v
                } else {
                    v.or(r.holds(resource, context))
                }
            })
        };
        let mut verdict = match &self.resource {
            None => Tri::Maybe,
            Some(Block::Is(list)) => any(list),
            Some(Block::Not(list)) => any(list).not(),
        };
        if self.lacks_action && service::is_key(resource) {
            return Tri::No;
        }
        for condition in &self.conditions {
            if verdict == Tri::No {
                break;
            }
            verdict = verdict.and(condition.holds(context));
        }
        if self.understood {
            verdict
        } else {
            verdict.and(Tri::Maybe)
        }
    }

    /// Whether it is about an action that the table does not know, in lower case.
    pub(crate) fn is_about_unlisted(&self, service: &str, name: &str) -> bool {
        let any = |list: &[(String, Pattern)]| {
            list.iter()
                .any(|(s, n)| (s == "*" || s == service) && n.matches(name))
        };
        match &self.unlisted {
            Block::Is(list) => any(list),
            Block::Not(list) => !any(list),
        }
    }

    /// Condition keys that its resources have as variables, in lower case.
    pub(super) fn variables(&self) -> Vec<&str> {
        let (Some(Block::Is(list)) | Some(Block::Not(list))) = &self.resource else {
            return Vec::new();
        };
        list.iter().flat_map(ResourcePattern::variables).collect()
    }

    /// Whether a resource in it depends on the request.
    pub(crate) fn has_templates(&self) -> bool {
        let (Some(Block::Is(list)) | Some(Block::Not(list))) = &self.resource else {
            return false;
        };
        list.iter()
            .any(|r| matches!(r, ResourcePattern::Template(_)))
    }

    pub(crate) fn is_understood(&self) -> bool {
        let principals = match &self.principal {
            None => &[][..],
            Some(Block::Is(list) | Block::Not(list)) => list,
        };
        self.understood
            && self.effect != StatementEffect::Other
            && self.resource.is_some()
            && self.conditions.iter().all(|c| c.operator.is_some())
            && principals.iter().all(Principal::is_known_kind)
            && !(self.is_without_resource && matches!(self.principal, Some(Block::Not(_))))
    }
}
