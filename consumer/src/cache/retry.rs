//! One retry of a cache call after a transient error.

use std::time::Duration;

use super::{Cache, CacheError};

/// Retries a call once, and at once, after a transient error
/// ([`CacheError::is_transient`]): the retry opens a new connection if the old one
/// broke. Call and retry share the deadline around them.
#[derive(Debug)]
pub struct Retry<C>(pub C);

impl<C: Cache> Cache for Retry<C> {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CacheError> {
        match self.0.get(key).await {
            Err(error) if error.is_transient() => self.0.get(key).await,
            done => done,
        }
    }

    async fn set(&self, key: &str, value: &[u8], ttl: Duration) -> Result<(), CacheError> {
        match self.0.set(key, value, ttl).await {
            Err(error) if error.is_transient() => self.0.set(key, value, ttl).await,
            done => done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Retry;
    use crate::{
        cache::Cache,
        fakes::{FakeCache, refused},
    };
    use ::momento::MomentoErrorCode as Code;

    #[tokio::test]
    async fn a_call_is_retried_once_after_a_transient_error() {
        for code in [
            Code::ServerUnavailable,
            Code::InternalServerError,
            Code::CancelledError,
            Code::TimeoutError,
        ] {
            let cache = FakeCache::default();
            cache.fail_next(1, refused(code.clone()));
            let cache = Retry(cache);
            assert_eq!(cache.get("Car").await, Ok(None), "{code:?}");
            assert_eq!(cache.0.calls(), 2);

            cache.0.fail_next(9, refused(code.clone()));
            assert_eq!(cache.get("Car").await, Err(refused(code)));
            assert_eq!(cache.0.calls(), 4);
        }
    }

    #[tokio::test]
    async fn a_call_is_not_retried_after_any_other_error() {
        for code in [
            Code::LimitExceededError,
            Code::AuthenticationError,
            Code::PermissionError,
            Code::InvalidArgumentError,
            Code::CacheNotFoundError,
        ] {
            let cache = FakeCache::default();
            cache.fail_next(1, refused(code.clone()));
            let cache = Retry(cache);
            assert_eq!(cache.get("Car").await, Err(refused(code)));
            assert_eq!(cache.0.calls(), 1);
        }
    }
}
