//! The cache on Momento's SDK.

use std::time::Duration;

use ::momento::{
    CacheClient,
    cache::{GetResponse, SetRequest, configurations},
};
use tokio::time::timeout;

use super::{
    Cache, CacheError,
    credentials::{BadApiKey, credentials},
    retry::Retry,
    rotation::Connector,
};
use crate::{
    config::CacheEndpoint,
    deadline::Deadline,
    secrets::{self, ApiKey, SecretError},
};

/// How long init waits for the first connection. The SDK has no connect timeout.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);

/// The SDK requires a default TTL, though every set here has its own.
const DEFAULT_TTL: Duration = Duration::from_secs(1);

/// Why there is no cache client.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The API key cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The API key cannot be used.
    #[error(transparent)]
    ApiKey(#[from] BadApiKey),
}

/// Reads the API key from SSM and builds a client with it.
pub struct MomentoConnector {
    /// The client of SSM.
    pub ssm: aws_sdk_ssm::Client,
    /// The parameter with the API key.
    pub parameter: String,
    /// Momento's endpoint, or the stub's. Nothing else depends on `CACHE_BACKEND`.
    pub endpoint: CacheEndpoint,
    /// The cache's name.
    pub cache_name: String,
    /// The deadline of one call, its retry included.
    pub call_timeout: Duration,
}

impl Connector for MomentoConnector {
    type Cache = Deadline<Retry<MomentoCache>>;
    type Error = ConnectError;

    async fn connect(&self) -> Result<Self::Cache, ConnectError> {
        let api_key = secrets::read_api_key(&self.ssm, &self.parameter).await?;
        let cache = MomentoCache::connect(&api_key, &self.endpoint, &self.cache_name).await?;
        Ok(Deadline::new(Retry(cache), self.call_timeout))
    }
}

/// A cache of Momento.
pub struct MomentoCache {
    client: CacheClient,
    cache_name: String,
}

impl MomentoCache {
    /// Builds the client and connects it. If the cache is unreachable, this logs a
    /// warning and leaves connecting to the first call: the function works without
    /// a cache.
    ///
    /// # Errors
    ///
    /// The API key cannot be used.
    pub async fn connect(
        api_key: &ApiKey,
        endpoint: &CacheEndpoint,
        cache_name: &str,
    ) -> Result<Self, BadApiKey> {
        let credentials = credentials(api_key, endpoint)?;
        // This configuration sends no keepalive pings: a frozen environment would
        // miss them.
        let builder = || {
            CacheClient::builder()
                .default_ttl(DEFAULT_TTL)
                .configuration(configurations::Lambda::latest())
                .credential_provider(credentials.clone())
        };
        let client = match timeout(CONNECT_TIMEOUT, builder().build_and_connect()).await {
            Ok(Ok(client)) => client,
            failed => {
                let reason = match failed {
                    Ok(Err(error)) => CacheError::from(error),
                    _ => CacheError::Timeout(CONNECT_TIMEOUT),
                };
                tracing::warn!(%reason, "cache unreachable; reading DynamoDB until it can be reached");
                builder()
                    .build()
                    .map_err(|error| BadApiKey(error.message))?
            }
        };
        Ok(Self {
            client,
            cache_name: cache_name.to_owned(),
        })
    }
}

impl Cache for MomentoCache {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CacheError> {
        Ok(match self.client.get(&self.cache_name, key).await? {
            GetResponse::Hit { value } => Some(value.into()),
            GetResponse::Miss => None,
        })
    }

    async fn set(&self, key: &str, value: &[u8], ttl: Duration) -> Result<(), CacheError> {
        let request = SetRequest::new(&self.cache_name, key, value).ttl(ttl);
        self.client.send_request(request).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::MomentoCache;
    use crate::{cache::Cache, config::CacheEndpoint, deadline::Deadline, secrets::ApiKey};
    use std::time::Duration;

    /// `{"endpoint":"cell.invalid","api_key":"not-a-real-key"}` in base64.
    const V1_KEY: &str = "eyJlbmRwb2ludCI6ImNlbGwuaW52YWxpZCIsImFwaV9rZXkiOiJub3QtYS1yZWFsLWtleSJ9";

    async fn out_of_reach(endpoint: CacheEndpoint) -> impl Cache {
        let cache = MomentoCache::connect(&ApiKey::new(V1_KEY), &endpoint, "sample-a").await;
        Deadline::new(cache.unwrap(), Duration::from_millis(500))
    }

    #[tokio::test]
    async fn a_cache_that_refuses_connections_fails_calls_but_not_init() {
        let url = "http://127.0.0.1:1".into();
        let cache = out_of_reach(CacheEndpoint::Stub { url }).await;
        assert!(cache.get("Car").await.is_err());
    }

    #[tokio::test]
    async fn momento_s_own_endpoint_uses_tls() {
        // The host does not exist. The test shows that TLS can be set up.
        let cache = out_of_reach(CacheEndpoint::Momento { endpoint: None }).await;
        assert!(cache.get("Car").await.is_err());
    }
}
