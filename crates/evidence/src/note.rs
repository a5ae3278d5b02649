//! What people did about incidents: acknowledged, assigned, noted, silenced; signed like all else.

use serde::{Deserialize, Serialize};

/// Something that somebody did about an incident:
/// `{"incident":"3f2a91c0","act":"assign","by":"alice","assignee":"bob"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentNote {
    /// Id of the incident.
    pub incident: String,
    pub act: NoteAct,
    /// User of the page who did it.
    pub by: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Who is to look after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// End of a silence, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// Kind of act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoteAct {
    /// Somebody looks at it.
    Acknowledge,
    Assign,
    Note,
    /// No alerts about it until a time.
    Silence,
}

impl NoteAct {
    /// `acknowledged`, `silenced`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledged",
            Self::Assign => "assigned",
            Self::Note => "noted",
            Self::Silence => "silenced",
        }
    }
}
