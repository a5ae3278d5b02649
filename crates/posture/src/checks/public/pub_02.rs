//! PUB-02: Block Public Access is not on.

use bartizan_model::Severity;

use super::{BUCKET, account_block, block, is_owner_enforced};
use crate::check::{Check, Source};
use crate::missing::{Fault, GLOBAL};
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "PUB-02",
    title: "Block Public Access is off, or ACLs are on",
    severity: Severity::Medium,
    why: "One careless policy or ACL then makes the bucket public, and one call of an intruder does too.",
    judged: "Each of the four flags, in the bucket or in the account, and BucketOwnerEnforced; the account's own line: its four flags.",
    fix: "aws s3control put-public-access-block --account-id {account} --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true",
    sources: &[
        Source::Fsbp("S3.1"),
        Source::Fsbp("S3.8"),
        Source::Fsbp("S3.12"),
        Source::Cis("2.1.4"),
    ],
    needs: &[
        "s3:bucket",
        "s3:bucketpublicaccessblock",
        "s3:accountpublicaccessblock",
        "s3:bucketownershipcontrols",
    ],
    judge,
};

const FLAGS: [&str; 4] = [
    "BlockPublicAcls",
    "IgnorePublicAcls",
    "BlockPublicPolicy",
    "RestrictPublicBuckets",
];

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    let account = FLAGS.map(|flag| -> Fault {
        let is_on = account_block(view)?.is_some_and(|f| f.is(&format!("/{flag}")));
        Ok((!is_on).then(|| format!("{flag} of the account is off")))
    });
    verdicts.judge(view.id, GLOBAL, account);
    let buckets = view.list("s3:bucket");
    verdicts.list_read(&buckets);
    for bucket in buckets.facts {
        let mut faults: Vec<Fault> = FLAGS
            .iter()
            .map(|flag| {
                let is_on = block(view, &bucket.id, flag)?;
                Ok((!is_on).then(|| format!("{flag} is off in the bucket and in the account")))
            })
            .collect();
        faults.push(is_owner_enforced(view, &bucket.id).map(|enforced| {
            (!enforced).then(|| "its ownership is not BucketOwnerEnforced: ACLs count".to_owned())
        }));
        verdicts.judge(&BUCKET.arn(view, bucket), GLOBAL, faults);
    }
}
