//! Calls of sinks of alerts. They stand apart from the call table, whose calls only read: three of
//! them write, and none is made unless a sink is configured.

use serde_json::{Map, Value, json};

use crate::client::CallError;
use crate::live::Live;

/// Call of a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinkCall {
    /// Sends a message to a topic.
    Publish,
    /// Sends an event to a bus.
    PutEvents,
    /// Writes a finding of Security Hub.
    BatchImportFindings,
    /// Reads the secret of a sink.
    GetSecretValue,
}

impl SinkCall {
    /// All of them, e.g. for a policy.
    pub const ALL: [Self; 4] = [
        Self::Publish,
        Self::PutEvents,
        Self::BatchImportFindings,
        Self::GetSecretValue,
    ];

    /// Service and operation.
    #[must_use]
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Publish => ("sns", "Publish"),
            Self::PutEvents => ("events", "PutEvents"),
            Self::BatchImportFindings => ("securityhub", "BatchImportFindings"),
            Self::GetSecretValue => ("secretsmanager", "GetSecretValue"),
        }
    }

    /// IAM action, e.g. `sns:Publish`.
    #[must_use]
    pub fn action(self) -> String {
        let (service, operation) = self.names();
        format!("{service}:{operation}")
    }
}

/// One attempt at a call.
///
/// # Errors
/// See [`CallError`].
pub async fn sink_call(
    live: &Live,
    call: SinkCall,
    region: &str,
    parameters: &Map<String, Value>,
) -> Result<Value, CallError> {
    let answer = live
        .client()
        .call(live.model(), call.names(), region, parameters)
        .await?;
    Ok(answer.value)
}

/// Policy for the calls of sinks, each on its resource, e.g. `sns:Publish` on a topic.
#[must_use]
pub fn sinks_policy(wanted: &[(SinkCall, String)]) -> Value {
    let statement = |call: SinkCall| {
        let mut resources: Vec<&String> = wanted
            .iter()
            .filter(|(c, _)| *c == call)
            .map(|(_, resource)| resource)
            .collect();
        resources.sort();
        resources.dedup();
        (!resources.is_empty()).then(|| {
            json!({
                "Sid": format!("BartizanSink{}", call.names().1),
                "Effect": "Allow",
                "Action": call.action(),
                "Resource": resources,
            })
        })
    };
    let statements: Vec<Value> = SinkCall::ALL.into_iter().filter_map(statement).collect();
    json!({"Version": "2012-10-17", "Statement": statements})
}
