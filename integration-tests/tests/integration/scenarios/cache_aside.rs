//! How the function caches: what docs/cache-aside.md promises, on the whole
//! pipeline.

use std::{collections::HashMap, net::Ipv4Addr, time::Duration};

use anyhow::{Context, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use consumer::store::{Store, table::LocationTable};
use local::{
    aws::{DEFAULT_REGION, apis::AwsApis, kinesis},
    momento::faults::Fault,
    ports,
    provision::sdk_config,
};

use crate::{
    patience::{eventually, same},
    scenarios::caching::expiring,
    witness::Seen,
    world::{Builder, Programs},
};

/// Every processed record has its own location's item.
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

pub async fn coalescing_asks_the_cache_less_often_and_gives_the_same_items(
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
        "{} gets in {invocations} invocations, of three locations",
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

pub async fn many_items_at_once_are_what_each_alone_is(_: Programs) -> anyhow::Result<()> {
    let listener = ports::listen(Ipv4Addr::LOCALHOST.into(), 0, "--port").await?;
    let aws = AwsApis::start(listener, kinesis::Options::default()).await?;
    let client = aws_sdk_dynamodb::Client::new(&sdk_config(&aws.url(), DEFAULT_REGION));
    create_table(&client).await?;
    let names: Vec<String> = (0..120).map(|place| format!("place {place}")).collect();
    // Every third is there.
    for name in names.iter().step_by(3) {
        let item = [("location", name.as_str()), ("description", "a place")];
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

pub async fn an_absence_is_remembered_for_a_time_of_its_own(
    programs: Programs,
) -> anyhow::Result<()> {
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

pub async fn a_remembered_absence_is_asked_of_nobody_else(
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

pub async fn a_cache_that_keeps_failing_is_left_alone(programs: Programs) -> anyhow::Result<()> {
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
    // The probe's get misses and closes the breaker; from then on all is well.
    let mut count = 20;
    loop {
        world.write(&["Car"]).await?;
        count += 1;
        let seen = world.processed(count).await?;
        if seen.sources().last() == Some(&"cache") {
            break;
        }
        ensure!(count < 200, "the cache is not used again");
    }
    world.stop().await;
    Ok(())
}

pub async fn a_batch_that_runs_out_of_time_is_answered_and_nothing_is_lost(
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
    eventually("a batch was reported", failures, |failures| *failures > 0).await?;
    world.cache()?.no_fault().await?;
    let seen = world.processed(5).await?;
    with_their_items(&seen)?;
    same("given up", &seen.given_up, &vec![])?;
    // Lambda would have ended the environment that it timed out.
    same("cold starts", world.cold_starts()?, 1)?;
    world.stop().await;
    Ok(())
}

pub async fn metrics_say_what_the_cache_itself_counted(programs: Programs) -> anyhow::Result<()> {
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

pub async fn every_line_names_its_invocation_s_trace(programs: Programs) -> anyhow::Result<()> {
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
