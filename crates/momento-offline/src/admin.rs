//! `/_local/` on the cache's port: the active faults, the cache's contents and its
//! call counts.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::{
    cache::Usage,
    counters::Counts,
    faults::{FaultPlan, RuleStatus},
    http::{HttpReply, HttpRequest},
    keyspace::Keyspace,
};

/// Path of the faults: GET, PUT a [`FaultPlan`], DELETE.
pub const FAULTS_PATH: &str = "/_local/faults";

/// Path of the status: GET.
pub const STATUS_PATH: &str = "/_local/status";

/// A cache's contents, call counts and active faults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CacheStatus {
    /// `stub` or `server`.
    pub transport: String,
    /// Address of protosocket, if the keyspace is served over it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protosocket: Option<SocketAddr>,
    /// Names of the caches, in order.
    pub caches: Vec<String>,
    /// Capacity of each cache, bytes.
    pub capacity: u64,
    /// Contents, evictions and expiries of all caches together.
    pub usage: Usage,
    /// Calls answered and refused since the start.
    pub counts: Counts,
    /// The active fault rules.
    pub faults: Vec<RuleStatus>,
}

/// The active faults, and how often each rule applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FaultStatus {
    /// Seed of the plan.
    pub seed: u64,
    /// Rules of the plan, in order.
    pub rules: Vec<RuleStatus>,
}

impl CacheStatus {
    /// Reads the status of `keyspace`, served by the transport of this name.
    #[must_use]
    pub fn of(keyspace: &Keyspace, transport: &str) -> Self {
        Self {
            transport: transport.to_owned(),
            protosocket: keyspace.protosocket_address(),
            caches: keyspace.cache_names(),
            capacity: keyspace.capacity(),
            usage: keyspace.usage(),
            counts: keyspace.counts(),
            faults: keyspace.faults.status(),
        }
    }
}

pub(super) fn answer(keyspace: &Keyspace, transport: &str, request: &HttpRequest) -> HttpReply {
    match (request.method, request.path) {
        ("GET", STATUS_PATH) => json(&CacheStatus::of(keyspace, transport)),
        ("GET", FAULTS_PATH) => faults(keyspace),
        ("PUT" | "POST", FAULTS_PATH) => {
            let plan: Result<FaultPlan, _> = serde_json::from_slice(request.body);
            let set = plan
                .map_err(|error| error.to_string())
                .and_then(|plan| keyspace.faults.set(plan).map_err(|error| error.to_string()));
            match set {
                Ok(()) => faults(keyspace),
                Err(error) => HttpReply::text(400, error),
            }
        }
        ("DELETE", FAULTS_PATH) => {
            keyspace.faults.clear();
            faults(keyspace)
        }
        (_, STATUS_PATH | FAULTS_PATH) => {
            let what = format!("{} is not allowed on {}", request.method, request.path);
            HttpReply::text(405, what)
        }
        (_, path) if path.starts_with("/cache/") => HttpReply::text(
            405,
            format!(
                "{} is not allowed on /cache/NAME; expected GET, PUT or DELETE",
                request.method
            ),
        ),
        (_, path) => HttpReply::text(
            404,
            format!(
                "{path} is not served; expected /cache/NAME?key=KEY, {FAULTS_PATH}, {STATUS_PATH} or a gRPC call"
            ),
        ),
    }
}

fn faults(keyspace: &Keyspace) -> HttpReply {
    json(&FaultStatus {
        seed: keyspace.faults.plan().seed,
        rules: keyspace.faults.status(),
    })
}

fn json(document: &impl Serialize) -> HttpReply {
    match serde_json::to_vec(document) {
        Ok(body) => HttpReply {
            status: 200,
            content_type: "application/json",
            body,
        },
        Err(error) => HttpReply::text(500, error.to_string()),
    }
}
