//! Evidence log: append-only, signed, and verifiable offline by anyone with the public key.
//!
//! ```text
//! log.pub                                   verifier key (C2SP signed-note)
//! checkpoint                                latest signed tree head (C2SP tlog-checkpoint)
//! checkpoints/<size>                        every earlier one
//! tile/<level>/<n>[.p/<width>]              hashes  (C2SP tlog-tiles)
//! tile/entries/<n>[.p/<width>]              entries (C2SP tlog-tiles)
//! pending/<size>                            a commit that fills a tile, before it is made
//! snapshots/<account>/<time>-<hash>.facts   a snapshot
//! blobs/<sha256>.pack                       documents, each once, in zstd frames
//! ```
//!
//! Every file except `checkpoint` is created once and never changed (except for a full tile that an
//! interrupted run left and that no head was ever signed over). All files follow from the log: an
//! entry names its files by hash, and `log_size` tells which tree heads were published, so a
//! verifier knows every file that must exist.

mod entry;
mod history;
mod key;
mod log;
mod note;
mod pack;
mod proof;
mod storage;
mod trail_heads;
mod verify;

pub use entry::{EntryKind, FileRef, GrantRef, Justification, LogEntry, SnapshotRef, TrailHead};
pub use history::{
    Documents, LoggedSnapshot, append, append_note, append_silence, facts, incident_notes,
    justifications, justify, silences, snapshots,
};
pub use key::{KeyError, LogKey};
pub use log::{EvidenceLog, LogError, is_head};
pub use note::{IncidentNote, NoteAct};
pub use pack::{PackError, PackFrame, documents, find, records, write_packs};
pub use proof::{FactProof, ProofError};
pub use storage::{MemoryStorage, Storage, StorageError};
pub use trail_heads::{TrailState, append_trail_state, trail_state};
pub use verify::{VerifyProblem, VerifyReport, verify};
