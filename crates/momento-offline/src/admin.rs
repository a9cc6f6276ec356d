//! `/_local/` on the cache's port: the faults in force, and what the cache holds
//! and was asked.

use serde::{Deserialize, Serialize};

use super::{
    cache::Usage,
    counters::Counts,
    faults::{FaultPlan, RuleStatus},
    http::{HttpReply, HttpRequest},
    keyspace::Keyspace,
};

/// The path of the faults: GET, PUT a [`FaultPlan`], DELETE.
pub const FAULTS_PATH: &str = "/_local/faults";

/// The path of the status: GET.
pub const STATUS_PATH: &str = "/_local/status";

/// What the cache holds and was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CacheStatus {
    /// `stub` or `server`.
    pub transport: String,
    /// The caches' names.
    pub caches: Vec<String>,
    /// Bytes that each may hold.
    pub capacity: u64,
    /// What they hold, together.
    pub usage: Usage,
    /// What was asked.
    pub counts: Counts,
    /// The faults in force.
    pub faults: Vec<RuleStatus>,
}

/// The faults in force, and what they have done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FaultStatus {
    /// The plan's seed.
    pub seed: u64,
    /// Its rules.
    pub rules: Vec<RuleStatus>,
}

impl CacheStatus {
    /// The status of `keyspace`, which this transport serves.
    #[must_use]
    pub fn of(keyspace: &Keyspace, transport: &str) -> Self {
        Self {
            transport: transport.to_owned(),
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
            let what = format!("{} is not for {}", request.method, request.path);
            HttpReply::text(405, what)
        }
        (_, path) if path.starts_with("/cache/") => HttpReply::text(
            405,
            format!("{} is not served; GET, PUT and DELETE are", request.method),
        ),
        (_, path) => HttpReply::text(
            404,
            format!(
                "{path} is not served; /cache/NAME?key=KEY, {FAULTS_PATH} and {STATUS_PATH} are, beside gRPC"
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
