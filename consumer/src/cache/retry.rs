//! One more try, where a second may do what the first did not.

use std::time::Duration;

use super::{Cache, CacheError};

/// Asks once more after a transient error ([`CacheError::is_transient`]), at
/// once: a connection that broke is replaced by the call that finds it broken.
/// Both tries share the deadline around them.
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
    async fn a_transient_error_is_asked_about_once_more_and_no_more() {
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
    async fn an_error_that_another_try_cannot_help_is_final() {
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
