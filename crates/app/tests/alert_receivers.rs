//! Real receivers: each gets the incident of the heist and shows its text.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::alerts::watching;
use crate::common::{Home, Server, free_port, root, venv};
use crate::live::moto;

/// A program of Debian, or one line that says it is absent.
fn program(name: &str) -> Option<PathBuf> {
    let folders = ["/usr/bin", "/usr/sbin"].map(Path::new);
    let found = folders.iter().map(|f| f.join(name)).find(|p| p.is_file());
    if found.is_none() {
        eprintln!("skipped: {name} is not installed; cargo xtask test installs it");
    }
    found
}

fn python(venv: &Path, args: &[&str]) -> String {
    let script = root().join("crates/app/tests/alerts/receivers.py");
    let output = Command::new(venv.join("bin/python"))
        .arg(script)
        .args(args)
        .output()
        .unwrap();
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}\n{problem}");
    String::from_utf8(output.stdout).unwrap()
}

/// Beginning of a headline, which titles that are cut have too.
fn shown(headline: &str) -> &str {
    let end = headline.char_indices().nth(60);
    end.map_or(headline, |(at, _)| &headline[..at])
}

/// Watches and gives the incident's headline and the keys that were sent to a sink.
fn watch(home: &Home, sink: &str) -> (String, Vec<String>) {
    let watched = home.json(&["watch", "--once"]);
    let list = home.json(&["alerts", "list", "--sink", sink, "--limit", "1000"]);
    let alerts = list["alerts"].as_array().unwrap();
    assert!(!alerts.is_empty());
    for alert in alerts {
        let settled = alert["state"] == "sent" || alert["state"] == "folded";
        assert!(settled, "{alert}");
    }
    let keys = alerts
        .iter()
        .filter(|a| a["state"] == "sent")
        .map(|a| a["key"].as_str().unwrap().to_owned())
        .collect();
    let headline = watched["incidents"][0]["headline"].as_str().unwrap();
    (headline.to_owned(), keys)
}

#[test]
fn alertmanager_of_debian_fires_for_the_incident() {
    let Some(program) = program("prometheus-alertmanager") else {
        return;
    };
    let home = Home::new();
    let config = home.path("alertmanager.yml");
    std::fs::write(
        &config,
        "route: {receiver: none}\nreceivers: [{name: none}]\n",
    )
    .unwrap();
    let port = free_port();
    let mut command = Command::new(program);
    command
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.path={}", home.path("am").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .arg("--cluster.listen-address=");
    let server = Server::start(command, port);
    watching(
        &home,
        &format!(
            "[[sink]]\nmin_severity = \"low\"\n\
            type = \"alertmanager\"\nurl = \"{}\"\nallow_private = true\n",
            server.url
        ),
    );
    let (headline, keys) = watch(&home, "alertmanager");
    let output = Command::new("curl")
        .args(["-sf", &format!("{}/api/v2/alerts", server.url)])
        .output()
        .unwrap();
    let alerts: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let incident = alerts
        .iter()
        .find(|a| a["labels"]["alertname"] == "Bartizan incident")
        .unwrap();
    let summary = incident["annotations"]["summary"].as_str().unwrap();
    assert!(summary.contains(shown(&headline)), "{summary}");
    assert_eq!(incident["status"]["state"], "active");
    let got = |a: &Value| a["annotations"]["key"].as_str().unwrap().to_owned();
    let missing: Vec<&String> = keys
        .iter()
        .filter(|k| !alerts.iter().any(|a| got(a) == **k))
        .collect();
    assert_eq!(missing, Vec::<&String>::new());
    println!("{} alerts in Alertmanager", alerts.len());
}

#[test]
fn rsyslog_takes_all_over_tls() {
    let (Some(program), Some(venv)) = (program("rsyslogd"), venv("BARTIZAN_VENV")) else {
        return;
    };
    let home = Home::new();
    let at = |name: &str| home.path(name).display().to_string();
    python(
        &venv,
        &["certificate", &home.dir.path().display().to_string()],
    );
    let port = free_port();
    let config = format!(
        "global(workDirectory=\"{}\" defaultNetstreamDriver=\"gtls\"\n  \
        defaultNetstreamDriverCAFile=\"{}\" defaultNetstreamDriverCertFile=\"{}\"\n  \
        defaultNetstreamDriverKeyFile=\"{}\")\n\
        module(load=\"imtcp\" streamDriver.name=\"gtls\" streamDriver.mode=\"1\"\n  \
        streamDriver.authMode=\"anon\")\n\
        input(type=\"imtcp\" port=\"{port}\" address=\"127.0.0.1\")\n\
        template(name=\"all\" type=\"list\") {{\n  \
        property(name=\"app-name\") constant(value=\"\\t\")\n  \
        property(name=\"syslogseverity-text\") constant(value=\"\\t\")\n  \
        property(name=\"msgid\") constant(value=\"\\t\")\n  \
        property(name=\"structured-data\") constant(value=\"\\t\")\n  \
        property(name=\"msg\") constant(value=\"\\n\")\n}}\n\
        action(type=\"omfile\" file=\"{}\" template=\"all\")\n",
        home.dir.path().display(),
        at("ca.pem"),
        at("server.pem"),
        at("server.key"),
        at("syslog.txt"),
    );
    std::fs::write(home.path("rsyslog.conf"), config).unwrap();
    let mut command = Command::new(program);
    command
        .args(["-n", "-f", &at("rsyslog.conf")])
        .args(["-i", &at("rsyslog.pid")]);
    let _server = Server::start(command, port);
    watching(
        &home,
        &format!(
            "[[sink]]\nmin_severity = \"low\"\n\
            type = \"syslog\"\nurl = \"tls://localhost:{port}\"\nca_file = \"ca.pem\"\n\
            allow_private = true\n"
        ),
    );
    let (headline, keys) = watch(&home, "syslog");
    let start = Instant::now();
    let text = loop {
        let text = std::fs::read_to_string(home.path("syslog.txt")).unwrap_or_default();
        if text.lines().count() >= keys.len() || start.elapsed() > Duration::from_secs(20) {
            break text;
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    assert_eq!(text.lines().count(), keys.len(), "{text}");
    for key in &keys {
        assert!(text.contains(&format!("key=\"{key}\"")), "{key} of\n{text}");
    }
    let line = text
        .lines()
        .find(|l| l.contains("incident-opened"))
        .unwrap();
    assert!(
        line.starts_with("bartizan\tcrit\tincident-opened\t[bartizan@32473 "),
        "{line}"
    );
    assert!(line.contains(shown(&headline)), "{line}");
    // Who has no certificate of our authority is no receiver of ours.
    let other = Home::new();
    python(
        &venv,
        &["certificate", &other.dir.path().display().to_string()],
    );
    std::fs::copy(other.path("ca.pem"), home.path("ca.pem")).unwrap();
    let problem = home.must(1, &["alerts", "test", "syslog"]);
    assert!(problem.contains("no TLS with localhost"), "{problem}");
    println!("{} messages in rsyslog", keys.len());
}

#[test]
fn a_mail_server_takes_all_over_tls_with_a_login() {
    let Some(venv) = venv("BARTIZAN_VENV") else {
        return;
    };
    let home = Home::new();
    let folder = home.dir.path().display().to_string();
    python(&venv, &["certificate", &folder]);
    std::fs::write(home.path("mail.key"), "canary-secret-of-mail").unwrap();
    let port = free_port();
    let mut command = Command::new(venv.join("bin/python"));
    command
        .arg(root().join("crates/app/tests/alerts/receivers.py"))
        .args(["mail", &folder, &port.to_string()]);
    let _server = Server::start(command, port);
    watching(
        &home,
        &format!(
            "[[sink]]\nmin_severity = \"low\"\n\
            type = \"smtp\"\nurl = \"smtps://localhost:{port}\"\nca_file = \"ca.pem\"\n\
            from = \"Bartizan <alarm@example.org>\"\nto = [\"ops@example.org\"]\n\
            user = \"alarm\"\nsecret_file = \"mail.key\"\nallow_private = true\n"
        ),
    );
    let (headline, keys) = watch(&home, "smtp");
    let mails: Value = serde_json::from_str(&python(&venv, &["mails", &folder])).unwrap();
    let mails = mails.as_array().unwrap();
    assert_eq!(mails.len(), keys.len());
    for mail in mails {
        assert!(keys.contains(&mail["key"].as_str().unwrap().to_owned()));
        assert_eq!(mail["to"], "ops@example.org");
    }
    let incident = mails
        .iter()
        .find(|m| m["subject"].as_str().unwrap().contains("incident"))
        .unwrap();
    let shown = shown(&headline);
    assert!(
        incident["subject"].as_str().unwrap().contains(shown),
        "{incident}"
    );
    for part in ["text", "html"] {
        let text = incident[part].as_str().unwrap();
        assert!(text.contains("still inside"), "{text}");
    }
    // A wrong password holds the queue of this sink, and is told.
    std::fs::write(home.path("mail.key"), "canary-secret-wrong").unwrap();
    let problem = home.must(1, &["alerts", "test", "smtp"]);
    assert!(problem.contains("535"), "{problem}");
    println!("{} mails", mails.len());
}

#[test]
fn topics_buses_and_security_hub_of_moto_take_all() {
    let Some(venv) = venv("BARTIZAN_VENV") else {
        return;
    };
    let moto = moto(&venv);
    let home = Home::with_aws(&moto.url);
    python(&venv, &["aws", &moto.url]);
    let topic = "arn:aws:sns:us-east-1:123456789012:alerts";
    let secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:hook";
    let hook = crate::receiver::Receiver::start(&[]);
    watching(
        &home,
        &format!(
            "[[sink]]\nmin_severity = \"low\"\n\
            type = \"sns\"\ntopic_arn = \"{topic}\"\n\
            [[sink]]\nmin_severity = \"low\"\n\
            type = \"eventbridge\"\nbus = \"alarms\"\nregion = \"us-east-1\"\n\
            [[sink]]\nmin_severity = \"low\"\n\
            type = \"securityhub\"\nregion = \"us-east-1\"\n\
            [[sink]]\nmin_severity = \"low\"\n\
            type = \"webhook\"\nurl = \"http://127.0.0.1:{}/\"\n\
            secret_arn = \"{secret}\"\n\
            allow_private = true\n",
            hook.port
        ),
    );
    let (headline, topic_keys) = watch(&home, "sns");
    let (_, bus_keys) = watch(&home, "eventbridge");
    let (_, hub_keys) = watch(&home, "securityhub");
    let (_, hook_keys) = watch(&home, "webhook");
    assert_eq!(hook.requests().len(), hook_keys.len());
    assert!(
        hook.requests()[0]
            .header("webhook-signature")
            .starts_with("v1,")
    );
    let got: Value = serde_json::from_str(&python(&venv, &["received", &moto.url])).unwrap();
    for (queue, keys) in [("alerts", &topic_keys), ("events", &bus_keys)] {
        let messages = got[queue].as_array().unwrap();
        let mut received: Vec<&str> = messages
            .iter()
            .map(|m| m["key"].as_str().unwrap())
            .collect();
        received.sort_unstable();
        let mut sent: Vec<&str> = keys.iter().map(String::as_str).collect();
        sent.sort_unstable();
        assert_eq!(received, sent, "{queue}");
        let opened = messages
            .iter()
            .find(|m| m["type"] == "incident-opened")
            .unwrap();
        assert_eq!(opened["data"]["incident"]["headline"], headline.as_str());
    }
    let findings = got["findings"].as_array().unwrap();
    assert_eq!(findings.len(), hub_keys.len());
    let lines: Vec<String> = findings.iter().map(Value::to_string).collect();
    std::fs::write(home.path("asff.ndjson"), lines.join("\n")).unwrap();
    let output = Command::new(venv.join("bin/python"))
        .arg(root().join("crates/app/tests/posture/formats.py"))
        .args(["asff"])
        .arg(home.path("asff.ndjson"))
        .output()
        .unwrap();
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{problem}");
    let policy = home.must(0, &["role", "--sinks"]);
    for part in [
        "sns:Publish",
        topic,
        "events:PutEvents",
        "securityhub:BatchImportFindings",
        secret,
    ] {
        assert!(policy.contains(part), "{part}: {policy}");
    }
    println!(
        "SNS {} · EventBridge {} · Security Hub {} · webhook {}",
        topic_keys.len(),
        bus_keys.len(),
        hub_keys.len(),
        hook_keys.len()
    );
}
