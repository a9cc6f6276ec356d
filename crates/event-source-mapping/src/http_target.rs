//! Any invoke URL: this project's own endpoint, AWS's Runtime Interface
//! Emulator (RIE), LocalStack.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{StatusCode, header::HOST};
use reqwest::Url;
use serde_json::Value;
use tokio::time::timeout;

use super::{
    replicas::{Permit, Replicas},
    target::{ErrorKind, FunctionError, Reply, Target},
};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How long an invocation may take: a function's longest timeout, 15 minutes (Lambda
/// quotas), and half a minute for its init and the transfer.
const INVOCATION: Duration = Duration::from_secs(15 * 60 + 30);

/// The error document that an emulator leaves out when a function's init fails.
const INIT_ERROR: &[u8] = br#"{"errorType":"Runtime.InitError","errorMessage":"the init failed, or the process ended: the function's log has the reason"}"#;

/// A function behind a URL. Clones share the limit of invocations.
#[derive(Debug, Clone)]
pub struct HttpTarget {
    /// The function's ARN or, where it is unknown, the URL.
    name: String,
    url: Url,
    client: reqwest::Client,
    invocation: Duration,
    replicas: Arc<Replicas>,
}

impl HttpTarget {
    /// The function at `url`, invoked at most `concurrency` times at once at
    /// each address of its host. AWS's Runtime Interface Emulator takes one: a
    /// second one crashes it. Connecting may take 5 s, an invocation 15.5 minutes.
    #[must_use]
    pub fn new(url: Url, concurrency: usize) -> Self {
        Self {
            client: client(&url),
            invocation: INVOCATION,
            replicas: Replicas::of(url.clone(), concurrency),
            name: url.to_string(),
            url,
        }
    }

    /// The same with a limit for a whole invocation: the function's timeout and what its
    /// init may take.
    #[must_use]
    pub fn with_timeout(mut self, invocation: Duration) -> Self {
        self.invocation = invocation;
        self
    }

    /// The time-outs by their names; anything else as the client reports it.
    fn reason(&self, error: &reqwest::Error) -> String {
        let url = &self.url;
        match (error.is_timeout(), error.is_connect()) {
            (true, true) => format!("{url}: no connection within {CONNECT:?}"),
            (true, false) => {
                let milliseconds = self.invocation.as_millis();
                format!("{url}: no answer within {milliseconds} ms")
            }
            (false, _) => format!("{error:#}"),
        }
    }

    /// Documents and the status call the function by this ARN, as AWS does,
    /// instead of by the URL.
    #[must_use]
    pub fn with_arn(self, arn: String) -> Self {
        Self { name: arn, ..self }
    }

    /// The URL's host, whichever of its addresses is invoked.
    fn host(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }
}

#[async_trait]
impl Target for HttpTarget {
    fn name(&self) -> String {
        self.name.clone()
    }

    async fn invoke(&self, event: Bytes) -> Reply {
        let permit = self.replicas.acquire().await;
        self.invoke_at(permit, event).await
    }

    async fn invoke_within(&self, _: &str, event: Bytes, within: Duration) -> Reply {
        match timeout(within, self.replicas.acquire()).await {
            Ok(permit) => self.invoke_at(permit, event).await,
            Err(_) => Reply::Throttled,
        }
    }
}

impl HttpTarget {
    async fn invoke_at(&self, permit: Permit, event: Bytes) -> Reply {
        let request = self
            .client
            .post(permit.url())
            .timeout(self.invocation)
            .header(HOST, self.host())
            .header("content-type", "application/json")
            .body(event);
        let reply = match request.send().await {
            Ok(reply) => reply,
            Err(error) => return Reply::Unavailable(self.reason(&error)),
        };
        let status = reply.status();
        let flagged = reply.headers().contains_key("x-amz-function-error");
        match reply.bytes().await {
            Ok(body) => classify(status, flagged, body),
            Err(error) => Reply::Unavailable(format!("the reply broke off: {error:#}")),
        }
    }
}

/// Without the limit for connecting where TLS cannot be set up, which is then an error
/// of each request.
///
/// Plain HTTP is an emulator on this machine or beside it, which no proxy of the
/// environment can reach.
fn client(url: &Url) -> reqwest::Client {
    let mut client = reqwest::Client::builder().connect_timeout(CONNECT);
    if url.scheme() == "http" {
        client = client.no_proxy();
    }
    client.build().unwrap_or_default()
}

/// Separates function errors from endpoint errors, for AWS and for RIE.
fn classify(status: StatusCode, flagged: bool, body: Bytes) -> Reply {
    let failed = |kind| {
        Reply::FunctionError(FunctionError {
            kind,
            payload: body.clone(),
        })
    };
    let error_type = error_type(&body);
    match status {
        // RIE reports function errors and time-outs with status 200.
        StatusCode::OK if body.starts_with(b"Task timed out after") => failed(ErrorKind::Timeout),
        StatusCode::OK => match error_type.as_deref() {
            Some("Sandbox.Timedout") => failed(ErrorKind::Timeout),
            Some("Runtime.ExitError") => failed(ErrorKind::Exit),
            Some("Function.ResponseSizeTooLarge") => failed(ErrorKind::ResponseTooLarge),
            Some(_) => failed(ErrorKind::Handled),
            None if flagged => failed(ErrorKind::Handled),
            None => Reply::Success(body),
        },
        StatusCode::TOO_MANY_REQUESTS => Reply::Throttled,
        StatusCode::PAYLOAD_TOO_LARGE => Reply::TooLarge,
        // RIE's status for a process that exited, and for a failed init.
        StatusCode::BAD_GATEWAY if body.is_empty() => Reply::FunctionError(FunctionError {
            kind: ErrorKind::Init,
            payload: Bytes::from_static(INIT_ERROR),
        }),
        StatusCode::BAD_GATEWAY if error_type.is_some() => failed(ErrorKind::Exit),
        _ => {
            let text = String::from_utf8_lossy(&body);
            let text: String = text.chars().take(300).collect();
            Reply::Unavailable(format!("{status}: {text}"))
        }
    }
}

/// The type of `{"errorType":…,"errorMessage":…}`, the form of a function error.
fn error_type(body: &[u8]) -> Option<String> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(mut fields)) if fields.contains_key("errorMessage") => {
            let error_type = fields.remove("errorType")?;
            Some(error_type.as_str().unwrap_or_default().to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{HttpTarget, Reply, classify};
    use crate::target::{ErrorKind, Target};
    use bytes::Bytes;
    use http::StatusCode;
    use reqwest::Url;
    use std::time::Duration;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn an_endpoint_that_never_answers_is_a_service_error_after_the_timeout() {
        // It accepts connections, since its backlog does, and reads nothing.
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/x", silent.local_addr().unwrap());
        let target = HttpTarget::new(Url::parse(&url).unwrap(), 1);
        let target = target.with_timeout(Duration::from_millis(50));
        let Reply::Unavailable(reason) = target.invoke(Bytes::new()).await else {
            panic!("it answered");
        };
        assert!(reason.contains("no answer within 50 ms"), "{reason}");
    }

    fn kind(status: u16, flagged: bool, body: &'static str) -> Option<ErrorKind> {
        let status = StatusCode::from_u16(status).unwrap();
        match classify(status, flagged, Bytes::from_static(body.as_bytes())) {
            Reply::FunctionError(error) => Some(error.kind),
            _ => None,
        }
    }

    #[test]
    fn a_function_error_of_the_emulator_is_not_taken_for_success() {
        let error = r#"{"errorType":"E","errorMessage":"m"}"#;
        assert_eq!(kind(200, false, error), Some(ErrorKind::Handled));
        assert_eq!(
            kind(200, false, "Task timed out after 3.00 seconds"),
            Some(ErrorKind::Timeout)
        );
        assert_eq!(kind(502, false, error), Some(ErrorKind::Exit));
        assert_eq!(kind(502, false, ""), Some(ErrorKind::Init));
        assert_eq!(kind(200, true, "\"x\""), Some(ErrorKind::Handled));
        let too_large = r#"{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"m"}"#;
        assert_eq!(
            kind(200, false, too_large),
            Some(ErrorKind::ResponseTooLarge)
        );
    }

    #[test]
    fn a_failed_init_has_a_reason_though_the_emulator_gives_none() {
        let Reply::FunctionError(error) = classify(StatusCode::BAD_GATEWAY, false, Bytes::new())
        else {
            panic!("the function did not fail");
        };
        assert!(error.text().contains("the init failed"), "{}", error.text());
    }

    #[test]
    fn a_function_is_called_by_its_arn_where_that_is_known() {
        let url = "http://consumer:8080/2015-03-31/functions/function/invocations";
        let target = HttpTarget::new(url.parse().unwrap(), 1);
        assert_eq!(target.name(), url);
        let arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
        assert_eq!(target.with_arn(arn.to_owned()).name(), arn);
    }

    #[test]
    fn an_endpoint_error_is_not_taken_for_a_function_error() {
        for status in [404, 500, 503] {
            let status = StatusCode::from_u16(status).unwrap();
            assert!(matches!(
                classify(status, false, Bytes::new()),
                Reply::Unavailable(_)
            ));
        }
        assert_eq!(
            classify(StatusCode::TOO_MANY_REQUESTS, false, Bytes::new()),
            Reply::Throttled
        );
    }
}
