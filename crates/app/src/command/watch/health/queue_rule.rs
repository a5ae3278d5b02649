//! Detection of calls on our own queues that take messages away, or change who may send or read
//! them: a rule like any other, made from the configuration.

use bartizan_detect::RuleFile;
use serde_json::{Value, json};

/// Id of the rule, and so of its findings.
const RULE: &str = "0c9ff3a1-52c6-5f5e-9a7b-6d1c2d8f4b11";

/// Calls that take messages away or change the queue
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html>).
const TAMPERING_CALLS: [&str; 5] = [
    "PurgeQueue",
    "DeleteQueue",
    "SetQueueAttributes",
    "AddPermission",
    "RemovePermission",
];

/// Rule about our own queues, by URL; none where there are none.
pub(crate) fn queue_rule(queues: &[String]) -> Option<RuleFile> {
    // Account and name: one queue has several URLs.
    let ends: Vec<String> = queues
        .iter()
        .filter_map(|url| Some(format!("/{}", url.split_once("://")?.1.split_once('/')?.1)))
        .collect();
    if ends.is_empty() {
        return None;
    }
    let rule: Value = json!({
        "title": "The queue that feeds this alarm was emptied, deleted or changed",
        "id": RULE,
        "status": "stable",
        "description": "Bartizan misses whatever was in it, or whatever no longer reaches it.",
        "tags": ["attack.t1562.008", "attack.defense-evasion"],
        "logsource": {"product": "aws", "service": "cloudtrail"},
        "detection": {
            "selection": {
                "eventSource": "sqs.amazonaws.com",
                "eventName": TAMPERING_CALLS,
                "requestParameters.queueUrl|endswith": ends,
            },
            "condition": "selection",
        },
        "falsepositives": ["Setting the queue up"],
        "level": "high",
        "bartizan": {
            "stage": "blind",
            "confidence": "high",
            "do": "Read the logs of that time again from the bucket, and restore the queue.",
        },
    });
    Some(RuleFile {
        name: "rule about trail.queues".to_owned(),
        // JSON is YAML.
        text: rule.to_string(),
        builtin: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bartizan_detect::Rules;

    #[test]
    fn the_rule_loads_without_a_problem() {
        assert!(queue_rule(&[]).is_none());
        let url = "https://sqs.eu-west-1.amazonaws.com/111122223333/bartizan".to_owned();
        let file = queue_rule(&[url]).unwrap();
        assert!(
            file.text.contains("\"/111122223333/bartizan\""),
            "{}",
            file.text
        );
        let rules = Rules::load(&[file]);
        assert_eq!((rules.rules.len(), rules.problems.len()), (1, 0));
    }
}
