//! Roots of Merkle trees.

use crate::fact::Hash;

/// The RFC 6962 root over leaf hashes.
#[must_use]
pub fn merkle_root(leaves: &[tlog_tiles::Hash]) -> Hash {
    match leaves {
        [] => Hash(tlog_tiles::EMPTY_HASH.0),
        [one] => Hash(one.0),
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            Hash(
                tlog_tiles::node_hash(
                    tlog_tiles::Hash(merkle_root(left).0),
                    tlog_tiles::Hash(merkle_root(right).0),
                )
                .0,
            )
        }
    }
}

/// The largest power of two below `n`, where RFC 6962 splits a tree of `n` leaves.
fn split(n: usize) -> usize {
    n.next_power_of_two() / 2
}
