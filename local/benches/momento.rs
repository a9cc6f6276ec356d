//! Measures the cache through the real Momento SDK, stub and server side by side:
//! latency of get and set, throughput, and memory after a million requests.
//!
//! The cache runs as a process (`local cache`), so that its memory can be measured
//! alone. Rounds alternate, so that other load on the machine affects both.
//!
//!     cargo bench --bench momento -- [--requests N] [--rounds N]

// A benchmark fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::cast_precision_loss)]

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use hdrhistogram::Histogram;
use momento::{CacheClient, CredentialProvider, cache::configurations};
use momento_offline::fake_api_key;

/// The size of a value, in bytes.
const VALUE: usize = 256;

/// Requests in flight in the concurrent load.
const IN_FLIGHT: usize = 32;

/// Requests of one measurement.
const SEQUENTIAL: u64 = 5_000;
const CONCURRENT: u64 = 50_000;

/// Distinct keys.
const KEYS: u64 = 1_000;

#[tokio::main]
async fn main() {
    let requests = argument("--requests").unwrap_or(1_000_000);
    let rounds = argument("--rounds").unwrap_or(3);
    println!("{VALUE} B values, {KEYS} keys; microseconds");
    println!("transport  round  load            p50     p99  requests/s");
    for round in 1..=rounds {
        for transport in ["stub", "server"] {
            let cache = Cache::start(transport);
            let client = cache.client().await;
            for (load, in_flight, count) in [
                ("1 in flight", 1, SEQUENTIAL),
                ("32 in flight", IN_FLIGHT, CONCURRENT),
            ] {
                for call in ["set", "get"] {
                    let (times, took) = measure(&client, call, in_flight, count).await;
                    println!(
                        "{transport:9}  {round:5}  {call} {load:12} {:6} {:7} {:11.0}",
                        times.value_at_quantile(0.5),
                        times.value_at_quantile(0.99),
                        count as f64 / took.as_secs_f64(),
                    );
                }
            }
        }
    }
    println!("\nresident memory, MiB, during {requests} requests");
    for transport in ["stub", "server"] {
        let cache = Cache::start(transport);
        let client = cache.client().await;
        measure(&client, "set", IN_FLIGHT, KEYS).await;
        let mut resident = vec![cache.resident_mib()];
        for _ in 0..10 {
            measure(&client, "get", IN_FLIGHT, requests / 10).await;
            resident.push(cache.resident_mib());
        }
        println!("{transport:9} {resident:?}");
    }
}

fn argument(name: &str) -> Option<u64> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments
        .nth(1)
        .map(|value| value.parse().expect("a number"))
}

/// Makes `count` calls. Returns each call's time in microseconds, and the total time.
async fn measure(
    client: &CacheClient,
    call: &str,
    in_flight: usize,
    count: u64,
) -> (Histogram<u64>, Duration) {
    let mut times = Histogram::new(3).unwrap();
    let began = Instant::now();
    let mut calls = stream::iter(0..count)
        .map(|nth| async move {
            let key = format!("key-{}", nth % KEYS);
            let began = Instant::now();
            let done = match call {
                "set" => client.set("sample-a", key, vec![7; VALUE]).await.map(drop),
                _ => client.get("sample-a", key).await.map(drop),
            };
            (began.elapsed(), done)
        })
        .buffer_unordered(in_flight);
    while let Some((took, done)) = calls.next().await {
        done.expect("the cache answers every call");
        times
            .record(u64::try_from(took.as_micros()).unwrap())
            .unwrap();
    }
    (times, began.elapsed())
}

/// `local cache` in a process of its own.
struct Cache {
    process: Child,
    url: String,
}

impl Cache {
    fn start(transport: &str) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_local"))
            .args(["cache", "--port", "0", "--cache", transport])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let line = lines.next().unwrap().unwrap();
        let url = line
            .split_whitespace()
            .find(|word| word.starts_with("http://"));
        let url = url.expect("the first line has the URL").to_owned();
        // Later lines must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, url }
    }

    async fn client(&self) -> CacheClient {
        let credentials = CredentialProvider::from_disposable_token(fake_api_key())
            .unwrap()
            .insecure_endpoint_override(&self.url);
        CacheClient::builder()
            .default_ttl(Duration::from_hours(1))
            .configuration(configurations::Lambda::latest())
            .credential_provider(credentials)
            .build_and_connect()
            .await
            .unwrap()
    }

    fn resident_mib(&self) -> u64 {
        let status = format!("/proc/{}/status", self.process.id());
        let status = std::fs::read_to_string(status).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        kib.unwrap_or_default() / 1024
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
