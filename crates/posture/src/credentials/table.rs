//! Kinds of facts that are credentials, as data.

use super::last_use::{key_use, password_use};
use super::model::{Credential, CredentialKind, LastUse};
use crate::reading::FactView;
use crate::view::AccountView;

/// How a fact of a kind is a credential.
pub(super) struct CredentialRow {
    pub(super) fact: &'static str,
    kind: CredentialKind,
    owner: CredentialOwner,
    /// Pointer to the field that says whether it works, and the value that says it does; none: it
    /// always does.
    active: Option<(&'static str, &'static str)>,
    /// Pointer to when it was made.
    created: &'static str,
    last_used: fn(&AccountView<'_>, &FactView<'_>) -> Option<LastUse>,
}

/// CredentialOwner of a credential.
enum CredentialOwner {
    /// The user whose name is the id of the fact, or its first part.
    User,
    /// The account.
    Account,
    /// The field at this pointer.
    Field(&'static str),
}

const fn of_user(fact: &'static str, kind: CredentialKind, created: &'static str) -> CredentialRow {
    CredentialRow {
        fact,
        kind,
        owner: CredentialOwner::User,
        active: Some(("/Status", "Active")),
        created,
        last_used: not_known,
    }
}

const fn of_account(
    fact: &'static str,
    kind: CredentialKind,
    created: &'static str,
) -> CredentialRow {
    CredentialRow {
        fact,
        kind,
        owner: CredentialOwner::Account,
        active: None,
        created,
        last_used: not_known,
    }
}

fn not_known(_: &AccountView<'_>, _: &FactView<'_>) -> Option<LastUse> {
    None
}

pub(super) const TABLE: &[CredentialRow] = &[
    CredentialRow {
        active: None,
        last_used: password_use,
        ..of_user("iam:loginprofile", CredentialKind::Password, "/CreateDate")
    },
    CredentialRow {
        last_used: key_use,
        ..of_user("iam:accesskey", CredentialKind::AccessKey, "/CreateDate")
    },
    of_user(
        "iam:signingcertificate",
        CredentialKind::SigningCertificate,
        "/UploadDate",
    ),
    of_user("iam:sshpublickey", CredentialKind::SshKey, "/UploadDate"),
    of_user(
        "iam:servicespecificcredential",
        CredentialKind::ServiceSpecific,
        "/CreateDate",
    ),
    CredentialRow {
        active: None,
        ..of_user("iam:mfadevice", CredentialKind::MfaDevice, "/EnableDate")
    },
    of_account(
        "cloudfront:publickey",
        CredentialKind::CloudfrontKey,
        "/CreatedTime",
    ),
    of_account(
        "cloudfront:keygroup",
        CredentialKind::CloudfrontKeyGroup,
        "/KeyGroup/LastModifiedTime",
    ),
    of_account(
        "iam:servercertificate",
        CredentialKind::ServerCertificate,
        "/UploadDate",
    ),
    of_account(
        "iam:samlprovider",
        CredentialKind::SamlProvider,
        "/CreateDate",
    ),
    of_account(
        "iam:oidcprovider",
        CredentialKind::OidcProvider,
        "/CreateDate",
    ),
    CredentialRow {
        active: Some(("/enabled", "true")),
        ..of_account(
            "rolesanywhere:trustanchor",
            CredentialKind::TrustAnchor,
            "/createdAt",
        )
    },
    CredentialRow {
        owner: CredentialOwner::Field("/PrincipalId"),
        ..of_account(
            "sso:accountassignment",
            CredentialKind::IdentityCenterAssignment,
            "",
        )
    },
];

impl CredentialRow {
    /// The credential that a fact is.
    pub(super) fn credential(&self, view: &AccountView<'_>, fact: &FactView<'_>) -> Credential {
        let owner = match self.owner {
            CredentialOwner::User => view.user_arn(fact.owner()),
            CredentialOwner::Account => view.id.to_owned(),
            CredentialOwner::Field(pointer) => fact.text(pointer).unwrap_or(view.id).to_owned(),
        };
        let id = match (&self.owner, fact.id.split_once('/')) {
            (CredentialOwner::User, Some((_, id))) => id.to_owned(),
            _ => fact.id.clone(),
        };
        let created = fact
            .text(self.created)
            .filter(|t| view.age_days(t).is_some());
        let last_used = (self.last_used)(view, fact);
        let used = match &last_used {
            Some(LastUse::At { time, .. }) => Some(time.as_str()),
            // Since it was made.
            Some(LastUse::Never) => created,
            None => None,
        };
        Credential {
            kind: self.kind,
            id,
            owner,
            region: fact.region.to_owned(),
            active: self.is_active(fact),
            created: created.map(str::to_owned),
            age_days: created.and_then(|t| view.age_days(t)),
            unused_days: used.and_then(|t| view.age_days(t)),
            last_used,
            power: None,
            made_by: None,
            sessions: None,
            until: None,
        }
    }

    fn is_active(&self, fact: &FactView<'_>) -> Option<bool> {
        let Some((pointer, value)) = self.active else {
            return Some(true);
        };
        match fact.json().pointer(pointer)? {
            serde_json::Value::Bool(is) => Some(*is),
            other => Some(other.as_str()?.eq_ignore_ascii_case(value)),
        }
    }
}
