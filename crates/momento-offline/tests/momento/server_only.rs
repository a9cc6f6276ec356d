//! The server alone: items at the item size limit, and dropped connections, which
//! the stub does not support.

use momento::MomentoErrorCode;
use momento_offline::faults::{Fault, FaultRule, PlanError};

use crate::world::{CACHE, TTL, World};

#[tokio::test]
async fn the_largest_item_is_set_and_read() {
    let world = World::server().await;
    let largest: Vec<u8> = (0_u8..=255).cycle().take(5 * 1024 * 1024 - 1).collect();
    world.client.set(CACHE, "k", largest.clone()).await.unwrap();
    let got = reqwest::get(format!("{}/cache/{CACHE}?key=k&token=t", world.url()));
    let got = got.await.unwrap().bytes().await.unwrap();
    assert!(got == largest, "{} bytes", got.len());
    // The SDK accepts replies of up to 4 MB.
    let most = vec![1; 4 * 1024 * 1024 - 64];
    world.client.set(CACHE, "k", most.clone()).await.unwrap();
    assert!(world.get("k").await == Some(most));
}

#[tokio::test]
async fn a_dropped_connection_fails_its_call_and_the_next_call_reconnects() {
    let world = World::server().await;
    let once = FaultRule::from(Fault::DropConnection).count(1);
    world.keyspace().faults.set(once).unwrap();
    let error = world.client.set(CACHE, "Car", "item").await.unwrap_err();
    let expected = [
        MomentoErrorCode::InternalServerError,
        MomentoErrorCode::ServerUnavailable,
    ];
    assert!(expected.contains(&error.error_code), "{error:?}");
    let counts = world.keyspace().counts();
    assert_eq!((counts.set, counts.error), (0, 1));
    assert_eq!(world.get("Car").await, None);

    // Over HTTP/1.1 too.
    let once = FaultRule::from(Fault::DropConnection).count(1);
    world.keyspace().faults.set(once).unwrap();
    let url = format!("{}/cache/{CACHE}?key=k&token=t", world.url());
    assert!(reqwest::get(&url).await.is_err());
    assert_eq!(reqwest::get(&url).await.unwrap().status(), 404);
}

#[tokio::test]
async fn the_stub_refuses_a_plan_that_drops_connections() {
    let world = World::stub().await;
    let refused = world.keyspace().faults.set(Fault::DropConnection);
    assert_eq!(refused.unwrap_err(), PlanError::CannotDrop);
    let url = format!("{}/_local/faults", world.url());
    let plan = r#"{"rules":[{"fault":{"kind":"drop_connection"}}]}"#;
    let reply = reqwest::Client::new().put(url).body(plan).send().await;
    let said = reply.unwrap().text().await.unwrap();
    assert!(said.contains("--cache server"), "{said}");
}

#[tokio::test]
async fn a_dropped_server_answers_no_call() {
    let world = World::server().await;
    world.client.set(CACHE, "Car", "item").await.unwrap();
    let World { served, client } = world;
    drop(served);
    let error = tokio::time::timeout(TTL * 3, client.get(CACHE, "Car"))
        .await
        .unwrap()
        .unwrap_err();
    let expected = [
        MomentoErrorCode::InternalServerError,
        MomentoErrorCode::ServerUnavailable,
    ];
    assert!(expected.contains(&error.error_code), "{error:?}");
}
