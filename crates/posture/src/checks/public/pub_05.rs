//! PUB-05: a key, secret, repository, function or the like is public.

use crate::missing::MissingFact;
use bartizan_model::Severity;

use super::{OTHERS, account_block, public_alone};
use crate::check::{Check, Source};
use crate::reading::FactView;
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "PUB-05",
    title: "A key, secret, repository, function or other resource is public by its policy",
    severity: Severity::Critical,
    why: "Everybody can use it from an account of their own, and no log of a sign-in shows it.",
    judged: "Policies of KMS keys, secrets, repositories, functions and their layers, tables, file systems, vaults, event buses, logs: everybody without a fixed value in the condition, after denies.",
    fix: "bartizan access public, and name the principals in the policy of {resource}",
    sources: &[
        Source::Talk,
        Source::Fsbp("KMS.5"),
        Source::Fsbp("Lambda.1"),
    ],
    needs: NEEDS,
    judge,
};

const NEEDS: &[&str] = &[
    "kms:key",
    "kms:keypolicy",
    "secretsmanager:secret",
    "secretsmanager:resourcepolicy",
    "ecr:repository",
    "ecr:repositorypolicy",
    "lambda:function",
    "lambda:functionpolicy",
    "dynamodb:table",
    "dynamodb:tablepolicy",
    "efs:filesystem",
    "efs:filesystempolicy",
    "backup:vault",
    "backup:vaultpolicy",
    "events:eventbus",
    "events:eventbuspolicy",
    "logs:destination",
    "logs:destinationpolicy",
    "lambda:layerversionpolicy",
    "lambda:aliaspolicy",
    "logs:resourcepolicy",
    "cloudtrail:resourcepolicy",
    "s3:accesspointpolicy",
    "s3:accesspoint",
    "s3:accountpublicaccessblock",
    "s3:multiregionaccesspointpolicy",
    "ecr-public:repositorypolicy",
];

/// ARN of the resource that a policy fact belongs to.
type ArnOf = fn(&AccountView<'_>, &FactView<'_>) -> String;

/// Kinds of policies whose resources are known by the policy alone: how the ARN is made of the id
/// of the fact.
const POLICIES_ALONE: [(&str, ArnOf); 7] = [
    ("lambda:layerversionpolicy", |view, fact| {
        let (region, account) = (fact.region, view.id);
        format!(
            "arn:aws:lambda:{region}:{account}:layer:{}",
            fact.id.replace('/', ":")
        )
    }),
    ("lambda:aliaspolicy", |view, fact| {
        format!(
            "arn:aws:lambda:{}:{}:function:{}",
            fact.region, view.id, fact.id
        )
    }),
    ("logs:resourcepolicy", |view, fact| {
        format!(
            "arn:aws:logs:{}:{}:resource-policy/{}",
            fact.region, view.id, fact.id
        )
    }),
    ("cloudtrail:resourcepolicy", |_, fact| fact.id.clone()),
    ("s3:accesspointpolicy", |view, fact| {
        format!(
            "arn:aws:s3:{}:{}:accesspoint/{}",
            fact.region, view.id, fact.id
        )
    }),
    ("s3:multiregionaccesspointpolicy", |view, fact| {
        format!("arn:aws:s3::{}:accesspoint/{}", view.id, fact.id)
    }),
    ("ecr-public:repositorypolicy", |view, fact| {
        format!("arn:aws:ecr-public::{}:repository/{}", view.id, fact.id)
    }),
];

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    for resource in &OTHERS {
        resource.judge(view, verdicts);
    }
    for (kind, arn) in POLICIES_ALONE {
        let policies = view.list(kind);
        verdicts.list_read(&policies);
        for policy in policies.facts {
            let fault = public_alone(policy).and_then(|public| {
                if public && is_blocked(view, policy)? {
                    return Ok(None);
                }
                Ok(public.then(|| format!("policy {}", policy.id)))
            });
            verdicts.judge(&arn(view, policy), policy.region, [fault]);
        }
    }
}

/// Whether an access point blocks public policies for itself, or the account does for all.
fn is_blocked(view: &AccountView<'_>, policy: &FactView<'_>) -> Result<bool, MissingFact> {
    if policy.kind != "s3:accesspointpolicy" {
        return Ok(false);
    }
    const FLAG: &str = "/RestrictPublicBuckets";
    let of_account = account_block(view)?.is_some_and(|f| f.is(FLAG));
    let point = view.fact("s3:accesspoint", policy.region, &policy.id)?;
    let pointer = format!("/PublicAccessBlockConfiguration{FLAG}");
    Ok(of_account || point.is_some_and(|p| p.is(&pointer)))
}
