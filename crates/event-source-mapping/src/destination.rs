//! The failure destination: what becomes of records that are given up.

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

use super::{batch::Prepared, event::Origin, retry_state::Discarded, target::Reply};

/// What gets a document for each batch that is given up.
#[async_trait]
pub trait Destination: Send + Sync {
    /// Takes a document and says where it is now.
    ///
    /// # Errors
    ///
    /// It cannot be kept.
    async fn keep(&self, document: &Value) -> std::io::Result<String>;
}

/// A folder that gets one JSON document for each batch that is given up.
#[derive(Debug, Clone)]
pub struct FailureFolder(PathBuf);

impl FailureFolder {
    /// The folder, which is made when the first document comes.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// The documents by their ids, the oldest first.
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

    /// Moves a document that [`FailureFolder::list`] gave out of the way, into
    /// the folder `redriven`.
    ///
    /// # Errors
    ///
    /// It cannot be moved.
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

/// Several destinations: each gets every document, and one that cannot keep it
/// costs a warning while another can.
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
                "a failure destination has not taken a document"
            );
        }
        Ok(locations)
    }
}

/// The document that AWS sends (Lambda developer guide, "Example invocation
/// record" for Kinesis).
#[must_use]
pub fn document(
    origin: &Origin,
    function: &str,
    records: &[Prepared],
    discarded: &Discarded,
    last_reply: Option<&Reply>,
) -> Value {
    let arrival = |prepared: Option<&Prepared>| {
        prepared.and_then(|prepared| prepared.record.arrived.format(&Rfc3339).ok())
    };
    let number =
        |prepared: Option<&Prepared>| prepared.map(|found| found.record.sequence_number.clone());
    let failed = matches!(last_reply, Some(Reply::FunctionError(_)));
    json!({
        "requestContext": {
            "requestId": Uuid::new_v4().to_string(),
            "functionArn": function,
            "condition": discarded.condition.as_str(),
            "approximateInvokeCount": discarded.invocations,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": failed.then_some("Unhandled"),
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
    })
}
