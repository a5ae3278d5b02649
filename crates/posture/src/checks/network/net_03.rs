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
    let Some(address) = public_address(instance) else {
        return Ok(None);
    };
    if !is_running(view, instance)? {
        return Ok(None);
    }
    let mut open = Vec::new();
    let mut unread = None;
    let groups = instance.list("/SecurityGroups").iter();
    for group in groups.filter_map(|g| g["GroupId"].as_str()) {
        match open_ports(view, instance.region, group) {
            Ok(ports) => open.extend(ports.into_iter().map(|port| (group, port))),
            Err(fact) => unread = Some(fact),
        }
    }
    if open.is_empty() {
        return unread.map_or(Ok(None), Err);
    }
    let (Some(subnet), Some(vpc)) = (instance.text("/SubnetId"), instance.text("/VpcId")) else {
        return Err(view.missing(instance.kind, &instance.id, "SubnetId"));
    };
    let Some(route) = internet_route(view, instance.region, vpc, subnet)? else {
        return Ok(None);
    };
    let acls = in_vpc(view, "ec2:networkacl", instance.region, vpc)?;
    let acl = associated(&acls, subnet, |a| a.is("/IsDefault"));
    match acl {
        Some(acl) => {
            let reached = open.iter().find(|(_, port)| lets_world(acl, *port));
            Ok(reached.map(|(group, port)| {
                let acl = &acl.id;
                format!("{address}, route to {route}, network ACL {acl}, {group}: TCP {port}")
            }))
        }
        None => Err(view.missing("ec2:networkacl", subnet, "the ACL of the subnet")),
    }
}

fn public_address(instance: &FactView<'_>) -> Option<String> {
    let own = instance
        .volatile("PublicIpAddress")
        .or_else(|| instance.text("/PublicIpAddress"));
    let of_interface = || {
        let interfaces = instance.list("/NetworkInterfaces").iter();
        interfaces
            .filter_map(|i| {
                i["Association"]["PublicIp"]
                    .as_str()
                    .or_else(|| i["Ipv6Addresses"][0]["Ipv6Address"].as_str())
            })
            .next()
    };
    own.or_else(of_interface).map(str::to_owned)
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
