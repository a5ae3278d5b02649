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

/// Statuses by which S3 refuses a write to an object.
fn is_refusal(status: u16) -> bool {
    matches!(status, 400 | 403 | 405 | 409 | 412)
}

/// Attempt with the outcome that the reply shows.
fn attempt(
    (tried, matters): (&'static str, &'static str),
    reply: Result<Reply, String>,
    refusal: impl Fn(u16) -> bool,
) -> Attempt {
    let (outcome, answer) = match reply {
        Ok(reply) if reply.0.is_success() => (AttemptOutcome::Broken, answer(&reply)),
        Ok(reply) if refusal(reply.0.as_u16()) => (AttemptOutcome::Refused, answer(&reply)),
        Ok(reply) => (AttemptOutcome::Unknown, answer(&reply)),
        Err(e) => (AttemptOutcome::Unknown, e),
    };
    Attempt {
        tried,
        outcome,
        answer,
        matters,
    }
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
        let mut out = self.on_name(&object).await;
        match version.filter(|v| v != "null") {
            Some(version) => out.extend(self.on_version(&object, &version, now).await),
            None => out.push(Attempt {
                tried: "find a version id",
                outcome: AttemptOutcome::Broken,
                answer: "the bucket is not versioned".into(),
                matters: "without versioning and Object Lock anything can be destroyed",
            }),
        }
        for (tried, query, body, matters) in BUCKET_ATTEMPTS {
            let path = format!("/{}?{query}", self.bucket);
            let reply = self.send("PUT", &path, &[], body.as_bytes()).await;
            let failed = |status| matches!(status, 400 | 403 | 405 | 409);
            out.push(attempt((tried, matters), reply, failed));
        }
        Ok(out)
    }

    /// Attempts to take the name of an object that is there, or to hide it.
    async fn on_name(&self, object: &str) -> Vec<Attempt> {
        let once = [("if-none-match", "*")];
        let again = self.send("PUT", object, &once, b"forged").await;
        let over = self.send("PUT", object, &[], b"forged").await;
        let delete = self.send("DELETE", object, &[], b"").await;
        vec![
            attempt(
                (
                    "write the same name again, with If-None-Match",
                    "a name can be taken twice",
                ),
                again,
                is_refusal,
            ),
            attempt(
                (
                    "write the same name again, without a condition",
                    "readers of the newest version see the forgery: enforce If-None-Match by \
                    bucket policy",
                ),
                over,
                is_refusal,
            ),
            attempt(
                (
                    "delete the object",
                    "a delete marker hides the evidence: deny s3:DeleteObject to the writer",
                ),
                delete,
                is_refusal,
            ),
        ]
    }

    /// Attempts to destroy a version of an object, or to weaken its retention.
    async fn on_version(&self, object: &str, version: &str, now: Timestamp) -> Vec<Attempt> {
        let versioned = format!("{object}?versionId={version}");
        let retention = format!("{object}?retention&versionId={version}");
        let bypass = [("x-amz-bypass-governance-retention", "true")];
        let soon = (now + SignedDuration::from_secs(60)).to_string();
        let later = (now + SignedDuration::from_hours(24 * 36500)).to_string();
        let shorter = retention_xml("COMPLIANCE", &soon);
        let weaker = retention_xml("GOVERNANCE", &later);
        let delete = self.send("DELETE", &versioned, &[], b"").await;
        let bypassed = self.send("DELETE", &versioned, &bypass, b"").await;
        let shortened = self.send("PUT", &retention, &[], &shorter).await;
        let weakened = self.send("PUT", &retention, &[], &weaker).await;
        vec![
            attempt(
                ("delete the version", "evidence can be destroyed"),
                delete,
                is_refusal,
            ),
            attempt(
                (
                    "delete the version, bypassing governance",
                    "retention is in governance mode: use compliance mode",
                ),
                bypassed,
                is_refusal,
            ),
            attempt(
                ("shorten the retention", "evidence can be freed early"),
                shortened,
                is_refusal,
            ),
            attempt(
                (
                    "turn compliance into governance",
                    "retention can be made removable",
                ),
                weakened,
                is_refusal,
            ),
        ]
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
