//! Classification of addresses: AWS, private, country, network operator.

use std::net::{IpAddr, Ipv4Addr};

use maxminddb::Reader;
use sha2::{Digest, Sha256};

/// AWS address ranges and geolocation databases.
pub struct Networks {
    /// First and last address of each AWS range, sorted; IPv4 mapped into IPv6.
    aws: Vec<(u128, u128)>,
    /// IPv4 ranges again: each event needs a lookup, and a smaller table is faster.
    aws_v4: Vec<(u32, u32)>,
    /// Address kinds in each IPv4 /16, two bits each: small enough to stay in the CPU cache.
    v4_sorts: Vec<u8>,
    countries: Vec<Reader<Vec<u8>>>,
    /// SHA-256 of each source of them, in order.
    pub(crate) hashes: Vec<[u8; 32]>,
}

/// Geolocation of an address.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GeoPlace {
    /// ISO 3166 code, e.g. `DE`.
    pub country: Option<String>,
    /// Autonomous system, e.g. `AS64500`.
    pub asn: Option<String>,
    /// Latitude and longitude in degrees.
    pub position: Option<(f64, f64)>,
}

/// Address kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressKind {
    /// In an AWS range.
    Aws,
    /// Never routed on the internet (RFC 1918, RFC 4193, RFC 6598, loopback, link-local).
    Private,
    /// Any other address.
    Public,
    /// Not an address but a service name.
    Service,
}

/// Value in [`Networks::v4_sorts`]; 0 is public.
const ALL_AWS: u8 = 1;
const ALL_PRIVATE: u8 = 2;
const SOME_AWS: u8 = 3;

impl AddressKind {
    /// Name in rules, e.g. `aws`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Private => "private",
            Self::Public => "public",
            Self::Service => "service",
        }
    }
}

impl Networks {
    /// AWS ranges compiled into this program.
    pub fn builtin() -> Self {
        let text = include_str!("../../../data/aws-ip-ranges.txt");
        let ranges = text
            .lines()
            .filter(|l| !l.starts_with('#'))
            .filter_map(range)
            .collect();
        Self {
            aws: Vec::new(),
            aws_v4: Vec::new(),
            v4_sorts: Vec::new(),
            countries: Vec::new(),
            hashes: Vec::new(),
        }
        .with_ranges(ranges)
    }

    fn with_ranges(mut self, ranges: Vec<(u128, u128)>) -> Self {
        self.aws = joined(ranges);
        let mut hash = Sha256::new();
        for (first, last) in &self.aws {
            hash.update(first.to_le_bytes());
            hash.update(last.to_le_bytes());
        }
        self.hashes = vec![hash.finalize().into()];
        let v4 = |n: u128| (n >> 32 == 0xffff).then_some(n as u32);
        self.aws_v4 = self
            .aws
            .iter()
            .filter_map(|(first, last)| Some((v4(*first)?, v4(*last)?)))
            .collect();
        let mut sorts = vec![0; 1 << 16];
        for (first, last) in &self.aws_v4 {
            for high in first >> 16..=last >> 16 {
                let whole = *first <= high << 16 && *last >= high << 16 | 0xffff;
                sorts[high as usize] = if whole { ALL_AWS } else { SOME_AWS };
            }
        }
        // All private ranges start and end at a /16 boundary.
        for (high, sort) in sorts.iter_mut().enumerate() {
            if is_private(Ipv4Addr::from_bits((high as u32) << 16)) {
                *sort = ALL_PRIVATE;
            }
        }
        self.v4_sorts = sorts
            .as_chunks()
            .0
            .iter()
            .map(|[a, b, c, d]| a | b << 2 | c << 4 | d << 6)
            .collect();
        self
    }

    /// Replaces the AWS ranges by those in `ip-ranges.json` as AWS publishes it.
    ///
    /// # Errors
    /// If it is not that file.
    pub fn with_aws_ranges(self, json: &str) -> Result<Self, String> {
        let file: serde_json::Value = serde_json::from_str(json)
            .map_err(|e| format!("not the JSON of ip-ranges.amazonaws.com: {e}"))?;
        let prefixes = |list: &str, field: &str| -> Vec<(u128, u128)> {
            let rows = file[list].as_array().into_iter().flatten();
            rows.filter(|r| matches!(r["service"].as_str(), Some("AMAZON" | "EC2")))
                .filter_map(|r| range(r[field].as_str()?))
                .collect()
        };
        let ranges = [
            prefixes("prefixes", "ip_prefix"),
            prefixes("ipv6_prefixes", "ipv6_prefix"),
        ]
        .concat();
        if ranges.is_empty() {
            return Err("no prefixes in it: expected the JSON of \
            https://ip-ranges.amazonaws.com/ip-ranges.json"
                .to_owned());
        }
        Ok(self.with_ranges(ranges))
    }

    /// Adds a geolocation database in MaxMind's format (country, city or ASN).
    ///
    /// # Errors
    /// If it is not such a database.
    pub fn with_database(mut self, bytes: Vec<u8>) -> Result<Self, String> {
        self.hashes.push(Sha256::digest(&bytes).into());
        self.countries
            .push(Reader::from_source(bytes).map_err(|e| e.to_string())?);
        Ok(self)
    }

    /// Whether there is a geolocation database.
    pub fn has_places(&self) -> bool {
        !self.countries.is_empty()
    }

    /// Address kind of a source.
    pub fn kind(&self, source: &str) -> AddressKind {
        self.kind_of(caller_address(source))
    }

    fn kind_of_address(&self, ip: IpAddr) -> AddressKind {
        let aws = match ip {
            IpAddr::V4(v4) => {
                let high = (v4.to_bits() >> 16) as usize;
                match self.v4_sorts[high / 4] >> (high % 4 * 2) & 3 {
                    ALL_PRIVATE => return AddressKind::Private,
                    ALL_AWS => true,
                    SOME_AWS => within(&self.aws_v4, v4.to_bits()),
                    _ => false,
                }
            }
            IpAddr::V6(v6)
                if v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local() =>
            {
                return AddressKind::Private;
            }
            IpAddr::V6(_) => within(&self.aws, number(ip)),
        };
        if aws {
            AddressKind::Aws
        } else {
            AddressKind::Public
        }
    }

    /// Address kind; `None` is a service.
    pub(super) fn kind_of(&self, address: Option<IpAddr>) -> AddressKind {
        address.map_or(AddressKind::Service, |ip| self.kind_of_address(ip))
    }

    /// Geolocation of a source in the databases.
    pub fn place(&self, source: &str) -> GeoPlace {
        let mut place = GeoPlace::default();
        let Some(ip) = caller_address(source) else {
            return place;
        };
        for reader in &self.countries {
            let Ok(found) = reader.lookup(ip) else {
                continue;
            };
            let Ok(Some(value)) = found.decode::<serde_json::Value>() else {
                continue;
            };
            let country = value["country"]["iso_code"]
                .as_str()
                .or_else(|| value["registered_country"]["iso_code"].as_str());
            place.country = place.country.or_else(|| country.map(str::to_owned));
            place.asn = place.asn.or_else(|| {
                value["autonomous_system_number"]
                    .as_u64()
                    .map(|n| format!("AS{n}"))
            });
            let position = value["location"]["latitude"]
                .as_f64()
                .zip(value["location"]["longitude"].as_f64());
            place.position = place.position.or(position);
        }
        place
    }

    /// Number of a network: equal exactly when [`Self::network`] is equal. `raw` is the text in the
    /// log.
    pub(super) fn network_number(address: Option<IpAddr>, raw: &[u8]) -> u64 {
        use std::hash::BuildHasher;
        let mix = |bits: u64| {
            bits.wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(31)
                .wrapping_mul(0xd6e8_feb8_6659_fd93)
        };
        match address {
            Some(IpAddr::V4(v4)) => mix(u64::from(v4.to_bits() >> 8) | 1 << 62),
            Some(IpAddr::V6(v6)) => mix((v6.to_bits() >> 80) as u64 | 2 << 62),
            None => foldhash::quality::FixedState::with_seed(3).hash_one(raw),
        }
    }

    /// Network of an address: IPv4 /24 or IPv6 /48; other text stays as it is.
    pub fn network(source: &str) -> String {
        match caller_address(source) {
            Some(IpAddr::V4(v4)) => {
                let [a, b, c, _] = v4.octets();
                format!("{a}.{b}.{c}.0/24")
            }
            Some(IpAddr::V6(v6)) => {
                let [a, b, c, ..] = v6.segments();
                format!("{a:x}:{b:x}:{c:x}::/48")
            }
            None => source.to_owned(),
        }
    }
}

/// Whether an address is never routed on the internet.
fn is_private(v4: Ipv4Addr) -> bool {
    v4.is_private()
        || v4.is_loopback()
        || v4.is_link_local()
        || (v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64)
}

/// Great-circle distance in kilometers (haversine).
pub(super) fn distance_km((lat1, lon1): (f64, f64), (lat2, lon2): (f64, f64)) -> f64 {
    const EARTH_RADIUS_KM: f64 = 6371.0;
    let half = |a: f64, b: f64| ((b - a).to_radians() / 2.0).sin().powi(2);
    let h = half(lat1, lat2) + lat1.to_radians().cos() * lat2.to_radians().cos() * half(lon1, lon2);
    2.0 * EARTH_RADIUS_KM * h.sqrt().min(1.0).asin()
}

/// Whether a number is in one of these ranges, which are sorted and disjoint.
fn within<N: Copy + Ord>(ranges: &[(N, N)], number: N) -> bool {
    let at = ranges.partition_point(|(first, _)| *first <= number);
    at > 0 && number <= ranges[at - 1].1
}

fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// Address in a `sourceIPAddress`. Of several (`203.0.113.9, 10.0.0.1`: a client and the proxy in
/// front of AWS) the first that is not private, because private addresses do not identify anyone.
pub(super) fn caller_address(source: &str) -> Option<IpAddr> {
    if !source.contains(',') {
        return source.parse().ok();
    }
    let private = |ip: &IpAddr| match ip {
        IpAddr::V4(v4) => v4.is_private() || v4.is_loopback() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    };
    let all = || {
        source
            .split(',')
            .filter_map(|part| part.trim().parse::<IpAddr>().ok())
    };
    all().find(|ip| !private(ip)).or_else(|| all().next())
}

/// First and last address of a CIDR block, e.g. `192.0.2.0/24`.
fn range(cidr: &str) -> Option<(u128, u128)> {
    let (ip, bits) = cidr.trim().split_once('/')?;
    let ip: IpAddr = ip.parse().ok()?;
    let bits = bits.parse::<u32>().ok()? + if ip.is_ipv4() { 96 } else { 0 };
    let free = u128::MAX.checked_shr(bits).unwrap_or(0);
    (bits <= 128).then(|| (number(ip) & !free, number(ip) | free))
}

/// Sorts ranges and merges overlapping ones.
fn joined(mut ranges: Vec<(u128, u128)>) -> Vec<(u128, u128)> {
    ranges.sort_unstable();
    let mut out: Vec<(u128, u128)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match out.last_mut() {
            Some(before) if first <= before.1 => before.1 = before.1.max(last),
            _ => out.push((first, last)),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart() {
        let networks = Networks::builtin();
        for (source, kind) in [
            ("18.236.253.47", AddressKind::Aws),
            ("198.51.100.7", AddressKind::Public),
            ("8.8.8.8", AddressKind::Public),
            ("10.1.2.3", AddressKind::Private),
            ("100.64.0.1", AddressKind::Private),
            ("100.127.255.255", AddressKind::Private),
            ("100.128.0.0", AddressKind::Public),
            ("172.16.0.0", AddressKind::Private),
            ("172.31.255.255", AddressKind::Private),
            ("172.32.0.0", AddressKind::Public),
            ("192.168.255.255", AddressKind::Private),
            ("127.0.0.1", AddressKind::Private),
            ("169.254.169.254", AddressKind::Private),
            ("2600:1f18::1", AddressKind::Aws),
            ("fd00::1", AddressKind::Private),
            ("AWS Internal", AddressKind::Service),
            ("ec2.amazonaws.com", AddressKind::Service),
        ] {
            assert_eq!(networks.kind(source), kind, "{source}");
        }
        let json = r#"{"prefixes":[{"ip_prefix":"198.51.100.0/24","service":"EC2"},{"ip_prefix":"203.0.113.0/24","service":"S3"}]}"#;
        let networks = Networks::builtin().with_aws_ranges(json).unwrap();
        assert_eq!(networks.kind("198.51.100.7"), AddressKind::Aws);
        assert_eq!(networks.kind("203.0.113.7"), AddressKind::Public);
        assert!(Networks::builtin().with_aws_ranges("{}").is_err());
        assert_eq!(Networks::network("198.51.100.7"), "198.51.100.0/24");
    }

    #[test]
    fn every_range_of_aws_is_aws_to_its_ends() {
        let networks = Networks::builtin();
        for &(first, last) in &networks.aws_v4 {
            let kind = |bits: u32| networks.kind_of(Some(Ipv4Addr::from_bits(bits).into()));
            assert_eq!([kind(first), kind(last)], [AddressKind::Aws; 2]);
            for outside in [first - 1, last + 1] {
                assert_eq!(
                    kind(outside) == AddressKind::Aws,
                    within(&networks.aws_v4, outside),
                    "{outside}"
                );
            }
        }
    }

    #[test]
    fn distance_is_along_the_surface() {
        // Berlin to New York: 6,385 km.
        let km = distance_km((52.52, 13.405), (40.713, -74.006));
        assert!((6350.0..6420.0).contains(&km), "{km}");
    }
}
