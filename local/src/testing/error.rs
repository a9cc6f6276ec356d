//! What a test's environment reports.

use std::time::Duration;

use event_source_mapping::{queue::status::QueueStatus, status::MappingStatus};

use crate::{bootstraps::BootstrapError, embedded::StartError, project::ProjectError};

/// Why an environment does not do what a test asks.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The working folder is unknown.
    #[error("the working folder: {0}")]
    Folder(std::io::Error),
    /// The template or `local.toml` cannot be used.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// A function has nothing to run.
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
    /// The environment cannot start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A function's init fails.
    #[error("function {function} does not start: {reason}")]
    Init {
        /// The function.
        function: String,
        /// Its error.
        reason: String,
    },
    /// A record is refused.
    #[error("put to stream {stream}: {reason}")]
    Put {
        /// The stream.
        stream: String,
        /// Kinesis' error.
        reason: String,
    },
    /// SQS refuses a request.
    #[error("queue {queue}: {reason}")]
    Queue {
        /// The queue.
        queue: String,
        /// SQS's error.
        reason: String,
    },
    /// There is no queue of this name.
    #[error("there is no queue {0}")]
    NoQueue(String),
    /// Records are neither processed nor discarded.
    #[error("records are not settled after {most:?}: {}", pending(.mappings, .queue_mappings))]
    Unsettled {
        /// How long the test waited.
        most: Duration,
        /// What the mappings do.
        mappings: Vec<MappingStatus>,
        /// What the mappings of queues do.
        queue_mappings: Vec<QueueStatus>,
    },
    /// A function does not log a line.
    #[error("function {function} has logged no line with {text:?}")]
    NotLogged {
        /// The function.
        function: String,
        /// What the line should contain.
        text: String,
    },
    /// The template has no such function.
    #[error("the template has no function {0}")]
    NoFunction(String),
    /// The project has no local cache.
    #[error("no local cache is served\nhint: add [cache] to local.toml")]
    NoCache,
    /// A fault rule cannot be used.
    #[error("fault rule {rule:?}: {reason}")]
    Fault {
        /// The rule, as it was given.
        rule: String,
        /// Why.
        reason: String,
    },
}

fn pending(mappings: &[MappingStatus], queues: &[QueueStatus]) -> String {
    let shards = mappings.iter().flat_map(|mapping| {
        let waiting = mapping.shards.iter();
        let waiting = waiting.filter(|(_, shard)| shard.pending > 0 || shard.last_error.is_some());
        waiting.map(|(id, shard)| {
            let error = shard.last_error.as_deref().unwrap_or("no error");
            format!("{} {id}: {} pending, {error}", mapping.name, shard.pending)
        })
    });
    let queues = queues.iter().filter_map(|queue| {
        let left = queue.visible + queue.not_visible + queue.delayed;
        let error = queue.last_error.as_deref();
        (left > 0 || error.is_some()).then(|| {
            let error = error.unwrap_or("no error");
            format!("{}: {left} messages left, {error}", queue.name)
        })
    });
    shards.chain(queues).collect::<Vec<_>>().join("; ")
}
