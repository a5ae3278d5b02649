//! What was not read is unknown, never a pass.

use bartizan_posture::{CHECKS, CheckVerdict};
use serde_json::json;

use crate::world::{Change, READER, World, block, for_everybody, good};

/// Kinds that another kind stands in for: the verdict is sound without them.
const STAND_INS: [(&str, &str); 13] = [
    // The summary counts root's credentials, and the report names them.
    ("ROOT-02", "iam:credentialreport"),
    // The report says who has a password and MFA.
    ("CRED-01", "iam:loginprofile"),
    ("CRED-01", "iam:mfadevice"),
    ("CRED-03", "iam:loginprofile"),
    // An Identity Center instance is enough.
    ("IAMUSE-01", "iam:group"),
    ("IAMUSE-01", "iam:role"),
    ("IAMUSE-01", "iam:grouppolicy"),
    ("IAMUSE-01", "iam:rolepolicy"),
    ("IAMUSE-01", "iam:managedpolicy"),
    // Whether a group is attached changes the severity only.
    ("NET-01", "ec2:networkinterface"),
    // Other steps of the ladder are enough.
    ("BILL-01", "budgets:budget"),
    ("BILL-01", "budgets:notification"),
    ("BILL-01", "ce:anomalymonitor"),
];

/// Changes of the good account after which a kind decides: a fault that only a guard of that kind
/// closes, or a resource that only it describes. By check, or by the kind alone.
const DECIDING: &[(&str, &str, Change)] = &[
    ("LOG-05", "cloudtrail:trail", |w| w),
    ("LOG-05", "s3:bucket", |w| w),
    ("LOG-05", "s3:bucketlogging", |w| w),
    ("LOG-05", "s3:bucketpublicaccessblock", |w| {
        public_site(w).with("s3:bucketpublicaccessblock", "site", block(true))
    }),
    ("LOG-05", "s3:accountpublicaccessblock", |w| {
        public_site(w).with("s3:accountpublicaccessblock", "account", block(true))
    }),
    ("LOG-05", "s3:bucketownershipcontrols", |w| {
        let controls = json!({"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]});
        public_site(w).with("s3:bucketownershipcontrols", "site", controls)
    }),
    // A bucket of no trail, without a log: meant only if it is public.
    ("LOG-05", "s3:", unlogged_site),
    ("PUB-05", "s3:accountpublicaccessblock", |w| {
        let policy = for_everybody("s3:GetObject", "*");
        w.policy("s3:accesspointpolicy", "data", &policy)
    }),
    ("PUB-05", "s3:accesspoint", |w| {
        let policy = for_everybody("s3:GetObject", "*");
        w.policy("s3:accesspointpolicy", "data", &policy)
            .with("s3:accountpublicaccessblock", "account", block(false))
            .with(
                "s3:accesspoint",
                "data",
                json!({"PublicAccessBlockConfiguration": block(true)}),
            )
    }),
    ("PUB-02", "s3:accountpublicaccessblock", |w| w),
    ("", "s3:bucketacl", without_guards),
    ("", "s3:bucketpublicaccessblock", |w| {
        public(without_guards(w)).with("s3:bucketpublicaccessblock", "logs", block(true))
    }),
    ("", "s3:accountpublicaccessblock", |w| {
        public(without_guards(w)).with("s3:accountpublicaccessblock", "account", block(true))
    }),
    ("", "s3:bucketownershipcontrols", |w| {
        let controls = json!({"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]});
        public_acls(without_guards(w)).with("s3:bucketownershipcontrols", "logs", controls)
    }),
    ("", "ec2:snapshotblockpublicaccess", |w| {
        let closed = json!({"State": "block-all-sharing"});
        w.with(
            "ec2:snapshotpermission",
            "snap-1",
            json!([{"Group": "all"}]),
        )
        .with("ec2:snapshotblockpublicaccess", "account", closed)
    }),
    ("PUB-08", "lambda:functionpolicy", |w| {
        let url = "arn:aws:lambda:us-east-1:111122223333:function:pay";
        w.set("lambda:functionurl", url, json!({"AuthType": "NONE"}))
    }),
    ("", "ec2:managedprefixlist", by_prefix_list),
    ("", "ec2:managedprefixlistentry", by_prefix_list),
    // The ACL denies what the group allows, and the route leads out.
    ("NET-03", "ec2:networkacl", open_ssh),
    ("NET-03", "ec2:routetable", open_ssh),
    ("ROLE-01", "iam:managedpolicy", |w| {
        let attached = json!({"AttachedManagedPolicies": [{"PolicyArn": READER}]});
        w.set("iam:role", "bartizan-audit", attached)
    }),
];

fn open_ssh(world: World) -> World {
    world.set("ec2:security_group", "sg-1", json!({"IpPermissions": [{
        "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
    }]}))
}

fn by_prefix_list(world: World) -> World {
    world
        .with("ec2:managedprefixlist", "pl-1", json!({"OwnerId": "111122223333"}))
        .with("ec2:managedprefixlistentry", "pl-1/203.0.113.0/24", json!({"Cidr": "203.0.113.0/24"}))
        .set("ec2:security_group", "sg-1", json!({"IpPermissions": [{
            "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "PrefixListIds": [{"PrefixListId": "pl-1"}],
        }]}))
}

fn unlogged_site(world: World) -> World {
    without_guards(
        world
            .good_bucket("site")
            .with("s3:bucketlogging", "site", json!({})),
    )
    .with("s3:bucketpublicaccessblock", "site", block(false))
    .absent(
        "s3:bucketownershipcontrols",
        "site",
        "OwnershipControlsNotFoundError",
    )
}

fn public_site(world: World) -> World {
    unlogged_site(world).with("s3:bucketacl", "site", json!({"Grants": [{
        "Grantee": {"URI": "http://acs.amazonaws.com/groups/global/AllUsers"}, "Permission": "READ",
    }]}))
}

fn without_guards(world: World) -> World {
    world
        .with("s3:accountpublicaccessblock", "account", block(false))
        .with("s3:bucketpublicaccessblock", "logs", block(false))
        .absent(
            "s3:bucketownershipcontrols",
            "logs",
            "OwnershipControlsNotFoundError",
        )
}

fn public(world: World) -> World {
    let policy = for_everybody("s3:GetObject", "arn:aws:s3:::logs/*");
    public_acls(world).policy("s3:bucketpolicy", "logs", &policy)
}

fn public_acls(world: World) -> World {
    let grants = json!({"Grants": [{
        "Grantee": {"URI": "http://acs.amazonaws.com/groups/global/AllUsers"}, "Permission": "READ",
    }]});
    world
        .with("s3:bucketacl", "logs", grants.clone())
        .with("s3:objectacl", "logs/a.txt", grants)
}

#[test]
fn a_denied_call_makes_its_checks_unknown() {
    let mut wrong = Vec::new();
    for check in CHECKS {
        for kind in check
            .needs
            .iter()
            .filter(|kind| !STAND_INS.contains(&(check.id, kind)))
        {
            let fits = |(id, of, _): &&(&str, &str, Change)| {
                let is_kind = kind == of || of.ends_with(':') && kind.starts_with(of);
                (id.is_empty() || *id == check.id) && is_kind
            };
            let deciding = DECIDING.iter().find(fits);
            let world = deciding.map_or_else(good, |(.., change)| change(good()));
            let whole = world.results(check.id, None, None);
            let passes = whole.iter().any(|r| r.verdict == CheckVerdict::Pass);
            let results = world.denied(kind).results(check.id, None, None);
            let unknown = results.iter().any(|r| r.verdict == CheckVerdict::Unknown);
            let fails = results.iter().any(|r| r.verdict == CheckVerdict::Fail);
            if passes && (!unknown || fails) {
                wrong.push(format!("{} without {kind}: {results:?}", check.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn a_list_that_was_not_read_is_one_unknown_line_of_the_account() {
    let results = good().denied("s3:bucket").results("PUB-01", None, None);
    let lines: Vec<_> = results
        .iter()
        .map(|r| (r.resource.as_str(), r.verdict))
        .collect();
    assert_eq!(lines, [("111122223333", CheckVerdict::Unknown)]);
}

#[test]
fn the_same_snapshot_gives_the_same_results() {
    let ids: Vec<&str> = CHECKS.iter().map(|c| c.id).collect();
    let (one, two) = (
        good().judged(None, None, &ids),
        good().judged(None, None, &ids),
    );
    assert_eq!(format!("{one:?}"), format!("{two:?}"));
    assert!(one.len() > CHECKS.len());
}
