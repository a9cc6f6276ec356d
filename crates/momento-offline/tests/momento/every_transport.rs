//! Get, set and delete, and their faults, over every transport.

use std::time::Duration;

use momento_offline::{
    faults::{Fault, FaultRule},
    status::Code,
};

use crate::world::{CACHE, PATIENCE, TTL, World, sent_code};

on_every_transport!(
    a_value_that_was_set_is_a_hit_until_it_is_deleted,
    an_item_expires_after_its_own_ttl,
    any_bytes_are_returned_unchanged,
    a_call_beyond_a_limit_is_refused,
    a_missing_cache_is_refused_and_a_missing_key_is_a_miss,
    a_get_of_a_collection_is_refused,
    each_refusal_has_its_code,
    a_fault_applies_to_its_calls_until_its_count_is_used_up,
    a_latency_fault_delays_the_answer,
    calls_in_flight_are_answered_each_with_its_own_value,
);

async fn a_value_that_was_set_is_a_hit_until_it_is_deleted(world: World) {
    let client = world.scalars().await;
    assert_eq!(client.get(CACHE, "Car").await.unwrap(), None);
    client.set(CACHE, "Car", "item", TTL).await.unwrap();
    let got = client.get(CACHE, "Car").await.unwrap();
    assert_eq!(got, Some(b"item".to_vec()));
    client.delete(CACHE, "Car").await.unwrap();
    client.delete(CACHE, "Car").await.unwrap();
    assert_eq!(client.get(CACHE, "Car").await.unwrap(), None);

    let counts = world.keyspace().counts();
    assert_eq!((counts.get, counts.hit, counts.miss), (3, 1, 2));
    assert_eq!((counts.set, counts.delete, counts.error), (1, 2, 0));
}

async fn an_item_expires_after_its_own_ttl(world: World) {
    let client = world.scalars().await;
    let short = Duration::from_millis(20);
    client.set(CACHE, "Car", "item", short).await.unwrap();
    let gone = async {
        while client.get(CACHE, "Car").await.unwrap().is_some() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, gone)
        .await
        .expect("the item never expires");
    assert_eq!(world.keyspace().usage().expired, 1);
}

async fn any_bytes_are_returned_unchanged(world: World) {
    let client = world.scalars().await;
    let every_byte: Vec<u8> = (0..=255).collect();
    for value in [every_byte.clone(), Vec::new(), vec![7; 1024 * 1024]] {
        let key = every_byte.clone();
        let set = client.set(CACHE, key.clone(), value.clone(), TTL);
        set.await.unwrap();
        let got = client.get(CACHE, key).await.unwrap().unwrap();
        assert!(got == value, "{} bytes of {}", got.len(), value.len());
    }
}

async fn a_call_beyond_a_limit_is_refused(world: World) {
    let client = world.scalars().await;
    let day = Duration::from_hours(24);
    client.set(CACHE, "k", "v", day).await.unwrap();
    for ttl in [Duration::ZERO, day + Duration::from_millis(1)] {
        let error = client.set(CACHE, "k", "v", ttl).await.unwrap_err();
        assert_eq!(sent_code(&error), Code::InvalidArgument as i32);
    }
    let large = vec![0; 5 * 1024 * 1024];
    let error = client.set(CACHE, "k", large, TTL).await.unwrap_err();
    assert_eq!(sent_code(&error), Code::ResourceExhausted as i32);
    assert_eq!(world.keyspace().counts().error, 3);
}

async fn a_missing_cache_is_refused_and_a_missing_key_is_a_miss(world: World) {
    let client = world.scalars().await;
    assert_eq!(client.get(CACHE, "Car").await.unwrap(), None);
    let refused = [
        client.get("none", "Car").await.unwrap_err(),
        client.set("none", "Car", "item", TTL).await.unwrap_err(),
        client.delete("none", "Car").await.unwrap_err(),
    ];
    for error in refused {
        assert_eq!(sent_code(&error), Code::NotFound as i32);
    }
    assert_eq!(world.keyspace().counts().error, 3);
}

async fn a_get_of_a_collection_is_refused(world: World) {
    world.client.list_push_back(CACHE, "k", "v").await.unwrap();
    let client = world.scalars().await;
    let error = client.get(CACHE, "k").await.unwrap_err();
    assert_eq!(sent_code(&error), Code::FailedPrecondition as i32);
}

async fn each_refusal_has_its_code(world: World) {
    let client = world.scalars().await;
    // Connected: a refused connection is a different error.
    client.get(CACHE, "Car").await.unwrap();
    let errors = Code::ALL.map(|code| (Fault::error(code), code));
    let others = [
        (Fault::rate_limit(0.0), Code::ResourceExhausted),
        (Fault::AuthFailure, Code::Unauthenticated),
        (Fault::CacheMissing, Code::NotFound),
    ];
    for (fault, code) in errors.into_iter().chain(others) {
        world.keyspace().faults.set(fault.clone()).unwrap();
        let error = client.get(CACHE, "Car").await.unwrap_err();
        assert_eq!(sent_code(&error), code as i32, "{fault:?}");
    }
    world.keyspace().faults.clear();
    client.get(CACHE, "Car").await.unwrap();
    let counts = world.keyspace().counts();
    assert_eq!((counts.error, counts.get), (19, 2));
}

async fn a_fault_applies_to_its_calls_until_its_count_is_used_up(world: World) {
    let client = world.scalars().await;
    let rule = FaultRule::from(Fault::error(Code::Unavailable));
    let rule = rule.calls(["Get"]).count(2);
    world.keyspace().faults.set(rule).unwrap();
    let mut failed = 0;
    for _ in 0..4 {
        client.set(CACHE, "Car", "item", TTL).await.unwrap();
        failed += u32::from(client.get(CACHE, "Car").await.is_err());
    }
    assert_eq!(failed, 2);
}

async fn a_latency_fault_delays_the_answer(world: World) {
    let client = world.scalars().await;
    let delay = Duration::from_millis(300);
    world.keyspace().faults.set(Fault::latency(delay)).unwrap();
    let began = tokio::time::Instant::now();
    assert_eq!(client.get(CACHE, "Car").await.unwrap(), None);
    assert!(began.elapsed() >= delay, "{:?}", began.elapsed());
}

async fn calls_in_flight_are_answered_each_with_its_own_value(world: World) {
    let client = world.scalars().await;
    let keys: Vec<_> = (0..500).map(|key| format!("key-{key}")).collect();
    let sets = keys
        .iter()
        .map(|key| client.set(CACHE, &**key, &**key, TTL));
    let sets = futures_util::future::join_all(sets).await;
    for set in sets {
        set.unwrap();
    }
    // Different delays have the answers overtake each other.
    let delays: FaultRule = "latency=0ms..20ms".parse().unwrap();
    world.keyspace().faults.set(delays).unwrap();
    let gets = keys.iter().map(|key| client.get(CACHE, &**key));
    let values = futures_util::future::join_all(gets).await;
    for (key, value) in keys.iter().zip(values) {
        assert_eq!(value.unwrap(), Some(key.clone().into_bytes()));
    }
}
