//! `GetQueueAttributes` and `SetQueueAttributes`.

use std::collections::BTreeMap;

use aws_wire::format::null_is_default;
use serde::{Deserialize, Serialize};

use super::{Context, required};
use crate::error::SqsError;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Get {
    queue_url: Option<String>,
    #[serde(default, deserialize_with = "null_is_default")]
    attribute_names: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Got {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Set {
    queue_url: Option<String>,
    attributes: Option<BTreeMap<String, String>>,
}

/// Returns attributes of a queue.
pub(super) async fn get(context: &Context<'_>, request: Get) -> Result<Got, SqsError> {
    let id = context.queue(request.queue_url.as_deref())?;
    let attributes = context.engine.attributes(id, &request.attribute_names)?;
    Ok(Got { attributes })
}

/// Changes attributes of a queue.
pub(super) async fn set(context: &Context<'_>, request: Set) -> Result<(), SqsError> {
    let id = context.queue(request.queue_url.as_deref())?;
    let attributes = required(request.attributes, "Attribute.Name")?;
    context.engine.set_attributes(id, &attributes).await
}
