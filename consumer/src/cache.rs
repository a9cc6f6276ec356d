//! Momento, as the cache of locations.

use std::{future::Future, time::Duration};

use momento::{
    CacheClient, CredentialProvider, MomentoError,
    cache::{GetResponse, configurations},
};
use tokio::time::timeout;

use crate::{config::CacheEndpoint, secrets::ApiKey};

/// How long init waits for the first connection. The SDK has no connect timeout.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// A cache of encoded values by key.
pub trait Cache: Send + Sync {
    /// The value, or none on a miss.
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Vec<u8>>, CacheError>> + Send;

    /// Keeps the value for the cache's TTL.
    fn set(&self, key: &str, value: Vec<u8>)
    -> impl Future<Output = Result<(), CacheError>> + Send;
}

/// Why a cache call gave no answer. None of them fails a record.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The cache said no, or could not be reached.
    #[error("{code}: {message}")]
    Service {
        /// Momento's error code, such as `LimitExceededError`.
        code: String,
        /// Momento's message.
        message: String,
    },
    /// No answer in time.
    #[error("no answer within {} ms", .0.as_millis())]
    Timeout(Duration),
}

impl From<MomentoError> for CacheError {
    fn from(error: MomentoError) -> Self {
        Self::Service {
            code: format!("{:?}", error.error_code),
            message: error.message,
        }
    }
}

/// Why there is no cache client: an API key that cannot be one.
#[derive(Debug, thiserror::Error)]
#[error(
    "the Momento API key in the SSM parameter cannot be used: {0}; expected a v1 key, or a v2 key together with MOMENTO_ENDPOINT"
)]
pub struct BadApiKey(String);

/// The Momento SDK's client. `CACHE_BACKEND` chose the endpoint, nothing else.
pub struct MomentoCache {
    client: CacheClient,
    cache_name: String,
    call_timeout: Duration,
}

impl MomentoCache {
    /// Builds the client and connects it. A cache that cannot be reached now is
    /// logged and left for the first call: the function works without it.
    ///
    /// # Errors
    ///
    /// The API key cannot be one.
    pub async fn connect(
        api_key: &ApiKey,
        endpoint: &CacheEndpoint,
        cache_name: &str,
        ttl: Duration,
        call_timeout: Duration,
    ) -> Result<Self, BadApiKey> {
        let credentials = credentials(api_key, endpoint)?;
        let builder = || {
            CacheClient::builder()
                .default_ttl(ttl)
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
                tracing::warn!(%reason, "the cache cannot be reached at init; records are read from DynamoDB until it can");
                builder()
                    .build()
                    .map_err(|error| BadApiKey(error.message))?
            }
        };
        Ok(Self {
            client,
            cache_name: cache_name.to_owned(),
            call_timeout,
        })
    }

    /// The SDK's own deadline does not cover connecting, so every call has one here.
    async fn in_time<T>(
        &self,
        call: impl Future<Output = Result<T, MomentoError>>,
    ) -> Result<T, CacheError> {
        match timeout(self.call_timeout, call).await {
            Ok(done) => done.map_err(CacheError::from),
            Err(_) => Err(CacheError::Timeout(self.call_timeout)),
        }
    }
}

impl Cache for MomentoCache {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CacheError> {
        let found = self.in_time(self.client.get(&self.cache_name, key)).await?;
        Ok(match found {
            GetResponse::Hit { value } => Some(value.into()),
            GetResponse::Miss => None,
        })
    }

    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), CacheError> {
        self.in_time(self.client.set(&self.cache_name, key, value))
            .await
            .map(drop)
    }
}

/// A v1 key and a disposable token carry their endpoint; a v2 key does not.
fn credentials(
    api_key: &ApiKey,
    endpoint: &CacheEndpoint,
) -> Result<CredentialProvider, BadApiKey> {
    let key = api_key.expose();
    let (service, stub) = match endpoint {
        CacheEndpoint::Momento { endpoint } => (endpoint.as_deref(), None),
        CacheEndpoint::Stub { url } => (Some(url.as_str()), Some(url)),
    };
    let parsed = match (CredentialProvider::from_disposable_token(key), service) {
        (Ok(credentials), _) => Ok(credentials),
        (Err(_), Some(service)) => CredentialProvider::from_api_key_v2(key, service),
        (Err(error), None) => Err(error),
    };
    let credentials = parsed.map_err(|error| BadApiKey(error.message))?;
    Ok(match stub {
        Some(url) => credentials.insecure_endpoint_override(url),
        None => credentials,
    })
}

#[cfg(test)]
mod tests {
    use super::{MomentoCache, credentials};
    use crate::{cache::Cache, config::CacheEndpoint, secrets::ApiKey};
    use std::time::Duration;

    /// `{"endpoint":"cell.invalid","api_key":"not-a-real-key"}` in base64.
    const V1_KEY: &str = "eyJlbmRwb2ludCI6ImNlbGwuaW52YWxpZCIsImFwaV9rZXkiOiJub3QtYS1yZWFsLWtleSJ9";

    fn stub() -> CacheEndpoint {
        CacheEndpoint::Stub {
            url: "http://127.0.0.1:1".into(),
        }
    }

    #[test]
    fn a_bad_key_is_refused_without_being_shown() {
        let error = credentials(
            &ApiKey::new("hunter2"),
            &CacheEndpoint::Momento { endpoint: None },
        )
        .unwrap_err()
        .to_string();
        assert!(error.contains("Momento API key"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[tokio::test]
    async fn a_cache_that_refuses_connections_is_an_error_of_the_call_not_of_init() {
        let cache = MomentoCache::connect(
            &ApiKey::new(V1_KEY),
            &stub(),
            "sample-a",
            Duration::from_secs(10),
            Duration::from_millis(500),
        )
        .await
        .unwrap();
        assert!(cache.get("Car").await.is_err());
    }

    #[tokio::test]
    async fn momento_itself_is_spoken_to_over_tls() {
        // The host does not exist: what shows is that TLS can be set up at all.
        let cache = MomentoCache::connect(
            &ApiKey::new(V1_KEY),
            &CacheEndpoint::Momento { endpoint: None },
            "sample-a",
            Duration::from_secs(10),
            Duration::from_millis(500),
        )
        .await
        .unwrap();
        assert!(cache.get("Car").await.is_err());
    }
}
