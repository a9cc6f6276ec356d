//! Collectors that do not take everything, or do not answer.

use axum::http::StatusCode;
use tokio::net::TcpListener;

use crate::{
    collector::Collector,
    world::{World, order},
};

/// Puts some records, and waits until the function has processed them.
async fn run(world: &World) {
    for number in 1..=25 {
        world.put("k", order(number)).await;
    }
    world.settled().await;
    let status = world.embedded.status.status();
    let shards = status
        .mappings
        .iter()
        .flat_map(|mapping| mapping.shards.values());
    assert_eq!(shards.map(|shard| shard.records).sum::<u64>(), 25);
}

#[tokio::test]
async fn a_collector_that_is_not_there_costs_the_pipeline_nothing() {
    // A port on which nothing listens.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let world = World::start(&url).await;
    run(&world).await;
    world.embedded.shut_down().await;
}

#[tokio::test]
async fn a_collector_that_never_answers_costs_the_pipeline_nothing() {
    // Connections wait in its backlog.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let world = World::start(&url).await;
    run(&world).await;
    world.embedded.shut_down().await;
    drop(listener);
}

#[tokio::test]
async fn a_collector_that_is_too_busy_gets_the_spans_later() {
    let collector = Collector::start_with(vec![StatusCode::SERVICE_UNAVAILABLE; 2]).await;
    let world = World::start(&collector.url).await;
    world.put("k", order(1)).await;
    let has_work = |one: &crate::collector::SpanOf| one.span.name == "work";
    collector
        .eventually(|spans| spans.iter().any(has_work))
        .await;
    assert_eq!(
        collector.metric("klocal.otlp.dropped", None).unwrap_or(0),
        0
    );
    world.embedded.shut_down().await;
}

#[tokio::test]
async fn a_request_that_the_collector_refuses_is_not_sent_again() {
    let collector = Collector::start_with(vec![StatusCode::BAD_REQUEST]).await;
    let world = World::start(&collector.url).await;
    world.put("k", order(1)).await;
    world.settled().await;
    world.embedded.shut_down().await;
    assert!(collector.spans().is_empty());
    assert!(collector.metric("klocal.records", None).is_some());
}

#[tokio::test]
async fn a_receiver_of_traces_alone_gets_no_metrics() {
    let collector = Collector::of_traces_only().await;
    let world = World::start(&collector.url).await;
    run(&world).await;
    world.embedded.shut_down().await;
    assert!(!collector.spans().is_empty());
    let to_metrics = collector.headers().len() - collector.requests_for_traces();
    assert_eq!(to_metrics, 1, "it is asked once");
}
