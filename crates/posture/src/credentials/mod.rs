//! The credential inventory: everything that opens the account, from a snapshot.
//!
//! One row for each password, key, certificate, provider and assignment, with its owner, age, last
//! use, and what it lets its holder become; with a trail also who made it, and the sessions of
//! roles that are open.

mod last_use;
mod model;
mod table;
mod trail;

use std::collections::HashMap;

use crate::missing::GLOBAL;
use bartizan_iam::{Rung, Tri, escalations};

pub use model::{Credential, CredentialKind, Credentials, LastUse, MadeBy, Power};
pub use trail::{CredentialTrail, MadeCredential, OpenSession, UsedKey};

use crate::view::AccountView;
use last_use::last_use;
use table::TABLE;

/// Kinds of facts that are credentials.
pub fn credential_kinds() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|row| row.fact)
}

/// All credentials of an account, with what a trail shows of them.
#[must_use]
pub fn credentials(view: &AccountView<'_>, trail: Option<&CredentialTrail>) -> Credentials {
    let powers = powers(view);
    let mut list = root(view);
    let mut unread = Vec::new();
    for row in TABLE {
        let facts = view.list(row.fact);
        unread.extend(facts.unread);
        for fact in facts.facts {
            let mut credential = row.credential(view, fact);
            if let Some(trail) = trail {
                credential.made_by = trail.made(row.fact, &fact.id).cloned();
                if credential.kind == CredentialKind::AccessKey {
                    trail.add_use(view, &mut credential);
                }
            }
            list.push(credential);
        }
    }
    list.extend(trail.map(|t| t.open_sessions(view)).unwrap_or_default());
    for credential in &mut list {
        let of_owner = powers.get(credential.owner.as_str()).copied();
        credential.power = credential.power.or(of_owner);
    }
    list.sort_by(|a, b| (a.kind, &a.owner, &a.id).cmp(&(b.kind, &b.owner, &b.id)));
    Credentials { list, unread }
}

/// How close each user is to administrator, by ARN.
fn powers(view: &AccountView<'_>) -> HashMap<String, Power> {
    let found = escalations(view.iam, 1);
    let of = |e: &bartizan_iam::Escalation| {
        let principal = &view.iam.principals[e.principal as usize];
        let power = Power::Rung {
            letter: Rung::letter(e.rung),
            proved: e.verdict == Tri::Yes,
        };
        (principal.arn.clone(), power)
    };
    found.found.iter().map(of).collect()
}

/// Credentials of root, which stand in the credential report only.
fn root(view: &AccountView<'_>) -> Vec<Credential> {
    const FIELDS: [(CredentialKind, &str, &str, &str); 5] = [
        (
            CredentialKind::RootPassword,
            "password_enabled",
            "password_last_changed",
            "password_last_used",
        ),
        (
            CredentialKind::RootAccessKey,
            "access_key_1_active",
            "access_key_1_last_rotated",
            "access_key_1_last_used_date",
        ),
        (
            CredentialKind::RootAccessKey,
            "access_key_2_active",
            "access_key_2_last_rotated",
            "access_key_2_last_used_date",
        ),
        (
            CredentialKind::RootCertificate,
            "cert_1_active",
            "cert_1_last_rotated",
            "",
        ),
        (
            CredentialKind::RootCertificate,
            "cert_2_active",
            "cert_2_last_rotated",
            "",
        ),
    ];
    let Ok(Some(row)) = view.fact("iam:credentialreport", GLOBAL, "<root_account>") else {
        return Vec::new();
    };
    let credential = |(kind, active, made, used): (CredentialKind, &str, &str, &str)| {
        let made = row
            .text(&format!("/{made}"))
            .filter(|t| view.age_days(t).is_some());
        let is_active = row.is(&format!("/{active}"));
        // The report says not_supported of the password of root, which there always is.
        let is_there = kind == CredentialKind::RootPassword || is_active || made.is_some();
        let used = row.volatile(used).filter(|t| view.age_days(t).is_some());
        is_there.then(|| Credential {
            kind,
            id: active
                .trim_end_matches("_active")
                .trim_end_matches("_enabled")
                .to_owned(),
            owner: format!("arn:aws:iam::{}:root", view.id),
            region: GLOBAL.to_owned(),
            active: Some(is_active || kind == CredentialKind::RootPassword),
            created: made.map(str::to_owned),
            age_days: made.and_then(|t| view.age_days(t)),
            last_used: Some(last_use(used, None, None)),
            unused_days: used.or(made).and_then(|t| view.age_days(t)),
            power: Some(Power::Root),
            made_by: None,
            sessions: None,
            until: None,
        })
    };
    FIELDS.into_iter().filter_map(credential).collect()
}
