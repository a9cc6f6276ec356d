//! The cache, as the rest of the function sees it.
//!
//! [`Cache`] is what is asked; [`momento`] answers. The others are decorators,
//! each of one concern, put together in [`crate::init`].

pub mod breaker;
pub mod credentials;
mod deadline;
pub mod guarded;
pub mod momento;
pub mod retry;
pub mod rotation;

use std::{future::Future, time::Duration};

use ::momento::{MomentoError, MomentoErrorCode};

/// A cache of values by key.
pub trait Cache: Send + Sync {
    /// The value, or none on a miss.
    ///
    /// # Errors
    ///
    /// The cache gave no answer.
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Vec<u8>>, CacheError>> + Send;

    /// Keeps the value for `ttl`.
    ///
    /// # Errors
    ///
    /// The cache did not confirm it; it may have the value all the same.
    fn set(
        &self,
        key: &str,
        value: &[u8],
        ttl: Duration,
    ) -> impl Future<Output = Result<(), CacheError>> + Send;
}

/// Why a cache call gave no answer. None of them fails a record.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CacheError {
    /// The cache said no, or could not be reached.
    #[error("{code:?}: {message}")]
    Service {
        /// Momento's error code, such as `LimitExceededError`.
        code: MomentoErrorCode,
        /// Momento's message.
        message: String,
    },
    /// No answer in time.
    #[error("no answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The circuit breaker is open, and the cache was not asked.
    #[error("not asked: the circuit breaker is open")]
    BreakerOpen,
}

impl From<MomentoError> for CacheError {
    fn from(error: MomentoError) -> Self {
        Self::Service {
            code: error.error_code,
            message: error.message,
        }
    }
}

impl CacheError {
    /// The name under which the error is counted.
    #[must_use]
    pub fn code(&self) -> String {
        match self {
            Self::Service { code, .. } => format!("{code:?}"),
            Self::Timeout(_) => "Timeout".to_owned(),
            Self::BreakerOpen => "BreakerOpen".to_owned(),
        }
    }

    /// Whether the same call may succeed at once. Momento's SDK never retries
    /// and has no such method; these codes are connections that broke and calls
    /// that the server dropped, and a get or set done twice is one done once.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Service {
                code: MomentoErrorCode::ServerUnavailable
                    | MomentoErrorCode::InternalServerError
                    | MomentoErrorCode::CancelledError
                    | MomentoErrorCode::TimeoutError,
                ..
            }
        )
    }

    /// Whether another API key may help.
    #[must_use]
    pub fn is_of_the_key(&self) -> bool {
        matches!(
            self,
            Self::Service {
                code: MomentoErrorCode::AuthenticationError | MomentoErrorCode::PermissionError,
                ..
            }
        )
    }

    /// Whether it says something of this one call and nothing of the cache.
    #[must_use]
    pub fn is_of_the_argument(&self) -> bool {
        matches!(
            self,
            Self::Service {
                code: MomentoErrorCode::InvalidArgumentError | MomentoErrorCode::BadRequestError,
                ..
            }
        )
    }
}
