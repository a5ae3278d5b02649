//! Watching with a queue and a bucket on moto: nothing is lost and nothing doubled, whatever is
//! killed and however receivers fail.

use std::fs;

use serde_json::Value;

use crate::common::{Home, root, venv};
use crate::live::moto;
use crate::queue::boto;
use crate::watch::{copy, home_with, state, without_digests};
use crate::watch_live::{LiveProcess, rows, until};

/// Makes bucket and queue, with notifications from one to the other, and puts the example's logs.
pub(crate) const SETUP: &str = "
import os, json
s3, sqs = client('s3'), client('sqs')
q = sqs.create_queue(QueueName='bartizan', Attributes={'VisibilityTimeout': '5'})['QueueUrl']
arn = sqs.get_queue_attributes(QueueUrl=q, AttributeNames=['QueueArn'])['Attributes']['QueueArn']
s3.create_bucket(Bucket='logs', CreateBucketConfiguration={'LocationConstraint': 'eu-west-1'})
s3.put_bucket_notification_configuration(Bucket='logs', NotificationConfiguration={
  'QueueConfigurations': [{'QueueArn': arn, 'Events': ['s3:ObjectCreated:*']}]})
print(json.dumps(q))
";

/// Puts the files under a folder, in an order of its own.
const PUT: &str = "
import os, random
s3 = client('s3')
names = [os.path.relpath(os.path.join(d, f), ROOT) for d, _, fs in os.walk(ROOT) for f in fs]
random.Random(SEED).shuffle(names)
for name in names:
    s3.put_object(Bucket='logs', Key=name, Body=open(os.path.join(ROOT, name), 'rb').read())
print(len(names))
";

pub(crate) const QUEUE: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/bartizan";

/// Finding ids, and incident ids.
pub(crate) fn ids(home: &Home) -> (Vec<String>, Vec<String>) {
    let state = state(home);
    let ids = |table: &str| -> Vec<String> {
        let rows = state[table].iter();
        rows.map(|r| r.split(' ').next().unwrap().to_owned())
            .collect()
    };
    (ids("finding"), ids("incident"))
}

#[test]
fn objects_that_a_queue_names_are_watched() {
    let Some(venv) = venv("BARTIZAN_VENV") else {
        return;
    };
    let moto = moto(&venv);
    boto(&venv, &moto.url, SETUP);
    let clean = home_with("heist");
    without_digests(&clean);
    fs::remove_dir_all(clean.path("in/bill")).unwrap();
    clean.json(&["watch", "--once", "in"]);
    let home = Home::with_aws(&moto.url);
    copy(
        &clean.path("in/config"),
        &home.path("config"),
        &mut |name| vec![name.to_owned()],
    );
    let own = fs::read_to_string(clean.path("in/bartizan.toml")).unwrap();
    let own = own.replace("sources = [\"trail\"]", &format!("queues = [\"{QUEUE}\"]"));
    fs::write(home.path("bartizan.toml"), own).unwrap();
    let live = LiveProcess::start(&home, &[]);
    let root = clean.path("in/trail");
    let put = format!("ROOT, SEED = {:?}, 7\n{PUT}", root.display().to_string());
    let count = boto(&venv, &moto.url, &put).as_i64().unwrap();
    until("all objects", || rows(&home, "object") >= count);
    let theirs = ids(&clean);
    until("the same findings", || ids(&home).1 == theirs.1);
    assert_eq!(ids(&home), theirs);
    let left = "sqs = client('sqs')\nq = sqs.get_queue_url(QueueName='bartizan')['QueueUrl']\n\
        a = sqs.get_queue_attributes(QueueUrl=q, AttributeNames=['All'])['Attributes']\n\
        print(json.dumps([int(a['ApproximateNumberOfMessages']), \
        int(a['ApproximateNumberOfMessagesNotVisible'])]))";
    until("an empty queue", || {
        boto(&venv, &moto.url, left) == serde_json::json!([0, 0])
    });
    live.stop();
}

/// Sends the records of a trail file as EventBridge sends them, one message each.
const SEND: &str = "
sqs = client('sqs')
q = sqs.get_queue_url(QueueName='bartizan')['QueueUrl']
for n, record in enumerate(json.load(open(FILE))['Records']):
    sqs.send_message(QueueUrl=q, MessageBody=json.dumps({
        'version': '0', 'id': f'e{n}', 'detail-type': 'AWS API Call via CloudTrail',
        'source': 'aws.iam', 'account': '123456789012', 'time': record['eventTime'],
        'region': 'us-east-1', 'resources': [], 'detail': record}))
";

/// A call that changes a fact is in the log, and read at once: who can do what now is known in
/// seconds, without a full snapshot.
#[test]
fn a_call_makes_its_facts_be_read_again() {
    let Some(venv) = venv("BARTIZAN_VENV") else {
        return;
    };
    let moto = moto(&venv);
    boto(&venv, &moto.url, SETUP);
    let home = Home::with_aws(&moto.url);
    let escalate = |step: &str| {
        let script = root().join("crates/app/tests/live/escalate.py");
        let status = std::process::Command::new(venv.join("bin/python"))
            .arg(script)
            .args([step, &moto.url])
            .arg(home.path("aside"))
            .status();
        assert!(status.unwrap().success(), "{step}");
        let file = home.path("aside").join(format!("{step}.json"));
        let send = format!("FILE = {:?}\n{SEND}", file.display().to_string());
        boto(&venv, &moto.url, &send);
    };
    fs::create_dir(home.path("aside")).unwrap();
    let config = format!(
        "[[account]]\nregions = [\"us-east-1\"]\n[trail]\nqueues = [\"{QUEUE}\"]\n\
        [watch]\nsnapshot_minutes = 600\n"
    );
    fs::write(home.path("bartizan.toml"), config).unwrap();
    escalate("before");
    let live = LiveProcess::start(&home, &[]);
    let snapshots = || {
        // There is no store before the first one.
        let output = home.run(&["snapshots", "--format", "ndjson"]);
        String::from_utf8_lossy(&output.stdout).lines().count()
    };
    until("a whole snapshot", || {
        snapshots() == 1 && rows(&home, "object") == 1
    });
    escalate("escalate");
    let grown = || -> Option<Value> {
        let connection = rusqlite::Connection::open(home.path("bartizan-store/state.sqlite"));
        let mut statement = connection
            .as_ref()
            .unwrap()
            .prepare("select json from finding")
            .unwrap();
        let rows = statement
            .query_map([], |row| row.get::<_, String>(0))
            .unwrap();
        let rows = rows.map(|text| serde_json::from_str::<Value>(&text.unwrap()).unwrap());
        rows.into_iter().find(|f| {
            f["rule"] == "changed"
                && f["summary"]
                    .as_str()
                    .unwrap()
                    .contains("iam:userpolicy mallory/own")
        })
    };
    let start = std::time::Instant::now();
    until("the change is told", || grown().is_some());
    println!("told {:.1} s after the call", start.elapsed().as_secs_f64());
    let finding = grown().unwrap();
    let summary = finding["summary"].as_str().unwrap();
    assert!(
        summary.contains("by user mallory from 198.51.100.23, iam:PutUserPolicy")
            && summary.contains("can now do everything"),
        "{summary}"
    );
    assert_eq!(finding["severity"], "critical");
    live.stop();
    // The second snapshot has what the first one had, and only IAM was asked again.
    assert_eq!(snapshots(), 2);
    let differs = home.json(&["diff"]);
    let kinds: std::collections::BTreeSet<&str> = differs["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds.into_iter().collect::<Vec<_>>(),
        ["iam:accesskey", "iam:userpolicy"]
    );
}
