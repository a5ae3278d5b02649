//! Privilege escalation between the accounts of an estate: who can become administrator of which
//! account, by which steps.
//!
//! Principals of all accounts, "administrator of an account" and people of Identity Center are
//! nodes. Within an account the edges are those of the account's own analysis; an administrator is
//! any principal of its account; between accounts edges are trust policies, policies of functions,
//! and services that reach a whole organization. For each account the walk goes backwards from its
//! administrators.
//!
//! | file | |
//! |---|---|
//! | `model` | nodes, steps, crossings: the result |
//! | `nodes` | numbers of nodes |
//! | `edges` | edges between accounts, by the node that they lead to |
//! | `organizations` | organizations as the accounts show them |
//! | `central` | edges by services that reach a whole organization |
//! | `workforce` | people of Identity Center and the roles that they have |
//! | `callers` | principals that a policy of another account may let in |
//! | `trusts` | edges by trust policies |
//! | `functions` | edges by policies of functions |
//! | `reach` | the analysis of one account, for walks through it |
//! | `graph` | everything put together |
//! | `walk` | the walk from the administrators of one account |
//! | `paths` | steps of whom a walk has reached |
//! | `answer` | crossings of an estate |

mod answer;
mod callers;
mod central;
mod edges;
mod functions;
mod graph;
mod model;
mod nodes;
mod organizations;
mod paths;
mod reach;
mod trusts;
mod walk;
mod workforce;

pub use answer::{EstateEscalations, estate_escalations};
pub use model::{
    Crossing, CrossingDoubt, CrossingMeans, CrossingNode, CrossingStep, UnreadOfOrganization,
};
