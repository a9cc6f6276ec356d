//! Starts the event source mappings of a template, for every command: the only place
//! where a mapping's parts are put together. The [`registry`] runs them, and changes them
//! while they run.

pub mod definition;
pub mod document;
mod entry;
mod kept;
pub mod registry;
mod running;

pub mod queues;

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
};

use aws_config::SdkConfig;
use event_source_mapping::{
    backoff::Backoff,
    checkpoint::Checkpoints,
    context::MappingContext,
    destination::{Destination, Destinations, FailureFolder},
    mapping::EventSourceMapping,
    observer::{NoObserver, Observer},
    poll_trigger::PollTrigger,
    sdk_source::SdkSource,
    settings::Settings,
    source::Source,
    sqs_queue::SqsQueue,
    status::Status,
    target::Target,
};
use kinesis_engine::reader::Reader;
use movable_clock::Clock;
use sam_template::environment::Mapping;
use sqs_engine::Sqs;
use tokio_util::sync::CancellationToken;

use self::definition::{Definition, Options};
pub use self::{
    entry::{Now, State},
    running::{MappingWatch, Paused, RunningMapping},
};
use crate::adapters::engine_source::EngineSource;

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
    sqs: Option<Arc<Sqs>>,
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
            sqs: None,
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

    /// Receives messages without requests, from the engine that has the queues.
    #[must_use]
    pub fn receiving_from(mut self, sqs: Arc<Sqs>) -> Self {
        self.sqs = Some(sqs);
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
        let definition = Definition::of(mapping, &self.region);
        self.stream_mapping(&definition, &mapping.settings, target, poll_trigger)
    }

    /// Starts the mapping of a definition; a paused one where it stopped.
    pub(crate) fn run(
        &self,
        definition: &Definition,
        paused: Option<Paused>,
        target: Arc<dyn Target>,
        poll_trigger: impl FnOnce() -> Arc<dyn PollTrigger>,
    ) -> Result<RunningMapping, CheckpointError> {
        match (&definition.options, paused) {
            (Options::Stream(settings), Some(Paused::Stream(paused))) => {
                let running = paused.resume(|context| {
                    context.settings = settings.clone();
                    context.target = target;
                    context.failures = self.destination(settings);
                });
                Ok(RunningMapping::Stream(running))
            }
            // Nothing changes the kind of a mapping's options.
            (Options::Stream(settings), None | Some(Paused::Queue(_))) => {
                let running = self.stream_mapping(definition, settings, target, poll_trigger());
                running.map(RunningMapping::Stream)
            }
            (Options::Queue(settings), Some(Paused::Queue(paused))) => {
                let running = paused.resume(|context| {
                    context.settings = settings.clone();
                    context.target = target;
                });
                Ok(RunningMapping::Queue(running))
            }
            (Options::Queue(settings), None | Some(Paused::Stream(_))) => {
                let queue = definition.queue();
                let running = self.start_queue(&definition.name, queue, settings, target);
                let running = running.ok_or_else(|| CheckpointError {
                    mapping: definition.name.clone(),
                    reason: std::io::Error::other("the endpoint offers no SQS"),
                })?;
                Ok(RunningMapping::Queue(running))
            }
        }
    }

    fn stream_mapping(
        &self,
        definition: &Definition,
        settings: &Settings,
        target: Arc<dyn Target>,
        poll_trigger: Arc<dyn PollTrigger>,
    ) -> Result<EventSourceMapping, CheckpointError> {
        let name = &definition.name;
        let checkpoints = match &self.checkpoints {
            None => Checkpoints::default(),
            Some(folder) => {
                Checkpoints::in_folder(folder, name).map_err(|reason| CheckpointError {
                    mapping: name.clone(),
                    reason,
                })?
            }
        };
        let (region, stream) = (&self.region, definition.stream());
        Ok(EventSourceMapping::start(MappingContext {
            name: name.clone(),
            settings: settings.clone(),
            stream_arn: definition::stream_arn(region, stream),
            region: region.clone(),
            source: self.source(stream),
            target,
            checkpoints,
            observer: self.observer.clone(),
            status: Status::default(),
            failures: self.destination(settings),
            poll_trigger,
            backoff: self.backoff,
            clock: self.clock.clone(),
            stop: CancellationToken::new(),
        }))
    }

    /// Whether the stream of this name exists, as far as its endpoint answers.
    pub(crate) async fn has_stream(&self, stream: &str) -> bool {
        let described = self.kinesis.describe_stream_summary();
        described.stream_name(stream).send().await.is_ok()
    }

    /// The queue of a mapping's on-failure destination. `None` where queues are not used,
    /// or the destination is not a queue.
    #[must_use]
    pub fn destination_queue(&self, settings: &Settings) -> Option<SqsQueue> {
        let arn = settings.on_failure.as_deref()?;
        SqsQueue::of_arn(arn, self.queues_at.as_ref()?)
    }

    fn destination(&self, settings: &Settings) -> Arc<dyn Destination> {
        let folder = Arc::new(FailureFolder::new(&self.failures));
        match self.destination_queue(settings) {
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
