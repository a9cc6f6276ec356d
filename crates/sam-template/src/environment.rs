//! The parts of a template that run here.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use event_source_mapping::{queue::settings::QueueSettings, settings::Settings};

use super::notes::Notes;

/// Everything a template describes that runs here, in the template's order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Environment {
    /// `AWS::Kinesis::Stream`.
    pub streams: Vec<Stream>,
    /// `AWS::Kinesis::StreamConsumer`.
    pub consumers: Vec<Consumer>,
    /// `AWS::DynamoDB::Table` and `AWS::Serverless::SimpleTable`.
    pub tables: Vec<Table>,
    /// `AWS::SSM::Parameter`.
    pub parameters: Vec<Parameter>,
    /// `AWS::SQS::Queue`; `klocal provision` creates them only where the endpoint offers SQS.
    pub queues: Vec<Queue>,
    /// `AWS::Logs::LogGroup`.
    pub log_groups: Vec<LogGroup>,
    /// `AWS::Serverless::Function` and `AWS::Lambda::Function`.
    pub functions: Vec<Function>,
    /// `AWS::Lambda::EventSourceMapping`, and functions' `Events` of type Kinesis.
    pub mappings: Vec<Mapping>,
    /// The same of queues, and functions' `Events` of type SQS.
    pub queue_mappings: Vec<QueueMapping>,
    /// Resources of types that do not run here.
    pub skipped: Vec<Skipped>,
    /// What is understood and means something else here.
    pub notes: Notes,
}

/// A Kinesis stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// Its name; the logical id unless the template names it.
    pub name: String,
    /// The number of shards; `None` for an `ON_DEMAND` stream.
    pub shards: Option<u32>,
    /// The retention period, in hours.
    pub retention_hours: u32,
}

/// A registered consumer of a stream (enhanced fan-out).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumer {
    /// Its name.
    pub name: String,
    /// The stream's name.
    pub stream: String,
}

/// A DynamoDB table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Its name; the logical id unless the template names it.
    pub name: String,
    /// The body of the `CreateTable` request.
    pub definition: serde_json::Value,
    /// The attribute with the time when an item expires, where that is enabled.
    pub ttl_attribute: Option<String>,
}

/// An SSM parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name; the logical id unless the template names it.
    pub name: String,
    /// `String` or `StringList` (CloudFormation cannot create a `SecureString`).
    pub kind: String,
    /// Its value.
    pub value: String,
}

/// An SQS queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// The template's name for it.
    pub logical_id: String,
    /// Its name; the logical id unless the template names it.
    pub name: String,
    /// The attributes of the `CreateQueue` request.
    pub attributes: BTreeMap<String, String>,
}

/// A log group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogGroup {
    /// Its name; the logical id unless the template names it.
    pub name: String,
    /// Days for which events are kept; `None` is for ever.
    pub retention_days: Option<u32>,
}

/// A Lambda function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// The template's name for it.
    pub logical_id: String,
    /// Its name; the logical id unless the template names it.
    pub name: String,
    /// `Runtime`, such as `provided.al2023` or `python3.13`.
    pub runtime: Option<String>,
    /// Its handler: the function sees it in `_HANDLER`.
    pub handler: String,
    /// `CodeUri` or `Code`: the folder of its source or of its `bootstrap`. `None` also
    /// for code in S3, in an image or in the template itself.
    pub code_uri: Option<PathBuf>,
    /// The longest that an invocation may take.
    pub timeout: Duration,
    /// Memory, in MB: shown to the function, not enforced.
    pub memory_mb: u32,
    /// Its environment variables.
    pub environment: BTreeMap<String, String>,
    /// `ReservedConcurrentExecutions`: the most execution environments at a time.
    pub reserved_concurrency: Option<u32>,
    /// `LoggingConfig`.
    pub logging: Logging,
}

/// Where a function's log goes, and how Lambda's own events look there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Logging {
    /// The log group; `None` is `/aws/lambda/NAME`.
    pub group: Option<String>,
    /// Whether Lambda's events are JSON.
    pub json: bool,
}

/// An event source mapping from a stream to a function.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    /// The template's name for it.
    pub logical_id: String,
    /// The stream's name.
    pub stream: String,
    /// The function's name.
    pub function: String,
    /// Its options.
    pub settings: Settings,
}

/// An event source mapping from a queue to a function.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueMapping {
    /// The template's name for it.
    pub logical_id: String,
    /// The queue's name.
    pub queue: String,
    /// The function's name.
    pub function: String,
    /// Its options.
    pub settings: QueueSettings,
}

/// A resource of a type that does not run here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The template's name for it.
    pub logical_id: String,
    /// Its type.
    pub resource_type: String,
}
