//! Rows of a scan result: tables of what many events share, and events that point into them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::attribution::FactEffect;
use crate::work::FieldValues;
use bartizan_model::{Party, Relation};
use bartizan_trail::{CallerIdentity, NonEvent, ReadProblem};

/// 128 bits of an event id.
pub(super) type IdBytes = [u8; 16];

/// Event number, event, and row number and field values of each thing that it is about.
pub(super) type ActRow = (u32, SightingRow, Vec<(u16, FieldValues)>);

/// Everything that a scanner found in one object.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct ScanRows {
    pub(super) shared: SharedRows,
    pub(super) ids: Vec<IdBytes>,
    pub(super) caller_of: Vec<u32>,
    /// Context, number of events, first and last time.
    pub(super) callers: Vec<(u32, u64, i64, i64)>,
    pub(super) acts: Vec<ActRow>,
    pub(super) times: Option<(i64, i64)>,
    pub(super) matches: Vec<MatchRow>,
    pub(super) notes: Vec<WindowNoteRow>,
    /// Rule and group name.
    pub(super) groups: Vec<(u32, String)>,
    pub(super) met: Vec<MetRow>,
    pub(super) texts: Vec<String>,
    /// Bytes as stored, and after decompression.
    pub(super) bytes: (u64, u64),
    pub(super) apart: BTreeMap<NonEvent, u64>,
    pub(super) problems: BTreeMap<ReadProblem, (u64, u64)>,
    pub(super) tallied: Vec<(u32, u32)>,
    pub(super) collected: CollectedRows,
    pub(super) outside: u64,
}

/// Callers, calls and contexts, each once.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct SharedRows {
    pub(super) identities: Vec<CallerIdentity>,
    /// Identity and user agent.
    pub(super) who: Vec<(u32, Option<String>)>,
    pub(super) calls: Vec<ApiCallRow>,
    pub(super) contexts: Vec<ContextRow>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct ApiCallRow {
    pub(super) name: String,
    pub(super) source: Option<String>,
    pub(super) account: Option<String>,
    pub(super) region: Option<String>,
    pub(super) error: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ContextRow {
    pub(super) who: u32,
    pub(super) call: u32,
    pub(super) resources: Vec<String>,
    /// Relation, kind, id, detail.
    pub(super) counterparty: Vec<(Relation, Party, String, Option<String>)>,
}

/// Source address of a call.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum SourceRow {
    None,
    V4(u32),
    V6([u64; 2]),
    Text(String),
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SightingRow {
    pub(super) time_s: i64,
    pub(super) id: IdBytes,
    pub(super) source: SourceRow,
    pub(super) context: u32,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct MatchRow {
    pub(super) rule: u32,
    pub(super) text: u32,
    pub(super) attempt: bool,
    pub(super) day: i64,
    pub(super) call: u32,
    pub(super) refused: bool,
    pub(super) events: Vec<(u32, i64)>,
    pub(super) earliest: Vec<(u32, SightingRow)>,
    pub(super) untimed: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WindowNoteRow {
    pub(super) event: u32,
    pub(super) group: u32,
    pub(super) part: u32,
    pub(super) value: u64,
    pub(super) tried: bool,
    pub(super) sighting: SightingRow,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct MetRow {
    pub(super) rule: u32,
    pub(super) key: u64,
    pub(super) scope: u64,
    pub(super) text: String,
    pub(super) first: SightingRow,
    pub(super) last_s: i64,
}

/// What attribution needs.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct CollectedRows {
    pub(super) mutations: Vec<MutationRow>,
    pub(super) issued: Vec<(String, IssuedRow)>,
    pub(super) presence: BTreeMap<(String, String), Vec<i64>>,
    /// Address, first and last time.
    pub(super) addresses: Vec<(std::net::IpAddr, i64, i64)>,
    pub(super) agents: Vec<(String, i64, i64)>,
}

/// Who did what when.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeedRow {
    pub(super) time_s: i64,
    pub(super) id: IdBytes,
    pub(super) who: u32,
    pub(super) source: SourceRow,
    pub(super) call: u32,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct MutationRow {
    pub(super) deed: DeedRow,
    pub(super) touched: Vec<TouchedRow>,
    pub(super) leaves: Vec<u64>,
    pub(super) cut: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TouchedRow {
    pub(super) kind: u16,
    pub(super) effect: FactEffect,
    pub(super) id: String,
    pub(super) content: Option<String>,
    pub(super) sets: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct IssuedRow {
    pub(super) deed: DeedRow,
    pub(super) session: Option<String>,
    pub(super) of: Option<String>,
    pub(super) source_identity: Option<String>,
    pub(super) until_s: Option<i64>,
}
