//! The types whose names and ARNs are known.

/// How the values of a type are made.
pub(super) struct Form {
    pub(super) kind: &'static str,
    /// The property that names the resource.
    pub(super) name: &'static str,
    pub(super) service: &'static str,
    /// Before the name in the ARN's last part.
    pub(super) path: &'static str,
    /// Whether `Ref` is the ARN and not the name.
    pub(super) by_arn: bool,
}

const fn form(
    kind: &'static str,
    name: &'static str,
    service: &'static str,
    path: &'static str,
    by_arn: bool,
) -> Form {
    Form {
        kind,
        name,
        service,
        path,
        by_arn,
    }
}

#[rustfmt::skip] // a table
pub(super) const FORMS: [Form; 20] = [
    form("AWS::Kinesis::Stream", "Name", "kinesis", "stream/", false),
    form("AWS::DynamoDB::Table", "TableName", "dynamodb", "table/", false),
    form("AWS::DynamoDB::GlobalTable", "TableName", "dynamodb", "table/", false),
    form("AWS::Serverless::SimpleTable", "TableName", "dynamodb", "table/", false),
    form("AWS::SSM::Parameter", "Name", "ssm", "parameter/", false),
    form("AWS::SQS::Queue", "QueueName", "sqs", "", false),
    form("AWS::Serverless::Function", "FunctionName", "lambda", "function:", false),
    form("AWS::Lambda::Function", "FunctionName", "lambda", "function:", false),
    form("AWS::Events::EventBus", "Name", "events", "event-bus/", false),
    form("AWS::IAM::Role", "RoleName", "iam", "role/", false),
    form("AWS::KinesisFirehose::DeliveryStream", "DeliveryStreamName", "firehose", "deliverystream/", false),
    form("AWS::KMS::Key", "", "kms", "key/", false),
    form("AWS::Logs::LogGroup", "LogGroupName", "logs", "log-group:", false),
    form("AWS::S3::Bucket", "BucketName", "s3", "", false),
    form("AWS::SNS::Topic", "TopicName", "sns", "", true),
    form("AWS::SecretsManager::Secret", "Name", "secretsmanager", "secret:", true),
    form("AWS::Serverless::StateMachine", "Name", "states", "stateMachine:", true),
    form("AWS::StepFunctions::StateMachine", "StateMachineName", "states", "stateMachine:", true),
    form("AWS::Serverless::LayerVersion", "LayerName", "lambda", "layer:", true),
    form("AWS::Lambda::LayerVersion", "LayerName", "lambda", "layer:", true),
];
