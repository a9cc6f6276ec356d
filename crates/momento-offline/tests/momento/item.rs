use std::time::Duration;

use momento::{
    MomentoErrorCode,
    cache::{
        DecreaseTtlResponse, IncreaseTtlResponse, ItemGetTtlResponse, ItemGetTypeResponse,
        ItemType, UpdateTtlResponse,
    },
};

use crate::world::{CACHE, TTL, World};

on_both_transports!(
    keys_exist_whatever_their_type,
    a_ttl_is_read_and_changed,
    the_type_of_an_item_is_read,
    a_call_on_another_type_is_refused_and_a_set_replaces_the_item,
);

async fn keys_exist_whatever_their_type(world: World) {
    let client = &world.client;
    client.set(CACHE, "scalar", "1").await.unwrap();
    client.list_push_back(CACHE, "list", "1").await.unwrap();
    let exist = client.keys_exist(CACHE, vec!["list", "none", "scalar"]);
    let exist: Vec<bool> = exist.await.unwrap().into();
    assert_eq!(exist, [true, false, true]);
    assert!(client.key_exists(CACHE, "list").await.unwrap().exists);
    assert!(!client.key_exists(CACHE, "none").await.unwrap().exists);
}

async fn a_ttl_is_read_and_changed(world: World) {
    let client = &world.client;
    let (second, minute, hour) = (
        Duration::from_secs(1),
        Duration::from_mins(1),
        Duration::from_hours(1),
    );
    let miss = client.item_get_ttl(CACHE, "k").await.unwrap();
    assert_eq!(miss, ItemGetTtlResponse::Miss);
    let miss = client.update_ttl(CACHE, "k", hour).await.unwrap();
    assert_eq!(miss, UpdateTtlResponse::Miss);

    client.set(CACHE, "k", "v").await.unwrap();
    let left = async || -> Duration {
        let left = client.item_get_ttl(CACHE, "k").await.unwrap();
        left.try_into().unwrap()
    };
    assert!(left().await <= TTL);
    let increased = client.increase_ttl(CACHE, "k", second).await.unwrap();
    assert_eq!(increased, IncreaseTtlResponse::NotSet);
    let increased = client.increase_ttl(CACHE, "k", hour).await.unwrap();
    assert_eq!(increased, IncreaseTtlResponse::Set);
    assert!(left().await > minute);
    let decreased = client.decrease_ttl(CACHE, "k", hour * 2).await.unwrap();
    assert_eq!(decreased, DecreaseTtlResponse::NotSet);
    let decreased = client.decrease_ttl(CACHE, "k", minute).await.unwrap();
    assert_eq!(decreased, DecreaseTtlResponse::Set);
    assert!(left().await <= minute);
    let updated = client.update_ttl(CACHE, "k", hour).await.unwrap();
    assert_eq!(updated, UpdateTtlResponse::Set);
    assert!(left().await > minute);
}

async fn the_type_of_an_item_is_read(world: World) {
    let client = &world.client;
    client.set(CACHE, "scalar", "1").await.unwrap();
    client
        .dictionary_set_field(CACHE, "dictionary", "f", "v")
        .await
        .unwrap();
    client
        .set_add_elements(CACHE, "set", vec!["e"])
        .await
        .unwrap();
    client.list_push_back(CACHE, "list", "v").await.unwrap();
    client
        .sorted_set_put_element(CACHE, "sorted", "v", 1.0)
        .await
        .unwrap();
    for (key, expected) in [
        ("scalar", ItemType::Scalar),
        ("dictionary", ItemType::Dictionary),
        ("set", ItemType::Set),
        ("list", ItemType::List),
        ("sorted", ItemType::SortedSet),
    ] {
        let told = client.item_get_type(CACHE, key).await.unwrap();
        assert_eq!(told, ItemGetTypeResponse::Hit { key_type: expected });
    }
    let told = client.item_get_type(CACHE, "none").await.unwrap();
    assert_eq!(told, ItemGetTypeResponse::Miss);
}

async fn a_call_on_another_type_is_refused_and_a_set_replaces_the_item(world: World) {
    let client = &world.client;
    client.list_push_back(CACHE, "k", "v").await.unwrap();
    let refused = [
        client.get(CACHE, "k").await.unwrap_err(),
        client.set_fetch(CACHE, "k").await.unwrap_err(),
        client
            .dictionary_set_field(CACHE, "k", "f", "v")
            .await
            .unwrap_err(),
    ];
    for error in refused {
        assert_eq!(error.error_code, MomentoErrorCode::FailedPreconditionError);
    }
    client.set(CACHE, "k", "scalar").await.unwrap();
    assert_eq!(world.get("k").await, Some(b"scalar".to_vec()));
}
