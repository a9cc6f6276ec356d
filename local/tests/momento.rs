//! The stub, through the real Momento SDK.

// A test says what is wrong by stopping.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{net::TcpListener, sync::Arc, time::Duration};

use local::momento::{fake_api_key, faults::Fault, keyspace::Keyspace, stub::Stub};
use momento::{
    CacheClient, CredentialProvider, MomentoErrorCode,
    cache::{CreateCacheResponse, GetResponse, SetRequest, configurations},
};

struct World {
    stub: Stub,
    client: CacheClient,
}

impl World {
    async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let stub = Stub::start(listener, Arc::new(Keyspace::with_caches(["sample-a"]))).await;
        let credentials = CredentialProvider::from_disposable_token(fake_api_key())
            .unwrap()
            .insecure_endpoint_override(&format!("http://{}", stub.address()));
        let client = CacheClient::builder()
            .default_ttl(Duration::from_secs(10))
            .configuration(configurations::Lambda::latest())
            .credential_provider(credentials)
            .build_and_connect()
            .await
            .unwrap();
        Self { stub, client }
    }

    async fn get(&self, key: &str) -> Option<Vec<u8>> {
        match self.client.get("sample-a", key).await.unwrap() {
            GetResponse::Hit { value } => Some(value.into()),
            GetResponse::Miss => None,
        }
    }
}

#[tokio::test]
async fn a_value_that_was_set_is_a_hit_until_it_is_deleted() {
    let world = World::start().await;
    assert_eq!(world.get("Car").await, None);
    world.client.set("sample-a", "Car", "item").await.unwrap();
    assert_eq!(world.get("Car").await, Some(b"item".to_vec()));
    world.client.delete("sample-a", "Car").await.unwrap();
    assert_eq!(world.get("Car").await, None);

    let counts = world.stub.keyspace().counts();
    assert_eq!((counts.get, counts.hit, counts.miss), (3, 1, 2));
    assert_eq!((counts.set, counts.delete, counts.error), (1, 1, 0));
}

#[tokio::test]
async fn an_item_s_own_ttl_is_kept() {
    let world = World::start().await;
    let short = SetRequest::new("sample-a", "Car", "item").ttl(Duration::from_millis(20));
    world.client.send_request(short).await.unwrap();
    let gone = async {
        while world.get("Car").await.is_some() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), gone)
        .await
        .expect("the item never expires");
}

#[tokio::test]
async fn caches_are_created_listed_and_deleted() {
    let world = World::start().await;
    let created = world.client.create_cache("sample-b").await.unwrap();
    assert_eq!(created, CreateCacheResponse::Created);
    let again = world.client.create_cache("sample-b").await.unwrap();
    assert_eq!(again, CreateCacheResponse::AlreadyExists);
    let listed = world.client.list_caches().await.unwrap();
    let names: Vec<_> = listed.caches.into_iter().map(|cache| cache.name).collect();
    assert_eq!(names, ["sample-a", "sample-b"]);
    world.client.delete_cache("sample-b").await.unwrap();
    let error = world.client.get("sample-b", "Car").await.unwrap_err();
    assert_eq!(error.error_code, MomentoErrorCode::CacheNotFoundError);
}

#[tokio::test]
async fn faults_come_through_as_the_service_s_own_errors() {
    let world = World::start().await;
    let faults = &world.stub.keyspace().faults;
    for (fault, code) in [
        (Fault::RateLimited, MomentoErrorCode::LimitExceededError),
        (
            Fault::Unauthenticated,
            MomentoErrorCode::AuthenticationError,
        ),
    ] {
        faults.set(fault);
        let error = world.client.get("sample-a", "Car").await.unwrap_err();
        assert_eq!(error.error_code, code);
    }
    faults.set(Fault::None);
    assert_eq!(world.get("Car").await, None);
    assert_eq!(world.stub.keyspace().counts().error, 2);
}

#[tokio::test]
async fn a_call_that_is_not_served_says_so_by_name() {
    let world = World::start().await;
    let error = world
        .client
        .dictionary_fetch("sample-a", "dictionary")
        .await
        .unwrap_err();
    let said = format!("{error:?}");
    assert!(
        said.contains("/cache_client.Scs/DictionaryFetch is not served here"),
        "{said}"
    );
}

#[tokio::test]
async fn a_megabyte_comes_back_as_it_went() {
    let world = World::start().await;
    let value = vec![7; 1024 * 1024];
    world
        .client
        .set("sample-a", "large", value.clone())
        .await
        .unwrap();
    assert_eq!(world.get("large").await, Some(value));
}
