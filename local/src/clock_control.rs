//! `GET /_local/clock`: the environment's time of day. `POST` moves it forward.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::{Query, State},
    routing::get,
};
use http::StatusCode;
use movable_clock::Clock;
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, serde::rfc3339};

/// The path of the clock, on the Invoke API's port; `?advance=MS` says how far to move it.
pub const CLOCK_PATH: &str = "/_local/clock";

/// The furthest that a clock is moved in all. A stream keeps records for 365 days at
/// most, so nothing expires later.
pub const MOST_ADVANCED: Duration = Duration::from_hours(10 * 366 * 24);

/// The time of day of a running environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClockStatus {
    /// The time that streams, mappings and caches see.
    #[serde(with = "rfc3339")]
    pub now: OffsetDateTime,
    /// How far the clock was moved in all, in milliseconds.
    pub advanced_ms: u64,
}

#[derive(Deserialize)]
struct Move {
    /// Milliseconds.
    advance: u64,
}

/// The HTTP routes of `clock`.
pub fn router(clock: Clock) -> Router {
    Router::new()
        .route(CLOCK_PATH, get(read).post(advance))
        .with_state(clock)
}

async fn read(State(clock): State<Clock>) -> Json<ClockStatus> {
    Json(status(&clock))
}

async fn advance(
    State(clock): State<Clock>,
    Query(by): Query<Move>,
) -> Result<Json<ClockStatus>, (StatusCode, String)> {
    let by = Duration::from_millis(by.advance);
    if clock.advanced().saturating_add(by) > MOST_ADVANCED {
        let most = MOST_ADVANCED.as_secs() / 3600 / 24;
        let error = format!("the clock can be moved by {most} days in all\n");
        return Err((StatusCode::BAD_REQUEST, error));
    }
    clock.advance(by);
    Ok(Json(status(&clock)))
}

fn status(clock: &Clock) -> ClockStatus {
    ClockStatus {
        now: clock.now(),
        advanced_ms: u64::try_from(clock.advanced().as_millis()).unwrap_or(u64::MAX),
    }
}
