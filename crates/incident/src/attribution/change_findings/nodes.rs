//! Nodes by which findings are joined: principals, keys and things.

use super::weight::is;
use bartizan_detect::attribution::{CallMap, MutatingCall};
use bartizan_inventory::fact::KindRole;

/// Kinds by which a thing is opened to others.
const OPENED: [&str; 12] = [
    "ec2:snapshot",
    "ec2:image",
    "s3:bucketpolicy",
    "s3:bucketacl",
    "s3:bucketpublicaccessblock",
    "lambda:functionpolicy",
    "lambda:functionurl",
    "secretsmanager:resourcepolicy",
    "kms:keypolicy",
    "kms:grant",
    "sqs:queuepolicy",
    "sns:topicpolicy",
];

/// The node of a thing, by its id or ARN: the bucket of an object, the last name of anything else.
pub(crate) fn thing(id: &str) -> String {
    let name = match id.split_once(":::") {
        Some((_, path)) => path.split('/').next().unwrap_or(path),
        None => id.rsplit([':', '/']).next().unwrap_or(id),
    };
    format!("thing {name}")
}

/// Nodes by which findings are joined: the principals, keys and things that these calls made or
/// opened.
pub(crate) fn things<'d>(
    map: &CallMap,
    mutations: impl Iterator<Item = &'d MutatingCall>,
) -> Vec<String> {
    let mut nodes = Vec::new();
    for mutation in mutations {
        let account = mutation.call.account.as_deref().unwrap_or_default();
        for fact in mutation.touched.iter().filter(|f| f.id != "*") {
            let first = fact.id.split('/').next().unwrap_or_default();
            nodes.extend(match map.kind(fact.kind) {
                "iam:accesskey" => fact.id.rsplit('/').next().map(|key| format!("key {key}")),
                "iam:user" | "iam:loginprofile" | "iam:userpolicy" => {
                    Some(format!("principal {account} user/{first}"))
                }
                "iam:role" | "iam:assumerolepolicy" | "iam:rolepolicy" => {
                    Some(format!("principal {account} role/{first}"))
                }
                kind if is(kind, KindRole::Share) || OPENED.contains(&kind) => {
                    Some(thing(&fact.id))
                }
                _ => None,
            });
        }
    }
    nodes
}
