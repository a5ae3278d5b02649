//! Policies of AWS, and who can do what by them.
//!
//! This crate knows policies and accounts and nothing else: no I/O, no clock, no randomness, no AWS
//! SDK. It parses policies ([`parse`]), tells when two grant the same ([`Policy::canonical`]),
//! decides requests twice over ([`evaluate`] to read, [`Compiled`] to run), and answers for whole
//! accounts ([`Account`]): what each principal may do ([`Effects`]), who can become administrator
//! ([`escalations`]), who has external access ([`external_access`]), and what changed
//! ([`difference`], [`account_difference`]). Verdicts are must, may and no ([`Tri`]); what is not
//! understood is never a no.

mod account;
mod account_difference;
mod actions;
mod arn;
mod bits;
mod canonical;
mod case;
mod difference;
mod effective;
mod engine;
mod escalation;
mod estate;
mod external_access;
mod limits;
mod organization;
mod pattern;
mod policy;
mod reference;
mod request;
mod resource_policies;
mod service;
mod stranger;
mod tri;
mod unread;
mod value;

pub use account::{
    Account, AccountAssignment, AccountBuilder, CentralFacts, Controls, DocumentId, Grant,
    IamGroup, IamPrincipal, Membership, PolicyDocument, PrincipalKind, ResourceWithPolicy,
    RoleConsumer, Share, UnreadPolicy, WorkforceSubject,
};
pub use account_difference::{
    AccountDifference, EscalationChange, Presence, PrincipalChange, account_difference,
    reach_difference,
};
pub use actions::{AccessLevel, Action, Actions, ActionsError};
pub use arn::Arn;
pub use bits::Bits;
pub use case::{Case, CaseError};
pub use difference::{AccessClass, Difference, actions_text, difference};
pub use effective::{ByLevel, Effective, Effects};
pub use engine::{Compiled, Compiler};
pub use escalation::{
    Crossing, CrossingDoubt, CrossingMeans, CrossingNode, CrossingStep, Escalation, EscalationStep,
    Escalations, EstateEscalations, IncrementalEscalations, LimitedEscalation,
    ORGANIZATION_TECHNIQUES, OrganizationTarget, OrganizationTechnique, ROLE_CONSUMERS,
    RoleConsumerKind, Rung, TECHNIQUES, Technique, TechniqueTarget, UnreadOfOrganization, UserWith,
    commands, escalations, estate_escalations,
};
pub use estate::{
    AccessAnswer, AccessHolder, AccessQuestion, EffectivePolicies, Estate, Extent, LeftOut,
    LeftOutReason, Owner, PrincipalId, QuestionCaller, ReachKind, ReachRow, ResourceCell,
    SetAnswer, SetHolder, SetPart,
};
pub use external_access::{AccountRelationship, ExternalAccess, KnownAccounts, external_access};
pub use organization::Organization;
pub use pattern::{Pattern, Rest, STATES_MAX, rest, rest_of};
pub use policy::{
    Block, ELEMENT_BYTES_MAX, POLICY_BYTES_MAX, Policy, PolicyCondition, PolicyError, PolicyType,
    Principal, Statement, parse, spans,
};
pub use reference::evaluate;
pub use request::{
    Because, BlockPublicAccess, CallerKind, Context, ContextLookup, ContextValue, Decision,
    ExplainedDecision, Layers, OpenReason, PolicyGrammar, PolicyLayer, Request, RequestCaller,
};
pub use resource_policies::external_access_kinds;
pub use service::is_public_policy;
pub use stranger::{
    AdmittedPrincipal, ConditionSubject, ExternalPrincipal, OnBehalfOf, PolicyLocation, admitted,
};
pub use tri::Tri;
pub use unread::{UnreadFact, UnreadReason};
