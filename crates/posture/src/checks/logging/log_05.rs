//! LOG-05: a public bucket or the bucket of a trail has no access log.

use bartizan_model::Severity;

use super::trail_buckets;
use crate::check::{Check, Source};
use crate::checks::public::pub_01;
use crate::missing::{Fault, GLOBAL};
use crate::result::CheckVerdict;
use crate::verdicts::{Verdicts, verdict};
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "LOG-05",
    title: "A public bucket, or the bucket of a trail, has no access log",
    severity: Severity::Low,
    why: "Without access logs nobody can say who read what: anonymous reads are in no trail.",
    judged: "Server access logging of buckets that are public or that trails write to.",
    fix: "aws s3api put-bucket-logging --bucket {name} --bucket-logging-status file://logging.json",
    sources: &[Source::Talk, Source::Fsbp("S3.9"), Source::Cis("3.4")],
    needs: NEEDS,
    judge,
};

const NEEDS: &[&str] = &[
    "cloudtrail:trail",
    "s3:bucket",
    "s3:bucketpolicy",
    "s3:bucketacl",
    "s3:bucketpublicaccessblock",
    "s3:accountpublicaccessblock",
    "s3:bucketownershipcontrols",
    "s3:bucketlogging",
];

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    let buckets = view.list("s3:bucket");
    verdicts.list_read(&buckets);
    let trails = view.list("cloudtrail:trail");
    verdicts.list_read(&trails);
    let of_trails = trail_buckets(view);
    for bucket in buckets.facts {
        let arn = format!("arn:aws:s3:::{}", bucket.id);
        let public = pub_01::faults(view, bucket, &arn);
        let is_meant = of_trails.contains(&bucket.id);
        let unlogged = unlogged(view, &bucket.id);
        match verdict(&public) {
            _ if is_meant => verdicts.judge(&arn, GLOBAL, [unlogged]),
            CheckVerdict::Fail => verdicts.judge(&arn, GLOBAL, [unlogged]),
            // Whether it is meant is open; with a log it does not matter.
            CheckVerdict::Unknown if unlogged != Ok(None) => {
                let unread = public.into_iter().filter(Result::is_err);
                verdicts.judge(&arn, GLOBAL, unread);
            }
            CheckVerdict::Unknown | CheckVerdict::Pass => {}
        }
    }
}

fn unlogged(view: &AccountView<'_>, bucket: &str) -> Fault {
    let logging = view.fact("s3:bucketlogging", GLOBAL, bucket)?;
    let target = logging.and_then(|l| l.text("/LoggingEnabled/TargetBucket"));
    Ok(target
        .is_none()
        .then(|| "server access logging is off".to_owned()))
}
