//! XACC-01: something is shared with an account that nobody knows.

use std::collections::BTreeMap;

use bartizan_iam::{AccountRelationship, ExternalAccess, ExternalPrincipal, external_access_kinds};
use bartizan_model::Severity;

use crate::check::{Check, Source};
use crate::checks::region_of;
use crate::missing::Fault;
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "XACC-01",
    title: "Something is shared with an unknown account",
    severity: Severity::High,
    why: "A share with the intruder's account takes data out without a single download on record.",
    judged: "Policies, ACLs, shares, grants and targets for an account that is not the own, of the organization, friendly or a vendor, or for another organization. What is public is PUB, roles are TRUST.",
    fix: "bartizan access public; if the account is known: bartizan check --friendly ACCOUNT",
    sources: &[Source::Talk],
    needs: NEEDS,
    judge,
};

const NEEDS: &[&str] = &[
    "s3:bucketpolicy",
    "s3:bucketacl",
    "sqs:queuepolicy",
    "sns:topicpolicy",
    "kms:keypolicy",
    "lambda:functionpolicy",
    "ecr:repositorypolicy",
    "secretsmanager:resourcepolicy",
    "ec2:snapshotpermission",
    "ec2:imagepermission",
];

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    for kind in external_access_kinds().filter(|kind| *kind != "iam:assumerolepolicy") {
        verdicts.list_read(&view.list(kind));
    }
    let mut by_resource: BTreeMap<&str, Vec<Fault>> = BTreeMap::new();
    for resource in &view.iam.resources {
        by_resource.entry(&resource.arn).or_default();
    }
    for access in view
        .external()
        .iter()
        .filter(|e| e.by != "iam:assumerolepolicy")
    {
        let faults = by_resource.entry(&access.arn).or_default();
        if is_unknown(access) {
            let (to, what) = (access.to.sentence(), access.actions.join(", "));
            faults.push(Ok(Some(format!("{to}: {what} (by {})", access.by))));
        }
    }
    for (resource, faults) in by_resource {
        verdicts.judge(resource, region_of(resource), faults);
    }
}

fn is_unknown(access: &ExternalAccess) -> bool {
    let is_account = matches!(
        access.to,
        ExternalPrincipal::Account(..)
            | ExternalPrincipal::Organization(_)
            | ExternalPrincipal::Unidentified(_)
    );
    is_account && access.class == AccountRelationship::Unknown
}
