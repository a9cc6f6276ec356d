//! Measures the engine beside any other engines, in one run:
//!
//! ```text
//! cargo bench --bench kinesis -- [rounds=N] peer=http://127.0.0.1:4567 …
//! ```
//!
//! This process sends every endpoint the same requests over loopback HTTP. Rounds
//! alternate between the endpoints, so that other load on the machine affects all of
//! them; the results are medians. `docs/measurements.md` has them.

mod engines;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use aws_wire::service::{Call, Service};
use axum::body::to_bytes;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use kinesis_engine::{FsyncPolicy, Kinesis, Options, arrivals::Arrivals};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use engines::{Api, Endpoint, Failure, median, per_second, resident};

const SEQUENTIAL: usize = 1000;
const IN_FLIGHT: usize = 32;
const BATCHES: usize = 20;
const BATCH: usize = 500;
/// Bytes of a record's data.
const RECORD: usize = 256;
const MILLION: usize = 1_000_000;

const API: Api = Api {
    content_type: "application/x-amz-json-1.1",
    target: "Kinesis_20131202",
    scope: "kinesis",
};

async fn create(endpoint: &Endpoint, stream: &str, shards: usize) -> Result<(), reqwest::Error> {
    let request = json!({"StreamName": stream, "ShardCount": shards});
    endpoint.call("CreateStream", request.to_string()).await?;
    loop {
        let request = json!({"StreamName": stream}).to_string();
        let reply = endpoint.call("DescribeStreamSummary", request).await?;
        if reply["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE" {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn shard_iterator(
    endpoint: &Endpoint,
    stream: &str,
    kind: &str,
) -> Result<Value, reqwest::Error> {
    let request =
        json!({"StreamName": stream, "ShardId": "shardId-000000000000", "ShardIteratorType": kind});
    let reply = endpoint
        .call("GetShardIterator", request.to_string())
        .await?;
    Ok(reply["ShardIterator"].clone())
}

/// The results of one round, in the order of [`COLUMNS`].
type Round = [f64; 5];

/// Headings, and how many decimals their figures have.
const COLUMNS: [(&str, usize); 5] = [
    ("PutRecord, one at a time (ms, p50)", 2),
    ("PutRecord, 32 in flight (records/s)", 0),
    ("PutRecords of 500 (records/s)", 0),
    ("drain (records/s)", 0),
    ("put to visible, polling (ms, p50)", 2),
];

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let ours = Kinesis::open(Options::default(), Arrivals::default()).await?;
    let asked = engines::asked(ours, API).await?;
    let (endpoints, rounds) = (&asked.endpoints, asked.rounds);
    println!("One shard, records of {RECORD} bytes, JSON. Medians of {rounds} rounds.\n");
    engines::compare(COLUMNS, &asked, measure).await;
    waiting(&endpoints[0]).await?;
    open_shards(&endpoints[0]).await?;
    durable().await?;
    million().await
}

/// From a put until a reader that waits sees the record: over HTTP with
/// `SubscribeToShard`, and inside the process.
async fn waiting(endpoint: &Endpoint) -> Result<(), Failure> {
    create(endpoint, "waiting", 1).await?;
    let stream = json!({"StreamName": "waiting"}).to_string();
    let summary = endpoint.call("DescribeStreamSummary", stream).await?;
    let arn = &summary["StreamDescriptionSummary"]["StreamARN"];
    let consumer = json!({"StreamARN": arn, "ConsumerName": "reader"}).to_string();
    let consumer = endpoint.call("RegisterStreamConsumer", consumer).await?;
    let subscribe = json!({
        "ConsumerARN": consumer["Consumer"]["ConsumerARN"],
        "ShardId": "shardId-000000000000",
        "StartingPosition": {"Type": "LATEST"},
    });
    let mut events = endpoint
        .send("SubscribeToShard", subscribe.to_string())
        .await?;
    let mut times = Vec::new();
    for number in 0..SEQUENTIAL {
        let key = format!("reader-{number:08}");
        let put = json!({"StreamName": "waiting", "PartitionKey": key, "Data": "eA=="}).to_string();
        let start = Instant::now();
        let put = tokio::spawn({
            let endpoint = endpoint.clone();
            async move { endpoint.call("PutRecord", put).await }
        });
        loop {
            let event = events.chunk().await?.ok_or("the subscription has ended")?;
            if event.windows(key.len()).any(|text| text == key.as_bytes()) {
                break;
            }
        }
        times.push(start.elapsed().as_secs_f64() * 1e3);
        put.await??;
    }
    let inside = wake_up().await?;
    println!("\nFrom the start of a PutRecord until a reader that waits has the record, p50:\n");
    println!("| reader | ms |");
    println!("|---|---|");
    println!("| over HTTP, SubscribeToShard | {:.3} |", median(times));
    println!("| inside the process | {inside:.3} |");
    Ok(())
}

/// Whether a put costs more in a stream of many open shards.
async fn open_shards(endpoint: &Endpoint) -> Result<(), Failure> {
    const SHARDS: [usize; 2] = [4, 10_000];
    for shards in SHARDS {
        create(endpoint, &format!("shards-{shards}"), shards).await?;
    }
    let mut times = SHARDS.map(|_| Vec::new());
    for number in 0..SEQUENTIAL * 3 {
        for (shards, times) in SHARDS.iter().zip(&mut times) {
            let stream = format!("shards-{shards}");
            let put =
                json!({"StreamName": stream, "PartitionKey": number.to_string(), "Data": "eA=="});
            let start = Instant::now();
            endpoint.call("PutRecord", put.to_string()).await?;
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    println!("\nPutRecord, one at a time, by open shards of the stream, p50:\n");
    println!("| open shards | ms |");
    println!("|---|---|");
    for (shards, times) in SHARDS.into_iter().zip(times) {
        println!("| {shards} | {:.3} |", median(times));
    }
    Ok(())
}

async fn measure(endpoint: &Endpoint, stream: &str) -> Result<Round, Failure> {
    create(endpoint, stream, 1).await?;
    let data = STANDARD.encode(vec![b'x'; RECORD]);
    let put = json!({"StreamName": stream, "PartitionKey": "key", "Data": data}).to_string();

    let mut times = Vec::with_capacity(SEQUENTIAL);
    for _ in 0..SEQUENTIAL {
        let start = Instant::now();
        endpoint.call("PutRecord", put.clone()).await?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let sequential = median(times);

    let start = Instant::now();
    let mut writers = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let (endpoint, put) = (endpoint.clone(), put.clone());
        writers.spawn(async move {
            for _ in 0..SEQUENTIAL / IN_FLIGHT {
                endpoint.call("PutRecord", put.clone()).await?;
            }
            Ok::<_, reqwest::Error>(())
        });
    }
    while let Some(writer) = writers.join_next().await {
        writer??;
    }
    let in_flight = per_second(SEQUENTIAL / IN_FLIGHT * IN_FLIGHT, start);

    let entries = vec![json!({"PartitionKey": "key", "Data": data}); BATCH];
    let batch = json!({"StreamName": stream, "Records": entries}).to_string();
    let start = Instant::now();
    for _ in 0..BATCHES {
        endpoint.call("PutRecords", batch.clone()).await?;
    }
    let batched = per_second(BATCHES * BATCH, start);

    let mut iterator = shard_iterator(endpoint, stream, "TRIM_HORIZON").await?;
    let (mut read, start) = (0, Instant::now());
    while read < BATCHES * BATCH {
        let reply = endpoint
            .call("GetRecords", json!({"ShardIterator": iterator}).to_string())
            .await?;
        read += reply["Records"].as_array().map_or(0, Vec::len);
        iterator = reply["NextShardIterator"].clone();
    }
    let drained = per_second(read, start);

    let mut times = Vec::new();
    for _ in 0..100 {
        let mut iterator = shard_iterator(endpoint, stream, "LATEST").await?;
        let writer = tokio::spawn({
            let (endpoint, put) = (endpoint.clone(), put.clone());
            async move {
                let start = Instant::now();
                endpoint.call("PutRecord", put).await.map(|_| start)
            }
        });
        loop {
            let reply = endpoint
                .call("GetRecords", json!({"ShardIterator": iterator}).to_string())
                .await?;
            if reply["Records"]
                .as_array()
                .is_some_and(|records| !records.is_empty())
            {
                break;
            }
            iterator = reply["NextShardIterator"].clone();
        }
        let seen = Instant::now();
        times.push(seen.duration_since(writer.await??).as_secs_f64() * 1e3);
    }
    endpoint
        .call("DeleteStream", json!({"StreamName": stream}).to_string())
        .await?;
    Ok([sequential, in_flight, batched, drained, median(times)])
}

/// An engine without HTTP, as the event source mapping of the same process reads it.
struct Inside {
    kinesis: Arc<Kinesis>,
    arrivals: Arrivals,
}

impl Inside {
    async fn new(shards: usize, options: Options) -> Result<Self, Failure> {
        let arrivals = Arrivals::default();
        let kinesis = Kinesis::open(options, arrivals.clone()).await?;
        let inside = Self { kinesis, arrivals };
        inside
            .call(
                "CreateStream",
                json!({"StreamName": "s", "ShardCount": shards}).to_string(),
            )
            .await?;
        Ok(inside)
    }

    async fn call(&self, operation: &str, body: String) -> Result<Value, Failure> {
        let headers = http::HeaderMap::new();
        let call = Call::new(operation, headers, body);
        let body = to_bytes(self.kinesis.call(call).await?.into_body(), usize::MAX).await?;
        Ok(serde_json::from_slice(&body).unwrap_or(Value::Null))
    }
}

/// From the start of a put until a waiting reader in the process wakes, milliseconds.
async fn wake_up() -> Result<f64, Failure> {
    let inside = Arc::new(Inside::new(1, Options::default()).await?);
    let put = json!({"StreamName": "s", "PartitionKey": "k", "Data": "eA=="}).to_string();
    let mut times = Vec::new();
    for _ in 0..2000 {
        let mut records = inside.arrivals.records("s", "shardId-000000000000");
        let reader = tokio::spawn(async move { records.changed().await.map(|()| Instant::now()) });
        tokio::task::yield_now().await;
        let start = Instant::now();
        inside.call("PutRecord", put.clone()).await?;
        times.push(reader.await??.duration_since(start).as_secs_f64() * 1e3);
    }
    Ok(median(times))
}

/// The throughput of puts in memory and on disk, with 32 puts in flight.
async fn durable() -> Result<(), Failure> {
    let put = json!({"StreamName": "s", "PartitionKey": "k", "Data": STANDARD.encode(vec![b'x'; RECORD])});
    let put = put.to_string();
    println!("\nPutRecord inside the process, {IN_FLIGHT} in flight:\n");
    println!("| kept | records/s |");
    println!("|---|---|");
    for (name, fsync) in [
        ("in memory", None),
        ("on disk, fsync never", Some(FsyncPolicy::Never)),
        ("on disk, fsync always", Some(FsyncPolicy::Always)),
    ] {
        let directory = tempfile::tempdir()?;
        let options = Options {
            data_dir: fsync.map(|_| directory.path().to_owned()),
            fsync: fsync.unwrap_or_default(),
            ..Options::default()
        };
        let inside = Arc::new(Inside::new(1, options).await?);
        let start = Instant::now();
        let writers: Vec<_> = (0..IN_FLIGHT)
            .map(|_| {
                let (inside, put) = (Arc::clone(&inside), put.clone());
                tokio::spawn(async move {
                    for _ in 0..SEQUENTIAL {
                        let call = inside.call("PutRecord", put.clone()).await;
                        call.map_err(|error| error.to_string())?;
                    }
                    Ok::<_, String>(())
                })
            })
            .collect();
        for writer in writers {
            writer.await??;
        }
        println!(
            "| {name} | {:.0} |",
            per_second(IN_FLIGHT * SEQUENTIAL, start)
        );
    }
    Ok(())
}

/// A million records through one stream: shows whether the last records cost more than
/// the first.
#[allow(clippy::cast_precision_loss, reason = "a million is exact")]
async fn million() -> Result<(), Failure> {
    let inside = Inside::new(4, Options::default()).await?;
    let data = STANDARD.encode(vec![b'x'; RECORD]);
    let before = resident()?;
    let mut parts = Vec::new();
    for part in 0..10 {
        let start = Instant::now();
        for batch in 0..MILLION / BATCH / 10 {
            let entry = |n: usize| json!({"PartitionKey": format!("{:08}", (part * 200 + batch) * BATCH + n), "Data": data});
            let entries: Vec<_> = (0..BATCH).map(entry).collect();
            inside
                .call(
                    "PutRecords",
                    json!({"StreamName": "s", "Records": entries}).to_string(),
                )
                .await?;
        }
        parts.push(format!("{:.2}", start.elapsed().as_secs_f64()));
    }
    let grown = (resident()? - before) * 1024.0;
    let counted = inside.kinesis.memory();
    println!("\nA million records of {RECORD} bytes through one stream of 4 shards:\n");
    println!("| | |");
    println!("|---|---|");
    println!("| seconds for each 100,000 | {} |", parts.join(", "));
    println!(
        "| bytes per record, counted | {} |",
        counted / MILLION as u64
    );
    println!(
        "| bytes per record, resident | {:.0} |",
        grown / MILLION as f64
    );
    Ok(())
}
