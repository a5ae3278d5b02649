//! IAMUSE-01: nobody but root can administer the account.

use bartizan_model::Severity;

use crate::check::{Check, Source};
use crate::missing::GLOBAL;
use crate::policies::{HOLDER_KINDS, HolderKind, is_everything};
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "IAMUSE-01",
    title: "No group or role administers the account",
    severity: Severity::Low,
    why: "Without an administrators' group or role people share the root user, and nobody knows who did what.",
    judged: "Passes with a group or role that holds everything, or an Identity Center instance.",
    fix: "aws iam create-role --role-name administrator --assume-role-policy-document file://trust.json",
    sources: &[Source::Talk, Source::TrustedAdvisor("zXCkfM1nI3")],
    needs: &[
        HOLDER_KINDS[1],
        HOLDER_KINDS[2],
        HOLDER_KINDS[4],
        HOLDER_KINDS[5],
        HOLDER_KINDS[6],
        "sso:instance",
    ],
    judge,
};

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    let holders = view.holders().iter().filter(|h| h.kind != HolderKind::User);
    let mut unread = Vec::new();
    for fault in holders.flat_map(|h| h.faults(is_everything)) {
        match fault {
            Ok(Some(_)) => return verdicts.pass(view.id, GLOBAL),
            Ok(None) => {}
            Err(fact) => unread.push(fact),
        }
    }
    for kind in ["iam:group", "iam:role", "sso:instance"] {
        let list = view.list(kind);
        if kind == "sso:instance" && !list.facts.is_empty() {
            return verdicts.pass(view.id, GLOBAL);
        }
        unread.extend(list.unread);
    }
    if unread.is_empty() {
        let reason =
            "no group and no role holds everything, and there is no Identity Center instance";
        verdicts.fail(view.id, GLOBAL, reason.to_owned());
    } else {
        verdicts.judge(view.id, GLOBAL, unread.into_iter().map(Err));
    }
}
