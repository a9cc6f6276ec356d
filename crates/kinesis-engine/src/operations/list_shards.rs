//! `ListShards`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::shapes::ShardDescription;
use aws_wire::timestamp::Timestamp;

use crate::{
    engine::{
        Engine,
        lifecycle::Status,
        moment::Moment,
        shard::{Shard, shard_number},
        stream::Stream,
        token::{self, LIFETIME},
    },
    error::KinesisError,
    validation::Constraints,
};

/// Shards in one reply unless the request says otherwise, and at most (API
/// reference, `ListShards`, `MaxResults`).
const PAGE: i64 = 1000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    next_token: Option<String>,
    exclusive_start_shard_id: Option<String>,
    max_results: Option<i64>,
    stream_creation_timestamp: Option<Timestamp>,
    shard_filter: Option<Filter>,
}

/// `ShardFilter`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Filter {
    r#type: FilterType,
    shard_id: Option<String>,
    timestamp: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum FilterType {
    AfterShardId,
    AtTrimHorizon,
    FromTrimHorizon,
    AtLatest,
    AtTimestamp,
    FromTimestamp,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Reply {
    shards: Vec<ShardDescription>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// The content of a page token.
#[derive(Debug, Serialize, Deserialize)]
struct Page {
    stream: String,
    after: Option<u64>,
    filter: Option<Filter>,
    issued: u64,
}

/// Lists a stream's shards, a page at a time.
pub(super) async fn list_shards(engine: &Engine, request: Request) -> Result<Reply, KinesisError> {
    let mut constraints = Constraints::default();
    constraints.range("maxResults", request.max_results, 1, 10_000);
    constraints.finish()?;
    let limit = request.max_results.unwrap_or(PAGE).min(PAGE);
    let now = engine.clock().millis();
    let (stream, page) = start(engine, request, now)?;
    if stream.status(now) == Some(Status::Creating) {
        return Err(KinesisError::ResourceInUse(format!(
            "Stream {} is being created",
            stream.name
        )));
    }
    let filter = page.filter.as_ref().map_or(Ok(Wanted::All), Filter::read)?;
    let moment = engine.moment(&stream);
    let shards = engine.listed_shards(&stream);
    let mut left = shards.iter().filter(|shard| {
        page.after.is_none_or(|after| shard.number > after) && filter.includes(shard, moment)
    });
    let limit = usize::try_from(limit).unwrap_or(0);
    let listed: Vec<&Arc<Shard>> = left.by_ref().take(limit).collect();
    let more = left.next().is_some();
    let next = listed.last().filter(|_| more).map(|last| Page {
        after: Some(last.number),
        issued: now,
        ..page
    });
    Ok(Reply {
        next_token: next.as_ref().map(token::seal).transpose()?,
        shards: listed
            .into_iter()
            .map(|shard| ShardDescription::of(shard))
            .collect(),
    })
}

fn start(engine: &Engine, request: Request, now: u64) -> Result<(Arc<Stream>, Page), KinesisError> {
    let name = request.stream_name.as_deref();
    let arn = request.stream_arn.as_deref();
    let Some(token) = request.next_token else {
        let stream = engine.stream(name, arn)?;
        if request
            .stream_creation_timestamp
            .is_some_and(|time| time.millis() != stream.created)
        {
            return Err(KinesisError::ResourceNotFound(format!(
                "Stream {} was not created at StreamCreationTimestamp",
                stream.name
            )));
        }
        let page = Page {
            stream: stream.name.clone(),
            after: request
                .exclusive_start_shard_id
                .as_deref()
                .and_then(shard_number),
            filter: request.shard_filter,
            issued: now,
        };
        return Ok((stream, page));
    };
    if name.is_some()
        || request.exclusive_start_shard_id.is_some()
        || request.stream_creation_timestamp.is_some()
    {
        return Err(invalid(
            "NextToken and StreamName, ExclusiveStartShardId or StreamCreationTimestamp cannot be provided together",
        ));
    }
    let page: Page =
        token::unseal(&token).ok_or_else(|| invalid("NextToken is not a token of ListShards"))?;
    if now.saturating_sub(page.issued) > LIFETIME {
        return Err(KinesisError::ExpiredNextToken(
            "NextToken was handed out more than 300 seconds ago".to_owned(),
        ));
    }
    Ok((engine.stream(Some(&page.stream), arn)?, page))
}

/// A checked `ShardFilter` (API reference).
#[derive(Debug, Clone, Copy)]
enum Wanted {
    All,
    After(u64),
    OpenAt(u64),
    OpenSince(u64),
    OpenAtHorizon,
    Open,
}

impl Filter {
    fn read(&self) -> Result<Wanted, KinesisError> {
        let time = || {
            let time = self.timestamp.map(Timestamp::millis);
            time.ok_or_else(|| invalid("ShardFilter needs a Timestamp for this type"))
        };
        Ok(match self.r#type {
            FilterType::FromTrimHorizon => Wanted::All,
            FilterType::AtLatest => Wanted::Open,
            FilterType::AtTrimHorizon => Wanted::OpenAtHorizon,
            FilterType::AtTimestamp => Wanted::OpenAt(time()?),
            FilterType::FromTimestamp => Wanted::OpenSince(time()?),
            FilterType::AfterShardId => {
                let number = self.shard_id.as_deref().and_then(shard_number);
                Wanted::After(
                    number
                        .ok_or_else(|| invalid("ShardFilter needs a ShardId for AFTER_SHARD_ID"))?,
                )
            }
        })
    }
}

impl Wanted {
    fn includes(self, shard: &Shard, now: Moment) -> bool {
        let opened = shard.opened / 1000;
        let closing = || shard.closing();
        let open_since = |time| closing().is_none_or(|closing| closing.at >= time);
        match self {
            Self::All => true,
            Self::After(number) => shard.number > number,
            Self::Open => closing().is_none(),
            Self::OpenSince(time) => open_since(time),
            Self::OpenAt(time) => opened <= time && open_since(time),
            // Before a stream is as old as its retention, its trim horizon is
            // its creation: only first shards were open then.
            Self::OpenAtHorizon => {
                let first = shard.parent.is_none();
                (first || opened <= now.horizon) && open_since(now.horizon)
            }
        }
    }
}

fn invalid(message: &str) -> KinesisError {
    KinesisError::InvalidArgument(message.to_owned())
}
