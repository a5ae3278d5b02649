//! Principals of other accounts that the policy of a resource may let in: few of all, so that only
//! they are asked about.

use std::collections::{BTreeSet, HashMap};

use crate::account::{Account, DocumentId, UnreadPolicy};
use crate::arn::Arn;
use crate::engine::{CompiledStatement, StatementEffect};
use crate::estate::{Estate, PrincipalId, QuestionCaller};
use crate::policy::{Block, Principal};
use crate::request::{Context, RequestCaller};
use crate::service::{is_everybody, is_reserved_role};
use crate::tri::Tri;

use super::nodes::Nodes;

/// Principals of one account whose own policies are about an action, those with the same policies
/// together.
pub(super) struct CallerClasses {
    classes: Vec<CallerClass>,
}

struct CallerClass {
    /// Documents about the action.
    documents: Vec<DocumentId>,
    /// Whether identity policies were not read, which may allow it.
    is_unread: bool,
    /// One of several only where nothing in their policies tells them apart.
    members: Vec<u32>,
}

impl CallerClasses {
    pub(super) fn new(account: &Account<'_>, bit: u32) -> Self {
        let about: Vec<Option<bool>> = account
            .documents
            .iter()
            .map(|document| {
                let statements = &document.compiled.statements;
                let is_about = statements.iter().any(|s| s.actions.contains(bit));
                is_about.then(|| is_about_one(statements.iter(), bit))
            })
            .collect();
        let mut classes: Vec<CallerClass> = Vec::new();
        let mut known: HashMap<(Vec<DocumentId>, Option<DocumentId>), usize> = HashMap::new();
        for (n, principal) in (0..).zip(&account.principals) {
            let own = principal.policies.iter().copied();
            let documents: Vec<DocumentId> = own.filter(|d| about[*d as usize].is_some()).collect();
            let is_policy = |u: &UnreadPolicy| !matches!(u, UnreadPolicy::Boundary(_));
            let is_unread = principal.unread.iter().any(is_policy);
            // Nobody is a service-linked role but its service.
            let is_nobody = documents.is_empty() && !is_unread;
            if is_nobody || principal.arn.contains(SERVICE_LINKED) {
                continue;
            }
            let limits = documents.iter().chain(&principal.boundary);
            let mut limits = limits.map(|d| about[*d as usize]);
            let is_one = !principal.unread.is_empty() || limits.any(|about| about == Some(true));
            let key = (documents, principal.boundary);
            match known.get(&key).filter(|_| !is_one) {
                Some(class) => classes[*class].members.push(n),
                None => {
                    if !is_one {
                        known.insert(key.clone(), classes.len());
                    }
                    classes.push(CallerClass {
                        documents: key.0,
                        is_unread,
                        members: vec![n],
                    });
                }
            }
        }
        Self { classes }
    }

    /// Classes whose own policies may allow the action on a resource.
    pub(super) fn may<'s>(
        &'s self,
        account: &'s Account<'_>,
        bit: u32,
        resource: &'s str,
    ) -> impl Iterator<Item = &'s [u32]> {
        let open = Context::open();
        let may = move |class: &&CallerClass| {
            let allows = |s: &CompiledStatement| {
                s.effect != StatementEffect::Deny
                    && s.actions.contains(bit)
                    && s.applies_to(resource, &open) != Tri::No
            };
            let statements = |d: &DocumentId| &account.documents[*d as usize].compiled.statements;
            class.is_unread || class.documents.iter().flat_map(statements).any(allows)
        };
        let found = self.classes.iter().filter(may);
        found.map(|class| class.members.as_slice())
    }
}

/// Callers to ask about, and nodes that the answers are for.
#[derive(Default)]
pub(super) struct AskedCallers {
    pub(super) callers: Vec<(QuestionCaller, bool)>,
    /// Nodes, each with the number of its caller.
    nodes: Vec<(u32, usize)>,
}

impl AskedCallers {
    pub(super) fn ask(&mut self, caller: QuestionCaller, is_granted_all: bool, node: u32) {
        self.nodes.push((node, self.callers.len()));
        self.callers.push((caller, is_granted_all));
    }

    /// Asks about each of those who are not asked about by themselves; where nothing tells them
    /// apart one stands for all.
    pub(super) fn ask_class(
        &mut self,
        nodes: &Nodes,
        account: usize,
        members: impl Iterator<Item = u32>,
        is_about_one: bool,
    ) {
        let mut first = None;
        for principal in members.map(|n| n as usize) {
            let id = PrincipalId { account, principal };
            match first.filter(|_| !is_about_one) {
                Some(caller) => self.nodes.push((nodes.principal(id), caller)),
                None => {
                    first = Some(self.callers.len());
                    self.ask(id.into(), false, nodes.principal(id));
                }
            }
        }
    }

    /// Nodes with their verdicts, where those are of the callers.
    pub(super) fn said(&self, verdicts: &[Tri]) -> impl Iterator<Item = (u32, Tri)> {
        self.nodes
            .iter()
            .map(|(node, caller)| (*node, verdicts[*caller]))
    }
}

/// Accounts and principals of other accounts that statements of a policy name.
#[derive(Default)]
pub(super) struct LetIn {
    /// Numbers of accounts that are named as a whole.
    accounts: BTreeSet<usize>,
    principals: BTreeSet<PrincipalId>,
    /// Whether conditions tell one principal of an account from another.
    is_about_one: bool,
}

const SERVICE_LINKED: &str = ":role/aws-service-role/";

impl LetIn {
    /// Accounts and principals that the policy of a resource in an account lets do something.
    pub(super) fn new(
        estate: &Estate<'_, '_>,
        nodes: &Nodes,
        (home, policy): (usize, DocumentId),
        bit: u32,
    ) -> Self {
        let mut found = Self::default();
        let others = || (0..estate.accounts.len()).filter(|n| *n != home);
        let there = &estate.accounts[home];
        let statements = &there.documents[policy as usize].compiled.statements;
        let names_some = |s: &CompiledStatement| {
            s.effect != StatementEffect::Allow && s.actions.contains(bit) && names_one(s)
        };
        found.is_about_one = statements.iter().any(names_some)
            || is_about_one(statements.iter(), bit)
            || is_about_one(levels(there, &there.rcp), bit);
        let allows = statements
            .iter()
            .filter(|s| s.effect != StatementEffect::Deny && s.actions.contains(bit));
        for statement in allows {
            let list = match &statement.principal {
                None => continue,
                Some(Block::Not(_)) => {
                    found.accounts.extend(others());
                    continue;
                }
                Some(Block::Is(list)) => list,
            };
            for principal in list {
                let Principal::Of(kind, value) = principal else {
                    found.accounts.extend(others());
                    continue;
                };
                if is_everybody(principal) {
                    found.accounts.extend(others());
                } else if kind == "AWS" {
                    found.name(estate, nodes, home, value);
                }
            }
        }
        found
    }

    fn name(&mut self, estate: &Estate<'_, '_>, nodes: &Nodes, home: usize, value: &str) {
        let arn = Arn::parse(value);
        let id = arn.map_or(value, |arn| arn.account);
        let account = nodes.account(id).filter(|n| *n < estate.accounts.len());
        let Some(account) = account.filter(|n| *n != home) else {
            return;
        };
        let named = arn.map_or("root", |arn| arn.resource);
        if named == "root" {
            self.accounts.insert(account);
            return;
        }
        // A session stands for its role, whose path it does not have.
        let role = named.strip_prefix("assumed-role/");
        let role = role.and_then(|rest| rest.split('/').next());
        let principals = estate.accounts[account].principals.iter().enumerate();
        let is = |name: &str, arn: &str| match role {
            Some(role) => name == role && arn.contains(":role/"),
            None => arn == value,
        };
        let found = principals.filter(|(_, p)| is(&p.name, &p.arn));
        self.principals
            .extend(found.map(|(principal, _)| PrincipalId { account, principal }));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.principals.is_empty()
    }

    /// Callers to ask about: those whose own side may allow the action, and for administrators
    /// whoever they give everything to.
    pub(super) fn callers(
        &self,
        estate: &Estate<'_, '_>,
        nodes: &Nodes,
        classes: impl Fn(usize) -> std::sync::Arc<CallerClasses>,
        (bit, resource): (u32, &str),
    ) -> AskedCallers {
        let mut asked = AskedCallers::default();
        let mut granted = self.principals.clone();
        for id in &self.principals {
            if !estate.arn(*id).contains(SERVICE_LINKED) {
                asked.ask((*id).into(), false, nodes.principal(*id));
            }
        }
        for &account in &self.accounts {
            let read = &estate.accounts[account];
            let is_about_one = self.is_about_one || is_about_one(levels(read, &read.scp), bit);
            for members in classes(account).may(read, bit, resource) {
                let is_apart = |n: &u32| {
                    let principal = *n as usize;
                    !self
                        .principals
                        .contains(&PrincipalId { account, principal })
                };
                let members = members.iter().copied().filter(is_apart);
                asked.ask_class(nodes, account, members, is_about_one);
            }
            asked.ask(
                whoever_is_made(&read.id),
                true,
                nodes.administrator(account),
            );
            if is_about_one {
                let all = 0..read.principals.len();
                granted.extend(all.map(|principal| PrincipalId { account, principal }));
            }
        }
        for id in granted {
            if !is_reserved_role(estate.arn(id)) {
                asked.ask(id.into(), true, nodes.administrator(id.account));
            }
        }
        asked
    }
}

/// Statements of the policies of an organization that bind an account.
fn levels<'s>(
    account: &'s Account<'_>,
    levels: &'s [Vec<DocumentId>],
) -> impl Iterator<Item = &'s CompiledStatement> {
    let documents = levels.iter().flatten();
    documents.flat_map(|d| &account.documents[*d as usize].compiled.statements)
}

/// Whether statements tell one principal of an account from another by conditions, so that whoever
/// an administrator makes may be refused where somebody who is there is not.
fn is_about_one<'s>(mut statements: impl Iterator<Item = &'s CompiledStatement>, bit: u32) -> bool {
    let is_of_one = |key: &str| {
        let of_all = [
            "aws:principalaccount",
            "aws:principalorgid",
            "aws:principalorgpaths",
        ];
        let prefixes = ["aws:principal", "aws:userid", "aws:username"];
        prefixes.iter().any(|prefix| key.starts_with(prefix)) && !of_all.contains(&key)
    };
    statements.any(|statement| {
        let mut keys = statement.conditions.iter().flat_map(|c| c.keys());
        statement.actions.contains(bit) && (statement.has_templates() || keys.any(is_of_one))
    })
}

/// Whether a statement names somebody who is not a whole account.
fn names_one(statement: &CompiledStatement) -> bool {
    let (Some(Block::Is(list)) | Some(Block::Not(list))) = &statement.principal else {
        return false;
    };
    list.iter().any(|principal| match principal {
        Principal::Of(kind, value) if kind == "AWS" && !is_everybody(principal) => {
            Arn::parse(value).is_none_or(|arn| arn.resource != "root") && value.len() != 12
        }
        _ => false,
    })
}

/// Anybody whom an administrator of an account makes.
pub(super) fn whoever_is_made(account: &str) -> QuestionCaller {
    RequestCaller::Aws(format!("arn:aws:iam::{account}:root")).into()
}
