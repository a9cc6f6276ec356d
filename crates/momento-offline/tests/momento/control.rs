use momento::{MomentoErrorCode, cache::CreateCacheResponse};

use crate::world::{CACHE, World};

on_both_transports!(
    caches_are_created_listed_and_deleted,
    a_flushed_cache_is_empty_and_still_exists,
    a_call_to_a_missing_cache_is_refused_as_cache_not_found,
    an_unserved_call_is_refused_with_its_name,
);

async fn caches_are_created_listed_and_deleted(world: World) {
    let client = &world.client;
    let created = client.create_cache("sample-b").await.unwrap();
    assert_eq!(created, CreateCacheResponse::Created);
    let again = client.create_cache("sample-b").await.unwrap();
    assert_eq!(again, CreateCacheResponse::AlreadyExists);
    let listed = client.list_caches().await.unwrap().caches;
    assert_eq!(listed[0].cache_limits.max_item_size_kb, 5 * 1024);
    assert_eq!(listed[0].cache_limits.max_ttl_seconds, 24 * 60 * 60);
    let names: Vec<_> = listed.into_iter().map(|cache| cache.name).collect();
    assert_eq!(names, [CACHE, "sample-b"]);
    client.set("sample-b", "Car", "item").await.unwrap();
    client.delete_cache("sample-b").await.unwrap();
    client.create_cache("sample-b").await.unwrap();
    let exists = client.key_exists("sample-b", "Car").await.unwrap();
    assert!(!exists.exists);
}

async fn a_flushed_cache_is_empty_and_still_exists(world: World) {
    world.client.set(CACHE, "Car", "item").await.unwrap();
    world.client.flush_cache(CACHE).await.unwrap();
    assert_eq!(world.get("Car").await, None);
    assert_eq!(world.keyspace().usage().bytes, 0);
}

async fn a_call_to_a_missing_cache_is_refused_as_cache_not_found(world: World) {
    let client = &world.client;
    let refused = [
        client.get("none", "Car").await.unwrap_err(),
        client.set("none", "Car", "item").await.unwrap_err(),
        client.list_fetch("none", "list").await.unwrap_err(),
        client.flush_cache("none").await.unwrap_err(),
        client.delete_cache("none").await.unwrap_err(),
    ];
    for error in refused {
        assert_eq!(error.error_code, MomentoErrorCode::CacheNotFoundError);
    }
    assert_eq!(world.keyspace().counts().error, 5);
}

async fn an_unserved_call_is_refused_with_its_name(world: World) {
    let topics = momento::TopicClient::builder()
        .configuration(momento::topics::configurations::Laptop::latest())
        .credential_provider(
            momento::CredentialProvider::from_disposable_token(momento_offline::fake_api_key())
                .unwrap()
                .insecure_endpoint_override(&world.url()),
        )
        .build()
        .unwrap();
    let error = topics.publish(CACHE, "topic", "value").await.unwrap_err();
    assert_eq!(error.error_code, MomentoErrorCode::BadRequestError);
    let said = format!("{error:?}");
    assert!(
        said.contains("/cache_client.pubsub.Pubsub/Publish is not served offline"),
        "{said}"
    );
}
