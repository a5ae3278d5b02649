//! NET-01: a security group lets the world to ports of administration or databases.

use bartizan_model::Severity;

use super::ec2_arn;
use crate::check::{Check, Source};
use crate::missing::Fault;
use crate::network::world_ports;
use crate::reading::FactView;
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "NET-01",
    title: "A security group lets the world to an administration or database port",
    severity: Severity::High,
    why: "Such ports are found within minutes of being opened, and passwords are tried on them at once.",
    judged: "TCP ports of administration and databases; world is 0.0.0.0/0, ::/0, their halves, and prefix lists that hold them. High where an interface has the group, else medium.",
    fix: "aws ec2 revoke-security-group-ingress --region {region} --group-id {name} --protocol tcp --port PORT --cidr 0.0.0.0/0",
    sources: &[
        Source::Talk,
        Source::TrustedAdvisor("HCP4007jGY"),
        Source::TrustedAdvisor("1iG5NDGVre"),
        Source::Fsbp("EC2.13"),
        Source::Fsbp("EC2.14"),
        Source::Fsbp("EC2.18"),
        Source::Fsbp("EC2.19"),
        Source::Cis("5.2"),
        Source::Cis("5.3"),
    ],
    needs: &[
        "ec2:security_group",
        "ec2:networkinterface",
        "ec2:managedprefixlist",
        "ec2:managedprefixlistentry",
    ],
    judge,
};

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    let groups = view.list("ec2:security_group");
    verdicts.list_read(&groups);
    let attached = attached(view);
    for group in groups.facts {
        let is_attached = attached.contains(&(group.region, group.id.as_str()));
        // Where interfaces were not read, it may be attached.
        let can_be = is_attached || view.all("ec2:networkinterface", group.region).is_err();
        let severity = if can_be {
            Severity::High
        } else {
            Severity::Medium
        };
        let arn = ec2_arn(view, group, "security-group");
        verdicts.judge_as(severity, &arn, group.region, [fault(view, group)]);
    }
}

fn fault(view: &AccountView<'_>, group: &FactView<'_>) -> Fault {
    let open = world_ports(view, group)?;
    let found = open
        .iter()
        .find_map(|range| Some((range, range.sensitive()?)));
    Ok(found.map(|(range, (port, service))| {
        let ports = if range.from == range.to {
            range.from.to_string()
        } else {
            format!("{}-{}", range.from, range.to)
        };
        format!("the world reaches TCP {ports} (among them {port}, {service})")
    }))
}

/// Region and id of the groups that an interface has.
fn attached<'v>(view: &'v AccountView<'_>) -> std::collections::HashSet<(&'v str, &'v str)> {
    let interfaces = view.list("ec2:networkinterface").facts;
    let groups = |interface: &&'v FactView<'_>| -> Vec<(&'v str, &'v str)> {
        let list = interface.list("/Groups").iter();
        list.filter_map(|g| Some((interface.region, g["GroupId"].as_str()?)))
            .collect()
    };
    interfaces.iter().flat_map(groups).collect()
}
