//! Questions about an account: may this principal do that, and who may?

use crate::account::{Account, Controls, DocumentId};
use crate::arn::Arn;
use crate::engine::{Compiled, Evaluation};
use crate::request::{
    BlockPublicAccess, Context, Decision, ExplainedDecision, Layers, PolicyLayer, Request,
    RequestCaller,
};
use crate::tri::Tri;

/// Answer to an access question.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, Decision};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob",
///         "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow",
///             "Action": "s3:Get*", "Resource": "*"}}}]}]}"#,
/// )?;
/// let said = builder.build().may(0, "s3:GetObject", "arn:aws:s3:::logs/a");
/// assert_eq!(said.decision, Decision::Allowed);
/// assert!(said.because[0].contains("user/bob/p, statement 1"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessAnswer {
    /// Yes: it must be allowed. Maybe: it depends on `conditions`, or on something that is not
    /// known.
    pub verdict: Tri,
    /// The decision behind it.
    pub decision: Decision,
    /// Statements that decide, as `LAYER NAME, statement N (Sid): allows it`.
    pub because: Vec<String>,
    /// Conditions that nobody can know before the request, as `key Operator value`.
    pub conditions: Vec<String>,
    /// Unread policies and facts that may decide otherwise, as sentences.
    pub unread: Vec<String>,
    /// The layer that decided.
    pub(crate) last_word: Option<PolicyLayer>,
}

impl AccessAnswer {
    /// Leaves the answer open: something that was not read may decide otherwise.
    fn leave_open(&mut self, why: String) {
        (self.verdict, self.decision) = (Tri::Maybe, Decision::Unknown);
        self.unread.push(why);
    }
}

/// The side of the resource.
struct There<'x> {
    /// Its policy, if it is at hand.
    policy: Option<DocumentId>,
    /// That policy, or one that stands for it.
    compiled: Option<&'x Compiled>,
    /// Whose documents these are, and whose RCPs bind.
    owner: &'x Account<'x>,
    /// Of the resource.
    account: &'x str,
}

impl Account<'_> {
    /// The number of a principal, by its ARN, or its name where that is enough (`alice`,
    /// `role/build`).
    ///
    /// # Errors
    /// When there is none, or several.
    pub fn principal(&self, name: &str) -> Result<usize, String> {
        let is = |p: &crate::account::IamPrincipal| {
            p.arn == name || p.name == name || p.arn.ends_with(&format!(":{name}"))
        };
        let found: Vec<usize> = (0..self.principals.len())
            .filter(|n| is(&self.principals[*n]))
            .collect();
        match found.as_slice() {
            [one] => Ok(*one),
            [] => Err(format!(
                "there is no user or role {name} in account {}",
                self.id
            )),
            several => {
                let arns: Vec<&str> = several
                    .iter()
                    .map(|n| self.principals[*n].arn.as_str())
                    .collect();
                Err(format!("{name} is several: {}", arns.join(", ")))
            }
        }
    }

    /// Whether a principal of the account may do something. What a request would bring along is
    /// open.
    pub fn may(&self, principal: usize, action: &str, resource: &str) -> AccessAnswer {
        self.may_there(principal, None, action, resource)
    }

    /// [`Account::may`] where the account of the resource is at hand: its policies are asked as
    /// well.
    pub fn may_there(
        &self,
        principal: usize,
        owner: Option<&Account<'_>>,
        action: &str,
        resource: &str,
    ) -> AccessAnswer {
        let me = &self.principals[principal];
        let caller = RequestCaller::Aws(me.arn.clone());
        let identity = me
            .policies
            .iter()
            .map(|d| &self.documents[*d as usize].compiled)
            .collect();
        let owner = owner.filter(|o| o.id != self.id);
        let foreign = if owner.is_none() {
            self.is_of_another(resource)
        } else {
            None
        };
        let mut said = match &foreign {
            Some(_) => self.decide_at_home(
                caller,
                identity,
                &me.policies,
                me.boundary,
                action,
                resource,
            ),
            None => self.decide(
                caller,
                identity,
                &me.policies,
                me.boundary,
                owner.unwrap_or(self),
                action,
                resource,
            ),
        };
        let side = owner.unwrap_or(self);
        side.by_grant(&me.arn, action, resource, &mut said);
        if let Some(whose) = foreign {
            if said.verdict == Tri::Yes {
                said.leave_open(format!(
                    "{whose}: the policy of {resource} was not read, and must allow it as well"
                ));
            }
        } else {
            side.leave_open_unread(action, resource, &mut said);
        }
        self.leave_open_controls(&mut said);
        if !me.unread.is_empty() && said.decision != Decision::ExplicitlyDenied {
            let unread: Vec<String> = me.unread.iter().map(ToString::to_string).collect();
            said.leave_open(format!("not read: {}", unread.join(", ")));
        }
        said
    }

    /// Why anybody at all may be allowed something: the policy of the resource is this account's
    /// and was not read.
    pub fn open_to_anybody(&self, action: &str, resource: &str) -> Option<String> {
        if self.is_of_another(resource).is_some() {
            None
        } else {
            self.own_unread(action, resource)
        }
    }

    /// Whether somebody of another account may, as far as this account has a say.
    pub fn may_from_outside(
        &self,
        caller: RequestCaller,
        action: &str,
        resource: &str,
    ) -> AccessAnswer {
        let foreign = matches!(&caller, RequestCaller::Aws(_));
        let who = match &caller {
            RequestCaller::Aws(name)
            | RequestCaller::Service(name)
            | RequestCaller::Federated(name) => name.clone(),
            RequestCaller::Anonymous => String::new(),
        };
        // Its policies at home are not visible here.
        let home = self.everything(
            crate::request::PolicyGrammar::Identity,
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,
        );
        let identity: Vec<&Compiled> = home.iter().filter(|_| foreign).collect();
        let mut said = self.decide(caller, identity, &[], None, self, action, resource);
        self.by_grant(&who, action, resource, &mut said);
        if foreign || who.is_empty() {
            self.by_acl(foreign, action, resource, &mut said);
        }
        self.leave_open_unread(action, resource, &mut said);
        if foreign && said.verdict == Tri::Yes {
            said.verdict = Tri::Maybe;
            said.because
                .push("needs an allow in its own account, which is not visible here".to_owned());
        }
        said
    }

    fn everything(&self, side: crate::request::PolicyGrammar, text: &str) -> Option<Compiled> {
        let policy = crate::policy::parse(text).ok()?;
        Some(crate::engine::Compiler::new(self.actions).compile(&policy, side))
    }

    /// Whose a resource is that is not the account's, in words; none where it is, or where nobody
    /// can tell.
    fn is_of_another(&self, resource: &str) -> Option<String> {
        let arn = Arn::parse(resource)?;
        if arn.account.len() == 12
            && arn.account != self.id
            && arn.account.bytes().all(|b| b.is_ascii_digit())
        {
            return Some(format!("it is of account {}", arn.account));
        }
        // Names of buckets have no account in them: a bucket that is not in the whole list of the
        // account's is another's.
        let whole = self.asked.is_some() && self.unread_facts_of("s3:bucket").is_empty();
        let bucket = arn
            .resource
            .split('/')
            .next()
            .filter(|_| arn.service == "s3" && arn.region.is_empty())?;
        let own = self.has_bucket(bucket)
            || self
                .resources
                .iter()
                .any(|r| r.arn == format!("arn:aws:s3:::{bucket}"));
        (whole && !own && !bucket.contains(['*', '?']))
            .then(|| format!("bucket {bucket} is not of this account"))
    }

    /// A policy of the resource that was not read may allow what nothing else does, and deny what
    /// something else allows.
    fn leave_open_unread(&self, action: &str, resource: &str, said: &mut AccessAnswer) {
        let Some(why) = self.own_unread(action, resource) else {
            return;
        };
        let settled = said.decision == Decision::ExplicitlyDenied
            || said.decision == Decision::ImplicitlyDenied
                && said
                    .last_word
                    .is_some_and(|l| matches!(l, PolicyLayer::Scp | PolicyLayer::Service));
        if !settled {
            said.leave_open(why);
        }
    }

    /// Policies of the organization that were not read may deny.
    fn leave_open_controls(&self, said: &mut AccessAnswer) {
        if let (Controls::Unread(why), Tri::Yes | Tri::Maybe) = (&self.controls, said.verdict) {
            said.leave_open(format!(
                "policies of the organization (SCPs, RCPs) were not read ({why}): they may deny it"
            ));
        }
    }

    /// A grant allows beside all policies; an explicit deny still decides.
    fn by_grant(&self, who: &str, action: &str, resource: &str, said: &mut AccessAnswer) {
        let Some(operation) = action
            .split_once(':')
            .filter(|(s, _)| s.eq_ignore_ascii_case("kms"))
            .map(|(_, name)| name)
        else {
            return;
        };
        if said.decision == Decision::ExplicitlyDenied || said.verdict == Tri::Yes {
            return;
        }
        let fits = |g: &&crate::account::Grant| {
            g.key == resource
                && g.grantee == who
                && g.operations
                    .iter()
                    .any(|o| o.eq_ignore_ascii_case(operation))
        };
        for grant in self.grants.iter().filter(fits) {
            said.verdict = said.verdict.or(if grant.constrained {
                Tri::Maybe
            } else {
                Tri::Yes
            });
            said.decision = if said.verdict == Tri::Yes {
                Decision::Allowed
            } else {
                Decision::Unknown
            };
            let within = if grant.constrained {
                ", within an encryption context"
            } else {
                ""
            };
            // The deciding reason comes first.
            said.because
                .insert(0, format!("grant {}: allows it{within}", grant.id));
        }
        if said.verdict != Tri::Yes
            && let Some(arn) = Arn::parse(resource)
            && let Some(key) = arn.resource.strip_prefix("key/")
            && let Some(why) = self.unread_reason("kms:grant", arn.region, &format!("{key}/"))
        {
            said.verdict = said.verdict.or(Tri::Maybe);
            said.unread
                .push(format!("grants of the key were not read ({why})"));
        }
    }

    /// An ACL of a bucket allows beside its policy; an explicit deny still decides.
    fn by_acl(&self, signed: bool, action: &str, resource: &str, said: &mut AccessAnswer) {
        let Some(name) = resource.strip_prefix("arn:aws:s3:::") else {
            return;
        };
        let bucket = name.split('/').next().unwrap_or_default();
        if said.decision == Decision::ExplicitlyDenied
            || said.verdict == Tri::Yes
            || self.ignores_acls(bucket)
        {
            return;
        }
        let fits = |share: &&crate::account::Share| {
            let here = share.kind == "s3:bucketacl"
                && share.arn.strip_prefix("arn:aws:s3:::") == Some(bucket);
            here && (share.with == "*" || signed && share.with == "authenticated")
                && permits(&share.what, action)
        };
        for share in self.shares.iter().filter(fits) {
            (said.verdict, said.decision) = (Tri::Yes, Decision::Allowed);
            let whom = if share.with == "*" {
                "everybody"
            } else {
                "everybody with an AWS account"
            };
            said.because.insert(
                0,
                format!(
                    "ACL of bucket {bucket}: {} for {whom} allows it",
                    share.what
                ),
            );
        }
    }

    /// Decision of this side about a resource of another account, as if that one allowed everybody.
    fn decide_at_home(
        &self,
        caller: RequestCaller,
        identity: Vec<&Compiled>,
        names: &[DocumentId],
        boundary: Option<DocumentId>,
        action: &str,
        resource: &str,
    ) -> AccessAnswer {
        let open = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}"#;
        let there = self.everything(crate::request::PolicyGrammar::Resource, open);
        let account = Arn::parse(resource)
            .map(|a| a.account)
            .filter(|a| a.len() == 12);
        let side = There {
            policy: None,
            compiled: there.as_ref(),
            owner: self,
            account: account.unwrap_or("000000000000"),
        };
        self.decide_with(caller, identity, names, boundary, &side, action, resource)
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one request")]
    fn decide(
        &self,
        caller: RequestCaller,
        identity: Vec<&Compiled>,
        names: &[DocumentId],
        boundary: Option<DocumentId>,
        owner: &Account<'_>,
        action: &str,
        resource: &str,
    ) -> AccessAnswer {
        let policy = owner.policy_of(action, resource);
        let account = Arn::parse(resource)
            .map(|a| a.account)
            .filter(|a| a.len() == 12)
            .unwrap_or(&owner.id);
        let compiled = policy.map(|d| &owner.documents[d as usize].compiled);
        let side = There {
            policy,
            compiled,
            owner,
            account,
        };
        self.decide_with(caller, identity, names, boundary, &side, action, resource)
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one request")]
    fn decide_with(
        &self,
        caller: RequestCaller,
        identity: Vec<&Compiled>,
        names: &[DocumentId],
        boundary: Option<DocumentId>,
        there: &There<'_>,
        action: &str,
        resource: &str,
    ) -> AccessAnswer {
        let mut request = Request {
            action: action.to_owned(),
            resource: resource.to_owned(),
            resource_account: Some(there.account.to_owned()),
            caller,
            context: Context::open(),
        };
        request.complete(self.actions);
        let owner = there.owner;
        let compiled = |d: &DocumentId| &self.documents[*d as usize].compiled;
        let theirs = |d: &DocumentId| &owner.documents[*d as usize].compiled;
        // RCPs of the resource's account bind, not those of the caller's.
        let rcp: &[Vec<DocumentId>] = if there.policy.is_none() && there.compiled.is_some() {
            &[]
        } else {
            &owner.rcp
        };
        let layers = Layers {
            identity,
            resource: there.compiled,
            boundary: boundary.iter().map(compiled).collect(),
            scp: self
                .scp
                .iter()
                .map(|level| level.iter().map(compiled).collect())
                .collect(),
            rcp: rcp
                .iter()
                .map(|level| level.iter().map(theirs).collect())
                .collect(),
            block_public_access: BlockPublicAccess {
                restrict_public_buckets: owner.restricts_public_buckets(resource),
            },
            ..Layers::default()
        };
        let answer = Compiled::evaluate_complete(&request, &layers, self.actions);
        let name = |layer: PolicyLayer, policy: usize| -> String {
            let (account, document) = match layer {
                PolicyLayer::Identity => (self, names.get(policy).copied()),
                PolicyLayer::Resource => (owner, there.policy),
                PolicyLayer::Boundary => (self, boundary),
                PolicyLayer::Scp => (self, self.scp.iter().flatten().nth(policy).copied()),
                PolicyLayer::Rcp => (owner, rcp.iter().flatten().nth(policy).copied()),
                _ => (self, None),
            };
            document
                .map(|d| account.documents[d as usize].name.clone())
                .unwrap_or_default()
        };
        let mut answer = answer;
        let last_word = answer.because.last().map(|b| b.layer);
        if there.policy.is_none() {
            // That somebody else's policy allows was only assumed.
            answer
                .because
                .retain(|b| !(b.layer == PolicyLayer::Resource && b.statement.is_some()));
        }
        let because = sentences(&answer, &layers, &name);
        let verdict = match answer.decision {
            Decision::Allowed => Tri::Yes,
            Decision::Unknown => Tri::Maybe,
            Decision::ExplicitlyDenied | Decision::ImplicitlyDenied => Tri::No,
        };
        let conditions = if verdict == Tri::Maybe {
            Evaluation::new(&request, boundary.is_some(), self.actions).open_conditions(&layers)
        } else {
            Vec::new()
        };
        AccessAnswer {
            verdict,
            decision: answer.decision,
            because,
            conditions,
            unread: Vec::new(),
            last_word,
        }
    }

    /// Why the policy that decides about a resource is not known.
    fn own_unread(&self, action: &str, resource: &str) -> Option<String> {
        let lower = action.to_ascii_lowercase();
        if lower.starts_with("sts:assumerole") {
            let (arn, name) = (
                Arn::parse(resource)?,
                resource.rsplit('/').next().unwrap_or_default(),
            );
            let known = self.principals.iter().find(|p| p.arn == resource);
            let why = match known {
                Some(role)
                    if role.trust.is_some() || role.kind == crate::account::PrincipalKind::User =>
                {
                    return None;
                }
                Some(_) if self.asked.is_some() => "it cannot be understood".to_owned(),
                Some(_) => return None,
                None if arn.account == self.id => self.unread_reason("iam:role", "global", name)?,
                None => return None,
            };
            return Some(format!(
                "the trust policy of role {name} was not read ({why})"
            ));
        }
        // Policies of the service itself: what is done to a resource of another service asks for
        // them as well.
        let service = Arn::parse(resource)?.service;
        let own = lower
            .split(':')
            .next()
            .is_some_and(|s| s == service || service == "elasticfilesystem" || service == "s3");
        let (held, why) = self.unread_policy(resource).filter(|_| own)?;
        Some(format!(
            "the policy of {held} was not read ({why}): it may allow or deny it"
        ))
    }

    /// The policy of a resource: of a bucket for its objects, of a role when it is to be assumed.
    fn policy_of(&self, action: &str, resource: &str) -> Option<DocumentId> {
        if action.to_ascii_lowercase().starts_with("sts:assumerole") {
            let role = self.principals.iter().find(|p| p.arn == resource)?;
            return role.trust;
        }
        let bucket = resource
            .split_once('/')
            .filter(|_| resource.starts_with("arn:aws:s3:::"))
            .map(|(bucket, _)| bucket);
        let is = |r: &&crate::account::ResourceWithPolicy| {
            r.arn == resource || Some(r.arn.as_str()) == bucket
        };
        self.resources.iter().find(is).map(|r| r.policy)
    }
}

/// Whether a permission in the ACL of a bucket is for an action (S3 user guide, "Mapping of ACL
/// permissions and access policy permissions"). What it says of objects is for new ones: those that
/// are there have ACLs of their own.
fn permits(permission: &str, action: &str) -> bool {
    const READ: &[&str] = &[
        "s3:ListBucket",
        "s3:ListBucketVersions",
        "s3:ListBucketMultipartUploads",
    ];
    const WRITE: &[&str] = &["s3:PutObject"];
    const READ_ACP: &[&str] = &["s3:GetBucketAcl"];
    const WRITE_ACP: &[&str] = &["s3:PutBucketAcl"];
    let lists: &[&[&str]] = match permission {
        "READ" => &[READ],
        "WRITE" => &[WRITE],
        "READ_ACP" => &[READ_ACP],
        "WRITE_ACP" => &[WRITE_ACP],
        "FULL_CONTROL" => &[READ, WRITE, READ_ACP, WRITE_ACP],
        _ => &[],
    };
    lists
        .iter()
        .copied()
        .flatten()
        .any(|a| a.eq_ignore_ascii_case(action))
}

fn sentences(
    answer: &ExplainedDecision,
    layers: &Layers<&Compiled>,
    name: &dyn Fn(PolicyLayer, usize) -> String,
) -> Vec<String> {
    let one = |because: &crate::request::Because| match because.statement {
        None => format!("{}: {}", because.layer.word(), because.text),
        Some((policy, statement)) => {
            let list = match because.layer {
                PolicyLayer::Identity => layers.identity.get(policy),
                PolicyLayer::Resource => layers.resource.as_ref(),
                PolicyLayer::Boundary => layers.boundary.get(policy),
                PolicyLayer::Scp => layers.scp.iter().flatten().nth(policy),
                PolicyLayer::Rcp => layers.rcp.iter().flatten().nth(policy),
                _ => None,
            };
            let sid = list
                .and_then(|p| p.sid(statement))
                .map(|s| format!(" ({s})"))
                .unwrap_or_default();
            let name = name(because.layer, policy);
            let name = if name.is_empty() {
                String::new()
            } else {
                format!(" {name}")
            };
            format!(
                "{}{name}, statement {}{sid}: {}",
                because.layer.word(),
                statement + 1,
                because.text
            )
        }
    };
    answer.because.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::AccountBuilder;
    use crate::actions::Actions;

    #[test]
    fn an_acl_of_a_bucket_is_a_way_in_of_its_own() {
        let verdicts = |group: &str, permission: &str, ignored: bool, policy: Option<&str>| {
            let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
            let uri = format!("http://acs.amazonaws.com/groups/global/{group}");
            let acl = format!(
                r#"{{"Grants": [{{"Grantee": {{"URI": "{uri}"}}, "Permission": "{permission}"}}]}}"#
            );
            builder.fact("s3:bucketacl", "us-east-1", "b", &acl);
            if ignored {
                builder.fact(
                    "s3:accountpublicaccessblock",
                    "global",
                    "x",
                    r#"{"IgnorePublicAcls": true}"#,
                );
            }
            if let Some(policy) = policy {
                builder.resource("s3:bucketpolicy", "arn:aws:s3:::b", policy);
            }
            let account = builder.build();
            let ask = |caller, action, resource| {
                account.may_from_outside(caller, action, resource).verdict
            };
            let stranger =
                || RequestCaller::Aws("arn:aws:iam::999988887777:user/mallory".to_owned());
            [
                ask(RequestCaller::Anonymous, "s3:ListBucket", "arn:aws:s3:::b"),
                ask(stranger(), "s3:ListBucket", "arn:aws:s3:::b"),
                ask(
                    RequestCaller::Anonymous,
                    "s3:PutObject",
                    "arn:aws:s3:::b/key",
                ),
                ask(RequestCaller::Anonymous, "s3:ListBucket", "arn:aws:s3:::bb"),
            ]
        };
        use Tri::{Maybe, No, Yes};
        // A caller of another account needs an allow at home, which is not visible here.
        assert_eq!(
            verdicts("AllUsers", "READ", false, None),
            [Yes, Maybe, No, No]
        );
        assert_eq!(
            verdicts("AuthenticatedUsers", "READ", false, None),
            [No, Maybe, No, No]
        );
        assert_eq!(
            verdicts("AllUsers", "FULL_CONTROL", false, None),
            [Yes, Maybe, Yes, No]
        );
        assert_eq!(
            verdicts("AllUsers", "FULL_CONTROL", true, None),
            [No, No, No, No]
        );
        let deny = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Deny",
            "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::b/*"}}"#;
        assert_eq!(
            verdicts("AllUsers", "FULL_CONTROL", false, Some(deny)),
            [Yes, Maybe, No, No]
        );
    }
}
