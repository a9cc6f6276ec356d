//! Registering, describing and listing a stream's consumers.

use std::{collections::BTreeMap, sync::Arc};

use aws_wire::format::null_is_default;
use serde::{Deserialize, Serialize};

use super::tags;
use aws_wire::timestamp::Timestamp;

use crate::{
    engine::{
        Engine,
        consumer::{Consumer, split_arn},
        lifecycle::Status,
        stream::Stream,
        token::{self, LIFETIME},
    },
    error::KinesisError,
    validation::Constraints,
};

/// Consumers of one stream at most (API reference, `RegisterStreamConsumer`).
const MAX_CONSUMERS: usize = 20;
/// Consumers in one reply unless the request says otherwise (API reference,
/// `ListStreamConsumers`).
const PAGE: i64 = 100;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Register {
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(default, deserialize_with = "null_is_default")]
    consumer_name: String,
    #[serde(default, deserialize_with = "null_is_default")]
    tags: BTreeMap<String, String>,
}

/// A consumer by its ARN, or by its stream's ARN and its name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Named {
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    consumer_name: Option<String>,
    #[serde(rename = "ConsumerARN")]
    consumer_arn: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    next_token: Option<String>,
    max_results: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Description {
    consumer_name: String,
    #[serde(rename = "ConsumerARN")]
    consumer_arn: String,
    consumer_status: Status,
    consumer_creation_timestamp: Timestamp,
    #[serde(rename = "StreamARN", skip_serializing_if = "Option::is_none")]
    stream_arn: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Registered {
    consumer: Description,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Described {
    consumer_description: Description,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    consumers: Vec<Description>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// Adds a consumer, which is CREATING for the transition delay.
pub(super) async fn register_stream_consumer(
    engine: &Engine,
    request: Register,
) -> Result<Registered, KinesisError> {
    let name = request.consumer_name;
    let mut constraints = Constraints::default();
    constraints.name("consumerName", &name);
    constraints.finish()?;
    tags::check_new(&BTreeMap::new(), &request.tags)?;
    let stream = engine.changeable(None, request.stream_arn.as_deref())?;
    let now = engine.clock().millis();
    let consumer = Consumer {
        arn: format!("{}/consumer/{name}:{}", stream.arn, now / 1000),
        name,
        created: now,
        lifecycle: engine.passing(Status::Creating, now),
        tags: request.tags,
    };
    engine.change(&stream, |settings| {
        let consumers = &mut settings.consumers;
        if consumers.contains_key(&consumer.name) {
            return Err(KinesisError::ResourceInUse(format!(
                "Consumer {} of stream {} already exists.",
                consumer.name, stream.name
            )));
        }
        if consumers.len() >= MAX_CONSUMERS {
            return Err(KinesisError::LimitExceeded(format!(
                "Stream {} has {MAX_CONSUMERS} consumers already",
                stream.name
            )));
        }
        consumers.insert(consumer.name.clone(), consumer.clone());
        Ok(())
    })?;
    Ok(Registered {
        consumer: Description::of(&consumer, now),
    })
}

/// Removes a consumer.
pub(super) async fn deregister_stream_consumer(
    engine: &Engine,
    request: Named,
) -> Result<(), KinesisError> {
    let (stream, consumer) = find(engine, &request)?;
    engine.change(&stream, |settings| {
        settings.consumers.remove(&consumer.name);
        Ok(())
    })?;
    engine.subscriptions.end(&consumer.arn);
    Ok(())
}

/// Describes a consumer.
pub(super) async fn describe_stream_consumer(
    engine: &Engine,
    request: Named,
) -> Result<Described, KinesisError> {
    let (stream, consumer) = find(engine, &request)?;
    Ok(Described {
        consumer_description: Description {
            stream_arn: Some(stream.arn.clone()),
            ..Description::of(&consumer, engine.clock().millis())
        },
    })
}

/// Lists a stream's consumers by name, a page at a time.
pub(super) async fn list_stream_consumers(
    engine: &Engine,
    request: List,
) -> Result<Listed, KinesisError> {
    let mut constraints = Constraints::default();
    constraints.range("maxResults", request.max_results, 1, 10_000);
    constraints.finish()?;
    let stream = engine.stream(None, request.stream_arn.as_deref())?;
    let now = engine.clock().millis();
    let after = request
        .next_token
        .map(|token| read_token(&token, now))
        .transpose()?;
    let limit = usize::try_from(request.max_results.unwrap_or(PAGE)).unwrap_or(0);
    let consumers = stream.settings().consumers;
    let mut left = consumers
        .values()
        .filter(|consumer| after.as_ref().is_none_or(|after| consumer.name > *after));
    let page: Vec<_> = left.by_ref().take(limit).collect();
    let more = left.next().is_some();
    let last = page.last().filter(|_| more);
    Ok(Listed {
        next_token: last
            .map(|last| token::seal(&(&last.name, now)))
            .transpose()?,
        consumers: page
            .into_iter()
            .map(|consumer| Description::of(consumer, now))
            .collect(),
    })
}

fn read_token(token: &str, now: u64) -> Result<String, KinesisError> {
    let content = token::unseal::<(String, u64)>(token);
    let (after, issued) = content.ok_or_else(|| {
        KinesisError::InvalidArgument("NextToken is not a token of ListStreamConsumers".to_owned())
    })?;
    if now.saturating_sub(issued) > LIFETIME {
        return Err(KinesisError::ExpiredNextToken(
            "NextToken was handed out more than 300 seconds ago".to_owned(),
        ));
    }
    Ok(after)
}

fn find(engine: &Engine, request: &Named) -> Result<(Arc<Stream>, Consumer), KinesisError> {
    if let Some(arn) = &request.consumer_arn {
        return by_arn(engine, arn);
    }
    let stream = engine.stream(None, request.stream_arn.as_deref())?;
    let name = request.consumer_name.as_deref().unwrap_or_default();
    let consumer = stream.with_settings(|settings| settings.consumers.get(name).cloned());
    let consumer = consumer.ok_or_else(|| no_such_consumer(name))?;
    Ok((stream, consumer))
}

/// The consumer with this ARN, and its stream.
///
/// # Errors
///
/// `ResourceNotFoundException` if no consumer has it.
pub(super) fn by_arn(engine: &Engine, arn: &str) -> Result<(Arc<Stream>, Consumer), KinesisError> {
    let (stream, name) = split_arn(arn).ok_or_else(|| no_such_consumer(arn))?;
    let stream = engine.stream(None, Some(stream))?;
    let consumer = stream.with_settings(|settings| settings.consumers.get(name).cloned());
    let consumer = consumer.filter(|consumer| consumer.arn == arn);
    let consumer = consumer.ok_or_else(|| no_such_consumer(arn))?;
    Ok((stream, consumer))
}

pub(super) fn no_such_consumer(what: &str) -> KinesisError {
    KinesisError::ResourceNotFound(format!("Consumer {what} not found."))
}

impl Description {
    fn of(consumer: &Consumer, now: u64) -> Self {
        Self {
            consumer_name: consumer.name.clone(),
            consumer_arn: consumer.arn.clone(),
            consumer_status: consumer.lifecycle.at(now).unwrap_or(Status::Deleting),
            consumer_creation_timestamp: Timestamp::from_millis(consumer.created),
            stream_arn: None,
        }
    }
}
