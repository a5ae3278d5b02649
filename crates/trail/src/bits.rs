//! Blocks of 64 bytes as bit masks: comparing bytes with 256-bit registers, and the positions of
//! set bits.
//!
//! Intrinsics stand in functions that are always inlined and in no closure: a closure that is
//! compiled by itself lacks the target feature, and then each intrinsic is a call.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::__m256i;

/// Bytes of a block; one bit of a mask each.
pub(super) const BLOCK: usize = 64;

/// Writes `base` plus the position of each set bit, in order, and returns their number. Slots
/// behind it may be overwritten: the number of set bits is unpredictable, and a mispredicted branch
/// costs more than writing `FEW` slots whatever it is.
#[inline(always)]
pub(super) fn write_positions<const FEW: usize>(
    mut bits: u64,
    base: u32,
    slots: &mut [u32],
) -> usize {
    let found = bits.count_ones() as usize;
    let mut write = |slots: &mut [u32]| {
        for slot in slots {
            *slot = base + bits.trailing_zeros();
            bits &= bits.wrapping_sub(1);
        }
    };
    write(&mut slots[..FEW]);
    if found > FEW {
        write(&mut slots[FEW..found]);
    }
    found
}

/// All ones in each byte that equals `wanted`.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn equal(wide: pulp::x86::V3, bytes: __m256i, wanted: u8) -> __m256i {
    wide.avx2
        ._mm256_cmpeq_epi8(bytes, wide.avx._mm256_set1_epi8(wanted as i8))
}

/// Bits set in either.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn either(wide: pulp::x86::V3, a: __m256i, b: __m256i) -> __m256i {
    wide.avx2._mm256_or_si256(a, b)
}

/// Highest bit of each byte of a block.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn bits_of(wide: pulp::x86::V3, low: __m256i, high: __m256i) -> u64 {
    u64::from(wide.avx2._mm256_movemask_epi8(low) as u32)
        | u64::from(wide.avx2._mm256_movemask_epi8(high) as u32) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_of_set_bits_are_written_in_order() {
        let mut slots = [0; BLOCK];
        assert_eq!(
            write_positions::<2>(1 << 3 | 1 << 5 | 1 << 63, 64, &mut slots),
            3
        );
        assert_eq!(slots[..3], [67, 69, 127]);
        assert_eq!(write_positions::<2>(0, 64, &mut slots), 0);
    }
}
