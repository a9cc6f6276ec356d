//! An environment whose page is asked.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use event_source_mapping::backoff::Backoff;
use local::{
    embedded::{Embedded, Options},
    project::Project,
};
use loopback_client::sdk_config;
use reqwest::{Method, RequestBuilder};
use sam_template::Context;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

const REGION: &str = "us-east-1";

/// How long a test waits for something that must happen. A test that passes never does.
pub const PATIENCE: Duration = Duration::from_mins(1);

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
      FilterCriteria: { Filters: [{ Pattern: '{\"data\":{\"kind\":[\"order\"]}}' }] }
";

const LOCAL: &str = "
[functions.work.environment]
CACHE_URL = \"${cache.url}\"
MENDED = \"FOLDER/mended\"

[cache]
names = [\"c\"]
";

pub struct World {
    pub embedded: Embedded,
    client: reqwest::Client,
    kinesis: aws_sdk_kinesis::Client,
    project: TempDir,
}

/// The data of a record that the function takes.
pub fn order(number: u64) -> String {
    json!({ "kind": "order", "id": format!("order-{number}") }).to_string()
}

/// The data of a record that the function fails on until [`World::mend`].
pub fn poison() -> String {
    // Three bytes more or less would hide the word in the event's base64.
    let data = r#"{"kind":"order","a":"poison","id":"order-1"}"#.to_owned();
    assert_eq!(data.find("poison").unwrap() % 3, 0);
    data
}

impl World {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("template.yaml");
        std::fs::write(&file, TEMPLATE).unwrap();
        let local = LOCAL.replace("FOLDER", folder.path().to_str().unwrap());
        std::fs::write(folder.path().join("local.toml"), local).unwrap();
        let project = Project::load(&file, &Context::in_region(REGION)).unwrap();
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let bootstrap: PathBuf = manifest.join("tests/page/bootstrap.sh");
        let options = Options {
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
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            project: folder,
        }
    }

    /// The same, with a page that has been opened.
    pub async fn opened() -> Self {
        let world = Self::start().await;
        world.get("/_local/records").await;
        world
    }

    /// From now on the function fails on no record.
    pub fn mend(&self) {
        std::fs::write(self.project.path().join("mended"), "").unwrap();
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.embedded.aws.url());
        self.client.request(method, url)
    }

    /// A request as the page sends it; the reply's status and JSON.
    pub async fn ask(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let request = self.request(method, path).header("x-klocal", "page");
        let request = if body.is_null() {
            request
        } else {
            request.json(&body)
        };
        let reply = request.send().await.unwrap();
        let status = reply.status().as_u16();
        let text = reply.text().await.unwrap();
        let document = serde_json::from_str(&text).unwrap_or(Value::String(text));
        (status, document)
    }

    pub async fn get(&self, path: &str) -> Value {
        let (status, document) = self.ask(Method::GET, path, Value::Null).await;
        assert_eq!(status, 200, "{path}: {document}");
        document
    }

    pub async fn post(&self, path: &str) -> Value {
        let (status, document) = self.ask(Method::POST, path, Value::Null).await;
        assert_eq!(status, 200, "{path}: {document}");
        document
    }

    /// Puts a record and returns its sequence number.
    pub async fn put(&self, key: &str, data: impl Into<Vec<u8>>) -> String {
        let put = self.kinesis.put_record().stream_name("orders");
        let data = aws_sdk_kinesis::primitives::Blob::new(data.into());
        let put = put.partition_key(key).data(data).send().await.unwrap();
        put.sequence_number
    }

    /// Puts so many records that no filter matches.
    pub async fn put_unwanted(&self, count: usize) {
        let data = json!({ "kind": "other" }).to_string();
        let record = || {
            let data = aws_sdk_kinesis::primitives::Blob::new(data.as_bytes());
            let entry = PutRecordsRequestEntry::builder().data(data);
            entry.partition_key("k").build().unwrap()
        };
        for _ in 0..count.div_ceil(500) {
            let records = (0..500).map(|_| record()).collect();
            let put = self.kinesis.put_records().stream_name("orders");
            let reply = put.set_records(Some(records)).send().await.unwrap();
            assert_eq!(reply.failed_record_count, Some(0));
        }
    }

    pub async fn settled(&self) {
        let settled = self.embedded.status.settled(PATIENCE).await;
        assert!(settled.settled, "{:?}", settled.status.mappings);
    }

    /// Asks for `path` until `is` holds of the reply.
    pub async fn eventually(&self, path: &str, is: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (_, document) = self.ask(Method::GET, path, Value::Null).await;
            if is(&document) {
                return document;
            }
            assert!(Instant::now() < deadline, "{path} never: {document}");
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// A record's journey once it has this status.
    pub async fn journey(&self, sequence_number: &str, status: &str) -> Value {
        let path = format!("/_local/records/orders/{sequence_number}");
        let has = |journey: &Value| journey["record"]["status"] == status;
        self.eventually(&path, has).await
    }
}

/// The kinds of a journey's steps, in order.
pub fn kinds(steps: &Value) -> Vec<&str> {
    let steps = steps.as_array().unwrap().iter();
    steps.map(|step| step["kind"].as_str().unwrap()).collect()
}
