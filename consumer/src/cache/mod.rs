//! The cache as the rest of the function sees it.
//!
//! [`Cache`] is the interface and [`momento`] implements it. The other modules are
//! decorators with one concern each; [`crate::init`] puts them together.

pub mod breaker;
pub mod credentials;
mod deadline;
pub mod guarded;
pub mod momento;
pub mod retry;
pub mod rotation;

use std::{future::Future, time::Duration};

use ::momento::{MomentoError, MomentoErrorCode};

/// A cache that maps keys to values.
pub trait Cache: Send + Sync {
    /// The value; `None` on a miss.
    ///
    /// # Errors
    ///
    /// The call failed, so the cache may or may not have the value.
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Vec<u8>>, CacheError>> + Send;

    /// Keeps the value for `ttl`.
    ///
    /// # Errors
    ///
    /// The cache did not confirm the set. It may have the value nevertheless.
    fn set(
        &self,
        key: &str,
        value: &[u8],
        ttl: Duration,
    ) -> impl Future<Output = Result<(), CacheError>> + Send;
}

/// Why a cache call failed. A failed cache call never fails a record.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CacheError {
    /// Momento returned an error, or cannot be reached.
    #[error("{code:?}: {message}")]
    Service {
        /// Momento's error code, such as `LimitExceededError`.
        code: MomentoErrorCode,
        /// Momento's message.
        message: String,
    },
    /// The deadline passed.
    #[error("no answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The circuit breaker is open and withheld the call.
    #[error("call withheld: the circuit breaker is open")]
    BreakerOpen,
}

impl From<MomentoError> for CacheError {
    fn from(error: MomentoError) -> Self {
        Self::Service {
            code: momento::protosocket::code(&error).unwrap_or(error.error_code),
            message: error.message,
        }
    }
}

impl CacheError {
    /// The `Code` dimension of the error's metric.
    #[must_use]
    pub fn code(&self) -> String {
        match self {
            Self::Service { code, .. } => format!("{code:?}"),
            Self::Timeout(_) => "Timeout".to_owned(),
            Self::BreakerOpen => "BreakerOpen".to_owned(),
        }
    }

    /// Whether an immediate retry may succeed. The codes stand for broken
    /// connections and calls that the server dropped. Momento's SDK never retries
    /// by itself. A retry is safe: gets and sets are idempotent.
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

    /// Whether another API key may help: Momento refused this one.
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

    /// Whether the call's argument is at fault, and the cache works.
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
