//! A queue's mapping, and its options (Lambda developer guide, "Lambda parameters for
//! Amazon SQS event source mappings"; SAM specification, `SQS`).

use std::time::Duration;

use event_source_mapping::queue::{
    context::is_fifo,
    settings::{MOST_STANDARD, QueueSettings, QueueSettingsError},
};

use super::{OPTIONS, is_service, options};
use crate::{
    Problem,
    effects::{CAPACITY, ENCRYPTION, Ignored, LABELS, OBSERVABILITY, OTHER_SOURCES},
    environment::QueueMapping,
    properties::Properties,
    sam::function_name,
};

/// The options of a queue's mapping.
const QUEUE_OPTIONS: [&str; 6] = [
    "BatchSize",
    "Enabled",
    "FilterCriteria",
    "FunctionResponseTypes",
    "MaximumBatchingWindowInSeconds",
    "ScalingConfig",
];

/// What has no effect on a mapping of a queue.
const IGNORED: [Ignored; 5] = [
    (CAPACITY, &["ProvisionedPollerConfig"]),
    (ENCRYPTION, &["KmsKeyArn"]),
    (LABELS, &["Tags"]),
    (OBSERVABILITY, &["LoggingConfig", "MetricsConfig"]),
    (
        OTHER_SOURCES,
        &[
            "AmazonManagedKafkaEventSourceConfig",
            "DocumentDBEventSourceConfig",
            "Queues",
            "SelfManagedEventSource",
            "SelfManagedKafkaEventSourceConfig",
            "SourceAccessConfigurations",
            "Topics",
        ],
    ),
];

/// Reads an explicit resource whose source is the queue `arn`.
pub(super) fn read(
    logical_id: &str,
    arn: &str,
    properties: &Properties,
) -> Result<QueueMapping, Problem> {
    allow(properties, &["EventSourceArn", "FunctionName"])?;
    Ok(QueueMapping {
        logical_id: logical_id.to_owned(),
        queue: name(arn),
        function: function_name(&properties.required("FunctionName")?),
        settings: settings(properties, arn)?,
    })
}

/// Reads an event of a function.
pub(in crate::resources) fn read_event(
    logical_id: &str,
    function: &str,
    properties: &Properties,
) -> Result<QueueMapping, Problem> {
    allow(properties, &["Queue"])?;
    let arn = properties.required("Queue")?;
    // A text that is not an ARN stands for the name of a queue elsewhere.
    if arn.starts_with("arn:") && !is_service(&arn, "sqs") {
        let what = format!("is {arn}; expected the ARN of an SQS queue");
        return Err(properties.wrong("Queue", &what));
    }
    Ok(QueueMapping {
        logical_id: logical_id.to_owned(),
        queue: name(&arn),
        function: function.to_owned(),
        settings: settings(properties, &arn)?,
    })
}

fn settings(properties: &Properties, arn: &str) -> Result<QueueSettings, Problem> {
    let defaults = QueueSettings::default();
    let window = properties.in_range("MaximumBatchingWindowInSeconds", 0..=300)?;
    let settings = QueueSettings {
        enabled: properties.boolean("Enabled")?.unwrap_or(true),
        batch_size: properties
            .in_range("BatchSize", 1..=MOST_STANDARD)?
            .unwrap_or(defaults.batch_size),
        batching_window: Duration::from_secs(window.unwrap_or(0).into()),
        report_batch_item_failures: options::reports_failures(properties)?,
        maximum_concurrency: maximum_concurrency(properties)?,
        filters: options::filters(properties)?,
    };
    settings.check(is_fifo(arn)).map_err(|error| {
        let name = match error {
            QueueSettingsError::FifoWindow => "MaximumBatchingWindowInSeconds",
            QueueSettingsError::FifoBatchSize(_) | QueueSettingsError::NeedsWindow(_) => {
                "BatchSize"
            }
        };
        properties.wrong(name, &format!("does not go with the queue: {error}"))
    })?;
    Ok(settings)
}

/// `ScalingConfig: {MaximumConcurrency: N}`.
fn maximum_concurrency(properties: &Properties) -> Result<Option<u32>, Problem> {
    let Some(scaling) = properties.inside("ScalingConfig")? else {
        return Ok(None);
    };
    scaling.allow(&["MaximumConcurrency"], &[])?;
    scaling.in_range("MaximumConcurrency", 2..=1000)
}

/// A queue's name, from its ARN or the name itself. Of another text, such as the name of an
/// export, every character that a name cannot have becomes `-`.
fn name(arn: &str) -> String {
    let name = arn.rsplit(':').next().unwrap_or(arn);
    let (stem, suffix) = match name.strip_suffix(".fifo") {
        Some(stem) => (stem, ".fifo"),
        None => (name, ""),
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    let stem = stem.chars().map(|c| if allowed(c) { c } else { '-' });
    stem.chain(suffix.chars()).collect()
}

/// Allows a queue's options, and refuses those of streams, as Lambda does.
fn allow(properties: &Properties, own: &[&'static str]) -> Result<(), Problem> {
    for option in OPTIONS {
        if !QUEUE_OPTIONS.contains(&option) && properties.node(option)?.is_some() {
            return Err(properties.wrong(option, "is an option of streams, not of queues"));
        }
    }
    let mut used = own.to_vec();
    used.extend(QUEUE_OPTIONS);
    properties.allow(&used, &IGNORED)
}

#[cfg(test)]
mod tests {
    use crate::{Context, environment::QueueMapping, parse};
    use std::time::Duration;

    /// Reads an SQS event that has these lines among its properties.
    fn read(lines: &str) -> Result<QueueMapping, String> {
        let template = format!(
            "Resources:
  Q: {{Type: 'AWS::SQS::Queue'}}
  Ordered: {{Type: 'AWS::SQS::Queue', Properties: {{FifoQueue: true}}}}
  F:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: .
      Handler: bootstrap
      Runtime: provided.al2023
      Events:
        Work:
          Type: SQS
          Properties:
{lines}"
        );
        let context = Context::in_region("us-east-1");
        parse(&template, &context)
            .map(|mut environment| environment.queue_mappings.remove(0))
            .map_err(|problem| format!("line {}: {}", problem.line, problem.what))
    }

    fn of_standard(line: &str) -> Result<QueueMapping, String> {
        read(&format!(
            "            Queue: !GetAtt Q.Arn\n            {line}"
        ))
    }

    fn of_fifo(line: &str) -> Result<QueueMapping, String> {
        read(&format!(
            "            Queue: !GetAtt Ordered.Arn\n            {line}"
        ))
    }

    #[test]
    fn an_sqs_event_is_a_mapping_of_its_queue() {
        let mapping = of_standard(
            "BatchSize: 100
            MaximumBatchingWindowInSeconds: 5
            FunctionResponseTypes: [ReportBatchItemFailures]
            ScalingConfig: {MaximumConcurrency: 2}",
        )
        .unwrap();
        assert_eq!(
            (mapping.queue.as_str(), mapping.function.as_str()),
            ("Q", "F")
        );
        assert_eq!(mapping.logical_id, "FWork");
        let settings = mapping.settings;
        assert_eq!(settings.batch_size, 100);
        assert_eq!(settings.batching_window, Duration::from_secs(5));
        assert_eq!(settings.maximum_concurrency, Some(2));
        assert!(settings.report_batch_item_failures && settings.enabled);
        assert_eq!(of_fifo("Enabled: false").unwrap().queue, "Ordered.fifo");
    }

    #[test]
    fn options_beyond_aws_s_bounds_are_refused_with_their_line() {
        for (wrong, reason) in [
            ("BatchSize: 10001", "expected 1 to 10000"),
            ("BatchSize: 11", "MaximumBatchingWindowInSeconds"),
            ("MaximumBatchingWindowInSeconds: 301", "expected 0 to 300"),
            (
                "ScalingConfig: {MaximumConcurrency: 1}",
                "expected 2 to 1000",
            ),
            ("StartingPosition: LATEST", "an option of streams"),
            ("MaximumRetryAttempts: 3", "an option of streams"),
        ] {
            let error = of_standard(wrong).unwrap_err();
            assert!(error.starts_with("line 15: F, event Work"), "{error}");
            assert!(error.contains(reason), "{error}");
        }
        for (wrong, reason) in [
            ("BatchSize: 11", "a FIFO queue allows at most 10"),
            (
                "MaximumBatchingWindowInSeconds: 1",
                "a FIFO queue allows no",
            ),
        ] {
            let error = of_fifo(wrong).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn a_visibility_timeout_below_the_function_s_timeout_is_refused() {
        let read = |visibility: &str, timeout: u32| {
            let template = format!(
                "Resources:
  Q: {{Type: 'AWS::SQS::Queue'{visibility}}}
  F:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: .
      Handler: bootstrap
      Runtime: provided.al2023
      Timeout: {timeout}
      Events:
        Work: {{Type: SQS, Properties: {{Queue: !GetAtt Q.Arn}}}}"
            );
            let parsed = parse(&template, &Context::in_region("us-east-1"));
            parsed.map(|_| ()).map_err(|problem| problem.what)
        };
        assert_eq!(read("", 30), Ok(()));
        assert_eq!(read(", Properties: {VisibilityTimeout: 900}", 900), Ok(()));
        let error = read("", 31).unwrap_err();
        assert!(
            error.contains("is 30 s, less than the function's Timeout of 31 s"),
            "{error}"
        );
    }

    #[test]
    fn a_queue_of_another_stack_is_created_with_its_kind() {
        let arn = "arn:aws:sqs:us-east-1:000000000000:orders.fifo";
        let template = format!(
            "Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: .
      Handler: bootstrap
      Runtime: provided.al2023
      Events:
        Work: {{Type: SQS, Properties: {{Queue: '{arn}'}}}}"
        );
        let context = Context::in_region("us-east-1");
        let environment = parse(&template, &context).unwrap();
        let queue = &environment.queues[0];
        assert_eq!(queue.name, "orders.fifo");
        assert_eq!(queue.attributes["FifoQueue"], "true");
        let notes: Vec<_> = environment.notes.lines().collect();
        assert!(notes[0].starts_with("queue orders.fifo: "), "{notes:?}");
    }

    #[test]
    fn a_stream_s_arn_is_no_queue() {
        let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
        let error = read(&format!("            Queue: {arn}")).unwrap_err();
        assert!(
            error.contains("expected the ARN of an SQS queue"),
            "{error}"
        );
    }
}
