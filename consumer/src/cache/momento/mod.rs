//! The cache on Momento's SDK, over gRPC or protosocket.

mod grpc;
pub(super) mod protosocket;

use std::time::Duration;

use ::momento::{
    CacheClient, ProtosocketCacheClient,
    cache::{GetResponse, SetRequest},
};

use super::{
    Cache, CacheError,
    credentials::{BadApiKey, credentials},
    retry::Retry,
    rotation::Connector,
};
use crate::{
    config::{CacheEndpoint, Protocol},
    deadline::Deadline,
    secrets::{self, ApiKey, SecretError},
};

/// How long init waits for the first connection. The SDK's own limits are longer, where
/// it has any.
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
    /// Which of the SDK's clients to build. Nothing else depends on `CACHE_PROTOCOL`.
    pub protocol: Protocol,
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
        let cache =
            MomentoCache::connect(&api_key, &self.endpoint, self.protocol, &self.cache_name);
        Ok(Deadline::new(Retry(cache.await?), self.call_timeout))
    }
}

/// A cache of Momento.
pub struct MomentoCache {
    client: Client,
    cache_name: String,
}

/// The SDK's clients. Each call of a cache is the same request with both.
enum Client {
    Grpc(Box<CacheClient>),
    Protosocket(ProtosocketCacheClient),
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
        protocol: Protocol,
        cache_name: &str,
    ) -> Result<Self, BadApiKey> {
        let credentials = credentials(api_key, endpoint)?;
        let client = match protocol {
            Protocol::Grpc => grpc::connect(&credentials)
                .await
                .map(|client| Client::Grpc(Box::new(client))),
            Protocol::Protosocket => protosocket::connect(credentials, cache_name)
                .await
                .map(Client::Protosocket),
        };
        Ok(Self {
            client: client.map_err(|error| BadApiKey(error.message))?,
            cache_name: cache_name.to_owned(),
        })
    }
}

fn warn_unreachable(reason: &CacheError) {
    tracing::warn!(%reason, "cache unreachable; reading DynamoDB until it can be reached");
}

impl Cache for MomentoCache {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CacheError> {
        let got = match &self.client {
            Client::Grpc(client) => client.get(&self.cache_name, key).await?,
            Client::Protosocket(client) => client.get(&self.cache_name, key).await?,
        };
        Ok(match got {
            GetResponse::Hit { value } => Some(value.into()),
            GetResponse::Miss => None,
        })
    }

    async fn set(&self, key: &str, value: &[u8], ttl: Duration) -> Result<(), CacheError> {
        let request = SetRequest::new(&self.cache_name, key, value).ttl(ttl);
        match &self.client {
            Client::Grpc(client) => client.send_request(request).await?,
            Client::Protosocket(client) => client.send_request(request).await?,
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::MomentoCache;
    use crate::{
        cache::Cache,
        config::{CacheEndpoint, Protocol},
        deadline::Deadline,
        secrets::ApiKey,
    };
    use ::momento::CredentialProvider;
    use std::time::Duration;
    use tokio::{io::AsyncReadExt, net::TcpListener, time::timeout};

    /// `{"endpoint":"cell.invalid","api_key":"not-a-real-key"}` in base64.
    const V1_KEY: &str = "eyJlbmRwb2ludCI6ImNlbGwuaW52YWxpZCIsImFwaV9rZXkiOiJub3QtYS1yZWFsLWtleSJ9";

    async fn out_of_reach(endpoint: CacheEndpoint, protocol: Protocol) -> impl Cache {
        let key = ApiKey::new(V1_KEY);
        let cache = MomentoCache::connect(&key, &endpoint, protocol, "sample-a").await;
        Deadline::new(cache.unwrap(), Duration::from_millis(500))
    }

    #[tokio::test]
    async fn a_cache_that_refuses_connections_fails_calls_but_not_init() {
        for (protocol, url) in [
            (Protocol::Grpc, "http://127.0.0.1:1"),
            (Protocol::Protosocket, "127.0.0.1:1"),
        ] {
            let url = url.to_owned();
            let cache = out_of_reach(CacheEndpoint::Stub { url }, protocol).await;
            assert!(cache.get("Car").await.is_err());
        }
    }

    #[tokio::test]
    async fn momento_s_own_endpoint_uses_tls() {
        // The host does not exist. The test shows that TLS can be set up.
        let momento = CacheEndpoint::Momento { endpoint: None };
        let cache = out_of_reach(momento, Protocol::Grpc).await;
        assert!(cache.get("Car").await.is_err());
    }

    #[tokio::test]
    async fn protosocket_can_use_tls() {
        // Momento's own host cannot be reached here: the SDK looks it up before it sets up
        // TLS. So a listener stands in for it, which receives the first bytes.
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let credentials = CredentialProvider::from_disposable_token(V1_KEY)
            .unwrap()
            .secure_endpoint_override(&address);
        let client = super::protosocket::connect(credentials, "sample-a");
        let accept = timeout(Duration::from_secs(30), async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_u8().await.unwrap()
        });
        let (_, first_byte) = tokio::join!(client, accept);
        // A handshake record (RFC 8446, section 5.1).
        assert_eq!(first_byte.expect("no connection"), 22);
    }
}
