//! Facts that a result is about, and their hash: what somebody accepts is the state of these.

use std::collections::BTreeSet;

use bartizan_inventory::fact::{FactKinds, Hash};
use bartizan_model::limits::GRANT_MENTIONS_MAX;
use serde_json::Value;

use crate::missing::GLOBAL;
use crate::reading::FactView;
use crate::registry::check;
use crate::result::CheckResult;
use crate::view::AccountView;

/// Kinds that do not name the thing that they guard, but its VPC.
const OF_VPC: [&str; 2] = ["ec2:networkacl", "ec2:routetable"];

/// The facts that a result is about: those of the resource, what their documents name, and the
/// settings of the account, of the kinds that the check needs. Empty where the check looks at
/// changes, not at what is there.
///
/// For `NET-03` and an instance: the instance, its security groups with their prefix lists, and the
/// network ACLs and route tables of its VPC.
#[must_use]
pub fn facts_of<'v, 'a>(view: &'v AccountView<'a>, result: &CheckResult) -> Vec<&'v FactView<'a>> {
    let needed = needed(view, result);
    let is_account = result.resource == view.id
        || result
            .resource
            .strip_prefix(view.id)
            .is_some_and(|rest| rest.starts_with('/'));
    let facts = if is_account {
        let is_other = |f: &FactView<'_>| f.kind == "iam:credentialreport" && f.id != ROOT;
        needed.iter().copied().filter(|f| !is_other(f)).collect()
    } else {
        of_resource(view, result, &needed)
    };
    // Where nothing bears its name, all of the kinds stand for it.
    if facts.is_empty() { needed } else { facts }
}

/// Row of the root user in the credential report.
const ROOT: &str = "<root_account>";

/// Hash of the canonical hashes of the facts that a result is about; none where there are none.
#[must_use]
pub fn grant_hash(facts: &[&FactView<'_>]) -> Option<Hash> {
    let mut lines: Vec<String> = facts
        .iter()
        .map(|f| format!("{}\t{}\t{}\t{}\n", f.kind, f.region, f.id, f.canonical))
        .collect();
    lines.sort();
    (!lines.is_empty()).then(|| Hash::of(lines.concat().as_bytes()))
}

/// Facts of the kinds that the check needs, in the region of the result and of the whole account.
fn needed<'v, 'a>(view: &'v AccountView<'a>, result: &CheckResult) -> Vec<&'v FactView<'a>> {
    let kinds = check(result.check).map_or(&[][..], |c| c.needs);
    let kinds: BTreeSet<&str> = kinds.iter().copied().collect();
    let is_here = |f: &&FactView<'_>| {
        result.region == GLOBAL || f.region == GLOBAL || f.region == result.region
    };
    let all = kinds.into_iter().flat_map(|kind| view.list(kind).facts);
    all.filter(is_here).collect()
}

fn of_resource<'v, 'a>(
    view: &AccountView<'a>,
    result: &CheckResult,
    needed: &[&'v FactView<'a>],
) -> Vec<&'v FactView<'a>> {
    let names = names(&result.resource);
    let mut is_in: Vec<bool> = needed
        .iter()
        .map(|f| is_of(view, f, &result.resource, &names))
        .collect();
    if !is_in.contains(&true) {
        return Vec::new();
    }
    for _ in 0..GRANT_MENTIONS_MAX {
        let included = || needed.iter().zip(&is_in).filter(|(_, is)| **is);
        let (mut texts, mut vpcs) = (BTreeSet::new(), BTreeSet::new());
        for (fact, _) in included() {
            strings(fact.json(), &mut texts);
            vpcs.extend(fact.text("/VpcId"));
        }
        let is_named = |f: &FactView<'_>| {
            texts.contains(f.id.as_str())
                || texts.contains(f.owner())
                || OF_VPC.contains(&f.kind) && f.text("/VpcId").is_some_and(|v| vpcs.contains(v))
        };
        let next: Vec<bool> = needed
            .iter()
            .zip(&is_in)
            .map(|(f, is)| *is || is_named(f))
            .collect();
        if next == is_in {
            break;
        }
        is_in = next;
    }
    let of_account = |f: &FactView<'_>| f.id == "account";
    let facts = needed.iter().zip(is_in);
    facts
        .filter(|(f, is)| *is || of_account(f))
        .map(|(f, _)| *f)
        .collect()
}

/// Names that facts of a resource can have as id: each end of its ARN (`alice/AKIAEXAMPLE`), and
/// the bucket of an object.
fn names(resource: &str) -> BTreeSet<&str> {
    let ends = resource.match_indices(['/', ':']);
    let mut names: BTreeSet<&str> = ends.map(|(at, _)| &resource[at + 1..]).collect();
    names.insert(resource);
    if let Some(object) = resource.strip_prefix("arn:aws:s3:::") {
        names.extend(object.split('/').next());
    }
    names
}

/// Whether a fact is one of the resource, or of the user, role or group that it is.
fn is_of(
    view: &AccountView<'_>,
    fact: &FactView<'_>,
    resource: &str,
    names: &BTreeSet<&str>,
) -> bool {
    let own = || FactKinds::shared().arn(fact.kind, view.id, fact.region, &fact.id);
    // The id of a queue is its URL.
    let queue = fact
        .id
        .starts_with("https://")
        .then(|| fact.id.rsplit('/').next());
    names.contains(fact.id.as_str())
        || names.contains(fact.owner())
        || queue.flatten().is_some_and(|name| names.contains(name))
        || own().is_some_and(|arn| arn == resource)
}

/// All strings of a document.
fn strings<'v>(value: &'v Value, into: &mut BTreeSet<&'v str>) {
    match value {
        Value::String(text) => drop(into.insert(text)),
        Value::Array(list) => list.iter().for_each(|v| strings(v, into)),
        Value::Object(map) => map.values().for_each(|v| strings(v, into)),
        _ => {}
    }
}
