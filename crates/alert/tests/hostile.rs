//! Every text that an attacker can choose, in every sink.

use bartizan_alert::sink::{
    HttpMessage, alertmanager, command, eventbridge, file, pagerduty, securityhub, slack, smtp,
    sns, syslog, teams, webhook,
};
use bartizan_alert::{Alert, WatchedState, alerts_of, wording};
use bartizan_model::Severity;
use serde_json::Value;

use crate::made::{finding, incident};

/// Texts of names, user agents and error messages.
fn corpus() -> Vec<String> {
    let mut corpus: Vec<String> = [
        "\u{1b}[2J\u{1b}[31mred",
        "\u{1b}]8;;http://evil\u{7}click\u{1b}]8;;\u{7}",
        "\u{1b}]52;c;aGk=\u{7}",
        "\u{9b}31m",
        "a\u{202e}gnp.exe",
        "\u{2066}x\u{2069}\u{200b}\u{feff}\u{2028}\u{2029}",
        "a\r\nBcc: all@example.org\r\n\r\nbody",
        "a\nb\tc\0d\u{7f}e\u{85}f",
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "\"><svg/onload=alert(1)>' onmouseover='x",
        "<!channel> <!everyone> <@U123> <#C1> <http://evil|click>",
        "&lt;!channel&gt; &amp; &",
        "*bold* _i_ ~s~ `code` ```block``` > quote :fire: @channel",
        "[click](http://evil) ![x](http://evil/p.png) <at>All</at>",
        "# heading\n- list\n1. item\n| a | b |",
        "=cmd|'/c calc'!A0",
        "@SUM(1)",
        "+1-1",
        "-2+3",
        "\t=1",
        "'; drop table finding; --",
        "{{7*7}} ${jndi:ldap://evil/a} #{x} <%= x %> {% x %}",
        "a|b\\|c=d\\n CEF:0|x|y",
        "] [evil@1 a=\"b\"] \"x\\\" \\",
        "<34>1 2026-01-01T00:00:00Z evil su - - - fake",
        "../../etc/passwd",
        "$(reboot) `reboot` ; rm -rf / & | > <",
        ".\r\nMAIL FROM:<x>\r\n",
        "=?utf-8?q?evil?=",
        "\u{e0041}\u{e0042} tags \u{fe0f} \u{1f468}\u{200d}\u{1f469}",
        "é 漢字 ασφ \u{10ffff}",
        "",
        " ",
    ]
    .map(str::to_owned)
    .to_vec();
    corpus.push("long ".repeat(220_000));
    corpus.push("<!channel>\n\u{202e}".repeat(80_000));
    corpus
}

/// Alerts of all kinds in which every text is the hostile one.
fn alerts(text: &str) -> Vec<Alert> {
    let mut findings = vec![
        finding("f1", Severity::Critical, text),
        finding("f2", Severity::High, text),
    ];
    findings[1].account = Some(text.to_owned());
    findings[1].region = Some(text.to_owned());
    findings[1].first_time = Some(text.to_owned());
    let incidents = [incident("i1", Severity::Critical, &["f1"], text)];
    let after = WatchedState {
        findings: &findings,
        incidents: &incidents,
        as_of: "2026-03-11T07:00:00Z",
        ..WatchedState::default()
    };
    let nothing = WatchedState::default();
    let now = "2026-03-11T07:05:00Z".parse().unwrap();
    let mut alerts = alerts_of(&nothing, &after, now);
    alerts.extend(alerts_of(&after, &nothing, now));
    let mut odd = alerts[1].clone();
    odd.subject = text.to_owned();
    alerts.push(odd);
    assert_eq!(alerts.len(), 5);
    alerts
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || ('\u{200b}'..='\u{200f}').contains(&c)
        || ('\u{2028}'..='\u{202e}').contains(&c)
        || ('\u{2060}'..='\u{206f}').contains(&c)
        || ('\u{e0000}'..='\u{e0fff}').contains(&c)
        || c == '\u{feff}'
}

/// All texts of a document.
fn texts<'a>(value: &'a Value, into: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => into.push(text),
        Value::Array(list) => list.iter().for_each(|v| texts(v, into)),
        Value::Object(fields) => fields.values().for_each(|v| texts(v, into)),
        _ => {}
    }
}

fn document(message: &HttpMessage) -> Value {
    for (_, value) in &message.headers {
        assert!(value.bytes().all(|b| (b' '..=b'~').contains(&b)), "{value}");
    }
    serde_json::from_slice(&message.body).unwrap()
}

/// For people: nothing hidden in any text but line breaks of our own.
fn assert_plain(name: &str, document: &Value) {
    let mut all = Vec::new();
    texts(document, &mut all);
    for text in all {
        let bad = text.chars().find(|c| *c != '\n' && is_hidden(*c));
        assert_eq!(bad, None, "{name}: {text:?}");
    }
}

fn each(check: impl Fn(&Alert)) {
    for text in corpus() {
        for alert in alerts(&text) {
            check(&alert);
        }
    }
}

#[test]
fn words_are_one_line_each_and_bounded() {
    each(|alert| {
        let words = wording(alert);
        let lines = words.lines();
        for line in lines.iter().chain([&words.title]) {
            assert!(!line.chars().any(is_hidden), "{line:?}");
            assert!(line.chars().count() < 5_000);
        }
        assert!(lines.len() < 80);
    });
}

#[test]
fn slack_reads_no_markup_and_mentions_nobody() {
    each(|alert| {
        let body = document(&slack::message(alert));
        assert_plain("slack", &body);
        let text = body["text"].as_str().unwrap();
        assert!(!text.contains('<') && !text.contains('>'), "{text}");
        let all = body.to_string();
        assert!(!all.contains("mrkdwn\",\"text") && !all.contains("\"emoji\":true"));
        assert!(body["blocks"].as_array().unwrap().len() <= 50);
        for block in body["blocks"].as_array().unwrap() {
            let kind = block["type"].as_str().unwrap();
            if kind == "header" || kind == "section" {
                assert_eq!(block["text"]["type"], "plain_text");
                let text = block["text"]["text"].as_str().unwrap();
                let most = if kind == "header" { 150 } else { 3000 };
                assert!((1..=most).contains(&text.chars().count()));
            }
        }
    });
}

#[test]
fn teams_reads_no_markdown_and_fits() {
    each(|alert| {
        let message = teams::message(alert);
        assert!(message.body.len() <= 28 << 10, "{}", message.body.len());
        let body = document(&message);
        assert_plain("teams", &body);
        let card = &body["attachments"][0]["content"];
        let mut shown = Vec::new();
        for block in card["body"].as_array().unwrap() {
            texts(&block["text"], &mut shown);
            for fact in block["facts"].as_array().into_iter().flatten() {
                texts(&fact["value"], &mut shown);
            }
        }
        for text in shown {
            assert!(!text.contains('<'), "{text}");
            let mut before = ' ';
            for c in text.chars() {
                assert!(!"[]*_`!".contains(c) || before == '\\', "{text}");
                before = if before == '\\' && c == '\\' { ' ' } else { c };
            }
        }
    });
}

#[test]
fn pagerduty_and_alertmanager_keep_one_key_a_subject_and_fit() {
    each(|alert| {
        let body = document(&pagerduty::message(alert, "r"));
        assert_plain("pagerduty", &body);
        let summary = body["payload"]["summary"].as_str().unwrap();
        assert!((1..=1024).contains(&summary.chars().count()));
        assert!(body["dedup_key"].as_str().unwrap().chars().count() <= 255);
        let resolves = body["event_action"] == "resolve";
        assert_eq!(resolves, alert.kind.is_end());

        let body = document(&alertmanager::message(alert, 8));
        assert_plain("alertmanager", &body);
        let time =
            |name: &str| -> jiff::Timestamp { body[0][name].as_str().unwrap().parse().unwrap() };
        assert!(time("startsAt") <= time("endsAt"));
        assert_eq!(time("endsAt") <= alert.time.parse().unwrap(), resolves);
    });
}

#[test]
fn documents_for_machines_are_one_line_of_ascii_controls_free_json() {
    each(|alert| {
        let line = file::line(alert);
        assert_eq!(line.matches('\n').count(), 1);
        assert!(!line.trim_end().chars().any(is_hidden));
        assert!(line.len() <= 300 << 10, "{}", line.len());
        let parsed: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(parsed["key"], alert.key.as_str());
        assert_eq!(command::stdin(alert), line.into_bytes());
        let secret = webhook::WebhookSecret::parse("whsec_c2VjcmV0").unwrap();
        let message = webhook::message(alert, Some(&secret), 1);
        assert_eq!(document(&message)["key"], alert.key.as_str());
        assert_eq!(message.headers[1], ("webhook-id", alert.key.clone()));
        assert!(!format!("{secret:?}").contains("c2Vj"));
    });
}

#[test]
fn aws_sinks_stay_within_their_limits() {
    each(|alert| {
        let topic = "arn:aws:sns:eu-west-1:111122223333:t.fifo";
        let message = sns::parameters(alert, topic);
        let subject = message["Subject"].as_str().unwrap();
        assert!(subject.len() < 100 && subject.bytes().all(|b| (b' '..=b'~').contains(&b)));
        assert!(message["Message"].as_str().unwrap().len() < 256 << 10);
        assert_eq!(message["MessageDeduplicationId"], alert.key.as_str());

        let event = &eventbridge::parameters(alert, "default")["Entries"][0];
        assert!(event.to_string().len() < 500 << 10);
        assert!(event["Detail"].as_str().unwrap().len() < 256 << 10);
        let detail: Value = serde_json::from_str(event["Detail"].as_str().unwrap()).unwrap();
        assert_eq!(detail["key"], alert.key.as_str());

        let finding = &securityhub::parameters(alert, "111122223333", "eu-west-1")["Findings"][0];
        assert_plain("securityhub", finding);
        let characters = |name: &str| finding[name].as_str().unwrap().chars().count();
        assert!((1..=256).contains(&characters("Title")));
        assert!((1..=1024).contains(&characters("Description")));
        assert!(finding.to_string().len() <= 240 << 10);
        assert!(!finding["Resources"].as_array().unwrap().is_empty());
    });
}

#[test]
fn a_mail_has_our_headers_and_no_markup_of_theirs() {
    let from = "Bartizan <alarm@example.org>".parse().unwrap();
    let to = ["ops@example.org".parse().unwrap()];
    each(|alert| {
        let mail = smtp::message(alert, &from, &to).unwrap();
        let bytes = mail.formatted();
        assert_eq!(bytes, smtp::message(alert, &from, &to).unwrap().formatted());
        let text = String::from_utf8(bytes).unwrap();
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        let names: Vec<&str> = head
            .split("\r\n")
            .filter(|l| !l.starts_with([' ', '\t']))
            .map(|l| l.split(':').next().unwrap())
            .collect();
        assert_eq!(
            names,
            [
                "From",
                "Subject",
                "Date",
                "Message-ID",
                "In-Reply-To",
                "References",
                "X-Bartizan-Key",
                "To",
                "MIME-Version",
                "Content-Type"
            ]
        );
        let parts = text.replace("=\r\n", "");
        let html = parts.split("text/html").nth(1).unwrap();
        for mark in ["<script", "<img", "<svg"] {
            assert!(!html.contains(mark), "{html}");
        }
    });
}

#[test]
fn a_syslog_frame_is_one_message_with_our_parameters() {
    each(|alert| {
        let frame = syslog::frame(alert, "host\n one");
        let text = String::from_utf8(frame).unwrap();
        let (length, message) = text.split_once(' ').unwrap();
        assert_eq!(length.parse::<usize>().unwrap(), message.len());
        assert!(message.len() <= 8_192);
        let without_mark = message.replacen('\u{feff}', "", 1);
        assert!(!without_mark.chars().any(is_hidden), "{message:?}");
        // Walk the structured data as RFC 5424 says.
        let data = message.split_once(" [bartizan@32473 ").unwrap().1;
        let mut names = Vec::new();
        let mut rest = data;
        loop {
            let (name, after) = rest.split_once("=\"").unwrap();
            names.push(name.to_owned());
            let mut escaped = false;
            let end = after
                .char_indices()
                .find(|(_, c)| {
                    let ends = *c == '"' && !escaped;
                    assert!(*c != ']' || escaped, "{data}");
                    escaped = *c == '\\' && !escaped;
                    ends
                })
                .unwrap()
                .0;
            rest = &after[end + 1..];
            match rest.strip_prefix(' ') {
                Some(next) if !rest.starts_with("] ") => rest = next,
                _ => break,
            }
        }
        assert!(rest.starts_with("] "), "{rest}");
        let expected = "key kind severity subject accounts rules findings";
        assert_eq!(names.join(" "), expected);
    });
}
