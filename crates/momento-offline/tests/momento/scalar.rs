use std::{collections::HashMap, time::Duration};

use momento::{
    MomentoErrorCode,
    cache::{
        GetResponse, SetIfAbsentOrEqualResponse, SetIfAbsentResponse, SetIfEqualResponse,
        SetIfNotEqualResponse, SetIfPresentAndNotEqualResponse, SetIfPresentResponse,
    },
};

use crate::world::{CACHE, World};

on_both_transports!(
    a_batch_get_answers_each_key_in_order,
    a_conditional_set_stores_only_if_its_condition_holds,
    an_increment_counts_and_keeps_the_ttl,
);

async fn a_batch_get_answers_each_key_in_order(world: World) {
    let items = HashMap::from([("a", "1"), ("b", "2")]);
    world.client.set_batch(CACHE, items).await.unwrap();
    let got = world.client.get_batch(CACHE, vec!["a", "x", "b"]).await;
    let got: HashMap<Vec<u8>, GetResponse> = got.unwrap().into();
    let value = |key: &str| match &got[key.as_bytes()] {
        GetResponse::Hit { value } => Some(String::try_from(value.clone()).unwrap()),
        GetResponse::Miss => None,
    };
    assert_eq!(value("a").as_deref(), Some("1"));
    assert_eq!(value("b").as_deref(), Some("2"));
    assert_eq!(value("x"), None);
    let counts = world.keyspace().counts();
    assert_eq!((counts.get, counts.hit, counts.set), (3, 2, 2));
    let none: HashMap<Vec<u8>, GetResponse> = world
        .client
        .get_batch(CACHE, Vec::<String>::new())
        .await
        .unwrap()
        .into();
    assert!(none.is_empty());
}

async fn a_conditional_set_stores_only_if_its_condition_holds(world: World) {
    let client = &world.client;
    let present = client.set_if_present(CACHE, "k", "0").await.unwrap();
    assert_eq!(present, SetIfPresentResponse::NotStored);
    let equal = client.set_if_equal(CACHE, "k", "0", "x").await.unwrap();
    assert_eq!(equal, SetIfEqualResponse::NotStored);
    let both = client.set_if_present_and_not_equal(CACHE, "k", "0", "x");
    assert_eq!(
        both.await.unwrap(),
        SetIfPresentAndNotEqualResponse::NotStored
    );
    assert_eq!(world.get("k").await, None);

    let absent = client.set_if_absent(CACHE, "k", "1").await.unwrap();
    assert_eq!(absent, SetIfAbsentResponse::Stored);
    let absent = client.set_if_absent(CACHE, "k", "2").await.unwrap();
    assert_eq!(absent, SetIfAbsentResponse::NotStored);
    let equal = client.set_if_equal(CACHE, "k", "3", "1").await.unwrap();
    assert_eq!(equal, SetIfEqualResponse::Stored);
    let other = client.set_if_not_equal(CACHE, "k", "4", "3").await.unwrap();
    assert_eq!(other, SetIfNotEqualResponse::NotStored);
    let either = client.set_if_absent_or_equal(CACHE, "k", "5", "3");
    assert_eq!(either.await.unwrap(), SetIfAbsentOrEqualResponse::Stored);
    let both = client.set_if_present_and_not_equal(CACHE, "k", "6", "x");
    assert_eq!(both.await.unwrap(), SetIfPresentAndNotEqualResponse::Stored);
    let present = client.set_if_present(CACHE, "k", "7").await.unwrap();
    assert_eq!(present, SetIfPresentResponse::Stored);
    assert_eq!(world.get("k").await, Some(b"7".to_vec()));

    let other = client.set_if_not_equal(CACHE, "new", "1", "1");
    assert_eq!(other.await.unwrap(), SetIfNotEqualResponse::Stored);
    let either = client.set_if_absent_or_equal(CACHE, "newer", "1", "x");
    assert_eq!(either.await.unwrap(), SetIfAbsentOrEqualResponse::Stored);
}

async fn an_increment_counts_and_keeps_the_ttl(world: World) {
    let client = &world.client;
    assert_eq!(client.increment(CACHE, "n", 5).await.unwrap().value, 5);
    let long = Duration::from_hours(1);
    client.update_ttl(CACHE, "n", long).await.unwrap();
    assert_eq!(client.increment(CACHE, "n", -7).await.unwrap().value, -2);
    assert_eq!(world.get("n").await, Some(b"-2".to_vec()));
    let left: Duration = client
        .item_get_ttl(CACHE, "n")
        .await
        .unwrap()
        .try_into()
        .unwrap();
    assert!(left > Duration::from_mins(30), "{left:?}");

    client.set(CACHE, "text", "x").await.unwrap();
    let error = client.increment(CACHE, "text", 1).await.unwrap_err();
    assert_eq!(error.error_code, MomentoErrorCode::FailedPreconditionError);
    assert_eq!(world.get("text").await, Some(b"x".to_vec()));
}
