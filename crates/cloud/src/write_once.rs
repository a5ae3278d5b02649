//! Test that a bucket is write-once: tries to break it with the writer's own credentials, and
//! reports each denial.
//!
//! Sources for the operations that must be denied:
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html> and
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::Request;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio::runtime::Builder;

use crate::bucket::{client, split_url};
use crate::client::{Client, Reply};
use crate::live::{ConnectError, Identity};
use crate::model::Model;

/// Outcome of an attempt to break the bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AttemptOutcome {
    /// Denied by AWS, as it must be.
    Refused,
    /// Succeeded: the bucket is not write-once.
    Broken,
    /// Could not be tried, or the response is inconclusive.
    Unknown,
}

/// Attempt to break the bucket.
#[derive(Debug, Clone, Serialize)]
pub struct Attempt {
    /// Operation.
    pub tried: &'static str,
    pub outcome: AttemptOutcome,
    /// Response from AWS.
    pub answer: String,
    /// Consequence if it succeeds.
    pub matters: &'static str,
}

/// Tries everything on a canary object below `url`. The canary stays, because nobody can delete it.
///
/// # Errors
/// If the canary cannot be written.
pub fn verify_bucket(
    model: &Model,
    url: &str,
    identity: &Identity,
    now: Timestamp,
) -> Result<Vec<Attempt>, ConnectError> {
    let error = |e: String| ConnectError::Identity(e);
    let (bucket, prefix) =
        split_url(url).ok_or_else(|| error(format!("{url}: expected s3://bucket/prefix")))?;
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| error(e.to_string()))?;
    runtime.block_on(async {
        let (client, region) = client(model, identity).await?;
        let (base, region) = model
            .service("s3")
            .map(|s3| client.endpoints().resolve(model, "s3", s3, &region, None))
            .ok_or_else(|| error("the model has no S3".into()))?;
        let slash = if prefix.is_empty() { "" } else { "/" };
        let key = format!("{prefix}{slash}canary-{}", now.as_millisecond());
        let try_it = Try {
            client,
            base,
            region,
            bucket,
            key,
        };
        try_it.all(now).await.map_err(error)
    })
}

struct Try {
    client: Client,
    base: String,
    region: String,
    bucket: String,
    key: String,
}

impl Try {
    async fn all(&self, now: Timestamp) -> Result<Vec<Attempt>, String> {
        let object = format!("/{}/{}", self.bucket, self.key);
        let created = self
            .send("PUT", &object, &[("if-none-match", "*")], b"canary")
            .await?;
        if !created.0.is_success() {
            return Err(format!(
                "cannot write a canary to {object}: {}",
                answer(&created)
            ));
        }
        let version = created
            .1
            .get("x-amz-version-id")
            .and_then(|v| v.to_str().ok())
            .map(str::to_owned);
        let mut out = Vec::new();
        let mut judge = |tried, reply: Result<Reply, String>, matters| {
            let (outcome, answer) = match reply {
                Ok(reply) if reply.0.is_success() => (AttemptOutcome::Broken, answer(&reply)),
                Ok(reply) if matches!(reply.0.as_u16(), 400 | 403 | 405 | 409 | 412) => {
                    (AttemptOutcome::Refused, answer(&reply))
                }
                Ok(reply) => (AttemptOutcome::Unknown, answer(&reply)),
                Err(e) => (AttemptOutcome::Unknown, e),
            };
            out.push(Attempt {
                tried,
                outcome,
                answer,
                matters,
            });
        };
        let put = self
            .send("PUT", &object, &[("if-none-match", "*")], b"forged")
            .await;
        judge(
            "write the same name again, with If-None-Match",
            put,
            "a name can be taken twice",
        );
        let put = self.send("PUT", &object, &[], b"forged").await;
        judge(
            "write the same name again, without a condition",
            put,
            "readers of the newest version see the forgery: enforce If-None-Match by bucket policy",
        );
        let delete = self.send("DELETE", &object, &[], b"").await;
        judge(
            "delete the object",
            delete,
            "a delete marker hides the evidence: deny s3:DeleteObject to the writer",
        );
        if let Some(version) = version.filter(|v| v != "null") {
            let versioned = format!("{object}?versionId={version}");
            let delete = self.send("DELETE", &versioned, &[], b"").await;
            judge("delete the version", delete, "evidence can be destroyed");
            let bypass = self
                .send(
                    "DELETE",
                    &versioned,
                    &[("x-amz-bypass-governance-retention", "true")],
                    b"",
                )
                .await;
            judge(
                "delete the version, bypassing governance",
                bypass,
                "retention is in governance mode: use compliance mode",
            );
            let retention = format!("{object}?retention&versionId={version}");
            let soon = (now + SignedDuration::from_secs(60)).to_string();
            let shorter = retention_xml("COMPLIANCE", &soon);
            judge(
                "shorten the retention",
                self.send("PUT", &retention, &[], &shorter).await,
                "evidence can be freed early",
            );
            let later = (now + SignedDuration::from_hours(24 * 36500)).to_string();
            let weaker = retention_xml("GOVERNANCE", &later);
            judge(
                "turn compliance into governance",
                self.send("PUT", &retention, &[], &weaker).await,
                "retention can be made removable",
            );
        } else {
            let matters = "without versioning and Object Lock anything can be destroyed";
            out.push(Attempt {
                tried: "find a version id",
                outcome: AttemptOutcome::Broken,
                answer: "the bucket is not versioned".into(),
                matters,
            });
        }
        for (tried, query, body, matters) in BUCKET_ATTEMPTS {
            let reply = self
                .send(
                    "PUT",
                    &format!("/{}?{query}", self.bucket),
                    &[],
                    body.as_bytes(),
                )
                .await;
            let (outcome, answer) = match reply {
                Ok(reply) if reply.0.is_success() => (AttemptOutcome::Broken, answer(&reply)),
                Ok(reply) if matches!(reply.0.as_u16(), 400 | 403 | 405 | 409) => {
                    (AttemptOutcome::Refused, answer(&reply))
                }
                Ok(reply) => (AttemptOutcome::Unknown, answer(&reply)),
                Err(e) => (AttemptOutcome::Unknown, e),
            };
            out.push(Attempt {
                tried,
                outcome,
                answer,
                matters,
            });
        }
        Ok(out)
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Reply, String> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base.trim_end_matches('/')));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if method == "PUT" {
            let digest = bartizan_inventory::fact::Hash::of(body);
            request = request
                .header("x-amz-checksum-sha256", BASE64_STANDARD.encode(digest.0))
                .header("x-amz-sdk-checksum-algorithm", "SHA256");
        }
        let request = request.body(body.to_vec()).map_err(|e| e.to_string())?;
        self.client
            .send(request, "s3", &self.region)
            .await
            .map_err(|e| e.detail)
    }
}

/// Attempts on the bucket itself. None of them is reverted: a bucket where one succeeds must be
/// fixed anyway.
const BUCKET_ATTEMPTS: [(&str, &str, &str, &str); 2] = [
    (
        "suspend versioning",
        "versioning",
        "<VersioningConfiguration \
        xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Status>Suspended</Status></VersioningConfiguration>",
        "new evidence would overwrite old",
    ),
    (
        "drop the default retention",
        "object-lock",
        "<ObjectLockConfiguration \
        xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>",
        "the writer can leave new evidence unlocked: deny s3:PutBucketObjectLockConfiguration to \
        it",
    ),
];

fn retention_xml(mode: &str, until: &str) -> Vec<u8> {
    let xmlns = "http://s3.amazonaws.com/doc/2006-03-01/";
    format!(
        "<Retention \
    xmlns=\"{xmlns}\"><Mode>{mode}</Mode><RetainUntilDate>{until}</RetainUntilDate></Retention>"
    )
    .into_bytes()
}

fn answer(reply: &Reply) -> String {
    let body = String::from_utf8_lossy(&reply.2);
    let code = body
        .split_once("<Code>")
        .and_then(|(_, rest)| rest.split_once("</Code>"))
        .map_or("", |(code, _)| code);
    format!("{} {code}", reply.0.as_u16()).trim().to_owned()
}
