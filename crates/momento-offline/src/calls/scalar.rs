//! Scalars, and the calls for items of any type.

use std::time::Duration;

use momento_protos::common;
use prost::Message;

use super::{
    At, Reply, incremented,
    proto::{
        DeleteRequest, DeleteResponse, ECacheResult, GetBatchRequest, GetRequest, GetResponse,
        IncrementRequest, IncrementResponse, ItemGetTtlRequest, ItemGetTtlResponse,
        ItemGetTypeRequest, ItemGetTypeResponse, KeysExistRequest, KeysExistResponse,
        SetBatchRequest, SetIfNotExistsRequest, SetIfNotExistsResponse, SetIfRequest,
        SetIfResponse, SetRequest, SetResponse, UpdateTtlRequest, UpdateTtlResponse,
        item_get_ttl_response, item_get_type_response, set_if_not_exists_response,
        set_if_request::Condition, set_if_response, update_ttl_request::UpdateTtl,
        update_ttl_response,
    },
};
use crate::{
    status::Status,
    value::{Blob, Value},
};

pub(crate) fn get(at: &At, request: &GetRequest) -> Reply {
    let found = at.keyspace.get(at.cache, &request.cache_key)?;
    at.keyspace.counters().got(found.is_some());
    let (result, cache_body) = match found {
        Some(value) => (ECacheResult::Hit, value),
        None => (ECacheResult::Miss, Vec::new()),
    };
    let response = GetResponse {
        result: result.into(),
        cache_body,
        message: String::new(),
    };
    Ok(vec![response.encode_to_vec()])
}

/// Sends one reply for each key, in order.
pub(crate) fn get_batch(at: &At, request: &GetBatchRequest) -> Reply {
    let replies: Result<Vec<_>, _> = request.items.iter().map(|item| get(at, item)).collect();
    Ok(replies?.concat())
}

pub(crate) fn set(at: &At, request: SetRequest) -> Reply {
    let ttl = Duration::from_millis(request.ttl_milliseconds);
    at.keyspace
        .set(at.cache, request.cache_key, request.cache_body, ttl)?;
    at.keyspace.counters().was_set();
    let response = SetResponse {
        result: ECacheResult::Ok.into(),
        message: String::new(),
    };
    Ok(vec![response.encode_to_vec()])
}

/// Sends one reply for each item, in order.
pub(crate) fn set_batch(at: &At, request: SetBatchRequest) -> Reply {
    let items = request.items.into_iter();
    let replies: Result<Vec<_>, _> = items.map(|item| set(at, item)).collect();
    Ok(replies?.concat())
}

pub(crate) fn delete(at: &At, request: &DeleteRequest) -> Reply {
    at.keyspace.delete(at.cache, &request.cache_key)?;
    at.keyspace.counters().was_deleted();
    Ok(vec![DeleteResponse {}.encode_to_vec()])
}

pub(crate) fn set_if(at: &At, request: SetIfRequest) -> Reply {
    let Some(condition) = request.condition else {
        return Err(Status::invalid("the call has no condition"));
    };
    let item = SetRequest {
        cache_key: request.cache_key,
        cache_body: request.cache_body,
        ttl_milliseconds: request.ttl_milliseconds,
    };
    let stored = set_where(at, item, |held| match (&condition, held) {
        (Condition::Absent(_) | Condition::AbsentOrEqual(_) | Condition::NotEqual(_), None)
        | (Condition::Present(_), Some(_)) => true,
        (
            Condition::Equal(common::Equal { value_to_check })
            | Condition::AbsentOrEqual(common::AbsentOrEqual { value_to_check }),
            Some(held),
        ) => held == value_to_check,
        (
            Condition::NotEqual(common::NotEqual { value_to_check })
            | Condition::PresentAndNotEqual(common::PresentAndNotEqual { value_to_check }),
            Some(held),
        ) => held != value_to_check,
        _ => false,
    })?;
    let result = if stored {
        set_if_response::Result::Stored(set_if_response::Stored {})
    } else {
        set_if_response::Result::NotStored(set_if_response::NotStored {})
    };
    let result = Some(result);
    Ok(vec![SetIfResponse { result }.encode_to_vec()])
}

pub(crate) fn set_if_not_exists(at: &At, request: SetIfNotExistsRequest) -> Reply {
    use set_if_not_exists_response::{NotStored, Result, Stored};
    let item = SetRequest {
        cache_key: request.cache_key,
        cache_body: request.cache_body,
        ttl_milliseconds: request.ttl_milliseconds,
    };
    let stored = set_where(at, item, |held| held.is_none())?;
    let result = Some(if stored {
        Result::Stored(Stored {})
    } else {
        Result::NotStored(NotStored {})
    });
    Ok(vec![SetIfNotExistsResponse { result }.encode_to_vec()])
}

/// Sets the item if `condition` holds for the current scalar. Returns whether it
/// did.
fn set_where(
    at: &At,
    item: SetRequest,
    condition: impl FnOnce(Option<&Blob>) -> bool,
) -> Result<bool, Status> {
    let stored = at.with(|cache| {
        let held = cache.read::<Blob>(&item.cache_key)?;
        if !condition(held.as_deref()) {
            return Ok(false);
        }
        let ttl = Duration::from_millis(item.ttl_milliseconds);
        cache.put(item.cache_key, Value::Scalar(item.cache_body), ttl)?;
        Ok(true)
    })?;
    at.keyspace.counters().was_set();
    Ok(stored)
}

/// Keeps the TTL of an existing item: Momento's rate limiter guide sets it once,
/// after the first increment.
pub(crate) fn increment(at: &At, request: IncrementRequest) -> Result<IncrementResponse, Status> {
    at.with(|cache| {
        let key = request.cache_key;
        let held = cache.read::<Blob>(&key)?;
        let value = incremented(held.as_deref(), request.amount)?;
        let ttl = match cache.ttl(&key) {
            Some(left) => left,
            None => Duration::from_millis(request.ttl_milliseconds),
        };
        cache.put(key, Value::Scalar(value.to_string().into()), ttl)?;
        Ok(IncrementResponse { value })
    })
}

pub(crate) fn keys_exist(at: &At, request: KeysExistRequest) -> Result<KeysExistResponse, Status> {
    at.with(|cache| {
        let exists = |key: &Blob| cache.value(key).is_some();
        Ok(KeysExistResponse {
            exists: request.cache_keys.iter().map(exists).collect(),
        })
    })
}

pub(crate) fn item_get_ttl(
    at: &At,
    request: ItemGetTtlRequest,
) -> Result<ItemGetTtlResponse, Status> {
    use item_get_ttl_response::{Found, Missing, Result};
    at.with(|cache| {
        let result = match cache.ttl(&request.cache_key) {
            Some(left) => Result::Found(Found {
                remaining_ttl_millis: milliseconds(left),
            }),
            None => Result::Missing(Missing {}),
        };
        Ok(ItemGetTtlResponse {
            result: Some(result),
        })
    })
}

pub(crate) fn item_get_type(
    at: &At,
    request: ItemGetTypeRequest,
) -> Result<ItemGetTypeResponse, Status> {
    use item_get_type_response::{Found, ItemType, Missing, Result};
    at.with(|cache| {
        let result = cache.value(&request.cache_key).map(|value| match value {
            Value::Scalar(_) => ItemType::Scalar,
            Value::Dictionary(_) => ItemType::Dictionary,
            Value::Set(_) => ItemType::Set,
            Value::SortedSet(_) => ItemType::SortedSet,
            Value::List(_) => ItemType::List,
        });
        Ok(ItemGetTypeResponse {
            result: Some(match result {
                Some(item_type) => Result::Found(Found {
                    item_type: item_type.into(),
                }),
                None => Result::Missing(Missing {}),
            }),
        })
    })
}

pub(crate) fn update_ttl(at: &At, request: UpdateTtlRequest) -> Result<UpdateTtlResponse, Status> {
    use update_ttl_response::{Missing, NotSet, Result, Set};
    let Some(update) = request.update_ttl else {
        return Err(Status::invalid("the call has no TTL"));
    };
    at.with(|cache| {
        let result = match cache.ttl(&request.cache_key).map(milliseconds) {
            None => Result::Missing(Missing {}),
            Some(left) => {
                let (ttl, due) = match update {
                    UpdateTtl::IncreaseToMilliseconds(ttl) => (ttl, ttl > left),
                    UpdateTtl::DecreaseToMilliseconds(ttl) => (ttl, ttl < left),
                    UpdateTtl::OverwriteToMilliseconds(ttl) => (ttl, true),
                };
                if due && cache.set_ttl(&request.cache_key, Duration::from_millis(ttl))? {
                    Result::Set(Set {})
                } else {
                    Result::NotSet(NotSet {})
                }
            }
        };
        Ok(UpdateTtlResponse {
            result: Some(result),
        })
    })
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
