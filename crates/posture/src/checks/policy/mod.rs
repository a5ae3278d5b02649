//! Checks of what policies let users, groups and roles do.

pub(crate) mod pol_01;
pub(crate) mod pol_02;
pub(crate) mod pol_03;
pub(crate) mod pol_04;
pub(crate) mod pol_05;
pub(crate) mod pol_06;

use bartizan_iam::Statement;

use crate::missing::GLOBAL;
use crate::verdicts::Verdicts;
use crate::view::AccountView;

/// One verdict for each user, group and role: it fails by any policy of its own with such a
/// statement.
fn judge_holders(
    view: &AccountView<'_>,
    verdicts: &mut Verdicts<'_>,
    fault: impl Fn(&Statement) -> bool + Copy,
) {
    for kind in ["iam:user", "iam:group", "iam:role"] {
        verdicts.list_read(&view.list(kind));
    }
    for holder in view.holders() {
        verdicts.judge(&holder.arn, GLOBAL, holder.faults(fault));
    }
}
