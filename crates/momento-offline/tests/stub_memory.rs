//! The stub's memory, in a process of its own.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::panic)]
// `/proc` has the figure.
#![cfg(target_os = "linux")]

use momento_offline::transport::{CacheOptions, Served, Transport};
use tokio::net::TcpListener;

const MIB: usize = 1024 * 1024;

fn resident_mib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.unwrap().split_whitespace().nth(1).unwrap();
    kib.parse::<usize>().unwrap() / 1024
}

#[tokio::test]
async fn the_memory_of_the_stub_is_bounded_in_bytes() {
    let options = CacheOptions {
        transport: Transport::Stub,
        capacity: 20 * MIB as u64,
        ..CacheOptions::default()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let cache = Served::start(options, listener, ["sample-a"])
        .await
        .unwrap();
    let http = reqwest::Client::new();
    let before = resident_mib();
    for key in 0..400 {
        let url = format!(
            "http://{}/cache/sample-a?key={key}&ttl_seconds=60&token=t",
            cache.address()
        );
        let put = http.put(url).body(vec![7; MIB]).send().await.unwrap();
        assert_eq!(put.status(), 204);
    }
    // The cache's 20 MiB, the retained 16 MiB, and the copies of a request.
    let grown = resident_mib().saturating_sub(before);
    assert!(grown < 150, "{grown} MiB");
}
