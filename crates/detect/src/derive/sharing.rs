//! With whom a request shares something, and whose key it uses.

use std::collections::BTreeSet;

use super::shape::{at, text};
use super::text::{api, is_account};
use bartizan_trail::{Event, Field};

/// Where a call says with whom something is shared from now on. Removals stand at other paths.
struct SharingShape {
    call: &'static str,
    with: &'static [&'static str],
    /// Requests that have this value share nothing.
    unless: Option<(&'static str, &'static str)>,
}

const fn shape(call: &'static str, with: &'static [&'static str]) -> SharingShape {
    SharingShape {
        call,
        with,
        unless: None,
    }
}

const fn modify(call: &'static str, with: &'static [&'static str]) -> SharingShape {
    SharingShape {
        call,
        with,
        unless: Some(("operationType", "remove")),
    }
}

/// Calls that share (API references of the services; EC2: `LaunchPermissionModifications`).
const SHAPES: &[SharingShape] = &[
    modify(
        "ec2:ModifyImageAttribute",
        &[
            "launchPermission.add.userId",
            "launchPermission.add.group",
            "launchPermission.add.organizationArn",
            "launchPermission.add.organizationalUnitArn",
            // The older form, and the parameters beside it.
            "userIds.userId",
            "userIds",
            "userGroups.group",
            "userGroups",
            "organizationArns.organizationArn",
            "organizationArns",
            "organizationalUnitArns.organizationalUnitArn",
            "organizationalUnitArns",
        ],
    ),
    modify(
        "ec2:ModifySnapshotAttribute",
        &[
            "createVolumePermission.add.userId",
            "createVolumePermission.add.group",
            "userIds.userId",
            "userIds",
            "groupNames.group",
            "groupNames",
            "userGroups.group",
        ],
    ),
    modify(
        "ec2:ModifyFpgaImageAttribute",
        &[
            "loadPermission.add.userId",
            "loadPermission.add.group",
            "userIds.userId",
            "userIds",
            "userGroups",
        ],
    ),
    shape(
        "ec2:ModifyVpcEndpointServicePermissions",
        &[
            "ModifyVpcEndpointServicePermissionsRequest.AddAllowedPrincipals",
            "addAllowedPrincipals",
        ],
    ),
    shape(
        "ec2:CreateNetworkInterfacePermission",
        &[
            "CreateNetworkInterfacePermissionRequest.AwsAccountId",
            "awsAccountId",
        ],
    ),
    shape("rds:ModifyDBSnapshotAttribute", &["valuesToAdd"]),
    shape("rds:ModifyDBClusterSnapshotAttribute", &["valuesToAdd"]),
    shape(
        "redshift:AuthorizeSnapshotAccess",
        &["accountWithRestoreAccess"],
    ),
    shape("redshift:AuthorizeDataShare", &["consumerIdentifier"]),
    shape("redshift:AuthorizeEndpointAccess", &["account"]),
    shape("ssm:ModifyDocumentPermission", &["accountIdsToAdd"]),
    shape("ram:CreateResourceShare", &["principals"]),
    shape("ram:AssociateResourceShare", &["principals"]),
    shape(
        "servicecatalog:CreatePortfolioShare",
        &["accountId", "organizationNode.value"],
    ),
    shape("ds:ShareDirectory", &["shareTarget.id"]),
    shape(
        "workspaces:AssociateConnectionAlias",
        &["connectionAliasPermission.sharedAccountId"],
    ),
    SharingShape {
        call: "workspaces:UpdateWorkspaceImagePermission",
        with: &["sharedAccountId"],
        unless: Some(("allowCopyImage", "false")),
    },
    shape("appstream:UpdateImagePermissions", &["sharedAccountId"]),
    shape("imagebuilder:CreateDistributionConfiguration", IMAGES),
    shape("imagebuilder:UpdateDistributionConfiguration", IMAGES),
    shape(
        "lakeformation:GrantPermissions",
        &["principal.dataLakePrincipalIdentifier"],
    ),
    shape(
        "lakeformation:BatchGrantPermissions",
        &["entries.principal.dataLakePrincipalIdentifier"],
    ),
    shape("es:AuthorizeVpcEndpointAccess", &["account"]),
    shape("kms:CreateGrant", &["granteePrincipal"]),
    shape("fms:AssociateAdminAccount", &["adminAccount"]),
];

const IMAGES: &[&str] = &[
    "distributions.amiDistributionConfiguration.launchPermission.userIds",
    "distributions.amiDistributionConfiguration.launchPermission.userGroups",
    "distributions.amiDistributionConfiguration.launchPermission.organizationArns",
    "distributions.amiDistributionConfiguration.launchPermission.organizationalUnitArns",
    "distributions.amiDistributionConfiguration.targetAccountIds",
];

/// Whether a call may share anything.
pub(super) fn may_share(call: &str) -> bool {
    SHAPES.iter().any(|shape| shape.call == call)
}

/// With whom a request shares something: `all`, `account:ID`, `organization:ID`, `unit:ID`.
pub(super) fn shared_with(event: &Event<'_>) -> Vec<String> {
    let Some(request) = event.field(Field::RequestParameters) else {
        return Vec::new();
    };
    let (call, own) = (
        api(event),
        event.text(Field::RecipientAccountId).unwrap_or_default(),
    );
    let mut found = BTreeSet::new();
    for shape in SHAPES.iter().filter(|shape| shape.call == call) {
        if shape.unless.is_some_and(|(path, value)| {
            text(request, path).is_some_and(|t| t.eq_ignore_ascii_case(value))
        }) {
            continue;
        }
        let values = shape
            .with
            .iter()
            .flat_map(|path| at(request, path))
            .filter_map(|v| v.text());
        found.extend(values.filter_map(|value| party(&value, &own)));
    }
    found.into_iter().collect()
}

/// Who is meant by `all`, an account, or an ARN; none when it is somebody of one's own account.
///
/// An ARN of an organization has the account that manages it: an account that shares with the
/// organization that it manages stays among its own.
pub(super) fn party(value: &str, own: &str) -> Option<String> {
    if matches!(value, "all" | "*") {
        return Some("all".to_owned());
    }
    if is_account(value) {
        return (value != own).then(|| format!("account:{value}"));
    }
    let parts: Vec<&str> = value.splitn(6, ':').collect();
    let &["arn", _, service, _, account, rest] = parts.as_slice() else {
        return None;
    };
    if !is_account(account) || account == own {
        return None;
    }
    let last = rest.rsplit('/').next().unwrap_or_default();
    Some(match rest.split('/').next() {
        Some("organization") if service == "organizations" => format!("organization:{last}"),
        Some("ou") if service == "organizations" => format!("unit:{last}"),
        _ => format!("account:{account}"),
    })
}

/// Accounts of KMS keys in the request that are not the account that was called.
pub(super) fn outside_keys(event: &Event<'_>) -> Vec<String> {
    let Some(request) = event.field(Field::RequestParameters) else {
        return Vec::new();
    };
    let own = event.text(Field::RecipientAccountId).unwrap_or_default();
    let mut found = BTreeSet::new();
    let text = request.compact();
    for (at, _) in text.match_indices(":kms:") {
        let account = text[at..].split(':').nth(3).unwrap_or_default();
        if is_account(account) && account != own {
            found.insert(account.to_owned());
        }
    }
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parties_are_told_apart() {
        let own = "111122223333";
        let organization = "arn:aws:organizations::999988887777:organization/o-exampleorg1";
        for (value, wanted) in [
            ("all", Some("all")),
            ("*", Some("all")),
            ("999988887777", Some("account:999988887777")),
            (own, None),
            (organization, Some("organization:o-exampleorg1")),
            (
                "arn:aws:organizations::999988887777:ou/o-exampleorg1/ou-ab12-cdefghij",
                Some("unit:ou-ab12-cdefghij"),
            ),
            (
                "arn:aws:organizations::111122223333:organization/o-exampleorg1",
                None,
            ),
            (
                "arn:aws-cn:iam::999988887777:role/r",
                Some("account:999988887777"),
            ),
            ("arn:aws:iam::111122223333:role/r", None),
            ("ec2.amazonaws.com", None),
        ] {
            assert_eq!(party(value, own).as_deref(), wanted, "{value}");
        }
    }
}
