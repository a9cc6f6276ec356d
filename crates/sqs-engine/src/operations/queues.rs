//! `CreateQueue`, `DeleteQueue`, `GetQueueUrl`, `ListQueues`,
//! `ListDeadLetterSourceQueues`, `PurgeQueue`.

use std::collections::BTreeMap;

use aws_wire::format::null_is_default;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::{
    Context, required,
    tags::{self, Tags},
};
use crate::error::{Code, SqsError};

/// Queues of one reply at most (API reference, `ListQueues`).
const MOST_LISTED: usize = 1000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    queue_name: Option<String>,
    #[serde(default, deserialize_with = "null_is_default")]
    attributes: BTreeMap<String, String>,
    #[serde(
        default,
        deserialize_with = "null_is_default",
        rename = "tags",
        alias = "Tags"
    )]
    tags: Tags,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct One {
    queue_url: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Name {
    queue_name: Option<String>,
    #[serde(rename = "QueueOwnerAWSAccountId")]
    owner: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Url {
    queue_url: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    #[serde(default, deserialize_with = "null_is_default")]
    queue_name_prefix: String,
    next_token: Option<String>,
    max_results: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    queue_urls: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Sources {
    queue_url: Option<String>,
    next_token: Option<String>,
    max_results: Option<i64>,
}

#[derive(Debug, Serialize)]
pub(super) struct SourcesListed {
    // The reference spells it so.
    #[serde(rename = "queueUrls")]
    queue_urls: Vec<String>,
    #[serde(rename = "NextToken", skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// Creates a queue, or finds it.
pub(super) async fn create(context: &Context<'_>, request: Create) -> Result<Url, SqsError> {
    let name = required(request.queue_name, "QueueName")?;
    tags::check(&request.tags)?;
    let engine = context.engine;
    engine
        .create(&name, &request.attributes, request.tags)
        .await?;
    Ok(Url {
        queue_url: context.url(&name),
    })
}

/// Deletes a queue.
pub(super) async fn delete(context: &Context<'_>, request: One) -> Result<(), SqsError> {
    let id = context.queue(request.queue_url.as_deref())?;
    context.engine.delete_queue(id).await
}

/// Deletes every message of a queue.
pub(super) async fn purge(context: &Context<'_>, request: One) -> Result<(), SqsError> {
    let id = context.queue(request.queue_url.as_deref())?;
    context.engine.purge(id).await
}

/// Returns the URL of a queue.
pub(super) async fn url(context: &Context<'_>, request: Name) -> Result<Url, SqsError> {
    let name = required(request.queue_name, "QueueName")?;
    let account = &context.engine.options.account;
    let own = request.owner.is_none_or(|owner| owner == *account);
    if !own || context.engine.find(&name).is_none() {
        return Err(SqsError::no_such_queue());
    }
    Ok(Url {
        queue_url: context.url(&name),
    })
}

/// Lists queues by name, a page at a time.
pub(super) async fn list(context: &Context<'_>, request: List) -> Result<Listed, SqsError> {
    let (limit, after) = page(request.max_results, request.next_token.as_deref())?;
    let page = context
        .engine
        .list(&request.queue_name_prefix, after.as_deref(), limit);
    let paged = request.max_results.is_some() && page.more;
    Ok(Listed {
        next_token: page
            .names
            .last()
            .filter(|_| paged)
            .map(|last| STANDARD.encode(last)),
        queue_urls: page.names.iter().map(|name| context.url(name)).collect(),
    })
}

/// Lists the queues whose dead letters come to this one, a page at a time.
pub(super) async fn sources(
    context: &Context<'_>,
    request: Sources,
) -> Result<SourcesListed, SqsError> {
    let id = context.queue(request.queue_url.as_deref())?;
    let (limit, after) = page(request.max_results, request.next_token.as_deref())?;
    let page = context.engine.sources(id, after.as_deref(), limit)?;
    let paged = request.max_results.is_some() && page.more;
    Ok(SourcesListed {
        next_token: page
            .names
            .last()
            .filter(|_| paged)
            .map(|last| STANDARD.encode(last)),
        queue_urls: page.names.iter().map(|name| context.url(name)).collect(),
    })
}

/// How many to list, and after which name.
fn page(
    max_results: Option<i64>,
    token: Option<&str>,
) -> Result<(usize, Option<String>), SqsError> {
    let limit = match max_results {
        None => MOST_LISTED,
        Some(max) => usize::try_from(max)
            .ok()
            .filter(|max| (1..=MOST_LISTED).contains(max))
            .ok_or_else(|| {
                let reason = format!("Must be between 1 and {MOST_LISTED}, if provided.");
                SqsError::parameter(max, "MaxResults", reason)
            })?,
    };
    let after = token.map(|token| {
        let name = STANDARD.decode(token).ok();
        let name = name.and_then(|name| String::from_utf8(name).ok());
        name.ok_or_else(|| {
            SqsError::new(
                Code::InvalidParameterValue,
                "Invalid or expired next token.",
            )
        })
    });
    Ok((limit, after.transpose()?))
}
