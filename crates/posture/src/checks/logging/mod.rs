//! Checks of what watches the account: trails, sensors, logs, bills.

pub(crate) mod bill_01;
pub(crate) mod log_01;
pub(crate) mod log_02;
pub(crate) mod log_03;
pub(crate) mod log_04;
pub(crate) mod log_05;
pub(crate) mod worm_01;

use std::collections::BTreeSet;

use crate::missing::{Fault, GLOBAL};
use crate::view::AccountView;

/// Names of the buckets that trails of the account write to.
fn trail_buckets(view: &AccountView<'_>) -> BTreeSet<String> {
    let trails = view.list("cloudtrail:trail").facts;
    trails
        .iter()
        .filter_map(|t| t.text("/S3BucketName").map(str::to_owned))
        .collect()
}

/// The fault of a bucket that keeps no older versions.
fn unversioned(view: &AccountView<'_>, bucket: &str) -> Fault {
    let versioning = view.fact("s3:bucketversioning", GLOBAL, bucket)?;
    let is_on = versioning.is_some_and(|v| v.text("/Status") == Some("Enabled"));
    Ok((!is_on).then(|| "not versioned: an object can be overwritten".to_owned()))
}
