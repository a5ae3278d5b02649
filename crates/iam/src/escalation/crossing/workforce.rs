//! People of Identity Center and the roles that their permission sets are in accounts.

use std::collections::HashMap;

use super::edges::{EdgeMeans, Edges, InEdge};
use super::nodes::Nodes;
use super::organizations::SeenOrganization;
use crate::estate::{Estate, PrincipalId};
use crate::tri::Tri;

/// Path of the roles that Identity Center makes (IAM Identity Center user guide, "Referencing
/// permission sets in resource policies").
const PATH: &str = ":role/aws-reserved/sso.amazonaws.com/";

/// Roles of permission sets, by account and name of the permission set.
pub(super) struct WorkforceRoles(HashMap<(usize, String), PrincipalId>);

impl WorkforceRoles {
    pub(super) fn new(estate: &Estate<'_, '_>) -> Self {
        let mut roles = HashMap::new();
        for (account, read) in estate.accounts.iter().enumerate() {
            for (principal, role) in read.principals.iter().enumerate() {
                if let Some(set) = set_of_role(&role.arn, &role.name) {
                    let id = PrincipalId { account, principal };
                    roles.insert((account, set.to_owned()), id);
                }
            }
        }
        Self(roles)
    }

    /// The role that a permission set is in an account.
    pub(super) fn of(
        &self,
        organization: &SeenOrganization,
        set: &str,
        account: usize,
    ) -> Option<PrincipalId> {
        let name = organization.permission_sets.get(set)?;
        self.0.get(&(account, name.clone())).copied()
    }
}

/// Name of the permission set of a role: `Admins` of `AWSReservedSSO_Admins_0123456789abcdef`.
pub(super) fn set_of_role<'n>(arn: &str, name: &'n str) -> Option<&'n str> {
    let rest = name.strip_prefix("AWSReservedSSO_")?;
    let (set, suffix) = rest.rsplit_once('_')?;
    let is_suffix = suffix.len() == 16 && suffix.bytes().all(|b| b.is_ascii_hexdigit());
    (arn.contains(PATH) && is_suffix).then_some(set)
}

/// Edges from people to the roles that they have. Of an account that was not read, what its
/// administrators may do is known only of permission sets with `AdministratorAccess`.
pub(super) fn assignment_edges(
    nodes: &Nodes,
    organizations: &[SeenOrganization],
    roles: &WorkforceRoles,
) -> Edges {
    let mut edges = Edges::new();
    for (o, organization) in (0..).zip(organizations) {
        for (n, assignment) in (0..).zip(&organization.assignments) {
            let (Some(from), Some(account)) = (
                nodes.subject(&assignment.subject),
                nodes.account(&assignment.account),
            ) else {
                continue;
            };
            let set = &assignment.permission_set;
            if let Some(role) = roles.of(organization, set, account) {
                let (means, verdict) = (EdgeMeans::Assignment(o, n), Tri::Yes);
                let edge = InEdge {
                    from,
                    means,
                    verdict,
                };
                edges.push((nodes.principal(role), edge));
            } else if organization.administrator_sets.contains(set) {
                let (means, verdict) = (EdgeMeans::Assignment(o, n), Tri::Maybe);
                let edge = InEdge {
                    from,
                    means,
                    verdict,
                };
                edges.push((nodes.administrator(account), edge));
            }
        }
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::set_of_role;

    #[test]
    fn a_role_of_identity_center_is_known_by_path_and_name() {
        let of = |path: &str, name: &str| {
            let arn = format!("arn:aws:iam::111122223333:role/{path}{name}");
            set_of_role(&arn, name).map(str::to_owned)
        };
        let (path, name) = (
            "aws-reserved/sso.amazonaws.com/eu-west-1/",
            "AWSReservedSSO_Read_Only_0123456789abcdef",
        );
        assert_eq!(of(path, name).as_deref(), Some("Read_Only"));
        assert_eq!(of("", name), None);
        assert_eq!(of(path, "AWSReservedSSO_Read_0123"), None);
    }
}
