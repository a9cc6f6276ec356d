//! Starting again with the same data folder after the template changed.

use std::{collections::BTreeMap, fs, path::Path};

use aws_sdk_kinesis::types::Consumer;
use local::{
    embedded::{Embedded, Options},
    project::Project,
};

const FIRST: &str = "\
Resources:
  Orders:
    Type: AWS::Kinesis::Stream
    Properties: {Name: orders, ShardCount: 1, RetentionPeriodHours: 48}
  Stage:
    Type: AWS::SSM::Parameter
    Properties: {Name: /stage, Type: String, Value: one}
  Work:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 60
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 3}
  Dead:
    Type: AWS::SQS::Queue
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: Customers
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions:
        - {AttributeName: id, AttributeType: S}
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      TimeToLiveSpecification: {AttributeName: expires, Enabled: true}
";

/// Starts `template` on the data folder in `folder`; returns what was updated and what
/// could not be.
async fn start(folder: &Path, template: &str) -> (Embedded, Vec<String>) {
    let path = folder.join("template.yaml");
    fs::write(&path, template).unwrap();
    let project = Project::in_region(&path, "us-east-1").unwrap();
    let options = Options {
        data_dir: Some(folder.join("data")),
        ..Options::new(project, BTreeMap::new())
    };
    let embedded = Embedded::start(options).await.unwrap();
    let mut told = Vec::new();
    for resource in &embedded.provisioned {
        if !resource.updated.is_empty() {
            told.push(format!("{} {}", resource.what, resource.state()));
        }
        told.extend(resource.warnings());
    }
    (embedded, told)
}

#[tokio::test]
async fn what_changed_in_the_template_is_updated_and_what_cannot_be_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (embedded, told) = start(folder.path(), FIRST).await;
    assert!(told.is_empty(), "{told:?}");
    assert!(embedded.provisioned.iter().all(|resource| resource.created));
    embedded.shut_down().await;

    let changed = FIRST
        .replace("ShardCount: 1", "ShardCount: 3")
        .replace("RetentionPeriodHours: 48", "RetentionPeriodHours: 24")
        .replace("Value: one", "Value: two")
        .replace("VisibilityTimeout: 60", "VisibilityTimeout: 90")
        .replace("maxReceiveCount: 3", "maxReceiveCount: 5")
        .replace("AttributeName: expires", "AttributeName: until")
        .replace(
            "        - {AttributeName: id, AttributeType: S}\n",
            "        - {AttributeName: id, AttributeType: S}\n        - {AttributeName: owner, AttributeType: S}\n\
             \x20     GlobalSecondaryIndexes:\n        - IndexName: by-owner\n          Projection: {ProjectionType: ALL}\n\
             \x20         KeySchema: [{AttributeName: owner, KeyType: HASH}]\n",
        );
    let (embedded, told) = start(folder.path(), &changed).await;
    assert_eq!(
        told,
        [
            "stream orders updated: shards 1 → 3, retention 48 h → 24 h",
            "table Customers updated: index by-owner added, expiry expires → until",
            "parameter /stage updated: value",
            r#"queue Work updated: RedrivePolicy {"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:Dead","maxReceiveCount":3} → {"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:Dead","maxReceiveCount":5}, VisibilityTimeout 60 → 90"#,
        ]
    );
    embedded.shut_down().await;

    let (embedded, told) = start(folder.path(), &changed).await;
    assert!(told.is_empty(), "{told:?}");
    embedded.shut_down().await;

    let other_key = changed
        .replace(
            "{AttributeName: id, AttributeType: S}",
            "{AttributeName: key, AttributeType: S}",
        )
        .replace(
            "{AttributeName: id, KeyType: HASH}",
            "{AttributeName: key, KeyType: HASH}",
        );
    let (embedded, told) = start(folder.path(), &other_key).await;
    assert_eq!(
        told,
        [
            "warning: table Customers differs from the template: a table's key cannot be changed; remove the table or the data folder"
        ]
    );
    embedded.shut_down().await;
}

#[tokio::test]
async fn a_change_by_hand_stays_while_the_template_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (embedded, _) = start(folder.path(), FIRST).await;
    let config = loopback_client::sdk_config(&embedded.aws.url(), "us-east-1");
    let ssm = aws_sdk_ssm::Client::new(&config);
    let put = ssm.put_parameter().name("/stage").value("by hand");
    put.overwrite(true).send().await.unwrap();
    embedded.shut_down().await;

    let (embedded, told) = start(folder.path(), FIRST).await;
    assert!(told.is_empty(), "{told:?}");
    let config = loopback_client::sdk_config(&embedded.aws.url(), "us-east-1");
    let found = aws_sdk_ssm::Client::new(&config)
        .get_parameter()
        .name("/stage");
    let found = found.send().await.unwrap();
    assert_eq!(found.parameter().unwrap().value(), Some("by hand"));
    embedded.shut_down().await;
}

#[tokio::test]
async fn a_registered_consumer_and_an_expiry_exist_after_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let template = format!(
        "{FIRST}  FanOut:\n    Type: AWS::Kinesis::StreamConsumer\n    Properties: {{ConsumerName: worker, StreamARN: !GetAtt Orders.Arn}}\n"
    );
    for _ in 0..2 {
        let (embedded, told) = start(folder.path(), &template).await;
        assert!(told.is_empty(), "{told:?}");
        let config = loopback_client::sdk_config(&embedded.aws.url(), "us-east-1");
        let kinesis = aws_sdk_kinesis::Client::new(&config);
        let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/orders";
        let consumers = kinesis.list_stream_consumers().stream_arn(arn);
        let consumers = consumers.send().await.unwrap();
        let names: Vec<_> = consumers
            .consumers()
            .iter()
            .map(Consumer::consumer_name)
            .collect();
        assert_eq!(names, ["worker"]);
        let dynamodb = aws_sdk_dynamodb::Client::new(&config);
        let expiry = dynamodb.describe_time_to_live().table_name("Customers");
        let expiry = expiry.send().await.unwrap();
        let attribute = expiry.time_to_live_description().unwrap().attribute_name();
        assert_eq!(attribute, Some("expires"));
        embedded.shut_down().await;
    }
}
