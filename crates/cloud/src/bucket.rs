//! Evidence log in an S3 bucket: every file is created with `If-None-Match: *`, so that it is never
//! overwritten.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorSettings};
use aws_smithy_types::body::SdkBody;
use bartizan_evidence::{Storage, StorageError};
use bartizan_model::limits::{EVIDENCE_FILE_BYTES_MAX, VERIFIED_WHOLE_BYTES_MAX};
use futures::{StreamExt, TryStreamExt};
use http_body_util::BodyExt;
use object_store::aws::{AmazonS3, AmazonS3Builder, AwsCredential, Checksum, S3ConditionalPut};
use object_store::client::{
    ClientOptions, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService,
};
use object_store::path::Path;
use object_store::{
    Attribute, CredentialProvider, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload,
    UpdateVersion,
};
use tokio::runtime::Runtime;

use crate::client::Client;
use crate::endpoint::Endpoints;
use crate::live::{ConnectError, Identity, load};
use crate::model::Model;

/// Object of a listing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListedObject {
    pub key: String,
    pub bytes: u64,
    /// Another one after each overwrite.
    pub entity_tag: Option<String>,
}

/// Folder in a bucket.
pub struct S3Folder {
    pub(crate) store: AmazonS3,
    pub(crate) prefix: String,
    place: String,
    pub(crate) runtime: Runtime,
    /// Entity tags of files as last read, for replacing them only if nobody else did.
    tags: Mutex<HashMap<String, Option<String>>>,
}

impl S3Folder {
    /// Name of the bucket.
    #[must_use]
    pub fn bucket(&self) -> &str {
        let rest = self.place.strip_prefix("s3://").unwrap_or(&self.place);
        rest.split('/').next().unwrap_or(rest)
    }

    /// Opens `s3://bucket/prefix` with the given identity.
    ///
    /// # Errors
    /// If there are no credentials, or the URL has another form.
    pub fn open(model: &Model, url: &str, identity: &Identity) -> Result<Self, ConnectError> {
        let error = |e: &dyn std::fmt::Display| ConnectError::Identity(format!("{url}: {e}"));
        let (bucket, prefix) =
            split_url(url).ok_or_else(|| error(&"expected s3://bucket/prefix"))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| error(&e))?;
        let (client, region) = runtime.block_on(client(model, identity))?;
        let (s3, _) = model
            .service("s3")
            .map(|s3| client.endpoints().resolve(model, "s3", s3, &region, None))
            .unwrap_or_default();
        let overridden =
            client.endpoints().all.is_some() || client.endpoints().by_service.contains_key("S3");
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&bucket)
            .with_region(&region)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_checksum_algorithm(Checksum::SHA256)
            .with_allow_http(true)
            .with_credentials(Arc::new(Provider(client)))
            .with_http_connector(Smithy);
        if overridden {
            builder = builder
                .with_endpoint(s3)
                .with_virtual_hosted_style_request(false);
        }
        let store = builder.build().map_err(|e| error(&e))?;
        Ok(Self {
            store,
            prefix,
            place: url.to_owned(),
            runtime,
            tags: Mutex::default(),
        })
    }

    fn path(&self, name: &str) -> Path {
        if self.prefix.is_empty() {
            Path::from(name)
        } else {
            Path::from(format!("{}/{name}", self.prefix))
        }
    }

    fn put(&self, name: &str, bytes: &[u8], mode: PutMode) -> Result<(), StorageError> {
        let options = PutOptions {
            mode,
            ..PutOptions::default()
        };
        let payload = PutPayload::from(bytes.to_vec());
        let path = self.path(name);
        let put = self.store.put_opts(&path, payload, options);
        let result = self.runtime.block_on(put).map_err(|e| error(name, e))?;
        self.tags
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.to_owned(), result.e_tag);
        Ok(())
    }
}

impl S3Folder {
    /// Objects under the prefix, sorted by key.
    ///
    /// # Errors
    /// If listing fails.
    pub fn objects(&self) -> Result<Vec<ListedObject>, StorageError> {
        let prefix = (!self.prefix.is_empty()).then(|| Path::from(self.prefix.as_str()));
        let listing = self
            .store
            .list(prefix.as_ref())
            .map_ok(|meta| ListedObject {
                key: meta.location.to_string(),
                bytes: meta.size,
                entity_tag: meta.e_tag,
            })
            .try_collect::<Vec<_>>();
        let mut objects = self
            .runtime
            .block_on(listing)
            .map_err(|e| error("(listing)", e))?;
        objects.sort();
        Ok(objects)
    }

    /// Size of an object in bytes, by its full key; [`StorageError::Missing`] if there is none.
    ///
    /// # Errors
    /// If the request fails.
    pub fn size(&self, key: &str) -> Result<u64, StorageError> {
        self.runtime
            .block_on(self.store.head(&Path::from(key)))
            .map(|meta| meta.size)
            .map_err(|e| error(key, e))
    }

    /// Byte range of an object, by its full key.
    ///
    /// # Errors
    /// If reading fails.
    pub fn range(&self, key: &str, range: std::ops::Range<u64>) -> Result<Vec<u8>, StorageError> {
        let bytes = self
            .runtime
            .block_on(self.store.get_range(&Path::from(key), range))
            .map_err(|e| error(key, e))?;
        Ok(bytes.to_vec())
    }
}

impl Storage for S3Folder {
    fn create(&self, name: &str, bytes: &[u8]) -> Result<(), StorageError> {
        self.put(name, bytes, PutMode::Create)
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), StorageError> {
        let tag = self
            .tags
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned()
            .flatten();
        let mode = tag.map_or(PutMode::Overwrite, |e_tag| {
            PutMode::Update(UpdateVersion {
                e_tag: Some(e_tag),
                version: None,
            })
        });
        self.put(name, bytes, mode)
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, StorageError> {
        let path = self.path(name);
        let (bytes, tag) = self
            .runtime
            .block_on(async {
                let got = self.store.get(&path).await?;
                let tag = got.meta.e_tag.clone();
                if got.meta.size > EVIDENCE_FILE_BYTES_MAX as u64 {
                    return Err(object_store::Error::Generic {
                        store: "S3",
                        source: "the file is larger than any that Bartizan writes".into(),
                    });
                }
                Ok((got.bytes().await?, tag))
            })
            .map_err(|e| error(name, e))?;
        self.tags
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.to_owned(), tag);
        Ok(bytes.to_vec())
    }

    fn list(&self) -> Result<Vec<String>, StorageError> {
        let prefix = (!self.prefix.is_empty()).then(|| Path::from(self.prefix.as_str()));
        let listing = self
            .store
            .list(prefix.as_ref())
            .map_ok(|meta| meta.location.to_string())
            .try_collect::<Vec<String>>();
        let names = self
            .runtime
            .block_on(listing)
            .map_err(|e| error("(listing)", e))?;
        let cut = if self.prefix.is_empty() {
            0
        } else {
            self.prefix.len() + 1
        };
        let mut names: Vec<String> = names
            .into_iter()
            .filter_map(|n| n.get(cut..).map(str::to_owned))
            .collect();
        names.sort();
        Ok(names)
    }

    fn place(&self) -> String {
        self.place.clone()
    }
}

/// Object of a bucket with its user metadata, e.g. `signature` of a CloudTrail digest.
#[derive(Debug)]
pub struct FetchedObject {
    pub bytes: bytes::Bytes,
    pub metadata: BTreeMap<String, String>,
}

impl S3Folder {
    /// Fetches objects by their full keys, many at once, and hands over each with its position as
    /// soon as it is there.
    pub fn fetch(
        &self,
        keys: &[&str],
        in_flight: usize,
        each: &mut dyn FnMut(usize, Result<FetchedObject, StorageError>),
    ) {
        let fetch = |(n, key): (usize, &str)| {
            let (path, name) = (Path::from(key), key.to_owned());
            async move { (n, self.fetch_one(&path).await.map_err(|e| error(&name, e))) }
        };
        self.runtime.block_on(async {
            let mut answers = futures::stream::iter(
                keys.iter()
                    .copied()
                    .enumerate()
                    .map(fetch)
                    .collect::<Vec<_>>(),
            )
            .buffer_unordered(in_flight);
            while let Some((n, fetched)) = answers.next().await {
                each(n, fetched);
            }
        });
    }

    async fn fetch_one(&self, path: &Path) -> object_store::Result<FetchedObject> {
        let got = self.store.get(path).await?;
        if got.meta.size > VERIFIED_WHOLE_BYTES_MAX as u64 {
            return Err(object_store::Error::Generic {
                store: "S3",
                source: "the object is larger than any that CloudTrail writes".into(),
            });
        }
        let metadata = got
            .attributes
            .iter()
            .filter_map(|(name, value)| match name {
                Attribute::Metadata(name) => Some((name.to_string(), value.to_string())),
                _ => None,
            })
            .collect();
        Ok(FetchedObject {
            metadata,
            bytes: got.bytes().await?,
        })
    }
}

/// Bucket and prefix of `s3://bucket/prefix`.
#[must_use]
pub fn split_url(url: &str) -> Option<(String, String)> {
    let (bucket, prefix) = url
        .strip_prefix("s3://")?
        .split_once('/')
        .unwrap_or((url.strip_prefix("s3://")?, ""));
    (!bucket.is_empty()).then(|| (bucket.to_owned(), prefix.trim_matches('/').to_owned()))
}

/// Client for S3, and the configured region.
pub(crate) async fn client(
    model: &Model,
    identity: &Identity,
) -> Result<(Client, String), ConnectError> {
    let config = load(identity).await?;
    let region = config
        .region()
        .map_or_else(|| "us-east-1".to_owned(), ToString::to_string);
    let provider = config.credentials_provider().ok_or_else(|| {
        ConnectError::Identity("no credentials found: set AWS_PROFILE, or log in".to_owned())
    })?;
    let endpoints = Endpoints::of(
        model,
        &region,
        config.endpoint_url().map(str::to_owned),
        std::env::vars(),
    );
    Ok((Client::new(provider, endpoints), region))
}

fn error(name: &str, e: object_store::Error) -> StorageError {
    match e {
        object_store::Error::AlreadyExists { .. } => StorageError::Exists(name.to_owned()),
        object_store::Error::NotFound { .. } => StorageError::Missing(name.to_owned()),
        object_store::Error::Precondition { .. } => StorageError::Conflict(name.to_owned()),
        other => StorageError::Other {
            name: name.to_owned(),
            problem: other.to_string(),
        },
    }
}

/// Credentials provider for `object_store`, shared with all other calls.
#[derive(Debug)]
struct Provider(Client);

#[async_trait]
impl CredentialProvider for Provider {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let failed = |e: String| object_store::Error::Generic {
            store: "S3",
            source: e.into(),
        };
        let credentials = self.0.credentials().await.map_err(|e| failed(e.detail))?;
        Ok(Arc::new(AwsCredential {
            key_id: credentials.access_key_id().to_owned(),
            secret_key: credentials.secret_access_key().to_owned(),
            token: credentials.session_token().map(str::to_owned),
        }))
    }
}

/// HTTP connector for `object_store`, shared with all other calls, to avoid reqwest and a second
/// TLS implementation.
#[derive(Debug)]
struct Smithy;

impl HttpConnector for Smithy {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let connector = Connector::builder()
            .connector_settings(
                HttpConnectorSettings::builder()
                    .connect_timeout(std::time::Duration::from_secs(10))
                    .build(),
            )
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .proxy_config(ProxyConfig::from_env())
            .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
            .build();
        Ok(HttpClient::new(SmithyService(connector)))
    }
}

#[derive(Debug)]
struct SmithyService(Connector);

#[async_trait]
impl HttpService for SmithyService {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let body = body
            .collect()
            .await
            .map_err(|e| HttpError::new(HttpErrorKind::Request, e))?
            .to_bytes();
        let request = http::Request::from_parts(parts, SdkBody::from(body));
        let request = request
            .try_into()
            .map_err(|e| HttpError::new(HttpErrorKind::Request, e))?;
        let response = self
            .0
            .call(request)
            .await
            .map_err(|e| HttpError::new(HttpErrorKind::Connect, e))?;
        let response = response
            .try_into_http1x()
            .map_err(|e| HttpError::new(HttpErrorKind::Decode, e))?;
        let (parts, body) = response.into_parts();
        let bytes = body
            .collect()
            .await
            .map_err(|e| HttpError::new_boxed(HttpErrorKind::Interrupted, e))?
            .to_bytes();
        let body = http_body_util::Full::new(bytes).map_err(|e| match e {});
        Ok(http::Response::from_parts(
            parts,
            HttpResponseBody::new(body),
        ))
    }
}
