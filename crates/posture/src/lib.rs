//! Posture: what is open in an account now, judged from a snapshot.
//!
//! A [`Check`] is data (id, severity, why, fix, sources, the kinds of facts that it needs) and a
//! function from an [`AccountView`] to one verdict for each resource: fail, pass or unknown. What was
//! not read makes a verdict unknown, never a pass: a check reads facts through
//! [`AccountView::fact`] and [`AccountView::all`], which give an [`MissingFact`] in place of a fact
//! that may exist.
//!
//! No network, no clock, no files: the snapshot, its time and the one before are arguments.

mod advisor;
mod check;
mod checks;
mod credentials;
mod drift;
mod grant;
mod missing;
mod network;
mod policies;
mod reading;
mod rebuild;
mod registry;
mod result;
mod verdicts;
mod view;

pub use advisor::{AdvisorDifference, AdvisorResult, advisor_results};
pub use check::{Check, Compliance, Source};
pub use credentials::{
    Credential, CredentialKind, CredentialTrail, Credentials, LastUse, MadeBy, MadeCredential,
    OpenSession, Power, UsedKey, credential_kinds, credentials,
};
pub use drift::{Drift, DriftOrigin, DriftedFact};
pub use grant::{facts_of, grant_hash};
pub use missing::{Fault, MissingFact, MissingReason};
pub use network::{WORLD_PORTS, is_world};
pub use reading::{FactView, List};
pub use rebuild::RebuildTargets;
pub use registry::{CHECKS, check, judge};
pub use result::{CheckResult, CheckVerdict, Reason};
pub use verdicts::Verdicts;
pub use view::{AccountView, ViewInput};
