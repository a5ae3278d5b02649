//! What services call for themselves with the credentials of their caller.
//!
//! A record whose `userIdentity` is a person or a role and has `invokedBy` is that person acting by
//! means of the service (CloudTrail user guide, "userIdentity element"): a console of old
//! (`signin.amazonaws.com`), CloudFormation, Systems Manager, a scheduler. It is judged as the
//! person's. Only what stands here is not: calls that the service makes on its own account in the
//! course of another one ("forward access sessions", IAM user guide), with a result that goes to
//! the service and not to the caller. None of them gives, opens, takes or deletes anything, so
//! there is nothing to hide behind.

/// Calls of one service that others make for themselves.
struct ServiceCalls {
    /// Who calls; none: any service with a name of its own.
    by: Option<&'static str>,
    /// Which service is called.
    service: &'static str,
    /// What is called.
    calls: &'static [&'static str],
}

const ROWS: &[ServiceCalls] = &[
    // Keys of data: S3, EBS, RDS, Secrets Manager and others encrypt with the key that the resource
    // names. What they get is never handed to the caller (KMS developer guide, "How AWS services
    // use AWS KMS").
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
    // A role that only the service itself can use, with a policy of AWS (IAM user guide, "Create a
    // service-linked role").
    ServiceCalls {
        by: None,
        service: "iam",
        calls: &["CreateServiceLinkedRole"],
    },
    // The network of a function, made with its execution role (Lambda developer guide, "VPC").
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
    // Checks of a launch template and of a subnet before an instance is asked for (Auto Scaling
    // user guide).
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

/// Names in `invokedBy` by which a person works, and not a service: nothing of theirs is AWS's own
/// doing.
const CONSOLES: [&str; 3] = [
    "signin.amazonaws.com",
    "console.amazonaws.com",
    "cloudshell.amazonaws.com",
];

/// Whether a service makes this call for itself: `s3.amazonaws.com` asks KMS for a data key.
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
