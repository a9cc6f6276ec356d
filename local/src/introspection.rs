//! `GET /_local/status`: what the event source mappings are doing.

use std::sync::{Arc, OnceLock};

use axum::{Json, Router, extract::State, routing::get};

use crate::event_source::{mapping::Watch, status::MappingStatus};

/// The path of the status, on the Invoke API's port.
pub const STATUS_PATH: &str = "/_local/status";

/// The mappings that can be looked at: none until they have been started,
/// which is after the port is open.
#[derive(Clone, Default)]
pub struct Board(Arc<OnceLock<Vec<Watch>>>);

impl Board {
    /// Shows these mappings from now on.
    pub fn show(&self, mappings: Vec<Watch>) {
        // They are started once.
        let _ = self.0.set(mappings);
    }

    /// What each mapping is doing.
    #[must_use]
    pub fn status(&self) -> Vec<MappingStatus> {
        let mappings = self.0.get().map(Vec::as_slice).unwrap_or_default();
        mappings.iter().map(Watch::status).collect()
    }

    /// The HTTP surface.
    pub fn router(self) -> Router {
        Router::new()
            .route(STATUS_PATH, get(status))
            .with_state(self)
    }
}

async fn status(State(board): State<Board>) -> Json<Vec<MappingStatus>> {
    Json(board.status())
}
