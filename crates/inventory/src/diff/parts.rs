//! Changes that are part of another: what goes with a bucket that is deleted is one change, not
//! seven.

use std::collections::HashMap;

use super::change::Change;
use super::verdict::ChangeVerdict;
use crate::fact::FactKinds;

/// Whether facts of kind `part` come and go with the thing of kind `of`: the table says so, or the
/// word begins with that of the thing (`s3:bucketpolicy` of `s3:bucket`).
fn is_part(part: &str, of: &str) -> bool {
    let listed = || FactKinds::shared().get(part).part_of.as_deref() == Some(of);
    part != of && (part.starts_with(of) || listed())
}

/// Says of each change whether it came or went with a thing that came or went.
pub(super) fn mark(changes: &mut [Change]) {
    let both_sides = |v: ChangeVerdict| matches!(v, ChangeVerdict::Added | ChangeVerdict::Removed);
    let mut things: HashMap<(String, String), Vec<usize>> = HashMap::new();
    for (n, change) in changes
        .iter()
        .enumerate()
        .filter(|(_, c)| both_sides(c.verdict))
    {
        things
            .entry((change.region.clone(), change.id.clone()))
            .or_default()
            .push(n);
    }
    for n in 0..changes.len() {
        let change = &changes[n];
        if !both_sides(change.verdict) {
            continue;
        }
        // The id itself, and all that it begins with up to a slash or colon.
        let cuts = change
            .id
            .match_indices(['/', ':'])
            .map(|(at, _)| &change.id[..at])
            .chain([change.id.as_str()]);
        let candidates = cuts
            .filter_map(|id| things.get(&(change.region.clone(), id.to_owned())))
            .flatten();
        let fits = |whole: &&usize| {
            changes[**whole].verdict == change.verdict
                && is_part(&change.kind, &changes[**whole].kind)
        };
        // The status of a policy is of the bucket as well: the shortest word is the thing itself.
        let Some(&whole) = candidates
            .filter(fits)
            .min_by_key(|whole| changes[**whole].kind.len())
        else {
            continue;
        };
        let (name, severity) = (
            format!("{} {}", changes[whole].kind, changes[whole].id),
            changes[whole].severity,
        );
        let part = &mut changes[n];
        part.part_of = Some(name);
        // That a thing has no ACL any more when it is gone is no worse than that it is gone.
        if part.verdict == ChangeVerdict::Removed {
            part.severity = part.severity.min(severity);
        }
    }
}
