//! Starts the event source mappings of a template, for every command: the only place
//! where a mapping's parts are put together.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
};

use aws_config::SdkConfig;
use aws_wire::ACCOUNT_ID;
use event_source_mapping::{
    backoff::Backoff,
    checkpoint::Checkpoints,
    context::MappingContext,
    destination::{Destination, Destinations, FailureFolder},
    mapping::EventSourceMapping,
    observer::{NoObserver, Observer},
    poll_trigger::PollTrigger,
    sdk_source::SdkSource,
    source::Source,
    sqs_queue::SqsQueue,
    status::Status,
    target::Target,
};
use kinesis_engine::reader::Reader;
use movable_clock::Clock;
use tokio_util::sync::CancellationToken;

use crate::{adapters::engine_source::EngineSource, template::environment::Mapping};

/// What the mappings of one run share.
pub struct Mappings {
    kinesis: aws_sdk_kinesis::Client,
    region: String,
    failures: PathBuf,
    queues_at: Option<SdkConfig>,
    checkpoints: Option<PathBuf>,
    observer: Arc<dyn Observer>,
    backoff: Backoff,
    clock: Clock,
    reader: Option<Reader>,
}

/// A mapping's checkpoint file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("checkpoints of {mapping}: {reason}{}", hint(.reason))]
pub struct CheckpointError {
    /// The mapping.
    pub mapping: String,
    /// Why the file cannot be used.
    pub reason: std::io::Error,
}

fn hint(reason: &std::io::Error) -> &'static str {
    match reason.kind() {
        ErrorKind::ResourceBusy => {
            "\nhint: stop the other process, or choose another folder with --data-dir"
        }
        _ => "",
    }
}

impl Mappings {
    /// Mappings that read streams in `region` through `kinesis`, and write the failure
    /// documents of discarded batches to the folder `failures`.
    #[must_use]
    pub fn new(kinesis: aws_sdk_kinesis::Client, region: &str, failures: &Path) -> Self {
        Self {
            kinesis,
            region: region.to_owned(),
            failures: failures.to_owned(),
            queues_at: None,
            checkpoints: None,
            observer: Arc::new(NoObserver),
            backoff: Backoff::default(),
            clock: Clock::system(),
            reader: None,
        }
    }

    /// Sends invocation records to the on-failure destinations too, which are SQS queues at
    /// the endpoint of `config`.
    #[must_use]
    pub fn with_queues_at(mut self, config: &SdkConfig) -> Self {
        self.queues_at = Some(config.clone());
        self
    }

    /// Keeps checkpoints in the data folder `folder`; with `None` in memory.
    #[must_use]
    pub fn checkpoints_in(mut self, folder: Option<&Path>) -> Self {
        self.checkpoints = folder.map(Path::to_owned);
        self
    }

    /// Tells `observer` of every invocation and every discarded batch.
    #[must_use]
    pub fn watched_by(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = observer;
        self
    }

    /// Sets the waits before retries.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Measures ages and windows by `clock`.
    #[must_use]
    pub fn on_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Reads records without requests, from the engine that serves the streams.
    #[must_use]
    pub fn reading_with(mut self, reader: Reader) -> Self {
        self.reader = Some(reader);
        self
    }

    /// Starts `mapping`, which invokes `target`.
    ///
    /// # Errors
    ///
    /// Another process runs the mapping on the same data folder, or its checkpoints cannot
    /// be read or written.
    pub fn start(
        &self,
        mapping: &Mapping,
        target: Arc<dyn Target>,
        poll_trigger: Arc<dyn PollTrigger>,
    ) -> Result<EventSourceMapping, CheckpointError> {
        let name = &mapping.logical_id;
        let checkpoints = match &self.checkpoints {
            None => Checkpoints::default(),
            Some(folder) => {
                Checkpoints::in_folder(folder, name).map_err(|reason| CheckpointError {
                    mapping: name.clone(),
                    reason,
                })?
            }
        };
        let (region, stream) = (&self.region, &mapping.stream);
        Ok(EventSourceMapping::start(MappingContext {
            name: name.clone(),
            settings: mapping.settings.clone(),
            stream_arn: format!("arn:aws:kinesis:{region}:{ACCOUNT_ID}:stream/{stream}"),
            region: region.clone(),
            source: self.source(stream),
            target,
            checkpoints,
            observer: self.observer.clone(),
            status: Status::default(),
            failures: self.destination(mapping),
            poll_trigger,
            backoff: self.backoff,
            clock: self.clock.clone(),
            stop: CancellationToken::new(),
        }))
    }

    /// The queue of `mapping`'s on-failure destination. `None` where queues are not used,
    /// or the destination is not a queue.
    #[must_use]
    pub fn queue_of(&self, mapping: &Mapping) -> Option<SqsQueue> {
        let arn = mapping.settings.on_failure.as_deref()?;
        SqsQueue::of_arn(arn, self.queues_at.as_ref()?)
    }

    fn destination(&self, mapping: &Mapping) -> Arc<dyn Destination> {
        let folder = Arc::new(FailureFolder::new(&self.failures));
        match self.queue_of(mapping) {
            None => folder,
            Some(queue) => Arc::new(Destinations(vec![folder, Arc::new(queue)])),
        }
    }

    fn source(&self, stream: &str) -> Arc<dyn Source> {
        let api = SdkSource::new(self.kinesis.clone(), stream);
        match &self.reader {
            None => Arc::new(api),
            Some(reader) => Arc::new(EngineSource::new(api, reader.clone())),
        }
    }
}
