//! Discarded batches: listed with their documents, and redriven.

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
use serde_json::{Value, json};

use super::{Page, refusal::Refusal};
use crate::adapters::function_target::FunctionTarget;

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
) -> Result<Json<Value>, Refusal> {
    let shown = page.shown()?;
    let folder = FailureFolder::new(&shown.failures);
    let all = folder.list().await.map_err(|error| unreadable(&error))?;
    let found = all.into_iter().find(|(one, _)| *one == id);
    let (_, document) =
        found.ok_or_else(|| Refusal::not_found(format!("there is no discarded batch {id}")))?;
    let info = BatchInfo::of(&document).map_err(|error| refused(&error))?;
    let arn = document.pointer("/requestContext/functionArn");
    let arn = arn.and_then(Value::as_str).unwrap_or_default();
    let name = arn.rsplit(':').next().unwrap_or_default();
    let function = shown.functions.get(name).ok_or_else(|| {
        Refusal::not_found(format!(
            "batch {id} is of the function {name:?}, which does not exist"
        ))
    })?;
    let source = SdkSource::new(aws_sdk_kinesis::Client::new(&shown.sdk), info.stream());
    let target = FunctionTarget(function.clone());
    let delivered = redrive::redrive(&source, &target, &info, &shown.region).await;
    let delivered = delivered.map_err(|error| refused(&error))?;
    folder.put_aside(&id).await.map_err(|error| {
        Refusal::failed(format!(
            "the records are delivered, but their invocation record cannot be moved to redriven/: {error}"
        ))
    })?;
    Ok(Json(json!({ "redriven": id, "records": delivered })))
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
