//! LOG-03: the bucket of a trail is weak.

use bartizan_model::Severity;
use bartizan_model::limits::LOG_KEPT_DAYS;
use serde_json::Value;

use super::{trail_buckets, unversioned};
use crate::check::{Check, Source};
use crate::checks::public::pub_01;
use crate::missing::{Fault, GLOBAL, MissingFact, MissingReason};
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "LOG-03",
    title: "The bucket of a trail is public, or its logs can be deleted or overwritten",
    severity: Severity::High,
    why: "An intruder who can delete the log was never there.",
    judged: "Public, not versioned, no Object Lock, or a lifecycle that deletes logs before a year. That it lies in the account itself is no failure.",
    fix: "aws s3api put-object-lock-configuration --bucket {name} --object-lock-configuration ObjectLockEnabled=Enabled,Rule={DefaultRetention={Mode=COMPLIANCE,Days=365}}",
    sources: &[
        Source::Talk,
        Source::Fsbp("CloudTrail.6"),
        Source::Fsbp("CloudTrail.7"),
        Source::Cis("3.3"),
    ],
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
    "s3:bucketversioning",
    "s3:bucketobjectlock",
    "s3:bucketlifecycle",
];

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    verdicts.list_read(&view.list("cloudtrail:trail"));
    for bucket in trail_buckets(view) {
        let arn = format!("arn:aws:s3:::{bucket}");
        match view.fact("s3:bucket", GLOBAL, &bucket) {
            Ok(Some(fact)) => {
                let public = pub_01::faults(view, fact, &arn);
                let weak = [
                    unversioned(view, &bucket),
                    unlocked(view, &bucket),
                    expires(view, &bucket),
                ];
                verdicts.judge(&arn, GLOBAL, public.into_iter().chain(weak));
            }
            Ok(None) => {
                let why = MissingReason::OtherAccount;
                let elsewhere = MissingFact::new("s3:bucket", GLOBAL, &bucket, why);
                verdicts.judge(&arn, GLOBAL, [Err(elsewhere)]);
            }
            Err(unread) => verdicts.judge(&arn, GLOBAL, [Err(unread)]),
        }
    }
}

fn unlocked(view: &AccountView<'_>, bucket: &str) -> Fault {
    let lock = view.fact("s3:bucketobjectlock", GLOBAL, bucket)?;
    let is_on = lock.is_some_and(|l| l.text("/ObjectLockEnabled") == Some("Enabled"));
    Ok((!is_on).then(|| "no Object Lock: a log can be deleted".to_owned()))
}

/// A rule that deletes logs before a year, current or older versions.
fn expires(view: &AccountView<'_>, bucket: &str) -> Fault {
    let Some(lifecycle) = view.fact("s3:bucketlifecycle", GLOBAL, bucket)? else {
        return Ok(None);
    };
    let early = |rule: &Value| {
        let days = rule["Expiration"]["Days"].as_i64();
        let has_date = rule["Expiration"]["Date"].is_string();
        let is_early = has_date || days.is_some_and(|d| d < LOG_KEPT_DAYS);
        (rule["Status"] == "Enabled" && is_early).then(|| match days {
            Some(days) => format!("a lifecycle rule deletes logs after {days} days"),
            None => "a lifecycle rule deletes logs at a date".to_owned(),
        })
    };
    Ok(lifecycle.list("/Rules").iter().find_map(early))
}
