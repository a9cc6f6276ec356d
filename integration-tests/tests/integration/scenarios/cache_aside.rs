//! How the function caches: the behaviours of docs/reference/cache-aside.md, on the
//! whole pipeline.

use std::{collections::HashMap, net::Ipv4Addr, time::Duration};

use anyhow::{Context, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_wire::DEFAULT_REGION;
use base64::{Engine, prelude::BASE64_STANDARD};
use consumer::store::{Store, table::LocationTable};
use integration_tests::patience::{eventually, same};
use local::{aws::apis::AwsApis, ports};
use loopback_client::sdk_config;
use momento_offline::faults::Fault;

use crate::{
    recording_observer::Seen,
    scenarios::caching::expiring,
    world::{Builder, Programs, reading},
};

/// Checks that every processed record has its own location's item.
fn with_their_items(seen: &Seen) -> anyhow::Result<()> {
    for line in &seen.processed {
        let location = line["before"]["location"].as_str().unwrap_or_default();
        same(
            "description",
            line["after"]["location"]["description"].as_str(),
            Some(&*format!("{location} description")),
        )?;
    }
    Ok(())
}

pub async fn records_that_miss_together_read_the_table_once(
    programs: Programs,
) -> anyhow::Result<()> {
    let world = Builder::new(programs)
        .variable("CACHE_TTL_SECONDS", "3600")
        .variable("RECORD_CONCURRENCY", "100")
        .start()
        .await?;
    world.write(&["Car", "House"].repeat(200)).await?;
    let seen = world.processed(400).await?;
    with_their_items(&seen)?;
    same("store reads", world.store_reads().await?, 2)?;
    let counts = world.cache_counts().await?;
    same("gets", counts.get, 400)?;
    same("sets", counts.set, 2)?;
    ensure!(counts.miss >= 2, "{} misses", counts.miss);
    world.stop().await;
    Ok(())
}

pub async fn coalescing_makes_fewer_cache_calls_and_returns_the_same_items(
    programs: Programs,
) -> anyhow::Result<()> {
    let world = Builder::new(programs)
        .variable("CACHE_TTL_SECONDS", "3600")
        .variable("CACHE_COALESCE", "batch")
        .start()
        .await?;
    world.write(&["Car", "House", "Diner"].repeat(100)).await?;
    let seen = world.processed(300).await?;
    with_their_items(&seen)?;
    let invocations = seen.invocations;
    let counts = world.cache_counts().await?;
    ensure!(
        counts.get <= 3 * invocations,
        "{} gets for three locations in {invocations} invocations",
        counts.get
    );
    same("sets", counts.set, 3)?;
    ensure!(
        world.store_reads().await? <= 3,
        "{} reads",
        world.store_reads().await?
    );
    world.stop().await;
    Ok(())
}

pub async fn a_coalesced_batch_of_3000_new_locations_is_cached_without_a_failed_call(
    programs: Programs,
) -> anyhow::Result<()> {
    let world = Builder::new(programs)
        .function_timeout(Duration::from_mins(1))
        .variable("CACHE_COALESCE", "batch")
        // The default of an unoptimised function.
        .variable("CACHE_TIMEOUT_MS", "1000")
        .variable("CACHE_NEGATIVE_TTL_SECONDS", "3600")
        .start()
        .await?;
    let event = serde_json::to_vec(&batch(3000))?;
    for _ in 0..2 {
        let request = reqwest::Client::new().post(world.invoke_url("function")?);
        let reply = request.body(event.clone()).send().await?;
        let reply: serde_json::Value = reply.json().await?;
        same(
            "failures",
            &reply["batchItemFailures"],
            &serde_json::json!([]),
        )?;
    }
    let written = || world.seen().metric("BatchSize");
    eventually("metrics of both batches", written, |size| *size == 6000).await?;
    let seen = world.seen();
    same("sets", world.cache_counts().await?.set, 3000)?;
    same("failed calls", seen.metric("CacheErrors"), 0)?;
    same("withheld calls", seen.metric("CacheCallsWithheld"), 0)?;
    same("negative hits", seen.metric("CacheNegativeHits"), 3000)?;
    same("requests", world.store_reads().await?, 30)?;
    same("reads", seen.metric("StoreReads"), 30)?;
    world.stop().await;
    Ok(())
}

/// The event of a batch of `count` records, each with a new location.
fn batch(count: usize) -> serde_json::Value {
    let record = |number: usize| {
        let data = reading(number, &format!("location {number}"));
        serde_json::json!({ "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "key",
            "sequenceNumber": number.to_string(),
            "data": BASE64_STANDARD.encode(data),
            "approximateArrivalTimestamp": 1_700_000_000.123,
        } })
    };
    let records: Vec<_> = (0..count).map(record).collect();
    serde_json::json!({ "Records": records })
}

pub async fn batch_get_item_returns_the_same_items_as_single_reads(
    _: Programs,
) -> anyhow::Result<()> {
    let listener = ports::listen(Ipv4Addr::LOCALHOST.into(), 0, "--port").await?;
    let aws = AwsApis::start(listener, kinesis_engine::Options::default()).await?;
    let client = aws_sdk_dynamodb::Client::new(&sdk_config(&aws.url(), DEFAULT_REGION));
    create_table(&client).await?;
    let names: Vec<String> = (0..120).map(|n| format!("location {n}")).collect();
    // The table has every third location.
    for name in names.iter().step_by(3) {
        let item = [("location", name.as_str()), ("description", "a location")];
        let item: HashMap<String, AttributeValue> = item
            .map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned())))
            .into();
        client
            .put_item()
            .table_name("Locations")
            .set_item(Some(item))
            .send()
            .await?;
    }
    let table = LocationTable::new(client, "Locations");
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut together = HashMap::new();
    table.read_many(&names, &mut together).await;
    same("requests", aws.calls.of("DynamoDB", "BatchGetItem"), 2)?;
    for name in names {
        let read = together.remove(name).context("no result")?;
        same(name, read?, table.read(name).await?)?;
    }
    Ok(())
}

async fn create_table(client: &aws_sdk_dynamodb::Client) -> anyhow::Result<()> {
    use aws_sdk_dynamodb::types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    };
    client
        .create_table()
        .table_name("Locations")
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(
            AttributeDefinition::builder()
                .attribute_name("location")
                .attribute_type(ScalarAttributeType::S)
                .build()?,
        )
        .key_schema(
            KeySchemaElement::builder()
                .attribute_name("location")
                .key_type(KeyType::Hash)
                .build()?,
        )
        .send()
        .await?;
    Ok(())
}

pub async fn a_cached_absence_expires_after_its_own_ttl(programs: Programs) -> anyhow::Result<()> {
    let world = Builder::new(programs)
        .variable("CACHE_TTL_SECONDS", "3600")
        .variable("CACHE_NEGATIVE_TTL_SECONDS", "1")
        .start()
        .await?;
    let mut absences = expiring(&world, "Moon", "nowhere").await?;
    absences.retain(|source| source != "negative_cache");
    same("sources", absences, vec!["nowhere".to_owned(); 2])?;
    same("store reads", world.store_reads().await?, 2)?;
    world.stop().await;
    Ok(())
}

pub async fn a_negative_cache_hit_does_not_read_the_table(
    programs: Programs,
) -> anyhow::Result<()> {
    let world = Builder::new(programs)
        .variable("CACHE_NEGATIVE_TTL_SECONDS", "3600")
        .start()
        .await?;
    world.write(&["Moon"]).await?;
    world.processed(1).await?;
    world.write(&["Moon"; 5]).await?;
    let seen = world.processed(6).await?;
    same("sources", &seen.sources()[1..], &["negative_cache"; 5])?;
    same("store reads", world.store_reads().await?, 1)?;
    same(
        "location",
        &seen.processed[5]["after"]["location"],
        &serde_json::json!({ "location": "Moon" }),
    )?;
    world.stop().await;
    Ok(())
}

pub async fn the_circuit_breaker_stops_calls_to_a_failing_cache(
    programs: Programs,
) -> anyhow::Result<()> {
    let world = Builder::new(programs)
        .variable("RECORD_CONCURRENCY", "1")
        .variable("CACHE_BREAKER_FAILURES", "10")
        .variable("CACHE_BREAKER_OPEN_MS", "600000")
        .start()
        .await?;
    world.cache()?.fault(Fault::rate_limit(0.0)).await?;
    world.write(&["Car"; 200]).await?;
    let seen = world.processed(200).await?;
    with_their_items(&seen)?;
    same("sources", seen.sources(), vec!["store"; 200])?;
    same("calls of the cache", world.cache_counts().await?.error, 10)?;
    world.stop().await;
    Ok(())
}

pub async fn a_cache_that_recovers_is_used_again(programs: Programs) -> anyhow::Result<()> {
    let world = Builder::new(programs)
        .variable("CACHE_TTL_SECONDS", "3600")
        .variable("CACHE_BREAKER_FAILURES", "1")
        .variable("CACHE_BREAKER_OPEN_MS", "1")
        .start()
        .await?;
    world.cache()?.fault(Fault::rate_limit(0.0)).await?;
    world.write(&["Car"; 20]).await?;
    world.processed(20).await?;
    world.cache()?.no_fault().await?;
    // The probe's get is a miss and closes the breaker; then the cache is used again.
    let mut count = 20;
    loop {
        world.write(&["Car"]).await?;
        count += 1;
        let seen = world.processed(count).await?;
        if seen.sources().last() == Some(&"cache") {
            break;
        }
        ensure!(count < 200, "{count} records, and still no cache hit");
    }
    world.stop().await;
    Ok(())
}

pub async fn a_batch_near_its_deadline_is_answered_and_no_record_is_lost(
    programs: Programs,
) -> anyhow::Result<()> {
    let world = Builder::new(programs)
        .function_timeout(Duration::from_secs(3))
        .variable("BATCH_MARGIN_MS", "1500")
        .variable("CACHE_TIMEOUT_MS", "10000")
        .start()
        .await?;
    let hour = Fault::latency(Duration::from_hours(1));
    world.cache()?.fault(hour).await?;
    world.write(&["Car"; 5]).await?;
    let failures = || world.failures();
    eventually("failed invocations", failures, |failures| *failures > 0).await?;
    world.cache()?.no_fault().await?;
    let seen = world.processed(5).await?;
    with_their_items(&seen)?;
    same("discarded", &seen.discarded, &vec![])?;
    // After a timeout, Lambda would have started another execution environment.
    same("cold starts", world.cold_starts()?, 1)?;
    world.stop().await;
    Ok(())
}

pub async fn the_function_s_metrics_match_the_cache_s_own_counts(
    programs: Programs,
) -> anyhow::Result<()> {
    let world = Builder::new(programs).start().await?;
    world
        .write(&["Car", "Moon", "House", "Car", "Moon"].repeat(20))
        .await?;
    world.processed(100).await?;
    let told = || world.seen().metric("BatchSize");
    eventually("metrics of every record", told, |told| *told >= 100).await?;
    let seen = world.seen();
    let counts = world.cache_counts().await?;
    same("misses", seen.metric("CacheMisses"), counts.miss)?;
    let hits = seen.metric("CacheHits") + seen.metric("CacheNegativeHits");
    same("hits", hits, counts.hit)?;
    same("hits and misses", counts.hit + counts.miss, counts.get)?;
    same(
        "reads",
        seen.metric("StoreReads"),
        world.store_reads().await?,
    )?;
    world.stop().await;
    Ok(())
}

pub async fn every_line_has_its_invocation_s_trace_ids(programs: Programs) -> anyhow::Result<()> {
    let world = Builder::new(programs).start().await?;
    world.write(&["Car"; 20]).await?;
    world.processed(20).await?;
    let told = || world.seen().metric("BatchSize");
    eventually("metrics of every record", told, |told| *told >= 20).await?;
    let seen = world.seen();
    for line in seen.metrics.iter().chain(&seen.processed) {
        let trace = line["trace_id"].as_str().unwrap_or_default();
        ensure!(trace.len() == 32, "no trace id in {line}");
        let root = line["xray_trace_id"].as_str().unwrap_or_default();
        ensure!(root.starts_with("Root=1-"), "no X-Ray id in {line}");
    }
    world.stop().await;
    Ok(())
}
