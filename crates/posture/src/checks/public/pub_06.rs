//! PUB-06: a snapshot or an image is public.

use crate::missing::{Fault, MissingFact};
use bartizan_model::Severity;

use crate::check::{Check, Source};
use crate::reading::FactView;
use crate::verdicts::Verdicts;
use crate::view::AccountView;

pub(crate) const CHECK: Check = Check {
    id: "PUB-06",
    title: "A snapshot or machine image is public",
    severity: Severity::Critical,
    why: "A public snapshot is a disk or a database that anybody can copy; there are crawlers for them.",
    judged: "Permissions of EBS snapshots and images, restore attributes of RDS snapshots. block-all-sharing closes EBS snapshots; block-new-sharing closes nothing that is shared.",
    fix: "aws ec2 modify-snapshot-attribute --region {region} --snapshot-id {name} --attribute createVolumePermission --operation-type remove --group-names all",
    sources: &[
        Source::Talk,
        Source::TrustedAdvisor("ePs02jT06w"),
        Source::TrustedAdvisor("rSs93HQwa1"),
        Source::Fsbp("EC2.1"),
        Source::Fsbp("RDS.1"),
    ],
    needs: &[
        "ec2:snapshot",
        "ec2:snapshotpermission",
        "ec2:snapshotblockpublicaccess",
        "ec2:image",
        "ec2:imagepermission",
        "rds:dbsnapshot",
        "rds:dbsnapshotattributes",
        "rds:dbclustersnapshot",
        "rds:dbclustersnapshotattributes",
    ],
    judge,
};

/// A kind of thing that can be shared with everybody.
struct Shared {
    list: &'static str,
    permission: &'static str,
    /// Pointer to the ARN in its document, else how the ARN is made.
    arn_field: &'static str,
    arn: &'static str,
    is_public: fn(&FactView<'_>) -> bool,
    /// The setting that closes all of the account in a region.
    closed: fn(&AccountView<'_>, &str) -> Result<bool, MissingFact>,
}

const SHARED: [Shared; 4] = [
    Shared {
        list: "ec2:snapshot",
        permission: "ec2:snapshotpermission",
        arn_field: "",
        arn: "arn:aws:ec2:{region}:{account}:snapshot/{id}",
        is_public: has_group_all,
        closed: |view, region| {
            let state = view.fact("ec2:snapshotblockpublicaccess", region, "account")?;
            Ok(state.is_some_and(|s| s.text("/State") == Some("block-all-sharing")))
        },
    },
    Shared {
        list: "ec2:image",
        permission: "ec2:imagepermission",
        arn_field: "",
        arn: "arn:aws:ec2:{region}:{account}:image/{id}",
        is_public: has_group_all,
        closed: |_, _| Ok(false),
    },
    Shared {
        list: "rds:dbsnapshot",
        permission: "rds:dbsnapshotattributes",
        arn_field: "/DBSnapshotArn",
        arn: "arn:aws:rds:{region}:{account}:snapshot:{id}",
        is_public: is_restored_by_all,
        closed: |_, _| Ok(false),
    },
    Shared {
        list: "rds:dbclustersnapshot",
        permission: "rds:dbclustersnapshotattributes",
        arn_field: "/DBClusterSnapshotArn",
        arn: "arn:aws:rds:{region}:{account}:cluster-snapshot:{id}",
        is_public: is_restored_by_all,
        closed: |_, _| Ok(false),
    },
];

fn judge(view: &AccountView<'_>, verdicts: &mut Verdicts<'_>) {
    for shared in &SHARED {
        let list = view.list(shared.list);
        verdicts.list_read(&list);
        for fact in list.facts {
            let made = || {
                let arn = shared.arn.replace("{region}", fact.region);
                arn.replace("{account}", view.id).replace("{id}", &fact.id)
            };
            let arn = fact.text(shared.arn_field).map_or_else(made, str::to_owned);
            verdicts.judge(&arn, fact.region, [shared.fault(view, fact)]);
        }
    }
}

impl Shared {
    fn fault(&self, view: &AccountView<'_>, fact: &FactView<'_>) -> Fault {
        let permission = view.fact(self.permission, fact.region, &fact.id);
        // An image says itself that it is public.
        let is_public = match &permission {
            _ if fact.is("/Public") => true,
            Ok(permission) => permission.is_some_and(self.is_public),
            Err(unread) => return Err(unread.clone()),
        };
        if !is_public || (self.closed)(view, fact.region)? {
            return Ok(None);
        }
        Ok(Some("shared with everybody".to_owned()))
    }
}

fn has_group_all(permission: &FactView<'_>) -> bool {
    permission.items().iter().any(|one| one["Group"] == "all")
}

/// Attributes of an RDS snapshot: a list, or an object that holds it.
fn is_restored_by_all(attributes: &FactView<'_>) -> bool {
    let lists = [
        attributes.items(),
        attributes.list("/DBSnapshotAttributes"),
        attributes.list("/DBClusterSnapshotAttributes"),
    ];
    lists.into_iter().flatten().any(|attribute| {
        let values = attribute["AttributeValues"]
            .as_array()
            .into_iter()
            .flatten();
        attribute["AttributeName"] == "restore" && values.into_iter().any(|v| v == "all")
    })
}
