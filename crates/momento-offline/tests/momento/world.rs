//! A served cache, and an SDK client connected to it.

use std::time::Duration;

use momento::{
    CacheClient, CredentialProvider, ErrorSource, IntoBytes, MomentoError, MomentoResult,
    ProtosocketCacheClient, ProtosocketCacheError,
    cache::{Configuration, GetResponse, SetRequest, configurations},
    protosocket,
};
use momento_offline::{
    fake_api_key,
    keyspace::{DEFAULT_CAPACITY, Keyspace},
    transport::{CacheOptions, Served, Transport},
};
use tokio::net::TcpListener;

/// The cache that exists from the start.
pub const CACHE: &str = "sample-a";

/// Time limit of every wait.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The client's default TTL.
pub const TTL: Duration = Duration::from_secs(10);

pub struct World {
    pub served: Served,
    pub client: CacheClient,
}

impl World {
    /// A server that is also served over protosocket.
    pub async fn protosocket() -> Self {
        Self::protosocket_with_capacity(DEFAULT_CAPACITY).await
    }

    pub async fn protosocket_with_capacity(capacity: u64) -> Self {
        let Self { served, client } = Self::start(Transport::Server, capacity).await;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let served = served.also_protosocket(listener).unwrap();
        Self { served, client }
    }

    /// The SDK's client of each protocol that is served.
    pub async fn scalars(&self) -> ScalarClient {
        if self.served.protosocket_address().is_none() {
            return ScalarClient::Grpc(Box::new(self.client.clone()));
        }
        let laptop = protosocket::cache::configurations::Laptop::latest();
        ScalarClient::Protosocket(protosocket_client(&self.served, laptop).await)
    }

    pub async fn stub() -> Self {
        Self::start(Transport::Stub, DEFAULT_CAPACITY).await
    }

    pub async fn server() -> Self {
        Self::start(Transport::Server, DEFAULT_CAPACITY).await
    }

    async fn start(transport: Transport, capacity: u64) -> Self {
        let options = CacheOptions {
            transport,
            capacity,
            ..CacheOptions::default()
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let served = Served::start(options, listener, [CACHE]).await.unwrap();
        // Its deadline is 15 s, long enough for a busy machine.
        let client = client(&served, configurations::Laptop::latest()).await;
        Self { served, client }
    }

    pub fn keyspace(&self) -> &Keyspace {
        self.served.keyspace()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.served.address())
    }

    pub async fn get(&self, key: &str) -> Option<Vec<u8>> {
        match self.client.get(CACHE, key).await.unwrap() {
            GetResponse::Hit { value } => Some(value.into()),
            GetResponse::Miss => None,
        }
    }
}

/// A connected client of the SDK.
pub async fn client(served: &Served, configuration: impl Into<Configuration>) -> CacheClient {
    let credentials = CredentialProvider::from_disposable_token(fake_api_key())
        .unwrap()
        .insecure_endpoint_override(&format!("http://{}", served.address()));
    CacheClient::builder()
        .default_ttl(TTL)
        .configuration(configuration)
        .credential_provider(credentials)
        .build_and_connect()
        .await
        .unwrap()
}

/// A client of the SDK for protosocket. It connects at its first call.
pub async fn protosocket_client(
    served: &Served,
    configuration: impl Into<protosocket::cache::Configuration>,
) -> ProtosocketCacheClient {
    let address = served.protosocket_address().unwrap().to_string();
    let credentials = CredentialProvider::from_disposable_token(fake_api_key()).unwrap();
    let credentials = credentials.insecure_endpoint_override(&address);
    protosocket_client_with(credentials, configuration).await
}

/// A client of the SDK for protosocket over TLS, which accepts any certificate.
pub async fn tls_client(served: &Served) -> ProtosocketCacheClient {
    // Two providers are compiled into the tests: the SDK needs one selected.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let address = served.protosocket_address().unwrap().to_string();
    let credentials = CredentialProvider::from_disposable_token(fake_api_key()).unwrap();
    let credentials = credentials.unverified_tls_endpoint_override(&address);
    let laptop = protosocket::cache::configurations::Laptop::latest();
    protosocket_client_with(credentials, laptop).await
}

async fn protosocket_client_with(
    credentials: CredentialProvider,
    configuration: impl Into<protosocket::cache::Configuration>,
) -> ProtosocketCacheClient {
    ProtosocketCacheClient::builder()
        .default_ttl(TTL)
        .configuration(configuration)
        .credential_provider(credentials)
        .runtime(tokio::runtime::Handle::current())
        .build()
        .await
        .unwrap()
}

/// The calls that both of the SDK's clients have.
pub enum ScalarClient {
    Grpc(Box<CacheClient>),
    Protosocket(ProtosocketCacheClient),
}

impl ScalarClient {
    pub async fn get(&self, cache: &str, key: impl IntoBytes) -> MomentoResult<Option<Vec<u8>>> {
        let got = match self {
            Self::Grpc(client) => client.get(cache, key).await?,
            Self::Protosocket(client) => client.get(cache, key).await?,
        };
        Ok(match got {
            GetResponse::Hit { value } => Some(value.into()),
            GetResponse::Miss => None,
        })
    }

    pub async fn set(
        &self,
        cache: &str,
        key: impl IntoBytes,
        value: impl IntoBytes,
        ttl: Duration,
    ) -> MomentoResult<()> {
        let set = SetRequest::new(cache, key, value).ttl(ttl);
        match self {
            Self::Grpc(client) => client.send_request(set).await.map(drop),
            Self::Protosocket(client) => client.send_request(set).await.map(drop),
        }
    }

    pub async fn delete(&self, cache: &str, key: impl IntoBytes) -> MomentoResult<()> {
        match self {
            Self::Grpc(client) => client.delete(cache, key).await.map(drop),
            Self::Protosocket(client) => client.delete(cache, key).await.map(drop),
        }
    }
}

/// The status code that the cache sent: the SDK's client for protosocket leaves it in
/// the source of an `UnknownError`.
pub fn sent_code(error: &MomentoError) -> i32 {
    match &error.inner_error {
        Some(ErrorSource::TonicStatus(status)) => status.code() as i32,
        Some(ErrorSource::Protosocket(ProtosocketCacheError::CommandError { cause })) => cause.code,
        other => panic!("the cache sent no status: {error:?}, {other:?}"),
    }
}
