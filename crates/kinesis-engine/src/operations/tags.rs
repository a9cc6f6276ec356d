//! Tags of streams and consumers, by either family of operations.

use std::{collections::BTreeMap, sync::Arc};

use aws_wire::format::null_is_default;
use serde::{Deserialize, Serialize};

use crate::{
    engine::{
        Engine,
        consumer::split_arn,
        stream::{Settings, Stream},
    },
    error::KinesisError,
    validation::Constraints,
};

type Tags = BTreeMap<String, String>;

/// Tags of one resource at most (API reference, `AddTagsToStream`).
const MAX_TAGS: u8 = 50;

/// Names a stream, or a consumer by `ResourceARN`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Add {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(rename = "ResourceARN")]
    resource_arn: Option<String>,
    #[serde(default, deserialize_with = "null_is_default")]
    tags: Tags,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Remove {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(rename = "ResourceARN")]
    resource_arn: Option<String>,
    #[serde(default, deserialize_with = "null_is_default")]
    tag_keys: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(rename = "ResourceARN")]
    resource_arn: Option<String>,
    exclusive_start_tag_key: Option<String>,
    limit: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    tags: Vec<Tag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    has_more_tags: Option<bool>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    value: String,
}

/// Adds tags to a stream.
pub(super) async fn add_tags_to_stream(engine: &Engine, request: Add) -> Result<(), KinesisError> {
    let stream = engine.stream(
        request.stream_name.as_deref(),
        request.stream_arn.as_deref(),
    )?;
    Tagged {
        stream,
        consumer: None,
    }
    .add(engine, request.tags)
}

/// Removes tags from a stream.
pub(super) async fn remove_tags_from_stream(
    engine: &Engine,
    request: Remove,
) -> Result<(), KinesisError> {
    let stream = engine.stream(
        request.stream_name.as_deref(),
        request.stream_arn.as_deref(),
    )?;
    Tagged {
        stream,
        consumer: None,
    }
    .remove(engine, &request.tag_keys)
}

/// Lists a stream's tags, a page at a time.
pub(super) async fn list_tags_for_stream(
    engine: &Engine,
    request: List,
) -> Result<Listed, KinesisError> {
    let mut constraints = Constraints::default();
    constraints.range("limit", request.limit, 1, i64::from(MAX_TAGS));
    constraints.finish()?;
    let stream = engine.stream(
        request.stream_name.as_deref(),
        request.stream_arn.as_deref(),
    )?;
    let all = Tagged {
        stream,
        consumer: None,
    }
    .list()?;
    let after = request.exclusive_start_tag_key;
    let mut left = all
        .into_iter()
        .filter(|(key, _)| after.as_ref().is_none_or(|after| key > after));
    let limit = request.limit.and_then(|limit| usize::try_from(limit).ok());
    let tags = left
        .by_ref()
        .take(limit.unwrap_or(usize::from(MAX_TAGS)))
        .map(Tag::from)
        .collect();
    Ok(Listed {
        tags,
        has_more_tags: Some(left.next().is_some()),
    })
}

/// Adds tags to a stream or a consumer.
pub(super) async fn tag_resource(engine: &Engine, request: Add) -> Result<(), KinesisError> {
    Tagged::find(engine, request.resource_arn.as_deref())?.add(engine, request.tags)
}

/// Removes tags from a stream or a consumer.
pub(super) async fn untag_resource(engine: &Engine, request: Remove) -> Result<(), KinesisError> {
    Tagged::find(engine, request.resource_arn.as_deref())?.remove(engine, &request.tag_keys)
}

/// Lists the tags of a stream or a consumer.
pub(super) async fn list_tags_for_resource(
    engine: &Engine,
    request: List,
) -> Result<Listed, KinesisError> {
    let tags = Tagged::find(engine, request.resource_arn.as_deref())?.list()?;
    Ok(Listed {
        tags: tags.into_iter().map(Tag::from).collect(),
        has_more_tags: None,
    })
}

/// Checks tags that are to be added to `present` ones.
///
/// # Errors
///
/// `ValidationException` for a key or value of the wrong length,
/// `InvalidArgumentException` for too many.
pub(super) fn check_new(present: &Tags, added: &Tags) -> Result<(), KinesisError> {
    let mut constraints = Constraints::default();
    for (key, value) in added {
        constraints.length("tags", key, 1, 128);
        constraints.length("tags", value, 0, 256);
    }
    constraints.finish()?;
    let new = added
        .keys()
        .filter(|key| !present.contains_key(*key))
        .count();
    if present.len() + new > usize::from(MAX_TAGS) {
        return Err(KinesisError::InvalidArgument(format!(
            "a resource cannot have more than {MAX_TAGS} tags"
        )));
    }
    Ok(())
}

/// Something that has tags.
struct Tagged {
    stream: Arc<Stream>,
    consumer: Option<String>,
}

impl Tagged {
    fn find(engine: &Engine, arn: Option<&str>) -> Result<Self, KinesisError> {
        let Some((stream, name)) = arn.and_then(split_arn) else {
            let stream = engine.stream(None, arn)?;
            return Ok(Self {
                stream,
                consumer: None,
            });
        };
        Ok(Self {
            stream: engine.stream(None, Some(stream))?,
            consumer: Some(name.to_owned()),
        })
    }

    fn tags<'s>(&self, settings: &'s mut Settings) -> Result<&'s mut Tags, KinesisError> {
        let Some(name) = &self.consumer else {
            return Ok(&mut settings.tags);
        };
        let consumer = settings
            .consumers
            .get_mut(name)
            .map(|consumer| &mut consumer.tags);
        consumer.ok_or_else(|| {
            KinesisError::ResourceNotFound(format!(
                "Consumer {name} of stream {} not found.",
                self.stream.name
            ))
        })
    }

    fn add(&self, engine: &Engine, added: Tags) -> Result<(), KinesisError> {
        engine.change(&self.stream, |settings| {
            let tags = self.tags(settings)?;
            check_new(tags, &added)?;
            tags.extend(added);
            Ok(())
        })
    }

    fn remove(&self, engine: &Engine, keys: &[String]) -> Result<(), KinesisError> {
        engine.change(&self.stream, |settings| {
            self.tags(settings)?.retain(|key, _| !keys.contains(key));
            Ok(())
        })
    }

    fn list(&self) -> Result<Tags, KinesisError> {
        self.tags(&mut self.stream.settings()).cloned()
    }
}

impl From<(String, String)> for Tag {
    fn from((key, value): (String, String)) -> Self {
        Self { key, value }
    }
}
