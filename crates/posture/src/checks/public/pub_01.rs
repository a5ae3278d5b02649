//! PUB-01: a bucket is public.

use bartizan_model::Severity;

use super::{BUCKET, acl_fault, block, public_policy};
use crate::check::{Check, Source};
use crate::missing::{Fault, GLOBAL};
use crate::reading::FactView;
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "PUB-01",
    title: "A bucket is public",
    severity: Severity::Critical,
    why: "Buckets are searched for all day: what is public is copied within hours, and what is writable is filled.",
    judged: "By its policy or its ACL, as S3 calls it public, after denies, RestrictPublicBuckets, IgnorePublicAcls and BucketOwnerEnforced. BlockPublicPolicy and BlockPublicAcls close nothing that is there.",
    fix: "aws s3api put-public-access-block --bucket {name} --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true",
    sources: &[
        Source::Talk,
        Source::TrustedAdvisor("Pfx0RwqBli"),
        Source::Fsbp("S3.2"),
        Source::Fsbp("S3.3"),
    ],
    needs: &[
        "s3:bucket",
        "s3:bucketpolicy",
        "s3:bucketacl",
        "s3:bucketpublicaccessblock",
        "s3:accountpublicaccessblock",
        "s3:bucketownershipcontrols",
    ],
    judge,
};

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    let buckets = view.list("s3:bucket");
    verdicts.list_read(&buckets);
    for bucket in buckets.facts {
        let arn = BUCKET.arn(view, bucket);
        verdicts.judge(&arn, GLOBAL, faults(view, bucket, &arn));
    }
}

/// How a bucket is public: by its policy, by its ACL.
pub(crate) fn faults(view: &AccountView<'_>, bucket: &FactView<'_>, arn: &str) -> [Fault; 2] {
    [by_policy(view, bucket, arn), by_acl(view, bucket)]
}

fn by_policy(view: &AccountView<'_>, bucket: &FactView<'_>, arn: &str) -> Fault {
    let Some(policy) = view.fact("s3:bucketpolicy", GLOBAL, &bucket.id)? else {
        return Ok(None);
    };
    if !public_policy(view, policy, arn)? || block(view, &bucket.id, "RestrictPublicBuckets")? {
        return Ok(None);
    }
    Ok(Some("its policy".to_owned()))
}

fn by_acl(view: &AccountView<'_>, bucket: &FactView<'_>) -> Fault {
    // Where ACLs count for nothing, it does not matter what they say.
    if super::is_owner_enforced(view, &bucket.id) == Ok(true)
        || block(view, &bucket.id, "IgnorePublicAcls") == Ok(true)
    {
        return Ok(None);
    }
    match view.fact("s3:bucketacl", GLOBAL, &bucket.id)? {
        Some(acl) => acl_fault(view, acl, &bucket.id),
        None => Ok(None),
    }
}
