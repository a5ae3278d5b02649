//! Changes that are part of another: what goes with a bucket that is deleted is one change, not
//! seven.

use std::collections::HashMap;

use super::change::Change;
use super::verdict::ChangeVerdict;

/// Kinds of facts that belong to a thing of another kind, where the word for it does not begin with
/// that one's (`s3:bucketpolicy` is of `s3:bucket`). Their ids are, or begin with, that of the
/// thing.
const PARTS: &[(&str, &[&str])] = &[
    (
        "cloudtrail:trail",
        &["cloudtrail:eventselectors", "cloudtrail:insightselectors"],
    ),
    ("events:eventbus", &["events:rule", "events:target"]),
    (
        "guardduty:detector",
        &["guardduty:administrator", "guardduty:member"],
    ),
    ("iam:role", &["iam:assumerolepolicy"]),
    (
        "iam:user",
        &[
            "iam:accesskey",
            "iam:accesskeylastused",
            "iam:loginprofile",
            "iam:mfadevice",
            "iam:servicespecificcredential",
            "iam:signingcertificate",
            "iam:sshpublickey",
        ],
    ),
    ("kms:key", &["kms:grant"]),
    ("logs:loggroup", &["logs:subscriptionfilter"]),
    ("secretsmanager:secret", &["secretsmanager:resourcepolicy"]),
    (
        "sns:topic",
        &["sns:dataprotectionpolicy", "sns:subscription"],
    ),
];

fn is_part(part: &str, of: &str) -> bool {
    let listed = || {
        PARTS
            .iter()
            .any(|(whole, parts)| *whole == of && parts.contains(&part))
    };
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
