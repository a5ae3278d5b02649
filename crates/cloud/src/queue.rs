//! Queue of SQS: receiving, keeping messages hidden, deleting. Apart from the call table, because
//! these calls change the queue; `bartizan role --queues` names them.
//!
//! Protocol: "Making query API requests using AWS JSON protocol" in the developer guide of SQS.

use std::collections::BTreeMap;

use bartizan_inventory::snapshot::CallStatus;
use bartizan_model::limits::QUEUE_BATCH_MAX;
use http::{HeaderName, HeaderValue, Method, Request};
use serde_json::{Value, json};

use crate::bucket::client;
use crate::client::{CallError, Client, Retry};
use crate::live::{ConnectError, Identity};
use crate::model::Model;

/// Actions on queues that are read, each on the queue itself.
pub const QUEUE_ACTIONS: [&str; 4] = [
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibility",
    "sqs:GetQueueAttributes",
];

/// Queue with an identity that may receive from it.
#[derive(Debug)]
pub struct Queue {
    client: Client,
    url: String,
    base: String,
    region: String,
}

/// Message as received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueMessage {
    /// Stays the same when the message is received again.
    pub id: String,
    /// Another one at each receipt; the last one deletes.
    pub handle: String,
    pub body: String,
    /// How often it was received, this time included, approximately.
    pub received_count: u32,
    /// Milliseconds since 1970 at which it was sent.
    pub sent_ms: Option<i64>,
}

/// Message of a batch that was not deleted or extended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedHandle {
    pub handle: String,
    /// `ReceiptHandleIsInvalid: …`
    pub why: String,
    /// Fault of ours: it fails again.
    pub sender_fault: bool,
}

/// Attributes of a queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueAttributes {
    pub arn: String,
    /// Approximate number of messages that wait.
    pub waiting_count: u64,
    /// Approximate number of messages that were received and are neither deleted nor visible again.
    pub in_flight_count: u64,
    /// Approximate number of messages that are delayed.
    pub delayed_count: u64,
    /// Seconds for which a received message is hidden by default.
    pub visibility_s: u64,
    /// Seconds for which a message is kept.
    pub retention_s: u64,
    /// Policy document, e.g. `{"Version":"2012-10-17",…}`.
    pub policy: Option<String>,
    /// Dead-letter queue, e.g. `{"deadLetterTargetArn":"arn:…","maxReceiveCount":5}`.
    pub redrive: Option<String>,
    /// Seconds since 1970 of the last change of an attribute.
    pub modified_s: Option<i64>,
}

impl Queue {
    /// Opens the queue of a URL, e.g.
    /// `https://sqs.eu-west-1.amazonaws.com/111122223333/bartizan`. The region is that of the URL,
    /// else the configured one; `AWS_ENDPOINT_URL_SQS` and `AWS_ENDPOINT_URL` move the requests.
    ///
    /// # Errors
    /// If there are no credentials.
    pub async fn open(
        model: &Model,
        url: &str,
        profile: Option<&str>,
    ) -> Result<Self, ConnectError> {
        let identity = Identity {
            profile: profile.map(str::to_owned),
            ..Identity::default()
        };
        let (client, configured) = client(model, &identity).await?;
        let region = region_of(url).unwrap_or(configured);
        let service = model
            .service("sqs")
            .ok_or_else(|| ConnectError::Identity("this build does not know SQS".to_owned()))?;
        let endpoints = client.endpoints();
        let (base, region) = endpoints.resolve(model, "sqs", service, &region, None);
        Ok(Self {
            client,
            url: url.to_owned(),
            base,
            region,
        })
    }

    /// URL as it was opened.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Receives up to ten messages, and hides them for `visibility_s`. Waits up to `wait_s` (20 at
    /// most) for the first one.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn receive(
        &self,
        count_max: usize,
        wait_s: u64,
        visibility_s: u64,
    ) -> Result<Vec<QueueMessage>, CallError> {
        let request = json!({
            "QueueUrl": self.url,
            "MaxNumberOfMessages": count_max.clamp(1, QUEUE_BATCH_MAX),
            "WaitTimeSeconds": wait_s.min(20),
            "VisibilityTimeout": visibility_s.min(43_200),
            "MessageSystemAttributeNames": ["ApproximateReceiveCount", "SentTimestamp"],
        });
        let answer = self.call("ReceiveMessage", &request).await?;
        let messages = answer["Messages"].as_array().into_iter().flatten();
        Ok(messages.filter_map(message).collect())
    }

    /// Deletes messages by their last handles. Gives those that were not deleted.
    ///
    /// # Errors
    /// See [`CallError`]. Some messages may have been deleted; deleting them again does no harm.
    pub async fn delete(&self, handles: &[&str]) -> Result<Vec<FailedHandle>, CallError> {
        self.batch("DeleteMessageBatch", handles, &json!({})).await
    }

    /// Hides messages for `seconds` from now on; 0 shows them at once. Gives those that were not.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn extend(
        &self,
        handles: &[&str],
        seconds: u64,
    ) -> Result<Vec<FailedHandle>, CallError> {
        let with = json!({ "VisibilityTimeout": seconds.min(43_200) });
        self.batch("ChangeMessageVisibilityBatch", handles, &with)
            .await
    }

    /// Backlog, policy and dead-letter queue.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn attributes(&self) -> Result<QueueAttributes, CallError> {
        let request = json!({ "QueueUrl": self.url, "AttributeNames": ["All"] });
        let answer = self.call("GetQueueAttributes", &request).await?;
        let text = |name: &str| answer["Attributes"][name].as_str();
        let number = |name: &str| text(name).and_then(|t| t.parse().ok()).unwrap_or_default();
        Ok(QueueAttributes {
            arn: text("QueueArn").unwrap_or_default().to_owned(),
            waiting_count: number("ApproximateNumberOfMessages"),
            in_flight_count: number("ApproximateNumberOfMessagesNotVisible"),
            delayed_count: number("ApproximateNumberOfMessagesDelayed"),
            visibility_s: number("VisibilityTimeout"),
            retention_s: number("MessageRetentionPeriod"),
            policy: text("Policy").filter(|t| !t.is_empty()).map(str::to_owned),
            redrive: text("RedrivePolicy").map(str::to_owned),
            modified_s: text("LastModifiedTimestamp").and_then(|t| t.parse().ok()),
        })
    }

    async fn batch(
        &self,
        operation: &str,
        handles: &[&str],
        with: &Value,
    ) -> Result<Vec<FailedHandle>, CallError> {
        let mut failed = Vec::new();
        for some in handles.chunks(QUEUE_BATCH_MAX) {
            let entry = |(n, handle): (usize, &&str)| {
                let mut entry = with.clone();
                entry["Id"] = json!(n.to_string());
                entry["ReceiptHandle"] = json!(handle);
                entry
            };
            let entries: Vec<Value> = some.iter().enumerate().map(entry).collect();
            let request = json!({ "QueueUrl": self.url, "Entries": entries });
            let answer = self.call(operation, &request).await?;
            for failure in answer["Failed"].as_array().into_iter().flatten() {
                let text = |name: &str| failure[name].as_str().unwrap_or_default();
                let handle = text("Id").parse().ok().and_then(|n: usize| some.get(n));
                failed.push(FailedHandle {
                    handle: handle.copied().unwrap_or_default().to_owned(),
                    why: format!("{}: {}", text("Code"), text("Message")),
                    sender_fault: failure["SenderFault"].as_bool().unwrap_or(false),
                });
            }
        }
        Ok(failed)
    }

    /// One attempt.
    async fn call(&self, operation: &str, body: &Value) -> Result<Value, CallError> {
        let unmade =
            |e: &dyn std::fmt::Display| CallError::new(CallStatus::Failed, "", e.to_string());
        let mut request = Request::new(body.to_string().into_bytes());
        *request.method_mut() = Method::POST;
        let base = self.base.trim_end_matches('/');
        *request.uri_mut() = format!("{base}/").parse().map_err(|e| unmade(&e))?;
        let target = HeaderValue::from_str(&format!("AmazonSQS.{operation}"));
        let json = HeaderValue::from_static("application/x-amz-json-1.0");
        let headers = request.headers_mut();
        headers.insert(http::header::CONTENT_TYPE, json);
        headers.insert(
            HeaderName::from_static("x-amz-target"),
            target.map_err(|e| unmade(&e))?,
        );
        let reply = self.client.send(request, "sqs", &self.region).await?;
        if !reply.0.is_success() {
            return Err(self.client.refused(&reply).await);
        }
        let body = &reply.2;
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(body).map_err(|e| CallError {
            retry: Retry::Again,
            ..CallError::new(CallStatus::Failed, "", format!("{operation}: {e}"))
        })
    }
}

fn message(message: &Value) -> Option<QueueMessage> {
    let text = |name: &str| Some(message[name].as_str()?.to_owned());
    let about = |name: &str| message["Attributes"][name].as_str();
    let number = |name: &str| about(name).and_then(|t| t.parse().ok());
    Some(QueueMessage {
        id: text("MessageId")?,
        handle: text("ReceiptHandle")?,
        body: text("Body")?,
        received_count: about("ApproximateReceiveCount")
            .and_then(|t| t.parse().ok())
            .unwrap_or(1),
        sent_ms: number("SentTimestamp"),
    })
}

/// Region of the URL of a queue: `https://sqs.eu-west-1.amazonaws.com/…`, or as it was,
/// `https://eu-west-1.queue.amazonaws.com/…`.
#[must_use]
pub fn region_of(url: &str) -> Option<String> {
    let host = url.split_once("://")?.1.split('/').next()?;
    let words: Vec<&str> = host.split('.').collect();
    let region = match words.as_slice() {
        ["sqs" | "sqs-fips", region, "amazonaws", ..] | [region, "queue", "amazonaws", ..] => {
            region
        }
        _ => return None,
    };
    Some((*region).to_owned())
}

/// ARN of the queue of a URL, e.g. `arn:aws:sqs:eu-west-1:111122223333:bartizan`; an ARN stays as
/// it is. None if the URL does not name account, queue and region.
#[must_use]
pub fn arn_of(model: &Model, url: &str) -> Option<String> {
    if url.starts_with("arn:") {
        return Some(url.to_owned());
    }
    let region = region_of(url)?;
    let mut path = url.split_once("://")?.1.split('/').skip(1);
    let (account, name) = (path.next()?, path.next()?);
    let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    let partition = model.partition_of(&region);
    (is_account && !name.is_empty())
        .then(|| format!("arn:{partition}:sqs:{region}:{account}:{name}"))
}

/// Policy that allows to read these queues, by ARN, and nothing else.
#[must_use]
pub fn queue_reader_policy(arns: &[String]) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "BartizanQueues",
            "Effect": "Allow",
            "Action": QUEUE_ACTIONS,
            "Resource": arns,
        }],
    })
}

/// Attributes that differ between two looks at a queue, by name, with values before and after.
#[must_use]
pub fn changed_attributes(
    before: &QueueAttributes,
    after: &QueueAttributes,
) -> BTreeMap<&'static str, [String; 2]> {
    let text = |t: &Option<String>| t.clone().unwrap_or_default();
    let pairs = [
        ("Policy", text(&before.policy), text(&after.policy)),
        ("RedrivePolicy", text(&before.redrive), text(&after.redrive)),
        (
            "MessageRetentionPeriod",
            before.retention_s.to_string(),
            after.retention_s.to_string(),
        ),
        ("QueueArn", before.arn.clone(), after.arn.clone()),
    ];
    let differ = pairs.into_iter().filter(|(_, a, b)| a != b);
    differ.map(|(name, a, b)| (name, [a, b])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_region_and_queue() {
        let model = Model::builtin();
        let arn = |url: &str| arn_of(&model, url);
        for url in [
            "https://sqs.eu-west-1.amazonaws.com/111122223333/q",
            "https://eu-west-1.queue.amazonaws.com/111122223333/q",
            "arn:aws:sqs:eu-west-1:111122223333:q",
        ] {
            let expected = "arn:aws:sqs:eu-west-1:111122223333:q";
            assert_eq!(arn(url).as_deref(), Some(expected), "{url}");
        }
        assert_eq!(
            arn("https://sqs.cn-north-1.amazonaws.com.cn/111122223333/q").as_deref(),
            Some("arn:aws-cn:sqs:cn-north-1:111122223333:q")
        );
        assert_eq!(arn("http://localhost:4566/111122223333/q"), None);
        assert_eq!(arn("https://sqs.eu-west-1.amazonaws.com/q"), None);
    }
}
