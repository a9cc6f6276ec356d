//! Momento offline: the real SDK's calls, answered in this process.
//!
//! A [`keyspace`] holds caches ([`cache`], [`value`]), [`calls`] answers one call
//! from its protobuf message and [`http`] one request of the HTTP API, [`faults`]
//! is what goes wrong on purpose. Two transports serve all of it: [`stub`] through
//! wiremock (with [`wire`] for gRPC's framing), [`server`] through tonic. Which one
//! is a matter of [`transport`]. `docs/momento.md` compares them.

pub mod admin;
pub mod cache;
pub mod calls;
pub mod counters;
pub mod faults;
pub mod http;
pub mod keyspace;
pub mod server;
pub mod status;
pub mod stub;
pub mod transport;
pub mod value;
pub mod wire;

use base64::{Engine, prelude::BASE64_URL_SAFE};
use serde_json::json;
use uuid::Uuid;

/// A Momento v1 API key that opens nothing: it has the form that the SDK
/// checks, and a host that never resolves (RFC 6761).
#[must_use]
pub fn fake_api_key() -> String {
    let secret = format!("local-{}", Uuid::new_v4());
    let key = json!({ "endpoint": "cache.local.invalid", "api_key": secret });
    BASE64_URL_SAFE.encode(key.to_string())
}
