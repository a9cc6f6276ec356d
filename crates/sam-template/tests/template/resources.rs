//! The resource types that run here.

use serde_json::json;

use crate::{problem, read, resources};

#[test]
fn a_function_of_lambda_s_own_type_is_read() {
    let text = resources(
        "\
Orders:
  Type: AWS::Kinesis::Stream
Worker:
  Type: AWS::Lambda::Function
  Properties:
    FunctionName: worker
    Runtime: python3.13
    Handler: app.handler
    Role: arn:aws:iam::000000000000:role/worker
    Code: {S3Bucket: builds, S3Key: worker.zip}
    MemorySize: '512'
    Timeout: 30
    ReservedConcurrentExecutions: 2
    DeadLetterConfig: {TargetArn: 'arn:aws:sqs:us-east-1:000000000000:dead'}
    Environment: {Variables: {STREAM: !Ref Orders}}
Mapping:
  Type: AWS::Lambda::EventSourceMapping
  Properties:
    EventSourceArn: !GetAtt Orders.Arn
    FunctionName: !GetAtt Worker.Arn
    StartingPosition: LATEST",
    );
    let environment = read(&text).unwrap();
    let function = &environment.functions[0];
    assert_eq!(function.name, "worker");
    assert_eq!(function.runtime.as_deref(), Some("python3.13"));
    assert_eq!(function.handler, "app.handler");
    assert_eq!(
        (function.memory_mb, function.code_uri.as_ref()),
        (512, None)
    );
    assert_eq!(function.reserved_concurrency, Some(2));
    assert_eq!(function.environment["STREAM"], "Orders");
    assert_eq!(environment.mappings[0].function, "worker");
}

#[test]
fn a_mapping_finds_its_function_by_alias_version_and_every_form_of_arn() {
    for function in [
        "!Ref Alias",
        "!Ref Version",
        "!Ref Worker.Alias",
        "!Sub '${Worker}:live'",
        "!Sub '${Worker.Arn}:live'",
        "'000000000000:function:worker'",
    ] {
        let text = resources(&format!(
            "\
Orders:
  Type: AWS::Kinesis::Stream
Worker:
  Type: AWS::Serverless::Function
  Properties: {{FunctionName: worker, AutoPublishAlias: live}}
Version:
  Type: AWS::Lambda::Version
  Properties: {{FunctionName: !Ref Worker}}
Alias:
  Type: AWS::Lambda::Alias
  Properties: {{Name: live, FunctionName: !Ref Worker, FunctionVersion: !GetAtt Version.Version}}
Mapping:
  Type: AWS::Lambda::EventSourceMapping
  Properties:
    EventSourceArn: !GetAtt Orders.Arn
    FunctionName: {function}
    StartingPosition: LATEST"
        ));
        let environment = read(&text).unwrap();
        assert_eq!(environment.mappings[0].function, "worker", "{function}");
    }
}

#[test]
fn a_registered_consumer_leads_a_mapping_to_its_stream() {
    let text = resources(
        "\
Orders:
  Type: AWS::Kinesis::Stream
  Properties: {Name: orders}
FanOut:
  Type: AWS::Kinesis::StreamConsumer
  Properties: {ConsumerName: worker, StreamARN: !GetAtt Orders.Arn}
Worker:
  Type: AWS::Serverless::Function
  Properties:
    Events:
      Records:
        Type: Kinesis
        Properties: {Stream: !GetAtt FanOut.ConsumerARN, StartingPosition: LATEST}",
    );
    let environment = read(&text).unwrap();
    assert_eq!(environment.mappings[0].stream, "orders");
    let consumer = &environment.consumers[0];
    assert_eq!(
        (consumer.name.as_str(), consumer.stream.as_str()),
        ("worker", "orders")
    );
    let notes: Vec<_> = environment.notes.lines().collect();
    assert!(
        notes[0].starts_with("WorkerRecords (enhanced fan-out): the consumer is registered"),
        "{notes:?}"
    );
}

#[test]
fn a_stream_of_another_stack_is_created_here() {
    let text = resources(
        "\
Worker:
  Type: AWS::Serverless::Function
  Properties:
    Events:
      Records:
        Type: Kinesis
        Properties: {Stream: !ImportValue 'platform:OrdersArn', StartingPosition: LATEST}",
    );
    let environment = read(&text).unwrap();
    assert_eq!(environment.streams[0].name, "platform-OrdersArn");
    assert_eq!(environment.mappings[0].stream, "platform-OrdersArn");
    let notes: Vec<_> = environment.notes.lines().collect();
    assert_eq!(
        notes,
        [
            "ImportValue platform:OrdersArn: exports of other stacks are unknown here: their names stand for their values",
            "stream platform-OrdersArn: the template does not create the stream: one with one shard is created here",
        ]
    );
}

#[test]
fn a_table_goes_into_create_table_with_indexes_stream_and_expiry() {
    let text = format!(
        "Parameters:\n  Units: {{Type: Number, Default: 5}}\n{}",
        resources(
            "\
Table:
  Type: AWS::DynamoDB::Table
  Properties:
    AttributeDefinitions:
      - {AttributeName: id, AttributeType: S}
      - {AttributeName: owner, AttributeType: S}
    KeySchema: [{AttributeName: id, KeyType: HASH}]
    ProvisionedThroughput: {ReadCapacityUnits: !Ref Units, WriteCapacityUnits: '6'}
    GlobalSecondaryIndexes:
      - IndexName: by-owner
        KeySchema: [{AttributeName: owner, KeyType: HASH}]
        Projection: {ProjectionType: ALL}
        ProvisionedThroughput: {ReadCapacityUnits: '1', WriteCapacityUnits: 1}
        ContributorInsightsSpecification: {Enabled: true}
    StreamSpecification: {StreamViewType: NEW_IMAGE}
    TimeToLiveSpecification: {AttributeName: expires, Enabled: true}
    KinesisStreamSpecification: {StreamArn: !GetAtt Changes.Arn}
Changes:
  Type: AWS::Kinesis::Stream"
        )
    );
    let environment = read(&text).unwrap();
    let table = &environment.tables[0];
    assert_eq!(table.ttl_attribute.as_deref(), Some("expires"));
    let definition = &table.definition;
    assert_eq!(
        definition["ProvisionedThroughput"],
        json!({ "ReadCapacityUnits": 5, "WriteCapacityUnits": 6 })
    );
    assert_eq!(
        definition["GlobalSecondaryIndexes"][0],
        json!({
            "IndexName": "by-owner",
            "KeySchema": [{ "AttributeName": "owner", "KeyType": "HASH" }],
            "Projection": { "ProjectionType": "ALL" },
            "ProvisionedThroughput": { "ReadCapacityUnits": 1, "WriteCapacityUnits": 1 },
        })
    );
    assert_eq!(
        definition["StreamSpecification"],
        json!({ "StreamEnabled": true, "StreamViewType": "NEW_IMAGE" })
    );
    let notes: Vec<_> = environment.notes.lines().collect();
    assert_eq!(
        notes,
        ["Table.KinesisStreamSpecification: changes of the table are not forwarded to the stream"]
    );
}

#[test]
fn a_simple_table_has_one_key_attribute() {
    let text = resources(
        "\
Plain:
  Type: AWS::Serverless::SimpleTable
Numbered:
  Type: AWS::Serverless::SimpleTable
  Properties:
    TableName: numbers
    PrimaryKey: {Name: number, Type: Number}
    ProvisionedThroughput: {ReadCapacityUnits: 5, WriteCapacityUnits: 5}",
    );
    let tables = read(&text).unwrap().tables;
    assert_eq!(
        tables[0].definition,
        json!({
            "TableName": "Plain",
            "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
            "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
            "BillingMode": "PAY_PER_REQUEST",
        })
    );
    assert_eq!(
        tables[1].definition["AttributeDefinitions"][0]["AttributeType"],
        "N"
    );
    assert_eq!(tables[1].name, "numbers");
    let wrong = text.replace("Type: Number}", "Type: Numeric}");
    assert!(
        problem(&wrong).ends_with("property PrimaryKey.Type is \"Numeric\"; did you mean Number?"),
        "{}",
        problem(&wrong)
    );
}

#[test]
fn a_json_template_is_read() {
    let text = r#"{
        "Resources": {
            "Orders": {
                "Type": "AWS::Kinesis::Stream",
                "Properties": { "Name": { "Fn::Join": ["-", ["orders", { "Ref": "AWS::Region" }]] }, "ShardCount": "2" }
            }
        }
    }"#;
    let environment = read(text).unwrap();
    assert_eq!(environment.streams[0].name, "orders-us-east-1");
    assert_eq!(environment.streams[0].shards, Some(2));
}
