//! Facts that hold the policies of resources: from the resource to the fact, and back.

use crate::arn::Arn;

/// Kind of fact that is the policy of a resource.
struct PolicyFact {
    /// `s3:bucketpolicy`.
    kind: &'static str,
    /// ARN of the resource, with `{region}`, `{account}`, `{id}` (of the fact) and `{name}` (the
    /// last part of the id).
    arn: &'static str,
    /// Service of the ARN, and how the part behind the account begins.
    of: (&'static str, &'static str),
    /// Character that ends the ARN of the resource in that of something within it: an object in a
    /// bucket, an index of a table.
    ends_at: Option<char>,
}

const fn policy_fact(
    kind: &'static str,
    arn: &'static str,
    service: &'static str,
    begins: &'static str,
    ends_at: Option<char>,
) -> PolicyFact {
    PolicyFact {
        kind,
        arn,
        of: (service, begins),
        ends_at,
    }
}

/// The first that fits an ARN is the one.
const POLICY_FACTS: &[PolicyFact] = &[
    policy_fact(
        "s3:accesspointpolicy",
        "arn:aws:s3:{region}:{account}:accesspoint/{id}",
        "s3",
        "accesspoint/",
        Some('/'),
    ),
    policy_fact("s3:bucketpolicy", "arn:aws:s3:::{id}", "s3", "", Some('/')),
    policy_fact(
        "sqs:queuepolicy",
        "arn:aws:sqs:{region}:{account}:{name}",
        "sqs",
        "",
        None,
    ),
    policy_fact("sns:topicpolicy", "{id}", "sns", "", Some(':')),
    policy_fact(
        "kms:keypolicy",
        "arn:aws:kms:{region}:{account}:key/{id}",
        "kms",
        "key/",
        None,
    ),
    policy_fact(
        "lambda:functionpolicy",
        "arn:aws:lambda:{region}:{account}:function:{id}",
        "lambda",
        "function:",
        Some(':'),
    ),
    policy_fact(
        "lambda:aliaspolicy",
        "arn:aws:lambda:{region}:{account}:function:{id}",
        "",
        "",
        None,
    ),
    policy_fact(
        "lambda:layerversionpolicy",
        "arn:aws:lambda:{region}:{account}:layer:{id}",
        "lambda",
        "layer:",
        None,
    ),
    policy_fact(
        "ecr:repositorypolicy",
        "arn:aws:ecr:{region}:{account}:repository/{id}",
        "ecr",
        "repository/",
        None,
    ),
    policy_fact(
        "ecr:registrypolicy",
        "arn:aws:ecr:{region}:{account}:*",
        "",
        "",
        None,
    ),
    policy_fact(
        "ecr-public:repositorypolicy",
        "arn:aws:ecr-public::{account}:repository/{id}",
        "ecr-public",
        "repository/",
        None,
    ),
    policy_fact(
        "secretsmanager:resourcepolicy",
        "{id}",
        "secretsmanager",
        "secret:",
        None,
    ),
    policy_fact(
        "dynamodb:tablepolicy",
        "{id}",
        "dynamodb",
        "table/",
        Some('/'),
    ),
    policy_fact(
        "efs:filesystempolicy",
        "arn:aws:elasticfilesystem:{region}:{account}:file-system/{id}",
        "elasticfilesystem",
        "file-system/",
        None,
    ),
    policy_fact(
        "backup:vaultpolicy",
        "arn:aws:backup:{region}:{account}:backup-vault:{id}",
        "backup",
        "backup-vault:",
        None,
    ),
    policy_fact(
        "events:eventbuspolicy",
        "arn:aws:events:{region}:{account}:event-bus/{id}",
        "events",
        "event-bus/",
        None,
    ),
    policy_fact(
        "logs:resourcepolicy",
        "arn:aws:logs:{region}:{account}:*",
        "",
        "",
        None,
    ),
    policy_fact(
        "logs:destinationpolicy",
        "arn:aws:logs:{region}:{account}:destination:{id}",
        "logs",
        "destination:",
        None,
    ),
    policy_fact(
        "cloudtrail:resourcepolicy",
        "{id}",
        "cloudtrail",
        "channel/",
        None,
    ),
    policy_fact("ram:resourcepolicy", "{id}", "", "", None),
];

/// Resources that have policies which no call of ours reads, by service and how the part behind the
/// account begins (IAM user guide, "AWS services that work with IAM", column "Resource-based
/// policies").
const NEVER_READ: &[(&str, &str)] = &[
    ("acm-pca", "certificate-authority/"),
    ("codeartifact", ""),
    ("es", "domain/"),
    ("execute-api", ""),
    ("glacier", "vaults/"),
    ("glue", ""),
    ("kinesis", "stream/"),
    ("mediastore", "container/"),
    ("s3express", ""),
    ("s3-outposts", ""),
    ("s3tables", ""),
    ("schemas", ""),
    ("ses", "identity/"),
    ("signer", ""),
    ("vpc-lattice", ""),
];

/// Kinds of facts that give external access: policies of resources and of roles, ACLs, shares,
/// grants of keys, URLs of functions, copies and messages that go to other accounts.
///
/// ```
/// assert!(bartizan_iam::external_access_kinds().any(|kind| kind == "s3:bucketacl"));
/// ```
pub fn external_access_kinds() -> impl Iterator<Item = &'static str> {
    let others = [
        "iam:assumerolepolicy",
        "s3:bucketacl",
        "ec2:snapshotpermission",
        "ec2:imagepermission",
        "ec2:vpcpeeringconnection",
        "events:target",
        "kms:grant",
        "lambda:functionurl",
        "logs:subscriptionfilter",
        "ram:principal",
        "ram:resource",
        "rds:dbclustersnapshotattributes",
        "rds:dbsnapshotattributes",
        "s3:bucketreplication",
        "sns:subscription",
    ];
    others
        .into_iter()
        .chain(POLICY_FACTS.iter().map(|p| p.kind))
}

/// The resource that a policy fact belongs to.
pub(crate) fn resource_arn(kind: &str, region: &str, account: &str, id: &str) -> Option<String> {
    let place = POLICY_FACTS.iter().find(|p| p.kind == kind)?;
    if Arn::parse(id).is_some() {
        return Some(id.to_owned());
    }
    let name = id.rsplit('/').next().unwrap_or(id);
    Some(
        place
            .arn
            .replace("{region}", region)
            .replace("{account}", account)
            .replace("{name}", name)
            .replace("{id}", id),
    )
}

/// Source of a resource's policy.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PolicySource {
    /// In a fact of this kind, as the policy of this ARN.
    By(&'static str, String),
    /// In its service, and no call of ours asks for it.
    NeverRead,
    /// It has none.
    Not,
}

/// Source of the policy that decides about a resource.
pub(crate) fn policy_source(resource: &str) -> PolicySource {
    let Some(arn) = Arn::parse(resource) else {
        return PolicySource::Not;
    };
    let fits = |p: &&PolicyFact| {
        !p.of.0.is_empty() && p.of.0 == arn.service && arn.resource.starts_with(p.of.1)
    };
    if let Some(place) = POLICY_FACTS.iter().find(fits) {
        let begins = place.of.1.len();
        let rest = arn.resource.get(begins..).unwrap_or_default();
        let ends = place
            .ends_at
            .and_then(|at| rest.find(at))
            .unwrap_or(rest.len());
        let before = resource.len() - arn.resource.len();
        return PolicySource::By(place.kind, resource[..before + begins + ends].to_owned());
    }
    if NEVER_READ
        .iter()
        .any(|(service, begins)| *service == arn.service && arn.resource.starts_with(begins))
    {
        return PolicySource::NeverRead;
    }
    PolicySource::Not
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_of_a_thing_within_a_resource_is_that_of_the_resource() {
        let by = |kind, arn: &str| PolicySource::By(kind, arn.to_owned());
        assert_eq!(
            policy_source("arn:aws:s3:::b/a/key"),
            by("s3:bucketpolicy", "arn:aws:s3:::b")
        );
        assert_eq!(
            policy_source("arn:aws:s3:::b"),
            by("s3:bucketpolicy", "arn:aws:s3:::b")
        );
        let table = "arn:aws:dynamodb:eu-west-1:111122223333:table/t";
        assert_eq!(
            policy_source(&format!("{table}/index/i")),
            by("dynamodb:tablepolicy", table)
        );
        let function = "arn:aws:lambda:eu-west-1:111122223333:function:f";
        assert_eq!(
            policy_source(&format!("{function}:live")),
            by("lambda:functionpolicy", function)
        );
        assert_eq!(
            policy_source("arn:aws:kinesis:eu-west-1:111122223333:stream/s"),
            PolicySource::NeverRead
        );
        assert_eq!(
            policy_source("arn:aws:ec2:eu-west-1:111122223333:instance/i-1"),
            PolicySource::Not
        );
        assert_eq!(policy_source("*"), PolicySource::Not);
    }

    #[test]
    fn a_queue_is_named_by_its_address() {
        let url = "https://sqs.eu-west-1.amazonaws.com/111122223333/orders";
        let arn = resource_arn("sqs:queuepolicy", "eu-west-1", "111122223333", url);
        assert_eq!(
            arn.as_deref(),
            Some("arn:aws:sqs:eu-west-1:111122223333:orders")
        );
    }
}
