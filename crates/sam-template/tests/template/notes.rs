//! What is understood, has no effect here, and is listed once with what it means.

use crate::{read, resources};

#[test]
fn properties_without_effect_are_listed_once_by_their_meaning() {
    let text = resources(
        "\
Orders:
  Type: AWS::Kinesis::Stream
  Properties:
    StreamEncryption: {EncryptionType: KMS, KeyId: alias/aws/kinesis}
    Tags: [{Key: a, Value: b}]
One:
  Type: AWS::Serverless::Function
  Properties:
    Policies: [AmazonDynamoDBReadOnlyAccess]
    Tracing: Active
    Layers: [!Ref Layer]
    VpcConfig: {SubnetIds: [subnet-1]}
    DeadLetterQueue: {Type: SQS, TargetArn: !GetAtt Dead.Arn}
    InlineCode: exports.handler = () => {}
Two:
  Type: AWS::Serverless::Function
  Properties:
    Policies: []
    Role: arn:aws:iam::000000000000:role/two
    CodeUri: s3://builds/two.zip
Layer:
  Type: AWS::Serverless::LayerVersion
Alarm:
  Type: AWS::CloudWatch::Alarm
Dead:
  Type: AWS::SQS::Queue",
    );
    let environment = read(&text).unwrap();
    let notes: Vec<_> = environment.notes.lines().collect();
    assert_eq!(
        notes,
        [
            "StreamEncryption: nothing is encrypted",
            "Tags: labels are not kept",
            "Policies, Role: permissions are not checked",
            "Tracing: traces, log levels and metrics are not kept",
            "Layers: the executable runs as it is: nothing is packed, unpacked or added to it",
            "VpcConfig: functions run on this machine, with its network, disk and processor",
            "DeadLetterQueue: a failed asynchronous invocation is retried and then dropped",
            "InlineCode: the executable that --bootstrap names runs instead",
            "CodeUri: the code is not fetched: the executable that --bootstrap names runs instead",
        ]
    );
    assert_eq!(environment.skipped.len(), 2);
}

#[test]
fn events_that_nothing_here_sends_are_listed() {
    let text = resources(
        "\
Orders:
  Type: AWS::Kinesis::Stream
Table:
  Type: AWS::Serverless::SimpleTable
Worker:
  Type: AWS::Serverless::Function
  Properties:
    Events:
      Records:
        Type: Kinesis
        Properties: {Stream: !GetAtt Orders.Arn, StartingPosition: LATEST}
      Nightly:
        Type: Schedule
        Properties: {Schedule: rate(1 day)}
      Get:
        Type: Api
        Properties: {Path: /, Method: get, Auth: {Authorizer: !ImportValue authorizer}}
Changes:
  Type: AWS::Lambda::EventSourceMapping
  Properties:
    EventSourceArn: !Sub 'arn:aws:dynamodb:us-east-1:000000000000:table/${Table}/stream/1'
    FunctionName: !Ref Worker
    StartingPosition: LATEST",
    );
    let environment = read(&text).unwrap();
    assert_eq!(environment.mappings.len(), 1);
    let notes: Vec<_> = environment.notes.lines().collect();
    assert_eq!(
        notes,
        [
            "Schedule event Worker.Nightly, Api event Worker.Get: no events of these types are sent here; `klocal invoke` sends one",
            "Changes (dynamodb): no events of these sources are sent here; `klocal invoke` sends one",
        ]
    );
}

#[test]
fn a_template_with_nothing_to_tell_has_no_notes() {
    let text = resources("Orders:\n  Type: AWS::Kinesis::Stream");
    assert!(read(&text).unwrap().notes.0.is_empty());
}
