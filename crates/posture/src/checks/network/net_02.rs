//! NET-02: a default security group or a network ACL is open.

use bartizan_model::Severity;
use serde_json::Value;

use super::ec2_arn;
use crate::check::{Check, Source};
use crate::network::{PortRange, is_world, world_ports};
use crate::reading::FactView;
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "NET-02",
    title: "A default security group or a network ACL is open to the world",
    severity: Severity::Low,
    why: "What is started without a group gets the default one; an open ACL leaves groups alone on guard.",
    judged: "A default group with inbound rules for the world; an ACL whose first matching rule lets the world to 22, 3389 or every port.",
    fix: "aws ec2 revoke-security-group-ingress --region {region} --group-id {name} --ip-permissions FILE",
    sources: &[
        Source::Fsbp("EC2.2"),
        Source::Fsbp("EC2.21"),
        Source::Cis("5.1"),
        Source::Cis("5.4"),
    ],
    needs: &["ec2:security_group", "ec2:networkacl"],
    judge,
};

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    let groups = view.list("ec2:security_group");
    verdicts.list_read(&groups);
    for group in groups
        .facts
        .into_iter()
        .filter(|g| g.text("/GroupName") == Some("default"))
    {
        let fault = world_ports(view, group).map(|open| {
            (!open.is_empty()).then(|| "the default group lets the world in".to_owned())
        });
        verdicts.judge(
            &ec2_arn(view, group, "security-group"),
            group.region,
            [fault],
        );
    }
    let acls = view.list("ec2:networkacl");
    verdicts.list_read(&acls);
    for acl in acls.facts {
        verdicts.judge(
            &ec2_arn(view, acl, "network-acl"),
            acl.region,
            [Ok(open_acl(acl))],
        );
    }
}

/// Port that the first matching entry of an ACL lets the world to.
fn open_acl(acl: &FactView<'_>) -> Option<String> {
    let open = [22, 3389].into_iter().find(|port| lets_world(acl, *port))?;
    Some(format!(
        "its first matching entry lets the world to TCP {open}"
    ))
}

/// Whether the first entry for the world and a TCP port allows, of IPv4 or of IPv6.
pub(super) fn lets_world(acl: &FactView<'_>, port: i64) -> bool {
    let mut entries: Vec<&Value> = acl.list("/Entries").iter().collect();
    entries.sort_by_key(|e| e["RuleNumber"].as_i64());
    ["CidrBlock", "Ipv6CidrBlock"].into_iter().any(|family| {
        let mut matching = entries.iter().filter(|entry| is_about(entry, family, port));
        matching
            .next()
            .is_some_and(|entry| entry["RuleAction"] == "allow")
    })
}

/// Whether an inbound entry is about the world of a family and a TCP port.
fn is_about(entry: &Value, family: &str, port: i64) -> bool {
    let protocol = entry["Protocol"].as_str().unwrap_or("-1");
    let range = &entry["PortRange"];
    let ports = match (range["From"].as_i64(), range["To"].as_i64()) {
        (Some(from), Some(to)) if protocol != "-1" => PortRange { from, to },
        _ => PortRange::ALL,
    };
    entry["Egress"] == false
        && entry[family].as_str().is_some_and(|cidr| is_world(&[cidr]))
        && matches!(protocol, "-1" | "6")
        && ports.holds(port)
}
