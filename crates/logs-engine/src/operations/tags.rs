//! Tags of groups: `TagResource`, `UntagResource`, `ListTagsForResource`.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{error::LogsError, names, store::Store};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TagResource {
    resource_arn: String,
    tags: BTreeMap<String, String>,
}

pub(super) fn tag_resource(store: &Arc<Store>, request: TagResource) -> Result<(), LogsError> {
    let group = names::group(store, None, Some(&request.resource_arn))?;
    group.settings.lock().tags.extend(request.tags);
    Ok(())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UntagResource {
    resource_arn: String,
    tag_keys: Vec<String>,
}

pub(super) fn untag_resource(store: &Arc<Store>, request: UntagResource) -> Result<(), LogsError> {
    let group = names::group(store, None, Some(&request.resource_arn))?;
    let mut settings = group.settings.lock();
    settings
        .tags
        .retain(|key, _| !request.tag_keys.contains(key));
    Ok(())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Resource {
    resource_arn: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Tags {
    tags: BTreeMap<String, String>,
}

pub(super) fn list_tags_for_resource(
    store: &Arc<Store>,
    request: Resource,
) -> Result<Tags, LogsError> {
    let group = names::group(store, None, Some(&request.resource_arn))?;
    let tags = group.settings.lock().tags.clone();
    Ok(Tags { tags })
}
