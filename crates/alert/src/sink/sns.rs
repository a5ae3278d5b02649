//! Amazon SNS, `Publish`
//! (<https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>: subject below 100 ASCII
//! characters, message 256 KB).

use serde_json::{Map, Value, json};

use super::payload::{json_line, payload};
use crate::alert::Alert;
use crate::wording::wording;

/// Characters of a subject.
const SUBJECT_MAX: usize = 99;

/// Parameters of `Publish` in the form of the query protocol, e.g.
/// `MessageAttributes.entry.1.Name`. The message is the JSON document; subscriptions filter by the
/// attributes `kind`, `severity` and `key`.
#[must_use]
pub fn parameters(alert: &Alert, topic_arn: &str) -> Map<String, Value> {
    let words = wording(alert);
    let mut parameters = Map::new();
    let mut set = |name: String, text: &str| drop(parameters.insert(name, json!(text)));
    set("TopicArn".to_owned(), topic_arn);
    set("Subject".to_owned(), &subject(&words.title));
    set("Message".to_owned(), &json_line(&payload(alert)));
    let severity = alert.severity.to_string();
    let attributes = [
        ("kind", alert.kind.name()),
        ("severity", severity.as_str()),
        ("key", alert.key.as_str()),
    ];
    for (index, (name, text)) in attributes.into_iter().enumerate() {
        let entry = format!("MessageAttributes.entry.{}", index + 1);
        set(format!("{entry}.Name"), name);
        set(format!("{entry}.Value.DataType"), "String");
        set(format!("{entry}.Value.StringValue"), text);
    }
    if topic_arn.ends_with(".fifo") {
        set("MessageDeduplicationId".to_owned(), &alert.key);
        let group: String = alert
            .subject
            .chars()
            .filter(char::is_ascii_graphic)
            .collect();
        let group: String = group.chars().take(128).collect();
        set("MessageGroupId".to_owned(), &group);
    }
    parameters
}

/// Subject: printable ASCII that begins with a letter or digit.
fn subject(title: &str) -> String {
    let ascii: String = title
        .chars()
        .map(|c| {
            if c == ' ' || c.is_ascii_graphic() {
                c
            } else {
                '?'
            }
        })
        .collect();
    let begun = ascii.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    let text = format!("Bartizan: {begun}");
    text.chars()
        .take(SUBJECT_MAX)
        .collect::<String>()
        .trim_end()
        .to_owned()
}
