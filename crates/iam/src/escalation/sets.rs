//! PrincipalSets of principals, by number.

use std::collections::HashMap;

use crate::bits::Bits;
use crate::tri::Tri;

/// Principals for whom something holds for sure, and those for whom it may hold.
pub(super) type SureAndPossible = (Bits, Bits);

/// Adds a principal by how sure it is.
pub(super) fn add(sets: &mut SureAndPossible, verdict: Tri, number: u32) {
    if verdict == Tri::Yes {
        sets.0.insert(number);
    }
    if verdict != Tri::No {
        sets.1.insert(number);
    }
}

/// Principals of both pairs.
pub(super) fn both(a: SureAndPossible, b: SureAndPossible) -> SureAndPossible {
    (a.0.intersection(&b.0), a.1.intersection(&b.1))
}

/// Whether anybody is in the sets, and how sure that is.
pub(super) fn is_any(sets: &SureAndPossible) -> Tri {
    match sets {
        (sure, _) if !sure.is_empty() => Tri::Yes,
        (_, possible) if !possible.is_empty() => Tri::Maybe,
        _ => Tri::No,
    }
}

/// Numbers as a set.
pub(super) fn set_of(numbers: impl IntoIterator<Item = u32>) -> Bits {
    let mut set = Bits::default();
    numbers.into_iter().for_each(|number| set.insert(number));
    set
}

/// Everything that is in any of the sets.
pub(super) fn union<'b>(mut sets: impl Iterator<Item = &'b Bits>) -> Bits {
    let mut all = sets.next().cloned().unwrap_or_default();
    for set in sets.filter(|s| !s.is_empty()) {
        all = if all.is_empty() {
            set.clone()
        } else {
            all.union(set)
        };
    }
    all
}

/// PrincipalSets of principals, each once: thousands of edges lead to the same ones.
#[derive(Default)]
pub(super) struct PrincipalSets {
    pub(super) list: Vec<Bits>,
    numbers: HashMap<Bits, u32>,
    /// How many there were when all were needed.
    pub(super) needed: usize,
}

impl PrincipalSets {
    /// Number of a set, which is entered if it is new.
    pub(super) fn number(&mut self, set: Bits) -> u32 {
        let next = self.list.len() as u32;
        *self.numbers.entry(set).or_insert_with_key(|set| {
            self.list.push(set.clone());
            next
        })
    }
}
