//! The template reader, on whole templates.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod conditions;
mod functions;
mod logging;
mod notes;
mod parameters;
mod refusals;
mod resources;

use std::{path::Path, time::Duration};

use event_source_mapping::settings::StartingPosition;
use sam_template::{Context, Environment, Problem};

fn context() -> Context {
    Context::in_region("us-east-1")
}

fn read(text: &str) -> Result<Environment, Problem> {
    sam_template::parse(text, &context())
}

fn problem(text: &str) -> String {
    let problem = read(text).expect_err("the template is accepted");
    format!("{}: {}", problem.line, problem.what)
}

fn resources(text: &str) -> String {
    let indented: Vec<_> = text.lines().map(|line| format!("  {line}")).collect();
    format!("Resources:\n{}\n", indented.join("\n"))
}

const MAPPED: &str = "\
Stream:
  Type: AWS::Kinesis::Stream
Function:
  Type: AWS::Serverless::Function
Mapping:
  Type: AWS::Lambda::EventSourceMapping
  Properties:
    EventSourceArn: !GetAtt Stream.Arn
    FunctionName: !Ref Function
    StartingPosition: TRIM_HORIZON";

#[test]
fn the_deployed_template_describes_the_whole_pipeline() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
    let environment = sam_template::load(&path, &context()).unwrap();

    let stream = &environment.streams[0];
    assert_eq!(
        (stream.name.as_str(), stream.shards, stream.retention_hours),
        ("model-one", None, 24)
    );
    assert_eq!(environment.tables[0].name, "Locations");
    let function = &environment.functions[0];
    assert_eq!(function.name, "kinesis-consumer-model-one-rust");
    assert_eq!(function.timeout, Duration::from_secs(30));
    assert_eq!(function.environment["TABLE_NAME"], "Locations");
    assert_eq!(function.environment["CACHE_TTL_SECONDS"], "10");
    let mapping = &environment.mappings[0];
    assert_eq!(
        (&mapping.stream, &mapping.function),
        (&stream.name, &function.name)
    );
    assert!(mapping.settings.report_batch_item_failures);
    assert!(mapping.settings.bisect_batch_on_function_error);
    assert_eq!(mapping.settings.maximum_retry_attempts, Some(3));
    let queue = &environment.queues[0];
    assert_eq!(queue.attributes["MessageRetentionPeriod"], "1209600");
    assert_eq!(
        mapping.settings.on_failure.as_deref(),
        Some("arn:aws:sqs:us-east-1:000000000000:DiscardedBatches")
    );
}

#[test]
fn the_article_s_template_is_read_unchanged() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/templates/article.yaml");
    let environment = sam_template::load(&path, &context()).unwrap();

    assert_eq!(environment.streams[0].name, "SampleStream");
    assert_eq!(environment.streams[0].shards, None);
    let function = &environment.functions[0];
    assert_eq!(function.name, "kinesis-consumer-model-one-rust");
    assert_eq!(function.timeout, Duration::from_secs(15));
    let mapping = &environment.mappings[0];
    assert_eq!(mapping.stream, "SampleStream");
    assert_eq!(mapping.settings.batch_size, 10);
    assert_eq!(mapping.settings.starting_position, StartingPosition::Latest);
}

#[test]
fn a_parameter_s_value_overrides_its_default() {
    let text = "\
Parameters:
  Name: {Type: String, Default: one}
Resources:
  Stream:
    Type: AWS::Kinesis::Stream
    Properties:
      Name: !Sub '${Name}-${AWS::Region}'
";
    assert_eq!(read(text).unwrap().streams[0].name, "one-us-east-1");
    let mut context = context();
    context.parameters = [("Name".to_owned(), "two".to_owned())].into();
    let environment = sam_template::parse(text, &context).unwrap();
    assert_eq!(environment.streams[0].name, "two-us-east-1");
}

#[test]
fn an_unsupported_resource_is_skipped_and_can_still_be_referenced() {
    let text = resources(
        "\
Topic:
  Type: AWS::SNS::Topic
Bucket:
  Type: AWS::S3::Bucket
  Properties: {BucketName: files}
Nested:
  Type: AWS::CloudFormation::Stack
Function:
  Type: AWS::Serverless::Function
  Properties:
    Environment:
      Variables:
        TOPIC: !Ref Topic
        BUCKET: !Ref Bucket
        BUCKET_ARN: !GetAtt Bucket.Arn
        NESTED: !GetAtt Nested.Outputs.Url
        ROLE: !GetAtt FunctionRole.Arn",
    );
    let environment = read(&text).unwrap();
    assert_eq!(environment.skipped[0].logical_id, "Topic");
    let variables = &environment.functions[0].environment;
    assert_eq!(
        variables["TOPIC"],
        "arn:aws:sns:us-east-1:000000000000:Topic"
    );
    assert_eq!(variables["BUCKET"], "files");
    assert_eq!(variables["BUCKET_ARN"], "arn:aws:s3:::files");
    assert_eq!(variables["NESTED"], "Nested.Outputs.Url");
    assert_eq!(
        variables["ROLE"],
        "arn:aws:iam::000000000000:role/FunctionRole"
    );
}

#[test]
fn a_queue_s_attributes_have_the_form_that_the_api_takes() {
    let text = resources(
        "\
Queue:
  Type: AWS::SQS::Queue
  Properties:
    QueueName: discarded-batches
    DelaySeconds: 5
    RedrivePolicy: {deadLetterTargetArn: !GetAtt Other.Arn, maxReceiveCount: 3}
Other:
  Type: AWS::SQS::Queue
Function:
  Type: AWS::Serverless::Function
  Properties:
    Environment:
      Variables:
        QUEUE: !Ref Queue
        QUEUE_NAME: !GetAtt Queue.QueueName",
    );
    let environment = read(&text).unwrap();
    let queue = &environment.queues[0];
    assert_eq!(queue.name, "discarded-batches");
    assert_eq!(queue.attributes["DelaySeconds"], "5");
    assert_eq!(
        queue.attributes["RedrivePolicy"],
        r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:Other","maxReceiveCount":3}"#
    );
    let variables = &environment.functions[0].environment;
    assert_eq!(
        variables["QUEUE"],
        "https://sqs.us-east-1.amazonaws.com/000000000000/discarded-batches"
    );
    assert_eq!(variables["QUEUE_NAME"], "discarded-batches");
}

#[test]
fn a_function_s_own_properties_override_globals() {
    let text = "\
Globals:
  Function:
    Timeout: 7
    Runtime: provided.al2023
    Handler: app.handler
    CodeUri: src
    MemorySize: 256
    Environment: {Variables: {AA: globals, BB: globals}}
Resources:
  Function:
    Type: AWS::Serverless::Function
    Properties:
      MemorySize: 512
      Environment: {Variables: {BB: own}}
";
    let environment = read(text).unwrap();
    let function = &environment.functions[0];
    assert_eq!(function.timeout, Duration::from_secs(7));
    assert_eq!(function.runtime.as_deref(), Some("provided.al2023"));
    assert_eq!(function.handler, "app.handler");
    assert_eq!(function.code_uri.as_deref(), Some(Path::new("src")));
    assert_eq!(function.memory_mb, 512);
    assert_eq!(function.environment["AA"], "globals");
    assert_eq!(function.environment["BB"], "own");
}

#[test]
fn an_unsupported_property_names_resource_property_and_line() {
    let text = resources(
        "\
Stream:
  Type: AWS::Kinesis::Stream
  Properties:
    Name: orders
    Shards: 2",
    );
    let problem = problem(&text);
    assert!(
        problem.starts_with(
            "6: Stream (AWS::Kinesis::Stream): property Shards is not supported here; supported: Name,"
        ),
        "{problem}"
    );
}

#[test]
fn a_value_out_of_range_is_an_error_with_the_expected_range() {
    let text = resources(&format!("{MAPPED}\n    BatchSize: 10001"));
    assert_eq!(
        problem(&text),
        "12: Mapping (AWS::Lambda::EventSourceMapping): property BatchSize is 10001; expected 1 to 10000"
    );
}

#[test]
fn a_mapping_without_a_starting_position_is_refused() {
    let text = resources(&MAPPED.replace("    StartingPosition: TRIM_HORIZON", "    BatchSize: 1"));
    assert!(
        problem(&text).ends_with("property StartingPosition is missing"),
        "{}",
        problem(&text)
    );
    let text = resources(&MAPPED.replace("TRIM_HORIZON", "EARLIEST"));
    assert!(
        problem(&text).contains("expected one of TRIM_HORIZON, LATEST, AT_TIMESTAMP"),
        "{}",
        problem(&text)
    );
}

#[test]
fn a_reference_to_an_unknown_resource_is_refused() {
    let text = resources(&MAPPED.replace("!Ref Function", "!Ref Functoin"));
    assert!(
        problem(&text).ends_with(
            "property FunctionName: the template has no resource or parameter Functoin; did you mean Function?"
        ),
        "{}",
        problem(&text)
    );
}

#[test]
fn a_text_that_is_not_a_template_is_refused_with_its_line() {
    assert!(problem("Resources: [").contains("not YAML"));
    assert_eq!(
        problem("Parameters: {}"),
        "1: the template has no Resources"
    );
    assert!(problem("just text").contains("expected a template"));
}
