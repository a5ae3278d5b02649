//! Plain reference for estates: it puts the layers of a request together from plain data, by the
//! rules of AWS's pages, and lets the reference evaluator decide. It knows nothing of `Estate`.
//!
//! Sources: IAM user guide, "Cross-account policy evaluation logic", "AWS global condition context
//! keys", "Pass session tags in AWS STS"; Organizations user guide, "SCP evaluation", "RCP
//! evaluation".

use std::collections::BTreeMap;

use bartizan_iam::{
    Actions, Context, ContextValue, Decision, Layers, Policy, Request, RequestCaller, evaluate,
};

use super::generate::{PROVIDER, PlainAccount, PlainEstate, PlainPolicy, PlainPrincipal};

/// Caller of a question.
#[derive(Debug, Clone)]
pub(super) enum PlainCaller {
    /// Numbers of the account and of the user or role.
    Principal(usize, usize),
    /// A session of a role, by its name.
    Session(usize, usize, &'static str),
    Root(usize),
    Service(&'static str),
    Federated,
    Unsigned,
}

#[derive(Debug, Clone)]
pub(super) struct PlainQuestion {
    pub(super) caller: PlainCaller,
    pub(super) action: &'static str,
    pub(super) resource: String,
    /// Account of the resource.
    pub(super) owner: usize,
    pub(super) session: Option<PlainPolicy>,
}

/// Keys of one request with their values, and the name of its session.
pub(super) struct RequestKeys {
    pub(super) keys: BTreeMap<String, Option<String>>,
    pub(super) session: &'static str,
}

impl PlainEstate {
    /// Decides a question for one request, or for all of them.
    pub(super) fn decide(&self, asked: &PlainQuestion, request: Option<&RequestKeys>) -> Decision {
        let caller = self.caller(asked, request);
        let request = Request {
            action: asked.action.to_owned(),
            resource: asked.resource.clone(),
            resource_account: Some(self.accounts[asked.owner].id.clone()),
            caller,
            context: self.context(asked, request),
        };
        evaluate(&request, &self.layers(asked), Actions::builtin()).decision
    }

    /// Account of a caller, and the user or role that it is.
    fn principal(&self, caller: &PlainCaller) -> Option<(&PlainAccount, Option<&PlainPrincipal>)> {
        match caller {
            PlainCaller::Principal(account, n) | PlainCaller::Session(account, n, _) => {
                let account = &self.accounts[*account];
                Some((account, Some(&account.principals[*n])))
            }
            PlainCaller::Root(account) => Some((&self.accounts[*account], None)),
            PlainCaller::Service(_) | PlainCaller::Federated | PlainCaller::Unsigned => None,
        }
    }

    /// Name of the session, where the caller has one that is known.
    fn session<'r>(asked: &PlainQuestion, request: Option<&'r RequestKeys>) -> Option<&'r str> {
        match asked.caller {
            PlainCaller::Session(_, _, session) => Some(session),
            _ => request.map(|request| request.session),
        }
    }

    fn caller(&self, asked: &PlainQuestion, request: Option<&RequestKeys>) -> RequestCaller {
        let arn = match self.principal(&asked.caller) {
            Some((account, Some(principal))) => {
                match Self::session(asked, request).filter(|_| principal.is_role) {
                    Some(session) => format!(
                        "arn:aws:sts::{}:assumed-role/{}/{session}",
                        account.id, principal.name
                    ),
                    None => principal.arn.clone(),
                }
            }
            Some((account, None)) => format!("arn:aws:iam::{}:root", account.id),
            None => {
                return match asked.caller {
                    PlainCaller::Service(name) => RequestCaller::Service(name.to_owned()),
                    PlainCaller::Federated => RequestCaller::Federated(PROVIDER.to_owned()),
                    _ => RequestCaller::Anonymous,
                };
            }
        };
        RequestCaller::Aws(arn)
    }

    /// The keys that follow from caller and resource, and those of the request.
    fn context(&self, asked: &PlainQuestion, request: Option<&RequestKeys>) -> Context {
        let mut context = match request {
            Some(_) => Context::default(),
            None => Context::open(),
        };
        let mut known: Vec<(&str, Option<ContextValue>)> = Vec::new();
        let one = |text: &str| Some(ContextValue::One(text.to_owned()));
        let is_service = matches!(asked.caller, PlainCaller::Service(_));
        if !is_service {
            known.extend([
                ("aws:SourceAccount", None),
                ("aws:SourceArn", None),
                ("aws:PrincipalServiceName", None),
            ]);
        }
        let organization = |account: &PlainAccount| {
            let number = account.organization?;
            let id = self.organizations[number].id.clone();
            let path = format!("{id}/{}/", account.nodes.join("/"));
            Some((id, path))
        };
        match self.principal(&asked.caller) {
            Some((account, principal)) => {
                let place = organization(account);
                let path = place
                    .clone()
                    .map(|(_, path)| ContextValue::Many(vec![path]));
                known.push(("aws:PrincipalOrgID", place.and_then(|(id, _)| one(&id))));
                known.push(("aws:PrincipalOrgPaths", path));
                known.push(("kms:CallerAccount", one(&account.id)));
                match principal {
                    Some(principal) => {
                        let session = Self::session(asked, request);
                        of_principal(principal, session, &mut known);
                    }
                    None => known.extend([
                        ("aws:userid", one(&account.id)),
                        ("aws:username", None),
                        ("aws:PrincipalTag/team", None),
                    ]),
                }
            }
            None => known.extend([
                ("aws:PrincipalOrgID", None),
                ("aws:PrincipalOrgPaths", None),
                ("kms:CallerAccount", None),
                ("aws:username", None),
                ("aws:PrincipalTag/team", None),
            ]),
        }
        let owner = &self.accounts[asked.owner];
        let id = organization(owner).and_then(|(id, _)| one(&id));
        known.push(("aws:ResourceOrgID", id));
        if let Some(role) = owner.principals.iter().find(|p| p.arn == asked.resource) {
            let team = role.tags.get("team").and_then(|team| one(team));
            known.push(("aws:ResourceTag/team", team));
        } else if asked.resource.starts_with("arn:aws:s3") && !asked.resource.contains('/') {
            // Their tags count in no bucket here.
            known.push(("aws:ResourceTag/team", None));
        }
        for (key, value) in request.iter().flat_map(|request| &request.keys) {
            match value {
                Some(value) => context.set(key, ContextValue::One(value.clone())),
                None => context.absent(key),
            }
        }
        for (key, value) in known {
            match value {
                Some(value) => context.set(key, value),
                None => context.absent(key),
            }
        }
        context
    }

    /// Policies of the caller's side and of the resource's.
    fn layers(&self, asked: &PlainQuestion) -> Layers<Policy> {
        let owned = |list: &[PlainPolicy]| -> Vec<Policy> {
            list.iter().map(|p| p.policy.clone()).collect()
        };
        let mut layers = Layers::default();
        if let Some((account, principal)) = self.principal(&asked.caller) {
            // Service control policies bind the callers of an account, not of the management
            // account.
            if let Some(n) = account.organization
                && self.organizations[n].management != account.id
            {
                let nodes = account.nodes.iter().chain([&account.id]);
                let scp = &self.organizations[n].scp;
                layers.scp = nodes.map(|node| owned(&scp[node])).collect();
            }
            if let Some(principal) = principal {
                layers.identity = owned(&principal.identity);
                layers.boundary = owned(principal.boundary.as_slice());
            }
        }
        layers.session = owned(asked.session.as_slice());
        // Resource control policies bind whoever comes to the resources of an account.
        let owner = &self.accounts[asked.owner];
        if let Some(n) = owner.organization
            && self.organizations[n].management != owner.id
            && !self.organizations[n].rcp.is_empty()
        {
            let nodes = owner.nodes.iter().chain([&owner.id]);
            let rcp = &self.organizations[n].rcp;
            layers.rcp = nodes.map(|node| owned(&rcp[node])).collect();
        }
        let holder = if asked.resource.starts_with("arn:aws:s3") {
            asked.resource.split('/').next().unwrap_or_default()
        } else {
            &asked.resource
        };
        let resource = owner.resources.iter().find(|r| r.arn == holder);
        let role = owner.principals.iter().find(|p| p.arn == holder);
        let is_assumed = asked.action.starts_with("sts:AssumeRole");
        let policy = match (resource, role) {
            (Some(resource), _) => resource.policy.as_ref(),
            (None, Some(role)) if is_assumed => role.trust.as_ref(),
            _ => None,
        };
        layers.resource = policy.map(|p| p.policy.clone());
        layers
    }
}

/// Keys of a user or role.
fn of_principal(
    principal: &PlainPrincipal,
    session: Option<&str>,
    known: &mut Vec<(&str, Option<ContextValue>)>,
) {
    let one = |text: &str| Some(ContextValue::One(text.to_owned()));
    let userid = match (principal.is_role, session) {
        (false, _) => one(&principal.id),
        (true, Some(session)) => one(&format!("{}:{session}", principal.id)),
        (true, None) => Some(ContextValue::StartsWith(format!("{}:", principal.id))),
    };
    known.push(("aws:userid", userid));
    known.push(("aws:PrincipalArn", one(&principal.arn)));
    if principal.is_role {
        known.push(("aws:username", None));
    }
    // A session may have other tags than its role, where the trust policy lets it.
    if !principal.takes_tags {
        let team = principal.tags.get("team").and_then(|team| one(team));
        known.push(("aws:PrincipalTag/team", team));
    }
}
