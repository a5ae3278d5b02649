//! PUB-07: the endpoint of a database, broker or cluster is open to the Internet.

use crate::missing::{Fault, MissingFact};
use bartizan_iam::is_public_policy;
use bartizan_model::Severity;
use serde_json::Value;

use crate::check::{Check, Source};
use crate::network::{PortRange, world_ports};
use crate::reading::FactView;
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "PUB-07",
    title: "The endpoint of a database, broker or cluster is open to the Internet",
    severity: Severity::High,
    why: "Passwords of databases are guessed day and night, and their servers have faults of their own.",
    judged: "RDS, Redshift, MQ and DMS: publicly accessible, and a security group lets the world to the port. EKS: a public endpoint with a public CIDR. OpenSearch: outside of a VPC, with an open policy.",
    fix: "aws rds modify-db-instance --region {region} --db-instance-identifier {name} --no-publicly-accessible",
    sources: &[
        Source::Talk,
        Source::Fsbp("RDS.2"),
        Source::Fsbp("Redshift.1"),
        Source::Fsbp("EKS.1"),
    ],
    needs: &[
        "rds:dbinstance",
        "rds:dbcluster",
        "redshift:cluster",
        "mq:broker",
        "dms:replicationinstance",
        "eks:cluster",
        "opensearch:domain",
        "opensearch:domainpolicy",
        "ec2:security_group",
    ],
    judge,
};

/// An endpoint behind security groups.
struct Endpoint {
    kind: &'static str,
    public: &'static str,
    arn_field: &'static str,
    arn: &'static str,
    groups: &'static str,
    group_field: &'static str,
    /// Pointer to the port; where there is none, any port counts.
    port: &'static str,
}

const ENDPOINTS: [Endpoint; 5] = [
    Endpoint {
        kind: "rds:dbinstance",
        public: "/PubliclyAccessible",
        arn_field: "/DBInstanceArn",
        arn: "arn:aws:rds:{region}:{account}:db:{id}",
        groups: "/VpcSecurityGroups",
        group_field: "VpcSecurityGroupId",
        port: "/Endpoint/Port",
    },
    Endpoint {
        kind: "rds:dbcluster",
        public: "/PubliclyAccessible",
        arn_field: "/DBClusterArn",
        arn: "arn:aws:rds:{region}:{account}:cluster:{id}",
        groups: "/VpcSecurityGroups",
        group_field: "VpcSecurityGroupId",
        port: "/Port",
    },
    Endpoint {
        kind: "redshift:cluster",
        public: "/PubliclyAccessible",
        arn_field: "",
        arn: "arn:aws:redshift:{region}:{account}:cluster:{id}",
        groups: "/VpcSecurityGroups",
        group_field: "VpcSecurityGroupId",
        port: "/Endpoint/Port",
    },
    Endpoint {
        kind: "mq:broker",
        public: "/PubliclyAccessible",
        arn_field: "/BrokerArn",
        arn: "arn:aws:mq:{region}:{account}:broker:{id}",
        groups: "/SecurityGroups",
        group_field: "",
        port: "",
    },
    Endpoint {
        kind: "dms:replicationinstance",
        public: "/PubliclyAccessible",
        arn_field: "/ReplicationInstanceArn",
        arn: "arn:aws:dms:{region}:{account}:rep:{id}",
        groups: "/VpcSecurityGroups",
        group_field: "VpcSecurityGroupId",
        port: "",
    },
];

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    for endpoint in &ENDPOINTS {
        let list = view.list(endpoint.kind);
        verdicts.list_read(&list);
        for fact in list.facts {
            let arn = arn(view, fact, endpoint.arn_field, endpoint.arn);
            verdicts.judge(&arn, fact.region, [endpoint.fault(view, fact)]);
        }
    }
    let clusters = view.list("eks:cluster");
    verdicts.list_read(&clusters);
    for cluster in clusters.facts {
        let arn = arn(
            view,
            cluster,
            "/arn",
            "arn:aws:eks:{region}:{account}:cluster/{id}",
        );
        verdicts.judge(&arn, cluster.region, [Ok(open_cluster(cluster))]);
    }
    let domains = view.list("opensearch:domain");
    verdicts.list_read(&domains);
    for domain in domains.facts {
        let arn = arn(
            view,
            domain,
            "/ARN",
            "arn:aws:es:{region}:{account}:domain/{id}",
        );
        verdicts.judge(&arn, domain.region, [open_domain(view, domain)]);
    }
}

fn arn(view: &AccountView<'_>, fact: &FactView<'_>, field: &str, made: &str) -> String {
    fact.text(field).map_or_else(
        || {
            let arn = made
                .replace("{region}", fact.region)
                .replace("{account}", view.id);
            arn.replace("{id}", &fact.id)
        },
        str::to_owned,
    )
}

impl Endpoint {
    fn fault(&self, view: &AccountView<'_>, fact: &FactView<'_>) -> Fault {
        if !fact.is(self.public) {
            return Ok(None);
        }
        let groups: Vec<&str> = fact
            .list(self.groups)
            .iter()
            .filter_map(|group| match self.group_field {
                "" => group.as_str(),
                field => group[field].as_str(),
            })
            .collect();
        // A public RabbitMQ broker is behind no security group.
        if groups.is_empty() && self.kind == "mq:broker" {
            return Ok(Some(
                "publicly accessible, and behind no security group".to_owned(),
            ));
        }
        let port = fact.json().pointer(self.port).and_then(Value::as_i64);
        let port = port.filter(|_| !self.port.is_empty());
        let ports = port.map_or(
            PortRange {
                from: 0,
                to: 65_535,
            },
            |p| PortRange { from: p, to: p },
        );
        let mut unread = None;
        for group in groups {
            match group_opens(view, fact.region, group, ports) {
                Ok(true) => {
                    return Ok(Some(format!(
                        "publicly accessible, and {group} lets the world in"
                    )));
                }
                Ok(false) => {}
                Err(fact) => unread = Some(fact),
            }
        }
        unread.map_or(Ok(None), Err)
    }
}

fn group_opens(
    view: &AccountView<'_>,
    region: &str,
    group: &str,
    ports: PortRange,
) -> Result<bool, MissingFact> {
    let Some(group) = view.fact("ec2:security_group", region, group)? else {
        return Ok(false);
    };
    Ok(world_ports(view, group)?
        .iter()
        .any(|range| range.overlaps(ports)))
}

fn open_cluster(cluster: &FactView<'_>) -> Option<String> {
    if !cluster.is("/resourcesVpcConfig/endpointPublicAccess") {
        return None;
    }
    let cidrs = cluster.list("/resourcesVpcConfig/publicAccessCidrs");
    let cidrs: Vec<&str> = cidrs.iter().filter_map(Value::as_str).collect();
    crate::network::is_world(&cidrs).then(|| format!("a public endpoint for {}", cidrs.join(", ")))
}

fn open_domain(view: &AccountView<'_>, domain: &FactView<'_>) -> Fault {
    let in_vpc = domain
        .text("/VPCOptions/VPCId")
        .is_some_and(|id| !id.is_empty());
    if in_vpc
        || domain.is("/AdvancedSecurityOptions/Enabled")
            && !domain.is("/AdvancedSecurityOptions/AnonymousAuthEnabled")
    {
        return Ok(None);
    }
    const KIND: &str = "opensearch:domainpolicy";
    let Some(policy) = view.fact(KIND, domain.region, &domain.id)? else {
        return Ok(None);
    };
    let policy = policy.policy()?;
    Ok(is_public_policy(&policy).then(|| "on the Internet, with an open access policy".to_owned()))
}
