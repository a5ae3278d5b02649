//! Rules of security groups.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// One rule of a security group for one peer, e.g. `in tcp 22 from 0.0.0.0/0`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NetworkRule {
    pub direction: TrafficDirection,
    /// `tcp`, `udp`, `icmp`, a protocol number, or `all`.
    pub protocol: String,
    /// First and last port, both inside; none where the rule is for all of them.
    pub ports: Option<(i64, i64)>,
    pub peer: NetworkPeer,
}

/// Direction of traffic, as seen from the instances of the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TrafficDirection {
    In,
    Out,
}

/// Other end of a network rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "id", rename_all = "kebab-case")]
pub enum NetworkPeer {
    /// Block of IPv4 addresses, e.g. `10.0.0.0/8`.
    Ipv4(String),
    /// Block of IPv6 addresses, e.g. `::/0`.
    Ipv6(String),
    /// Prefix list, e.g. `pl-63a5400a`.
    PrefixList(String),
    /// Security group, e.g. `sg-0a1b2c3d`.
    Group(String),
}

impl NetworkRule {
    /// Whether it lets the whole internet in.
    pub fn is_open_to_internet(&self) -> bool {
        self.direction == TrafficDirection::In && self.peer.is_internet()
    }

    /// Rules of a security group, from its document as `ec2:DescribeSecurityGroups` answers it.
    pub(super) fn all(document: &Value) -> Vec<Self> {
        let mut rules = Vec::new();
        for (field, direction) in [
            ("IpPermissions", TrafficDirection::In),
            ("IpPermissionsEgress", TrafficDirection::Out),
        ] {
            for permission in document[field].as_array().into_iter().flatten() {
                let protocol = match permission["IpProtocol"].as_str().unwrap_or("?") {
                    "-1" => "all",
                    other => other,
                };
                let port = |name: &str| permission[name].as_i64();
                for peer in NetworkPeer::all(permission) {
                    rules.push(Self {
                        direction,
                        protocol: protocol.to_owned(),
                        ports: port("FromPort").zip(port("ToPort")),
                        peer,
                    });
                }
            }
        }
        rules
    }
}

impl NetworkPeer {
    fn all(permission: &Value) -> Vec<Self> {
        let ids = |list: &str, name: &'static str| {
            let list = permission[list].as_array().into_iter().flatten();
            list.map(move |peer| peer[name].as_str().unwrap_or("?").to_owned())
        };
        let v4 = ids("IpRanges", "CidrIp").map(Self::Ipv4);
        let v6 = ids("Ipv6Ranges", "CidrIpv6").map(Self::Ipv6);
        let lists = ids("PrefixListIds", "PrefixListId").map(Self::PrefixList);
        let groups = ids("UserIdGroupPairs", "GroupId").map(Self::Group);
        v4.chain(v6).chain(lists).chain(groups).collect()
    }

    fn id(&self) -> &str {
        match self {
            Self::Ipv4(id) | Self::Ipv6(id) | Self::PrefixList(id) | Self::Group(id) => id,
        }
    }

    fn is_internet(&self) -> bool {
        match self {
            Self::Ipv4(block) => block == "0.0.0.0/0",
            Self::Ipv6(block) => block == "::/0",
            Self::PrefixList(_) | Self::Group(_) => false,
        }
    }
}

impl fmt::Display for NetworkRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (way, preposition) = match self.direction {
            TrafficDirection::In => ("in", "from"),
            TrafficDirection::Out => ("out", "to"),
        };
        write!(f, "{way} {}", self.protocol)?;
        match self.ports {
            Some((from, to)) if from == to => write!(f, " {from}")?,
            Some((from, to)) => write!(f, " {from}-{to}")?,
            None => {}
        }
        write!(f, " {preposition} {}", self.peer.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rules_for_incoming_traffic_open_a_group_to_the_internet() {
        let group = serde_json::json!({
            "IpPermissions": [
                {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22,
                 "IpRanges": [{"CidrIp": "0.0.0.0/0"}, {"CidrIp": "10.0.0.0/8"}],
                 "UserIdGroupPairs": [{"GroupId": "0.0.0.0/0"}]},
            ],
            "IpPermissionsEgress": [
                {"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]},
            ],
        });
        let rules = NetworkRule::all(&group);
        let words: Vec<String> = rules.iter().map(ToString::to_string).collect();
        assert_eq!(
            words,
            [
                "in tcp 22 from 0.0.0.0/0",
                "in tcp 22 from 10.0.0.0/8",
                "in tcp 22 from 0.0.0.0/0",
                "out all to ::/0",
            ]
        );
        let open: Vec<bool> = rules.iter().map(NetworkRule::is_open_to_internet).collect();
        assert_eq!(open, [true, false, false, false]);
    }
}
