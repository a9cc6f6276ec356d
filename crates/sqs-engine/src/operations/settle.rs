//! `DeleteMessage`, `ChangeMessageVisibility` and their batches.

use aws_wire::format::null_is_default;
use serde::Deserialize;

use super::{
    Context,
    batch::{Batch, Done},
    required, seconds,
};
use crate::{error::SqsError, validation};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct One {
    queue_url: Option<String>,
    receipt_handle: Option<String>,
    visibility_timeout: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Many {
    queue_url: Option<String>,
    #[serde(default, deserialize_with = "null_is_default")]
    entries: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    #[serde(default, deserialize_with = "null_is_default")]
    id: String,
    receipt_handle: Option<String>,
    visibility_timeout: Option<i64>,
}

/// Deletes one message.
pub(super) async fn delete(context: &Context<'_>, request: One) -> Result<(), SqsError> {
    let id = context.queue(request.queue_url.as_deref())?;
    let handle = required(request.receipt_handle, "ReceiptHandle")?;
    let outcomes = context.engine.delete(id, &[&handle]).await?;
    outcomes.into_iter().collect()
}

/// Changes the visibility of one message.
pub(super) async fn change_visibility(context: &Context<'_>, request: One) -> Result<(), SqsError> {
    let id = context.queue(request.queue_url.as_deref())?;
    let handle = required(request.receipt_handle, "ReceiptHandle")?;
    let timeout = timeout(request.visibility_timeout)?;
    let entries = [(handle.as_str(), timeout)];
    let outcomes = context.engine.change_visibility(id, &entries).await?;
    outcomes.into_iter().collect()
}

/// Deletes up to ten messages; each succeeds or fails alone.
pub(super) async fn delete_batch(
    context: &Context<'_>,
    request: Many,
) -> Result<Batch<Done>, SqsError> {
    let id = context.queue(request.queue_url.as_deref())?;
    check(&request.entries, "DeleteMessageBatchRequestEntry")?;
    let read = request.entries.iter().map(Entry::handle);
    let read: Vec<_> = read.collect();
    let handles: Vec<&str> = read
        .iter()
        .filter_map(|handle| handle.as_ref().ok().copied())
        .collect();
    let outcomes = context.engine.delete(id, &handles).await?;
    Ok(reply(&request.entries, &read, outcomes))
}

/// Changes the visibility of up to ten messages; each succeeds or fails alone.
pub(super) async fn change_visibility_batch(
    context: &Context<'_>,
    request: Many,
) -> Result<Batch<Done>, SqsError> {
    let id = context.queue(request.queue_url.as_deref())?;
    check(&request.entries, "ChangeMessageVisibilityBatchRequestEntry")?;
    let read = request.entries.iter().map(|entry| {
        let handle = entry.handle()?;
        Ok((handle, timeout(entry.visibility_timeout)?))
    });
    let read: Vec<Result<(&str, u64), SqsError>> = read.collect();
    let entries: Vec<_> = read
        .iter()
        .filter_map(|entry| entry.as_ref().ok().copied())
        .collect();
    let outcomes = context.engine.change_visibility(id, &entries).await?;
    Ok(reply(&request.entries, &read, outcomes))
}

impl Entry {
    fn handle(&self) -> Result<&str, SqsError> {
        required(self.receipt_handle.as_deref(), "ReceiptHandle")
    }
}

fn timeout(value: Option<i64>) -> Result<u64, SqsError> {
    seconds(required(value, "VisibilityTimeout")?, "VisibilityTimeout")
}

fn check(entries: &[Entry], name: &str) -> Result<(), SqsError> {
    validation::batch(name, entries.iter().map(|entry| entry.id.as_str()))
}

/// The outcome of each entry: why it could not be read, or what became of it.
fn reply<T>(
    entries: &[Entry],
    read: &[Result<T, SqsError>],
    outcomes: Vec<Result<(), SqsError>>,
) -> Batch<Done> {
    let mut outcomes = outcomes.into_iter();
    let outcomes = entries.iter().zip(read).map(|(entry, read)| {
        let outcome = match read {
            Ok(_) => outcomes.next().unwrap_or(Ok(())),
            Err(error) => Err(error.clone()),
        };
        let id = entry.id.clone();
        (id.clone(), outcome.map(|()| Done { id }))
    });
    Batch::of(outcomes)
}
