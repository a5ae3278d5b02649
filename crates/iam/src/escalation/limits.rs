//! Administrators, and limits that keep a principal from being one.

use std::fmt;

use super::model::Rung;
use super::sets::{SureAndPossible, add, set_of, union};
use super::tables::EscalationTables;
use super::techniques::UserWith;
use crate::account::{Account, DocumentId, UnreadPolicy};
use crate::bits::Bits;
use crate::engine::{CompiledStatement, StatementEffect};
use crate::policy::Block;
use crate::tri::Tri;

/// Limit that keeps a principal from everything its own policies may come to allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum EscalationLimit {
    /// A permissions boundary, by the name of its document.
    Boundary(String),
    UnreadBoundary,
    /// Service control policies of a level, from 1 at the root.
    ServiceControlPolicies {
        level: usize,
    },
    OwnDeny,
}

impl fmt::Display for EscalationLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boundary(name) => write!(f, "permission boundary {name}"),
            Self::UnreadBoundary => f.write_str("a permission boundary that was not read"),
            Self::ServiceControlPolicies { level } => {
                write!(f, "service control policies of level {level}")
            }
            Self::OwnDeny => f.write_str("a deny in its own policies"),
        }
    }
}

/// All tables of an account.
pub(super) fn prepare(account: &Account<'_>) -> EscalationTables {
    let mut tables = EscalationTables::new(account);
    let graph = AccountGraph {
        account,
        tables: &tables,
    };
    let free = (0..account.principals.len() as u32).filter(|n| graph.limit(*n).is_none());
    tables.free = set_of(free);
    tables
}

/// An account with what was worked out about it.
#[derive(Clone, Copy)]
pub(super) struct AccountGraph<'g, 'a> {
    pub(super) account: &'g Account<'a>,
    pub(super) tables: &'g EscalationTables,
}

impl AccountGraph<'_, '_> {
    /// Actions that are allowed on everything by these documents: whatever the request, or
    /// (`Maybe`) under conditions.
    pub(super) fn on_everything(&self, documents: &[DocumentId], at_least: Tri) -> Bits {
        union(documents.iter().map(|d| {
            if at_least == Tri::Yes {
                &self.tables.wide[*d as usize].allowed
            } else {
                &self.tables.wide[*d as usize].perhaps_allowed
            }
        }))
    }

    /// Actions that are denied on everything, for sure or perhaps.
    pub(super) fn denied_on_everything(&self, documents: &[DocumentId], sure: bool) -> Bits {
        union(documents.iter().map(|d| {
            if sure {
                &self.tables.wide[*d as usize].denied
            } else {
                &self.tables.wide[*d as usize].perhaps_denied
            }
        }))
    }

    /// Everything that holds for all principals of the account, and the boundary of one.
    pub(super) fn ceilings(&self, number: u32) -> Vec<Vec<DocumentId>> {
        let mut all = self.account.scp.clone();
        all.extend(
            self.account.principals[number as usize]
                .boundary
                .map(|b| vec![b]),
        );
        all
    }

    /// Whether a principal may do everything as it is, by rung A or B.
    pub(super) fn holds_everything(&self, number: u32) -> Option<(Rung, Tri)> {
        let me = &self.account.principals[number as usize];
        // Sure and perhaps: what conditions leave open.
        [(Tri::Yes, Tri::Yes), (Tri::Maybe, Tri::Maybe)]
            .into_iter()
            .find_map(|(at_least, verdict)| {
                self.everything(&me.policies, &self.ceilings(number), at_least)
                    .map(|rung| (rung, verdict))
            })
    }

    pub(super) fn everything(
        &self,
        policies: &[DocumentId],
        ceilings: &[Vec<DocumentId>],
        at_least: Tri,
    ) -> Option<Rung> {
        let allowed = self.on_everything(policies, at_least);
        if allowed.len() * 10 < self.tables.all.len() * 9 {
            return None;
        }
        let sure_denies = at_least == Tri::Maybe;
        let mut left = allowed.difference(&self.denied_on_everything(policies, sure_denies));
        for level in ceilings {
            left = left
                .intersection(&self.on_everything(level, at_least))
                .difference(&self.denied_on_everything(level, sure_denies));
        }
        let whole = self.is_nearly_everything(&left);
        // It says `*`, also among others or spelled out service by service; or it says what it
        // leaves out.
        let spelled = |statement: &CompiledStatement| {
            statement.effect == StatementEffect::Allow && matches!(statement.unlisted, Block::Is(_))
        };
        let mut plain = Bits::default();
        policies
            .iter()
            .flat_map(|d| &self.account.documents[*d as usize].compiled.statements)
            .filter(|s| spelled(s))
            .for_each(|s| plain = plain.union(&s.actions));
        whole.then_some(if plain == self.tables.all {
            Rung::A
        } else {
            Rung::B
        })
    }

    /// Limit that keeps a principal from everything, even if its own policies allowed all.
    pub(super) fn limit(&self, number: u32) -> Option<EscalationLimit> {
        let me = &self.account.principals[number as usize];
        if let Some(boundary) = me.boundary.filter(|b| !self.is_whole(&[*b])) {
            return Some(EscalationLimit::Boundary(
                self.account.documents[boundary as usize].name.clone(),
            ));
        }
        let is_boundary = |unread: &UnreadPolicy| matches!(unread, UnreadPolicy::Boundary(_));
        if me.boundary.is_none() && me.unread.iter().any(is_boundary) {
            return Some(EscalationLimit::UnreadBoundary);
        }
        if let Some(n) = self
            .account
            .scp
            .iter()
            .position(|level| !self.is_whole(level))
        {
            return Some(EscalationLimit::ServiceControlPolicies { level: n + 1 });
        }
        let denied = self.denied_on_everything(&me.policies, true);
        denied
            .covers(&self.tables.grants)
            .then_some(EscalationLimit::OwnDeny)
    }

    /// Whether the SCPs leave everything to somebody who is granted everything.
    pub(super) fn leaves_grants(&self) -> bool {
        self.account.scp.iter().all(|level| self.is_whole(level))
    }

    /// Whether documents of one layer leave nearly everything.
    fn is_whole(&self, documents: &[DocumentId]) -> bool {
        let denied = self.denied_on_everything(documents, false);
        self.is_nearly_everything(&self.on_everything(documents, Tri::Yes).difference(&denied))
    }

    /// Nine of ten actions, and one of those that grant the rest.
    fn is_nearly_everything(&self, actions: &Bits) -> bool {
        actions.len() * 10 >= self.tables.all.len() * 9 && actions.meets(&self.tables.grants)
    }

    /// Users whose credentials can be taken in that way.
    pub(super) fn users_with(&self, with: UserWith, sets: SureAndPossible) -> SureAndPossible {
        let mut kept = (Bits::default(), Bits::default());
        for number in sets.1.intersection(&self.tables.users).iter() {
            let user = &self.account.principals[number as usize];
            let known = match with {
                UserWith::Anything => Tri::Yes,
                UserWith::RoomForKey => user.keys.map_or(Tri::Yes, |n| Tri::from(n < 2)),
                UserWith::NoLogin => user.login.map_or(Tri::Maybe, |login| Tri::from(!login)),
                UserWith::Login => user.login.map_or(Tri::Maybe, Tri::from),
            };
            add(
                &mut kept,
                if sets.0.contains(number) {
                    known
                } else {
                    known.and(Tri::Maybe)
                },
                number,
            );
        }
        kept
    }

    /// Those whom a grant would give everything.
    pub(super) fn without_limits(&self, (must, may): SureAndPossible) -> SureAndPossible {
        (
            must.intersection(&self.tables.free),
            may.intersection(&self.tables.free),
        )
    }
}
