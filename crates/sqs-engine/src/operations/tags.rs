//! `TagQueue`, `UntagQueue`, `ListQueueTags`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Context, required};
use crate::error::{Code, SqsError};

pub(super) type Tags = BTreeMap<String, String>;

/// Tags of a queue at most (developer guide, "Quotas related to queues").
const MOST_TAGS: usize = 50;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    queue_url: Option<String>,
    tags: Option<Tags>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Untag {
    queue_url: Option<String>,
    tag_keys: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    queue_url: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: Tags,
}

/// Adds tags, and replaces those of the same keys.
pub(super) async fn tag(context: &Context<'_>, request: Tag) -> Result<(), SqsError> {
    let id = context.queue(request.queue_url.as_deref())?;
    let added = required(request.tags.filter(|tags| !tags.is_empty()), "Tags")?;
    context
        .engine
        .change_tags(id, |tags| {
            tags.extend(added);
            check(tags)
        })
        .await
}

/// Removes tags.
pub(super) async fn untag(context: &Context<'_>, request: Untag) -> Result<(), SqsError> {
    let id = context.queue(request.queue_url.as_deref())?;
    let keys = required(request.tag_keys.filter(|keys| !keys.is_empty()), "TagKeys")?;
    context
        .engine
        .change_tags(id, |tags| {
            tags.retain(|key, _| !keys.contains(key));
            Ok(())
        })
        .await
}

/// Lists the tags.
pub(super) async fn list(context: &Context<'_>, request: List) -> Result<Listed, SqsError> {
    let id = context.queue(request.queue_url.as_deref())?;
    let tags = context.engine.tags(id)?;
    Ok(Listed { tags })
}

/// Checks all tags of a queue.
///
/// # Errors
///
/// `InvalidParameterValue`.
pub(super) fn check(tags: &Tags) -> Result<(), SqsError> {
    let invalid = |message: String| Err(SqsError::new(Code::InvalidParameterValue, message));
    if tags.len() > MOST_TAGS {
        return invalid(format!("Too many tags: a queue has at most {MOST_TAGS}."));
    }
    for (key, value) in tags {
        if !(1..=128).contains(&key.chars().count()) || key.starts_with("aws:") {
            return invalid(format!(
                "The tag key {key:?} must have 1 to 128 characters and not begin with aws:."
            ));
        }
        if value.chars().count() > 256 {
            return invalid(format!(
                "The value of the tag {key:?} has more than 256 characters."
            ));
        }
    }
    Ok(())
}
