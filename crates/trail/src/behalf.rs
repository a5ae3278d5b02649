//! Calls that AWS services make for themselves with their caller's credentials.
//!
//! A record whose `userIdentity` is a user or role and has `invokedBy` is that principal acting
//! through the service (CloudTrail user guide, "userIdentity element"): the old console
//! (`signin.amazonaws.com`), CloudFormation, Systems Manager, a scheduler. It is evaluated as the
//! principal's call. The exceptions are listed here: calls that a service makes on its own account
//! as part of another call ("forward access sessions", IAM user guide), whose result goes to the
//! service and not to the caller. None of them grants, exposes, reads or deletes anything, so an
//! attacker cannot hide behind them.

/// Calls to one service that other services make for themselves.
struct ServiceCalls {
    /// Calling service; `None`: any service with a name of its own.
    by: Option<&'static str>,
    /// Called service, e.g. `kms.amazonaws.com`.
    service: &'static str,
    /// API calls, e.g. `GenerateDataKey`.
    calls: &'static [&'static str],
}

const ROWS: &[ServiceCalls] = &[
    // Data keys: S3, EBS, RDS, Secrets Manager and others encrypt with the KMS key that the
    // resource names. The data key is never returned to the caller (KMS developer guide, "How AWS
    // services use AWS KMS").
    ServiceCalls {
        by: None,
        service: "kms",
        calls: &[
            "GenerateDataKey",
            "GenerateDataKeyWithoutPlaintext",
            "Decrypt",
            "Encrypt",
            "DescribeKey",
            "RetireGrant",
        ],
    },
    // Role that only the service itself can assume, with an AWS managed policy (IAM user guide,
    // "Create a service-linked role").
    ServiceCalls {
        by: None,
        service: "iam",
        calls: &["CreateServiceLinkedRole"],
    },
    // Network interface of a function, created with its execution role (Lambda developer guide,
    // "VPC").
    ServiceCalls {
        by: Some("lambda.amazonaws.com"),
        service: "ec2",
        calls: &[
            "CreateNetworkInterface",
            "DeleteNetworkInterface",
            "DescribeNetworkInterfaces",
            "DescribeSubnets",
            "DescribeSecurityGroups",
            "DescribeVpcs",
            "AssignPrivateIpAddresses",
            "UnassignPrivateIpAddresses",
        ],
    },
    // Checks of a launch template and subnet before an instance launch (Auto Scaling user guide).
    ServiceCalls {
        by: Some("autoscaling.amazonaws.com"),
        service: "ec2",
        calls: &[
            "DescribeInstances",
            "DescribeSubnets",
            "DescribeImages",
            "DescribeLaunchTemplateVersions",
            "DescribeSecurityGroups",
            "DescribeAvailabilityZones",
        ],
    },
];

/// Values of `invokedBy` that mean a person in a console rather than a service.
const CONSOLES: [&str; 3] = [
    "signin.amazonaws.com",
    "console.amazonaws.com",
    "cloudshell.amazonaws.com",
];

/// Whether a service makes this call for itself, e.g. `s3.amazonaws.com` requests a data key from
/// KMS.
pub(super) fn is_by_itself(invoked_by: &str, event_source: &str, event_name: &str) -> bool {
    if CONSOLES.contains(&invoked_by) {
        return false;
    }
    let service = event_source.split('.').next().unwrap_or_default();
    ROWS.iter().any(|row| {
        row.service == service
            && row.calls.contains(&event_name)
            && row.by.is_none_or(|by| by == invoked_by)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_changes_who_may_do_what_is_a_services_own() {
        assert!(is_by_itself(
            "s3.amazonaws.com",
            "kms.amazonaws.com",
            "GenerateDataKey"
        ));
        assert!(!is_by_itself(
            "signin.amazonaws.com",
            "kms.amazonaws.com",
            "Decrypt"
        ));
        for name in [
            "CreateGrant",
            "PutKeyPolicy",
            "ScheduleKeyDeletion",
            "DisableKey",
        ] {
            assert!(
                !is_by_itself("s3.amazonaws.com", "kms.amazonaws.com", name),
                "{name}"
            );
        }
        assert!(!is_by_itself(
            "autoscaling.amazonaws.com",
            "ec2.amazonaws.com",
            "TerminateInstances"
        ));
        assert!(!is_by_itself(
            "cloudformation.amazonaws.com",
            "iam.amazonaws.com",
            "AttachRolePolicy"
        ));
    }
}
