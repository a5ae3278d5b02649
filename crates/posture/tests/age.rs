//! AGE-01 with targets of its own for each class.

use bartizan_posture::{AccountView, CheckVerdict, RebuildTargets, ViewInput, check, judge};
use serde_json::json;

use crate::world::{World, good, look_at};

/// Verdicts of AGE-01 by resource.
fn verdicts(world: &World, rebuild: RebuildTargets) -> Vec<(String, CheckVerdict, String)> {
    look_at(&world.recorded(), &world.account(), |input| {
        let view = AccountView::new(&ViewInput { rebuild, ..*input });
        let results = judge(&view, [check("AGE-01").expect("a check")]);
        let row =
            |r: bartizan_posture::CheckResult| (r.resource, r.verdict, format!("{:?}", r.because));
        results.into_iter().map(row).collect()
    })
}

fn failing(world: &World, rebuild: RebuildTargets) -> Vec<(String, String)> {
    let all = verdicts(world, rebuild).into_iter();
    let fails = all.filter(|(_, verdict, _)| *verdict == CheckVerdict::Fail);
    fails
        .map(|(resource, _, because)| (resource, because))
        .collect()
}

const INSTANCE: &str = "arn:aws:ec2:us-east-1:111122223333:instance/i-1";

fn image(name: &str, built: &str) -> serde_json::Value {
    json!({"Name": name, "CreationDate": built, "Public": false})
}

#[test]
fn each_class_has_its_target() {
    let world = good()
        .with(
            "ec2:image",
            "ami-old",
            image("db-2026-01", "2026-01-01T00:00:00.000Z"),
        )
        .with(
            "ec2:image",
            "ami-new",
            image("db-2026-05", "2026-05-30T00:00:00.000Z"),
        )
        .with(
            "ec2:launchtemplateversion",
            "lt-1/1",
            json!({"DefaultVersion": false, "CreateTime": "2020-01-01T00:00:00+00:00"}),
        )
        .with(
            "ec2:launchtemplateversion",
            "lt-1/2",
            json!({"DefaultVersion": true, "CreateTime": "2026-03-01T00:00:00+00:00"}),
        )
        .with(
            "lambda:function",
            "pay",
            json!({"FunctionName": "pay", "LastModified": "2026-04-01T10:00:00.000+0000"}),
        );
    assert_eq!(
        failing(&world, RebuildTargets::default()),
        [],
        "only instances, 90 days"
    );
    let targets = RebuildTargets {
        image_days: Some(60),
        template_days: Some(60),
        function_days: Some(30),
        ..RebuildTargets::default()
    };
    let fails: Vec<String> = failing(&world, targets)
        .into_iter()
        .map(|(r, _)| r)
        .collect();
    assert_eq!(
        fails,
        [
            "arn:aws:ec2:us-east-1:111122223333:image/ami-old",
            "arn:aws:ec2:us-east-1:111122223333:launch-template/lt-1",
            "arn:aws:lambda:us-east-1:111122223333:function:pay",
        ]
    );
    let denied = verdicts(&world.denied("ec2:image"), targets);
    let unknown = |(resource, verdict, _): &&(String, CheckVerdict, String)| {
        resource == "111122223333" && *verdict == CheckVerdict::Unknown
    };
    assert!(denied.iter().any(|row| unknown(&row)), "{denied:?}");
}

#[test]
fn a_machine_older_than_the_successor_of_its_image_is_named() {
    let launched = |world: World, time: &str| {
        world.set(
            "ec2:instance",
            "i-1",
            json!({"LaunchTime": time, "ImageId": "ami-web1"}),
        )
    };
    let world = good()
        .with(
            "ec2:image",
            "ami-web1",
            image("web-2026-04-01", "2026-04-01T00:00:00.000Z"),
        )
        .with(
            "ec2:image",
            "ami-web2",
            image("web-2026-05-25", "2026-05-25T00:00:00.000Z"),
        )
        .with(
            "ec2:image",
            "ami-db",
            image("db-2026-05-30", "2026-05-30T00:00:00.000Z"),
        );
    let daily = RebuildTargets {
        successors: true,
        ..RebuildTargets::default()
    };
    let young = launched(world.clone(), "2026-05-20T00:00:00+00:00");
    assert_eq!(failing(&young, RebuildTargets::default()), []);
    let [(resource, because)] = &failing(&young, daily)[..] else {
        panic!("one failure")
    };
    assert_eq!(resource, INSTANCE);
    assert!(
        because.contains("ami-web2") && !because.contains("ami-db"),
        "{because}"
    );
    // Launched from the old image after the new one was built: that is what is meant to be.
    assert_eq!(
        failing(&launched(world.clone(), "2026-05-26T00:00:00+00:00"), daily),
        []
    );
    // Old anyway: the successor is named.
    let old = failing(
        &launched(world, "2026-01-01T00:00:00+00:00"),
        RebuildTargets::default(),
    );
    assert!(
        old[0].1.contains("ami-web2") && old[0].1.contains("days ago"),
        "{old:?}"
    );
}
