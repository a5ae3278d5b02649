//! The credential inventory: everything that opens the account, from a snapshot.
//!
//! One row for each password, key, certificate, provider and assignment, with its owner, age, last
//! use, and what it lets its holder become.

mod table;

use std::collections::HashMap;

use crate::missing::MissingFact;
use bartizan_iam::{Rung, Tri, escalations};
use serde::Serialize;

use crate::reading::FactView;
use crate::verdicts::GLOBAL;
use crate::view::AccountView;
use table::TABLE;

/// Kind of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialKind {
    RootPassword,
    RootAccessKey,
    RootCertificate,
    Password,
    AccessKey,
    SigningCertificate,
    SshKey,
    ServiceSpecific,
    MfaDevice,
    CloudfrontKey,
    CloudfrontKeyGroup,
    ServerCertificate,
    SamlProvider,
    OidcProvider,
    TrustAnchor,
    IdentityCenterAssignment,
}

/// One way to open the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Credential {
    pub kind: CredentialKind,
    /// Access key id, serial number, ARN of a provider.
    pub id: String,
    /// ARN of the user, or the account id for what is nobody's own.
    pub owner: String,
    /// Region, or `global`.
    pub region: String,
    /// Whether it works; unknown where the snapshot does not say.
    pub active: Option<bool>,
    /// RFC 3339.
    pub created: Option<String>,
    pub age_days: Option<i64>,
    pub last_used: Option<LastUse>,
    /// Days since the last use; since it was made, where it was never used.
    pub unused_days: Option<i64>,
    /// What its holder can become; nothing where it is no administrator and cannot become one.
    pub power: Option<Power>,
}

/// Last use of a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "use", rename_all = "lowercase")]
pub enum LastUse {
    /// Never, as far as AWS remembers.
    Never,
    At {
        /// RFC 3339.
        time: String,
        region: Option<String>,
        service: Option<String>,
    },
}

/// How close a holder is to administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Power {
    /// The root user: everything, and no policy limits it.
    Root,
    /// Letter of the rung of `access escalate`, and whether it is proved.
    Rung { letter: char, proved: bool },
}

/// The credentials of an account, and what of them was not read.
#[derive(Debug)]
pub struct Credentials {
    /// By kind, owner and id.
    pub list: Vec<Credential>,
    pub unread: Vec<MissingFact>,
}

/// All credentials of an account.
#[must_use]
pub fn credentials(view: &AccountView<'_>) -> Credentials {
    let powers = powers(view);
    let mut list = root(view);
    let mut unread = Vec::new();
    for row in TABLE {
        let facts = view.list(row.fact);
        unread.extend(facts.unread);
        for fact in facts.facts {
            let mut credential = row.credential(view, fact);
            credential.power = powers.get(credential.owner.as_str()).copied();
            list.push(credential);
        }
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
        })
    };
    FIELDS.into_iter().filter_map(credential).collect()
}

fn last_use(time: Option<&str>, region: Option<&str>, service: Option<&str>) -> LastUse {
    match time {
        Some(time) => LastUse::At {
            time: time.to_owned(),
            region: region.filter(|r| *r != "N/A").map(str::to_owned),
            service: service.filter(|s| *s != "N/A").map(str::to_owned),
        },
        None => LastUse::Never,
    }
}

/// Last use of an access key, where it was read.
fn key_use(view: &AccountView<'_>, key: &FactView<'_>) -> Option<LastUse> {
    let used = view
        .fact("iam:accesskeylastused", GLOBAL, &key.id)
        .ok()
        .flatten()?;
    let last = used.volatile_json("AccessKeyLastUsed")?;
    let text = |name: &str| last.get(name).and_then(|v| v.as_str());
    Some(last_use(
        text("LastUsedDate"),
        text("Region"),
        text("ServiceName"),
    ))
}

/// Last use of a password, where it was read.
fn password_use(view: &AccountView<'_>, profile: &FactView<'_>) -> Option<LastUse> {
    let user = view.fact("iam:user", GLOBAL, &profile.id).ok().flatten();
    let row = view
        .fact("iam:credentialreport", GLOBAL, &profile.id)
        .ok()
        .flatten();
    let of_user = user.and_then(|u| u.volatile("PasswordLastUsed"));
    let of_row = || row.and_then(|r| r.volatile("password_last_used"));
    let time = of_user
        .or_else(of_row)
        .filter(|t| view.age_days(t).is_some());
    (user.is_some() || row.is_some()).then(|| last_use(time, None, None))
}
