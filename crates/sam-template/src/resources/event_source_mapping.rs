//! `AWS::Lambda::EventSourceMapping`, and SAM's short form of it in `Events`.

mod options;
mod queue;

use crate::{
    Problem,
    effects::{ENCRYPTION, Ignored, LABELS, OBSERVABILITY, OTHER_SOURCES},
    environment::{Mapping, QueueMapping},
    properties::Properties,
    sam::function_name,
};
pub(super) use queue::read_event as read_queue_event;

/// A mapping that the template has, whose function and source have yet to be looked for.
#[derive(Debug)]
pub(super) enum Connection {
    /// Of a stream.
    Stream(Mapping),
    /// Of a queue.
    Queue(QueueMapping),
}

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

/// What has no effect on a mapping of a stream.
const IGNORED: [Ignored; 4] = [
    (ENCRYPTION, &["KmsKeyArn"]),
    (LABELS, &["Tags"]),
    (OBSERVABILITY, &["LoggingConfig", "MetricsConfig"]),
    (
        OTHER_SOURCES,
        &[
            "AmazonManagedKafkaEventSourceConfig",
            "DocumentDBEventSourceConfig",
            "ProvisionedPollerConfig",
            "Queues",
            "ScalingConfig",
            "SelfManagedEventSource",
            "SelfManagedKafkaEventSourceConfig",
            "SourceAccessConfigurations",
            "Topics",
        ],
    ),
];

/// Reads an explicit resource; `None` for a source other than a Kinesis stream or a queue.
pub(super) fn read(
    logical_id: &str,
    properties: &Properties,
) -> Result<Option<Connection>, Problem> {
    let source = match properties.text("EventSourceArn")? {
        None if properties.node("SelfManagedEventSource")?.is_some() => "kafka".to_owned(),
        None => return Err(properties.missing("EventSourceArn")),
        Some(source) => source,
    };
    if is_service(&source, "sqs") {
        return queue::read(logical_id, &source, properties)
            .map(Connection::Queue)
            .map(Some);
    }
    allow(properties, &["EventSourceArn", "FunctionName"])?;
    if !is_kinesis(&source) {
        let service = source.split(':').nth(2).unwrap_or(&source);
        properties.scope().notes.borrow_mut().add(
            "no events of these sources are sent here; `klocal invoke` sends one",
            &format!("{logical_id} ({service})"),
        );
        return Ok(None);
    }
    if source.contains("/consumer/") {
        reads_the_stream(properties, logical_id);
    }
    Ok(Some(Connection::Stream(Mapping {
        logical_id: logical_id.to_owned(),
        stream: stream_name(&source),
        function: function_name(&properties.required("FunctionName")?),
        settings: options::read(properties)?,
    })))
}

/// Reads an event of a function.
pub(super) fn read_event(
    logical_id: &str,
    function: &str,
    properties: &Properties,
) -> Result<Mapping, Problem> {
    allow(properties, &["Stream"])?;
    let source = properties.required("Stream")?;
    if !is_kinesis(&source) {
        let what = format!("is {source}; expected the ARN of a Kinesis stream");
        return Err(properties.wrong("Stream", &what));
    }
    if source.contains("/consumer/") {
        reads_the_stream(properties, logical_id);
    }
    Ok(Mapping {
        logical_id: logical_id.to_owned(),
        stream: stream_name(&source),
        function: function.to_owned(),
        settings: options::read(properties)?,
    })
}

/// A text that is not an ARN stands for the name of a stream elsewhere.
fn is_kinesis(source: &str) -> bool {
    is_service(source, "kinesis") || (!source.starts_with("arn:") && source != "kafka")
}

/// Whether an ARN is of that service.
fn is_service(source: &str, service: &str) -> bool {
    let rest = source.strip_prefix("arn:");
    rest.is_some_and(|rest| rest.split(':').nth(1) == Some(service))
}

fn reads_the_stream(properties: &Properties, logical_id: &str) {
    properties.scope().notes.borrow_mut().add(
        "the consumer is registered, and the mapping reads the stream itself, pushed as records arrive; the consumer's own throughput is not modelled",
        &format!("{logical_id} (enhanced fan-out)"),
    );
}

/// The stream's name, from its ARN, a consumer's ARN, or the name itself. Of another text,
/// such as the name of an export, every character that a name cannot have becomes `-`.
pub(super) fn stream_name(text: &str) -> String {
    let name = match text.split_once(":stream/") {
        Some((_, name)) => name.split('/').next().unwrap_or(name),
        None => text,
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    name.chars()
        .map(|c| if allowed(c) { c } else { '-' })
        .collect()
}

fn allow(properties: &Properties, own: &[&'static str]) -> Result<(), Problem> {
    let mut used = own.to_vec();
    used.extend(OPTIONS);
    properties.allow(&used, &IGNORED)
}

#[cfg(test)]
mod tests {
    use crate::{Context, parse};
    use event_source_mapping::settings::Settings;
    use std::time::Duration;

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
        let context = Context::in_region("us-east-1");
        parse(&template, &context)
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
