//! Questions about an account: may this principal do that, and who may?

use crate::account::{Account, DocumentId};
use crate::engine::{Asked, Compiled};
use crate::request::{Answer, Arn, BlockPublicAccess, Caller, Context, Decision, Layer, Layers, Request};
use crate::tri::Tri;

/// What is to be said to a question.
///
/// ```
/// use bartizan_iam::{AccountBuilder, Actions, Decision};
/// let mut builder = AccountBuilder::new("111122223333", Actions::builtin());
/// builder.authorization_details(
///     r#"{"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::111122223333:user/bob", "UserPolicyList": [{"PolicyName": "p",
///         "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}}]}]}"#,
/// )?;
/// let said = builder.build().may(0, "s3:GetObject", "arn:aws:s3:::logs/a");
/// assert_eq!(said.decision, Decision::Allowed);
/// assert!(said.because[0].contains("user/bob/p, statement 1"));
/// # Ok::<(), serde_json::Error>(())
/// ```
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
        if foreign || who.is_empty() {
            self.by_acl(foreign, action, resource, &mut said);
        }
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
            // What decides comes first.
            said.because.insert(0, format!("grant {}: allows it{within}", grant.id));
        }
    }

    /// An ACL of a bucket allows beside its policy; an explicit deny still decides.
    fn by_acl(&self, signed: bool, action: &str, resource: &str, said: &mut Said) {
        let Some(name) = resource.strip_prefix("arn:aws:s3:::") else { return };
        let bucket = name.split('/').next().unwrap_or_default();
        if said.decision == Decision::ExplicitlyDenied || said.verdict == Tri::Yes || self.ignores_acls(bucket) {
            return;
        }
        let fits = |share: &&crate::account::Share| {
            let here = share.kind == "s3:bucketacl" && share.arn.strip_prefix("arn:aws:s3:::") == Some(bucket);
            here && (share.with == "*" || signed && share.with == "authenticated") && permits(&share.what, action)
        };
        for share in self.shares.iter().filter(fits) {
            (said.verdict, said.decision) = (Tri::Yes, Decision::Allowed);
            let whom = if share.with == "*" { "everybody" } else { "everybody with an AWS account" };
            said.because.insert(0, format!("ACL of bucket {bucket}: {} for {whom} allows it", share.what));
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
            rcp: self.rcp.iter().map(|level| level.iter().map(compiled).collect()).collect(),
            block_public_access: BlockPublicAccess { restrict_public_buckets: self.restricts_public_buckets(resource) },
            ..Layers::default()
        };
        let answer = Compiled::evaluate_complete(&request, &layers, self.actions);
        let name = |layer: Layer, policy: usize| -> String {
            let document = match layer {
                Layer::Identity => names.get(policy).copied(),
                Layer::Resource => own,
                Layer::Boundary => boundary,
                Layer::Scp => self.scp.iter().flatten().nth(policy).copied(),
                Layer::Rcp => self.rcp.iter().flatten().nth(policy).copied(),
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

/// Whether a permission in the ACL of a bucket is for an action (S3 user guide, "Mapping of ACL permissions and access policy
/// permissions"). What it says of objects is for new ones: those that are there have ACLs of their own.
fn permits(permission: &str, action: &str) -> bool {
    const READ: &[&str] = &["s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"];
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
    lists.iter().copied().flatten().any(|a| a.eq_ignore_ascii_case(action))
}

fn sentences(answer: &Answer, layers: &Layers<&Compiled>, name: &dyn Fn(Layer, usize) -> String) -> Vec<String> {
    let one = |because: &crate::request::Because| match because.statement {
        None => format!("{}: {}", because.layer.word(), because.text),
        Some((policy, statement)) => {
            let list = match because.layer {
                Layer::Identity => layers.identity.get(policy),
                Layer::Resource => layers.resource.as_ref(),
                Layer::Boundary => layers.boundary.get(policy),
                Layer::Scp => layers.scp.iter().flatten().nth(policy),
                Layer::Rcp => layers.rcp.iter().flatten().nth(policy),
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
            let acl = format!(r#"{{"Grants": [{{"Grantee": {{"URI": "{uri}"}}, "Permission": "{permission}"}}]}}"#);
            builder.fact("s3:bucketacl", "us-east-1", "b", &acl);
            if ignored {
                builder.fact("s3:accountpublicaccessblock", "global", "x", r#"{"IgnorePublicAcls": true}"#);
            }
            if let Some(policy) = policy {
                builder.resource("s3:bucketpolicy", "arn:aws:s3:::b", policy);
            }
            let account = builder.build();
            let ask = |caller, action, resource| account.may_from_outside(caller, action, resource).verdict;
            let stranger = || Caller::Aws("arn:aws:iam::999988887777:user/mallory".to_owned());
            [
                ask(Caller::Anonymous, "s3:ListBucket", "arn:aws:s3:::b"),
                ask(stranger(), "s3:ListBucket", "arn:aws:s3:::b"),
                ask(Caller::Anonymous, "s3:PutObject", "arn:aws:s3:::b/key"),
                ask(Caller::Anonymous, "s3:ListBucket", "arn:aws:s3:::bb"),
            ]
        };
        use Tri::{Maybe, No, Yes};
        // Who is of another account needs an allow at home, which is not seen here.
        assert_eq!(verdicts("AllUsers", "READ", false, None), [Yes, Maybe, No, No]);
        assert_eq!(verdicts("AuthenticatedUsers", "READ", false, None), [No, Maybe, No, No]);
        assert_eq!(verdicts("AllUsers", "FULL_CONTROL", false, None), [Yes, Maybe, Yes, No]);
        assert_eq!(verdicts("AllUsers", "FULL_CONTROL", true, None), [No, No, No, No]);
        let deny = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::b/*"}}"#;
        assert_eq!(verdicts("AllUsers", "FULL_CONTROL", false, Some(deny)), [Yes, Maybe, No, No]);
    }
}
