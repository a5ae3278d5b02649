//! Privilege escalation: who can become administrator, and by which steps.
//!
//! Principals are numbered, and sets of them are bits, so that "may pass any role that trusts
//! Lambda" is one set and not thousands of edges. From administrators the walk goes backwards,
//! round by round, to all who reach them.
//!
//! | file | |
//! |---|---|
//! | `model` | rungs, steps, escalations: the result |
//! | `techniques` | techniques as data: actions they need, what they are aimed at |
//! | `sets` | sets of principals, for sure and perhaps |
//! | `index` | users and roles found by ARN patterns |
//! | `trust` | who is trusted by which roles |
//! | `unrestricted` | actions that documents allow and deny on all resources |
//! | `tables` | all that is worked out once for an account |
//! | `limits` | administrators, and what keeps a principal from being one |
//! | `permissions` | what one principal may do to which resources and principals |
//! | `principal` | what each technique gives one principal |
//! | `reach` | the walk from administrators to all who reach them |
//! | `incremental` | the same for an account that changes, a policy at a time |
//! | `crossing` | the same over all accounts of an estate |
//! | `commands` | steps as CLI commands |

mod commands;
mod crossing;
mod incremental;
mod index;
mod limits;
mod model;
mod permissions;
mod principal;
mod reach;
mod sets;
mod tables;
mod techniques;
mod trust;
mod unrestricted;

pub use commands::commands;
pub use crossing::{
    Crossing, CrossingDoubt, CrossingMeans, CrossingNode, CrossingStep, EstateEscalations,
    UnreadOfOrganization, estate_escalations,
};
pub use incremental::IncrementalEscalations;
pub use model::{Escalation, EscalationStep, Escalations, LimitedEscalation, Rung};
pub use reach::escalations;
pub use techniques::{
    ORGANIZATION_TECHNIQUES, OrganizationTarget, OrganizationTechnique, ROLE_CONSUMERS,
    RoleConsumerKind, TECHNIQUES, Technique, TechniqueTarget, UserWith,
};
