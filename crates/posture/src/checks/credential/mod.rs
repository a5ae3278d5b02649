//! Checks of users' credentials.

pub(crate) mod cred_01;
pub(crate) mod cred_02;
pub(crate) mod cred_03;
pub(crate) mod cred_04;
pub(crate) mod cred_05;
pub(crate) mod cred_06;
pub(crate) mod cred_07;
pub(crate) mod cred_08;

use crate::reading::FactView;

/// Whether an access key works: its status is Active.
fn is_active(key: &FactView<'_>) -> bool {
    key.text("/Status")
        .is_some_and(|s| s.eq_ignore_ascii_case("active"))
}

/// Id of a thing of a user, e.g. the access key id of `alice/AKIAEXAMPLE`.
fn own_id<'f>(fact: &'f FactView<'_>) -> &'f str {
    fact.id.split_once('/').map_or("", |(_, id)| id)
}
