//! Edges between accounts.

use super::model::CrossingDoubt;
use crate::tri::Tri;

/// Edge, kept with the node that it leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct InEdge {
    pub(super) from: u32,
    pub(super) means: EdgeMeans,
    pub(super) verdict: Tri,
}

/// Means of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum EdgeMeans {
    Trust,
    /// Number of the technique, and of the consumer in its account.
    Function(u16, u32),
    OrganizationRole,
    /// Number of the technique over an organization.
    OverOrganization(u8, Option<CrossingDoubt>),
    /// Number of the organization, and of the assignment in it.
    Assignment(u32, u32),
}

/// Edges by the node that they lead to.
pub(super) type Edges = Vec<(u32, InEdge)>;
