//! Is the alarm on: `bartizan status`, `/healthz`, `/metrics` and systemd agree with the watch.

use std::io::{Read, Write};
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::common::{Home, free_port, venv};
use crate::live::moto;
use crate::watch::home_with;

fn get(port: u16, path: &str) -> Option<(u16, String)> {
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"
    )
    .ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    let status = text.split(' ').nth(1)?.parse().ok()?;
    Some((status, text.split_once("\r\n\r\n")?.1.to_owned()))
}

#[test]
fn status_health_and_systemd_say_whether_the_alarm_is_on() {
    let home = home_with("heist");
    assert!(home.must(1, &["status"]).contains("THE ALARM IS OFF"));
    let port = free_port();
    let file = home.path("in/bartizan.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let watch = format!("\n[watch]\nhealth = \"127.0.0.1:{port}\"\n");
    std::fs::write(&file, text + &watch).unwrap();
    let socket = home.path("notify");
    let systemd = UnixDatagram::bind(&socket).unwrap();
    systemd
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let heard = || {
        let mut bytes = [0; 128];
        let n = systemd.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..n]).into_owned()
    };
    let mut child = home
        .command(&["watch", "in"])
        .env("NOTIFY_SOCKET", &socket)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    assert_eq!(heard(), "READY=1");
    let (status, body) = get(port, "/healthz").unwrap();
    assert_eq!(status, 200, "{body}");
    let (_, metrics) = get(port, "/metrics").unwrap();
    assert!(metrics.contains("\nbartizan_up 1\n"), "{metrics}");
    let account = "bartizan_newest_event_age_seconds{account=\"111122223333\"";
    assert!(metrics.contains(account), "{metrics}");
    // The trail ended long ago: it runs, and is blind, and says since when.
    let end = Instant::now() + Duration::from_secs(20);
    let status = loop {
        let output = home.run(&["status", "--format", "json"]);
        if output.status.code() == Some(11) {
            break serde_json::from_slice::<Value>(&output.stdout).unwrap();
        }
        assert!(Instant::now() < end, "{output:?}");
        std::thread::sleep(Duration::from_millis(200));
    };
    assert_eq!(status["state"], "partly");
    let spots = status["blind_spots"].as_array().unwrap();
    let silent = spots.iter().find(|s| s["kind"] == "silent").unwrap();
    assert_eq!(silent["account"], "111122223333");
    assert!(
        silent["since"].as_str().unwrap().starts_with("2026-03-1"),
        "{silent}"
    );
    assert_eq!(status["health"]["counts"]["incidents"], 1);
    let screen = home.must(11, &["status"]);
    assert!(
        screen.starts_with("the alarm is on, and blind in"),
        "{screen}"
    );
    assert!(
        screen.contains("111122223333 us-east-1: no event"),
        "{screen}"
    );
    kill(
        Pid::from_raw(child.id().try_into().unwrap()),
        Signal::SIGTERM,
    )
    .unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(heard(), "STOPPING=1");
    let screen = home.must(1, &["status"]);
    assert!(screen.contains("the watch was stopped"), "{screen}");
    assert!(get(port, "/healthz").is_none());
}

#[test]
fn health_is_served_on_loopback_only() {
    let home = home_with("quiet");
    let file = home.path("in/bartizan.toml");
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    std::fs::write(&file, text + "\n[watch]\nhealth = \"0.0.0.0:9646\"\n").unwrap();
    let talk = home.fails(1, &["watch", "in"]);
    assert!(talk.contains("no loopback address"), "{talk}");
}

#[test]
fn a_canary_is_missed_and_then_seen() {
    let Some(venv) = venv("BARTIZAN_VENV") else {
        return;
    };
    let moto = moto(&venv);
    let home = Home::with_aws(&moto.url);
    let trail = home.path("trail");
    std::fs::create_dir_all(&trail).unwrap();
    let record = |id: u32, agent: &str| {
        let record = json!({"Records": [{
            "eventVersion": "1.11", "eventTime": jiff::Timestamp::now().to_string(),
            "eventID": format!("{id:08}-0000-4000-8000-000000000000"), "eventType": "AwsApiCall",
            "eventSource": "sts.amazonaws.com", "eventName": "GetCallerIdentity",
            "awsRegion": "eu-west-1", "recipientAccountId": "123456789012", "readOnly": true,
            "sourceIPAddress": "192.0.2.1", "userAgent": agent, "managementEvent": true,
            "userIdentity": {"type": "IAMUser", "accountId": "123456789012", "userName": "audit",
                "arn": "arn:aws:iam::123456789012:user/audit", "accessKeyId": "AKIAAUDIT"},
            "requestParameters": null, "responseElements": null, "eventCategory": "Management",
        }]});
        let unfinished = home.path("unfinished");
        std::fs::write(&unfinished, record.to_string()).unwrap();
        std::fs::rename(unfinished, trail.join(format!("{id}.json"))).unwrap();
    };
    record(1, "aws-cli/2");
    let config = "[[account]]\nregions = [\"us-east-1\"]\n[trail]\nsources = [\"trail\"]\n[watch]\n\
        canary_minutes = 60\ncanary_regions = [\"eu-west-1\"]\ncanary_delay_minutes = 0\n\
        [output]\nfindings = \"findings.ndjson\"\n";
    std::fs::write(home.path("bartizan.toml"), config).unwrap();
    let log = std::fs::File::create(home.path("log")).unwrap();
    let mut child = home
        .command(&["watch"])
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    let wait = |what: &str, is: &dyn Fn() -> bool| {
        let end = Instant::now() + Duration::from_secs(120);
        while !is() {
            let log = || std::fs::read_to_string(home.path("log")).unwrap();
            let health = || std::fs::read_to_string(home.path("bartizan-store/health.json"));
            assert!(Instant::now() < end, "{what}: {} {:?}", log(), health());
            std::thread::sleep(Duration::from_millis(200));
        }
    };
    let canary = || -> Option<Value> {
        let text = std::fs::read(home.path("bartizan-store/health.json")).ok()?;
        let health: Value = serde_json::from_slice(&text).ok()?;
        Some(health["canaries"][0].clone())
    };
    let open = || Some(canary()?["open"].as_object()?.keys().next()?.clone());
    wait("sent", &|| open().is_some());
    let found = || std::fs::read_to_string(home.path("findings.ndjson")).unwrap_or_default();
    wait("a finding", &|| found().contains("watch-canary"));
    record(2, &format!("bartizan/0.1.0 canary/{}", open().unwrap()));
    wait("seen", &|| {
        canary().is_some_and(|c| c["seen_s"].is_i64() && open().is_none())
    });
    wait("over", &|| !found().contains("watch-canary"));
    kill(
        Pid::from_raw(child.id().try_into().unwrap()),
        Signal::SIGTERM,
    )
    .unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_call_on_our_own_queue_is_a_finding() {
    let home = Home::new();
    std::fs::create_dir_all(home.path("trail")).unwrap();
    let record = |id: u32, name: &str, url: &str| {
        json!({
            "eventVersion": "1.11", "eventTime": "2026-03-10T02:05:00Z",
            "eventID": format!("{id:08}-0000-4000-8000-000000000000"), "eventType": "AwsApiCall",
            "eventSource": "sqs.amazonaws.com", "eventName": name, "readOnly": false,
            "awsRegion": "eu-west-1", "recipientAccountId": "111122223333",
            "sourceIPAddress": "192.0.2.1", "userAgent": "aws-cli/2", "managementEvent": true,
            "userIdentity": {"type": "IAMUser", "accountId": "111122223333", "userName": "mal",
                "arn": "arn:aws:iam::111122223333:user/mal", "accessKeyId": "AKIAMAL"},
            "requestParameters": {"queueUrl": url}, "responseElements": null,
            "eventCategory": "Management",
        })
    };
    let ours = "https://sqs.eu-west-1.amazonaws.com/111122223333/feed";
    let old = "https://eu-west-1.queue.amazonaws.com/111122223333/feed";
    let other = "https://sqs.eu-west-1.amazonaws.com/111122223333/orders";
    let records = [
        record(1, "PurgeQueue", old),
        record(2, "SetQueueAttributes", other),
        record(3, "SetQueueAttributes", ours),
        record(4, "ListQueueTags", ours),
    ];
    let file = json!({ "Records": records }).to_string();
    std::fs::write(home.path("trail/1.json"), file).unwrap();
    let config = format!("[trail]\nsources = [\"trail\"]\nqueues = [\"{ours}\"]\n");
    std::fs::write(home.path("bartizan.toml"), config).unwrap();
    let watched = home.json(&["watch", "--once"]);
    let found: Vec<&Value> = watched["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|f| {
            f["title"]
                .as_str()
                .unwrap()
                .contains("queue that feeds this alarm")
        })
        .collect();
    let calls: u64 = found.iter().map(|f| f["count"].as_u64().unwrap()).sum();
    assert_eq!(calls, 2, "{found:#?}");
    assert_eq!(
        (&found[0]["stage"], &found[0]["severity"]),
        (&json!("blind"), &json!("high"))
    );
}
