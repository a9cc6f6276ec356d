//! Wrong names and values are errors with the nearest right one, never a silent default.

use crate::{problem, resources};

const TEMPLATE: &str = "\
Orders:
  Type: AWS::Kinesis::Stream
  Properties:
    StreamModeDetails: {StreamMode: ON_DEMAND}
Table:
  Type: AWS::DynamoDB::Table
  Properties:
    BillingMode: PAY_PER_REQUEST
    StreamSpecification: {StreamViewType: NEW_IMAGE}
    AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
    KeySchema: [{AttributeName: id, KeyType: HASH}]
Worker:
  Type: AWS::Serverless::Function
  Properties:
    Environment:
      Variables: {A1: one}
    Events:
      Records:
        Type: Kinesis
        Properties:
          Stream: !GetAtt Orders.Arn
          StartingPosition: LATEST
          DestinationConfig: {OnFailure: {Destination: 'arn:aws:sqs:us-east-1:000000000000:q'}}";

#[test]
fn a_wrong_name_or_value_is_refused_with_the_nearest_right_one() {
    for (right, wrong, expected) in [
        (
            "StreamMode: ON_DEMAND",
            "StreamMode: ONDEMAND",
            "5: Orders (AWS::Kinesis::Stream): property StreamModeDetails.StreamMode is \"ONDEMAND\"; did you mean ON_DEMAND?",
        ),
        (
            "StreamMode: ON_DEMAND",
            "Mode: ON_DEMAND",
            "5: Orders (AWS::Kinesis::Stream): property StreamModeDetails.Mode is not supported here; did you mean StreamMode?",
        ),
        (
            "BillingMode: PAY_PER_REQUEST",
            "BillingMode: ON_DEMAND",
            "9: Table (AWS::DynamoDB::Table): property BillingMode is \"ON_DEMAND\"; expected one of PAY_PER_REQUEST, PROVISIONED",
        ),
        (
            "NEW_IMAGE",
            "NEW_IMAGES",
            "10: Table (AWS::DynamoDB::Table): property StreamSpecification.StreamViewType is \"NEW_IMAGES\"; did you mean NEW_IMAGE?",
        ),
        (
            "Variables:",
            "Variable:",
            "17: Worker (AWS::Serverless::Function): property Environment.Variable is not supported here; did you mean Variables?",
        ),
        (
            "Type: Kinesis\n",
            "Type: Kinesi\n",
            "20: Worker, event Records: property Type is \"Kinesi\"; did you mean Kinesis?",
        ),
        (
            "OnFailure:",
            "OnFail:",
            "24: Worker, event Records: property DestinationConfig.OnFail is not supported here; did you mean OnFailure?",
        ),
        (
            "AWS::DynamoDB::Table",
            "AWS::Dynamodb::Table",
            "6: Table (AWS::Dynamodb::Table): unknown type; did you mean AWS::DynamoDB::Table?",
        ),
        (
            "  Properties:\n    BillingMode",
            "  Propertys:\n    BillingMode",
            "8: Table: unknown attribute Propertys; did you mean Properties?",
        ),
    ] {
        assert!(TEMPLATE.contains(right), "{right}");
        assert_eq!(
            problem(&resources(&TEMPLATE.replace(right, wrong))),
            expected
        );
    }
}

#[test]
fn reserved_and_malformed_variables_are_refused_as_lambda_refuses_them() {
    for name in [
        "AWS_REGION",
        "_HANDLER",
        "AWS_LAMBDA_FUNCTION_NAME",
        "LAMBDA_TASK_ROOT",
    ] {
        let text = resources(&TEMPLATE.replace("A1:", &format!("{name}:")));
        assert_eq!(
            problem(&text),
            format!(
                "17: Worker (AWS::Serverless::Function): environment variable {name}: Lambda reserves this name\n\
                 hint: choose another name, or leave the variable out"
            )
        );
    }
    for name in ["A", "1A", "A-B"] {
        let text = resources(&TEMPLATE.replace("A1:", &format!("{name}:")));
        assert!(
            problem(&text).contains("expected a name of two or more letters"),
            "{}",
            problem(&text)
        );
    }
    let text = resources(&TEMPLATE.replace("A1: one", &format!("A1: {}", "x".repeat(5000))));
    assert!(
        problem(&text).ends_with("has 5002 bytes of variables; expected at most 4096"),
        "{}",
        problem(&text)
    );
}

#[test]
fn a_misspelt_section_is_refused() {
    assert_eq!(
        problem("Resource:\n  Orders: {Type: 'AWS::Kinesis::Stream'}\n"),
        "1: unknown section Resource; did you mean Resources?"
    );
}
