use std::collections::HashMap;

use momento::{
    MomentoErrorCode,
    cache::{
        DictionaryFetchResponse, DictionaryGetFieldResponse, DictionaryGetFieldsResponse,
        DictionaryLengthResponse,
    },
};

use crate::world::{CACHE, World};

on_both_transports!(
    fields_are_set_and_read,
    removing_the_last_field_removes_the_dictionary,
    a_field_is_incremented,
);

async fn fields_are_set_and_read(world: World) {
    let client = &world.client;
    let missing = client.dictionary_fetch(CACHE, "d").await.unwrap();
    assert_eq!(missing, DictionaryFetchResponse::Miss);
    let missing = client.dictionary_get_field(CACHE, "d", "a").await.unwrap();
    assert_eq!(missing, DictionaryGetFieldResponse::Miss);

    let fields = HashMap::from([("a", "1"), ("b", "2")]);
    client
        .dictionary_set_fields(CACHE, "d", fields)
        .await
        .unwrap();
    client
        .dictionary_set_field(CACHE, "d", "b", "3")
        .await
        .unwrap();
    let fetched = client.dictionary_fetch(CACHE, "d").await.unwrap();
    let fetched: HashMap<String, String> = fetched.try_into().unwrap();
    let expected = [("a", "1"), ("b", "3")].map(|(f, v)| (f.to_owned(), v.to_owned()));
    assert_eq!(fetched, HashMap::from(expected));

    let got = client.dictionary_get_field(CACHE, "d", "b").await.unwrap();
    assert_eq!(String::try_from(got).unwrap(), "3");
    let missing = client.dictionary_get_field(CACHE, "d", "x").await.unwrap();
    assert_eq!(missing, DictionaryGetFieldResponse::Miss);
    let got = client.dictionary_get_fields(CACHE, "d", vec!["a", "x"]);
    let DictionaryGetFieldsResponse::Hit { responses, .. } = got.await.unwrap() else {
        panic!("the dictionary is there");
    };
    assert!(matches!(
        responses[0],
        DictionaryGetFieldResponse::Hit { .. }
    ));
    assert_eq!(responses[1], DictionaryGetFieldResponse::Miss);
    let length = client.dictionary_length(CACHE, "d").await.unwrap();
    assert_eq!(length, DictionaryLengthResponse::Hit { length: 2 });
}

async fn removing_the_last_field_removes_the_dictionary(world: World) {
    let client = &world.client;
    let fields = HashMap::from([("a", "1"), ("b", "2"), ("c", "3")]);
    client
        .dictionary_set_fields(CACHE, "d", fields)
        .await
        .unwrap();
    client
        .dictionary_remove_field(CACHE, "d", "a")
        .await
        .unwrap();
    let length = client.dictionary_length(CACHE, "d").await.unwrap();
    assert_eq!(length, DictionaryLengthResponse::Hit { length: 2 });
    client
        .dictionary_remove_fields(CACHE, "d", vec!["b", "c", "x"])
        .await
        .unwrap();
    let length = client.dictionary_length(CACHE, "d").await.unwrap();
    assert_eq!(length, DictionaryLengthResponse::Miss);
    assert_eq!(world.keyspace().usage().bytes, 0);
    client
        .dictionary_remove_field(CACHE, "none", "a")
        .await
        .unwrap();
}

async fn a_field_is_incremented(world: World) {
    let client = &world.client;
    for (amount, expected) in [(2, 2), (-5, -3)] {
        let incremented = client.dictionary_increment(CACHE, "d", "n", amount);
        assert_eq!(incremented.await.unwrap().value, expected);
    }
    client
        .dictionary_set_field(CACHE, "d", "text", "x")
        .await
        .unwrap();
    let refused = client.dictionary_increment(CACHE, "d", "text", 1).await;
    assert_eq!(
        refused.unwrap_err().error_code,
        MomentoErrorCode::FailedPreconditionError
    );
    let length = client.dictionary_length(CACHE, "d").await.unwrap();
    assert_eq!(length, DictionaryLengthResponse::Hit { length: 2 });
}
