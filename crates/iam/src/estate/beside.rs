//! Ways beside policies: grants of KMS keys, ACLs of buckets.

use super::answer::AccessAnswer;
use crate::account::{Account, Grant, Share};
use crate::arn::Arn;
use crate::request::{Decision, OpenReason, PolicyLayer, RequestCaller};
use crate::tri::Tri;

impl Account<'_> {
    /// A grant allows beside all policies; an explicit deny still decides.
    pub(super) fn by_grant(
        &self,
        caller: &RequestCaller,
        action: &str,
        resource: &str,
        said: &mut AccessAnswer,
    ) {
        let Some(operation) = action
            .split_once(':')
            .filter(|(s, _)| s.eq_ignore_ascii_case("kms"))
            .map(|(_, name)| name)
        else {
            return;
        };
        let is_barred = matches!(
            said.last_word,
            Some(PolicyLayer::Scp | PolicyLayer::Service)
        ) && said.verdict == Tri::No;
        if said.decision == Decision::ExplicitlyDenied || said.verdict == Tri::Yes || is_barred {
            return;
        }
        let who = match caller {
            RequestCaller::Aws(name)
            | RequestCaller::Service(name)
            | RequestCaller::Federated(name) => name.as_str(),
            RequestCaller::Anonymous => return,
        };
        let fits = |g: &&Grant| {
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
                said.open
                    .push(OpenReason::Key("kms:encryptioncontext".to_owned()));
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
            said.open.push(OpenReason::Unread);
            said.unread
                .push(format!("grants of the key were not read ({why})"));
        }
    }

    /// An ACL of a bucket allows beside its policy; an explicit deny still decides.
    pub(super) fn by_acl(
        &self,
        caller: &RequestCaller,
        action: &str,
        resource: &str,
        said: &mut AccessAnswer,
    ) {
        let signed = matches!(caller, RequestCaller::Aws(_));
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
        let fits = |share: &&Share| {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::AccountBuilder;
    use crate::actions::Actions;
    use crate::estate::{AccessQuestion, Estate};

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
                Estate::new(std::slice::from_ref(&account))
                    .ask(&AccessQuestion::new(
                        RequestCaller::into(caller),
                        action,
                        resource,
                    ))
                    .verdict
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
