//! Questions about an account: may this principal do that, and who may?

use crate::account::{Account, DocumentId};
use crate::engine::{Asked, Compiled};
use crate::request::{Answer, Arn, BlockPublicAccess, Caller, Context, Decision, Layer, Layers, Request};
use crate::tri::Tri;

/// What is to be said to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Yes: it must be allowed. Maybe: it hangs on `conditions`, or on what is not known.
    pub verdict: Tri,
    /// The decision behind it.
    pub decision: Decision,
    /// Statements that decide, as `LAYER NAME, statement N (Sid): allows it`.
    pub because: Vec<String>,
    /// Conditions that nobody can know before the request, as `key Operator value`.
    pub conditions: Vec<String>,
}

impl Account<'_> {
    /// The number of a principal, by its ARN, or its name where that is enough (`alice`, `role/build`).
    ///
    /// # Errors
    /// When there is none, or several.
    pub fn principal(&self, name: &str) -> Result<usize, String> {
        let is = |p: &crate::account::Identity| p.arn == name || p.name == name || p.arn.ends_with(&format!(":{name}"));
        let found: Vec<usize> = (0..self.principals.len()).filter(|n| is(&self.principals[*n])).collect();
        match found.as_slice() {
            [one] => Ok(*one),
            [] => Err(format!("there is no user or role {name} in account {}", self.id)),
            several => {
                let arns: Vec<&str> = several.iter().map(|n| self.principals[*n].arn.as_str()).collect();
                Err(format!("{name} is several: {}", arns.join(", ")))
            }
        }
    }

    /// Whether a principal of the account may do something. What a request would bring along is open.
    pub fn may(&self, principal: usize, action: &str, resource: &str) -> Said {
        let me = &self.principals[principal];
        let mut said = self.asked(Caller::Aws(me.arn.clone()), &me.policies, me.boundary, action, resource);
        self.by_grant(&me.arn, action, resource, &mut said);
        if !me.unread.is_empty() && said.decision != Decision::ExplicitlyDenied {
            said.verdict = Tri::Maybe;
            said.because.push(format!("not read: {}", me.unread.join(", ")));
        }
        said
    }

    /// Whether somebody of another account may, as far as this account has a say.
    pub fn may_from_outside(&self, caller: Caller, action: &str, resource: &str) -> Said {
        let foreign = matches!(&caller, Caller::Aws(_));
        let who = match &caller {
            Caller::Aws(name) | Caller::Service(name) | Caller::Federated(name) => name.clone(),
            Caller::Anonymous => String::new(),
        };
        // What it is allowed at home is not visible here.
        let home = crate::policy::parse(r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#);
        let home = home.map(|p| crate::engine::Compiler::new(self.actions).compile(&p, crate::request::Side::Identity));
        let identity: Vec<&Compiled> = home.iter().filter(|_| foreign).collect();
        let mut said = self.decide(caller, identity, &[], None, action, resource);
        self.by_grant(&who, action, resource, &mut said);
        if foreign && said.verdict == Tri::Yes {
            said.verdict = Tri::Maybe;
            said.because.push("needs an allow in its own account, which is not visible here".to_owned());
        }
        said
    }

    /// A grant allows beside all policies; an explicit deny still decides.
    fn by_grant(&self, who: &str, action: &str, resource: &str, said: &mut Said) {
        let Some(operation) = action.split_once(':').filter(|(s, _)| s.eq_ignore_ascii_case("kms")).map(|(_, name)| name) else {
            return;
        };
        if said.decision == Decision::ExplicitlyDenied || said.verdict == Tri::Yes {
            return;
        }
        let Some(grants) = &self.grants else {
            said.verdict = said.verdict.or(Tri::Maybe);
            said.because.push("grants of the key were not read".to_owned());
            return;
        };
        let fits = |g: &&crate::account::Grant| {
            g.key == resource && g.grantee == who && g.operations.iter().any(|o| o.eq_ignore_ascii_case(operation))
        };
        for grant in grants.iter().filter(fits) {
            said.verdict = said.verdict.or(if grant.constrained { Tri::Maybe } else { Tri::Yes });
            said.decision = if said.verdict == Tri::Yes { Decision::Allowed } else { Decision::Unknown };
            let within = if grant.constrained { ", within an encryption context" } else { "" };
            said.because.push(format!("grant {}: allows it{within}", grant.id));
        }
    }

    fn asked(&self, caller: Caller, policies: &[DocumentId], boundary: Option<DocumentId>, action: &str, resource: &str) -> Said {
        let identity = policies.iter().map(|d| &self.documents[*d as usize].compiled).collect();
        self.decide(caller, identity, policies, boundary, action, resource)
    }

    fn decide(
        &self,
        caller: Caller,
        identity: Vec<&Compiled>,
        names: &[DocumentId],
        boundary: Option<DocumentId>,
        action: &str,
        resource: &str,
    ) -> Said {
        let own = self.policy_of(action, resource);
        let mut request = Request {
            action: action.to_owned(),
            resource: resource.to_owned(),
            resource_account: Some(
                Arn::parse(resource).map(|a| a.account).filter(|a| a.len() == 12).unwrap_or(&self.id).to_owned(),
            ),
            caller,
            context: Context::open(),
        };
        request.complete(self.actions);
        let compiled = |d: &DocumentId| &self.documents[*d as usize].compiled;
        let layers = Layers {
            identity,
            resource: own.as_ref().map(compiled),
            boundary: boundary.iter().map(compiled).collect(),
            scp: self.scp.iter().map(|level| level.iter().map(compiled).collect()).collect(),
            block_public_access: BlockPublicAccess { restrict_public_buckets: self.restricts_public_buckets(resource) },
            ..Layers::default()
        };
        let answer = Compiled::evaluate_complete(&request, &layers, self.actions);
        let name = |layer: Layer, policy: usize| -> String {
            let document = match layer {
                Layer::Identity => names.get(policy).copied(),
                Layer::Resource => own,
                Layer::Boundary => boundary,
                _ => None,
            };
            document.map(|d| self.documents[d as usize].name.clone()).unwrap_or_default()
        };
        let because = sentences(&answer, &layers, &name);
        let verdict = match answer.decision {
            Decision::Allowed => Tri::Yes,
            Decision::Unknown => Tri::Maybe,
            Decision::ExplicitlyDenied | Decision::ImplicitlyDenied => Tri::No,
        };
        let conditions = if verdict == Tri::Maybe {
            Asked::new(&request, boundary.is_some(), self.actions).open_conditions(&layers)
        } else {
            Vec::new()
        };
        Said { verdict, decision: answer.decision, because, conditions }
    }

    /// The policy of a resource: of a bucket for its objects, of a role when it is to be assumed.
    fn policy_of(&self, action: &str, resource: &str) -> Option<DocumentId> {
        if action.to_ascii_lowercase().starts_with("sts:assumerole") {
            let role = self.principals.iter().find(|p| p.arn == resource)?;
            return role.trust;
        }
        let bucket = resource.split_once('/').filter(|_| resource.starts_with("arn:aws:s3:::")).map(|(bucket, _)| bucket);
        let is = |r: &&crate::account::Resource| r.arn == resource || Some(r.arn.as_str()) == bucket;
        self.resources.iter().find(is).map(|r| r.policy)
    }
}

fn sentences(answer: &Answer, layers: &Layers<&Compiled>, name: &dyn Fn(Layer, usize) -> String) -> Vec<String> {
    let one = |because: &crate::request::Because| match because.statement {
        None => format!("{}: {}", because.layer.word(), because.text),
        Some((policy, statement)) => {
            let list = match because.layer {
                Layer::Identity => layers.identity.get(policy),
                Layer::Resource => layers.resource.as_ref(),
                Layer::Boundary => layers.boundary.get(policy),
                _ => None,
            };
            let sid = list.and_then(|p| p.sid(statement)).map(|s| format!(" ({s})")).unwrap_or_default();
            let name = name(because.layer, policy);
            let name = if name.is_empty() { String::new() } else { format!(" {name}") };
            format!("{}{name}, statement {}{sid}: {}", because.layer.word(), statement + 1, because.text)
        }
    };
    answer.because.iter().map(one).collect()
}
