//! ROLE-01: our own audit role can do more than read, or trusts differently.

use bartizan_iam::{AccessLevel, Block, Policy, Principal};
use bartizan_model::Severity;

use crate::check::{Check, Source};
use crate::missing::{Fault, GLOBAL};
use crate::policies::{HOLDER_KINDS, HolderKind, PolicyHolder, allows};
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "ROLE-01",
    title: "The audit role can do more than read, has no ExternalId, or its trust changed",
    severity: Severity::High,
    why: "The alarm must not become the way in: whoever takes the audit role may read, and no more.",
    judged: "Role bartizan-audit: reading actions only, a fixed sts:ExternalId, and the trust policy of the snapshot before.",
    fix: "bartizan role, and put its policies back",
    sources: &[Source::Talk],
    needs: &[
        HOLDER_KINDS[2],
        HOLDER_KINDS[5],
        HOLDER_KINDS[6],
        "iam:assumerolepolicy",
    ],
    judge,
};

/// Name of the role that `bartizan role` describes.
const ROLE: &str = "bartizan-audit";

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    verdicts.list_read(&view.list("iam:role"));
    let role = view
        .holders()
        .iter()
        .find(|h| h.kind == HolderKind::Role && h.arn.rsplit('/').next() == Some(ROLE));
    let Some(role) = role else {
        return;
    };
    let mut faults = writes(view, role);
    faults.push(external_id(view));
    faults.push(trust_changed(view));
    verdicts.judge(&role.arn, GLOBAL, faults);
}

/// A statement of the role that allows more than reading.
fn writes(view: &AccountView<'_>, role: &PolicyHolder) -> Vec<Fault> {
    let fault = |held: &crate::policies::HeldPolicy| -> Fault {
        let policy = held.policy.as_ref().map_err(Clone::clone)?;
        Ok(written(view, policy).map(|action| format!("policy {} allows {action}", held.name)))
    };
    role.policies.iter().map(fault).collect()
}

/// The first action that a policy allows and that is no reading.
fn written(view: &AccountView<'_>, policy: &Policy) -> Option<String> {
    policy
        .statements
        .iter()
        .filter(|s| allows(s))
        .find_map(|statement| match &statement.action {
            Some(Block::Is(patterns)) => patterns.iter().find_map(|pattern| {
                let actions = view.iam.actions;
                let covered = actions.matching(pattern);
                let is_reading = |level| matches!(level, AccessLevel::Read | AccessLevel::List);
                let mut writing = actions
                    .known(&covered)
                    .filter(|a| !is_reading(actions.level(*a)));
                writing.next().map(|a| actions.name(a))
            }),
            Some(Block::Not(_)) => Some("everything but what it names".to_owned()),
            None => None,
        })
}

fn external_id(view: &AccountView<'_>) -> Fault {
    let trust = crate::checks::trust::trust(view, ROLE)?;
    let open = trust.statements.iter().filter(|s| allows(s)).find(|s| {
        let Some(Block::Is(principals)) = &s.principal else {
            return true;
        };
        let is_account = |p: &Principal| !matches!(p, Principal::Of(kind, _) if kind != "AWS");
        principals.iter().any(is_account) && !super::super::trust::trust_03::has_external_id(s)
    });
    Ok(open.map(|_| "its trust policy asks for no sts:ExternalId".to_owned()))
}

fn trust_changed(view: &AccountView<'_>) -> Fault {
    let Some(before) = view.before() else {
        return Ok(None);
    };
    const KIND: &str = "iam:assumerolepolicy";
    let hash = |view: &AccountView<'_>| -> Result<_, _> {
        Ok(view.fact(KIND, GLOBAL, ROLE)?.map(|f| f.canonical))
    };
    let (old, new) = (hash(before)?, hash(view)?);
    Ok((old.is_some() && old != new)
        .then(|| "its trust policy changed since the snapshot before".to_owned()))
}
