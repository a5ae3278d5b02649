//! Nodes by which findings are joined: principals, keys and things.

use super::weight::is;
use bartizan_detect::attribution::{CallMap, MutatingCall};
use bartizan_inventory::fact::{FactKinds, JoinNode, KindRole};

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
            let kind = map.kind(fact.kind);
            let entry = FactKinds::shared().get(kind);
            nodes.extend(match entry.joins {
                Some(JoinNode::Key) => fact.id.rsplit('/').next().map(|key| format!("key {key}")),
                Some(JoinNode::Principal) => entry
                    .principal
                    .map(|owner| format!("principal {account} {}/{first}", owner.word())),
                Some(JoinNode::Thing) => Some(thing(&fact.id)),
                None => is(kind, KindRole::Share).then(|| thing(&fact.id)),
            });
        }
    }
    nodes
}
