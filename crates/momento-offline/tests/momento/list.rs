use momento::cache::{
    ListConcatenateBackRequest, ListConcatenateFrontRequest, ListFetchRequest, ListFetchResponse,
    ListLengthResponse, ListPopBackResponse, ListRetainRequest, ListRetainResponse,
};

use crate::world::{CACHE, World};

on_both_transports!(
    values_are_pushed_and_popped_at_both_ends,
    lists_are_concatenated_and_truncated,
    a_slice_is_fetched_or_retained,
    values_are_removed,
);

async fn fetch(world: &World) -> Vec<String> {
    let fetched = world.client.list_fetch(CACHE, "l").await.unwrap();
    fetched.try_into().unwrap()
}

async fn values_are_pushed_and_popped_at_both_ends(world: World) {
    let client = &world.client;
    let missing = client.list_pop_back(CACHE, "l").await.unwrap();
    assert_eq!(missing, ListPopBackResponse::Miss);
    client.list_push_back(CACHE, "l", "b").await.unwrap();
    client.list_push_back(CACHE, "l", "c").await.unwrap();
    client.list_push_front(CACHE, "l", "a").await.unwrap();
    assert_eq!(fetch(&world).await, ["a", "b", "c"]);
    let length = client.list_length(CACHE, "l").await.unwrap();
    assert_eq!(length, ListLengthResponse::Hit { length: 3 });
    let front = client.list_pop_front(CACHE, "l").await.unwrap();
    assert_eq!(String::try_from(front).unwrap(), "a");
    let back = client.list_pop_back(CACHE, "l").await.unwrap();
    assert_eq!(String::try_from(back).unwrap(), "c");
    client.list_pop_back(CACHE, "l").await.unwrap();
    let length = client.list_length(CACHE, "l").await.unwrap();
    assert_eq!(length, ListLengthResponse::Miss);
}

async fn lists_are_concatenated_and_truncated(world: World) {
    let client = &world.client;
    client
        .list_concatenate_back(CACHE, "l", vec!["1", "2", "3"])
        .await
        .unwrap();
    client
        .list_concatenate_front(CACHE, "l", vec!["4", "5", "6"])
        .await
        .unwrap();
    assert_eq!(fetch(&world).await, ["4", "5", "6", "1", "2", "3"]);
    let front = ListConcatenateFrontRequest::new(CACHE, "l", vec!["7"]).truncate_back_to_size(3);
    client.send_request(front).await.unwrap();
    assert_eq!(fetch(&world).await, ["7", "4", "5"]);
    let back = ListConcatenateBackRequest::new(CACHE, "l", vec!["8"]).truncate_front_to_size(2);
    client.send_request(back).await.unwrap();
    assert_eq!(fetch(&world).await, ["5", "8"]);
}

async fn a_slice_is_fetched_or_retained(world: World) {
    let client = &world.client;
    let retain = ListRetainRequest::new(CACHE, "l").start_index(1);
    let missing = client.send_request(retain).await.unwrap();
    assert_eq!(missing, ListRetainResponse::Miss);
    client
        .list_concatenate_back(CACHE, "l", vec!["0", "1", "2", "3"])
        .await
        .unwrap();
    for (start, end, expected) in [
        (Some(1), Some(3), vec!["1", "2"]),
        (Some(-2), None, vec!["2", "3"]),
        (None, Some(-3), vec!["0"]),
    ] {
        let slice = ListFetchRequest::new(CACHE, "l")
            .start_index(start)
            .end_index(end);
        let fetched = client.send_request(slice).await.unwrap();
        let fetched: Vec<String> = fetched.try_into().unwrap();
        assert_eq!(fetched, expected, "{start:?}..{end:?}");
    }
    let retain = ListRetainRequest::new(CACHE, "l")
        .start_index(1)
        .end_index(3);
    let retained = client.send_request(retain).await.unwrap();
    assert_eq!(retained, ListRetainResponse::Hit { length: 2 });
    assert_eq!(fetch(&world).await, ["1", "2"]);
}

async fn values_are_removed(world: World) {
    let client = &world.client;
    client
        .list_concatenate_back(CACHE, "l", vec!["a", "b", "a"])
        .await
        .unwrap();
    client.list_remove_value(CACHE, "l", "a").await.unwrap();
    assert_eq!(fetch(&world).await, ["b"]);
    client.list_remove_value(CACHE, "l", "b").await.unwrap();
    let gone = client.list_fetch(CACHE, "l").await.unwrap();
    assert_eq!(gone, ListFetchResponse::Miss);
    client.list_remove_value(CACHE, "l", "b").await.unwrap();
}
