//! An event source mapping as Lambda's API knows it: what it reads, what it invokes, and
//! with which options.

use std::collections::BTreeMap;

use aws_wire::ACCOUNT_ID;
use event_source_mapping::{queue::settings::QueueSettings, settings::Settings};
use sam_template::environment::{Environment, Mapping, QueueMapping};
use uuid::{Builder, Uuid};

use super::queues::queue_arn;

/// A mapping that can run.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// Names it in the API, and stays the same over restarts.
    pub uuid: Uuid,
    /// Names it in messages, events and file names: its logical id, or its UUID where the
    /// template does not have it.
    pub name: String,
    /// The function's name.
    pub function: String,
    /// The ARN of the stream, of its consumer, or of the queue, as `EventSourceArn` has it.
    pub source_arn: String,
    /// Its options.
    pub options: Options,
    /// Who made it: only what the API made is kept in the data folder.
    pub origin: Origin,
    /// Its tags, which have no effect.
    pub tags: BTreeMap<String, String>,
}

/// The options of a mapping, by the kind of its event source.
#[derive(Debug, Clone, PartialEq)]
pub enum Options {
    /// Of a Kinesis stream.
    Stream(Settings),
    /// Of an SQS queue.
    Queue(QueueSettings),
}

/// Who made a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The template has it.
    Template,
    /// `CreateEventSourceMapping`.
    Api,
}

impl Options {
    /// `Enabled`.
    #[must_use]
    pub fn enabled(&self) -> bool {
        match self {
            Self::Stream(settings) => settings.enabled,
            Self::Queue(settings) => settings.enabled,
        }
    }

    /// Sets `Enabled`.
    pub fn enable(&mut self, enabled: bool) {
        match self {
            Self::Stream(settings) => settings.enabled = enabled,
            Self::Queue(settings) => settings.enabled = enabled,
        }
    }
}

impl Definition {
    /// The mapping of a template. Its UUID follows from its logical id and its stream:
    /// CloudFormation replaces a mapping whose event source changes, and no other.
    #[must_use]
    pub fn of(mapping: &Mapping, region: &str) -> Self {
        let source_arn = stream_arn(region, &mapping.stream);
        let options = Options::Stream(mapping.settings.clone());
        Self::of_template(&mapping.logical_id, &mapping.function, source_arn, options)
    }

    /// The mapping of a queue of a template.
    #[must_use]
    pub fn of_queue(mapping: &QueueMapping, region: &str) -> Self {
        let source_arn = queue_arn(region, &mapping.queue);
        let options = Options::Queue(mapping.settings.clone());
        Self::of_template(&mapping.logical_id, &mapping.function, source_arn, options)
    }

    /// Every mapping of a template.
    #[must_use]
    pub fn all(environment: &Environment, region: &str) -> Vec<Self> {
        let streams = environment.mappings.iter();
        let queues = environment.queue_mappings.iter();
        streams
            .map(|mapping| Self::of(mapping, region))
            .chain(queues.map(|mapping| Self::of_queue(mapping, region)))
            .collect()
    }

    fn of_template(name: &str, function: &str, source_arn: String, options: Options) -> Self {
        let identity = format!("{name} {source_arn}");
        Self {
            uuid: Builder::from_md5_bytes(md5::compute(identity).0).into_uuid(),
            name: name.to_owned(),
            function: function.to_owned(),
            source_arn,
            options,
            origin: Origin::Template,
            tags: BTreeMap::new(),
        }
    }

    /// The name of the stream or queue.
    #[must_use]
    pub fn source(&self) -> &str {
        match self.options {
            Options::Stream(_) => self.stream(),
            Options::Queue(_) => self.queue(),
        }
    }

    /// The queue's name, of a mapping of a queue.
    #[must_use]
    pub fn queue(&self) -> &str {
        self.source_arn.rsplit(':').next().unwrap_or_default()
    }

    /// The stream's name, of a mapping of a stream.
    #[must_use]
    pub fn stream(&self) -> &str {
        stream_of(&self.source_arn).unwrap_or(&self.source_arn)
    }
}

/// The ARN of a stream.
#[must_use]
pub fn stream_arn(region: &str, stream: &str) -> String {
    format!("arn:aws:kinesis:{region}:{ACCOUNT_ID}:stream/{stream}")
}

/// The name of the stream that a stream's or a consumer's ARN has.
#[must_use]
pub fn stream_of(arn: &str) -> Option<&str> {
    let (_, name) = arn.split_once(":stream/")?;
    name.split('/').next().filter(|name| !name.is_empty())
}
