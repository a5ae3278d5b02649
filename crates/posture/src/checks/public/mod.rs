//! Checks of what everybody can reach.

pub(crate) mod pub_01;
pub(crate) mod pub_02;
pub(crate) mod pub_03;
pub(crate) mod pub_04;
pub(crate) mod pub_05;
pub(crate) mod pub_06;
pub(crate) mod pub_07;
pub(crate) mod pub_08;
pub(crate) mod pub_09;

use crate::missing::{Fault, GLOBAL, MissingFact};
use bartizan_iam::{ExternalPrincipal, is_public_policy};

use crate::reading::FactView;
use crate::verdicts::Verdicts;
use crate::view::AccountView;

/// Kind of a resource with a policy of its own.
pub(crate) struct PolicyResource {
    /// Kind of the list of resources, e.g. `sqs:queue`.
    list: &'static str,
    /// Kind of the policy, with the id of the resource, e.g. `sqs:queuepolicy`.
    policy: &'static str,
    /// ARN, with `{region}`, `{account}`, `{id}` and `{name}` (the last part of the id).
    arn: &'static str,
    /// A word of the kind for people.
    what: &'static str,
}

const fn resource(
    list: &'static str,
    policy: &'static str,
    arn: &'static str,
    what: &'static str,
) -> PolicyResource {
    PolicyResource {
        list,
        policy,
        arn,
        what,
    }
}

const BUCKET: PolicyResource = resource(
    "s3:bucket",
    "s3:bucketpolicy",
    "arn:aws:s3:::{id}",
    "bucket",
);
const QUEUE: PolicyResource = resource(
    "sqs:queue",
    "sqs:queuepolicy",
    "arn:aws:sqs:{region}:{account}:{name}",
    "queue",
);
const TOPIC: PolicyResource = resource("sns:topic", "sns:topicpolicy", "{id}", "topic");

/// Resources of other services, whose policies PUB-05 judges.
const OTHERS: [PolicyResource; 9] = [
    resource(
        "kms:key",
        "kms:keypolicy",
        "arn:aws:kms:{region}:{account}:key/{id}",
        "key",
    ),
    resource(
        "secretsmanager:secret",
        "secretsmanager:resourcepolicy",
        "{id}",
        "secret",
    ),
    resource(
        "ecr:repository",
        "ecr:repositorypolicy",
        "arn:aws:ecr:{region}:{account}:repository/{id}",
        "repository",
    ),
    resource(
        "lambda:function",
        "lambda:functionpolicy",
        "arn:aws:lambda:{region}:{account}:function:{id}",
        "function",
    ),
    resource("dynamodb:table", "dynamodb:tablepolicy", "{id}", "table"),
    resource(
        "efs:filesystem",
        "efs:filesystempolicy",
        "arn:aws:elasticfilesystem:{region}:{account}:file-system/{id}",
        "file system",
    ),
    resource(
        "backup:vault",
        "backup:vaultpolicy",
        "arn:aws:backup:{region}:{account}:backup-vault:{id}",
        "backup vault",
    ),
    resource(
        "events:eventbus",
        "events:eventbuspolicy",
        "arn:aws:events:{region}:{account}:event-bus/{id}",
        "event bus",
    ),
    resource(
        "logs:destination",
        "logs:destinationpolicy",
        "arn:aws:logs:{region}:{account}:destination:{id}",
        "log destination",
    ),
];

/// Kinds of all policies of resources.
pub(crate) const POLICY_KINDS: &[&str] = &[
    "s3:bucketpolicy",
    "sqs:queuepolicy",
    "sns:topicpolicy",
    "kms:keypolicy",
    "secretsmanager:resourcepolicy",
    "ecr:repositorypolicy",
    "lambda:functionpolicy",
    "dynamodb:tablepolicy",
    "efs:filesystempolicy",
    "backup:vaultpolicy",
    "events:eventbuspolicy",
    "logs:destinationpolicy",
];

/// Policies of resources that were not read: one for each kind.
pub(crate) fn policies_unread(
    view: &AccountView<'_>,
    of: impl Fn(&str) -> bool,
) -> Vec<MissingFact> {
    let kinds = POLICY_KINDS.iter().filter(|kind| of(kind));
    kinds.flat_map(|kind| view.list(kind).unread).collect()
}

impl PolicyResource {
    fn arn(&self, view: &AccountView<'_>, fact: &FactView<'_>) -> String {
        if let Some(arn) = fact.id.starts_with("arn:").then_some(&fact.id) {
            return arn.clone();
        }
        let name = fact.id.rsplit('/').next().unwrap_or(&fact.id);
        self.arn
            .replace("{region}", fact.region)
            .replace("{account}", view.id)
            .replace("{name}", name)
            .replace("{id}", &fact.id)
    }

    /// One verdict for each resource of the kind, by its policy.
    fn judge(&self, view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
        let resources = view.list(self.list);
        verdicts.list_read(&resources);
        for fact in resources.facts {
            let arn = self.arn(view, fact);
            verdicts.judge(&arn, fact.region, [self.policy_fault(view, fact, &arn)]);
        }
    }

    fn policy_fault(&self, view: &AccountView<'_>, fact: &FactView<'_>, arn: &str) -> Fault {
        // KMS gives no policy of a key that AWS manages: nobody can change or share it.
        if self.list == "kms:key" && fact.text("/KeyManager") == Some("AWS") {
            return Ok(None);
        }
        let Some(policy) = view.fact(self.policy, fact.region, &fact.id)? else {
            return Ok(None);
        };
        Ok(public_policy(view, policy, arn)?.then(|| format!("the policy of the {}", self.what)))
    }
}

/// Whether the policy of a resource lets in everybody, after its denies.
fn public_policy(
    view: &AccountView<'_>,
    fact: &FactView<'_>,
    arn: &str,
) -> Result<bool, MissingFact> {
    Ok(public_alone(fact)? && is_open_to_all(view, fact.kind, arn))
}

/// Whether a policy lets in everybody, for resources whose external access is not analyzed.
fn public_alone(policy: &FactView<'_>) -> Result<bool, MissingFact> {
    Ok(is_public_policy(&*policy.policy()?))
}

/// Whether everybody has external access to a resource by a policy of this kind.
fn is_open_to_all(view: &AccountView<'_>, kind: &str, arn: &str) -> bool {
    let everybody = [ExternalPrincipal::Anybody, ExternalPrincipal::AnyAccount];
    let mut given = view.external_by(kind, arn);
    given.any(|e| everybody.contains(&e.to))
}

/// A flag of Block Public Access, in the bucket or in the account.
fn block(view: &AccountView<'_>, bucket: &str, flag: &str) -> Result<bool, MissingFact> {
    let pointer = format!("/{flag}");
    let of_bucket = view.fact("s3:bucketpublicaccessblock", GLOBAL, bucket);
    if of_bucket
        .as_ref()
        .is_ok_and(|f| f.is_some_and(|f| f.is(&pointer)))
    {
        return Ok(true);
    }
    let of_account = account_block(view);
    if of_account
        .as_ref()
        .is_ok_and(|f| f.is_some_and(|f| f.is(&pointer)))
    {
        return Ok(true);
    }
    of_bucket?;
    of_account?;
    Ok(false)
}

/// Block Public Access of the account. Each region gives the same answer.
fn account_block<'v, 'a>(
    view: &'v AccountView<'a>,
) -> Result<Option<&'v FactView<'a>>, MissingFact> {
    const KIND: &str = "s3:accountpublicaccessblock";
    let list = view.list(KIND);
    if let Some(fact) = list.facts.into_iter().next() {
        return Ok(Some(fact));
    }
    let answered = view
        .regions_of(KIND)
        .into_iter()
        .any(|r| view.fact(KIND, r, "account").is_ok());
    match list.unread.into_iter().next() {
        Some(unread) if !answered => Err(unread),
        _ => Ok(None),
    }
}

/// Whether ACLs of a bucket count for nothing, because its owner owns all objects.
fn is_owner_enforced(view: &AccountView<'_>, bucket: &str) -> Result<bool, MissingFact> {
    let controls = view.fact("s3:bucketownershipcontrols", GLOBAL, bucket)?;
    Ok(controls.is_some_and(|c| {
        c.list("/Rules")
            .iter()
            .any(|rule| rule["ObjectOwnership"] == "BucketOwnerEnforced")
    }))
}

/// A grant of an ACL to everybody, e.g. `READ for AllUsers`.
fn public_grant(acl: &FactView<'_>) -> Option<String> {
    acl.list("/Grants").iter().find_map(|grant| {
        let group = grant["Grantee"]["URI"].as_str()?.rsplit('/').next()?;
        let is_public = matches!(group, "AllUsers" | "AuthenticatedUsers");
        is_public.then(|| {
            format!(
                "{} for {group}",
                grant["Permission"].as_str().unwrap_or("?")
            )
        })
    })
}

/// The fault of a public ACL that counts.
fn acl_fault(view: &AccountView<'_>, acl: &FactView<'_>, bucket: &str) -> Fault {
    let Some(grant) = public_grant(acl) else {
        return Ok(None);
    };
    let closed = [
        is_owner_enforced(view, bucket),
        block(view, bucket, "IgnorePublicAcls"),
    ];
    if closed.contains(&Ok(true)) {
        return Ok(None);
    }
    for guard in closed {
        guard?;
    }
    Ok(Some(format!("its ACL gives {grant}")))
}
