//! An environment with two functions, a stream and a mapping, and what its mappings did.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_sdk_kinesis::{primitives::Blob, types::PutRecordsRequestEntry};
use event_source_mapping::observer::{Invoked, Observer};
use local::{
    embedded::{Embedded, Options},
    project::Project,
};
use loopback_client::sdk_config;
use reqwest::Method;
use sam_template::Context;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

pub const REGION: &str = "us-east-1";

pub const STREAM_ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/orders";

/// How long a test waits for something that must happen. A test that passes never does.
const PATIENCE: Duration = Duration::from_mins(1);

const TEMPLATE: &str = "
Resources:
  Orders: { Type: AWS::Kinesis::Stream, Properties: { Name: orders, ShardCount: 3 } }
  Late: { Type: AWS::SQS::Queue, Properties: { QueueName: late } }
  Work:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: work
      Handler: bootstrap
      Runtime: provided.al2023
      CodeUri: .
      Timeout: 20
      Environment: { Variables: { LEVEL: info } }
  Other:
    Type: AWS::Serverless::Function
    Properties: { FunctionName: other, Handler: bootstrap, Runtime: provided.al2023, CodeUri: . }
  Mapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      FunctionName: !Ref Work
      EventSourceArn: !GetAtt Orders.Arn
      StartingPosition: TRIM_HORIZON
      BatchSize: 10
";

/// A record that an invocation has processed.
#[derive(Debug, Clone)]
pub struct Seen {
    pub mapping: String,
    pub shard: String,
    pub sequence_number: String,
    pub partition_key: String,
    /// Records of its invocation.
    pub batch: usize,
}

/// What the mappings' invocations have processed, in order.
#[derive(Default)]
pub struct Recording(Mutex<Vec<Seen>>);

impl Observer for Recording {
    fn invoked(&self, invoked: &Invoked<'_>) {
        let seen = invoked.records[..invoked.done].iter().map(|one| Seen {
            mapping: invoked.mapping.to_owned(),
            shard: invoked.shard.to_owned(),
            sequence_number: one.record.sequence_number.clone(),
            partition_key: one.record.partition_key.clone(),
            batch: invoked.records.len(),
        });
        self.0.lock().unwrap().extend(seen);
    }
}

impl Recording {
    pub fn seen(&self) -> Vec<Seen> {
        self.0.lock().unwrap().clone()
    }

    /// The sequence numbers that `mapping` has processed, by shard.
    pub fn of(&self, mapping: &str) -> BTreeMap<String, Vec<String>> {
        let mut shards: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for seen in self
            .seen()
            .into_iter()
            .filter(|seen| seen.mapping == mapping)
        {
            shards
                .entry(seen.shard)
                .or_default()
                .push(seen.sequence_number);
        }
        shards
    }
}

/// A running environment.
pub struct World {
    pub embedded: Embedded,
    pub recording: Arc<Recording>,
    pub kinesis: aws_sdk_kinesis::Client,
    pub sqs: aws_sdk_sqs::Client,
    client: reqwest::Client,
    _project: TempDir,
}

impl World {
    pub async fn start() -> Self {
        Self::start_with(TEMPLATE, None).await
    }

    /// The same, with state in a folder.
    pub async fn start_in(folder: &Path) -> Self {
        Self::start_with(TEMPLATE, Some(folder)).await
    }

    pub async fn start_with(template: &str, data_dir: Option<&Path>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("template.yaml");
        std::fs::write(&file, template).unwrap();
        let project = Project::load(&file, &Context::in_region(REGION)).unwrap();
        let functions = project.environment.functions.iter();
        let bootstraps = functions.map(|function| (function.name.clone(), echo()));
        let bootstraps = bootstraps.collect();
        let recording = Arc::new(Recording::default());
        let options = Options {
            observer: recording.clone(),
            data_dir: data_dir.map(Path::to_owned),
            ..Options::new(project, bootstraps)
        };
        let embedded = Embedded::start(options).await.unwrap();
        let sdk = sdk_config(&embedded.aws.url(), REGION);
        Self {
            kinesis: aws_sdk_kinesis::Client::new(&sdk),
            sqs: aws_sdk_sqs::Client::new(&sdk),
            embedded,
            recording,
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            _project: folder,
        }
    }

    /// A request to Lambda's API on the AWS port; the reply's status and JSON.
    pub async fn call(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let url = format!("{}{path}", self.embedded.aws.url());
        let request = self.client.request(method, url);
        let request = if body.is_null() {
            request
        } else {
            request.json(&body)
        };
        let reply = request.send().await.unwrap();
        let status = reply.status().as_u16();
        let code = reply.headers().get("x-amzn-errortype").cloned();
        let text = reply.text().await.unwrap();
        let mut document: Value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        if let Some(code) = code {
            document["Code"] = json!(code.to_str().unwrap());
            let message = &document["message"];
            document["Said"] = if message.is_null() {
                document["Message"].clone()
            } else {
                message.clone()
            };
        }
        (status, document)
    }

    pub async fn get(&self, path: &str) -> Value {
        let (status, document) = self.call(Method::GET, path, Value::Null).await;
        assert_eq!(status, 200, "{path}: {document}");
        document
    }

    /// An error's code and message.
    pub async fn refused(&self, method: Method, path: &str, body: Value) -> (u16, String, String) {
        let (status, document) = self.call(method, path, body).await;
        let text = |name: &str| document[name].as_str().unwrap_or_default().to_owned();
        (status, text("Code"), text("Said"))
    }

    /// The UUID of the only mapping.
    pub async fn uuid(&self) -> String {
        let list = self.get("/2015-03-31/event-source-mappings").await;
        let mappings = list["EventSourceMappings"].as_array().unwrap();
        assert_eq!(mappings.len(), 1, "{list}");
        mappings[0]["UUID"].as_str().unwrap().to_owned()
    }

    pub async fn mapping(&self, uuid: &str) -> Value {
        self.get(&path_of(uuid)).await
    }

    /// Waits until a mapping has this state.
    pub async fn reaches(&self, uuid: &str, state: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mapping = self.mapping(uuid).await;
            if mapping["State"] == state {
                return mapping;
            }
            assert!(Instant::now() < deadline, "never {state}: {mapping}");
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Changes a mapping and waits until it has this state.
    pub async fn update(&self, uuid: &str, change: Value, state: &str) -> Value {
        let (status, reply) = self.call(Method::PUT, &path_of(uuid), change).await;
        assert_eq!(status, 202, "{reply}");
        self.reaches(uuid, state).await
    }

    /// Deletes a mapping and waits until it is gone.
    pub async fn delete(&self, uuid: &str) {
        let (status, reply) = self.call(Method::DELETE, &path_of(uuid), Value::Null).await;
        assert_eq!(status, 202, "{reply}");
        assert_eq!(reply["State"], "Deleting");
        let gone = async || {
            let (status, _) = self.call(Method::GET, &path_of(uuid), Value::Null).await;
            status == 404
        };
        let deadline = Instant::now() + PATIENCE;
        while !gone().await {
            assert!(Instant::now() < deadline, "{uuid} is never gone");
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Creates a mapping of the stream, and waits until it is enabled.
    pub async fn create(&self, options: Value) -> String {
        let mut request = json!({
            "EventSourceArn": STREAM_ARN,
            "FunctionName": "work",
            "StartingPosition": "TRIM_HORIZON",
        });
        let options = options.as_object().unwrap().clone();
        request.as_object_mut().unwrap().extend(options);
        let path = "/2015-03-31/event-source-mappings";
        let (status, created) = self.call(Method::POST, path, request).await;
        assert_eq!(status, 202, "{created}");
        assert_eq!(created["State"], "Creating");
        let uuid = created["UUID"].as_str().unwrap().to_owned();
        self.reaches(&uuid, "Enabled").await;
        uuid
    }

    /// Writes records with these keys. Returns each one's shard and sequence number.
    pub async fn put(&self, keys: impl IntoIterator<Item = u64>) -> Vec<(String, String)> {
        put(&self.kinesis, keys).await
    }

    /// Waits until everything written is settled.
    pub async fn settled(&self) {
        let reply = self.embedded.status.settled(PATIENCE).await;
        assert!(reply.settled, "{:?}", reply.status.mappings);
    }
}

/// Writes records with these keys, retrying what is throttled in order.
pub async fn put(
    kinesis: &aws_sdk_kinesis::Client,
    keys: impl IntoIterator<Item = u64>,
) -> Vec<(String, String)> {
    let entry = |key: u64| {
        let entry = PutRecordsRequestEntry::builder();
        let data = Blob::new(json!({ "key": key }).to_string());
        entry
            .partition_key(key.to_string())
            .data(data)
            .build()
            .unwrap()
    };
    let entries: Vec<_> = keys.into_iter().map(entry).collect();
    let put = kinesis.put_records().stream_name("orders");
    let put = put.set_records(Some(entries)).send().await.unwrap();
    assert_eq!(put.failed_record_count, Some(0), "a throttled write");
    let record = |one: &aws_sdk_kinesis::types::PutRecordsResultEntry| {
        let (shard, number) = (one.shard_id().unwrap(), one.sequence_number().unwrap());
        (shard.to_owned(), number.to_owned())
    };
    put.records().iter().map(record).collect()
}

pub fn path_of(uuid: &str) -> String {
    format!("/2015-03-31/event-source-mappings/{uuid}")
}

/// A bootstrap that answers with its event.
fn echo() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../crates/lambda-host/examples/bootstrap"
    ))
}
