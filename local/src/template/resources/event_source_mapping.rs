//! `AWS::Lambda::EventSourceMapping`, and SAM's short form of it in `Events`.

use std::time::Duration;

use event_source_mapping::{
    filter::{FilterError, Filters},
    settings::{Settings, StartingPosition},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::in_range;
use crate::template::{
    Problem,
    document::Value,
    environment::{Environment, Mapping},
    properties::Properties,
};

/// The options, which have the same names in both forms.
const OPTIONS: [&str; 13] = [
    "BatchSize",
    "BisectBatchOnFunctionError",
    "DestinationConfig",
    "Enabled",
    "FilterCriteria",
    "FunctionResponseTypes",
    "MaximumBatchingWindowInSeconds",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
    "ParallelizationFactor",
    "StartingPosition",
    "StartingPositionTimestamp",
    "TumblingWindowInSeconds",
];

/// Reads an explicit resource.
pub(super) fn read(logical_id: &str, properties: Properties) -> Result<Mapping, Problem> {
    allow(properties, &["EventSourceArn", "FunctionName"])?;
    Ok(Mapping {
        logical_id: logical_id.to_owned(),
        stream: name_in_arn(&properties.required("EventSourceArn")?),
        function: name_in_arn(&properties.required("FunctionName")?),
        settings: settings(properties)?,
    })
}

/// Reads an event of a function.
pub(super) fn read_event(
    logical_id: &str,
    function: &str,
    properties: Properties,
) -> Result<Mapping, Problem> {
    allow(properties, &["Stream"])?;
    Ok(Mapping {
        logical_id: logical_id.to_owned(),
        stream: name_in_arn(&properties.required("Stream")?),
        function: function.to_owned(),
        settings: settings(properties)?,
    })
}

/// Checks that the template has every mapping's stream and function.
pub(super) fn check_targets(environment: &Environment, line: usize) -> Result<(), Problem> {
    for mapping in &environment.mappings {
        let has_function = environment
            .functions
            .iter()
            .any(|function| function.name == mapping.function);
        let has_stream = environment
            .streams
            .iter()
            .any(|stream| stream.name == mapping.stream);
        let missing = match (has_stream, has_function) {
            (true, true) => continue,
            (false, _) => format!("stream {}", mapping.stream),
            (true, false) => format!("function {}", mapping.function),
        };
        let what = format!("{}: the template has no {missing}", mapping.logical_id);
        return Err(Problem::at(line, what));
    }
    Ok(())
}

fn allow(properties: Properties, own: &[&'static str]) -> Result<(), Problem> {
    let mut used = own.to_vec();
    used.extend(OPTIONS);
    properties.allow(&used, &["KmsKeyArn", "MetricsConfig", "Tags"])
}

fn settings(properties: Properties) -> Result<Settings, Problem> {
    let defaults = Settings::default();
    let seconds = |number: u32| Duration::from_secs(number.into());
    let batch_size = in_range(&properties, "BatchSize", 1..=10_000)?.unwrap_or(defaults.batch_size);
    let batching_window = in_range(&properties, "MaximumBatchingWindowInSeconds", 0..=300)?
        .map_or(defaults.batching_window, seconds);
    let (parallelization_factor, tumbling_window) = lanes(properties)?;
    Ok(Settings {
        enabled: properties.boolean("Enabled")?.unwrap_or(true),
        batch_size,
        batching_window,
        parallelization_factor,
        tumbling_window,
        filters: filters(properties)?,
        starting_position: starting_position(properties)?,
        maximum_retry_attempts: or_unlimited(properties, "MaximumRetryAttempts", 0..=10_000)?,
        maximum_record_age: or_unlimited(properties, "MaximumRecordAgeInSeconds", 60..=604_800)?
            .map(seconds),
        bisect_batch_on_function_error: properties
            .boolean("BisectBatchOnFunctionError")?
            .unwrap_or(false),
        report_batch_item_failures: reports_failures(properties)?,
        on_failure: on_failure(properties)?,
    })
}

/// `ParallelizationFactor` and `TumblingWindowInSeconds`. A tumbling window has
/// one state for each shard, so concurrent batches cannot share it.
fn lanes(properties: Properties) -> Result<(u32, Option<Duration>), Problem> {
    let factor = in_range(&properties, "ParallelizationFactor", 1..=10)?.unwrap_or(1);
    let window = in_range(&properties, "TumblingWindowInSeconds", 0..=900)?
        .filter(|seconds| *seconds > 0)
        .map(|seconds| Duration::from_secs(seconds.into()));
    if factor > 1 && window.is_some() {
        let line = properties
            .node("TumblingWindowInSeconds")
            .map_or(1, |node| node.line);
        let what = format!(
            "property TumblingWindowInSeconds needs ParallelizationFactor 1, found {factor}"
        );
        return Err(properties.problem(line, &what));
    }
    Ok((factor, window))
}

/// `FilterCriteria: {Filters: [{Pattern: JSON}]}`.
fn filters(properties: Properties) -> Result<Filters, Problem> {
    let Some(criteria) = properties.node("FilterCriteria") else {
        return Ok(Filters::default());
    };
    let resolver = properties.resolver();
    let inside = Properties::new("FilterCriteria", criteria.line, Some(criteria), resolver);
    inside.allow(&["Filters"], &[])?;
    let list = inside.node("Filters");
    let entries = match list.map(|list| &list.value) {
        None => return Ok(Filters::default()),
        Some(Value::List(entries)) => entries,
        Some(_) => {
            let what = "property FilterCriteria.Filters: expected a list";
            return Err(properties.problem(criteria.line, what));
        }
    };
    let patterns = entries
        .iter()
        .map(|entry| {
            let owner = "FilterCriteria.Filters";
            let filter = Properties::new(owner, entry.line, Some(entry), resolver);
            filter.allow(&["Pattern"], &[])?;
            let pattern = filter.required("Pattern")?;
            // Each alone first, so that an error has the line of its filter.
            Filters::parse([pattern.as_str()])
                .map_err(|error| wrong_filter(properties, entry.line, &error))?;
            Ok(pattern)
        })
        .collect::<Result<Vec<_>, Problem>>()?;
    Filters::parse(patterns.iter().map(String::as_str))
        .map_err(|error| wrong_filter(properties, criteria.line, &error))
}

fn wrong_filter(properties: Properties, line: usize, error: &FilterError) -> Problem {
    properties.problem(line, &format!("property FilterCriteria: {error}"))
}

/// A number within `range`; -1, the default, means "without limit" in AWS.
fn or_unlimited(
    properties: Properties,
    name: &str,
    range: std::ops::RangeInclusive<u32>,
) -> Result<Option<u32>, Problem> {
    if properties.number(name)? == Some(-1) {
        return Ok(None);
    }
    in_range(&properties, name, range)
}

fn starting_position(properties: Properties) -> Result<StartingPosition, Problem> {
    let position = properties.required("StartingPosition")?;
    let line = properties
        .node("StartingPosition")
        .map_or(1, |node| node.line);
    match position.as_str() {
        "TRIM_HORIZON" => Ok(StartingPosition::TrimHorizon),
        "LATEST" => Ok(StartingPosition::Latest),
        "AT_TIMESTAMP" => {
            let text = properties.required("StartingPositionTimestamp")?;
            timestamp(&text)
                .map(StartingPosition::AtTimestamp)
                .ok_or_else(|| {
                    let what = format!(
                        "property StartingPositionTimestamp is {text:?}; expected Unix seconds or an RFC 3339 time"
                    );
                    properties.problem(line, &what)
                })
        }
        other => {
            let what = format!(
                "property StartingPosition is {other:?}; expected TRIM_HORIZON, LATEST or AT_TIMESTAMP"
            );
            Err(properties.problem(line, &what))
        }
    }
}

fn timestamp(text: &str) -> Option<OffsetDateTime> {
    match text.parse::<f64>() {
        #[allow(clippy::cast_possible_truncation)] // milliseconds, far below 2^52
        Ok(seconds) => {
            OffsetDateTime::from_unix_timestamp_nanos((seconds * 1e3) as i128 * 1_000_000).ok()
        }
        Err(_) => OffsetDateTime::parse(text, &Rfc3339).ok(),
    }
}

fn reports_failures(properties: Properties) -> Result<bool, Problem> {
    let types = properties
        .texts("FunctionResponseTypes")?
        .unwrap_or_default();
    match types.iter().find(|name| *name != "ReportBatchItemFailures") {
        None => Ok(!types.is_empty()),
        Some(other) => {
            let line = properties
                .node("FunctionResponseTypes")
                .map_or(1, |node| node.line);
            let what = format!(
                "property FunctionResponseTypes has {other:?}; expected ReportBatchItemFailures"
            );
            Err(properties.problem(line, &what))
        }
    }
}

/// The ARN of the on-failure destination.
fn on_failure(properties: Properties) -> Result<Option<String>, Problem> {
    let Some(node) = properties
        .node("DestinationConfig")
        .and_then(|config| config.get("OnFailure"))
    else {
        return Ok(None);
    };
    let destination = Properties::new(
        "DestinationConfig.OnFailure",
        node.line,
        Some(node),
        properties.resolver(),
    )
    .text("Destination")?;
    match destination {
        // Lambda sends discarded batches to standard queues and topics only
        // ("Retain discarded batch records").
        Some(arn) if arn.strip_suffix(".fifo").is_some() => {
            let what = format!("DestinationConfig.OnFailure is {arn}; expected a standard queue");
            Err(properties.problem(node.line, &what))
        }
        other => Ok(other),
    }
}

/// A stream's or function's name, from its ARN or its name.
fn name_in_arn(text: &str) -> String {
    text.rsplit(['/', ':']).next().unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use crate::template::{self, Context};
    use event_source_mapping::settings::Settings;
    use std::{collections::BTreeMap, time::Duration};

    /// Reads a mapping that has these lines among its properties.
    fn read(lines: &str) -> Result<Settings, String> {
        let template = format!(
            "Resources:
  S: {{Type: 'AWS::Kinesis::Stream', Properties: {{ShardCount: 1}}}}
  F:
    Type: AWS::Serverless::Function
    Properties: {{CodeUri: ., Handler: bootstrap, Runtime: provided.al2023}}
  M:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      EventSourceArn: !GetAtt S.Arn
      FunctionName: !Ref F
      StartingPosition: LATEST
{lines}"
        );
        let context = Context {
            region: "us-east-1".into(),
            account: "000000000000".into(),
            parameters: BTreeMap::new(),
        };
        template::parse(&template, &context)
            .map(|mut environment| environment.mappings.remove(0).settings)
            .map_err(|problem| format!("line {}: {}", problem.line, problem.what))
    }

    #[test]
    fn parallelization_factor_and_tumbling_window_are_read_within_aws_s_bounds() {
        let settings = read("      ParallelizationFactor: 10").unwrap();
        assert_eq!(settings.parallelization_factor, 10);
        let settings = read("      TumblingWindowInSeconds: 900").unwrap();
        assert_eq!(settings.tumbling_window, Some(Duration::from_mins(15)));
        let settings = read("      TumblingWindowInSeconds: 0").unwrap();
        assert_eq!(settings.tumbling_window, None);
        for wrong in ["ParallelizationFactor: 11", "TumblingWindowInSeconds: 901"] {
            let error = read(&format!("      {wrong}")).unwrap_err();
            assert!(error.starts_with("line 12: M"), "{error}");
        }
        let both = "      ParallelizationFactor: 2\n      TumblingWindowInSeconds: 5";
        let error = read(both).unwrap_err();
        assert!(error.contains("needs ParallelizationFactor 1"), "{error}");
    }

    #[test]
    fn a_fifo_queue_is_refused_as_an_on_failure_destination() {
        let destination = |name: &str| {
            read(&format!(
                "      DestinationConfig: {{OnFailure: {{Destination: 'arn:aws:sqs:us-east-1:000000000000:{name}'}}}}"
            ))
        };
        assert!(destination("q").unwrap().on_failure.is_some());
        let error = destination("q.fifo").unwrap_err();
        assert!(error.starts_with("line 12: M"), "{error}");
        assert!(error.contains("expected a standard queue"), "{error}");
    }

    #[test]
    fn an_invalid_filter_pattern_is_refused_with_its_line() {
        let filters = |pattern: &str| {
            read(&format!(
                "      FilterCriteria:\n        Filters:\n          - Pattern: '{pattern}'"
            ))
        };
        assert!(filters(r#"{"data":{"a":[1]}}"#).is_ok());
        let error = filters(r#"{"data":{"a":1}}"#).unwrap_err();
        assert!(error.starts_with("line 14: M"), "{error}");
        assert!(error.contains("at data.a: expected an object"), "{error}");
    }
}
