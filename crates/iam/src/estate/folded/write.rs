//! Terms of access as statements of policies.

use std::collections::{BTreeMap, BTreeSet};

use super::layers::BindingLayers;
use super::model::LeftOutReason;
use super::term::{ClassAccess, Term, keep_outer};
use crate::actions::Actions;
use crate::bits::Bits;
use crate::pattern::Pattern;
use crate::policy::{Block, Policy, PolicyCondition, Statement};

/// Documents that are being written.
pub(super) struct PolicyDraft<'d> {
    actions: &'d Actions,
    /// Patterns of actions that the policies use, widest first, with what they mean.
    words: &'d [(String, Bits)],
    must: Vec<Statement>,
    may: Vec<Statement>,
}

/// Patterns of actions that the policies of a principal use, and whole services.
pub(super) fn words_of(layers: &BindingLayers<'_>) -> Vec<(String, Bits)> {
    let actions = layers.actions;
    let own = layers
        .identity
        .iter()
        .chain(layers.boundary.iter().flatten());
    let levels = layers.scp.iter().chain(&layers.rcp).flatten();
    let of_resources = layers
        .resources
        .iter()
        .chain(&layers.keys)
        .chain(&layers.roles);
    let named = of_resources.flat_map(|r| r.statements.iter().map(|s| &s.statement));
    let mut patterns: BTreeSet<String> = BTreeSet::new();
    for statement in own.chain(levels).chain(named) {
        if let Some(Block::Is(list) | Block::Not(list)) = &statement.written.action {
            patterns.extend(list.iter().filter(|p| p.contains(['*', '?'])).cloned());
        }
    }
    patterns.extend(actions.services().map(|service| format!("{service}:*")));
    let set = |pattern: String| {
        let set = actions.matching(&pattern);
        (pattern, set)
    };
    let mut words: Vec<(String, Bits)> = patterns.into_iter().map(set).collect();
    words.sort_by_key(|(pattern, set)| (std::cmp::Reverse(set.len()), pattern.clone()));
    words
}

impl<'d> PolicyDraft<'d> {
    pub(super) fn new(actions: &'d Actions, words: &'d [(String, Bits)]) -> Self {
        Self {
            actions,
            words,
            must: Vec::new(),
            may: Vec::new(),
        }
    }

    /// Adds the access by a class of actions to both documents.
    pub(super) fn add(
        &mut self,
        actions: &Bits,
        access: &ClassAccess,
    ) -> Result<(), LeftOutReason> {
        let must = must_of(access)?;
        let may = may_of(access);
        let (must, may) = (statements(&must)?, statements(&may)?);
        let complete = |mut one: Statement| {
            one.action = Some(self.element(actions, &self.idle_in(&one)));
            one
        };
        let (must, may): (Vec<Statement>, Vec<Statement>) = (
            must.into_iter().map(complete).collect(),
            may.into_iter().map(complete).collect(),
        );
        self.must.extend(must);
        self.may.extend(may);
        Ok(())
    }

    /// The documents: of what must be allowed, and of what may be.
    pub(super) fn finish(self) -> (Policy, Policy) {
        let policy = |statements: Vec<Statement>| Policy {
            version: "2012-10-17".to_owned(),
            statements: joined(statements),
            unknown: BTreeMap::new(),
        };
        (policy(self.must), policy(self.may))
    }

    /// Actions that a statement does nothing about: those without resources, where it is about some.
    fn idle_in(&self, statement: &Statement) -> Bits {
        let mut idle = Bits::default();
        if let Some(Block::Is(list)) = &statement.resource
            && !list.iter().any(|r| Pattern::arn(r).matches("*"))
        {
            let all = self.actions.all();
            let bare = self.actions.known(&all);
            bare.filter(|action| self.actions.is_wildcard_only(*action))
                .for_each(|action| idle.insert(action.0));
        }
        idle
    }

    /// Action or NotAction, whichever is shorter. `idle`: actions that may be among them.
    fn element(&self, set: &Bits, idle: &Bits) -> Block<Vec<String>> {
        if *set == self.actions.all() {
            return Block::Is(vec!["*".to_owned()]);
        }
        let rest = self.actions.all().difference(set);
        let none = Bits::default();
        let (own, others) = (self.names(set, idle), self.names(&rest, &none));
        if others.len() < own.len() {
            Block::Not(others)
        } else {
            Block::Is(own)
        }
    }

    fn names(&self, set: &Bits, idle: &Bits) -> Vec<String> {
        let mut left = set.clone();
        let within = set.union(idle);
        let mut names = Vec::new();
        for (pattern, meant) in self.words {
            if left.meets(meant) && within.covers(meant) {
                left = left.difference(meant);
                names.push(pattern.clone());
            }
        }
        // Actions that the table does not know are in whole services only.
        names.extend(
            self.actions
                .known(&left)
                .map(|action| self.actions.name(action)),
        );
        names.sort();
        names
    }
}

/// Access that no condition has a say in.
fn must_of(access: &ClassAccess) -> Result<ClassAccess, LeftOutReason> {
    let mut allows: Vec<Term> = access
        .allows
        .iter()
        .filter(|term| term.conditions.is_empty())
        .cloned()
        .collect();
    let mut denied: Vec<Pattern> = Vec::new();
    for deny in &access.denies {
        if deny.except.is_empty() {
            denied.extend(deny.within.iter().cloned());
            continue;
        }
        // All but some is denied: of what is allowed, these are left.
        let mut next = Vec::new();
        for term in &allows {
            let rest = Term::of(deny.except.clone());
            let is_whole = deny.within.iter().any(Pattern::is_all);
            if !is_whole && !deny.meets(term) {
                next.push(term.clone());
                continue;
            }
            if !is_whole {
                return Err(LeftOutReason::NotOneStatement);
            }
            next.extend(term.both(&rest)?);
        }
        allows = next;
    }
    keep_outer(&mut denied);
    let mut kept: Vec<Term> = Vec::new();
    for mut term in allows {
        term.within.retain(|w| !denied.iter().any(|d| d.covers(w)));
        kept.extend(term.tidied());
    }
    let relevant = |d: &Pattern| {
        kept.iter()
            .any(|t| t.within.iter().any(|w| w.meets(d).is_some()))
    };
    denied.retain(relevant);
    let denies = if denied.is_empty() {
        Vec::new()
    } else {
        vec![Term::of(denied)]
    };
    Ok(ClassAccess {
        allows: kept,
        denies,
    })
}

/// Access that conditions have a say in; nothing where none has.
fn may_of(access: &ClassAccess) -> ClassAccess {
    let is_conditional = |term: &&Term| !term.conditions.is_empty();
    let denied_under = access.denies.iter().any(|d| is_conditional(&d));
    let allows: Vec<Term> = access
        .allows
        .iter()
        .filter(|term| denied_under || is_conditional(term))
        .cloned()
        .collect();
    let denies = access.denies.iter();
    let denies = denies.filter(|d| allows.iter().any(|a| a.meets(d)));
    ClassAccess {
        denies: denies.cloned().collect(),
        allows,
    }
}

/// Terms as statements, without their actions.
fn statements(access: &ClassAccess) -> Result<Vec<Statement>, LeftOutReason> {
    let mut found = Vec::new();
    let mut plain: Vec<(Vec<PolicyCondition>, Vec<Pattern>)> = Vec::new();
    for (number, term) in access.allows.iter().enumerate() {
        if term.except.is_empty() {
            match plain.iter_mut().find(|(c, _)| *c == term.conditions) {
                Some((_, within)) => within.extend(term.within.iter().cloned()),
                None => plain.push((term.conditions.clone(), term.within.clone())),
            }
            continue;
        }
        if term.within.iter().any(Pattern::is_all) {
            let resource = Block::Not(texts(&term.except));
            found.push(statement("Allow", resource, &term.conditions));
            continue;
        }
        // Some resources without others: a statement that denies these, if no other term allows them.
        let others = access
            .allows
            .iter()
            .enumerate()
            .filter(|(n, _)| *n != number);
        let left = Term::of(term.except.clone());
        if others.into_iter().any(|(_, other)| other.meets(&left)) {
            return Err(LeftOutReason::NotOneStatement);
        }
        found.push(statement(
            "Allow",
            Block::Is(texts(&term.within)),
            &term.conditions,
        ));
        found.push(statement("Deny", Block::Is(texts(&term.except)), &[]));
    }
    for (conditions, mut within) in plain {
        keep_outer(&mut within);
        found.push(statement("Allow", Block::Is(texts(&within)), &conditions));
    }
    let mut denied: Vec<(Vec<PolicyCondition>, Vec<Pattern>)> = Vec::new();
    for term in &access.denies {
        if term.except.is_empty() {
            match denied.iter_mut().find(|(c, _)| *c == term.conditions) {
                Some((_, within)) => within.extend(term.within.iter().cloned()),
                None => denied.push((term.conditions.clone(), term.within.clone())),
            }
            continue;
        }
        if !term.within.iter().any(Pattern::is_all) {
            return Err(LeftOutReason::NotOneStatement);
        }
        let resource = Block::Not(texts(&term.except));
        found.push(statement("Deny", resource, &term.conditions));
    }
    for (conditions, mut within) in denied {
        keep_outer(&mut within);
        found.push(statement("Deny", Block::Is(texts(&within)), &conditions));
    }
    Ok(found)
}

fn texts(patterns: &[Pattern]) -> Vec<String> {
    patterns.iter().map(ToString::to_string).collect()
}

fn statement(
    effect: &str,
    resource: Block<Vec<String>>,
    conditions: &[PolicyCondition],
) -> Statement {
    Statement {
        effect: effect.to_owned(),
        principal: None,
        action: None,
        resource: Some(resource),
        conditions: conditions.to_vec(),
        sid: None,
        unknown: BTreeMap::new(),
    }
}

/// Statements that differ by their actions only, as one.
fn joined(statements: Vec<Statement>) -> Vec<Statement> {
    let mut joined: Vec<Statement> = Vec::new();
    for statement in statements {
        let same = |known: &&mut Statement| {
            (&known.effect, &known.resource, &known.conditions)
                == (
                    &statement.effect,
                    &statement.resource,
                    &statement.conditions,
                )
                && matches!(known.action, Some(Block::Is(_)))
                && matches!(statement.action, Some(Block::Is(_)))
        };
        match (joined.iter_mut().find(same), &statement.action) {
            (Some(known), Some(Block::Is(more))) => {
                if let Some(Block::Is(list)) = &mut known.action {
                    list.extend(more.iter().cloned());
                    list.sort();
                    list.dedup();
                }
            }
            _ => joined.push(statement),
        }
    }
    joined.sort_by_key(|s| s.effect.clone());
    joined
}

impl Policy {
    /// The policy with the actions of its allows that are in a set, and nothing else: a smaller
    /// policy, never a wider one.
    ///
    /// ```
    /// use bartizan_iam::Actions;
    /// let policy = bartizan_iam::parse(r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
    ///     "Action": "s3:*", "Resource": "arn:aws:s3:::b/*"}}"#)?;
    /// let used = Actions::builtin().matching("s3:GetObject");
    /// let smaller = policy.narrowed(&used, Actions::builtin());
    /// assert!(smaller.json().to_string().contains(r#""Action":["s3:GetObject"]"#));
    /// # Ok::<(), bartizan_iam::PolicyError>(())
    /// ```
    pub fn narrowed(&self, used: &Bits, actions: &Actions) -> Self {
        let words: Vec<(String, Bits)> = actions
            .services()
            .map(|service| {
                let pattern = format!("{service}:*");
                let set = actions.matching(&pattern);
                (pattern, set)
            })
            .collect();
        let draft = PolicyDraft::new(actions, &words);
        let narrow = |statement: &Statement| {
            let set = actions_of(statement, actions).intersection(used);
            let mut one = statement.clone();
            one.action = Some(Block::Is(draft.names(&set, &Bits::default())));
            (!set.is_empty()).then_some(one)
        };
        Self {
            statements: joined(self.statements.iter().filter_map(narrow).collect()),
            ..self.clone()
        }
    }

    /// Actions that its allows are about.
    ///
    /// ```
    /// use bartizan_iam::Actions;
    /// let policy = bartizan_iam::parse(r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
    ///     "Action": "iam:PassRole", "Resource": "*"}}"#)?;
    /// assert_eq!(policy.allowed_actions(Actions::builtin()).len(), 1);
    /// # Ok::<(), bartizan_iam::PolicyError>(())
    /// ```
    pub fn allowed_actions(&self, actions: &Actions) -> Bits {
        let allows = self.statements.iter().filter(|s| s.effect != "Deny");
        allows.fold(Bits::default(), |all, s| all.union(&actions_of(s, actions)))
    }
}

fn actions_of(statement: &Statement, actions: &Actions) -> Bits {
    let set = |list: &[String]| {
        let sets = list.iter().map(|pattern| actions.matching(pattern));
        sets.fold(Bits::default(), |all, set| all.union(&set))
    };
    match &statement.action {
        None => Bits::default(),
        Some(Block::Is(list)) => set(list),
        Some(Block::Not(list)) => actions.all().difference(&set(list)),
    }
}
