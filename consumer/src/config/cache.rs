//! The cache's settings.

use std::time::Duration;

use super::variable::{ConfigError, Variables};
use crate::ttl::Ttl;

/// One day, the longest TTL of Momento's on-demand plan.
const MAX_TTL_SECONDS: u64 = 24 * 60 * 60;

/// How many of the last calls the circuit breaker judges.
pub const BREAKER_WINDOW: u16 = 20;

/// The default of `CACHE_TIMEOUT_MS`. A function without optimisations is several times
/// slower, and would take its own slowness for the cache's.
pub const TIMEOUT_MS: u64 = if cfg!(debug_assertions) { 1000 } else { 50 };

/// The cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheConfig {
    /// Its endpoint.
    pub endpoint: CacheEndpoint,
    /// `CACHE_PROTOCOL`: how the Momento client talks to it.
    pub protocol: Protocol,
    /// `CACHE_NAME`: its name.
    pub name: String,
    /// The times to live.
    pub ttl: Ttl,
    /// `CACHE_TIMEOUT_MS`: the deadline of one call, its retry included. After it,
    /// the function reads the table.
    pub timeout: Duration,
    /// When the circuit breaker opens.
    pub breaker: BreakerPolicy,
    /// `MOMENTO_API_KEY_PARAMETER`: the SSM parameter that holds Momento's API key.
    pub api_key_parameter: String,
}

/// `CACHE_BACKEND`: the endpoint of the Momento client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CacheEndpoint {
    /// Momento's service, over TLS.
    Momento {
        /// `MOMENTO_ENDPOINT`: required for a v2 API key, which contains none.
        endpoint: Option<String>,
    },
    /// A stub that speaks Momento's protocols without TLS.
    Stub {
        /// The endpoint as the SDK takes it, which depends on the protocol:
        /// `CACHE_STUB_URL`, such as `http://127.0.0.1:8080`, or
        /// `CACHE_STUB_PROTOSOCKET_URL`, such as `127.0.0.1:9004`.
        url: String,
    },
}

/// `CACHE_PROTOCOL`: the protocol of the Momento client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// gRPC over HTTP/2.
    Grpc,
    /// Length-delimited protobuf on TCP, without HTTP/2.
    Protosocket,
}

/// When the circuit breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerPolicy {
    /// `CACHE_BREAKER_FAILURES`: it opens when so many of the last
    /// [`BREAKER_WINDOW`] calls failed.
    pub failures: u16,
    /// `CACHE_BREAKER_OPEN_MS`: how long it withholds every call before it lets
    /// one through.
    pub open_for: Duration,
}

impl CacheConfig {
    pub(super) fn read<L: Fn(&str) -> Option<String>>(
        variables: &Variables<L>,
    ) -> Result<Self, ConfigError> {
        let ttl = |name, default| variables.seconds(name, default, 1..=MAX_TTL_SECONDS);
        let protocol = variables.choice(
            "CACHE_PROTOCOL",
            [
                ("grpc", Protocol::Grpc),
                ("protosocket", Protocol::Protosocket),
            ],
        )?;
        Ok(Self {
            endpoint: cache_endpoint(variables, protocol)?,
            protocol,
            name: variables.text_or("CACHE_NAME", "sample-a"),
            ttl: Ttl {
                present: ttl("CACHE_TTL_SECONDS", 10)?,
                absent: ttl("CACHE_NEGATIVE_TTL_SECONDS", 2)?,
                jitter_percent: variables.count("CACHE_TTL_JITTER_PERCENT", 10, 0..=90)?,
            },
            timeout: variables.milliseconds("CACHE_TIMEOUT_MS", TIMEOUT_MS, 1..=10_000)?,
            breaker: BreakerPolicy {
                failures: variables.count("CACHE_BREAKER_FAILURES", 10, 1..=BREAKER_WINDOW)?,
                open_for: variables.milliseconds("CACHE_BREAKER_OPEN_MS", 1000, 1..=600_000)?,
            },
            api_key_parameter: variables
                .text_or("MOMENTO_API_KEY_PARAMETER", "/keys/momento-pct-key"),
        })
    }
}

fn cache_endpoint<L: Fn(&str) -> Option<String>>(
    variables: &Variables<L>,
    protocol: Protocol,
) -> Result<CacheEndpoint, ConfigError> {
    let stub = variables.choice("CACHE_BACKEND", [("momento", false), ("stub", true)])?;
    if stub {
        let url = match protocol {
            Protocol::Grpc => stub_url(variables.text("CACHE_STUB_URL")),
            Protocol::Protosocket => stub_address(variables.text("CACHE_STUB_PROTOSOCKET_URL")),
        };
        url.map(|url| CacheEndpoint::Stub { url })
    } else {
        Ok(CacheEndpoint::Momento {
            endpoint: variables.text("MOMENTO_ENDPOINT"),
        })
    }
}

/// Checks the scheme: Momento's client accepts a URL without one, and then fails
/// every call.
fn stub_url(held: Option<String>) -> Result<String, ConfigError> {
    match held {
        Some(url) if url.starts_with("http://") && url.len() > "http://".len() => Ok(url),
        held => Err(ConfigError {
            variable: "CACHE_STUB_URL",
            held,
            expected: "a URL such as http://127.0.0.1:8080 with CACHE_BACKEND=stub".to_owned(),
        }),
    }
}

/// Checks for `host:port`: Momento's client for protosocket accepts anything, and then
/// fails every call.
fn stub_address(held: Option<String>) -> Result<String, ConfigError> {
    let usable = |address: &str| {
        let parts = address.rsplit_once(':');
        parts.is_some_and(|(host, port)| {
            !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok()
        })
    };
    match held {
        Some(address) if usable(&address) => Ok(address),
        held => Err(ConfigError {
            variable: "CACHE_STUB_PROTOSOCKET_URL",
            held,
            expected: "host:port without a scheme, such as 127.0.0.1:9004, with CACHE_BACKEND=stub and CACHE_PROTOCOL=protosocket".to_owned(),
        }),
    }
}
