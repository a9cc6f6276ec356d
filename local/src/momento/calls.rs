//! One call: a gRPC path and a protobuf message in, a message or a status out.

use std::time::Duration;

use momento_protos::{
    cache_client::{
        DeleteRequest, DeleteResponse, ECacheResult, GetRequest, GetResponse, SetRequest,
        SetResponse,
    },
    control_client::{
        Cache, CreateCacheRequest, CreateCacheResponse, DeleteCacheRequest, DeleteCacheResponse,
        ListCachesResponse,
    },
};
use prost::Message;

use super::{
    keyspace::Keyspace,
    status::{Code, Status},
};

/// The calls that are answered, for the message about one that is not.
const SERVED: &str = "Get, Set, Delete, CreateCache, DeleteCache, ListCaches";

/// Answers the call to `path` (such as `/cache_client.Scs/Get`) with the cache
/// that the `cache` header names, and counts it.
///
/// # Errors
///
/// The fault in force, what the keyspace refuses, or a call that is not served.
pub fn answer(
    keyspace: &Keyspace,
    path: &str,
    cache: &str,
    message: &[u8],
) -> Result<Vec<u8>, Status> {
    let answered = keyspace
        .faults
        .check()
        .and_then(|()| dispatch(keyspace, path, cache, message));
    if answered.is_err() {
        keyspace.counters().refused();
    }
    answered
}

fn dispatch(
    keyspace: &Keyspace,
    path: &str,
    cache: &str,
    message: &[u8],
) -> Result<Vec<u8>, Status> {
    match path {
        "/cache_client.Scs/Get" => get(keyspace, cache, &decode(message)?),
        "/cache_client.Scs/Set" => set(keyspace, cache, decode(message)?),
        "/cache_client.Scs/Delete" => delete(keyspace, cache, &decode(message)?),
        "/control_client.ScsControl/CreateCache" => create_cache(keyspace, &decode(message)?),
        "/control_client.ScsControl/DeleteCache" => delete_cache(keyspace, &decode(message)?),
        "/control_client.ScsControl/ListCaches" => Ok(list_caches(keyspace)),
        other => Err(Status::new(
            Code::Unimplemented,
            format!("{other} is not served here; served: {SERVED}"),
        )),
    }
}

fn get(keyspace: &Keyspace, cache: &str, request: &GetRequest) -> Result<Vec<u8>, Status> {
    let found = keyspace.get(cache, &request.cache_key)?;
    keyspace.counters().got(found.is_some());
    let (result, cache_body) = match found {
        Some(value) => (ECacheResult::Hit, value),
        None => (ECacheResult::Miss, Vec::new()),
    };
    Ok(GetResponse {
        result: result.into(),
        cache_body,
        message: String::new(),
    }
    .encode_to_vec())
}

fn set(keyspace: &Keyspace, cache: &str, request: SetRequest) -> Result<Vec<u8>, Status> {
    let ttl = Duration::from_millis(request.ttl_milliseconds);
    keyspace.set(cache, request.cache_key, request.cache_body, ttl)?;
    keyspace.counters().was_set();
    Ok(SetResponse {
        result: ECacheResult::Ok.into(),
        message: String::new(),
    }
    .encode_to_vec())
}

fn delete(keyspace: &Keyspace, cache: &str, request: &DeleteRequest) -> Result<Vec<u8>, Status> {
    keyspace.delete(cache, &request.cache_key)?;
    keyspace.counters().was_deleted();
    Ok(DeleteResponse {}.encode_to_vec())
}

fn create_cache(keyspace: &Keyspace, request: &CreateCacheRequest) -> Result<Vec<u8>, Status> {
    keyspace.create_cache(&request.cache_name)?;
    Ok(CreateCacheResponse {}.encode_to_vec())
}

fn delete_cache(keyspace: &Keyspace, request: &DeleteCacheRequest) -> Result<Vec<u8>, Status> {
    keyspace.delete_cache(&request.cache_name)?;
    Ok(DeleteCacheResponse {}.encode_to_vec())
}

fn list_caches(keyspace: &Keyspace) -> Vec<u8> {
    let cache = keyspace
        .cache_names()
        .into_iter()
        .map(|cache_name| Cache {
            cache_name,
            ..Cache::default()
        })
        .collect();
    ListCachesResponse {
        cache,
        next_token: String::new(),
    }
    .encode_to_vec()
}

fn decode<M: Message + Default>(message: &[u8]) -> Result<M, Status> {
    M::decode(message).map_err(|error| {
        let what = format!("the message cannot be decoded: {error}");
        Status::new(Code::InvalidArgument, what)
    })
}
