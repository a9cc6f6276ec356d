//! The page at `/_local/` of the AWS port, and what only it asks for.
//!
//! The page is an AWS client of its own origin. What no AWS API has is under `/_local/`:
//! the live stream ([`live`]), records and their journeys ([`records`]), execution
//! environments ([`functions`]), the cache ([`cache`]) and discarded batches
//! ([`failures`]). A recorder listens to the events from the first page on.

mod assets;
mod cache;
mod failures;
mod functions;
pub(crate) mod journey;
mod journey_text;
mod live;
pub(crate) mod recorder;
mod recording;
mod records;
mod refusal;
mod remembered;
pub(crate) mod sample;
mod sampler;
mod standalone;

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use aws_config::SdkConfig;
use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{Method, StatusCode};
use kinesis_engine::reader::Reader;
use lambda_host::Functions;
use momento_offline::keyspace::Keyspace;
use tokio_util::sync::CancellationToken;

use self::{
    recorder::Recorder,
    refusal::Refusal,
    remembered::Remembered,
    sample::Sample,
    sampler::{Samples, Sampling},
};
use crate::{aws::gateway::CallCounts, events::EventBus, mappings::registry::Registry};

/// The page's path, on the AWS port.
pub const PAGE_PATH: &str = "/_local/";

/// The header that a change needs: another site's page cannot send it without a preflight
/// request, which is not answered.
pub const CHANGE_HEADER: &str = "x-klocal";

/// The value of [`CHANGE_HEADER`].
pub const CHANGE_VALUE: &str = "page";

pub use self::{
    failures::{RedriveReply, redrive_path},
    recording::Recording,
    records::RECORDS_PATH,
    standalone::standalone,
};

/// Bytes of a request's body at most.
const MAX_BODY: usize = 1024 * 1024;

/// The page of an environment. It is empty until [`Page::show`]: the port listens before
/// the functions start. Clones are the same page.
#[derive(Clone)]
pub struct Page(Arc<Inner>);

struct Inner {
    bus: EventBus,
    recorder: Recorder,
    remembered: Remembered,
    samples: Samples,
    shown: OnceLock<Shown>,
}

/// What a page shows.
pub struct Shown {
    /// The region of all ARNs.
    pub region: String,
    /// The URL of the AWS APIs; `None` where this process does not serve them.
    pub aws_url: Option<String>,
    /// The URL of the Invoke API; `None` where this process does not serve it.
    pub lambda_url: Option<String>,
    /// The kind of the cache: its transport, `momento` or `none`.
    pub cache_kind: &'static str,
    /// The cache in this process, and its URL.
    pub cache: Option<(Arc<Keyspace>, String)>,
    /// The functions.
    pub functions: Functions,
    /// The event source mappings.
    pub mappings: Registry,
    /// The folder of the invocation records of discarded batches.
    pub failures: PathBuf,
    /// The streams, and how often each AWS operation was called; `None` where another
    /// process has them.
    pub engine: Option<(Reader, Arc<CallCounts>)>,
    /// How the AWS APIs are called.
    pub sdk: SdkConfig,
}

impl Page {
    /// The page of an environment that publishes to `bus`.
    #[must_use]
    pub fn new(bus: EventBus) -> Self {
        Self(Arc::new(Inner {
            recorder: Recorder::new(bus.clone()),
            remembered: Remembered::default(),
            bus,
            samples: Samples::default(),
            shown: OnceLock::new(),
        }))
    }

    /// Shows this from now on.
    pub fn show(&self, shown: Shown) {
        let _ = self.0.shown.set(shown);
    }

    /// The routes, with `others` that are under `/_local/` too. A change needs
    /// [`CHANGE_HEADER`].
    pub fn router(&self, others: Router) -> Router {
        let own = Router::new()
            .route(PAGE_PATH, get(assets::index))
            .route("/_local", get(assets::to_index))
            .route("/_local/page/{name}", get(assets::named))
            .route("/_local/live", get(live::live))
            .merge(records::router())
            .merge(functions::router())
            .merge(cache::router())
            .merge(failures::router())
            .with_state(self.clone());
        own.merge(others)
            .layer(DefaultBodyLimit::max(MAX_BODY))
            .layer(from_fn(guarded))
    }

    /// Records from now on, for a page that is open. Returns whether it has done so before.
    fn record(&self) -> bool {
        self.record_as(Sampling::LIVE)
    }

    fn record_as(&self, sampling: Sampling) -> bool {
        let before = self.0.recorder.start(|| self.0.remembered.remember());
        if !before {
            sampler::start(&self.0, sampling);
        }
        before
    }

    /// Records from now on, for an exporter too.
    pub(crate) fn export(&self) -> &Recorder {
        self.0.recorder.state().outbox.get_or_insert_default();
        self.record();
        &self.0.recorder
    }

    /// What is shown, once everything has started.
    pub(crate) fn shown_now(&self) -> Option<&Shown> {
        self.0.shown.get()
    }

    /// The samples of the last minutes, the oldest first.
    pub(crate) fn samples(&self) -> Vec<Arc<Sample>> {
        self.0.samples.kept()
    }

    /// Is cancelled once everything is recorded and sampled, after the bus was closed.
    pub(crate) fn ended(&self) -> CancellationToken {
        self.0.samples.ended()
    }

    fn shown(&self) -> Result<&Shown, Refusal> {
        self.0.shown.get().ok_or_else(|| {
            let what = "the environment is still starting; try again in a second";
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, what)
        })
    }
}

/// Refuses a change without its header, and keeps replies out of caches.
async fn guarded(request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let own = request.headers().get(CHANGE_HEADER);
    if !reads && own.is_none_or(|value| value != CHANGE_VALUE) {
        let what =
            format!("a change under {PAGE_PATH} needs the header {CHANGE_HEADER}: {CHANGE_VALUE}");
        return Refusal::new(StatusCode::FORBIDDEN, what).into_response();
    }
    assets::with_headers(next.run(request).await)
}
