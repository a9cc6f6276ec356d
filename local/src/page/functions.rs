//! The functions' execution environments: listed, killed, restarted.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::{get, post},
};
use http::StatusCode;
use lambda_host::{
    Function,
    listing::{self, Listed},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Page, refusal::Refusal};

pub(super) fn router() -> Router<Page> {
    Router::new()
        .route("/_local/functions", get(list))
        .route("/_local/functions/{function}/restart", post(restart))
        .route("/_local/environments/{function}/{number}/kill", post(kill))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Described {
    name: String,
    memory_mb: u32,
    timeout_s: f64,
    concurrency: usize,
    environments: Vec<Environment>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Environment {
    number: u64,
    state: &'static str,
    age_ms: u64,
    memory_mb: Option<u32>,
    invocations: u64,
}

async fn list(State(page): State<Page>) -> Result<Json<Vec<Described>>, Refusal> {
    let functions = page.shown()?.functions.values();
    Ok(Json(functions.map(describe).collect()))
}

fn describe(function: &Arc<Function>) -> Described {
    let config = function.config();
    Described {
        name: config.name.clone(),
        memory_mb: config.memory_mb,
        timeout_s: config.timeout.as_secs_f64(),
        concurrency: config.concurrency,
        environments: function.list().iter().map(environment).collect(),
    }
}

fn environment(listed: &Listed) -> Environment {
    Environment {
        number: listed.number,
        state: match listed.state {
            listing::State::Init => "init",
            listing::State::Idle => "idle",
            listing::State::Busy => "busy",
        },
        age_ms: milliseconds(listed.age),
        memory_mb: listed.memory_mb,
        invocations: listed.invocations,
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

async fn restart(
    State(page): State<Page>,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let function = find(&page, &name)?;
    function.restart().await.map_err(|error| {
        let what = format!("function {name} does not start: {}", error.message());
        Refusal::new(StatusCode::BAD_GATEWAY, what)
    })?;
    Ok(Json(json!({ "restarted": name })))
}

async fn kill(
    State(page): State<Page>,
    Path((name, number)): Path<(String, u64)>,
) -> Result<Json<Value>, Refusal> {
    if !find(&page, &name)?.kill(number) {
        let what = format!("function {name} has no execution environment {number} that runs");
        return Err(Refusal::not_found(what));
    }
    Ok(Json(json!({ "killed": number })))
}

fn find(page: &Page, name: &str) -> Result<Arc<Function>, Refusal> {
    let found = page.shown()?.functions.get(name).cloned();
    found.ok_or_else(|| Refusal::not_found(format!("there is no function {name}")))
}
