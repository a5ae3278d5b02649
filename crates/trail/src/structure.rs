//! Index of the structural characters in JSON: one pass over blocks of 64 bytes, without building a
//! tree.
//!
//! For each block a bit mask marks the unescaped quotes; the running parity of its bits tells which
//! bytes are inside a string. Braces, brackets and colons outside of strings are all that the
//! splitter needs.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::__m256i;

use wide::u8x16;

use super::bits::{BLOCK, write_positions};
#[cfg(target_arch = "x86_64")]
use super::bits::{bits_of, either, equal};

/// Positions of the structural characters in some bytes.
#[derive(Debug, Default)]
pub(super) struct Structure {
    /// Positions, in order, of every `{`, `}`, `[` and `]` outside of strings, and of every line
    /// break inside of one (which JSON forbids, so it marks damage).
    braces: Vec<u32>,
    /// Number of valid entries in `braces`; later ones are stale.
    count: usize,
    /// Bit mask of the positions in `braces`.
    brace_bits: Vec<u64>,
    /// Bit mask of every `:` outside of strings.
    colons: Vec<u64>,
}

impl Structure {
    /// Indexes `bytes`, which must start outside of a string and be smaller than 4 GiB.
    pub(super) fn index(&mut self, bytes: &[u8]) {
        #[cfg(target_arch = "x86_64")]
        if let Some(wide) = pulp::x86::V3::try_new() {
            return wide.vectorize(
                #[inline(always)]
                || {
                    self.index_with(
                        bytes,
                        #[inline(always)]
                        |block| avx2(wide, block),
                    )
                },
            );
        }
        self.index_with(bytes, portable);
    }

    #[inline(always)]
    fn index_with(&mut self, bytes: &[u8], find: impl Fn(&[u8; BLOCK]) -> BlockBits) {
        self.mark(bytes, find);
        self.list();
    }

    /// Marks characters outside of strings.
    #[inline(always)]
    fn mark(&mut self, bytes: &[u8], find: impl Fn(&[u8; BLOCK]) -> BlockBits) {
        let mut state = ScanState::default();
        let (blocks, rest) = bytes.as_chunks::<BLOCK>();
        let mut last = [b' '; BLOCK];
        last[..rest.len()].copy_from_slice(rest);
        self.brace_bits.resize(blocks.len() + 1, 0);
        self.colons.resize(blocks.len() + 1, 0);
        let blocks = blocks.iter().chain(std::iter::once(&last));
        for (block, (braces, colons)) in
            blocks.zip(self.brace_bits.iter_mut().zip(&mut self.colons))
        {
            (*braces, *colons) = state.outside(&find(block));
        }
    }

    /// Collects the positions of the braces.
    #[inline(always)]
    fn list(&mut self) {
        let (mut braces, mut count) = (std::mem::take(&mut self.braces), 0);
        for (n, &bits) in self.brace_bits.iter().enumerate() {
            if braces.len() < count + BLOCK {
                braces.resize(count + (BLOCK << 10), 0);
            }
            let slots = &mut braces[count..count + BLOCK];
            count += write_positions::<4>(bits, (n * BLOCK) as u32, slots);
        }
        (self.braces, self.count) = (braces, count);
    }

    /// Positions of braces, see [`Self::braces`].
    #[inline]
    pub(super) fn braces(&self) -> &[u32] {
        &self.braces[..self.count]
    }

    /// Positions of the colons in a range, in order.
    #[inline]
    pub(super) fn colons(&self, from: usize, to: usize) -> impl Iterator<Item = usize> {
        let mut block = from / BLOCK;
        let last = to / BLOCK;
        let mask = move |block: usize| {
            if block == last {
                (1u64 << (to % BLOCK)) - 1
            } else {
                u64::MAX
            }
        };
        let word = |block: usize| self.colons.get(block).copied().unwrap_or_default();
        let mut bits = word(block) & mask(block) & (u64::MAX << (from % BLOCK));
        std::iter::from_fn(move || {
            while bits == 0 {
                if block >= last {
                    return None;
                }
                block += 1;
                bits = word(block) & mask(block);
            }
            let at = block * BLOCK + bits.trailing_zeros() as usize;
            bits &= bits - 1;
            Some(at)
        })
    }
}

/// Bit masks of one block.
struct BlockBits {
    quotes: u64,
    braces: u64,
    colons: u64,
    backslashes: u64,
    breaks: u64,
}

#[inline(always)]
fn portable(block: &[u8; BLOCK]) -> BlockBits {
    let parts: [u8x16; 4] = std::array::from_fn(|n| u8x16::new(block.as_chunks::<16>().0[n]));
    let is = |wanted: u8, part: u8x16| part.simd_eq(u8x16::splat(wanted));
    let bits = |n: usize, found: u8x16| u64::from(found.to_bitmask()) << (n * 16);
    let mut found = BlockBits {
        quotes: 0,
        braces: 0,
        colons: 0,
        backslashes: 0,
        breaks: 0,
    };
    // Backslashes and line breaks are rare: one test shows that there are none.
    let mut rare = u8x16::ZERO;
    for (n, &part) in parts.iter().enumerate() {
        // `[` and `{`, and `]` and `}`, differ in one bit only.
        let folded = part | u8x16::splat(0x20);
        found.quotes |= bits(n, is(b'"', part));
        found.braces |= bits(n, is(b'{', folded) | is(b'}', folded));
        found.colons |= bits(n, is(b':', part));
        rare = rare | is(b'\\', part) | is(b'\n', part);
    }
    if rare.to_bitmask() != 0 {
        for (n, &part) in parts.iter().enumerate() {
            found.backslashes |= bits(n, is(b'\\', part));
            found.breaks |= bits(n, is(b'\n', part));
        }
    }
    found
}

/// Like the portable version, with 256-bit registers.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn avx2(wide: pulp::x86::V3, block: &[u8; BLOCK]) -> BlockBits {
    let (halves, _) = block.as_chunks::<32>();
    let low: __m256i = pulp::cast(halves[0]);
    let high: __m256i = pulp::cast(halves[1]);
    let fold = wide.avx._mm256_set1_epi8(0x20);
    let (folded_low, folded_high) = (either(wide, low, fold), either(wide, high, fold));
    let braces = bits_of(
        wide,
        either(
            wide,
            equal(wide, folded_low, b'{'),
            equal(wide, folded_low, b'}'),
        ),
        either(
            wide,
            equal(wide, folded_high, b'{'),
            equal(wide, folded_high, b'}'),
        ),
    );
    let rare_low = either(wide, equal(wide, low, b'\\'), equal(wide, low, b'\n'));
    let rare_high = either(wide, equal(wide, high, b'\\'), equal(wide, high, b'\n'));
    let some_rare = wide
        .avx2
        ._mm256_movemask_epi8(either(wide, rare_low, rare_high))
        != 0;
    let (mut backslashes, mut breaks) = (0, 0);
    if some_rare {
        backslashes = bits_of(wide, equal(wide, low, b'\\'), equal(wide, high, b'\\'));
        breaks = bits_of(wide, equal(wide, low, b'\n'), equal(wide, high, b'\n'));
    }
    BlockBits {
        quotes: bits_of(wide, equal(wide, low, b'"'), equal(wide, high, b'"')),
        braces,
        colons: bits_of(wide, equal(wide, low, b':'), equal(wide, high, b':')),
        backslashes,
        breaks,
    }
}

#[derive(Default)]
struct ScanState {
    /// All ones while inside a string.
    in_string: u64,
    /// One if the first byte of the next block is escaped.
    escape: u64,
}

impl ScanState {
    /// Masks of braces outside of strings and line breaks inside, and of colons outside.
    #[inline(always)]
    fn outside(&mut self, found: &BlockBits) -> (u64, u64) {
        let quotes = found.quotes & !self.escaped(found.backslashes);
        let inside = parity(quotes) ^ self.in_string;
        self.in_string = 0u64.wrapping_sub(inside >> 63);
        (
            (found.braces & !inside) | (found.breaks & inside),
            found.colons & !inside,
        )
    }

    /// Mask of bytes after an odd run of backslashes.
    #[inline(always)]
    fn escaped(&mut self, backslashes: u64) -> u64 {
        if backslashes == 0 {
            return std::mem::take(&mut self.escape);
        }
        const EVEN: u64 = 0x5555_5555_5555_5555;
        let backslashes = backslashes & !self.escape;
        let behind = backslashes << 1 | self.escape;
        let odd_starts = backslashes & !EVEN & !behind;
        let (on_even, overflow) = odd_starts.overflowing_add(backslashes);
        self.escape = u64::from(overflow);
        (EVEN ^ (on_even << 1)) & behind
    }
}

/// Prefix parity: bit n of the result is the parity of bits 0..=n.
#[inline(always)]
fn parity(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reference implementation, one byte at a time.
    fn naive(bytes: &[u8]) -> (Vec<u32>, Vec<usize>) {
        let (mut inside, mut escaped, mut braces, mut colons) =
            (false, false, Vec::new(), Vec::new());
        for (n, &b) in bytes.iter().enumerate() {
            if inside && b == b'\n' || !inside && b"{}[]".contains(&b) {
                braces.push(n as u32);
            }
            if !inside && b == b':' {
                colons.push(n);
            }
            // A backslash outside of a string escapes a quote too: such input is invalid either
            // way.
            if escaped {
                escaped = false;
            } else if b == b'\\' {
                escaped = true;
            } else if b == b'"' {
                inside = !inside;
            }
        }
        (braces, colons)
    }

    proptest::proptest! {
        #[test]
        fn is_what_a_walk_over_bytes_finds(bytes in proptest::collection::vec(proptest::sample::select(b"\\\\\"\"{}[]:,\n ax".to_vec()), 0..400)) {
            let mut found = Structure::default();
            found.index(&bytes);
            let mut slow = Structure::default();
            slow.index_with(&bytes, portable);
            proptest::prop_assert_eq!((found.braces(), &found.colons), (slow.braces(), &slow.colons));
            let (braces, colons) = naive(&bytes);
            proptest::prop_assert_eq!(found.braces(), &braces);
            let (from, to) = (bytes.len() / 3, bytes.len() - bytes.len() / 4);
            let inside: Vec<_> = colons.into_iter().filter(|n| (from..to).contains(n)).collect();
            proptest::prop_assert_eq!(found.colons(from, to).collect::<Vec<_>>(), inside);
        }
    }
}
