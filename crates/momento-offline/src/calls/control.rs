//! The control plane: create, delete, list and flush caches.

use momento_protos::control_client::{
    Cache, CacheLimits, CreateCacheRequest, CreateCacheResponse, DeleteCacheRequest,
    DeleteCacheResponse, FlushCacheRequest, FlushCacheResponse, ListCachesRequest,
    ListCachesResponse,
};

use super::At;
use crate::{
    cache::{MAX_ITEM, MAX_TTL},
    status::Status,
};

pub(crate) fn create_cache(
    at: &At,
    request: CreateCacheRequest,
) -> Result<CreateCacheResponse, Status> {
    at.keyspace.create_cache(&request.cache_name)?;
    Ok(CreateCacheResponse {})
}

pub(crate) fn delete_cache(
    at: &At,
    request: DeleteCacheRequest,
) -> Result<DeleteCacheResponse, Status> {
    at.keyspace.delete_cache(&request.cache_name)?;
    Ok(DeleteCacheResponse {})
}

pub(crate) fn flush_cache(
    at: &At,
    request: FlushCacheRequest,
) -> Result<FlushCacheResponse, Status> {
    at.keyspace.flush_cache(&request.cache_name)?;
    Ok(FlushCacheResponse {})
}

pub(crate) fn list_caches(at: &At, _: ListCachesRequest) -> Result<ListCachesResponse, Status> {
    let named = |cache_name| Cache {
        cache_name,
        cache_limits: Some(CacheLimits {
            max_item_size_kb: u32::try_from(MAX_ITEM / 1024).unwrap_or(u32::MAX),
            max_ttl_seconds: MAX_TTL.as_secs(),
            ..CacheLimits::default()
        }),
        ..Cache::default()
    };
    Ok(ListCachesResponse {
        cache: at.keyspace.cache_names().into_iter().map(named).collect(),
        next_token: String::new(),
    })
}
