//! An S3 bucket as the place of the evidence, against LocalStack, whose Object Lock is faithful
//! (moto's is not).

use std::process::Command;

use crate::common::{Home, Server, free_port, venv};

#[test]
fn a_locked_bucket_keeps_the_evidence_and_an_open_one_is_told() {
    let (Some(localstack), Some(python)) =
        (venv("BARTIZAN_LOCALSTACK_VENV"), venv("BARTIZAN_VENV"))
    else {
        return;
    };
    let home = Home::new();
    let port = free_port();
    let mut command = Command::new(localstack.join("bin/python"));
    command
        .args(["-m", "localstack.runtime.main"])
        .current_dir(home.dir.path());
    for (name, value) in [
        ("DNS_ADDRESS", "0"),
        ("SKIP_SSL_CERT_DOWNLOAD", "1"),
        ("DISABLE_EVENTS", "1"),
        ("SERVICES", "s3"),
        ("ACTIVATE_PRO", "0"),
    ] {
        command.env(name, value);
    }
    command
        .env("GATEWAY_LISTEN", format!("127.0.0.1:{port}"))
        .env("FILESYSTEM_ROOT", home.path("localstack"));
    let server = Server::start(command, port);
    let home = Home::with_aws(&server.url).set("AWS_ALLOW_HTTP", "true");
    let aws = |args: &str| {
        let mut command = home.command(&[]);
        let environment: Vec<_> = command
            .get_envs()
            .filter_map(|(k, v)| Some((k.to_owned(), v?.to_owned())))
            .collect();
        command = Command::new(python.join("bin/aws"));
        let output = command
            .args(args.split(' '))
            .env_clear()
            .envs(environment)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "aws {args}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    aws("s3api create-bucket --bucket locked --object-lock-enabled-for-bucket");
    aws(
        "s3api put-object-lock-configuration --bucket locked --object-lock-configuration \
        {\"ObjectLockEnabled\":\"Enabled\",\"Rule\":{\"DefaultRetention\":{\"Mode\":\"COMPLIANCE\",\"Days\":1}}}",
    );
    aws("s3api create-bucket --bucket open");

    // The evidence log in a bucket: the same layout, the same verifier, and it goes on where it
    // stood.
    let folder = home.path("dump/111122223333/eu-west-1");
    std::fs::create_dir_all(&folder).unwrap();
    for (n, bucket) in [(1, "locked"), (2, "locked"), (3, "locked"), (4, "open")] {
        let answer = format!(
            r#"{{"UserDetailList": [{{"UserName": "u{n}", "UserId": "A", "Arn": "arn:aws:iam::111122223333:user/u"}}], "RoleDetailList": [], "GroupDetailList": [], "Policies": []}}"#
        );
        std::fs::write(
            folder.join("iam-get-account-authorization-details.json"),
            answer,
        )
        .unwrap();
        home.must(
            0,
            &[
                "snapshot",
                "--from",
                "dump",
                "--store",
                &format!("s3://{bucket}/evidence"),
            ],
        );
    }
    let said = home.must(
        0,
        &["verify", "evidence", "--store", "s3://locked/evidence"],
    );
    assert!(
        said.contains("0 problems, 3 entries, 3 snapshots"),
        "{said}"
    );
    assert!(
        home.must(0, &["diff", "--store", "s3://locked/evidence"])
            .contains("2 changes, 2 need you")
    );
    assert!(
        aws("s3api list-objects-v2 --bucket locked --prefix evidence/")
            .contains("evidence/tile/entries/000.p/2")
    );
    // Somebody deletes a file: with versioning only a marker, but readers of the newest version
    // miss it, and say so.
    let name = aws(
        "s3api list-objects-v2 --bucket locked --prefix evidence/blobs/ --query Contents[0].Key \
        --output text",
    );
    aws(&format!(
        "s3api delete-object --bucket locked --key {}",
        name.trim()
    ));
    assert!(
        home.must(
            1,
            &["verify", "evidence", "--store", "s3://locked/evidence"]
        )
        .contains("missing")
    );

    // Is it write-once? LocalStack enforces Object Lock but no bucket policy, so what only a policy
    // can refuse works.
    let attempts = |bucket: &str| -> Vec<(String, String)> {
        let text = home.must(
            1,
            &[
                "verify",
                "bucket",
                "--store",
                &format!("s3://{bucket}/x"),
                "--format",
                "json",
            ],
        );
        let rows: serde_json::Value = serde_json::from_str(&text).unwrap();
        rows.as_array()
            .unwrap()
            .iter()
            .map(|r| {
                (
                    r["tried"].as_str().unwrap().to_owned(),
                    r["outcome"].as_str().unwrap().to_owned(),
                )
            })
            .collect()
    };
    let locked = attempts("locked");
    let outcome = |tried: &str| {
        locked
            .iter()
            .find(|(t, _)| t == tried)
            .map(|(_, o)| o.as_str())
    };
    for refused in [
        "write the same name again, with If-None-Match",
        "delete the version",
        "delete the version, bypassing governance",
        "shorten the retention",
        "turn compliance into governance",
        "suspend versioning",
    ] {
        assert_eq!(outcome(refused), Some("refused"), "{refused}: {locked:?}");
    }
    for policy_only in [
        "write the same name again, without a condition",
        "delete the object",
        "drop the default retention",
    ] {
        assert_eq!(
            outcome(policy_only),
            Some("broken"),
            "{policy_only}: {locked:?}"
        );
    }
    let open = attempts("open");
    assert!(
        open.iter()
            .any(|(t, o)| t == "find a version id" && o == "broken"),
        "{open:?}"
    );
    assert!(
        home.must(1, &["verify", "bucket", "--store", "s3://open/x"])
            .contains("THE BUCKET IS NOT WRITE-ONCE")
    );
}
