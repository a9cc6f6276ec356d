//! An event source mapping as Lambda's API knows it: what it reads, what it invokes, and
//! with which options.

use std::collections::BTreeMap;

use aws_wire::ACCOUNT_ID;
use event_source_mapping::settings::Settings;
use uuid::{Builder, Uuid};

use crate::template::environment::Mapping;

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
    /// The ARN of the stream, or of its consumer, as `EventSourceArn` has it.
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
        }
    }

    /// Sets `Enabled`.
    pub fn enable(&mut self, enabled: bool) {
        match self {
            Self::Stream(settings) => settings.enabled = enabled,
        }
    }
}

impl Definition {
    /// The mapping of a template. Its UUID follows from its logical id and its stream:
    /// CloudFormation replaces a mapping whose event source changes, and no other.
    #[must_use]
    pub fn of(mapping: &Mapping, region: &str) -> Self {
        let source_arn = stream_arn(region, &mapping.stream);
        let identity = format!("{} {source_arn}", mapping.logical_id);
        Self {
            uuid: Builder::from_md5_bytes(md5::compute(identity).0).into_uuid(),
            name: mapping.logical_id.clone(),
            function: mapping.function.clone(),
            source_arn,
            options: Options::Stream(mapping.settings.clone()),
            origin: Origin::Template,
            tags: BTreeMap::new(),
        }
    }

    /// The stream's name.
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
