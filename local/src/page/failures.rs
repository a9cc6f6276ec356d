//! Discarded batches: listed with their documents, and redriven.

use std::time::Instant;

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::{get, post},
};
use event_source_mapping::{
    destination::FailureFolder,
    redrive::{self, BatchInfo, RedriveError},
    sdk_source::SdkSource,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{Page, recorder::milliseconds, refusal::Refusal};
use crate::{
    adapters::function_target::FunctionTarget,
    events::{BatchRedriven, Detail, EventKind, Redriven},
};

/// A batch that was redriven.
#[derive(Debug, Serialize, Deserialize)]
pub struct RedriveReply {
    /// The batch's id.
    pub redriven: String,
    /// How many records were delivered.
    pub records: usize,
}

/// The path that redrives the batch `id`, on the AWS port.
#[must_use]
pub fn redrive_path(id: &str) -> String {
    format!("/_local/failures/{id}/redrive")
}

pub(super) fn router() -> Router<Page> {
    Router::new()
        .route("/_local/failures", get(list))
        .route("/_local/failures/{id}/redrive", post(redrive_one))
}

async fn list(State(page): State<Page>) -> Result<Json<Vec<Value>>, Refusal> {
    let folder = FailureFolder::new(&page.shown()?.failures);
    let all = folder
        .list()
        .await
        .map_err(|error| unreadable(&error))?
        .into_iter()
        .rev();
    let batches = all.map(|(id, document)| json!({ "id": id, "document": document }));
    Ok(Json(batches.collect()))
}

async fn redrive_one(
    State(page): State<Page>,
    Path(id): Path<String>,
) -> Result<Json<RedriveReply>, Refusal> {
    let shown = page.shown()?;
    let folder = FailureFolder::new(&shown.failures);
    let found = folder.find(&id).await.map_err(|error| unreadable(&error))?;
    let document =
        found.ok_or_else(|| Refusal::not_found(format!("there is no discarded batch {id}")))?;
    let info = BatchInfo::of(&document).map_err(|error| refused(&error))?;
    let name = redrive::function_name(&document).unwrap_or_default();
    let function = shown.functions.get(name).ok_or_else(|| {
        Refusal::not_found(format!(
            "batch {id} is of the function {name:?}, which does not exist"
        ))
    })?;
    let source = SdkSource::new(aws_sdk_kinesis::Client::new(&shown.sdk), info.stream());
    let target = FunctionTarget(function.clone());
    let began = Instant::now();
    let delivered = redrive::redrive(&source, &target, &info, &shown.region).await;
    let delivered = delivered.map_err(|error| refused(&error))?;
    let records = delivered.len();
    page.0.bus.publish(|| {
        EventKind::BatchRedriven(BatchRedriven {
            function: name.to_owned(),
            shard: info.shard_id.clone(),
            records: records as u64,
            id: id.clone(),
        })
    });
    page.redriven(Redriven {
        function: name.into(),
        sequence_numbers: delivered.iter().map(String::as_str).collect(),
        duration_ms: began.elapsed().as_secs_f64() * 1000.0,
    });
    folder.put_aside(&id).await.map_err(|error| {
        Refusal::failed(format!(
            "the records are delivered, but their invocation record cannot be moved to redriven/: {error}"
        ))
    })?;
    let redriven = id;
    Ok(Json(RedriveReply { redriven, records }))
}

impl Page {
    /// Adds a redrive to the journeys of its records.
    fn redriven(&self, redriven: Redriven) {
        let now = milliseconds(OffsetDateTime::now_utc());
        self.0.remembered.redriven(now, &redriven);
        self.0.bus.publish_detail(|| Detail::Redriven(redriven));
    }
}

fn unreadable(error: &std::io::Error) -> Refusal {
    Refusal::failed(format!(
        "the folder of discarded batches cannot be read: {error}"
    ))
}

fn refused(error: &RedriveError) -> Refusal {
    let status = match error {
        RedriveError::Gone | RedriveError::Failed { .. } => StatusCode::CONFLICT,
        RedriveError::NoBatch(_) => StatusCode::UNPROCESSABLE_ENTITY,
        RedriveError::Source(_) => StatusCode::BAD_GATEWAY,
    };
    Refusal::new(status, error.to_string())
}
