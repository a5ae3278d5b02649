//! Statements of all layers that bind a principal.

use crate::account::{Account, DocumentId};
use crate::actions::Actions;
use crate::arn::Arn;
use crate::bits::Bits;
use crate::engine::{CompiledStatement, Evaluation, StatementEffect};
use crate::estate::keys::known_keys;
use crate::estate::model::Estate;
use crate::estate::owner::Owner;
use crate::estate::parties::{Asker, Target};
use crate::estate::question::PrincipalId;
use crate::pattern::Pattern;
use crate::policy::{Block, PolicyCondition, Principal, Statement};
use crate::request::{Context, Request, RequestCaller};
use crate::tri::Tri;

/// A statement as written and compiled.
#[derive(Clone, Copy)]
pub(super) struct LayerStatement<'x> {
    pub(super) written: &'x Statement,
    pub(super) compiled: &'x CompiledStatement,
}

impl LayerStatement<'_> {
    pub(super) fn may_allow(&self) -> bool {
        self.compiled.effect != StatementEffect::Deny
    }

    pub(super) fn may_deny(&self) -> bool {
        self.compiled.effect != StatementEffect::Allow
    }
}

/// How a statement of a resource's policy names the principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Naming {
    /// By its account.
    Account,
    /// As a role.
    Role,
    /// Itself.
    Itself,
}

/// A statement that names the principal.
#[derive(Clone)]
pub(super) struct NamingStatement<'x> {
    pub(super) statement: LayerStatement<'x>,
    pub(super) naming: Naming,
    /// Where it names sessions of a role: `aws:userid` is the id of the role and of these.
    pub(super) sessions: Option<PolicyCondition>,
}

/// Resource with the statements of its policy that are about the principal.
pub(super) struct NamingResource<'x> {
    /// Its ARN, and those of what is within it.
    pub(super) within: Vec<Pattern>,
    /// Of the principal's own account.
    pub(super) is_own: bool,
    pub(super) statements: Vec<NamingStatement<'x>>,
    /// Statements that may or may not name the principal.
    pub(super) unclear: Vec<LayerStatement<'x>>,
    /// Control policies of its account.
    pub(super) rcp: Vec<Vec<LayerStatement<'x>>>,
    /// Condition keys that are known of requests on it.
    pub(super) context: Context,
}

/// All layers that bind a principal.
pub(super) struct BindingLayers<'x> {
    pub(super) identity: Vec<LayerStatement<'x>>,
    pub(super) boundary: Option<Vec<LayerStatement<'x>>>,
    pub(super) scp: Vec<Vec<LayerStatement<'x>>>,
    /// Control policies of its own account's resources.
    pub(super) rcp: Vec<Vec<LayerStatement<'x>>>,
    /// Resources of its own account with policies.
    pub(super) resources: Vec<NamingResource<'x>>,
    /// KMS keys and roles, which decide themselves whether their account's policies count.
    pub(super) keys: Vec<NamingResource<'x>>,
    pub(super) roles: Vec<NamingResource<'x>>,
    /// Condition keys that are known of requests on resources of the own account.
    pub(super) context: Context,
    pub(super) actions: &'x Actions,
}

fn statements<'x>(
    account: &'x Account<'_>,
    documents: impl IntoIterator<Item = DocumentId>,
) -> Vec<LayerStatement<'x>> {
    let of = |d: DocumentId| {
        let document = &account.documents[d as usize];
        let both = document
            .policy
            .statements
            .iter()
            .zip(&document.compiled.statements);
        both.map(|(written, compiled)| LayerStatement { written, compiled })
    };
    documents.into_iter().flat_map(of).collect()
}

fn levels<'x>(
    account: &'x Account<'_>,
    levels: &[Vec<DocumentId>],
) -> Vec<Vec<LayerStatement<'x>>> {
    let level = |level: &Vec<DocumentId>| statements(account, level.iter().copied());
    levels.iter().map(level).collect()
}

impl<'x, 'a> Estate<'x, 'a> {
    /// The layers of a principal.
    pub(super) fn binding_layers(&self, id: PrincipalId) -> BindingLayers<'x> {
        let (home, me) = self.of(id);
        let asker = self.asker(&id.into());
        let is_free = asker.caller.is_service_linked();
        let controls = |list: &'x [Vec<DocumentId>]| if is_free { &[][..] } else { list };
        let boundary = me.boundary.map(|d| statements(home, [d]));
        let mut layers = BindingLayers {
            identity: statements(home, me.policies.iter().copied()),
            boundary,
            scp: levels(home, controls(&home.scp)),
            rcp: levels(home, controls(&home.rcp)),
            resources: Vec::new(),
            keys: Vec::new(),
            roles: Vec::new(),
            context: self.known_on(&asker, home),
            actions: home.actions,
        };
        for there in self.accounts {
            let is_own = there.id == home.id;
            let rcp = levels(there, controls(&there.rcp));
            let context = self.known_on(&asker, there);
            let naming = Naming::of(&asker, &context, me.boundary.is_some(), home.actions);
            let resource = |arn: &str, policy: DocumentId| {
                let mut one = naming(statements(there, [policy]));
                one.within = vec![Pattern::exact(arn)];
                (one.is_own, one.rcp, one.context) = (is_own, rcp.clone(), context.clone());
                one
            };
            for held in &there.resources {
                if held.kind == "kms:keypolicy" {
                    layers.keys.push(resource(&held.arn, held.policy));
                } else if is_own {
                    let mut one = resource(&held.arn, held.policy);
                    let within = ["/", ":"].map(|end| Pattern::arn(&format!("{}{end}*", held.arn)));
                    one.within.extend(within);
                    layers.resources.push(one);
                }
            }
            for role in &there.principals {
                if let Some(trust) = role.trust {
                    layers.roles.push(resource(&role.arn, trust));
                }
            }
        }
        layers
    }

    /// Condition keys that are known of requests of a principal on resources of an account.
    fn known_on(&self, asker: &Asker<'x, 'a>, there: &'x Account<'a>) -> Context {
        let target = Target::new(Owner::Read(there), "", "*");
        let mut request = Request {
            action: String::new(),
            resource: "*".to_owned(),
            resource_account: Some(there.id.clone()),
            caller: asker.caller.clone(),
            context: Context::open(),
        };
        known_keys(self, asker, &target, &mut request);
        request.complete(self.actions);
        request.context
    }
}

impl Naming {
    /// Finds the statements of a policy that name a caller, and how.
    fn of<'c, 'x>(
        asker: &'c Asker<'_, '_>,
        context: &'c Context,
        is_bounded: bool,
        actions: &'c Actions,
    ) -> impl Fn(Vec<LayerStatement<'x>>) -> NamingResource<'x> + 'c {
        let request = Request {
            action: String::new(),
            resource: "*".to_owned(),
            resource_account: None,
            caller: RequestCaller::clone(&asker.caller),
            context: context.clone(),
        };
        move |statements| {
            let evaluation = Evaluation::new(&request, is_bounded, actions);
            let mut found = NamingResource {
                within: Vec::new(),
                is_own: false,
                statements: Vec::new(),
                unclear: Vec::new(),
                rcp: Vec::new(),
                context: Context::default(),
            };
            for statement in statements {
                let ([account, role, itself], _) = evaluation.named(statement.compiled);
                let naming = match (account, role, itself) {
                    (_, _, Tri::Yes) => Some(Naming::Itself),
                    (_, Tri::Yes, _) => Some(Naming::Role),
                    (Tri::Yes, ..) => Some(Naming::Account),
                    _ => None,
                };
                found
                    .statements
                    .extend(naming.map(|naming| NamingStatement {
                        statement,
                        naming,
                        sessions: None,
                    }));
                if ![account, role, itself].contains(&Tri::Maybe) {
                    continue;
                }
                match sessions(asker, statement.written) {
                    None => found.unclear.push(statement),
                    // Where the role is named as well, a deny is not more than that.
                    sessions => found.statements.push(NamingStatement {
                        statement,
                        naming: Naming::Itself,
                        sessions,
                    }),
                }
            }
            found
        }
    }
}

/// The condition that names the sessions of a role which a statement is about.
fn sessions(asker: &Asker<'_, '_>, statement: &Statement) -> Option<PolicyCondition> {
    let (id, role) = (asker.principal?.id.as_ref()?, asker.caller.role()?);
    let Some(Block::Is(list)) = &statement.principal else {
        return None;
    };
    let account = asker.caller.account()?;
    let name = |principal: &Principal| match principal {
        Principal::Of(kind, arn) if kind == "AWS" && Arn::is_session_of(arn, account, role) => arn
            .rsplit('/')
            .next()
            .map(|session| format!("{id}:{session}")),
        _ => None,
    };
    let values: Vec<String> = list.iter().filter_map(name).collect();
    (!values.is_empty() && list.iter().all(Principal::is_known_kind)).then(|| PolicyCondition {
        operator: "StringEquals".to_owned(),
        key: "aws:userid".to_owned(),
        values,
    })
}

impl BindingLayers<'_> {
    /// All statements, those of resources included, that tell actions apart.
    pub(super) fn action_sets(&self) -> Vec<&Bits> {
        let own = self.identity.iter().chain(self.boundary.iter().flatten());
        let levels = self.scp.iter().chain(&self.rcp).flatten();
        let of_resources = self.resources.iter().chain(&self.keys).chain(&self.roles);
        let named = of_resources.flat_map(|r| {
            let own = r.statements.iter().map(|s| &s.statement);
            let own = own.chain(&r.unclear);
            own.chain(r.rcp.iter().flatten())
        });
        let mut sets: Vec<&Bits> = Vec::new();
        for statement in own.chain(levels).chain(named) {
            let set = &statement.compiled.actions;
            if !sets.contains(&set) {
                sets.push(set);
            }
        }
        sets
    }
}
