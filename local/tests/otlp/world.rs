//! An environment that exports.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_sdk_kinesis::primitives::Blob;
use event_source_mapping::backoff::Backoff;
use lambda_host::log::LogLine;
use local::{
    embedded::{Embedded, Options},
    otlp::Collector,
    project::Project,
};
use loopback_client::sdk_config;
use sam_template::Context;
use serde_json::{Value, json};
use tempfile::TempDir;

const REGION: &str = "us-east-1";

/// How long a test waits for something that must happen. A test that passes never does.
const PATIENCE: Duration = Duration::from_mins(1);

const TEMPLATE: &str = "
Resources:
  Orders: { Type: AWS::Kinesis::Stream, Properties: { Name: orders, ShardCount: 1 } }
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: orders
      AttributeDefinitions: [{ AttributeName: id, AttributeType: S }]
      KeySchema: [{ AttributeName: id, KeyType: HASH }]
      BillingMode: PAY_PER_REQUEST
  Work:
    Type: AWS::Serverless::Function
    Properties: { FunctionName: work, Handler: bootstrap, Runtime: provided.al2023, CodeUri: . }
  Mapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      FunctionName: !Ref Work
      EventSourceArn: !GetAtt Orders.Arn
      StartingPosition: TRIM_HORIZON
      BatchSize: 10
      MaximumRetryAttempts: 1
";

const LOCAL: &str = "
[functions.work.environment]
CACHE_URL = \"${cache.url}\"

[cache]
names = [\"c\"]
";

pub struct World {
    pub embedded: Embedded,
    kinesis: aws_sdk_kinesis::Client,
    lines: Arc<Mutex<Vec<String>>>,
    _project: TempDir,
}

/// The data of a record that the function takes.
pub fn order(number: u64) -> String {
    json!({ "kind": "order", "id": format!("order-{number}") }).to_string()
}

/// The data of a record that the function always fails on.
pub fn poison() -> String {
    // Three bytes more or less would hide the word in the event's base64.
    let data = r#"{"kind":"order","a":"poison","id":"order-1"}"#.to_owned();
    assert_eq!(data.find("poison").unwrap() % 3, 0);
    data
}

impl World {
    pub async fn start(collector: &str) -> Self {
        let collector: Collector = collector.parse().unwrap();
        Self::start_with(collector.with_headers("x-key=a%20b").unwrap()).await
    }

    async fn start_with(collector: Collector) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("template.yaml");
        std::fs::write(&file, TEMPLATE).unwrap();
        std::fs::write(folder.path().join("local.toml"), LOCAL).unwrap();
        let project = Project::load(&file, &Context::in_region(REGION)).unwrap();
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let bootstrap = manifest.join("tests/otlp/bootstrap.sh");
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let written = lines.clone();
        let options = Options {
            otlp: Some(collector),
            log: Arc::new(move |line: LogLine| written.lock().unwrap().push(line.text)),
            backoff: Backoff {
                first: Duration::from_millis(20),
                longest: Duration::from_millis(20),
            },
            ..Options::new(project, BTreeMap::from([("work".to_owned(), bootstrap)]))
        };
        let embedded = Embedded::start(options).await.unwrap();
        let sdk = sdk_config(&embedded.aws.url(), REGION);
        Self {
            kinesis: aws_sdk_kinesis::Client::new(&sdk),
            embedded,
            lines,
            _project: folder,
        }
    }

    /// Puts a record and returns its sequence number.
    pub async fn put(&self, key: &str, data: impl Into<Vec<u8>>) -> String {
        let put = self.kinesis.put_record().stream_name("orders");
        let put = put.partition_key(key).data(Blob::new(data.into()));
        put.send().await.unwrap().sequence_number
    }

    pub async fn settled(&self) {
        let settled = self.embedded.status.settled(PATIENCE).await;
        assert!(settled.settled, "{:?}", settled.status.mappings);
    }

    /// The function's log lines, which are JSON.
    pub fn lines(&self) -> Vec<Value> {
        let lines = self.lines.lock().unwrap();
        let documents = lines
            .iter()
            .filter_map(|line| serde_json::from_str(line).ok());
        documents.collect()
    }
}
