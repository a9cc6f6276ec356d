//! Sends requests to the collector, one after the other.

use std::{error::Error, sync::Arc, time::Duration};

use http::{HeaderMap, StatusCode, header};
use opentelemetry_proto::tonic::collector::{
    metrics::v1::ExportMetricsServiceResponse, trace::v1::ExportTraceServiceResponse,
};
use prost::Message as _;
use tokio_util::sync::CancellationToken;

use super::{
    Collector,
    queue::{Message, Queue, Signal},
};

/// How long a collector may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Waits before a request is sent again: the first and the longest.
const WAITS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// Sends what a queue has.
pub(super) struct Sender {
    collector: Collector,
    client: reqwest::Client,
    queue: Arc<Queue>,
    /// Cancelled when the environment ends: then nothing waits for the collector any more.
    ending: CancellationToken,
    /// Whether it was told that the collector does not answer. It is told again after an
    /// answer.
    is_told: bool,
    /// Signals of which a refusal was told.
    refused: Vec<Signal>,
    /// Signals that the collector does not take at all.
    not_taken: Vec<Signal>,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Delivery {
    /// The collector has it, or takes none of its kind.
    Done,
    /// The collector refuses it.
    Refused,
    /// The environment ends, and the collector does not answer.
    TooLate,
}

/// Why a request is not exported.
#[derive(Debug)]
enum Refused {
    /// It may be later.
    Now {
        why: String,
        after: Option<Duration>,
    },
    /// It never will be.
    Forever(StatusCode),
}

impl Sender {
    pub(super) fn new(
        collector: &Collector,
        queue: &Arc<Queue>,
        ending: &CancellationToken,
    ) -> Self {
        Self {
            client: loopback_client::client(&collector.url("")),
            collector: collector.clone(),
            queue: queue.clone(),
            ending: ending.clone(),
            is_told: false,
            refused: Vec::new(),
            not_taken: Vec::new(),
        }
    }

    /// Sends everything, until the queue is closed and empty.
    pub(super) async fn run(mut self) {
        while let Some(message) = self.queue.next().await {
            if self.not_taken.contains(&message.signal) {
                continue;
            }
            match self.deliver(&message).await {
                Delivery::Done => {}
                Delivery::Refused => self.queue.drop_items(message.signal, message.items),
                Delivery::TooLate => self.queue.clear(),
            }
        }
    }

    /// Sends a request until the collector takes it or refuses it for good.
    async fn deliver(&mut self, message: &Message) -> Delivery {
        let mut wait = WAITS.0;
        loop {
            let was_ending = self.ending.is_cancelled();
            match self.post(message).await {
                Ok(None) => {
                    self.answered();
                    return Delivery::Done;
                }
                Ok(Some((items, why))) => {
                    self.answered();
                    self.refuses(message.signal, &format!("rejects some of them: {why}"));
                    self.queue.drop_items(message.signal, items);
                    return Delivery::Done;
                }
                Err(Refused::Forever(status)) => {
                    self.answered();
                    return self.refuses_all(message.signal, status);
                }
                Err(Refused::Now { why, after }) => {
                    self.does_not_answer(&why);
                    if was_ending {
                        return Delivery::TooLate;
                    }
                    let wait_now = after.unwrap_or(wait).min(WAITS.1);
                    tokio::select! {
                        () = tokio::time::sleep(wait_now) => {}
                        () = self.ending.cancelled() => {}
                    }
                    wait = (wait * 2).min(WAITS.1);
                }
            }
        }
    }

    /// Sends a request once. Returns what the collector rejects of it.
    async fn post(&self, message: &Message) -> Result<Option<(u64, String)>, Refused> {
        let path = match message.signal {
            Signal::Traces => "/v1/traces",
            Signal::Metrics => "/v1/metrics",
        };
        let request = self.client.post(self.collector.url(path));
        let request = request.headers(self.collector.headers().clone());
        let request = request.header(header::CONTENT_TYPE, "application/x-protobuf");
        let request = request.timeout(TIMEOUT).body(message.body.clone());
        let reply = request.send().await.map_err(|error| Refused::Now {
            why: format!("does not answer: {}", causes(error)),
            after: None,
        })?;
        let status = reply.status();
        if !status.is_success() {
            return Err(if is_for_now(status) {
                let why = format!("answers {status} to {path}");
                let after = retry_after(reply.headers());
                Refused::Now { why, after }
            } else {
                Refused::Forever(status)
            });
        }
        // Whatever it says, it has the request.
        let body = reply.bytes().await.unwrap_or_default();
        Ok(rejected(message.signal, &body))
    }

    /// Tells of the first failure in a row.
    fn does_not_answer(&mut self, why: &str) {
        if !std::mem::replace(&mut self.is_told, true) {
            let (collector, hint) = (&self.collector, self.collector.hint());
            tracing::warn!(
                "the OpenTelemetry collector at {collector} {why}; the pipeline runs on, and what waits too long is dropped (hint: {hint})"
            );
        }
    }

    fn answered(&mut self) {
        if std::mem::take(&mut self.is_told) {
            tracing::info!("the OpenTelemetry collector at {} answers", self.collector);
        }
    }

    /// The collector refuses a request for good. A tracing backend such as Jaeger has no
    /// path for metrics: that is no loss.
    fn refuses_all(&mut self, signal: Signal, status: StatusCode) -> Delivery {
        let has_no_path = matches!(
            status,
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED
        );
        if !has_no_path {
            self.refuses(signal, &format!("answers {status}"));
            return Delivery::Refused;
        }
        self.refuses(
            signal,
            &format!("answers {status}; they are not sent to it"),
        );
        self.not_taken.push(signal);
        Delivery::Done
    }

    /// Tells once of each signal.
    fn refuses(&mut self, signal: Signal, why: &str) {
        if !self.refused.contains(&signal) {
            self.refused.push(signal);
            let name = signal.name();
            tracing::warn!(
                "{name}: the OpenTelemetry collector at {} {why}",
                self.collector
            );
        }
    }
}

/// The statuses after which a request may be sent again (OTLP/HTTP, "Retryable response
/// codes").
fn is_for_now(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    seconds.trim().parse().map(Duration::from_secs).ok()
}

/// What a collector rejects of a request that it takes ("Partial success").
fn rejected(signal: Signal, body: &[u8]) -> Option<(u64, String)> {
    let (rejected, why) = match signal {
        Signal::Traces => {
            let reply = ExportTraceServiceResponse::decode(body).ok()?;
            let partial = reply.partial_success?;
            (partial.rejected_spans, partial.error_message)
        }
        Signal::Metrics => {
            let reply = ExportMetricsServiceResponse::decode(body).ok()?;
            let partial = reply.partial_success?;
            (partial.rejected_data_points, partial.error_message)
        }
    };
    let rejected = u64::try_from(rejected).ok().filter(|items| *items > 0)?;
    Some((rejected, why))
}

/// An error's innermost cause: the outer ones repeat that a request failed.
fn causes(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", TIMEOUT.as_secs());
    }
    let error = error.without_url();
    let mut cause: &dyn Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
