//! A collector that keeps what it receives.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use opentelemetry_proto::tonic::{
    collector::{metrics::v1::ExportMetricsServiceRequest, trace::v1::ExportTraceServiceRequest},
    common::v1::{KeyValue, any_value::Value},
    metrics::v1::{Metric, NumberDataPoint, metric::Data, number_data_point},
    trace::v1::Span,
};
use prost::Message;
use tokio::{
    net::TcpListener,
    task::JoinSet,
    time::{Instant, sleep},
};

/// How long a test waits for something that must happen. A test that passes never does.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Default)]
struct Received {
    traces: Vec<ExportTraceServiceRequest>,
    metrics: Vec<ExportMetricsServiceRequest>,
    headers: Vec<HeaderMap>,
    /// Replies to the next requests for traces.
    replies: Vec<StatusCode>,
    metrics_are_not_taken: bool,
}

/// A span, and the `service.name` of who sends it.
#[derive(Debug, Clone)]
pub struct SpanOf {
    pub service: String,
    pub span: Span,
}

pub struct Collector {
    pub url: String,
    received: Arc<Mutex<Received>>,
    _server: JoinSet<()>,
}

impl Collector {
    pub async fn start() -> Self {
        Self::start_with(Vec::new()).await
    }

    /// Answers the first requests for traces with these.
    pub async fn start_with(replies: Vec<StatusCode>) -> Self {
        Self::serve(Received {
            replies,
            ..Received::default()
        })
        .await
    }

    /// Has no path for metrics.
    pub async fn of_traces_only() -> Self {
        Self::serve(Received {
            metrics_are_not_taken: true,
            ..Received::default()
        })
        .await
    }

    async fn serve(received: Received) -> Self {
        let received = Arc::new(Mutex::new(received));
        let router = Router::new()
            .route("/v1/traces", post(traces))
            .route("/v1/metrics", post(metrics))
            .with_state(received.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            url,
            received,
            _server: server,
        }
    }

    /// Every span so far.
    pub fn spans(&self) -> Vec<SpanOf> {
        let received = self.received.lock().unwrap();
        let all = received.traces.iter().flat_map(|one| &one.resource_spans);
        let all = all.flat_map(|one| {
            let attributes = &one.resource.as_ref().unwrap().attributes;
            let service = text(attributes, "service.name");
            let spans = one.scope_spans.iter().flat_map(|scope| scope.spans.clone());
            spans.map(move |span| SpanOf {
                service: service.clone(),
                span,
            })
        });
        all.collect()
    }

    /// Waits until `is` holds of the spans.
    pub async fn eventually(&self, is: impl Fn(&[SpanOf]) -> bool) -> Vec<SpanOf> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let spans = self.spans();
            if is(&spans) {
                return spans;
            }
            assert!(Instant::now() < deadline, "never, with {spans:#?}");
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// The sum of a metric with this attribute, as the last request has it; `None` where no
    /// request has it.
    pub fn metric(&self, name: &str, attribute: Option<(&str, &str)>) -> Option<i64> {
        let received = self.received.lock().unwrap();
        let last = received.metrics.last()?;
        let all = last.resource_metrics.iter();
        let all = all.flat_map(|one| one.scope_metrics.iter().flat_map(|scope| &scope.metrics));
        let points = all.filter(|metric| metric.name == name).flat_map(points);
        let is = |point: &&NumberDataPoint| {
            attribute.is_none_or(|(key, value)| text(&point.attributes, key) == value)
        };
        let values = points.filter(is).map(|point| match point.value {
            Some(number_data_point::Value::AsInt(value)) => value,
            _ => 0,
        });
        values.reduce(|one, other| one + other)
    }

    /// The names of all metrics that were received.
    pub fn metric_names(&self) -> Vec<String> {
        let received = self.received.lock().unwrap();
        let all = received
            .metrics
            .iter()
            .flat_map(|one| &one.resource_metrics);
        let all = all.flat_map(|one| one.scope_metrics.iter().flat_map(|scope| &scope.metrics));
        all.map(|metric| metric.name.clone()).collect()
    }

    /// Requests for traces that were taken.
    pub fn requests_for_traces(&self) -> usize {
        self.received.lock().unwrap().traces.len()
    }

    /// The headers of all requests.
    pub fn headers(&self) -> Vec<HeaderMap> {
        self.received.lock().unwrap().headers.clone()
    }
}

async fn traces(
    State(received): State<Arc<Mutex<Received>>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let mut received = received.lock().unwrap();
    received.headers.push(headers);
    if !received.replies.is_empty() {
        return received.replies.remove(0);
    }
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    received.traces.push(request);
    StatusCode::OK
}

async fn metrics(
    State(received): State<Arc<Mutex<Received>>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let mut received = received.lock().unwrap();
    received.headers.push(headers);
    if received.metrics_are_not_taken {
        return StatusCode::NOT_FOUND;
    }
    let request = ExportMetricsServiceRequest::decode(body).unwrap();
    received.metrics.push(request);
    StatusCode::OK
}

fn points(metric: &Metric) -> &[NumberDataPoint] {
    match &metric.data {
        Some(Data::Sum(sum)) => &sum.data_points,
        Some(Data::Gauge(gauge)) => &gauge.data_points,
        _ => &[],
    }
}

/// An attribute as text; empty where it is missing.
pub fn text(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|one| one.key == key);
    let value = found.and_then(|one| one.value.as_ref()?.value.clone());
    match value {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(flag)) => flag.to_string(),
        _ => String::new(),
    }
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
