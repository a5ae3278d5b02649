//! An account as the analysis sees it: principals with what they hold, and what is there to be
//! taken over.
//!
//! | file | |
//! |---|---|
//! | `model` | the account and what is in it |
//! | `coverage` | what was not read of it |
//! | `build` | the builder: notes, documents, and the account put together |
//! | `details` | `iam:GetAccountAuthorizationDetails`, users, roles and groups |
//! | `facts` | facts of a snapshot, a handler for each kind |

mod build;
mod coverage;
mod details;
mod facts;
mod model;

pub use build::AccountBuilder;
pub(crate) use facts::CANONICAL_USER;
pub use model::{
    Account, AccountAssignment, CentralFacts, Controls, DocumentId, Grant, IamGroup, IamPrincipal,
    Membership, PolicyDocument, PrincipalKind, ResourceWithPolicy, RoleConsumer, Share,
    UnreadPolicy, WorkforceSubject,
};
