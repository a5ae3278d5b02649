//! AWS policies, and who can do what by them.
//!
//! This crate knows policies and accounts and nothing else: no I/O, no clock, no randomness, no AWS SDK. It parses policies
//! ([`parse`]), says when two grant the same ([`Policy::canonical`]), decides requests twice over ([`evaluate`] to read,
//! [`Compiled`] to run), and answers for whole accounts ([`Account`]): what each principal may do ([`Effects`]), who can become
//! administrator ([`escalations`]), who comes in from outside ([`openings`]), and what changed ([`difference`],
//! [`account_difference`]). Verdicts are must, may and no ([`Tri`]); what is not understood is never a no.

mod account;
mod accounts;
mod actions;
mod arn;
mod ask;
mod bits;
mod canonical;
mod case;
mod difference;
mod effective;
mod engine;
mod escalation;
mod extent;
mod holes;
mod outside;
mod pattern;
mod places;
mod policy;
mod reference;
mod request;
mod service;
mod stranger;
mod tri;
mod value;

pub use account::{
    Account, AccountBuilder, Controls, Document, DocumentId, Grant, Group, Holder, Identity, PrincipalKind, Resource, Share,
};
pub use accounts::{AccountDifference, EscalationChange, Presence, PrincipalChange, account_difference, reach_difference};
pub use actions::{AccessLevel, Action, Actions, ActionsError};
pub use arn::Arn;
pub use ask::Said;
pub use bits::Bits;
pub use case::{Case, CaseError};
pub use difference::{Class as AccessClass, Difference, actions_text, difference};
pub use effective::{ByLevel, Effective, Effects};
pub use engine::{Compiled, Compiler};
pub use escalation::{
    Escalation, Escalations, HOLDERS, HolderKind, Limited, ROWS, Row, Rung, Standing, Step, Target, UserWith, commands, escalations,
};
pub use extent::{Extent, SaidOfMany};
pub use holes::Hole;
pub use outside::{Class, Neighbours, Opening, openings};
pub use pattern::{Pattern, Rest, STATES_MAX, rest, rest_of};
pub use places::ways_in;
pub use policy::{Block, Condition, Policy, PolicyError, PolicyType, Principal, Statement, parse, spans};
pub use reference::evaluate;
pub use request::{
    Answer, Because, BlockPublicAccess, Caller, CallerKind, Context, Decision, Given, Known, Layer, Layers, Request, Side,
};
pub use stranger::{Admitted, Behalf, Guard, Outsider, Place, admitted};
pub use tri::Tri;

/// Bytes of the longest policy text that [`parse`] reads. AWS's own limit is 20 KB for a bucket policy and 131,072
/// characters for the largest (Backup vaults excepted at 10 KB); ten times that is hostile.
///
/// ```
/// let long = " ".repeat(bartizan_iam::POLICY_BYTES_MAX + 1);
/// assert!(bartizan_iam::parse(&long).is_err());
/// ```
pub const POLICY_BYTES_MAX: usize = 1 << 20;

/// Bytes of the longest string in a policy. An ARN has at most 2,048 characters.
///
/// ```
/// let action = "a".repeat(bartizan_iam::ELEMENT_BYTES_MAX + 1);
/// let policy = format!(r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": "{action}", "Resource": "*"}}}}"#);
/// assert!(bartizan_iam::parse(&policy).is_err());
/// ```
pub const ELEMENT_BYTES_MAX: usize = 8192;
