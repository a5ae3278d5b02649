//! Sets of small numbers, as bits.

use std::ops::Range;
use std::sync::Arc;

/// A set of small numbers, as bits. Words of zeros at either end are not kept: most sets of actions
/// lie within one service, many sets of principals hold one.
///
/// ```
/// use bartizan_iam::Bits;
/// let (mut a, mut b) = (Bits::default(), Bits::default());
/// a.fill(0..10);
/// b.insert(3);
/// assert!(a.covers(&b) && a.meets(&b));
/// assert_eq!(a.difference(&b).len(), 9);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Bits {
    /// Number of the first word.
    low: u32,
    words: Arc<Vec<u64>>,
}

impl Bits {
    /// Whether a bit is in it.
    #[inline]
    pub fn contains(&self, bit: u32) -> bool {
        let word = (bit >> 6)
            .checked_sub(self.low)
            .and_then(|n| self.words.get(n as usize));
        word.is_some_and(|w| w >> (bit & 63) & 1 == 1)
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// How many bits are in it.
    pub fn len(&self) -> usize {
        self.words.iter().map(|w| w.count_ones() as usize).sum()
    }

    /// Its bits, in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        let low = self.low;
        self.words.iter().enumerate().flat_map(move |(n, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros();
                rest &= rest.wrapping_sub(1);
                (bit < 64).then(|| (low + n as u32) * 64 + bit)
            })
        })
    }

    /// Everything that is in either.
    pub fn union(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a | b)
    }

    /// Everything that is in both.
    pub fn intersection(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a & b)
    }

    /// Everything that is in this one only.
    pub fn difference(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a & !b)
    }

    /// Whether a number is in both.
    pub fn meets(&self, other: &Self) -> bool {
        let (low, high) = (
            self.low.max(other.low),
            (self.low as usize + self.words.len()).min(other.low as usize + other.words.len()),
        );
        (low as usize..high)
            .any(|n| self.words[n - self.low as usize] & other.words[n - other.low as usize] != 0)
    }

    /// Whether everything of the other is in this one.
    pub fn covers(&self, other: &Self) -> bool {
        other.difference(self).is_empty()
    }

    fn zip(&self, other: &Self, op: impl Fn(u64, u64) -> u64) -> Self {
        let low = self.low.min(other.low);
        let end = |s: &Self| s.low as usize + s.words.len();
        let word = |s: &Self, n: u32| {
            n.checked_sub(s.low)
                .and_then(|n| s.words.get(n as usize))
                .copied()
                .unwrap_or(0)
        };
        let high = end(self).max(end(other)) as u32;
        Self::trimmed(
            low,
            (low..high)
                .map(|n| op(word(self, n), word(other, n)))
                .collect(),
        )
    }

    fn trimmed(mut low: u32, mut words: Vec<u64>) -> Self {
        while words.last() == Some(&0) {
            words.pop();
        }
        let zeros = words.iter().take_while(|w| **w == 0).count();
        words.drain(..zeros);
        low = if words.is_empty() {
            0
        } else {
            low + zeros as u32
        };
        Self {
            low,
            words: Arc::new(words),
        }
    }

    /// Adds a number.
    pub fn insert(&mut self, bit: u32) {
        self.fill(bit..bit + 1);
    }

    /// Adds all numbers of a range.
    pub fn fill(&mut self, bits: Range<u32>) {
        if bits.is_empty() {
            return;
        }
        let (first, last) = (bits.start >> 6, (bits.end - 1) >> 6);
        let words = Arc::make_mut(&mut self.words);
        if words.is_empty() {
            self.low = first;
        } else if first < self.low {
            let more = (self.low - first) as usize;
            words.splice(..0, std::iter::repeat_n(0, more));
            self.low = first;
        }
        let need = (last - self.low) as usize + 1;
        if words.len() < need {
            words.resize(need, 0);
        }
        for word in first..=last {
            let from = if word == first { bits.start & 63 } else { 0 };
            let to = if word == last {
                (bits.end - 1) & 63
            } else {
                63
            };
            words[(word - self.low) as usize] |= (u64::MAX >> (63 - to)) & (u64::MAX << from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn sets_are_sets(a in proptest::collection::btree_set(0..300u32, 0..40), b in proptest::collection::btree_set(0..300u32, 0..40)) {
            let set = |from: &std::collections::BTreeSet<u32>| {
                let mut set = Bits::default();
                from.iter().rev().for_each(|n| set.insert(*n));
                set
            };
            let (x, y) = (set(&a), set(&b));
            proptest::prop_assert!(x.union(&y).iter().eq(a.union(&b).copied()));
            proptest::prop_assert!(x.intersection(&y).iter().eq(a.intersection(&b).copied()));
            proptest::prop_assert!(x.difference(&y).iter().eq(a.difference(&b).copied()));
            proptest::prop_assert_eq!(x.covers(&y), b.is_subset(&a));
            proptest::prop_assert_eq!(x.meets(&y), !a.is_disjoint(&b));
            proptest::prop_assert_eq!(x == y, a == b);
            proptest::prop_assert_eq!(x.len(), a.len());
        }
    }
}
