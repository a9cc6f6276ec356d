//! The partial batch response: which records of a batch failed (Lambda developer guide,
//! "Configuring partial batch response with Kinesis Data Streams and Lambda", and
//! "Implementing partial batch responses" for SQS).

use std::collections::BTreeSet;

use serde_json::Value;

/// The outcome that a response reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BatchResult {
    /// All records are processed.
    AllDone,
    /// The records before this index are processed, the others are not.
    FailedFrom(usize),
    /// The batch failed: the response is not in the form that Lambda reads, or it names
    /// a record that is not in the batch.
    AllFailed,
}

/// The items that a response reports as failed, by their indices in the batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FailedItems {
    /// These, in ascending order; without one, the batch succeeded.
    These(Vec<usize>),
    /// The batch failed, as with [`BatchResult::AllFailed`].
    All,
}

/// Reads a response against the sequence numbers of its batch.
#[must_use]
pub(crate) fn read(response: &[u8], sequence_numbers: &[&str]) -> BatchResult {
    match failed_items(response, sequence_numbers) {
        FailedItems::All => BatchResult::AllFailed,
        FailedItems::These(failed) => failed.first().map_or(BatchResult::AllDone, |lowest| {
            BatchResult::FailedFrom(*lowest)
        }),
    }
}

/// Reads a response against the identifiers of its batch: sequence numbers or message
/// ids.
///
/// An empty or null response, or an empty or null list, is success. With an identifier
/// that is empty, null or of no record in the batch, or with a response of another form,
/// the whole batch failed.
#[must_use]
pub(crate) fn failed_items(response: &[u8], identifiers: &[&str]) -> FailedItems {
    const SUCCESS: FailedItems = FailedItems::These(Vec::new());
    if response.trim_ascii().is_empty() {
        return SUCCESS;
    }
    let Ok(response) = serde_json::from_slice::<Value>(response) else {
        return FailedItems::All;
    };
    let failures = match &response {
        Value::Null => return SUCCESS,
        Value::Object(fields) => match fields.get("batchItemFailures") {
            None | Some(Value::Null) => return SUCCESS,
            Some(Value::Array(failures)) => failures,
            Some(_) => return FailedItems::All,
        },
        _ => return FailedItems::All,
    };
    let mut indices = BTreeSet::new();
    for failure in failures {
        let identifier = failure.get("itemIdentifier").and_then(Value::as_str);
        let index =
            identifier.and_then(|identifier| identifiers.iter().position(|one| *one == identifier));
        match index {
            None => return FailedItems::All,
            Some(index) => indices.insert(index),
        };
    }
    FailedItems::These(indices.into_iter().collect())
}

/// Whether a response is a partial batch response: an object with a list of failures.
#[must_use]
pub(crate) fn is_partial(response: &[u8]) -> bool {
    let response: Value = serde_json::from_slice(response).unwrap_or_default();
    response
        .get("batchItemFailures")
        .is_some_and(|failures| !failures.is_null())
}

/// The state of a tumbling window in a response. Without a state the invocation
/// has failed ("Implementing stateful Kinesis Data Streams processing").
#[must_use]
pub(crate) fn state(response: &[u8]) -> Option<Value> {
    match serde_json::from_slice(response) {
        Ok(Value::Object(mut fields)) => fields.remove("state").filter(|state| !state.is_null()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{BatchResult, FailedItems, failed_items, read, state};

    #[test]
    fn a_tumbling_window_s_state_is_read_and_null_is_no_state() {
        let response = br#"{"state":{"1":282},"batchItemFailures":[]}"#;
        assert_eq!(state(response), Some(serde_json::json!({ "1": 282 })));
        for response in ["", "null", "{}", "[1]", r#"{"state":null}"#] {
            assert_eq!(state(response.as_bytes()), None, "{response}");
        }
    }

    const BATCH: [&str; 3] = ["10", "11", "12"];

    #[test]
    fn a_response_that_names_no_failure_is_success() {
        for response in [
            "",
            "null",
            "{}",
            r#"{"batchItemFailures":null}"#,
            r#"{"batchItemFailures":[]}"#,
        ] {
            assert_eq!(
                read(response.as_bytes(), &BATCH),
                BatchResult::AllDone,
                "{response}"
            );
        }
    }

    #[test]
    fn the_lowest_sequence_number_named_is_where_the_batch_failed() {
        let response =
            br#"{"batchItemFailures":[{"itemIdentifier":"12"},{"itemIdentifier":"11"}]}"#;
        assert_eq!(read(response, &BATCH), BatchResult::FailedFrom(1));
    }

    #[test]
    fn every_item_named_is_read_once_and_in_the_batch_s_order() {
        let response = br#"{"batchItemFailures":[{"itemIdentifier":"12"},{"itemIdentifier":"10"},{"itemIdentifier":"12"}]}"#;
        assert_eq!(
            failed_items(response, &BATCH),
            FailedItems::These(vec![0, 2])
        );
    }

    #[test]
    fn a_response_of_another_form_fails_the_whole_batch() {
        for response in [
            "not json",
            "[]",
            "\"ok\"",
            r#"{"batchItemFailures":{}}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
            r#"{"batchItemFailures":[{"wrongKey":"11"}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":"99"}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":"11"},{"itemIdentifier":"99"}]}"#,
        ] {
            assert_eq!(
                read(response.as_bytes(), &BATCH),
                BatchResult::AllFailed,
                "{response}"
            );
        }
    }
}
