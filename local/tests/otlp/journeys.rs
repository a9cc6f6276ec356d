//! The spans of records' journeys, and the metrics.

use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind, status::StatusCode};

use crate::{
    collector::{Collector, SpanOf, hex, text},
    world::{World, order, poison},
};

fn named<'a>(spans: &'a [SpanOf], name: &str) -> Vec<&'a SpanOf> {
    spans.iter().filter(|one| one.span.name == name).collect()
}

fn only<'a>(spans: &'a [SpanOf], name: &str) -> &'a SpanOf {
    let found = named(spans, name);
    assert_eq!(found.len(), 1, "{name} in {spans:#?}");
    found[0]
}

fn is_below(child: &Span, parent: &Span) -> bool {
    child.trace_id == parent.trace_id && child.parent_span_id == parent.span_id
}

fn is_within(child: &Span, parent: &Span) -> bool {
    parent.start_time_unix_nano <= child.start_time_unix_nano
        && child.end_time_unix_nano <= parent.end_time_unix_nano
}

#[tokio::test]
async fn a_record_s_journey_is_one_trace_with_the_id_that_the_function_logs() {
    let collector = Collector::start().await;
    let world = World::start(&collector.url).await;
    let number = world.put("order-1", order(1)).await;
    let spans = collector
        .eventually(|spans| !named(spans, "work").is_empty())
        .await;

    let batch = only(&spans, "process orders");
    let work = only(&spans, "work");
    let put = only(&spans, "put orders");
    assert!(batch.span.parent_span_id.is_empty());
    assert_eq!(
        (batch.service.as_str(), work.service.as_str()),
        ("klocal", "work")
    );
    for (child, parent) in [
        (put, batch),
        (only(&spans, "readable"), put),
        (only(&spans, "batch"), put),
        (work, batch),
        (only(&spans, "GetItem orders"), work),
    ] {
        assert!(
            is_below(&child.span, &parent.span),
            "{child:#?} {parent:#?}"
        );
        assert!(
            is_within(&child.span, &parent.span),
            "{child:#?} {parent:#?}"
        );
    }
    let cache = spans
        .iter()
        .find(|one| text(&one.span.attributes, "db.namespace") == "c");
    let cache = &cache.unwrap().span;
    assert!(is_below(cache, &work.span));
    assert_eq!(text(&cache.attributes, "klocal.outcome"), "miss");
    assert_eq!(text(&put.span.attributes, "messaging.message.id"), number);
    assert_eq!(batch.span.kind, SpanKind::Consumer as i32);
    assert_eq!(
        text(&batch.span.attributes, "messaging.batch.message_count"),
        "1"
    );
    assert_eq!(
        text(&batch.span.attributes, "klocal.records.without_span"),
        "0"
    );
    assert!(batch.span.status.is_none() && work.span.status.is_none());

    // The function's own log line.
    let lines = world.lines();
    let [line] = lines.as_slice() else {
        unreachable!("one invocation: {lines:?}")
    };
    assert_eq!(line["trace_id"], hex(&batch.span.trace_id));
    assert_eq!(
        line["requestId"],
        text(&work.span.attributes, "faas.invocation_id")
    );
    let header = line["header"].as_str().unwrap();
    let segment = format!("Parent={};Sampled=1", hex(&work.span.span_id));
    assert!(header.ends_with(&segment), "{header}");
    let [log] = work.span.events.as_slice() else {
        unreachable!("one line: {:?}", work.span.events)
    };
    assert!(text(&log.attributes, "message").contains("trace_id"));
    world.embedded.shut_down().await;
    for headers in collector.headers() {
        assert_eq!(headers["content-type"], "application/x-protobuf");
        assert_eq!(headers["x-key"], "a b");
    }
}

#[tokio::test]
async fn a_retried_batch_links_to_the_invocation_before_and_ends_with_its_discarded_records() {
    let collector = Collector::start().await;
    let world = World::start(&collector.url).await;
    world.put("k", poison()).await;
    // The spans of an invocation wait for its last log lines, those of a discarded batch do not.
    let is_told = |spans: &[SpanOf]| {
        named(spans, "process orders").len() == 2 && !named(spans, "discarded").is_empty()
    };
    let spans = collector.eventually(is_told).await;

    let mut batches = named(&spans, "process orders");
    batches.sort_by_key(|one| one.span.start_time_unix_nano);
    let [first, second] = batches.as_slice() else {
        unreachable!("two invocations: {batches:#?}")
    };
    let status = first.span.status.as_ref().unwrap();
    assert_eq!(status.code, StatusCode::Error as i32);
    assert_eq!(text(&first.span.attributes, "error.type"), "OrderError");
    assert!(status.message.contains("no such order"), "{status:?}");
    let [link] = second.span.links.as_slice() else {
        unreachable!("one link: {:?}", second.span.links)
    };
    assert_eq!(link.trace_id, first.span.trace_id);
    assert_eq!(link.span_id, first.span.span_id);
    let put = only(&spans, "put orders");
    assert!(is_below(&put.span, &first.span), "the put is shown once");
    assert!(is_below(&only(&spans, "retry").span, &first.span));
    let discarded = only(&spans, "discarded");
    assert!(is_below(&discarded.span, &second.span));
    let condition = text(&discarded.span.attributes, "klocal.condition");
    assert_eq!(condition, "RetryAttemptsExhausted");
    let mut logged: Vec<_> = world
        .lines()
        .iter()
        .map(|line| line["trace_id"].clone())
        .collect();
    logged.dedup();
    let traces = [first, second].map(|one| hex(&one.span.trace_id));
    assert_eq!(logged, traces, "each invocation is a trace");
    world.embedded.shut_down().await;
}

#[tokio::test]
async fn the_metrics_have_the_counts_of_everything_at_the_end() {
    let collector = Collector::start().await;
    let world = World::start(&collector.url).await;
    for number in 1..=25 {
        world.put("k", order(number)).await;
    }
    world.put("k", poison()).await;
    world.settled().await;
    world.embedded.shut_down().await;
    let state = |state| collector.metric("klocal.records", Some(("klocal.state", state)));
    assert_eq!(state("put"), Some(26));
    assert_eq!(
        state("processed").unwrap() + state("discarded").unwrap(),
        26,
        "records of a batch with the poison are discarded with it"
    );
    assert_eq!(
        collector.metric("klocal.shard.records", Some(("klocal.state", "put"))),
        Some(26)
    );
    let invocations = collector.metric("faas.invocations", None).unwrap();
    assert_eq!(usize::try_from(invocations).unwrap(), traces(&collector));
    assert_eq!(collector.metric("faas.errors", None), Some(2));
    assert_eq!(collector.metric("klocal.retries", None), Some(1));
    assert_eq!(
        collector.metric("klocal.store.reads", None),
        Some(invocations)
    );
    let gets = collector.metric("klocal.cache.gets", None);
    assert_eq!(gets, Some(invocations));
    assert_eq!(collector.metric("klocal.otlp.dropped", None), Some(0));
    let names = collector.metric_names();
    for name in [
        "klocal.record.latency",
        "klocal.invocation.duration",
        "process.memory.usage",
    ] {
        assert!(names.iter().any(|one| one == name), "{name} in {names:?}");
    }
}

/// Every invocation is a trace, and nothing is lost at the end.
fn traces(collector: &Collector) -> usize {
    named(&collector.spans(), "work").len()
}
