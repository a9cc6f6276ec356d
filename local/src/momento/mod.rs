//! Momento offline: the real SDK's calls, answered in this process.
//!
//! [`keyspace`] holds caches and items, [`faults`] what goes wrong on purpose,
//! [`calls`] answers one call from its protobuf message, [`wire`] frames
//! messages as gRPC does, and [`stub`] serves it all through wiremock.

pub mod calls;
pub mod counters;
pub mod faults;
pub mod keyspace;
pub mod status;
pub mod stub;
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
