//! CPU of all checks over a large account: `cargo test --release -p bartizan-posture --test posture
//! -- --ignored --nocapture speed`.

use std::time::Instant;

use bartizan_posture::CHECKS;
use serde_json::json;

use crate::world::{ACCOUNT, World, allow, good};

const PRINCIPALS: usize = 10_000;
const BUCKETS: usize = 2_000;
const GROUPS: usize = 5_000;

fn large() -> World {
    let mut world = good();
    for n in 0..PRINCIPALS {
        let name = format!("service-{n}");
        let read =
            json!({"Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::bucket-{n}/*")});
        world = world
            .with(
                "iam:role",
                &name,
                json!({
                    "RoleName": name, "Arn": format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
                    "AttachedManagedPolicies": [],
                }),
            )
            .policy("iam:rolepolicy", &format!("{name}/read"), &allow(read))
            .policy(
                "iam:assumerolepolicy",
                &name,
                &allow(json!({
                    "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole",
                })),
            );
    }
    for n in 0..BUCKETS {
        world = world.good_bucket(&format!("bucket-{n}"));
    }
    for n in 0..GROUPS {
        let range = json!([{"CidrIp": format!("10.{}.{}.0/24", n / 256, n % 256)}]);
        let rule = json!({"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": range});
        world = world.with(
            "ec2:security_group",
            &format!("sg-{n:05}"),
            json!({
                "GroupId": format!("sg-{n:05}"), "GroupName": "web", "IpPermissions": [rule],
            }),
        );
    }
    world
}

#[test]
#[ignore = "a measurement, for release builds"]
fn speed_of_all_checks() {
    let ids: Vec<&str> = CHECKS.iter().map(|c| c.id).collect();
    let world = large();
    world.viewed_and_timed(|judge| {
        let start = Instant::now();
        let results = judge(&ids);
        println!(
            "{} results of {} checks in {:?}",
            results.len(),
            ids.len(),
            start.elapsed()
        );
        for id in &ids {
            let start = Instant::now();
            judge(&[id]);
            let took = start.elapsed();
            if took.as_millis() > 20 {
                println!("  {id} {took:?}");
            }
        }
        assert!(results.len() > PRINCIPALS + BUCKETS + GROUPS);
    });
}
