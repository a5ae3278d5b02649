//! NET-03: an instance can be reached from the Internet.

use crate::missing::{Fault, MissingFact};
use bartizan_model::Severity;
use serde_json::Value;

use super::net_02::lets_world;
use super::{ec2_arn, in_vpc, is_running};
use crate::check::{Check, Source};
use crate::network::{WORLD_PORTS, world_ports};
use crate::reading::FactView;
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "NET-03",
    title: "An instance can be reached from the Internet on an administration or database port",
    severity: Severity::High,
    why: "The whole way is open: address, route, network ACL and security group.",
    judged: "A running instance with a public address, in a subnet with a route to an Internet gateway, whose network ACL and security groups let the world to a port of NET-01.",
    fix: "bartizan flat, and close one of the four; for shells use Session Manager",
    sources: &[Source::Talk],
    needs: &[
        "ec2:instance",
        "ec2:security_group",
        "ec2:networkacl",
        "ec2:routetable",
        "ec2:managedprefixlist",
        "ec2:managedprefixlistentry",
    ],
    judge,
};

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    let instances = view.list("ec2:instance");
    verdicts.list_read(&instances);
    for instance in instances.facts {
        let arn = ec2_arn(view, instance, "instance");
        verdicts.judge(&arn, instance.region, [fault(view, instance)]);
    }
}

fn fault(view: &AccountView<'_>, instance: &FactView<'_>) -> Fault {
    let interfaces = public_interfaces(instance);
    if interfaces.is_empty() || !is_running(view, instance)? {
        return Ok(None);
    }
    let mut unread = None;
    for interface in interfaces {
        match interface.way_in(view, instance) {
            Ok(None) => {}
            Ok(Some(way)) => return Ok(Some(way)),
            Err(fact) => unread = Some(fact),
        }
    }
    unread.map_or(Ok(None), Err)
}

/// A network interface with a public address.
struct PublicInterface<'f> {
    address: &'f str,
    groups: Vec<&'f str>,
    subnet: Option<&'f str>,
    vpc: Option<&'f str>,
}

/// The interfaces of an instance that have a public address; the instance itself where it does not
/// name the interface of its address.
fn public_interfaces<'f>(instance: &'f FactView<'_>) -> Vec<PublicInterface<'f>> {
    let groups = |list: &'f [Value]| list.iter().filter_map(|g| g["GroupId"].as_str()).collect();
    let of_interface = |interface: &'f Value| {
        let public = interface["Association"]["PublicIp"].as_str();
        let address = public.or_else(|| interface["Ipv6Addresses"][0]["Ipv6Address"].as_str())?;
        Some(PublicInterface {
            address,
            groups: groups(interface["Groups"].as_array().map_or(&[], Vec::as_slice)),
            subnet: interface["SubnetId"].as_str(),
            vpc: interface["VpcId"].as_str(),
        })
    };
    let interfaces = instance.list("/NetworkInterfaces").iter();
    let mut public: Vec<PublicInterface<'f>> = interfaces.filter_map(of_interface).collect();
    let own = instance.volatile("PublicIpAddress");
    if let Some(address) = own.filter(|own| public.iter().all(|i| i.address != *own)) {
        public.push(PublicInterface {
            address,
            groups: groups(instance.list("/SecurityGroups")),
            subnet: instance.text("/SubnetId"),
            vpc: instance.text("/VpcId"),
        });
    }
    public
}

impl PublicInterface<'_> {
    /// How the world reaches it: address, route, network ACL, group and port.
    fn way_in(&self, view: &AccountView<'_>, instance: &FactView<'_>) -> Fault {
        let mut open = Vec::new();
        let mut unread = None;
        for group in &self.groups {
            match open_ports(view, instance.region, group) {
                Ok(ports) => open.extend(ports.into_iter().map(|port| (*group, port))),
                Err(fact) => unread = Some(fact),
            }
        }
        if open.is_empty() {
            return unread.map_or(Ok(None), Err);
        }
        let (Some(subnet), Some(vpc)) = (self.subnet, self.vpc) else {
            return Err(view.missing(instance.kind, &instance.id, "SubnetId"));
        };
        let Some(route) = internet_route(view, instance.region, vpc, subnet)? else {
            return Ok(None);
        };
        let acls = in_vpc(view, "ec2:networkacl", instance.region, vpc)?;
        let acl = associated(&acls, subnet, |a| a.is("/IsDefault"));
        let acl =
            acl.ok_or_else(|| view.missing("ec2:networkacl", subnet, "the ACL of the subnet"))?;
        let reached = open.iter().find(|(_, port)| lets_world(acl, *port));
        Ok(reached.map(|(group, port)| {
            let (address, acl) = (self.address, &acl.id);
            format!("{address}, route to {route}, network ACL {acl}, {group}: TCP {port}")
        }))
    }
}

/// Ports of administration and databases that a group opens to the world.
fn open_ports(view: &AccountView<'_>, region: &str, group: &str) -> Result<Vec<i64>, MissingFact> {
    let Some(group) = view.fact("ec2:security_group", region, group)? else {
        return Ok(Vec::new());
    };
    let open = world_ports(view, group)?;
    let ports = WORLD_PORTS.iter().map(|(port, _)| *port);
    Ok(ports
        .filter(|port| open.iter().any(|range| range.holds(*port)))
        .collect())
}

/// The Internet gateway that the route table of a subnet leads to.
fn internet_route(
    view: &AccountView<'_>,
    region: &str,
    vpc: &str,
    subnet: &str,
) -> Result<Option<String>, MissingFact> {
    let tables = in_vpc(view, "ec2:routetable", region, vpc)?;
    let is_main = |table: &FactView<'_>| {
        table
            .list("/Associations")
            .iter()
            .any(|a| a["Main"] == true)
    };
    let table = associated(&tables, subnet, is_main);
    let table =
        table.ok_or_else(|| view.missing("ec2:routetable", subnet, "the table of the subnet"))?;
    let gateway = |route: &Value| {
        let id = route["GatewayId"].as_str()?;
        id.starts_with("igw-").then(|| id.to_owned())
    };
    Ok(table.list("/Routes").iter().find_map(gateway))
}

/// The table or ACL of a subnet: the one associated with it, else the main one of the VPC.
fn associated<'v, 'a>(
    all: &[&'v FactView<'a>],
    subnet: &str,
    is_main: impl Fn(&FactView<'_>) -> bool,
) -> Option<&'v FactView<'a>> {
    let own = |f: &&&'v FactView<'a>| {
        f.list("/Associations")
            .iter()
            .any(|a| a["SubnetId"] == subnet)
    };
    all.iter()
        .find(own)
        .or_else(|| all.iter().find(|f| is_main(f)))
        .copied()
}
