//! Public keys with which CloudTrail signs digests: each region has its own.

use serde_json::{Map, Value, json};

use crate::bucket::client;
use crate::client::{CallError, Client};
use crate::live::{ConnectError, Identity};
use crate::model::Model;
use crate::template::at;

/// Span of digests of a region, in seconds since 1970.
pub type RegionSpan = (String, (i64, i64));

/// Region with its list of keys, or why there is none.
pub type RegionKeys = (String, Result<Value, CallError>);

/// Reads the public keys of each region (CloudTrail API, `ListPublicKeys`): a list of them, or why
/// there is none.
///
/// # Errors
/// If there are no credentials.
pub fn public_keys(
    model: &Model,
    identity: &Identity,
    spans: &[RegionSpan],
) -> Result<Vec<RegionKeys>, ConnectError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| ConnectError::Identity(e.to_string()))?;
    runtime.block_on(async {
        let (client, _) = client(model, identity).await?;
        let mut keys = Vec::new();
        for (region, span) in spans {
            keys.push((
                region.clone(),
                of_region(model, &client, region, *span).await,
            ));
        }
        Ok(keys)
    })
}

async fn of_region(
    model: &Model,
    client: &Client,
    region: &str,
    (from_s, to_s): (i64, i64),
) -> Result<Value, CallError> {
    let mut params = Map::new();
    params.insert("StartTime".to_owned(), json!(from_s));
    params.insert("EndTime".to_owned(), json!(to_s));
    let mut keys = Vec::new();
    loop {
        let names = ("cloudtrail", "ListPublicKeys");
        let answer = client.call(model, names, region, &params).await?;
        let list = answer.value["PublicKeyList"].as_array();
        keys.extend(list.into_iter().flatten().cloned());
        match at(&answer.value, "NextToken").filter(|t| !t.is_null()) {
            Some(token) => drop(params.insert("NextToken".to_owned(), token.clone())),
            None => return Ok(Value::Array(keys)),
        }
    }
}
