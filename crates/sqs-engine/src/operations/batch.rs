//! The replies of batches: what succeeded, and what failed.

use serde::Serialize;

use crate::error::SqsError;

/// The reply of a batch.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Batch<T> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    successful: Vec<T>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<Failed>,
}

/// `BatchResultErrorEntry`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Failed {
    id: String,
    sender_fault: bool,
    code: &'static str,
    message: String,
}

/// An entry of a batch that succeeded and has nothing to tell.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Done {
    pub id: String,
}

impl<T> Batch<T> {
    /// Sorts the outcomes of entries, which have Ids.
    pub(super) fn of(outcomes: impl Iterator<Item = (String, Result<T, SqsError>)>) -> Self {
        let mut batch = Self {
            successful: Vec::new(),
            failed: Vec::new(),
        };
        for (id, outcome) in outcomes {
            match outcome {
                Ok(entry) => batch.successful.push(entry),
                Err(error) => batch.failed.push(Failed {
                    id,
                    sender_fault: error.is_callers(),
                    code: error.code.query(),
                    message: error.message,
                }),
            }
        }
        batch
    }
}
