//! How the principal element of a statement names the caller.

use super::evaluation::Evaluation;
use super::statement::{CompiledStatement, StatementEffect};
use crate::arn::{Arn, is_unique_id};
use crate::policy::{Block, Principal};
use crate::request::{CallerKind, RequestCaller};
use crate::service;
use crate::tri::Tri;

pub(super) const ACCOUNT: usize = 0;
pub(super) const ROLE: usize = 1;
pub(super) const ITSELF: usize = 2;

impl Evaluation<'_> {
    /// How the principal element names the caller: by account, role, itself, each with what is
    /// nearer; and whether it does by the ARN of the session.
    pub(crate) fn named(&self, statement: &CompiledStatement) -> ([Tri; 3], Tri) {
        match &statement.principal {
            None => ([Tri::No; 3], Tri::No),
            Some(Block::Is(list)) => {
                let (mut names, mut session) = ([Tri::No; 3], Tri::No);
                for principal in list {
                    let near = self.nearest(principal);
                    for (level, verdict) in names.iter_mut().enumerate() {
                        *verdict = verdict.or(match near {
                            NamedAt::Nobody => Tri::No,
                            NamedAt::Perhaps | NamedAt::InOneSession => Tri::Maybe,
                            NamedAt::Level(at) => Tri::from(at >= level),
                        });
                    }
                    if matches!(near, NamedAt::InOneSession) {
                        session = session.or(Tri::Maybe);
                    }
                    let by_arn = match (principal, &self.request.caller) {
                        (Principal::Of(_, value), RequestCaller::Aws(arn)) => value == arn,
                        _ => false,
                    };
                    let is_session =
                        matches!(self.kind, CallerKind::Session | CallerKind::FederatedUser);
                    session = session.or(Tri::from(by_arn && is_session));
                }
                (names, session)
            }
            Some(Block::Not(_)) if service::is_trust(self.request) => ([Tri::Maybe; 3], Tri::No),
            // Everybody but those named; who is named by the account alone may be left out.
            Some(Block::Not(list)) if statement.effect == StatementEffect::Allow => {
                let left_out = list.iter().fold(Tri::No, |v, p| {
                    v.or(match self.nearest(p) {
                        NamedAt::Level(at) if at >= ROLE => Tri::Yes,
                        NamedAt::Level(_) | NamedAt::Perhaps | NamedAt::InOneSession => Tri::Maybe,
                        NamedAt::Nobody => Tri::No,
                    })
                });
                ([left_out.not(); 3], Tri::No)
            }
            Some(Block::Not(list)) => {
                if statement.effect == StatementEffect::Deny && self.bounded {
                    return ([Tri::Yes; 3], Tri::No);
                }
                let nears: Vec<(bool, NamedAt)> = list
                    .iter()
                    .map(|p| (service::is_everybody(p), self.nearest(p)))
                    .collect();
                let one_session =
                    |(_, near): &(bool, NamedAt)| matches!(near, NamedAt::InOneSession);
                let levels: &[usize] = match self.kind {
                    CallerKind::Session => &[ITSELF, ROLE, ACCOUNT],
                    CallerKind::Role if nears.iter().any(one_session) => &[ITSELF, ROLE, ACCOUNT],
                    CallerKind::Role => &[ROLE, ACCOUNT],
                    CallerKind::User | CallerKind::FederatedUser => &[ITSELF, ACCOUNT],
                    CallerKind::Root => &[ACCOUNT],
                    CallerKind::Other => &[ITSELF],
                };
                let listed = levels.iter().fold(Tri::Yes, |v, level| {
                    let any = nears.iter().fold(Tri::No, |v, (star, near)| {
                        v.or(match near {
                            NamedAt::Perhaps => Tri::Maybe,
                            // The account stands for its root user at either level.
                            NamedAt::Level(at) => {
                                Tri::from(*star || at == level || self.kind == CallerKind::Root)
                            }
                            NamedAt::InOneSession if *level == ITSELF => Tri::Maybe,
                            NamedAt::InOneSession | NamedAt::Nobody => Tri::No,
                        })
                    });
                    v.and(any)
                });
                ([listed.not(); 3], Tri::No)
            }
        }
    }

    fn nearest(&self, principal: &Principal) -> NamedAt {
        let Principal::Of(kind, value) = principal else {
            return NamedAt::Level(ITSELF);
        };
        if !principal.is_known_kind() {
            return NamedAt::Perhaps;
        }
        if kind == "AWS" && value == "*" {
            return NamedAt::Level(ITSELF);
        }
        let found = match (kind.as_str(), &self.request.caller) {
            ("Service", RequestCaller::Service(name))
            | ("Federated", RequestCaller::Federated(name)) => (value == name).then_some(ITSELF),
            ("AWS", RequestCaller::Aws(arn)) => {
                let is_account = !self.account.is_empty()
                    && (value == self.account || Arn::is_root_of(value, self.account));
                if is_account {
                    Some(if self.kind == CallerKind::Root {
                        ITSELF
                    } else {
                        ACCOUNT
                    })
                } else if value == arn && !matches!(self.kind, CallerKind::Role | CallerKind::Root)
                {
                    Some(ITSELF)
                } else if self
                    .role
                    .is_some_and(|role| Arn::is_role_of(value, self.account, role))
                {
                    Some(ROLE)
                } else if self.id == Some(value) && is_unique_id(value) {
                    match self.kind {
                        CallerKind::User => Some(ITSELF),
                        CallerKind::Role | CallerKind::Session => Some(ROLE),
                        CallerKind::Root | CallerKind::FederatedUser | CallerKind::Other => None,
                    }
                } else if self.kind == CallerKind::Role
                    && self
                        .role
                        .is_some_and(|role| Arn::is_session_of(value, self.account, role))
                {
                    return NamedAt::InOneSession;
                } else {
                    None
                }
            }
            _ => None,
        };
        found.map_or(NamedAt::Nobody, NamedAt::Level)
    }
}

enum NamedAt {
    Nobody,
    Level(usize),
    /// The caller is a role, and one of its sessions is named.
    InOneSession,
    /// A kind of principal that nobody knows.
    Perhaps,
}
