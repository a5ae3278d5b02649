//! CRED-06: a user has a certificate, an SSH key or a service-specific credential.

use bartizan_model::Severity;

use super::{is_active, own_id};
use crate::check::{Check, Source};
use crate::missing::{Fault, GLOBAL};
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "CRED-06",
    title: "A user has a signing certificate, SSH key or service-specific credential",
    severity: Severity::Medium,
    why: "Few people know these credentials, and none of them expires or asks for MFA.",
    judged: "Any that is active: X.509 certificates, SSH keys and passwords of CodeCommit, keys of Keyspaces and Bedrock.",
    fix: "aws iam list-service-specific-credentials --user-name {name}",
    sources: &[Source::Talk],
    needs: &[
        "iam:user",
        "iam:signingcertificate",
        "iam:sshpublickey",
        "iam:servicespecificcredential",
    ],
    judge,
};

const KINDS: [(&str, &str); 3] = [
    ("iam:signingcertificate", "signing certificate"),
    ("iam:sshpublickey", "SSH key"),
    (
        "iam:servicespecificcredential",
        "service-specific credential",
    ),
];

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    let users = view.list("iam:user");
    verdicts.list_read(&users);
    for user in users.facts {
        let faults = KINDS.map(|(kind, what)| fault(view, &user.id, kind, what));
        verdicts.judge(&view.user_arn(&user.id), GLOBAL, faults);
    }
}

fn fault(view: &AccountView<'_>, user: &str, kind: &str, what: &str) -> Fault {
    let held = view.within(kind, GLOBAL, &format!("{user}/"))?;
    let active = held.iter().find(|f| is_active(f));
    Ok(active.map(|f| {
        let service = f
            .text("/ServiceName")
            .map(|s| format!(" of {s}"))
            .unwrap_or_default();
        format!("active {what}{service} {}", own_id(f))
    }))
}
