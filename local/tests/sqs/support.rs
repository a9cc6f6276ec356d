//! A client for any SQS endpoint, and a server for this project's engine.

use std::net::SocketAddr;

use local::aws::gateway::Gateway;
use serde_json::Value;
use sqs_engine::{Options, Sqs};
use tokio::net::TcpListener;

/// A client that knows only its endpoint's address.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    pub endpoint: String,
}

/// An error reply, or no reply at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The shape, and the code of the query protocol.
    pub codes: Vec<String>,
    pub message: String,
}

const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, \
                             SignedHeaders=host;x-amz-date, Signature=0";

impl Client {
    pub fn new(endpoint: impl Into<String>) -> Self {
        Self {
            http: reqwest::Client::new(),
            endpoint: endpoint.into(),
        }
    }

    /// Calls an operation in JSON.
    pub async fn call(&self, operation: &str, request: Value) -> Result<Value, Refused> {
        let reply = self
            .http
            .post(&self.endpoint)
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("AmazonSQS.{operation}"))
            .header("x-amz-date", "20260101T000000Z")
            // Engines take any credentials, but some check the header's form.
            .header("authorization", AUTHORIZATION)
            .body(request.to_string())
            .send()
            .await
            .map_err(|error| Refused::transport(&error))?;
        let status = reply.status();
        let compatible = reply.headers().get("x-amzn-query-error").cloned();
        let body = reply
            .bytes()
            .await
            .map_err(|error| Refused::transport(&error))?;
        let value: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        if status.is_success() {
            return Ok(value);
        }
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        let shape = text("__type").unwrap_or_else(|| status.to_string());
        let mut codes = vec![shape.rsplit('#').next().unwrap_or_default().to_owned()];
        let compatible = compatible.as_ref().and_then(|header| header.to_str().ok());
        codes.extend(
            compatible
                .and_then(|header| header.split(';').next())
                .map(str::to_owned),
        );
        Err(Refused {
            codes,
            message: text("message")
                .or_else(|| text("Message"))
                .unwrap_or_default(),
        })
    }

    /// Posts a form of the query protocol; returns the status and the XML.
    pub async fn form(&self, form: &[(&str, &str)]) -> Result<(u16, String), String> {
        let encode = |text: &str| -> String {
            let byte = |byte: u8| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            };
            text.bytes().map(byte).collect()
        };
        let form = form.iter();
        let form = form.map(|(name, value)| format!("{}={}", encode(name), encode(value)));
        let body = form.collect::<Vec<_>>().join("&");
        let reply = self
            .http
            .post(&self.endpoint)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-amz-date", "20260101T000000Z")
            .header("authorization", AUTHORIZATION)
            .body(body)
            .send()
            .await
            .map_err(|error| error.to_string())?;
        let status = reply.status().as_u16();
        Ok((
            status,
            reply.text().await.map_err(|error| error.to_string())?,
        ))
    }
}

impl Refused {
    fn transport(error: &reqwest::Error) -> Self {
        Self {
            codes: vec!["no reply".to_owned()],
            message: error.to_string(),
        }
    }
}

/// Serves an engine on a free port until the runtime ends.
pub async fn serve(options: Options) -> SocketAddr {
    let sqs = Sqs::open(options).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Gateway::new(vec![sqs]).router();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}
