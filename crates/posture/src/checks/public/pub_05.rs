//! PUB-05: a key, secret, repository, function or the like is public.

use bartizan_model::Severity;

use super::{OTHERS, public_policy};
use crate::check::{Check, Source};
use crate::checks::region_of;
use crate::verdicts::{Fault, Verdicts};
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
    "s3:multiregionaccesspointpolicy",
];

/// Kinds of policies whose resources are known by the policy alone.
const POLICIES_ALONE: [&str; 7] = [
    "lambda:layerversionpolicy",
    "lambda:aliaspolicy",
    "logs:resourcepolicy",
    "cloudtrail:resourcepolicy",
    "s3:accesspointpolicy",
    "s3:multiregionaccesspointpolicy",
    "ecr-public:repositorypolicy",
];

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    for resource in &OTHERS {
        resource.judge(view, verdicts);
    }
    for kind in POLICIES_ALONE {
        let policies = view.list(kind);
        verdicts.list_read(&policies);
        for resource in view.iam.resources.iter().filter(|r| r.kind == kind) {
            let mut own = policies
                .facts
                .iter()
                .filter(|f| is_of(&resource.arn, &f.id));
            let fault: Fault = match own.next() {
                Some(policy) => public_policy(view, policy, &resource.arn)
                    .map(|public| public.then(|| "its policy".to_owned())),
                None => Ok(None),
            };
            verdicts.judge(&resource.arn, region_of(&resource.arn), [fault]);
        }
    }
}

/// Whether a fact's id is that of a resource: its ARN, or how the ARN ends.
fn is_of(arn: &str, id: &str) -> bool {
    arn == id
        || arn
            .strip_suffix(id)
            .is_some_and(|before| before.ends_with([':', '/']))
        || id
            .split_once('/')
            .is_some_and(|(name, number)| arn.ends_with(&format!("{name}:{number}")))
}
