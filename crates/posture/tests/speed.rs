//! CPU and memory of all checks over a large account: `cargo test --release -p bartizan-posture --test posture
//! -- --ignored --nocapture speed`.

use std::time::Instant;

use bartizan_posture::{AccountView, CHECKS, judge};
use serde_json::{Value, json};

use crate::world::{ACCOUNT, World, allow, good, look_at};

const PRINCIPALS: usize = 10_000;
const BUCKETS: usize = 2_000;
const GROUPS: usize = 5_000;

/// Principal of a trust policy: one role in ten trusts another account.
fn trusted(n: usize) -> Value {
    if n.is_multiple_of(10) {
        json!({"AWS": format!("arn:aws:iam::{:012}:root", 222_233_334_444 + n)})
    } else {
        json!({"Service": "ec2.amazonaws.com"})
    }
}

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
                &allow(json!({"Principal": trusted(n), "Action": "sts:AssumeRole"})),
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

/// CPU time of this process, in milliseconds: user and system, of all threads.
fn cpu_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("/proc");
    let behind_name = stat.rsplit_once(") ").expect("a name").1;
    let ticks = behind_name.split(' ').skip(11).take(2);
    // A tick is 10 ms on every Linux that we know.
    ticks.map(|t| t.parse::<u64>().expect("ticks") * 10).sum()
}

/// Most memory that this process had since [`forget_peak`], in MB.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc");
    let line = status
        .lines()
        .find(|l| l.starts_with("VmHWM"))
        .expect("VmHWM");
    let kb = line.split_whitespace().nth(1).expect("a number");
    kb.parse::<u64>().expect("kB") / 1024
}

fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").expect("clear_refs");
}

#[test]
#[ignore = "a measurement, for release builds"]
fn all_checks_of_a_large_account_take_less_than_a_second_and_200_mb() {
    let checks = || CHECKS.iter();
    let world = large();
    let recorded = world.recorded();
    let start = cpu_ms();
    let account = world.account();
    println!("policies compiled in {} ms", cpu_ms() - start);
    drop(world);
    forget_peak();
    println!("{} MB with the snapshot and its documents", peak_mb());
    look_at(&recorded, &account, |input| {
        let start = cpu_ms();
        let view = AccountView::new(input);
        let seen = cpu_ms();
        let results = judge(&view, checks());
        let (cpu, peak) = (cpu_ms() - start, peak_mb());
        println!("{} results of {} checks", results.len(), CHECKS.len());
        println!("{cpu} ms, {} of them for the view; {peak} MB", seen - start);
        for check in checks() {
            let start = Instant::now();
            drop(judge(&view, [check]));
            if start.elapsed().as_millis() > 20 {
                println!("  {} again: {:?}", check.id, start.elapsed());
            }
        }
        assert!(results.len() > PRINCIPALS + BUCKETS + GROUPS);
        if !cfg!(debug_assertions) {
            assert!(cpu <= 1000 && peak <= 200, "{cpu} ms, {peak} MB");
        }
    });
}
