//! A served cache, and an SDK client connected to it.

use std::time::Duration;

use momento::{
    CacheClient, CredentialProvider,
    cache::{Configuration, GetResponse, configurations},
};
use momento_offline::{
    fake_api_key,
    keyspace::Keyspace,
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
    pub async fn stub() -> Self {
        Self::start(Transport::Stub).await
    }

    pub async fn server() -> Self {
        Self::start(Transport::Server).await
    }

    async fn start(transport: Transport) -> Self {
        let options = CacheOptions {
            transport,
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
