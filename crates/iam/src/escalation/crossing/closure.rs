//! Ways from account to account over several others.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Crossing, CrossingNode};
use crate::tri::Tri;

/// Ways from administrators of one account to another that lead through no third one, by both
/// accounts.
pub(super) type DirectWays = BTreeMap<(String, String), Crossing>;

/// Position of an account towards the last: how sure, how far, and the account that comes next.
type AccountPositions<'d> = BTreeMap<&'d str, (Tri, usize, Option<&'d str>)>;

/// Ways from administrators of each account to each other that they reach, a sure one before a
/// shorter one that is not.
pub(super) fn closure(direct: &DirectWays) -> Vec<Crossing> {
    let mut into: BTreeMap<&str, Vec<&Crossing>> = BTreeMap::new();
    for ((_, to), way) in direct {
        into.entry(to.as_str()).or_default().push(way);
    }
    let mut all = Vec::new();
    for last in into.keys() {
        let mut found: AccountPositions<'_> = BTreeMap::from([(*last, (Tri::Yes, 0, None))]);
        for least in [Tri::Yes, Tri::Maybe] {
            walk(&into, &mut found, least);
        }
        for (from, (verdict, ..)) in found.iter().filter(|(from, _)| *from != last) {
            all.push(Crossing {
                from: CrossingNode::Administrator((*from).to_owned()),
                to: (*last).to_owned(),
                verdict: *verdict,
                steps: steps(direct, &found, from),
            });
        }
    }
    all
}

fn walk<'d>(
    into: &BTreeMap<&'d str, Vec<&'d Crossing>>,
    found: &mut AccountPositions<'d>,
    least: Tri,
) {
    let mut rounds: BTreeSet<(usize, &str)> = BTreeSet::new();
    rounds.extend(found.iter().map(|(id, (_, distance, _))| (*distance, *id)));
    while let Some((distance, to)) = rounds.pop_first() {
        if found.get(to).is_some_and(|(_, now, _)| *now != distance) {
            continue;
        }
        let ways = into.get(to).into_iter().flatten();
        for way in ways.filter(|way| way.verdict >= least) {
            let CrossingNode::Administrator(from) = &way.from else {
                continue;
            };
            let length = distance + way.steps.len();
            let is_further = |(verdict, before, _): &(Tri, usize, Option<&str>)| {
                *verdict > least || *before <= length
            };
            if !found.get(from.as_str()).is_some_and(is_further) {
                found.insert(from, (least, length, Some(to)));
                rounds.insert((length, from));
            }
        }
    }
}

fn steps(
    direct: &DirectWays,
    found: &AccountPositions<'_>,
    from: &str,
) -> Vec<super::model::CrossingStep> {
    let mut steps = Vec::new();
    let mut at = from;
    while let Some((_, _, Some(next))) = found.get(at) {
        let way = direct.get(&(at.to_owned(), (*next).to_owned()));
        steps.extend(way.into_iter().flat_map(|way| way.steps.iter().cloned()));
        at = next;
    }
    steps
}
