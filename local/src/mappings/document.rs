//! A mapping as JSON, with the members of the API's `CreateEventSourceMapping` and
//! `EventSourceMappingConfiguration` (Lambda API reference).

mod options;
mod queue;

use std::collections::BTreeMap;

use event_source_mapping::{
    filter::Filters,
    queue::{context::is_fifo, settings::QueueSettings},
    settings::{Settings, StartingPosition},
};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::definition::{Definition, Options, Origin};
pub use options::{Unsuited, starting_position, update};
pub use queue::update_queue;

/// The options of a mapping, as the API reports them.
#[must_use]
pub fn options(options: &Options) -> Map<String, Value> {
    let (mut members, filters) = match options {
        Options::Stream(settings) => (stream_options(settings), &settings.filters),
        Options::Queue(settings) => (queue::options(settings), &settings.filters),
    };
    members.extend(filter_criteria(filters));
    members
}

fn filter_criteria(filters: &Filters) -> Option<(String, Value)> {
    let patterns = filters.patterns();
    if patterns.len() == 0 {
        return None;
    }
    let filters: Vec<_> = patterns.map(|text| json!({ "Pattern": text })).collect();
    Some(("FilterCriteria".to_owned(), json!({ "Filters": filters })))
}

fn stream_options(settings: &Settings) -> Map<String, Value> {
    let seconds = |duration: std::time::Duration| duration.as_secs();
    let unlimited = || json!(-1);
    let reports = settings.report_batch_item_failures;
    let types: Vec<_> = reports
        .then_some("ReportBatchItemFailures")
        .into_iter()
        .collect();
    let on_failure = match &settings.on_failure {
        Some(arn) => json!({ "Destination": arn }),
        None => json!({}),
    };
    let mut members: Map<_, _> = [
        ("BatchSize", json!(settings.batch_size)),
        (
            "MaximumBatchingWindowInSeconds",
            json!(seconds(settings.batching_window)),
        ),
        (
            "ParallelizationFactor",
            json!(settings.parallelization_factor),
        ),
        (
            "BisectBatchOnFunctionError",
            json!(settings.bisect_batch_on_function_error),
        ),
        (
            "MaximumRetryAttempts",
            settings
                .maximum_retry_attempts
                .map_or_else(unlimited, |most| json!(most)),
        ),
        (
            "MaximumRecordAgeInSeconds",
            settings
                .maximum_record_age
                .map_or_else(unlimited, |most| json!(seconds(most))),
        ),
        (
            "TumblingWindowInSeconds",
            json!(settings.tumbling_window.map_or(0, seconds)),
        ),
        ("FunctionResponseTypes", json!(types)),
        ("DestinationConfig", json!({ "OnFailure": on_failure })),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into_iter()
    .collect();
    let position = match settings.starting_position {
        StartingPosition::TrimHorizon => "TRIM_HORIZON",
        StartingPosition::Latest => "LATEST",
        StartingPosition::AtTimestamp(moment) => {
            members.insert("StartingPositionTimestamp".to_owned(), timestamp(moment));
            "AT_TIMESTAMP"
        }
    };
    members.insert("StartingPosition".to_owned(), json!(position));
    members
}

/// A time as the protocol writes it: seconds since 1970, to the millisecond.
#[must_use]
pub fn timestamp(moment: OffsetDateTime) -> Value {
    #[allow(clippy::cast_precision_loss)] // milliseconds are far below 2^52
    let milliseconds = (moment.unix_timestamp_nanos() / 1_000_000) as f64;
    json!(milliseconds / 1e3)
}

/// A mapping for the data folder.
pub(super) fn keep(definition: &Definition) -> Value {
    let mut members = options(&definition.options);
    members.extend(
        [
            ("UUID", json!(definition.uuid.to_string())),
            ("FunctionName", json!(definition.function)),
            ("EventSourceArn", json!(definition.source_arn)),
            ("Enabled", json!(definition.options.enabled())),
            ("Tags", json!(definition.tags)),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    Value::Object(members)
}

/// Reads what [`keep`] wrote.
pub(super) fn kept(document: &Value) -> Result<Definition, Unsuited> {
    let text = |name: &str| {
        let text = document[name].as_str().map(str::to_owned);
        text.ok_or_else(|| Unsuited::missing(name))
    };
    let members = document.as_object().cloned().unwrap_or_default();
    let uuid: Uuid = text("UUID")?
        .parse()
        .map_err(|_| Unsuited::missing("UUID"))?;
    let source_arn = text("EventSourceArn")?;
    let options = new_options(&source_arn, &members)?;
    Ok(Definition {
        uuid,
        name: uuid.to_string(),
        function: text("FunctionName")?,
        source_arn,
        options,
        origin: Origin::Api,
        tags: tags(&members),
    })
}

/// The options of a new mapping of this event source.
///
/// # Errors
///
/// A value is missing, outside AWS's bounds, or does not go with another one.
pub fn new_options(source_arn: &str, members: &Map<String, Value>) -> Result<Options, Unsuited> {
    if source_arn.split(':').nth(2) == Some("sqs") {
        let mut settings = QueueSettings::default();
        update_queue(&mut settings, members, is_fifo(source_arn))?;
        return Ok(Options::Queue(settings));
    }
    let mut settings = Settings {
        starting_position: starting_position(members)?,
        ..Settings::default()
    };
    update(&mut settings, members)?;
    Ok(Options::Stream(settings))
}

/// `Tags`.
#[must_use]
pub fn tags(members: &Map<String, Value>) -> BTreeMap<String, String> {
    let tags = members.get("Tags").cloned().unwrap_or_default();
    serde_json::from_value(tags).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use event_source_mapping::{
        filter::Filters,
        queue::settings::QueueSettings,
        settings::{Settings, StartingPosition},
    };
    use time::macros::datetime;
    use uuid::Uuid;

    use super::{keep, kept};
    use crate::mappings::{
        definition::{Definition, Options, Origin, stream_arn},
        queues::queue_arn,
    };

    #[test]
    fn a_kept_mapping_is_read_as_it_was() {
        let all = Settings {
            enabled: false,
            batch_size: 7,
            batching_window: Duration::from_secs(3),
            starting_position: StartingPosition::AtTimestamp(
                datetime!(2026-01-02 03:04:05.678 UTC),
            ),
            maximum_retry_attempts: Some(0),
            maximum_record_age: Some(Duration::from_mins(1)),
            bisect_batch_on_function_error: true,
            report_batch_item_failures: true,
            parallelization_factor: 1,
            tumbling_window: Some(Duration::from_secs(30)),
            filters: Filters::parse([r#"{"data": {"kind": ["a"]}}"#]).unwrap(),
            on_failure: Some("arn:aws:sqs:us-east-1:000000000000:q".into()),
        };
        let all_of_queue = QueueSettings {
            enabled: false,
            batch_size: 100,
            batching_window: Duration::from_secs(3),
            report_batch_item_failures: true,
            maximum_concurrency: Some(7),
            filters: Filters::parse([r#"{"body": {"kind": ["a"]}}"#]).unwrap(),
        };
        let stream = |settings| (stream_arn("us-east-1", "s"), Options::Stream(settings));
        let queue = |settings| (queue_arn("us-east-1", "q"), Options::Queue(settings));
        let kinds = [
            stream(Settings::default()),
            stream(all),
            queue(QueueSettings::default()),
            queue(all_of_queue),
        ];
        for (source_arn, options) in kinds {
            let uuid = Uuid::new_v4();
            let definition = Definition {
                uuid,
                name: uuid.to_string(),
                function: "f".into(),
                source_arn,
                options,
                origin: Origin::Api,
                tags: [("team".to_owned(), "a".to_owned())].into(),
            };
            assert_eq!(kept(&keep(&definition)).unwrap(), definition);
        }
    }
}
