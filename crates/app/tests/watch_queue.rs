//! Watching with a queue and a bucket on moto: nothing is lost and nothing doubled, whatever is
//! killed and however receivers fail.

use std::fs;

use crate::common::{Home, venv};
use crate::live::moto;
use crate::queue::boto;
use crate::watch::{copy, home_with, state, without_digests};
use crate::watch_live::{LiveProcess, rows, until};

/// Makes bucket and queue, with notifications from one to the other, and puts the example's logs.
const SETUP: &str = "
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
fn ids(home: &Home) -> (Vec<String>, Vec<String>) {
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
