//! Gains of each technique for one principal.

use super::limits::AccountGraph;
use super::model::{LimitedEscalation, Rung};
use super::permissions::PrincipalAnalyzer;
use super::sets::{SureAndPossible, add, both, is_any, set_of};
use super::techniques::{ROLE_CONSUMERS, TECHNIQUES, Technique, TechniqueTarget, UserWith};
use crate::account::{IamGroup, PrincipalKind};
use crate::bits::Bits;
use crate::service::is_reserved_role;
use crate::tri::Tri;

/// Gain of a technique.
pub(super) enum TechniqueGain {
    Everything(Tri, Option<String>),
    /// The access of one of these principals: for sure, perhaps.
    Principals(Bits, Bits, Option<String>),
}

/// Findings about one principal: what it has, and what techniques give it.
#[derive(Default)]
pub(super) struct PrincipalFindings {
    pub(super) own: Option<(Rung, Tri)>,
    pub(super) gains: Vec<(u16, TechniqueGain)>,
    pub(super) limited: Vec<LimitedEscalation>,
}

impl AccountGraph<'_, '_> {
    /// Analyzes one principal: whether it is administrator, and the gains of each technique.
    pub(super) fn analyze(&self, number: u32) -> PrincipalFindings {
        if is_reserved_role(&self.account.principals[number as usize].arn) {
            return PrincipalFindings::default();
        }
        self.analyze_any(number)
    }

    /// [`AccountGraph::analyze`] of any principal, roles that AWS reserves for itself included.
    pub(super) fn analyze_any(&self, number: u32) -> PrincipalFindings {
        let me = &self.account.principals[number as usize];
        let mut found = PrincipalFindings {
            own: self.holds_everything(number),
            ..PrincipalFindings::default()
        };
        if found.own.is_some_and(|(_, verdict)| verdict == Tri::Yes) {
            return found;
        }
        let mut is_touched = vec![false; self.tables.needs.len()];
        let touched = me
            .policies
            .iter()
            .flat_map(|d| &self.tables.touched[*d as usize]);
        touched.for_each(|(need, _)| is_touched[*need as usize] = true);
        // A trust policy that names the caller needs nothing of it.
        let trust = &self.tables.trust;
        let is_trusted = trust.arns.contains_key(&me.arn) || !trust.everybody.1.is_empty();
        let mut analyzer = PrincipalAnalyzer::new(*self, number);
        let is_reserved = is_reserved_role(&me.arn);
        for (n, technique) in TECHNIQUES.iter().enumerate() {
            if is_reserved && technique.is_change_of_caller() {
                continue;
            }
            let asks = &self.tables.technique_needs[n];
            let is_assume_only = is_trusted && technique.id == "sts-001";
            if !is_assume_only && !asks.iter().all(|need| is_touched[*need as usize]) {
                continue;
            }
            for gain in analyzer.gains(technique, asks) {
                match gain {
                    TechniqueGain::Everything(Tri::No, _) => {}
                    TechniqueGain::Principals(_, may, _) if may.is_empty() => {}
                    TechniqueGain::Everything(..) if technique.is_granted_by_caller() => {
                        match analyzer.limit() {
                            None => found.gains.push((n as u16, gain)),
                            Some(limit) => found.limited.push(LimitedEscalation {
                                principal: number,
                                row: technique.id,
                                by: limit.to_string(),
                            }),
                        }
                    }
                    gain => found.gains.push((n as u16, gain)),
                }
            }
        }
        found
    }
}

impl AccountGraph<'_, '_> {
    /// Whether a technique needs Identity Center, and the management account shows that there is
    /// none.
    fn lacks_service(&self, technique: &Technique) -> bool {
        let account = self.account;
        technique.needs.iter().all(|need| need.starts_with("sso:"))
            && account.central.management.as_ref() == Some(&account.id)
            && !account.central.has_identity_center
            && account.unread_facts_of("sso:instance").is_empty()
    }
}

impl Technique {
    /// Whether it changes the caller itself, which nobody can of a role that AWS reserves.
    fn is_change_of_caller(&self) -> bool {
        matches!(self.target, TechniqueTarget::Own | TechniqueTarget::OwnRole)
    }

    /// Whether the caller grants something to itself or to another: that stays within the limits of
    /// that one.
    fn is_granted_by_caller(&self) -> bool {
        self.rung == Rung::C && self.target != TechniqueTarget::Service
    }
}

impl PrincipalAnalyzer<'_, '_> {
    /// Gains of a technique whose actions are needed as `asks` numbers them.
    fn gains(&mut self, technique: &Technique, asks: &[u16]) -> Vec<TechniqueGain> {
        match technique.target {
            TechniqueTarget::Own
            | TechniqueTarget::OwnUser
            | TechniqueTarget::OwnRole
            | TechniqueTarget::OwnGroup
            | TechniqueTarget::OwnPolicy
            | TechniqueTarget::OwnPolicyVersion
            | TechniqueTarget::OwnBoundary => self.of_itself(technique.target, asks),
            TechniqueTarget::Group => self.of_groups(asks),
            TechniqueTarget::User(with) => self.of_users(with, asks),
            TechniqueTarget::GrantedUser => self.of_granted_users(asks),
            TechniqueTarget::RetrustedRole | TechniqueTarget::GrantedRetrustedRole => {
                self.of_retrusted_roles(technique.target, asks)
            }
            TechniqueTarget::TrustingRole
            | TechniqueTarget::GrantedTrustingRole
            | TechniqueTarget::UnboundTrustingRole => {
                self.of_trusting_roles(technique.target, asks)
            }
            TechniqueTarget::NewRole => self.of_a_new_role(asks),
            TechniqueTarget::PassedRole(services) => self.of_passed_roles(services, asks),
            TechniqueTarget::RoleConsumer(kind) => self.of_role_consumers(kind, asks),
            // Identity Center that is not there has no permission sets.
            TechniqueTarget::Service if self.graph.lacks_service(technique) => Vec::new(),
            // A snapshot does not show whether the service is in use.
            TechniqueTarget::Service => everything(self.all_somewhere(asks).and(Tri::Maybe)),
        }
    }

    /// Whether each of the actions is allowed on something.
    fn all_somewhere(&mut self, asks: &[u16]) -> Tri {
        asks.iter()
            .fold(Tri::Yes, |v, need| v.and(self.somewhere(*need)))
    }

    /// Whether an action is allowed on any of these.
    fn on_any(&mut self, need: u16, arns: &[String]) -> Tri {
        arns.iter()
            .fold(Tri::No, |v, arn| v.or(self.on(need, arn, None)))
    }

    /// Grants of the caller to itself: its own policies, those of its groups, the removal of its
    /// boundary.
    fn of_itself(&mut self, target: TechniqueTarget, asks: &[u16]) -> Vec<TechniqueGain> {
        let graph = self.graph;
        let account = graph.account;
        let me = &account.principals[self.number as usize];
        let is_user = me.kind == PrincipalKind::User;
        match target {
            TechniqueTarget::Own => everything(
                asks.iter()
                    .fold(Tri::Yes, |v, need| v.and(self.on(*need, &me.arn, None))),
            ),
            TechniqueTarget::OwnUser if is_user => everything(self.on(asks[0], &me.arn, None)),
            TechniqueTarget::OwnRole if !is_user => everything(self.on(asks[0], &me.arn, None)),
            TechniqueTarget::OwnGroup => {
                let arns: Vec<String> = me
                    .groups
                    .iter()
                    .map(|g| account.groups[*g as usize].arn.clone())
                    .collect();
                everything(self.on_any(asks[0], &arns))
            }
            TechniqueTarget::OwnPolicy => {
                let own = self.own_policies();
                everything(self.on_any(asks[0], &own))
            }
            TechniqueTarget::OwnPolicyVersion => everything(self.by_another_version(asks[0])),
            TechniqueTarget::OwnBoundary if me.boundary.is_some() && is_user => {
                match graph.everything(&me.policies, &account.scp, Tri::Yes) {
                    Some(_) => everything(self.on(asks[0], &me.arn, None)),
                    None => Vec::new(),
                }
            }
            _ => Vec::new(),
        }
    }

    /// Whether a policy of the caller can be set back to a version that grants everything.
    fn by_another_version(&mut self, need: u16) -> Tri {
        let graph = self.graph;
        let account = graph.account;
        let own = self.own_policies();
        let better = account.versions.iter().filter(|(policy, version)| {
            own.contains(&account.documents[*policy as usize].name)
                && graph.everything(&[*version], &[], Tri::Yes).is_some()
        });
        let better: Vec<String> = better
            .map(|(policy, _)| account.documents[*policy as usize].name.clone())
            .collect();
        let verdict = self.on_any(need, &better);
        // Policies of which no other version was read may have one.
        if verdict == Tri::No && account.versions.is_empty() {
            return self.on_any(need, &own).and(Tri::Maybe);
        }
        verdict
    }

    /// Groups that would make a user administrator.
    fn of_groups(&mut self, asks: &[u16]) -> Vec<TechniqueGain> {
        let graph = self.graph;
        let me = &graph.account.principals[self.number as usize];
        if me.kind != PrincipalKind::User {
            return Vec::new();
        }
        let is_strong = |g: &&IamGroup| {
            let policies = [me.policies.as_slice(), &g.policies].concat();
            graph
                .everything(&policies, &graph.ceilings(self.number), Tri::Yes)
                .is_some()
        };
        let strong: Vec<_> = graph
            .account
            .groups
            .iter()
            .filter(is_strong)
            .map(|g| g.arn.clone())
            .collect();
        strong
            .into_iter()
            .map(|arn| TechniqueGain::Everything(self.on(asks[0], &arn, None), Some(arn)))
            .collect()
    }

    /// Users whose credentials can be taken.
    fn of_users(&mut self, with: UserWith, asks: &[u16]) -> Vec<TechniqueGain> {
        let sets = self.targets_of_all(asks);
        self.principals(self.graph.users_with(with, sets))
    }

    /// Users who are first given everything.
    fn of_granted_users(&mut self, asks: &[u16]) -> Vec<TechniqueGain> {
        let users = &self.graph.tables.users;
        let sets = both(
            (users.clone(), users.clone()),
            self.targets_of_all(&asks[..2]),
        );
        everything(is_any(&self.graph.without_limits(self.without_me(sets))))
    }

    /// Roles whose trust policy is rewritten, which are first given everything or not.
    fn of_retrusted_roles(&mut self, target: TechniqueTarget, asks: &[u16]) -> Vec<TechniqueGain> {
        let roles = (
            self.graph.tables.roles.clone(),
            self.graph.tables.roles.clone(),
        );
        if target == TechniqueTarget::RetrustedRole {
            let sets = both(roles, self.targets_of_all(asks));
            let sets = self.not_denied(sets);
            return self.principals(sets);
        }
        let roles = both(roles, self.targets(asks[1], None));
        let granted = self.granted(asks[0], roles);
        let granted = self.not_denied(granted);
        everything(is_any(&self.graph.without_limits(self.without_me(granted))))
    }

    /// Roles that trust the caller: as they are, given everything before, freed of their boundary
    /// before.
    fn of_trusting_roles(&mut self, target: TechniqueTarget, asks: &[u16]) -> Vec<TechniqueGain> {
        let graph = self.graph;
        match target {
            TechniqueTarget::GrantedTrustingRole => {
                let roles = self.trusting(asks[1]);
                let granted = self.granted(asks[0], roles);
                everything(is_any(&graph.without_limits(self.without_me(granted))))
            }
            TechniqueTarget::UnboundTrustingRole => {
                let roles = both(self.trusting(asks[1]), self.targets(asks[0], None));
                let account = graph.account;
                let is_held_back = |n: &u32| {
                    let role = &account.principals[*n as usize];
                    role.boundary.is_some()
                        && graph
                            .everything(&role.policies, &account.scp, Tri::Yes)
                            .is_some()
                };
                let unbound = |set: &Bits| set_of(set.iter().filter(is_held_back));
                everything(is_any(&(unbound(&roles.0), unbound(&roles.1))))
            }
            _ => {
                let sets = self.trusting(asks[0]);
                self.principals(sets)
            }
        }
    }

    /// A role that is made for it: its name is the caller's choice, whatever the patterns allow.
    fn of_a_new_role(&mut self, asks: &[u16]) -> Vec<TechniqueGain> {
        let verdict = self.all_somewhere(asks);
        let is_free = self.graph.account.scp.is_empty() || self.graph.limit(self.number).is_none();
        everything(if is_free {
            verdict
        } else {
            verdict.and(Tri::Maybe)
        })
    }

    /// Roles that may be passed to a service which they trust. PassRole is the first action.
    fn of_passed_roles(
        &mut self,
        services: &'static [&'static str],
        asks: &[u16],
    ) -> Vec<TechniqueGain> {
        let others = self.all_somewhere(&asks[1..]);
        if others == Tri::No {
            return Vec::new();
        }
        let mut gains = Vec::new();
        for service in services {
            let Some(trusting) = self.graph.tables.trust.services.get(*service) else {
                continue;
            };
            let sets = both(trusting.clone(), self.targets(asks[0], Some(service)));
            let sets = if others == Tri::Yes {
                sets
            } else {
                (Bits::default(), sets.1)
            };
            gains.push(TechniqueGain::Principals(
                sets.0,
                sets.1,
                Some((*service).to_owned()),
            ));
        }
        gains
    }

    /// Roles of things that already run with one.
    fn of_role_consumers(&mut self, kind: &str, asks: &[u16]) -> Vec<TechniqueGain> {
        let graph = self.graph;
        let account = graph.account;
        let mut gains = Vec::new();
        for consumer in account.role_consumers.iter().filter(|c| c.kind == kind) {
            let Some(role) = graph.tables.by_arn.get(consumer.role.as_str()) else {
                continue;
            };
            let verdict = asks.iter().fold(Tri::Yes, |v, n| {
                v.and(self.on_or_somewhere(*n, &consumer.arn))
            });
            let mut sets = SureAndPossible::default();
            add(&mut sets, verdict, *role);
            gains.push(TechniqueGain::Principals(
                sets.0,
                sets.1,
                Some(consumer.arn.clone()),
            ));
        }
        // Where it was not read what there is, there may be one with any role that trusts the
        // service.
        if !account.role_consumers_read.iter().any(|k| k == kind)
            && let Some(about) = ROLE_CONSUMERS.iter().find(|h| h.kind == kind)
        {
            let verdict = asks
                .iter()
                .fold(Tri::Yes, |v, n| v.and(self.somewhere_like(*n, about)));
            let (_, trusting) = graph
                .tables
                .trust
                .services
                .get(about.service)
                .cloned()
                .unwrap_or_default();
            if verdict != Tri::No {
                gains.push(TechniqueGain::Principals(
                    Bits::default(),
                    trusting,
                    Some(format!("a {kind} that was not read")),
                ));
            }
        }
        gains
    }

    /// Users and roles to which each of the actions is allowed.
    fn targets_of_all(&mut self, asks: &[u16]) -> SureAndPossible {
        let mut sets = self.targets(asks[0], None);
        for ask in &asks[1..] {
            sets = both(sets, self.targets(*ask, None));
        }
        sets
    }

    /// The access of any of these, but the caller.
    fn principals(&self, sets: SureAndPossible) -> Vec<TechniqueGain> {
        let (must, may) = self.without_me(sets);
        vec![TechniqueGain::Principals(must, may, None)]
    }

    fn without_me(&self, (must, may): SureAndPossible) -> SureAndPossible {
        let mut me = Bits::default();
        me.insert(self.number);
        (must.difference(&me), may.difference(&me))
    }

    /// Managed policies of the caller that are not AWS's.
    fn own_policies(&self) -> Vec<String> {
        let account = self.graph.account;
        let names = account.principals[self.number as usize]
            .managed
            .iter()
            .map(|d| account.documents[*d as usize].name.clone());
        names
            .filter(|arn| !arn.starts_with("arn:aws:iam::aws:"))
            .collect()
    }

    /// Of some roles those that the caller can give more: directly, or by a policy that they have.
    fn granted(&mut self, need: u16, roles: SureAndPossible) -> SureAndPossible {
        if self.graph.tables.needs[need as usize].of_principals {
            let sets = self.targets(need, None);
            return (roles.0.intersection(&sets.0), roles.1.intersection(&sets.1));
        }
        let account = self.graph.account;
        let mut kept = (Bits::default(), Bits::default());
        for number in roles.1.iter() {
            let policies = account.principals[number as usize]
                .managed
                .iter()
                .map(|d| account.documents[*d as usize].name.as_str());
            let own = policies
                .filter(|arn| !arn.starts_with("arn:aws:iam::aws:"))
                .fold(Tri::No, |v, arn| v.or(self.on(need, arn, None)));
            add(
                &mut kept,
                if roles.0.contains(number) {
                    own
                } else {
                    own.and(Tri::Maybe)
                },
                number,
            );
        }
        kept
    }

    /// Without the roles that the caller may not assume even when they trust it.
    fn not_denied(&mut self, (must, may): SureAndPossible) -> SureAndPossible {
        let (denied_must, denied_may) = self.denied(self.graph.tables.assume);
        (must.difference(&denied_may), may.difference(&denied_must))
    }

    /// Roles that the caller can assume.
    fn trusting(&mut self, need: u16) -> SureAndPossible {
        let trust = &self.graph.tables.trust;
        let me = &self.graph.account.principals[self.number as usize];
        let (must, may) = self.targets(need, None);
        let (denied_must, denied_may) = self.denied(need);
        let own = trust.arns.get(&me.arn).cloned().unwrap_or_default();
        let direct = (
            own.0.union(&trust.everybody.0),
            own.1.union(&trust.everybody.1),
        );
        let direct = (
            direct.0.difference(&denied_may),
            direct.1.difference(&denied_must),
        );
        // A role that is named directly needs no permission of its own, where no SCP withholds it.
        let direct = match self.left(need) {
            None => direct,
            Some(left) => (direct.0.intersection(&left.0), direct.1),
        };
        (
            direct.0.union(&trust.account.0.intersection(&must)),
            direct.1.union(&trust.account.1.intersection(&may)),
        )
    }
}

fn everything(verdict: Tri) -> Vec<TechniqueGain> {
    vec![TechniqueGain::Everything(verdict, None)]
}
