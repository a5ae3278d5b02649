//! Amazon SNS, `Publish`
//! (<https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>: subject below 100 ASCII
//! characters, message 256 KB).

use serde_json::{Map, Value, json};

use super::payload::{json_line, payload};
use crate::alert::Alert;
use crate::wording::wording;

/// Characters of a subject.
const SUBJECT_MAX: usize = 99;

/// Parameters of `Publish`. The message is the JSON document; subscriptions filter by the
/// attributes `kind`, `severity` and `key`.
#[must_use]
pub fn parameters(alert: &Alert, topic_arn: &str) -> Map<String, Value> {
    let words = wording(alert);
    let attribute = |text: &str| json!({"DataType": "String", "StringValue": text});
    let mut parameters = json!({
        "TopicArn": topic_arn,
        "Subject": subject(&words.title),
        "Message": json_line(&payload(alert)),
        "MessageAttributes": {
            "kind": attribute(alert.kind.name()),
            "severity": attribute(&alert.severity.to_string()),
            "key": attribute(&alert.key),
        },
    });
    if topic_arn.ends_with(".fifo") {
        parameters["MessageDeduplicationId"] = json!(alert.key);
        let group: String = alert.subject.chars().filter(char::is_ascii_graphic).collect();
        parameters["MessageGroupId"] = json!(group.chars().take(128).collect::<String>());
    }
    parameters.as_object().cloned().unwrap_or_default()
}

/// Subject: printable ASCII that begins with a letter or digit.
fn subject(title: &str) -> String {
    let ascii: String = title
        .chars()
        .map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' })
        .collect();
    let begun = ascii.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    let text = format!("Bartizan: {begun}");
    text.chars().take(SUBJECT_MAX).collect::<String>().trim_end().to_owned()
}
