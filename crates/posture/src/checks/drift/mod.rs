//! Checks that compare with the snapshot before.

pub(crate) mod drift_01;
pub(crate) mod org_01;
pub(crate) mod reg_01;
pub(crate) mod role_01;

use crate::missing::{GLOBAL, MissingFact, MissingReason};

use crate::view::AccountView;

/// The account's snapshot before, or that there is none.
fn before<'a>(view: &AccountView<'a>, kind: &str) -> Result<&'a AccountView<'a>, MissingFact> {
    let missing = || MissingFact::new(kind, GLOBAL, "", MissingReason::NoSnapshotBefore);
    view.before().ok_or_else(missing)
}
