//! Ports that are open to the world.

use crate::missing::MissingFact;
use serde_json::Value;

use crate::reading::FactView;
use crate::view::AccountView;

/// TCP ports of administration and of databases, with the name of the service.
pub const WORLD_PORTS: &[(i64, &str)] = &[
    (20, "FTP"),
    (21, "FTP"),
    (22, "SSH"),
    (23, "Telnet"),
    (88, "Kerberos"),
    (135, "RPC"),
    (139, "NetBIOS"),
    (445, "SMB"),
    (389, "LDAP"),
    (464, "Kerberos"),
    (636, "LDAP"),
    (749, "Kerberos"),
    (1433, "SQL Server"),
    (1434, "SQL Server"),
    (1521, "Oracle"),
    (2375, "Docker"),
    (2376, "Docker"),
    (2379, "etcd"),
    (2483, "Oracle"),
    (2484, "Oracle"),
    (3306, "MySQL"),
    (3389, "RDP"),
    (5432, "PostgreSQL"),
    (5439, "Redshift"),
    (5500, "VNC"),
    (5601, "Kibana"),
    (5900, "VNC"),
    (5984, "CouchDB"),
    (5985, "WinRM"),
    (5986, "WinRM"),
    (6379, "Redis"),
    (6443, "Kubernetes"),
    (7000, "Cassandra"),
    (7001, "Cassandra"),
    (7199, "Cassandra"),
    (8888, "Cassandra OpsCenter"),
    (9042, "Cassandra"),
    (9092, "Kafka"),
    (9160, "Cassandra"),
    (9200, "Elasticsearch"),
    (9300, "Elasticsearch"),
    (10250, "kubelet"),
    (11211, "memcached"),
    (27017, "MongoDB"),
    (27018, "MongoDB"),
    (27019, "MongoDB"),
    (50070, "Hadoop"),
];

/// TCP ports from one to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PortRange {
    pub(crate) from: i64,
    pub(crate) to: i64,
}

impl PortRange {
    /// All ports.
    pub(crate) const ALL: Self = Self {
        from: 0,
        to: 65_535,
    };

    pub(crate) fn overlaps(self, other: Self) -> bool {
        self.from <= other.to && other.from <= self.to
    }

    pub(crate) fn holds(self, port: i64) -> bool {
        self.from <= port && port <= self.to
    }

    /// The first port of administration or of a database in it.
    pub(crate) fn sensitive(self) -> Option<(i64, &'static str)> {
        WORLD_PORTS
            .iter()
            .copied()
            .find(|(port, _)| self.holds(*port))
    }
}

/// TCP ports that a security group opens to the world, inbound.
///
/// # Errors
/// Where no rule that was read does, and a prefix list was not read.
pub(crate) fn world_ports(
    view: &AccountView<'_>,
    group: &FactView<'_>,
) -> Result<Vec<PortRange>, MissingFact> {
    let mut unread = None;
    let mut open = Vec::new();
    for permission in group.list("/IpPermissions") {
        let protocol = &permission["IpProtocol"];
        let is_all = protocol == "-1";
        if !is_all && protocol != "tcp" && protocol != "6" {
            continue;
        }
        let port = |name: &str| permission[name].as_i64();
        let ports = match (port("FromPort"), port("ToPort")) {
            (Some(from), Some(to)) if !is_all && from >= 0 => PortRange { from, to },
            _ => PortRange::ALL,
        };
        match is_world_rule(view, group.region, permission) {
            Ok(true) => open.push(ports),
            Ok(false) => {}
            Err(fact) => unread = Some(fact),
        }
    }
    match unread {
        Some(fact) if open.is_empty() => Err(fact),
        _ => Ok(open),
    }
}

/// Whether the sources of a rule are together the Internet.
fn is_world_rule(
    view: &AccountView<'_>,
    region: &str,
    permission: &Value,
) -> Result<bool, MissingFact> {
    let texts = |list: &str, field: &str| -> Vec<String> {
        let list = permission[list].as_array().into_iter().flatten();
        list.filter_map(|one| one[field].as_str().map(str::to_owned))
            .collect()
    };
    let mut cidrs = texts("IpRanges", "CidrIp");
    cidrs.extend(texts("Ipv6Ranges", "CidrIpv6"));
    let mut unread = None;
    for id in texts("PrefixListIds", "PrefixListId") {
        match prefix_list(view, region, &id) {
            Ok(entries) => cidrs.extend(entries),
            Err(fact) => unread = Some(fact),
        }
    }
    let cidrs: Vec<&str> = cidrs.iter().map(String::as_str).collect();
    match unread {
        _ if is_world(&cidrs) => Ok(true),
        Some(fact) => Err(fact),
        None => Ok(false),
    }
}

/// Ranges of a prefix list. Those of AWS hold addresses of its own services.
fn prefix_list(view: &AccountView<'_>, region: &str, id: &str) -> Result<Vec<String>, MissingFact> {
    let list = view.fact("ec2:managedprefixlist", region, id)?;
    if list.is_some_and(|l| l.text("/OwnerId") == Some("AWS")) {
        return Ok(Vec::new());
    }
    let entries = view.within("ec2:managedprefixlistentry", region, &format!("{id}/"))?;
    Ok(entries
        .iter()
        .filter_map(|e| e.text("/Cidr").map(str::to_owned))
        .collect())
}

/// Whether ranges are together all addresses of IPv4 or of IPv6: `0.0.0.0/0`, `::/0`, or two
/// halves.
///
/// ```
/// use bartizan_posture::is_world;
/// assert!(is_world(&["0.0.0.0/0"]) && is_world(&["::/0"]));
/// assert!(is_world(&["0.0.0.0/1", "128.0.0.0/1"]));
/// assert!(!is_world(&["10.0.0.0/8", "203.0.113.0/24"]));
/// ```
#[must_use]
pub fn is_world(cidrs: &[&str]) -> bool {
    covers_all(cidrs, false) || covers_all(cidrs, true)
}

fn covers_all(cidrs: &[&str], is_v6: bool) -> bool {
    let bits: u32 = if is_v6 { 128 } else { 32 };
    let mut ranges: Vec<(u128, u128)> = cidrs
        .iter()
        .filter_map(|cidr| {
            let (address, length) = cidr.split_once('/')?;
            let length: u32 = length.parse().ok().filter(|l| *l <= bits)?;
            let address = match address.parse().ok()? {
                std::net::IpAddr::V4(a) if !is_v6 => u128::from(u32::from(a)),
                std::net::IpAddr::V6(a) if is_v6 => u128::from(a),
                _ => return None,
            };
            let host = if bits == length {
                0
            } else {
                (u128::MAX >> (128 - bits)) & !(u128::MAX.checked_shl(bits - length).unwrap_or(0))
            };
            Some((address & !host, address | host))
        })
        .collect();
    ranges.sort_unstable();
    let mut next: u128 = 0;
    let last = u128::MAX >> (128 - bits);
    for (from, to) in ranges {
        if from > next {
            return false;
        }
        if to >= last {
            return true;
        }
        next = next.max(to + 1);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_and_quarters_are_the_world_and_a_gap_is_not() {
        assert!(is_world(&[
            "192.0.0.0/2",
            "0.0.0.0/2",
            "64.0.0.0/2",
            "128.0.0.0/2"
        ]));
        assert!(!is_world(&["192.0.0.0/2", "0.0.0.0/2", "128.0.0.0/2"]));
        assert!(is_world(&["8000::/1", "::/1"]));
        assert!(!is_world(&["0.0.0.0", "x/0", "0.0.0.0/33"]) && !is_world(&[]));
    }
}
