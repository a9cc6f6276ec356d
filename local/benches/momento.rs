//! Measures the cache through the real Momento SDK, each transport in turn: latency of
//! get and set, throughput, and memory after a million requests.
//!
//! The cache runs in a process of its own, this program again with `--serve`, so that
//! its memory is its own. Rounds of the transports alternate, so that each meets the
//! same machine. `protosocket` is the server's keyspace over its second listener.
//!
//!     cargo bench --bench momento -- [--requests N] [--rounds N]

// A benchmark fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::cast_precision_loss)]

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use hdrhistogram::Histogram;
use momento::{
    CacheClient, CredentialProvider, MomentoResult, ProtosocketCacheClient,
    cache::configurations::Lambda, protosocket,
};
use momento_offline::{
    fake_api_key,
    transport::{CacheOptions, Served, Transport},
};
use tokio::{net::TcpListener, runtime::Builder};

/// The size of a value, in bytes.
const VALUE: usize = 256;

/// Requests in flight in the concurrent load.
const IN_FLIGHT: usize = 32;

/// Requests of one measurement.
const SEQUENTIAL: u64 = 5_000;
const CONCURRENT: u64 = 50_000;

/// Distinct keys.
const KEYS: u64 = 1_000;

const CACHE: &str = "sample-a";

const TRANSPORTS: [&str; 3] = ["stub", "server", "protosocket"];

fn main() {
    if let Some(transport) = argument("--serve") {
        let several = Builder::new_multi_thread().enable_all().build();
        return several.unwrap().block_on(serve(&transport));
    }
    let number = |name| argument(name).map(|text| text.parse::<u64>().expect("a number"));
    let requests = number("--requests").unwrap_or(1_000_000);
    let rounds = number("--rounds").unwrap_or(3);
    // One thread, as the sample function has.
    let one = Builder::new_current_thread().enable_all().build().unwrap();
    one.block_on(async {
        calls(rounds).await;
        memory(requests).await;
    });
}

/// The rows of a round: each call, alone and with others in flight.
const LOADS: [(&str, &str, usize, u64); 4] = [
    ("set", "one at a time", 1, SEQUENTIAL),
    ("get", "one at a time", 1, SEQUENTIAL),
    ("set", "32 in flight", IN_FLIGHT, CONCURRENT),
    ("get", "32 in flight", IN_FLIGHT, CONCURRENT),
];

/// p50 and p99 in microseconds, and requests per second.
type Figures = [f64; 3];

async fn calls(rounds: u64) {
    let mut measured: BTreeMap<(usize, usize), Vec<Figures>> = BTreeMap::new();
    for _ in 0..rounds {
        for (at, transport) in TRANSPORTS.iter().enumerate() {
            let cache = Cache::start(transport);
            let client = cache.client().await;
            for (load, (call, _, in_flight, count)) in LOADS.into_iter().enumerate() {
                let (times, took) = measure(&client, call, in_flight, count).await;
                let quantile = |quantile| times.value_at_quantile(quantile) as f64;
                let per_second = count as f64 / took.as_secs_f64();
                let figures = [quantile(0.5), quantile(0.99), per_second];
                measured.entry((load, at)).or_default().push(figures);
            }
        }
    }
    println!(
        "Values of {VALUE} bytes, {KEYS} keys, the client on one thread. Medians of {rounds} rounds.\n"
    );
    println!("| call | transport | p50 (µs) | p99 (µs) | requests/s |");
    println!("|---|---|---|---|---|");
    for ((load, transport), rounds) in measured {
        let (call, how, ..) = LOADS[load];
        let median = |figure: usize| {
            let mut values: Vec<_> = rounds.iter().map(|round| round[figure]).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        println!(
            "| {call}, {how} | {} | {:.0} | {:.0} | {:.0} |",
            TRANSPORTS[transport],
            median(0),
            median(1),
            median(2)
        );
    }
}

async fn memory(requests: u64) {
    println!("\nResident memory while {requests} requests come, before and after each tenth:\n");
    println!("| transport | MiB |");
    println!("|---|---|");
    for transport in TRANSPORTS {
        let cache = Cache::start(transport);
        let client = cache.client().await;
        measure(&client, "set", IN_FLIGHT, KEYS).await;
        let mut resident = vec![cache.resident_mib().to_string()];
        for _ in 0..10 {
            measure(&client, "get", IN_FLIGHT, requests / 10).await;
            resident.push(cache.resident_mib().to_string());
        }
        println!("| {transport} | {} |", resident.join(", "));
    }
}

fn argument(name: &str) -> Option<String> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.nth(1)
}

/// Serves a cache until the process is killed; prints the address that clients use.
async fn serve(transport: &str) {
    let options = CacheOptions {
        transport: match transport {
            "stub" => Transport::Stub,
            _ => Transport::Server,
        },
        ..CacheOptions::default()
    };
    let listener = || TcpListener::bind("127.0.0.1:0");
    let served = Served::start(options, listener().await.unwrap(), [CACHE]);
    let mut served = served.await.unwrap();
    if transport == "protosocket" {
        served = served.also_protosocket(listener().await.unwrap()).unwrap();
    }
    match served.protosocket_address() {
        Some(address) => println!("{address}"),
        None => println!("http://{}", served.address()),
    }
    std::future::pending::<()>().await;
}

/// The SDK's client for a transport.
enum Client {
    Grpc(Box<CacheClient>),
    Protosocket(ProtosocketCacheClient),
}

impl Client {
    async fn call(&self, call: &str, key: String) -> MomentoResult<()> {
        let value = || vec![7; VALUE];
        match (self, call) {
            (Self::Grpc(client), "set") => client.set(CACHE, key, value()).await.map(drop),
            (Self::Grpc(client), _) => client.get(CACHE, key).await.map(drop),
            (Self::Protosocket(client), "set") => client.set(CACHE, key, value()).await.map(drop),
            (Self::Protosocket(client), _) => client.get(CACHE, key).await.map(drop),
        }
    }
}

/// Makes `count` calls. Returns each call's time in microseconds, and the total time.
async fn measure(
    client: &Client,
    call: &str,
    in_flight: usize,
    count: u64,
) -> (Histogram<u64>, Duration) {
    let mut times = Histogram::new(3).unwrap();
    let began = Instant::now();
    let mut calls = stream::iter(0..count)
        .map(|nth| async move {
            let began = Instant::now();
            let done = client.call(call, format!("key-{}", nth % KEYS)).await;
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

/// A cache in a process of its own.
struct Cache {
    process: Child,
    endpoint: String,
}

impl Cache {
    fn start(transport: &str) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--serve", transport])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let endpoint = lines.next().unwrap().unwrap();
        Self { process, endpoint }
    }

    async fn client(&self) -> Client {
        let credentials = CredentialProvider::from_disposable_token(fake_api_key())
            .unwrap()
            .insecure_endpoint_override(&self.endpoint);
        let ttl = Duration::from_hours(1);
        if self.endpoint.starts_with("http://") {
            let builder = CacheClient::builder()
                .default_ttl(ttl)
                .configuration(Lambda::latest())
                .credential_provider(credentials);
            Client::Grpc(Box::new(builder.build_and_connect().await.unwrap()))
        } else {
            let builder = ProtosocketCacheClient::builder()
                .default_ttl(ttl)
                .configuration(protosocket::cache::configurations::Lambda::latest())
                .credential_provider(credentials)
                .runtime(tokio::runtime::Handle::current());
            Client::Protosocket(builder.build().await.unwrap())
        }
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
