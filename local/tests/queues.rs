//! Queues of a template: on-failure destinations and event sources.

#![allow(clippy::unwrap_used, reason = "a test says what is wrong by stopping")]

use std::{os::unix::fs::PermissionsExt, path::PathBuf, time::Duration};

use local::testing::Environment;
use serde_json::{Value, json};
use tempfile::TempDir;

const TEMPLATE: &str = "
Resources:
  Orders: { Type: AWS::Kinesis::Stream, Properties: { Name: orders, ShardCount: 1 } }
  Discarded:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: discarded
      RedrivePolicy: { deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 2 }
  Dead: { Type: AWS::SQS::Queue, Properties: { QueueName: dead } }
  First:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: first
      Handler: bootstrap
      Runtime: provided.al2023
      Events:
        Orders:
          Type: Kinesis
          Properties:
            Stream: !GetAtt Orders.Arn
            StartingPosition: TRIM_HORIZON
            MaximumRetryAttempts: 0
            DestinationConfig: { OnFailure: { Destination: !GetAtt Discarded.Arn } }
  Second:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: second
      Handler: bootstrap
      Runtime: provided.al2023
      Events:
        Discarded: { Type: SQS, Properties: { Queue: !GetAtt Discarded.Arn } }
";

/// The queue's visibility timeout, which is AWS's default.
const VISIBILITY: Duration = Duration::from_secs(30);

/// A project whose first function fails on every record.
struct Project(TempDir);

impl Project {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("template.yaml"), TEMPLATE).unwrap();
        std::fs::write(folder.path().join("local.toml"), "").unwrap();
        // The example, with its answers sent as errors.
        let failing = std::fs::read_to_string(echo()).unwrap();
        let failing = failing.replace("/$id/response", "/$id/error");
        let project = Self(folder);
        std::fs::write(project.failing(), failing).unwrap();
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(project.failing(), executable).unwrap();
        project
    }

    fn failing(&self) -> PathBuf {
        self.0.path().join("failing")
    }

    async fn start(&self, second: PathBuf) -> Environment {
        Environment::of(self.0.path().join("template.yaml"))
            .bootstrap_of("first", self.failing())
            .bootstrap_of("second", second)
            .start()
            .await
            .unwrap()
    }
}

/// A bootstrap that answers with its event.
fn echo() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../crates/lambda-host/examples/bootstrap"
    ))
}

/// The status of the queue's mapping.
async fn status(environment: &Environment) -> Value {
    let reply = reqwest::get(&environment.endpoints().status).await.unwrap();
    let status: Value = reply.json().await.unwrap();
    status["queueMappings"][0].clone()
}

/// Waits until a count of the mapping has this value.
async fn counts(environment: &Environment, name: &str, count: u64) {
    let counted = async {
        while status(environment).await[name] != count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let counted = tokio::time::timeout(Duration::from_secs(30), counted).await;
    assert!(counted.is_ok(), "{name}: {}", status(environment).await);
}

#[tokio::test]
async fn a_discarded_batch_goes_through_its_queue_to_a_second_function() {
    let project = Project::new();
    let environment = project.start(echo()).await;
    let number = environment.put("orders", "key", "poison").await.unwrap();
    let discarded = environment.settled().await.unwrap();
    assert_eq!(discarded.len(), 1);
    assert_eq!(discarded[0].start_sequence_number, number);
    environment.logged("second", "handling ").await.unwrap();
    let status = status(&environment).await;
    assert_eq!(status["deleted"], 1, "{status}");
    assert_eq!(status["visible"], 0, "{status}");
    assert_eq!(environment.messages("dead").await.unwrap(), [""; 0]);
    environment.stop().await;
}

#[tokio::test]
async fn a_message_that_is_never_processed_is_in_the_dead_letter_queue_after_its_receives() {
    let project = Project::new();
    let environment = project.start(project.failing()).await;
    environment.send("discarded", "poison").await.unwrap();
    for receives in 1..=2 {
        counts(&environment, "returned", receives).await;
        environment.clock().advance(VISIBILITY);
    }
    environment.settled().await.unwrap();
    assert_eq!(environment.messages("dead").await.unwrap(), ["poison"]);
    environment.stop().await;
}

#[tokio::test]
async fn the_api_disables_the_mapping_of_a_queue_and_enables_it_again() {
    let project = Project::new();
    let environment = project.start(echo()).await;
    let aws = &environment.endpoints().aws;
    let mappings = format!("{aws}/2015-03-31/event-source-mappings/");
    let arn = "arn:aws:sqs:us-east-1:000000000000:discarded";
    let list = format!("{mappings}?EventSourceArn={arn}");
    let list: Value = reqwest::get(list).await.unwrap().json().await.unwrap();
    let mapping = &list["EventSourceMappings"][0];
    assert_eq!(mapping["BatchSize"], 10, "{list}");
    assert_eq!(mapping["State"], "Enabled", "{list}");
    let uuid = mapping["UUID"].as_str().unwrap();

    let enable = async |enabled: bool, state: &str| {
        let update = reqwest::Client::new().put(format!("{mappings}{uuid}"));
        let update = update.json(&json!({ "Enabled": enabled })).send();
        let reply = update.await.unwrap();
        assert_eq!(reply.status(), 202, "{}", reply.text().await.unwrap());
        let reached = async {
            while status(&environment).await["state"] != state {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let reached = tokio::time::timeout(Duration::from_secs(30), reached).await;
        assert!(reached.is_ok(), "{}", status(&environment).await);
    };
    enable(false, "Disabled").await;
    environment.send("discarded", "later").await.unwrap();
    counts(&environment, "visible", 1).await;
    assert_eq!(status(&environment).await["deleted"], 0);
    enable(true, "Enabled").await;
    counts(&environment, "deleted", 1).await;
    environment.stop().await;
}
