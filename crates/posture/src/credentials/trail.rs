//! Credentials as a trail shows them: sessions that are open, who made what, what was used.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::model::{Credential, CredentialKind, LastUse, MadeBy};
use crate::missing::GLOBAL;
use crate::view::AccountView;

/// Credentials of one account as a trail shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialTrail {
    /// Twelve digits.
    pub account: String,
    /// Time of the last event that was read, RFC 3339.
    pub as_of: String,
    pub sessions: Vec<OpenSession>,
    pub made: Vec<MadeCredential>,
    pub used: Vec<UsedKey>,
    /// Sessions that there was no room for.
    pub left_out: usize,
}

/// Sessions of one role that one origin began and that had not expired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenSession {
    /// ARN of the role.
    pub role: String,
    /// `ASIA…` of the newest.
    pub access_key_id: String,
    pub count: u64,
    /// Who began the newest, when, from where.
    pub made: MadeBy,
    /// When the last of them expires, RFC 3339.
    pub until: String,
}

/// A credential and the call that made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeCredential {
    /// Kind of fact, e.g. `iam:loginprofile`.
    pub kind: String,
    /// Id of the fact, e.g. `alice/AKIAEXAMPLE`.
    pub id: String,
    pub made: MadeBy,
}

/// Last use of an access key in a trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedKey {
    pub access_key_id: String,
    /// RFC 3339.
    pub time: String,
}

impl CredentialTrail {
    /// Who made a credential; the latest, where it was made again.
    pub(super) fn made(&self, kind: &str, id: &str) -> Option<&MadeBy> {
        let of = self.made.iter().filter(|m| m.kind == kind && m.id == id);
        of.map(|m| &m.made).max_by_key(|made| &made.time)
    }

    /// Adds the use of an access key, where the trail knows a later one than AWS.
    pub(super) fn add_use(&self, view: &AccountView<'_>, credential: &mut Credential) {
        let of_key = self
            .used
            .iter()
            .filter(|u| u.access_key_id == credential.id);
        let Some(time) = of_key.map(|u| u.time.as_str()).max() else {
            return;
        };
        let instant = |text: &str| text.parse::<Timestamp>().ok();
        let known = match &credential.last_used {
            Some(LastUse::At { time, .. }) => instant(time),
            Some(LastUse::Never) | None => None,
        };
        if known < instant(time) {
            credential.unused_days = view.age_days(time).map(|days| days.max(0));
            credential.last_used = Some(LastUse::At {
                time: time.to_owned(),
                region: None,
                service: None,
            });
        }
    }

    /// Sessions that are open at the time of the snapshot or of the trail, whichever is later.
    pub(super) fn open_sessions(&self, view: &AccountView<'_>) -> Vec<Credential> {
        let ms = |text: &str| text.parse::<Timestamp>().map(Timestamp::as_millisecond);
        let now_ms = ms(&self.as_of).unwrap_or(0).max(view.time_ms);
        let is_open = |s: &&OpenSession| ms(&s.until).is_ok_and(|until| until > now_ms);
        let credential = |session: &OpenSession| Credential {
            kind: CredentialKind::RoleSession,
            id: session.access_key_id.clone(),
            owner: session.role.clone(),
            region: GLOBAL.to_owned(),
            active: Some(true),
            created: Some(session.made.time.clone()),
            age_days: view.age_days(&session.made.time).map(|days| days.max(0)),
            last_used: None,
            unused_days: None,
            power: None,
            made_by: Some(session.made.clone()),
            sessions: Some(session.count),
            until: Some(session.until.clone()),
        };
        self.sessions
            .iter()
            .filter(is_open)
            .map(credential)
            .collect()
    }
}
