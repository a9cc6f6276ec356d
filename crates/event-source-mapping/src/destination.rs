//! The on-failure destination: where the invocation records of discarded batches go.

use std::{
    ffi::OsStr,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use super::{
    batch::Prepared,
    batch_invoker::LastInvocation,
    event::Origin,
    retry_state::Discarded,
    target::{FunctionError, Reply},
};

/// An on-failure destination: gets a document for each discarded batch.
#[async_trait]
pub trait Destination: Send + Sync {
    /// Keeps a document and returns its location.
    ///
    /// # Errors
    ///
    /// The document cannot be written or sent.
    async fn keep(&self, document: &Value) -> std::io::Result<String>;
}

/// A folder with one JSON document for each discarded batch.
#[derive(Debug, Clone)]
pub struct FailureFolder(PathBuf);

impl FailureFolder {
    /// The folder, which is created with the first document.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// Where the folder is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The documents with their ids, the oldest first.
    ///
    /// # Errors
    ///
    /// The folder cannot be read.
    pub async fn list(&self) -> std::io::Result<Vec<(String, Value)>> {
        let mut files = match tokio::fs::read_dir(&self.0).await {
            Ok(files) => files,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut documents = Vec::new();
        while let Some(file) = files.next_entry().await? {
            let path = file.path();
            let id = path.file_stem().and_then(OsStr::to_str).unwrap_or_default();
            if path.extension() != Some(OsStr::new("json")) {
                continue;
            }
            if let Ok(document) = serde_json::from_slice(&tokio::fs::read(&path).await?) {
                documents.push((id.to_owned(), document));
            }
        }
        // An id begins with its time.
        documents.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(documents)
    }

    /// The document of this id, which [`FailureFolder::list`] has too.
    ///
    /// # Errors
    ///
    /// The document cannot be read.
    pub async fn find(&self, id: &str) -> std::io::Result<Option<Value>> {
        // A path would be of another folder.
        if Path::new(id).file_name() != Some(OsStr::new(id)) {
            return Ok(None);
        }
        match tokio::fs::read(self.0.join(format!("{id}.json"))).await {
            Ok(text) => Ok(serde_json::from_slice(&text).ok()),
            Err(error) => match error.kind() {
                ErrorKind::NotFound | ErrorKind::InvalidInput | ErrorKind::InvalidFilename => {
                    Ok(None)
                }
                _ => Err(error),
            },
        }
    }

    /// Moves a document of [`FailureFolder::list`] into the folder `redriven`.
    ///
    /// # Errors
    ///
    /// The document cannot be moved.
    pub async fn put_aside(&self, id: &str) -> std::io::Result<()> {
        let aside = self.0.join("redriven");
        tokio::fs::create_dir_all(&aside).await?;
        let name = format!("{id}.json");
        tokio::fs::rename(self.0.join(&name), aside.join(&name)).await
    }
}

#[async_trait]
impl Destination for FailureFolder {
    async fn keep(&self, document: &Value) -> std::io::Result<String> {
        tokio::fs::create_dir_all(&self.0).await?;
        let file = self.0.join(format!("{}.json", Uuid::now_v7()));
        let text = serde_json::to_vec_pretty(document)?;
        tokio::fs::write(&file, text).await?;
        Ok(file.display().to_string())
    }
}

/// Several destinations: each gets every document. A destination that fails causes a
/// warning while another one keeps the document.
pub struct Destinations(pub Vec<Arc<dyn Destination>>);

#[async_trait]
impl Destination for Destinations {
    async fn keep(&self, document: &Value) -> std::io::Result<String> {
        let (mut locations, mut errors) = (Vec::new(), Vec::new());
        for destination in &self.0 {
            match destination.keep(document).await {
                Ok(location) => locations.push(location),
                Err(error) => errors.push(error.to_string()),
            }
        }
        let (locations, errors) = (locations.join(", "), errors.join("; "));
        if locations.is_empty() {
            return Err(std::io::Error::other(errors));
        }
        if !errors.is_empty() {
            tracing::warn!(
                locations,
                errors,
                "an on-failure destination did not take a document"
            );
        }
        Ok(locations)
    }
}

/// Most bytes of a function error that [`document`] keeps.
const MOST_ERROR: usize = 64 * 1024;

/// The member of [`document`] that AWS's invocation record does not have: the function
/// error of the last invocation.
pub const FUNCTION_ERROR: &str = "functionErrorPayload";

/// The document that AWS sends (Lambda developer guide, "Example invocation
/// record" for Kinesis), and [`FUNCTION_ERROR`].
#[must_use]
pub(crate) fn document(
    origin: &Origin,
    function: &str,
    records: &[Prepared],
    discarded: &Discarded,
    last: Option<&LastInvocation>,
) -> Value {
    let arrival = |prepared: Option<&Prepared>| {
        prepared.and_then(|prepared| prepared.record.arrived.format(&Rfc3339).ok())
    };
    let number =
        |prepared: Option<&Prepared>| prepared.map(|found| found.record.sequence_number.clone());
    let error = match last.map(|last| &last.reply) {
        Some(Reply::FunctionError(error)) => Some(error),
        _ => None,
    };
    let request_id = last.map(|last| last.request_id.clone());
    let mut document = json!({
        "requestContext": {
            "requestId": request_id.unwrap_or_else(|| Uuid::new_v4().to_string()),
            "functionArn": function,
            "condition": discarded.condition.as_str(),
            "approximateInvokeCount": discarded.invocations,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": error.map(|_| "Unhandled"),
        },
        "version": "1.0",
        "timestamp": OffsetDateTime::now_utc().format(&Rfc3339).ok(),
        "KinesisBatchInfo": {
            "shardId": origin.shard_id,
            "startSequenceNumber": number(records.first()),
            "endSequenceNumber": number(records.last()),
            "approximateArrivalOfFirstRecord": arrival(records.first()),
            "approximateArrivalOfLastRecord": arrival(records.last()),
            "batchSize": records.len(),
            "streamArn": origin.stream_arn,
        },
    });
    if let Some(error) = error {
        document[FUNCTION_ERROR] = payload(error);
    }
    document
}

/// A function error as JSON: its document, or text.
fn payload(error: &FunctionError) -> Value {
    if error.payload.len() > MOST_ERROR {
        return Value::String(error.summary());
    }
    serde_json::from_slice(&error.payload).unwrap_or_else(|_| Value::String(error.text()))
}
