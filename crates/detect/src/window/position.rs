//! Positions on the globe as the values that travel rules compare.

/// Position packed into 64 bits, to 0.01° (about 1 km).
pub(crate) fn pack((lat, lon): (f64, f64)) -> u64 {
    let half = |degrees: f64| u64::from((degrees * 100.0) as i32 as u32);
    half(lat) << 32 | half(lon)
}

/// Latitude and longitude of a packed position.
pub(super) fn unpack(value: u64) -> (f64, f64) {
    let half = |bits: u64| f64::from(bits as u32 as i32) / 100.0;
    (half(value >> 32), half(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_position_keeps_two_decimals_and_its_hemisphere() {
        let buenos_aires = (-34.61, -58.38);
        assert_eq!(unpack(pack(buenos_aires)), buenos_aires);
    }
}
