//! `klocal invoke`: one invocation of a function of a running environment.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Context, anyhow};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use clap::Args;
use event_source_mapping::target::{ErrorKind, FunctionError};
use http::{HeaderMap, StatusCode};
use reqwest::{Response, Url};
use serde_json::Value;

use super::{args::running_url, input};
use crate::outcome::{Failure, Outcome};

/// Invoke a function of a running `klocal up` and print its response.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 the function returned; 1 a function error, which stderr has.

Examples:
  cargo local invoke my-function --event event.json
  cargo local event kinesis orders.jsonl | cargo local invoke my-function --event -")]
pub struct Invoke {
    /// The function: its name or ARN
    #[arg(value_name = "FUNCTION")]
    function: String,

    /// The event, a JSON document; - is stdin [default: {}]
    #[arg(long, value_name = "FILE")]
    event: Option<PathBuf>,

    /// Print the end of the invocation's log to stderr, at most 4 KB
    #[arg(long)]
    log: bool,

    /// The Invoke API of `klocal up` [default: that of the `klocal up` of this project, or
    /// the only one, or port 9000]
    #[arg(long, env = "LOCAL_URL", value_name = "URL")]
    url: Option<String>,
}

impl Invoke {
    /// Invokes and prints.
    ///
    /// # Errors
    ///
    /// Nothing answers, there is no such function, or it fails.
    pub async fn run(self) -> Outcome {
        let base = running_url(self.url.clone());
        let url = self.invoke_url(&base).map_err(Failure::configuration)?;
        let event = match &self.event {
            Some(file) => input::read(file)?,
            None => b"{}".to_vec(),
        };
        let mut request = loopback_client::client(&base).post(url).body(event);
        if self.log {
            request = request.header("x-amz-log-type", "Tail");
        }
        let reply = request.send().await.map_err(|error| {
            let error = anyhow::Error::new(error);
            Failure::run(anyhow!(
                "cannot invoke at {base}: {error:#}\nhint: start `klocal up`, or name another with `--url URL`"
            ))
        })?;
        let (status, headers) = (reply.status(), reply.headers().clone());
        if status != StatusCode::OK {
            return Err(self.refused(&base, reply).await);
        }
        let payload = reply.bytes().await;
        let payload = payload
            .context("the response broke off")
            .map_err(Failure::run)?;
        if let Some(log) = tail(&headers) {
            // As the function wrote it; a closed stderr is no failure.
            let _ = io::stderr().write_all(&log);
        }
        if headers.contains_key("x-amz-function-error") {
            return Err(self.failed(payload));
        }
        print(&payload)
            .context("writing the response")
            .map_err(Failure::run)?;
        Ok(ExitCode::SUCCESS)
    }

    fn invoke_url(&self, base: &str) -> anyhow::Result<Url> {
        let mut url: Url = base.parse().with_context(|| format!("--url {base}"))?;
        // A name may hold what a path may not.
        url.path_segments_mut()
            .map_err(|()| anyhow!("--url {base} is no HTTP URL"))?
            .pop_if_empty()
            .extend(["2015-03-31", "functions", &self.function, "invocations"]);
        Ok(url)
    }

    fn failed(&self, payload: Bytes) -> Failure {
        let kind = ErrorKind::Handled;
        let summary = FunctionError { kind, payload }.summary();
        let hint = if self.log {
            ""
        } else {
            "\nhint: `--log` shows the end of the invocation's log"
        };
        Failure::run(anyhow!("function {}: {summary}{hint}", self.function))
    }

    /// The service's own error: nothing was invoked, or no response came.
    async fn refused(&self, base: &str, reply: Response) -> Failure {
        let status = reply.status();
        let body: Value = reply.json().await.unwrap_or_default();
        let message = match body["Message"].as_str() {
            Some(message) => message.to_owned(),
            None => format!("{base} returned {status}"),
        };
        let error = anyhow!("function {}: {message}", self.function);
        match status {
            StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::PAYLOAD_TOO_LARGE => {
                Failure::configuration(error)
            }
            _ => Failure::run(error),
        }
    }
}

/// The end of the log (`X-Amz-Log-Result`).
fn tail(headers: &HeaderMap) -> Option<Vec<u8>> {
    let encoded = headers.get("x-amz-log-result")?;
    BASE64_STANDARD.decode(encoded.as_bytes()).ok()
}

/// Prints the payload and, where it does not end its last line, a line end.
fn print(payload: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(payload)?;
    if !payload.ends_with(b"\n") {
        stdout.write_all(b"\n")?;
    }
    stdout.flush()
}
