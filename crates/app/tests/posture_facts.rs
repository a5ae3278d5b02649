//! Facts that the checks of posture need: from dumps of the AWS CLI, and live from moto.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::{Value, json};

use crate::common::{Home, facts, root, venv};

/// Files of a dump by path, as the AWS CLI prints them.
fn dump() -> Vec<(&'static str, String)> {
    let refusal =
        |code: &str| format!("\nAn error occurred ({code}) when calling the X operation: no\n");
    let open = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]})
    .to_string();
    let acl = json!({"Owner": {"ID": "o"}, "Grants": [
        {"Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"},
         "Permission": "READ"}]});
    let route =
        |key: &str| json!({"RouteId": key, "RouteKey": "GET /", "AuthorizationType": "NONE"});
    let files: Vec<(&'static str, Value)> = vec![
        (
            "us-east-1/cloudwatch-describe-alarms",
            json!({"MetricAlarms": [
            {"AlarmName": "bill", "Namespace": "AWS/Billing", "StateValue": "OK"}],
            "CompositeAlarms": [{"AlarmName": "both", "AlarmRule": "ALARM(bill)"}]}),
        ),
        (
            "global/budgets-describe-budgets",
            json!({"Budgets": [{"BudgetName": "month"}]}),
        ),
        (
            "global/budgets-describe-notifications-for-budget/month",
            json!({"Notifications": [
            {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN",
             "Threshold": 80.0}]}),
        ),
        (
            "global/ce-get-anomaly-monitors",
            json!({"AnomalyMonitors": [{"MonitorArn": "arn:m"}]}),
        ),
        (
            "global/ce-get-anomaly-subscriptions",
            json!({"AnomalySubscriptions": [
            {"SubscriptionArn": "arn:s", "MonitorArnList": ["arn:m"]}]}),
        ),
        (
            "us-east-1/ec2-describe-managed-prefix-lists",
            json!({"PrefixLists": [
            {"PrefixListId": "pl-1", "OwnerId": "123456789012"},
            {"PrefixListId": "pl-2", "OwnerId": "AWS"}]}),
        ),
        (
            "us-east-1/ec2-get-managed-prefix-list-entries/pl-1",
            json!({"Entries": [
            {"Cidr": "0.0.0.0/0"}]}),
        ),
        (
            "us-east-1/redshift-describe-clusters",
            json!({"Clusters": [
            {"ClusterIdentifier": "house", "PubliclyAccessible": true}]}),
        ),
        (
            "us-east-1/mq-list-brokers",
            json!({"BrokerSummaries": [{"BrokerId": "b-1"}]}),
        ),
        (
            "us-east-1/mq-describe-broker/b-1",
            json!({"BrokerId": "b-1", "PubliclyAccessible": true}),
        ),
        (
            "us-east-1/dms-describe-replication-instances",
            json!({"ReplicationInstances": [
            {"ReplicationInstanceIdentifier": "copy", "PubliclyAccessible": true}]}),
        ),
        ("us-east-1/eks-list-clusters", json!({"clusters": ["kube"]})),
        (
            "us-east-1/ecs-list-clusters",
            json!({"clusterArns": ["arn:aws:ecs:x"]}),
        ),
        (
            "us-east-1/eks-describe-cluster/kube",
            json!({"cluster": {"name": "kube"}}),
        ),
        (
            "us-east-1/opensearch-list-domain-names",
            json!({"DomainNames": [
            {"DomainName": "one"}, {"DomainName": "two"}]}),
        ),
        (
            "us-east-1/opensearch-describe-domains",
            json!({"DomainStatusList": [
            {"DomainName": "one", "AccessPolicies": open}, {"DomainName": "two"}]}),
        ),
        (
            "eu-west-1/opensearch-list-domain-names",
            json!({"DomainNames": [{"DomainName": "far"}]}),
        ),
        (
            "eu-west-1/opensearch-describe-domains/far",
            json!({"DomainStatusList": [
            {"DomainName": "far", "AccessPolicies": ""}]}),
        ),
        (
            "us-east-1/apigateway-get-rest-apis",
            json!({"items": [
            {"id": "r1", "policy": open.replace('"', "\\\"")}]}),
        ),
        (
            "us-east-1/apigateway-get-resources/r1",
            json!({"items": [
            {"id": "x", "resourceMethods": {"GET": {"authorizationType": "NONE"}}}]}),
        ),
        (
            "us-east-1/apigatewayv2-get-apis",
            json!({"Items": [{"ApiId": "h1"}]}),
        ),
        (
            "us-east-1/apigatewayv2-get-routes/h1",
            json!({"Items": [route("y")]}),
        ),
        (
            "us-east-1/cognito-identity-list-identity-pools",
            json!({"IdentityPools": [
            {"IdentityPoolId": "us-east-1:p"}]}),
        ),
        (
            "us-east-1/cognito-identity-describe-identity-pool/us-east-1%3Ap",
            json!({
            "IdentityPoolId": "us-east-1:p", "AllowUnauthenticatedIdentities": true}),
        ),
        (
            "us-east-1/cognito-identity-get-identity-pool-roles/us-east-1%3Ap",
            json!({
            "IdentityPoolId": "us-east-1:p",
            "Roles": {"unauthenticated": "arn:aws:iam::1:role/x"}}),
        ),
        (
            "global/s3-list-buckets",
            json!({"Buckets": [{"Name": "photos"}]}),
        ),
        (
            "global/s3-get-bucket-location/photos",
            json!({"LocationConstraint": null}),
        ),
        (
            "global/s3-list-objects-v2/photos",
            json!({"Contents": [
            {"Key": "a/b.json", "LastModified": "2026-01-01T00:00:00+00:00"}]}),
        ),
        ("global/s3-get-object-acl/photos%2Fa%2Fb.json", acl.clone()),
        ("global/s3-get-object-acl/elsewhere%2Fc d", acl),
        (
            "global/support-describe-trusted-advisor-checks",
            json!({"checks": [
            {"id": "Pfx0RwqBli", "category": "security"},
            {"id": "x", "category": "fault_tolerance"}]}),
        ),
        (
            "global/support-describe-trusted-advisor-check-result/Pfx0RwqBli",
            json!({"result": {
            "checkId": "Pfx0RwqBli", "resourcesSummary": {"resourcesFlagged": 2}}}),
        ),
    ];
    let mut files: Vec<(&str, String)> = files
        .into_iter()
        .map(|(path, v)| (path, v.to_string()))
        .collect();
    files.push((
        "global/iam-list-organizations-features",
        refusal("ServiceAccessNotEnabledException"),
    ));
    files.push((
        "us-east-1/rds-describe-db-clusters",
        refusal("AccessDenied"),
    ));
    files
}

fn write(home: &Home, files: &[(&str, String)]) {
    for (path, text) in files {
        let path = home.path(&format!("dump/123456789012/{path}.json"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

#[test]
fn a_dump_gives_every_fact_that_the_checks_need() {
    let home = Home::new();
    write(&home, &dump());
    let output = home.run(&["snapshot", "--from", "dump"]);
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{talk}");
    // A call of ECS is not taken for one of EKS.
    assert!(talk.contains("ecs-list-clusters"), "{talk}");
    let flat = home.must(0, &["flat"]);
    let have: BTreeSet<(String, String)> = facts(&flat).into_iter().map(|f| (f.0, f.2)).collect();
    let wanted = [
        ("apigateway:resource", "r1/x"),
        ("apigateway:restapi", "r1"),
        ("apigateway:restapipolicy", "r1"),
        ("apigatewayv2:api", "h1"),
        ("apigatewayv2:route", "h1/y"),
        ("budgets:budget", "month"),
        ("budgets:notification", "month/ACTUAL/GREATER_THAN/80.0"),
        ("ce:anomalymonitor", "arn:m"),
        ("ce:anomalysubscription", "arn:s"),
        ("cloudwatch:alarm", "bill"),
        ("cloudwatch:compositealarm", "both"),
        ("cognito:identitypool", "us-east-1:p"),
        ("cognito:identitypoolroles", "us-east-1:p"),
        ("dms:replicationinstance", "copy"),
        ("ec2:managedprefixlistentry", "pl-1/0.0.0.0/0"),
        ("eks:cluster", "kube"),
        ("iam:organizationsfeatures", "account"),
        ("mq:broker", "b-1"),
        ("opensearch:domain", "far"),
        ("opensearch:domain", "one"),
        ("opensearch:domain", "two"),
        ("opensearch:domainpolicy", "far"),
        ("opensearch:domainpolicy", "one"),
        ("opensearch:domainpolicy", "two"),
        ("redshift:cluster", "house"),
        ("s3:objectacl", "elsewhere/c d"),
        ("s3:objectacl", "photos/a/b.json"),
        ("support:trustedadvisorcheck", "Pfx0RwqBli"),
        ("support:trustedadvisorresult", "Pfx0RwqBli"),
    ];
    for (kind, id) in wanted {
        assert!(
            have.contains(&(kind.into(), id.into())),
            "{kind} {id}\n{flat}"
        );
    }
    assert_eq!(
        have.iter()
            .filter(|f| f.0.starts_with("opensearch:"))
            .count(),
        6
    );
    // A call that was denied is a hole, and one that is not there too; the answer that says "not
    // on" is none.
    for row in [
        "us-east-1\trds:DescribeDBClusters\tdenied",
        "global\tiam:ListOrganizationsFeatures\tok",
        "global\ts3:GetBucketAcl\tcut",
    ] {
        assert!(
            flat.contains(&format!("# coverage\t{row}\t")),
            "{row}\n{flat}"
        );
    }
}

#[test]
fn an_account_without_business_support_is_read_whole() {
    let home = Home::new();
    let refusal = "\nAn error occurred (SubscriptionRequiredException) when calling the \
                   DescribeTrustedAdvisorChecks operation: Premium Support Subscription\n";
    write(
        &home,
        &[(
            "global/support-describe-trusted-advisor-checks",
            refusal.into(),
        )],
    );
    home.must(0, &["snapshot", "--from", "dump"]);
    let flat = home.must(0, &["flat"]);
    let row = |call: &str| flat.lines().find(|l| l.contains(call)).unwrap().to_owned();
    assert!(
        row("support:DescribeTrustedAdvisorChecks").contains("\tok\t"),
        "{flat}"
    );
    assert!(!flat.contains("support:trustedadvisorcheck\t123"), "{flat}");
}

#[test]
fn live_services_and_the_newest_objects_are_read() {
    let Some(venv) = venv("BARTIZAN_VENV") else {
        return;
    };
    let moto = crate::live::moto(&venv);
    let script = root().join("crates/app/tests/live/seed_services.py");
    let output = Command::new(venv.join("bin/python"))
        .arg(script)
        .arg(&moto.url)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let home = Home::with_aws(&moto.url);
    home.must(0, &["snapshot", "--regions", "us-east-1"]);
    let flat = home.must(0, &["flat"]);
    let have: BTreeSet<(String, String)> = facts(&flat).into_iter().map(|f| (f.0, f.2)).collect();
    let seeded = String::from_utf8(output.stdout).unwrap();
    let missing: Vec<&str> = seeded
        .lines()
        .filter(|line| {
            let (kind, id) = line.split_once('\t').unwrap();
            !have.contains(&(kind.to_owned(), id.to_owned()))
        })
        .collect();
    assert!(missing.is_empty(), "{missing:?}\n{flat}");

    // Objects are looked at where their ACLs count, the newest thousand of a bucket; the rest is
    // said.
    let of = |bucket: &str| {
        have.iter()
            .filter(|(kind, id)| kind == "s3:objectacl" && id.starts_with(bucket))
            .count()
    };
    assert_eq!((of("acl-bucket/"), of("many-objects/")), (1, 1000));
    assert_eq!((of("enforced-bucket/"), of("ignoring-bucket/")), (0, 0));
    let unread: Vec<&str> = flat
        .lines()
        .filter_map(|l| l.strip_prefix("# unread\t"))
        .filter(|l| l.contains("-bucket") || l.contains("many-"))
        .collect();
    assert!(
        unread.len() == 1 && unread[0].ends_with("many-objects/"),
        "{unread:?}"
    );
    let why = flat
        .lines()
        .find(|l| l.contains("s3:ListObjectsV2"))
        .unwrap();
    assert!(
        why.contains("the newest 1000 of 1006 were looked at"),
        "{why}"
    );

    // A private object that comes is no news; one that anybody may read is.
    let put = |key: &str, acl: &str| {
        let text = format!(
            "import boto3; boto3.client('s3', endpoint_url='{}', region_name='us-east-1', \
             aws_access_key_id='t', aws_secret_access_key='t').put_object(Bucket='acl-bucket', \
             Key='{key}', Body=b'x', ACL='{acl}')",
            moto.url
        );
        let status = Command::new(venv.join("bin/python"))
            .args(["-c", &text])
            .status();
        assert!(status.unwrap().success());
    };
    put("private", "private");
    put("leak", "public-read");
    home.must(0, &["snapshot", "--regions", "us-east-1"]);
    let diff = home.json(&["diff"]);
    let changed: Vec<String> = diff["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| format!("{} {} {}", c["verdict"], c["kind"], c["id"]).replace('"', ""))
        .collect();
    assert_eq!(changed, ["added s3:objectacl acl-bucket/leak"], "{diff}");
}
