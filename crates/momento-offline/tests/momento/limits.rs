use std::time::Duration;

use momento::{MomentoErrorCode, cache::SetRequest};

use crate::world::{CACHE, TTL, World};

on_both_transports!(
    a_ttl_is_1_ms_to_24_h,
    an_item_over_the_item_size_limit_is_refused_with_its_key_counted,
    an_element_over_128_kb_is_refused,
    a_cache_needs_a_name,
);

async fn a_ttl_is_1_ms_to_24_h(world: World) {
    let day = Duration::from_hours(24);
    let longest = SetRequest::new(CACHE, "k", "v").ttl(day);
    world.client.send_request(longest).await.unwrap();
    for ttl in [Duration::ZERO, day + Duration::from_millis(1)] {
        let set = SetRequest::new(CACHE, "k", "v").ttl(ttl);
        let error = world.client.send_request(set).await.unwrap_err();
        assert_eq!(error.error_code, MomentoErrorCode::InvalidArgumentError);
    }
}

async fn an_item_over_the_item_size_limit_is_refused_with_its_key_counted(world: World) {
    let value = vec![0; 5 * 1024 * 1024];
    let error = world.client.set(CACHE, "k", value).await.unwrap_err();
    assert_eq!(error.error_code, MomentoErrorCode::LimitExceededError);
    assert_eq!(error.message, "Item size limit exceeded for this account");
    // The largest item, set through the keyspace: `server_only` sends it over the
    // wire.
    let largest = vec![0; 5 * 1024 * 1024 - 1];
    let keyspace = world.keyspace();
    keyspace.set(CACHE, b"k".into(), largest, TTL).unwrap();
}

async fn an_element_over_128_kb_is_refused(world: World) {
    let client = &world.client;
    let largest = vec![0; 128 * 1024];
    client
        .list_push_back(CACHE, "l", largest.clone())
        .await
        .unwrap();
    let mut larger = largest;
    larger.push(0);
    let refused = [
        client
            .list_push_back(CACHE, "l", larger.clone())
            .await
            .unwrap_err(),
        client
            .set_add_elements(CACHE, "s", vec![larger.clone()])
            .await
            .unwrap_err(),
        client
            .dictionary_set_field(CACHE, "d", "f", larger.clone())
            .await
            .unwrap_err(),
        client
            .sorted_set_put_element(CACHE, "z", larger, 1.0)
            .await
            .unwrap_err(),
    ];
    for error in refused {
        assert_eq!(error.error_code, MomentoErrorCode::LimitExceededError);
        assert_eq!(
            error.message,
            "Element size limit exceeded for this account"
        );
    }
}

async fn a_cache_needs_a_name(world: World) {
    // The SDK refuses the empty name itself.
    let error = world.client.get("", "k").await.unwrap_err();
    assert_eq!(error.error_code, MomentoErrorCode::InvalidArgumentError);
    let error = world.client.create_cache(" ").await.unwrap_err();
    assert_eq!(error.error_code, MomentoErrorCode::InvalidArgumentError);
}
