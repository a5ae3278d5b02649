//! WORM-01: the bucket of our own evidence is not write-once.

use bartizan_model::Severity;

use super::unversioned;
use crate::check::{Check, Source};
use crate::missing::{Fault, GLOBAL};
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "WORM-01",
    title: "The bucket of the evidence is not write-once",
    severity: Severity::Critical,
    why: "Evidence that can be deleted is deleted.",
    judged: "The bucket of --store, where it is in the account: versioned, and Object Lock with a default retention.",
    fix: "bartizan verify bucket s3://{name}",
    sources: &[Source::Talk],
    needs: &["s3:bucket", "s3:bucketversioning", "s3:bucketobjectlock"],
    judge,
};

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    let Some(bucket) = view.evidence_bucket() else {
        return;
    };
    let arn = format!("arn:aws:s3:::{bucket}");
    match view.fact("s3:bucket", GLOBAL, bucket) {
        Ok(Some(_)) => {
            verdicts.judge(
                &arn,
                GLOBAL,
                [unversioned(view, bucket), unlocked(view, bucket)],
            );
        }
        // Another account's, where it belongs.
        Ok(None) => {}
        Err(unread) => verdicts.judge(&arn, GLOBAL, [Err(unread)]),
    }
}

fn unlocked(view: &AccountView<'_>, bucket: &str) -> Fault {
    let lock = view.fact("s3:bucketobjectlock", GLOBAL, bucket)?;
    let Some(lock) = lock.filter(|l| l.text("/ObjectLockEnabled") == Some("Enabled")) else {
        return Ok(Some("no Object Lock".to_owned()));
    };
    let has_retention = lock.text("/Rule/DefaultRetention/Mode").is_some();
    Ok((!has_retention).then(|| "Object Lock without a default retention".to_owned()))
}
