use std::collections::HashSet;

use momento::cache::SetFetchResponse;

use crate::world::{CACHE, World};

on_both_transports!(elements_are_added_once_and_removed);

async fn elements_are_added_once_and_removed(world: World) {
    let client = &world.client;
    let missing = client.set_fetch(CACHE, "s").await.unwrap();
    assert_eq!(missing, SetFetchResponse::Miss);
    for elements in [vec!["a", "b"], vec!["b", "c"]] {
        client.set_add_elements(CACHE, "s", elements).await.unwrap();
    }
    let fetched = client.set_fetch(CACHE, "s").await.unwrap();
    let fetched: Vec<String> = fetched.try_into().unwrap();
    let fetched = HashSet::from_iter(fetched);
    assert_eq!(fetched, HashSet::from(["a", "b", "c"].map(str::to_owned)));
    client
        .set_remove_elements(CACHE, "s", vec!["a", "x"])
        .await
        .unwrap();
    let fetched = client.set_fetch(CACHE, "s").await.unwrap();
    let fetched: Vec<String> = fetched.try_into().unwrap();
    let fetched = HashSet::from_iter(fetched);
    assert_eq!(fetched, HashSet::from(["b", "c"].map(str::to_owned)));
    client
        .set_remove_elements(CACHE, "s", vec!["b", "c"])
        .await
        .unwrap();
    let gone = client.set_fetch(CACHE, "s").await.unwrap();
    assert_eq!(gone, SetFetchResponse::Miss);
}
