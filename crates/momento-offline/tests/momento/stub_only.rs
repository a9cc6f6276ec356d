//! The stub alone: it frees the requests that wiremock retains while calls come in.

use futures_util::{StreamExt, stream};

use crate::world::{CACHE, World};

/// Sets of one test: eight times as many bytes as the stub retains.
const SETS: usize = 2_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stub_refuses_no_call_while_it_frees_its_memory() {
    let world = World::stub().await;
    let value = vec![7; 64 * 1024];
    let refused = stream::iter(0..SETS)
        .map(|_| world.client.set(CACHE, "key", value.clone()))
        .buffer_unordered(64)
        .filter_map(|set| async { set.err() })
        .collect::<Vec<_>>()
        .await;
    assert!(refused.is_empty(), "{}: {:?}", refused.len(), refused[0]);
    let counts = world.keyspace().counts();
    assert_eq!((counts.set, counts.error), (SETS as u64, 0));
}

#[tokio::test]
async fn a_dropped_stub_answers_no_call() {
    let World { served, client } = World::stub().await;
    // More bytes than the stub retains: it has just freed them.
    let value = vec![7; 4 * 1024 * 1024];
    for _ in 0..5 {
        client.set(CACHE, "key", value.clone()).await.unwrap();
    }
    drop(served);
    let error = client.set(CACHE, "key", value).await;
    assert!(error.is_err());
}
