//! Queues and prefixes of S3, against moto.

use bartizan_cloud::bucket::S3Folder;
use bartizan_cloud::live::Identity;
use bartizan_cloud::model::Model;
use bartizan_cloud::prefix::{LookTime, PrefixLook, PrefixMarker};
use bartizan_cloud::queue::{Queue, changed_attributes};
use bartizan_trail::notice::{Notice, notices};
use serde_json::Value;

use crate::common::{shared, venv};
use crate::live::moto;

/// Runs Python with `boto3` against a server; prints become JSON.
pub(crate) fn boto(venv: &std::path::Path, url: &str, code: &str) -> Value {
    let head = format!(
        "import boto3, json\ndef client(name): return boto3.client(name, endpoint_url={url:?}, \
        region_name='eu-west-1', aws_access_key_id='a', aws_secret_access_key='b')\n"
    );
    let output = std::process::Command::new(venv.join("bin/python"))
        .args(["-c", &format!("{head}{code}")])
        .output()
        .unwrap();
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{talk}");
    serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
}

/// Runs this test once more in a process of its own, whose AWS is the server: endpoints and
/// credentials come from the environment, which threads share.
fn again_with(test: &str, variable: &str, url: &str, more: &[(&str, &str)]) {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(variable, url)
        .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "canary-secret-key")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(more.iter().copied())
        .output()
        .unwrap();
    let talk = String::from_utf8_lossy(&output.stderr);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{variable}\n{text}\n{talk}");
}

fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

#[test]
fn messages_are_received_kept_hidden_and_deleted() {
    if let Ok(url) = std::env::var("TEST_QUEUE") {
        return block(receives(&url));
    }
    let Some(venv) = venv("BARTIZAN_VENV") else {
        return;
    };
    for variable in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS"] {
        let moto = moto(&venv);
        let code = "q = client('sqs')\nurl = q.create_queue(QueueName='bartizan')['QueueUrl']\n\
            for n in range(23): q.send_message(QueueUrl=url, MessageBody=f'm{n:02} + é')\n\
            print(json.dumps(url))";
        boto(&venv, &moto.url, code);
        // As the configuration names it: the host says the region, the endpoint where to go.
        let url = "https://sqs.eu-west-1.amazonaws.com/123456789012/bartizan";
        let test = "queue::messages_are_received_kept_hidden_and_deleted";
        again_with(test, variable, &moto.url, &[("TEST_QUEUE", url)]);
    }
}

async fn receives(url: &str) {
    let queue = Queue::open(&Model::builtin(), url, None).await.unwrap();
    let about = queue.attributes().await.unwrap();
    assert_eq!((about.waiting_count, about.in_flight_count), (23, 0));
    assert_eq!(about.arn, "arn:aws:sqs:eu-west-1:123456789012:bartizan");
    let first = queue.receive(10, 0, 600).await.unwrap();
    assert_eq!(first.len(), 10);
    assert_eq!(first[0].received_count, 1);
    assert!(first[0].sent_ms.unwrap() > 1_700_000_000_000);
    assert!(first[0].body.starts_with('m') && first[0].body.ends_with(" + é"));
    let handles: Vec<&str> = first.iter().map(|m| m.handle.as_str()).collect();
    assert_eq!(queue.extend(&handles[..1], 1200).await.unwrap(), []);
    // 0 seconds: shown again at once, and received a second time.
    assert_eq!(queue.extend(&handles[9..], 0).await.unwrap(), []);
    assert_eq!(queue.delete(&handles[..9]).await.unwrap(), []);
    let mut rest = Vec::new();
    loop {
        let some = queue.receive(10, 0, 600).await.unwrap();
        if some.is_empty() {
            break;
        }
        rest.extend(some);
    }
    assert_eq!(rest.len(), 14);
    let twice = rest.iter().find(|m| m.id == first[9].id).unwrap();
    assert_eq!(twice.received_count, 2);
    let after = queue.attributes().await.unwrap();
    assert_eq!((after.waiting_count, after.in_flight_count), (0, 14));
    assert!(changed_attributes(&about, &after).is_empty());
    let handles: Vec<&str> = rest.iter().map(|m| m.handle.as_str()).collect();
    assert_eq!(queue.delete(&handles).await.unwrap(), []);
    assert_eq!(queue.attributes().await.unwrap().in_flight_count, 0);
    // Nothing there: long polling waits.
    let begun = std::time::Instant::now();
    assert_eq!(queue.receive(10, 1, 60).await.unwrap(), []);
    assert!(begun.elapsed().as_millis() >= 900);
    let gone = url.replace("bartizan", "gone");
    let gone = Queue::open(&Model::builtin(), &gone, None).await.unwrap();
    let error = gone.receive(1, 0, 60).await.unwrap_err();
    // AWS says `AWS.SimpleQueueService.NonExistentQueue`, the protocol `QueueDoesNotExist`.
    let gone = ["NonExistentQueue", "QueueDoesNotExist"];
    assert!(gone.iter().any(|c| error.code.contains(c)), "{error:?}");
}

#[test]
fn a_prefix_is_listed_from_the_last_look_on() {
    if let Ok(url) = std::env::var("TEST_PREFIX") {
        return looks(&url);
    }
    let Some(venv) = venv("BARTIZAN_VENV") else {
        return;
    };
    let moto = moto(&venv);
    // Three years of two accounts and two regions, digests beside them.
    let code = "s = client('s3')\n\
        s.create_bucket(Bucket='logs', CreateBucketConfiguration={'LocationConstraint': \
        'eu-west-1'})\n\
        for y in ('2024', '2025', '2026'):\n \
        for m in ('01', '02', '03'):\n  \
        for d in ('08', '09', '10'):\n   \
        for a in ('111122223333', '444455556666'):\n    \
        for r in ('eu-west-1', 'us-east-1'):\n     \
        s.put_object(Bucket='logs', Key=f'p/AWSLogs/o-a1/{a}/CloudTrail/{r}/{y}/{m}/{d}/x.gz', \
        Body=b'x')\n";
    boto(&venv, &moto.url, code);
    let test = "queue::a_prefix_is_listed_from_the_last_look_on";
    let more = [
        ("TEST_PREFIX", "s3://logs/p"),
        ("TEST_VENV", venv.to_str().unwrap()),
    ];
    again_with(test, "AWS_ENDPOINT_URL", &moto.url, &more);
}

fn looks(url: &str) {
    let place = std::env::var("AWS_ENDPOINT_URL").unwrap();
    let venv = std::path::PathBuf::from(std::env::var("TEST_VENV").unwrap());
    let put = |key: &str, body: &str| {
        let code = format!("client('s3').put_object(Bucket='logs', Key={key:?}, Body={body:?})");
        boto(&venv, &place, &code);
    };
    let folder = S3Folder::open(&Model::builtin(), url, &Identity::default()).unwrap();
    let mut marker = PrefixMarker::default();
    let at = |now: &str, discover: bool| LookTime {
        now: now.parse().unwrap(),
        since: "2026-03-09T00:00:00Z".parse().unwrap(),
        days_back: 1,
        discover,
    };
    let keys = |look: PrefixLook| -> Vec<String> {
        assert_eq!((&look.failed[..], look.is_cut), (&[][..], false));
        look.new.into_iter().map(|o| o.key).collect()
    };
    let first = folder.look(&mut marker, at("2026-03-10T12:00:00Z", true));
    assert_eq!((first.new.len(), first.listed_count), (8, 8), "{first:?}");
    assert!(
        first
            .new
            .iter()
            .all(|o| o.bytes == 1 && o.entity_tag.is_some())
    );
    assert_eq!(marker.places().count(), 4);
    let quiet = folder.look(&mut marker, at("2026-03-10T12:05:00Z", false));
    assert_eq!((quiet.new.len(), quiet.listed_count), (0, 8));
    let base = "p/AWSLogs/o-a1/111122223333/CloudTrail/eu-west-1/2026/03";
    // Late in the day before, today, before the others of its day, overwritten, and a new region.
    let late = format!("{base}/09/a.gz");
    let today = format!("{base}/10/a.gz");
    let overwritten = format!("{base}/10/x.gz");
    for key in [&late, &today, &overwritten] {
        put(key, "yy");
    }
    let elsewhere = base.replace("eu-west-1", "ap-south-1") + "/10/x.gz";
    put(&elsewhere, "x");
    let text = serde_json::to_string(&marker).unwrap();
    let mut marker: PrefixMarker = serde_json::from_str(&text).unwrap();
    let found = keys(folder.look(&mut marker, at("2026-03-10T12:10:00Z", false)));
    assert_eq!(found, [&*late, &*today, &*overwritten]);
    let found = keys(folder.look(&mut marker, at("2026-03-10T12:15:00Z", true)));
    assert_eq!(found, [&*elsewhere]);
    // Off for two days: what came meanwhile is found, and old days are listed no more.
    put(&format!("{base}/11/x.gz"), "x");
    put(&format!("{base}/13/x.gz"), "x");
    let found = keys(folder.look(&mut marker, at("2026-03-13T00:01:00Z", false)));
    assert_eq!(
        found,
        [format!("{base}/11/x.gz"), format!("{base}/13/x.gz")]
    );
    let quiet = folder.look(&mut marker, at("2026-03-13T00:06:00Z", false));
    assert_eq!((quiet.new.len(), quiet.listed_count), (0, 1));
    // A prefix that names a month itself.
    let month = S3Folder::open(
        &Model::builtin(),
        &format!("s3://logs/{base}"),
        &Identity::default(),
    );
    let mut marker = PrefixMarker::default();
    let found = month
        .unwrap()
        .look(&mut marker, at("2026-03-13T00:01:00Z", true));
    assert_eq!(found.new.len(), 7, "{found:?}");
}

#[test]
fn real_events_of_eventbridge_say_what_they_are() {
    let Some(folder) = shared("data/cloudtrail/eventbridge") else {
        return;
    };
    let (mut records, mut findings, mut others) = (0, 0, 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let kind = serde_json::from_str::<Value>(&text).unwrap()["detail-type"].clone();
        let kind = kind.as_str().unwrap_or_default();
        let said = notices(&text);
        assert_eq!(said.len(), 1, "{}", path.display());
        match &said[0] {
            Notice::Record(record) => {
                records += 1;
                let record: Value = serde_json::from_str(record).unwrap();
                assert!(record["eventName"].is_string());
                // Some samples are records without an envelope.
                assert!(
                    kind.is_empty() || kind.ends_with("via CloudTrail"),
                    "{kind}"
                );
            }
            Notice::Finding(_) => {
                findings += 1;
                assert!(kind.contains("Finding"), "{kind}");
            }
            Notice::Unknown(_) => {
                others += 1;
                assert!(
                    !kind.contains("Finding") && !kind.contains("CloudTrail"),
                    "{kind}"
                );
            }
            other => panic!("{}: {other:?}", path.display()),
        }
    }
    assert!(
        records >= 10 && findings >= 5,
        "{records} {findings} {others}"
    );
}
