//! The checks: one a file, by what they are about.

pub(crate) mod credential;
pub(crate) mod drift;
pub(crate) mod logging;
pub(crate) mod network;
pub(crate) mod password;
pub(crate) mod policy;
pub(crate) mod public;
pub(crate) mod root;
pub(crate) mod sharing;
pub(crate) mod trust;

/// Region of an ARN, e.g. `eu-west-1`; `global` where it has none.
fn region_of(arn: &str) -> &str {
    arn.split(':')
        .nth(3)
        .filter(|r| !r.is_empty())
        .unwrap_or(crate::missing::GLOBAL)
}
