//! Any invoke URL: this project's own endpoint, AWS's Runtime Interface
//! Emulator, LocalStack.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{StatusCode, header::HOST};
use reqwest::Url;
use serde_json::Value;

use super::{
    replicas::Replicas,
    target::{Reply, Target},
};
use crate::target::{ErrorKind, FunctionError};

/// A function behind a URL.
#[derive(Debug)]
pub struct HttpTarget {
    url: Url,
    client: reqwest::Client,
    replicas: Arc<Replicas>,
}

impl HttpTarget {
    /// The function at `url`, invoked at most `concurrency` times at once at
    /// each address of its host. AWS's Runtime Interface Emulator takes one: a
    /// second one crashes it.
    #[must_use]
    pub fn new(url: Url, concurrency: usize) -> Self {
        Self {
            client: reqwest::Client::new(),
            replicas: Replicas::of(url.clone(), concurrency),
            url,
        }
    }

    /// What the URL calls its host, whichever address is asked.
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
        self.url.to_string()
    }

    async fn invoke(&self, event: Bytes) -> Reply {
        let permit = self.replicas.acquire().await;
        let sent = self
            .client
            .post(permit.url())
            .header(HOST, self.host())
            .header("content-type", "application/json")
            .body(event)
            .send()
            .await;
        let reply = match sent {
            Ok(reply) => reply,
            Err(error) => return Reply::Unavailable(format!("{error:#}")),
        };
        let status = reply.status();
        let flagged = reply.headers().contains_key("x-amz-function-error");
        match reply.bytes().await {
            Ok(body) => classify(status, flagged, body),
            Err(error) => Reply::Unavailable(format!("the reply broke off: {error:#}")),
        }
    }
}

/// Tells a function's failure from an endpoint's, AWS's and its emulator's ways
/// of saying so alike.
fn classify(status: StatusCode, flagged: bool, body: Bytes) -> Reply {
    let failed = |kind| {
        Reply::FunctionError(FunctionError {
            kind,
            payload: body.clone(),
        })
    };
    let error_type = error_type(&body);
    match status {
        // The emulator reports errors and time-outs as successes.
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
        // The emulator's word for a process that ended, and for a failed init.
        StatusCode::BAD_GATEWAY if body.is_empty() => failed(ErrorKind::Init),
        StatusCode::BAD_GATEWAY if error_type.is_some() => failed(ErrorKind::Exit),
        _ => {
            let text = String::from_utf8_lossy(&body);
            let text: String = text.chars().take(300).collect();
            Reply::Unavailable(format!("{status}: {text}"))
        }
    }
}

/// The type of `{"errorType":…,"errorMessage":…}`, which no batch response
/// looks like.
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
    use super::{Reply, classify};
    use crate::target::ErrorKind;
    use bytes::Bytes;
    use http::StatusCode;

    fn kind(status: u16, flagged: bool, body: &'static str) -> Option<ErrorKind> {
        let status = StatusCode::from_u16(status).unwrap();
        match classify(status, flagged, Bytes::from_static(body.as_bytes())) {
            Reply::FunctionError(error) => Some(error.kind),
            _ => None,
        }
    }

    #[test]
    fn the_emulator_s_odd_answers_are_told_apart_from_success() {
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
    fn an_endpoint_s_failure_is_not_the_function_s() {
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
