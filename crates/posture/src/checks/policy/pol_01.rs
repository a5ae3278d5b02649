//! POL-01: a policy with everything is attached.

use bartizan_model::Severity;

use crate::check::{Check, Source};
use crate::policies::{HOLDER_KINDS, is_everything};

pub(crate) const CHECK: Check = Check {
    id: "POL-01",
    title: "A policy that allows everything is attached",
    severity: Severity::Critical,
    why: "Whoever takes over one such user or role has the account.",
    judged: "A statement that allows Action * on Resource * without a condition, in an inline or attached policy of a user, group or role.",
    fix: "Attach a policy with what {resource} needs in its place; bartizan access escalate shows who else has everything",
    sources: &[Source::Talk, Source::Fsbp("IAM.1"), Source::Cis("1.16")],
    needs: &HOLDER_KINDS,
    judge: |view, verdicts| super::judge_holders(view, verdicts, is_everything),
};
