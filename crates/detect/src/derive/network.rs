//! What a request opens to the internet.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Ipv6Addr};

use super::shape::{at, text};
use super::text::api;
use bartizan_trail::json::JsonValue;
use bartizan_trail::{Event, Field};

/// Where a call says which addresses may come in to which ports.
struct IngressShape {
    call: &'static str,
    /// The list of rules; the empty path is the request itself.
    rules: &'static str,
    protocol: &'static str,
    from: &'static str,
    to: &'static str,
    /// Blocks of addresses, IPv4 and IPv6 alike.
    blocks: &'static [&'static str],
    /// Rules that have these values are left out.
    unless: &'static [(&'static str, &'static str)],
    opens: IngressDefault,
}

/// What a rule without a port or without an address opens.
#[derive(PartialEq, Eq)]
enum IngressDefault {
    /// As EC2 has it: all ports where there are none, nobody where there is no address.
    Ec2,
    /// The same, but a rule without an address is for everybody (Lightsail API, `PortInfo`).
    Everybody,
    /// Addresses only, which rules of security groups refer to: ports are not known.
    Addresses,
}

const fn shape(
    call: &'static str,
    rules: &'static str,
    blocks: &'static [&'static str],
) -> IngressShape {
    IngressShape {
        call,
        rules,
        protocol: "ipProtocol",
        from: "fromPort",
        to: "toPort",
        blocks,
        unless: &[],
        opens: IngressDefault::Ec2,
    }
}

const fn entry(call: &'static str) -> IngressShape {
    let row = shape(call, "", &["cidrBlock", "ipv6CidrBlock"]);
    let unless = &[("egress", "true"), ("ruleAction", "deny")];
    IngressShape {
        protocol: "aclProtocol",
        from: "portRange.from",
        to: "portRange.to",
        unless,
        ..row
    }
}

/// Calls that let addresses in (EC2, Lightsail, RDS and Redshift API references).
const SHAPES: &[IngressShape] = &[
    shape(
        "ec2:AuthorizeSecurityGroupIngress",
        "ipPermissions",
        &["ipRanges.cidrIp", "ipv6Ranges.cidrIpv6"],
    ),
    // The older form of the request has one rule in the request itself.
    shape(
        "ec2:AuthorizeSecurityGroupIngress",
        "",
        &["cidrIp", "cidrIpv6"],
    ),
    shape(
        "ec2:ModifySecurityGroupRules",
        "ModifySecurityGroupRulesRequest.SecurityGroupRule.SecurityGroupRule",
        &["CidrIpv4", "CidrIpv6"],
    ),
    shape(
        "ec2:ModifySecurityGroupRules",
        "securityGroupRules.securityGroupRule",
        &["cidrIpv4", "cidrIpv6"],
    ),
    entry("ec2:CreateNetworkAclEntry"),
    entry("ec2:ReplaceNetworkAclEntry"),
    IngressShape {
        opens: IngressDefault::Addresses,
        ..shape(
            "ec2:CreateManagedPrefixList",
            "CreateManagedPrefixListRequest.Entry",
            &["Cidr"],
        )
    },
    IngressShape {
        opens: IngressDefault::Addresses,
        ..shape(
            "ec2:ModifyManagedPrefixList",
            "ModifyManagedPrefixListRequest.AddEntry",
            &["Cidr"],
        )
    },
    lightsail("lightsail:OpenInstancePublicPorts", "portInfo"),
    lightsail("lightsail:PutInstancePublicPorts", "portInfos"),
    shape("rds:AuthorizeDBSecurityGroupIngress", "", &["cIDRIP"]),
    shape(
        "redshift:AuthorizeClusterSecurityGroupIngress",
        "",
        &["cIDRIP"],
    ),
];

const fn lightsail(call: &'static str, rules: &'static str) -> IngressShape {
    IngressShape {
        protocol: "protocol",
        opens: IngressDefault::Everybody,
        ..shape(call, rules, &["cidrs", "ipv6Cidrs", "cidrListAliases"])
    }
}

/// Ports by which a machine or its data is run: SSH, RDP, Windows, databases, Docker, VNC.
const ADMIN: &[u16] = &[
    20, 21, 22, 23, 135, 139, 445, 1433, 1521, 2375, 3306, 3389, 5432, 5900, 5985, 5986, 6379,
    9200, 11211, 27017,
];

/// Ports where consoles and control planes usually listen: web consoles, kubelet, etcd, Kibana,
/// Prometheus, RabbitMQ, SMTP.
const CONSOLES: &[u16] = &[25, 2379, 5601, 8080, 8443, 8888, 9090, 10250, 15672];

/// What a request opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum OpenedIngress {
    /// Every protocol.
    Everything,
    /// TCP from a port to a port.
    Tcp(u16, u16),
    Udp(u16, u16),
    Icmp,
    /// Another protocol by its number (47 is GRE), which has no ports.
    Protocol(u8),
    /// A list of addresses that rules refer to.
    PrefixList,
}

impl OpenedIngress {
    fn of(protocol: Option<&str>, from: Option<&str>, to: Option<&str>) -> Self {
        let port = |text: Option<&str>, otherwise: u16| {
            // -1 is every port; what is beyond all ports is the last.
            let number = text
                .and_then(|t| t.trim().parse::<i64>().ok())
                .filter(|n| *n >= 0);
            number.map_or(otherwise, |n| u16::try_from(n).unwrap_or(u16::MAX))
        };
        let ports = (
            port(from, 0),
            if from.is_some_and(|f| f.trim() == "-1") {
                u16::MAX
            } else {
                port(to, u16::MAX)
            },
        );
        match protocol
            .map(str::trim)
            .map(str::to_ascii_lowercase)
            .as_deref()
        {
            Some("-1" | "all") => Self::Everything,
            None if from.is_none() && to.is_none() => Self::Everything,
            None | Some("tcp" | "6") => Self::Tcp(ports.0, ports.1),
            Some("udp" | "17") => Self::Udp(ports.0, ports.1),
            Some("icmp" | "icmpv6" | "1" | "58") => Self::Icmp,
            Some(other) => other.parse().map_or(Self::Everything, Self::Protocol),
        }
    }

    /// `22`, `20-30`, `all`, `udp/53`, `icmp`, `protocol/47`.
    fn word(self) -> String {
        fn ports(from: u16, to: u16) -> String {
            match (from, to) {
                (0 | 1, u16::MAX) => "all".to_owned(),
                (from, to) if from == to => from.to_string(),
                (from, to) => format!("{from}-{to}"),
            }
        }
        match self {
            Self::Everything => "all".to_owned(),
            Self::Tcp(from, to) => ports(from, to),
            Self::Udp(from, to) => format!("udp/{}", ports(from, to)),
            Self::Icmp => "icmp".to_owned(),
            Self::Protocol(number) => format!("protocol/{number}"),
            Self::PrefixList => "prefix-list".to_owned(),
        }
    }

    /// Those of some TCP ports that are open now; `all` when every one of them is.
    fn among(self, ports: &[u16]) -> Vec<String> {
        match self {
            Self::Everything => vec!["all".to_owned()],
            Self::Tcp(from, to) => {
                let open: Vec<_> = ports
                    .iter()
                    .filter(|p| (from..=to).contains(p))
                    .map(u16::to_string)
                    .collect();
                if open.len() == ports.len() {
                    vec!["all".to_owned()]
                } else {
                    open
                }
            }
            Self::PrefixList => vec!["prefix-list".to_owned()],
            Self::Udp(..) | Self::Icmp | Self::Protocol(_) => Vec::new(),
        }
    }
}

/// Blocks of addresses that one rule lets in.
#[derive(Default)]
struct AddressBlocks {
    v4: Vec<(u64, u64)>,
    v6: Vec<(u128, u128)>,
}

impl AddressBlocks {
    /// Takes in `203.0.113.0/24`, `2001:db8::/32`, or one address. Bits behind the prefix say
    /// nothing: EC2 takes 203.0.113.7/0 for 0.0.0.0/0.
    fn add(&mut self, block: &str) {
        let (address, prefix) = block
            .trim()
            .split_once('/')
            .map_or((block.trim(), None), |(a, p)| (a, Some(p)));
        if let Ok(address) = address.parse::<Ipv4Addr>() {
            let prefix = prefix
                .map_or(Ok(32), str::parse::<u32>)
                .ok()
                .filter(|p| *p <= 32);
            if let Some(prefix) = prefix {
                let size = 1u64 << (32 - prefix);
                let from = u64::from(address.to_bits()) / size * size;
                self.v4.push((from, from + size));
            }
        } else if let Ok(address) = address.parse::<Ipv6Addr>() {
            let prefix = prefix
                .map_or(Ok(128), str::parse::<u32>)
                .ok()
                .filter(|p| *p <= 128);
            // Unique local addresses (RFC 4193) are no internet.
            if let Some(prefix) =
                prefix.filter(|p| *p < 7 || address.segments()[0] & 0xfe00 != 0xfc00)
            {
                let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
                let from = address.to_bits() & mask;
                self.v6.push((from, from | !mask));
            }
        }
    }

    /// Whether they come to a 128th of all addresses, which is a prefix of /7, or to more: nobody
    /// has so many of his own, and halves or eighths of the internet are written to hide that it is
    /// all of it. All private networks are less.
    fn covers_internet(mut self) -> bool {
        self.v4.sort_unstable();
        self.v6.sort_unstable();
        let (mut covered, mut until) = (0u64, 0u64);
        for (from, to) in self.v4 {
            covered += to.saturating_sub(from.max(until));
            until = until.max(to);
        }
        // Ends are inside here, for all of IPv6 is one more than fits.
        let (mut covered6, mut next) = (0u128, Some(0u128));
        for (from, to) in self.v6 {
            let Some(begin) = next.map(|n| n.max(from)).filter(|n| *n <= to) else {
                continue;
            };
            covered6 = covered6.saturating_add(to - begin).saturating_add(1);
            next = to.checked_add(1);
        }
        covered >= 1 << (32 - 7) || covered6 >= 1 << (128 - 7)
    }
}

fn opened(event: &Event<'_>) -> BTreeSet<OpenedIngress> {
    let Some(request) = event.field(Field::RequestParameters) else {
        return BTreeSet::new();
    };
    let call = api(event);
    let mut rules: BTreeMap<OpenedIngress, AddressBlocks> = BTreeMap::new();
    for shape in SHAPES.iter().filter(|shape| shape.call == call) {
        for rule in at(request, shape.rules) {
            let has = |(path, value): &(&str, &str)| {
                text(rule, path).is_some_and(|t| t.eq_ignore_ascii_case(value))
            };
            if shape.unless.iter().any(has) {
                continue;
            }
            let mut blocks: Vec<Cow<'_, str>> = shape
                .blocks
                .iter()
                .flat_map(|path| at(rule, path))
                .filter_map(JsonValue::text)
                .collect();
            if blocks.is_empty() && shape.opens == IngressDefault::Everybody {
                blocks = vec!["0.0.0.0/0".into()];
            }
            if blocks.is_empty() {
                continue;
            }
            let protocol = text(rule, shape.protocol).or_else(|| text(rule, "protocol"));
            let open = match shape.opens {
                IngressDefault::Addresses => OpenedIngress::PrefixList,
                _ => OpenedIngress::of(
                    protocol.as_deref(),
                    text(rule, shape.from).as_deref(),
                    text(rule, shape.to).as_deref(),
                ),
            };
            let all = rules.entry(open).or_default();
            blocks.iter().for_each(|block| all.add(block));
        }
    }
    rules
        .into_iter()
        .filter_map(|(open, blocks)| blocks.covers_internet().then_some(open))
        .collect()
}

/// What a request opens to the whole internet.
pub(super) fn open(event: &Event<'_>) -> Vec<String> {
    opened(event).into_iter().map(OpenedIngress::word).collect()
}

/// Which ports of [`ADMIN`].
pub(super) fn open_admin(event: &Event<'_>) -> Vec<String> {
    among(event, ADMIN)
}

/// Which ports of [`CONSOLES`].
pub(super) fn open_console(event: &Event<'_>) -> Vec<String> {
    among(event, CONSOLES)
}

fn among(event: &Event<'_>, ports: &[u16]) -> Vec<String> {
    let mut found: Vec<String> = opened(event)
        .into_iter()
        .flat_map(|open| open.among(ports))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Whether a call may open anything.
pub(super) fn may_open(call: &str) -> bool {
    SHAPES.iter().any(|shape| shape.call == call)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_come_in_is_counted() {
        let covers_internet = |blocks: &[&str]| {
            let mut all = AddressBlocks::default();
            blocks.iter().for_each(|b| all.add(b));
            all.covers_internet()
        };
        for open in [
            &["0.0.0.0/0"][..],
            &["203.0.113.7/0"],
            &["0.0.0.0/1", "128.0.0.0/1"],
            &["64.0.0.0/7"],
            &["::/0"],
            &["::/1"],
            &["2000::/3"],
            &["fc00::/6"],
            &["11.0.0.0/8", "12.0.0.0/8"],
            &["2000::/8", "2100::/8"],
        ] {
            assert!(covers_internet(open), "{open:?}");
        }
        for closed in [
            &[
                "10.0.0.0/8",
                "172.16.0.0/12",
                "192.168.0.0/16",
                "100.64.0.0/10",
            ][..],
            &["11.0.0.0/8", "11.0.0.0/8"],
            &["203.0.113.7"],
            &["203.0.113.7/33"],
            &["fc00::/7"],
            &["fd00::/8"],
            &["2001:db8::/32"],
            &["::1/128"],
            &[],
        ] {
            assert!(!covers_internet(closed), "{closed:?}");
        }
    }

    #[test]
    fn protocols_and_ports_have_words() {
        let word = |protocol, from, to| OpenedIngress::of(protocol, from, to).word();
        assert_eq!(word(Some("tcp"), Some("22"), Some("22")), "22");
        assert_eq!(word(Some("6"), Some("20"), Some("25")), "20-25");
        assert_eq!(word(Some("tcp"), Some("0"), Some("65535")), "all");
        assert_eq!(word(Some("tcp"), Some("-1"), Some("-1")), "all");
        assert_eq!(word(Some("-1"), None, None), "all");
        assert_eq!(word(Some("udp"), Some("22"), Some("22")), "udp/22");
        assert_eq!(word(Some("icmp"), Some("-1"), Some("-1")), "icmp");
        assert_eq!(word(Some("47"), None, None), "protocol/47");
        assert_eq!(
            OpenedIngress::Tcp(20, 30).among(ADMIN),
            ["20", "21", "22", "23"]
        );
        assert_eq!(OpenedIngress::Tcp(1, 65535).among(ADMIN), ["all"]);
        assert!(
            OpenedIngress::Udp(22, 22).among(ADMIN).is_empty()
                && OpenedIngress::Tcp(8000, 8100).among(ADMIN).is_empty()
        );
    }
}
