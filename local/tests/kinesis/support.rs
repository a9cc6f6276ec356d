//! A client for any Kinesis endpoint, and a server for our own.

use std::net::SocketAddr;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kinesis_engine::{Kinesis, Options, arrivals::Arrivals};
use local::aws::gateway::Gateway;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Knows an endpoint by its address alone.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    endpoint: String,
}

/// A refusal, or the lack of a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub code: String,
    pub message: String,
}

impl Client {
    pub fn new(endpoint: impl Into<String>) -> Self {
        Self {
            http: reqwest::Client::new(),
            endpoint: endpoint.into(),
        }
    }

    pub async fn call(&self, operation: &str, request: Value) -> Result<Value, Refused> {
        let reply = self
            .http
            .post(&self.endpoint)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("Kinesis_20131202.{operation}"))
            .header("x-amz-date", "20260101T000000Z")
            // Unsigned engines take any credentials; some insist on their form.
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/kinesis/aws4_request, \
                 SignedHeaders=host;x-amz-date, Signature=0",
            )
            .body(request.to_string())
            .send()
            .await
            .map_err(|error| Refused::transport(&error))?;
        let status = reply.status();
        let body = reply
            .bytes()
            .await
            .map_err(|error| Refused::transport(&error))?;
        let value: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        if status.is_success() {
            return Ok(value);
        }
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        let code = text("__type").unwrap_or_else(|| status.to_string());
        Err(Refused {
            code: code.rsplit('#').next().unwrap_or_default().to_owned(),
            message: text("message")
                .or_else(|| text("Message"))
                .unwrap_or_default(),
        })
    }
}

impl Refused {
    fn transport(error: &reqwest::Error) -> Self {
        Self {
            code: "no reply".to_owned(),
            message: error.to_string(),
        }
    }
}

/// Serves an engine on a free port for as long as the runtime lives.
pub async fn serve(options: Options) -> SocketAddr {
    let kinesis = Kinesis::open(options, Arrivals::default()).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Gateway::new(vec![kinesis]).router();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

pub fn entry(key: &str, data: &str) -> Value {
    json!({"PartitionKey": key, "Data": STANDARD.encode(data)})
}

/// The data of a reply's records, as text.
pub fn data(reply: &Value) -> Vec<String> {
    let records = reply["Records"].as_array().into_iter().flatten();
    let decode = |record: &Value| STANDARD.decode(record["Data"].as_str().unwrap_or_default());
    records
        .map(|record| String::from_utf8_lossy(&decode(record).unwrap_or_default()).into_owned())
        .collect()
}
