//! Measures the SQS engine beside any other engines, in one run:
//!
//! ```text
//! cargo bench --bench sqs -- [rounds=N] [calls=N] peer=http://127.0.0.1:4567 …
//! ```
//!
//! With `calls=N` it only compares the endpoints, with fewer calls and so with fewer
//! messages in the queue: a peer may take longer the more messages there are.
//!
//! This process sends every endpoint the same requests over loopback HTTP. Rounds
//! alternate between the endpoints, so that other load on the machine affects all of
//! them; the results are medians. `docs/measurements.md` has them.

mod engines;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sqs_engine::{FsyncPolicy, Options, Queue, Receive, SendMessage, Sqs};
use tokio::task::JoinSet;

use engines::{Api, Endpoint, Failure, median, per_second, resident};

/// Calls of each kind in a round, unless `calls=N` says otherwise.
const CALLS: usize = 1000;
const IN_FLIGHT: usize = 32;
const BATCH: usize = 10;
/// Bytes of a message's body.
const BODY: usize = 256;
const MILLION: usize = 1_000_000;

const API: Api = Api {
    content_type: "application/x-amz-json-1.0",
    target: "AmazonSQS",
    scope: "sqs",
};

async fn receive_and_delete(endpoint: &Endpoint, queue: &Value) -> Result<(), Failure> {
    let receive = json!({"QueueUrl": queue, "WaitTimeSeconds": 5}).to_string();
    let reply = endpoint.call("ReceiveMessage", receive).await?;
    let handle = &reply["Messages"][0]["ReceiptHandle"];
    if handle.is_null() {
        return Err("a receive was empty".into());
    }
    let delete = json!({"QueueUrl": queue, "ReceiptHandle": handle});
    endpoint.call("DeleteMessage", delete.to_string()).await?;
    Ok(())
}

/// The results of one round, in the order of [`COLUMNS`].
type Round = [f64; 6];

/// Headings, and how many decimals their figures have.
const COLUMNS: [(&str, usize); 6] = [
    ("SendMessage, one at a time (ms, p50)", 2),
    ("SendMessage, 32 in flight (messages/s)", 0),
    ("SendMessageBatch of 10 (messages/s)", 0),
    (
        "ReceiveMessage and DeleteMessage, one at a time (ms, p50)",
        2,
    ),
    ("the same, 32 in flight (messages/s)", 0),
    ("send until a long poll has it (ms, p50)", 2),
];

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let ours = Sqs::open(Options::default()).await?;
    let asked = engines::asked(ours, API).await?;
    let calls = asked.calls.unwrap_or(CALLS);
    // Each way of sending leaves its messages in the queue.
    let (waiting, rounds) = (3 * calls, asked.rounds);
    println!(
        "A standard queue with up to {waiting} messages, bodies of {BODY} bytes, JSON. Medians \
         of {rounds} rounds.\n"
    );
    let measure = async |endpoint: &Endpoint, name: &str| measure(endpoint, name, calls).await;
    engines::compare(COLUMNS, &asked, measure).await;
    if asked.calls.is_some() {
        return Ok(());
    }
    durable().await?;
    million().await
}

async fn measure(endpoint: &Endpoint, name: &str, count: usize) -> Result<Round, Failure> {
    let create = json!({"QueueName": name}).to_string();
    let created = endpoint.call("CreateQueue", create).await?;
    let queue = &created["QueueUrl"];
    let send = json!({"QueueUrl": queue, "MessageBody": "x".repeat(BODY)}).to_string();

    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let start = Instant::now();
        endpoint.call("SendMessage", send.clone()).await?;
        times.push(milliseconds(start));
    }
    let sent = median(times);

    let sent_in_flight = in_flight(count, || {
        let (endpoint, send) = (endpoint.clone(), send.clone());
        async move {
            endpoint.call("SendMessage", send).await?;
            Ok(())
        }
    })
    .await?;

    let entries: Vec<_> = (0..BATCH)
        .map(|n| json!({"Id": n.to_string(), "MessageBody": "x".repeat(BODY)}))
        .collect();
    let batch = json!({"QueueUrl": queue, "Entries": entries}).to_string();
    let start = Instant::now();
    for _ in 0..count / BATCH {
        endpoint.call("SendMessageBatch", batch.clone()).await?;
    }
    let batched = per_second(count, start);

    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let start = Instant::now();
        receive_and_delete(endpoint, queue).await?;
        times.push(milliseconds(start));
    }
    let received = median(times);
    let received_in_flight = in_flight(count, || {
        let (endpoint, queue) = (endpoint.clone(), queue.clone());
        async move { receive_and_delete(&endpoint, &queue).await }
    })
    .await?;

    let waited = long_polls(endpoint, &format!("{name}-waiting"), count).await?;
    let delete = json!({"QueueUrl": queue}).to_string();
    endpoint.call("DeleteQueue", delete).await?;
    Ok([
        sent,
        sent_in_flight,
        batched,
        received,
        received_in_flight,
        waited,
    ])
}

/// Repeats something with 32 of it under way; how often a second.
async fn in_flight<F>(count: usize, mut call: impl FnMut() -> F) -> Result<f64, Failure>
where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    let start = Instant::now();
    let mut calls = JoinSet::new();
    for started in 0..count {
        if started >= IN_FLIGHT
            && let Some(ended) = calls.join_next().await
        {
            ended??;
        }
        calls.spawn(call());
    }
    while let Some(ended) = calls.join_next().await {
        ended??;
    }
    Ok(per_second(count, start))
}

/// From the start of a send until a long poll that waits returns its message.
async fn long_polls(endpoint: &Endpoint, name: &str, count: usize) -> Result<f64, Failure> {
    let create = json!({"QueueName": name}).to_string();
    let created = endpoint.call("CreateQueue", create).await?;
    let queue = &created["QueueUrl"];
    let mut times = Vec::new();
    for _ in 0..count.min(100) {
        let poll = tokio::spawn({
            let (endpoint, queue) = (endpoint.clone(), queue.clone());
            async move {
                receive_and_delete(&endpoint, &queue)
                    .await
                    .map(|()| Instant::now())
            }
        });
        // Until the poll waits.
        tokio::time::sleep(Duration::from_millis(5)).await;
        let start = Instant::now();
        let send = json!({"QueueUrl": queue, "MessageBody": "x"}).to_string();
        endpoint.call("SendMessage", send).await?;
        times.push(poll.await??.duration_since(start).as_secs_f64() * 1e3);
    }
    let delete = json!({"QueueUrl": queue}).to_string();
    endpoint.call("DeleteQueue", delete).await?;
    Ok(median(times))
}

/// The throughput of sends, and of receives with deletions, in memory and on disk.
async fn durable() -> Result<(), Failure> {
    println!("\nInside the process, {IN_FLIGHT} in flight:\n");
    println!("| kept | SendMessage (messages/s) | ReceiveMessage and DeleteMessage (messages/s) |");
    println!("|---|---|---|");
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
        let sqs = Sqs::open(options).await?;
        let queue = sqs.create_queue("bench", &BTreeMap::new()).await?;
        let sent = workers(&queue, |queue| async move {
            queue.send(SendMessage::new("x".repeat(BODY))).await?;
            Ok(())
        });
        let sent = sent.await?;
        let received = workers(&queue, |queue| async move {
            let received = queue.receive(&Receive::default()).await?;
            for one in received {
                queue.delete(&one.receipt_handle).await?;
            }
            Ok(())
        });
        println!("| {name} | {sent:.0} | {:.0} |", received.await?);
    }
    Ok(())
}

/// As many workers as calls in flight, each with a thousand calls; calls a second.
async fn workers<F>(queue: &Queue, call: fn(Queue) -> F) -> Result<f64, Failure>
where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    let start = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let queue = queue.clone();
        workers.spawn(async move {
            for _ in 0..CALLS {
                call(queue.clone()).await?;
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    Ok(per_second(IN_FLIGHT * CALLS, start))
}

/// A million messages in one queue: shows whether the last ones cost more than the first.
#[allow(clippy::cast_precision_loss, reason = "a million is exact")]
async fn million() -> Result<(), Failure> {
    let sqs = Sqs::open(Options::default()).await?;
    let queue = sqs.create_queue("bench", &BTreeMap::new()).await?;
    let before = resident()?;
    let (mut sends, mut receives) = (Vec::new(), Vec::new());
    for _ in 0..10 {
        let start = Instant::now();
        for _ in 0..MILLION / BATCH / 10 {
            let messages = (0..BATCH).map(|_| SendMessage::new("x".repeat(BODY)));
            queue.send_all(messages.collect()).await?;
        }
        sends.push(format!("{:.2}", start.elapsed().as_secs_f64()));
    }
    let grown = (resident()? - before) * 1024.0;
    let ten = Receive {
        max_messages: BATCH,
        ..Receive::default()
    };
    for _ in 0..10 {
        let start = Instant::now();
        for _ in 0..MILLION / BATCH / 10 {
            let received = queue.receive(&ten).await?;
            let handles = received.iter().map(|one| one.receipt_handle.as_str());
            queue.delete_all(&handles.collect::<Vec<_>>()).await?;
        }
        receives.push(format!("{:.2}", start.elapsed().as_secs_f64()));
    }
    println!("\nA million messages of {BODY} bytes in one queue, ten in a call:\n");
    println!("| | |");
    println!("|---|---|");
    println!(
        "| sending, seconds for each 100,000 | {} |",
        sends.join(", ")
    );
    println!(
        "| receiving and deleting, seconds for each 100,000 | {} |",
        receives.join(", ")
    );
    println!(
        "| bytes per message, resident | {:.0} |",
        grown / MILLION as f64
    );
    Ok(())
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}
