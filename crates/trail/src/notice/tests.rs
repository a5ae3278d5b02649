use serde_json::{Value, json};

use super::*;

const KEY: &str = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/10/a b+c.json.gz";

fn only(body: &Value) -> Notice {
    let mut all = notices(&body.to_string());
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

fn s3_record(event: &str, key: &str) -> Value {
    json!({
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "eu-west-1",
        "eventTime": "2026-03-10T02:05:00.000Z", "eventName": event,
        "s3": {"bucket": {"name": "logs"}, "object": {"key": key, "size": 7, "eTag": "e1",
            "versionId": "v1", "sequencer": "0055AED6DCD90281E5"}},
    })
}

#[test]
fn s3_notifications_say_the_same_in_every_envelope() {
    let encoded = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/10/a+b%2Bc.json.gz";
    let direct = json!({"Records": [s3_record("ObjectCreated:Put", encoded)]});
    let wrapped = json!({"Type": "Notification", "TopicArn": "arn:aws:sns:eu-west-1:1:t",
        "Subject": "Amazon S3 Notification", "Message": direct.to_string()});
    let lambda = json!({"Records": [{"EventSource": "aws:sns",
        "Sns": {"Message": direct.to_string()}}]});
    let bridge = json!({"version": "0", "id": "1", "detail-type": "Object Created",
        "source": "aws.s3", "time": "2026-03-10T02:05:00.000Z", "region": "eu-west-1",
        "detail": {"bucket": {"name": "logs"}, "object": {"key": KEY, "size": 7, "etag": "e1",
            "version-id": "v1", "sequencer": "0055AED6DCD90281E5"}, "reason": "PutObject"}});
    for body in [direct, wrapped, lambda, bridge] {
        let Notice::Object(object) = only(&body) else {
            panic!("{body}")
        };
        let expected = ObjectNotice {
            bucket: "logs".into(),
            key: KEY.into(),
            change: ObjectChange::Written,
            version: Some("v1".into()),
            entity_tag: Some("e1".into()),
            bytes: Some(7),
            sequencer: Some("0055AED6DCD90281E5".into()),
            time: Some("2026-03-10T02:05:00.000Z".into()),
        };
        assert_eq!(object, expected, "{body}");
    }
}

#[test]
fn deleted_objects_and_several_in_one_message() {
    let records = [
        s3_record("s3:ObjectRemoved:DeleteMarkerCreated", "a"),
        s3_record("LifecycleExpiration:Delete", "b"),
        s3_record("ObjectTagging:Put", "c"),
        s3_record("ObjectCreated:Copy", "%FF"),
        json!(null),
    ];
    let all = notices(&json!({ "Records": records }).to_string());
    let change = |n: &Notice| match n {
        Notice::Object(o) => Some(o.change),
        _ => None,
    };
    let deleted = Some(ObjectChange::Deleted);
    let changes: Vec<_> = all.iter().map(change).collect();
    assert_eq!(changes, [deleted, deleted, None, None, None]);
    let event = "ObjectTagging:Put".to_owned();
    assert_eq!(
        all[2],
        Notice::Unknown(UnknownNotice::OtherChange { event })
    );
    assert_eq!(all[3], Notice::Unknown(UnknownNotice::NoObject));
    assert_eq!(all[4], Notice::Unknown(UnknownNotice::NotJson));
}

#[test]
fn the_test_event_and_the_notification_of_cloudtrail() {
    let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "logs"});
    assert_eq!(only(&test), Notice::Test);
    let inner = json!({"s3Bucket": "logs", "s3ObjectKey": [KEY, "d", 3]});
    let body = json!({"Type": "Notification", "TopicArn": "t", "Message": inner.to_string()});
    let all = notices(&body.to_string());
    let keys: Vec<&str> = all
        .iter()
        .filter_map(|n| match n {
            Notice::Object(o) => Some(o.key.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!((keys, all.len()), (vec![KEY, "d"], 3));
}

#[test]
fn records_of_eventbridge_keep_their_text() {
    // Numbers and order as they were written.
    let record = r#"{"eventVersion":"1.09","z":1.50,"eventTime":"t","eventID":"i","a":[1e3]}"#;
    for kind in [
        "AWS API Call",
        "AWS Console Sign In",
        "AWS Service Event",
        "AWS Insight",
    ] {
        let body = format!(
            r#"{{"detail-type":"{kind} via CloudTrail","source":"aws.iam","detail": {record} }}"#
        );
        assert_eq!(notices(&body), [Notice::Record(record.to_owned())]);
    }
    assert_eq!(notices(record), [Notice::Record(record.to_owned())]);
    let file = format!(r#"{{"Records":[{record},{record}]}}"#);
    assert_eq!(notices(&file).len(), 2);
}

#[test]
fn findings_keep_their_envelope_and_the_rest_is_named() {
    let finding = json!({"source": "aws.guardduty", "detail-type": "GuardDuty Finding",
        "detail": {"type": "t"}});
    assert_eq!(only(&finding), Notice::Finding(finding.to_string()));
    let bare = json!({"SchemaVersion": "2018-10-08", "ProductArn": "p", "AwsAccountId": "1"});
    assert_eq!(only(&bare), Notice::Finding(bare.to_string()));
    let other = json!({"source": "aws.ec2", "detail-type": "EC2 Instance State-change \
        Notification", "detail": {}});
    assert!(matches!(
        only(&other),
        Notice::Unknown(UnknownNotice::OtherEvent { .. })
    ));
    for (body, why) in [
        ("", UnknownNotice::NotJson),
        ("[]", UnknownNotice::NotJson),
        ("{}", UnknownNotice::OtherShape),
        (r#"{"Records":[]}"#, UnknownNotice::OtherShape),
        (r#"{"Records":7}"#, UnknownNotice::OtherShape),
    ] {
        assert_eq!(notices(body), [Notice::Unknown(why)], "{body}");
    }
}

#[test]
fn hostile_messages_are_bounded() {
    let mut body = "{}".to_owned();
    for _ in 0..8 {
        body = json!({"TopicArn": "t", "Message": body}).to_string();
    }
    assert_eq!(notices(&body), [Notice::Unknown(UnknownNotice::TooDeep)]);
    let nested = format!(r#"{{"Records":{}"#, "[".repeat(100_000));
    assert_eq!(notices(&nested), [Notice::Unknown(UnknownNotice::NotJson)]);
    let many = json!({"Records": vec![s3_record("ObjectCreated:Put", "k"); 2500]}).to_string();
    let all = notices(&many);
    assert_eq!(
        all.last(),
        Some(&Notice::Unknown(UnknownNotice::TooMany { left_out: 500 }))
    );
    assert!(matches!(
        notices(&" ".repeat(2 << 20))[..],
        [Notice::Unknown(UnknownNotice::TooLarge { .. })]
    ));
}
