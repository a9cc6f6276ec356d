//! Sorted sets.

use super::{
    At, collection_ttl, count, element,
    proto::{
        ECacheResult, SortedSetElement, SortedSetFetchRequest, SortedSetFetchResponse,
        SortedSetGetRankRequest, SortedSetGetRankResponse, SortedSetGetScoreRequest,
        SortedSetGetScoreResponse, SortedSetIncrementRequest, SortedSetIncrementResponse,
        SortedSetLengthByScoreRequest, SortedSetLengthByScoreResponse, SortedSetLengthRequest,
        SortedSetLengthResponse, SortedSetPutRequest, SortedSetPutResponse, SortedSetRemoveRequest,
        SortedSetRemoveResponse, SortedSetUnionStoreRequest, SortedSetUnionStoreResponse,
        sorted_set_fetch_request::{
            ByIndex, ByScore, Order, Range,
            by_index::{End, Start},
            by_score::{Max, Min},
        },
        sorted_set_fetch_response::{self, found},
        sorted_set_get_rank_response, sorted_set_get_score_response,
        sorted_set_length_by_score_request as length_request, sorted_set_length_by_score_response,
        sorted_set_length_response,
        sorted_set_remove_request::RemoveElements,
        sorted_set_union_store_request::AggregateFunction,
    },
    slice,
};
use crate::{
    status::Status,
    value::{Blob, SortedSet, Value},
};

pub(crate) fn put(at: &At, request: SortedSetPutRequest) -> Result<SortedSetPutResponse, Status> {
    let ttl = collection_ttl(request.ttl_milliseconds, request.refresh_ttl);
    let elements: Result<Vec<_>, Status> = request
        .elements
        .into_iter()
        .map(|scored| Ok((element(scored.value)?, number(scored.score)?)))
        .collect();
    let elements = elements?;
    at.with(|cache| {
        cache.upsert(request.set_name, ttl, |set: &mut SortedSet| {
            for (value, score) in elements {
                set.insert(value, score)?;
            }
            Ok(SortedSetPutResponse {})
        })
    })
}

/// Checks a score before anything is written, so that a call changes all or
/// nothing.
fn number(score: f64) -> Result<f64, Status> {
    if score.is_nan() {
        return Err(Status::invalid("a score is not a number"));
    }
    Ok(score)
}

pub(crate) fn fetch(
    at: &At,
    request: SortedSetFetchRequest,
) -> Result<SortedSetFetchResponse, Status> {
    use sorted_set_fetch_response::{Found, Missing, SortedSet as Reply};
    at.with(|cache| {
        let reply = match cache.read::<SortedSet>(&request.set_name)? {
            None => Reply::Missing(Missing {}),
            Some(set) => Reply::Found(Found {
                elements: Some(selected(set, &request)),
            }),
        };
        Ok(SortedSetFetchResponse {
            sorted_set: Some(reply),
        })
    })
}

fn selected(set: &SortedSet, request: &SortedSetFetchRequest) -> found::Elements {
    let mut elements: Vec<_> = match request.order() {
        Order::Ascending => set.iter().collect(),
        Order::Descending => set.iter().rev().collect(),
    };
    match &request.range {
        None => {}
        Some(Range::ByIndex(range)) => {
            let range = by_index(elements.len(), range);
            elements = elements.drain(range).collect();
        }
        Some(Range::ByScore(range)) => {
            elements.retain(|(_, score)| within(range, *score));
            // "A negative count returns all elements from the offset."
            let most = usize::try_from(range.count).unwrap_or(usize::MAX);
            let elements_from = elements.into_iter().skip(range.offset as usize);
            elements = elements_from.take(most).collect();
        }
    }
    if request.with_scores {
        let elements = elements.into_iter();
        let element = |(value, score): (&Blob, f64)| SortedSetElement {
            value: value.clone(),
            score,
        };
        found::Elements::ValuesWithScores(found::ValuesWithScores {
            elements: elements.map(element).collect(),
        })
    } else {
        let values = elements.into_iter().map(|(value, _)| value.clone());
        found::Elements::Values(found::Values {
            values: values.collect(),
        })
    }
}

fn by_index(length: usize, range: &ByIndex) -> std::ops::Range<usize> {
    let start = match range.start {
        Some(Start::InclusiveStartIndex(start)) => Some(start),
        _ => None,
    };
    let end = match range.end {
        Some(End::ExclusiveEndIndex(end)) => Some(end),
        _ => None,
    };
    slice(length, start, end)
}

fn within(range: &ByScore, score: f64) -> bool {
    let above = match range.min {
        Some(Min::MinScore(min)) if min.exclusive => score > min.score,
        Some(Min::MinScore(min)) => score >= min.score,
        _ => true,
    };
    let below = match range.max {
        Some(Max::MaxScore(max)) if max.exclusive => score < max.score,
        Some(Max::MaxScore(max)) => score <= max.score,
        _ => true,
    };
    above && below
}

pub(crate) fn get_score(
    at: &At,
    request: SortedSetGetScoreRequest,
) -> Result<SortedSetGetScoreResponse, Status> {
    use sorted_set_get_score_response::{
        SortedSet as Reply, SortedSetFound, SortedSetGetScoreResponsePart as Part, SortedSetMissing,
    };
    at.with(|cache| {
        let reply = match cache.read::<SortedSet>(&request.set_name)? {
            None => Reply::Missing(SortedSetMissing {}),
            Some(set) => {
                let part = |value: &Blob| match set.score(value) {
                    Some(score) => Part {
                        result: ECacheResult::Hit.into(),
                        score,
                    },
                    None => Part {
                        result: ECacheResult::Miss.into(),
                        score: 0.0,
                    },
                };
                Reply::Found(SortedSetFound {
                    elements: request.values.iter().map(part).collect(),
                })
            }
        };
        Ok(SortedSetGetScoreResponse {
            sorted_set: Some(reply),
        })
    })
}

pub(crate) fn remove(
    at: &At,
    request: SortedSetRemoveRequest,
) -> Result<SortedSetRemoveResponse, Status> {
    let Some(removed) = request.remove_elements else {
        return Err(Status::invalid("the call names no values"));
    };
    at.with(|cache| {
        cache.update(request.set_name, |set: &mut SortedSet| {
            match removed {
                RemoveElements::All(_) => *set = SortedSet::default(),
                RemoveElements::Some(some) => some.values.iter().for_each(|value| {
                    set.remove(value);
                }),
            }
            Ok(())
        })?;
        Ok(SortedSetRemoveResponse {})
    })
}

pub(crate) fn increment(
    at: &At,
    request: SortedSetIncrementRequest,
) -> Result<SortedSetIncrementResponse, Status> {
    let ttl = collection_ttl(request.ttl_milliseconds, request.refresh_ttl);
    let value = element(request.value)?;
    at.with(|cache| {
        cache.upsert(request.set_name, ttl, |set: &mut SortedSet| {
            let score = set.score(&value).unwrap_or_default() + request.amount;
            set.insert(value, number(score)?)?;
            Ok(SortedSetIncrementResponse { score })
        })
    })
}

pub(crate) fn get_rank(
    at: &At,
    request: SortedSetGetRankRequest,
) -> Result<SortedSetGetRankResponse, Status> {
    use super::proto::sorted_set_get_rank_request::Order;
    use sorted_set_get_rank_response::{Rank as Reply, RankResponsePart, SortedSetMissing};
    at.with(|cache| {
        let reply = match cache.read::<SortedSet>(&request.set_name)? {
            None => Reply::Missing(SortedSetMissing {}),
            Some(set) => {
                let rank = set.rank(&request.value).map(|rank| match request.order() {
                    Order::Ascending => rank,
                    Order::Descending => set.len() - 1 - rank,
                });
                let result = match rank {
                    Some(_) => ECacheResult::Hit,
                    None => ECacheResult::Miss,
                };
                Reply::ElementRank(RankResponsePart {
                    result: result.into(),
                    rank: rank.unwrap_or_default() as u64,
                })
            }
        };
        Ok(SortedSetGetRankResponse { rank: Some(reply) })
    })
}

pub(crate) fn length(
    at: &At,
    request: SortedSetLengthRequest,
) -> Result<SortedSetLengthResponse, Status> {
    use sorted_set_length_response::{Found, Missing, SortedSet as Reply};
    at.with(|cache| {
        let reply = match cache.read::<SortedSet>(&request.set_name)? {
            None => Reply::Missing(Missing {}),
            Some(set) => Reply::Found(Found {
                length: count(set.len()),
            }),
        };
        Ok(SortedSetLengthResponse {
            sorted_set: Some(reply),
        })
    })
}

pub(crate) fn length_by_score(
    at: &At,
    request: SortedSetLengthByScoreRequest,
) -> Result<SortedSetLengthByScoreResponse, Status> {
    use length_request::{Max, Min};
    use sorted_set_length_by_score_response::{Found, Missing, SortedSet as Reply};
    let above = |score: f64| match request.min {
        Some(Min::InclusiveMin(min)) => score >= min,
        Some(Min::ExclusiveMin(min)) => score > min,
        _ => true,
    };
    let below = |score: f64| match request.max {
        Some(Max::InclusiveMax(max)) => score <= max,
        Some(Max::ExclusiveMax(max)) => score < max,
        _ => true,
    };
    at.with(|cache| {
        let reply = match cache.read::<SortedSet>(&request.set_name)? {
            None => Reply::Missing(Missing {}),
            Some(set) => {
                let scores = set.iter().map(|(_, score)| score);
                Reply::Found(Found {
                    length: count(scores.filter(|s| above(*s) && below(*s)).count()),
                })
            }
        };
        Ok(SortedSetLengthByScoreResponse {
            sorted_set: Some(reply),
        })
    })
}

/// Stores the union of the sources, replacing an item of any type. A missing
/// source counts as empty.
pub(crate) fn union_store(
    at: &At,
    request: SortedSetUnionStoreRequest,
) -> Result<SortedSetUnionStoreResponse, Status> {
    let ttl = collection_ttl(request.ttl_milliseconds, true).ttl;
    let aggregate = request.aggregate();
    at.with(|cache| {
        let mut union = SortedSet::default();
        for source in &request.sources {
            let Some(set) = cache.read::<SortedSet>(&source.set_name)? else {
                continue;
            };
            for (value, score) in set.iter() {
                let score = score * f64::from(source.weight);
                let score = match (union.score(value), aggregate) {
                    (None, _) => score,
                    (Some(held), AggregateFunction::Sum) => held + score,
                    (Some(held), AggregateFunction::Min) => held.min(score),
                    (Some(held), AggregateFunction::Max) => held.max(score),
                };
                union.insert(value.clone(), score)?;
            }
        }
        let length = count(union.len());
        if union.is_empty() {
            cache.remove(&request.set_name);
        } else {
            cache.put(request.set_name, Value::SortedSet(union), ttl)?;
        }
        Ok(SortedSetUnionStoreResponse { length })
    })
}
