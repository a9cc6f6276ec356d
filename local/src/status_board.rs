//! `GET /_local/status`: the status of the event source mappings and of the cache.
//! `POST /_local/settled`: waits until every record written so far is settled.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};
use event_source_mapping::{
    queue::status::QueueStatus, settlement::DiscardedBatch, status::MappingStatus,
};
use http::Uri;
use momento_offline::{
    admin::CacheStatus,
    keyspace::Keyspace,
    transport::{Served, Transport},
};
use serde::{Deserialize, Serialize};
use tokio::{sync::watch, time::timeout};
use uuid::Uuid;

use crate::mappings::{MappingWatch, Now, definition::Options, registry::Registry};

/// The path of the status, on the Invoke API's port.
pub const STATUS_PATH: &str = "/_local/status";

/// The path of the wait, on the same port; `?timeout=S` limits it.
pub const SETTLED_PATH: &str = "/_local/settled";

/// How long the queues' state may take.
const REFRESH: Duration = Duration::from_secs(1);

/// How long a wait takes without `?timeout=S`.
pub const SETTLED_TIMEOUT: Duration = Duration::from_mins(1);

/// The status of a running environment.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Status {
    /// Each event source mapping of a stream.
    pub mappings: Vec<MappingStatus>,
    /// Each event source mapping of a queue.
    #[serde(
        rename = "queueMappings",
        default,
        skip_serializing_if = "Vec::is_empty"
    )]
    pub queue_mappings: Vec<QueueStatus>,
    /// The local cache; `None` with Momento itself or without a cache.
    pub cache: Option<CacheStatus>,
    /// The folder of the invocation records of discarded batches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<PathBuf>,
    /// The URL of the AWS APIs, where the same process serves them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aws: Option<String>,
    /// The names of the functions that the same process runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub functions: Vec<String>,
}

/// The result of a wait.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Settled {
    /// Every record written before the request is processed, discarded or filtered out, and
    /// every mapped queue is empty.
    pub settled: bool,
    /// Batches discarded since the last wait that ended before this one began, or since
    /// the start.
    pub discarded: Vec<DiscardedBatch>,
    /// The status when the wait ended.
    pub status: Status,
}

/// Serves the status. It is empty until [`StatusBoard::show`]: the port listens
/// before the mappings start.
#[derive(Clone, Default)]
pub struct StatusBoard(Arc<watch::Sender<Option<Arc<Shown>>>>);

struct Shown {
    mappings: Registry,
    cache: Option<(Transport, Arc<Keyspace>)>,
    failures: PathBuf,
    aws: Option<String>,
    functions: Vec<String>,
    /// Discarded batches of each mapping that a wait has reported.
    reported: Mutex<Reported>,
}

/// How many discarded batches of each mapping.
type Reported = BTreeMap<Uuid, u64>;

impl StatusBoard {
    /// Shows the mappings of this registry, this cache and this folder from now on, and the
    /// URL of the AWS APIs and the names of the functions that this process has.
    pub fn show(
        &self,
        mappings: &Registry,
        cache: Option<&Served>,
        failures: &Path,
        (aws, functions): (Option<String>, Vec<String>),
    ) {
        let cache = cache.map(|cache| (cache.transport(), cache.keyspace().clone()));
        self.0.send_replace(Some(Arc::new(Shown {
            reported: Mutex::default(),
            mappings: mappings.clone(),
            cache,
            failures: failures.to_owned(),
            aws,
            functions,
        })));
    }

    /// The current status.
    #[must_use]
    pub fn status(&self) -> Status {
        let shown = self.0.borrow().clone();
        shown.map_or_else(Status::default, |shown| shown.status())
    }

    /// Asks the mapped queues for their state, for the next status.
    async fn refresh(&self) {
        let shown = self.0.borrow().clone();
        if let Some(shown) = shown {
            // A status without the newest counts is better than none.
            let _ = timeout(REFRESH, shown.mappings.refresh()).await;
        }
    }

    /// Waits until every record written so far is settled, `most` at the longest.
    pub async fn settled(&self, most: Duration) -> Settled {
        let before = self.0.borrow().as_ref().map(|shown| shown.reported());
        let waited = timeout(most, async {
            let mut shown = self.0.subscribe();
            let shown = shown.wait_for(Option::is_some).await;
            let shown = shown.ok().and_then(|shown| shown.clone());
            match shown {
                Some(shown) => shown.mappings.settled().await,
                None => false,
            }
        });
        let settled = waited.await.unwrap_or(false);
        let shown = self.0.borrow().clone();
        Settled {
            settled,
            discarded: shown
                .as_ref()
                .map(|shown| shown.report(&before.unwrap_or_default()))
                .unwrap_or_default(),
            status: self.status(),
        }
    }

    /// The HTTP routes.
    pub fn router(self) -> Router {
        Router::new()
            .route(STATUS_PATH, get(status))
            .route(SETTLED_PATH, post(settled))
            .with_state(self)
    }
}

impl Shown {
    fn status(&self) -> Status {
        let cache = self.cache.as_ref();
        Status {
            mappings: self
                .mappings
                .all()
                .iter()
                .filter_map(stream_status)
                .collect(),
            queue_mappings: self
                .mappings
                .all()
                .iter()
                .filter_map(queue_status)
                .collect(),
            cache: cache.map(|(transport, keyspace)| CacheStatus::of(keyspace, transport.name())),
            failures: Some(self.failures.clone()),
            aws: self.aws.clone(),
            functions: self.functions.clone(),
        }
    }

    fn reported(&self) -> Reported {
        let reported = self.reported.lock();
        reported.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The batches of each mapping that were discarded after the first `before` ones;
    /// waits that begin from now on do not report them.
    fn report(&self, before: &Reported) -> Vec<DiscardedBatch> {
        let mut discarded = Vec::new();
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        for mapping in self.mappings.all() {
            let Some(watch) = mapping.watch else {
                continue;
            };
            let uuid = mapping.definition.uuid;
            let before = before.get(&uuid).copied().unwrap_or(0);
            let (batches, now) = watch.discarded_after(before);
            discarded.extend(batches);
            let reported = reported.entry(uuid).or_default();
            *reported = now.max(*reported);
        }
        discarded
    }
}

/// The status of a stream's mapping.
fn stream_status(mapping: &Now) -> Option<MappingStatus> {
    let definition = &mapping.definition;
    let mut status = match &mapping.watch {
        Some(MappingWatch::Stream(watch)) => watch.status(),
        Some(MappingWatch::Queue(_)) => return None,
        None if !matches!(definition.options, Options::Stream(_)) => return None,
        None => MappingStatus {
            name: definition.name.clone(),
            function: definition.function.clone(),
            stream_arn: definition.source_arn.clone(),
            shards: BTreeMap::new(),
            state: None,
        },
    };
    status.state = Some(mapping.state.as_str().to_owned());
    Some(status)
}

/// The status of a queue's mapping.
fn queue_status(mapping: &Now) -> Option<QueueStatus> {
    let definition = &mapping.definition;
    let mut status = match &mapping.watch {
        Some(MappingWatch::Queue(watch)) => watch.status(),
        Some(MappingWatch::Stream(_)) => return None,
        None if !matches!(definition.options, Options::Queue(_)) => return None,
        None => QueueStatus {
            name: definition.name.clone(),
            function: definition.function.clone(),
            queue_arn: definition.source_arn.clone(),
            ..QueueStatus::default()
        },
    };
    status.state = Some(mapping.state.as_str().to_owned());
    Some(status)
}

async fn status(State(board): State<StatusBoard>) -> Json<Status> {
    board.refresh().await;
    Json(board.status())
}

async fn settled(State(board): State<StatusBoard>, uri: Uri) -> Json<Settled> {
    let parameters = uri.query().unwrap_or_default().split('&');
    let seconds = parameters
        .filter_map(|one| one.strip_prefix("timeout="))
        .find_map(|text| text.parse().ok());
    let most = seconds.map_or(SETTLED_TIMEOUT, Duration::from_secs);
    Json(board.settled(most).await)
}
