//! A request, what is known about it, the layers of policies that decide it, and the decision.

mod access_request;
mod caller;
mod context;
mod decision;
mod layers;

pub use access_request::Request;
pub use caller::{CallerKind, RequestCaller};
pub use context::{Context, ContextLookup, ContextValue};
pub use decision::{Because, Decision, ExplainedDecision, OpenReason};
pub(crate) use layers::starts;
pub use layers::{BlockPublicAccess, Layers, PolicyGrammar, PolicyLayer};
