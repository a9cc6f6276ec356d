//! What the SDK's client for protosocket needs beyond its client for gRPC: to connect
//! during init, and the service's error codes.

use std::time::Duration;

use ::momento::{
    CredentialProvider, ErrorSource, MomentoError, MomentoErrorCode, MomentoResult,
    ProtosocketCacheClient, ProtosocketCacheError, cache::SetRequest,
    protosocket::cache::configurations,
};
use momento_protos::protosocket::common::Status;
use tokio::{runtime::Handle, time::timeout};

use super::{CONNECT_TIMEOUT, DEFAULT_TTL, warn_unreachable};
use crate::cache::CacheError;

/// Builds the client and connects it. An unreachable cache is a warning.
///
/// # Errors
///
/// The endpoint in the credentials is not a host.
pub(super) async fn connect(
    credentials: CredentialProvider,
    cache_name: &str,
) -> MomentoResult<ProtosocketCacheClient> {
    select_tls_provider();
    let client = ProtosocketCacheClient::builder()
        .default_ttl(DEFAULT_TTL)
        // One connection, as the gRPC client's configuration of the same name.
        .configuration(configurations::Lambda::latest())
        .credential_provider(credentials)
        .runtime(Handle::current())
        .build()
        .await?;
    match timeout(CONNECT_TIMEOUT, open(&client, cache_name)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => warn_unreachable(&error.into()),
        Err(_) => warn_unreachable(&CacheError::Timeout(CONNECT_TIMEOUT)),
    }
    Ok(client)
}

/// Selects the process's cryptography provider for rustls. Two are compiled in, one for
/// the AWS SDK and another for Momento's, so rustls selects none, and the client for
/// protosocket, which names none, would panic when it sets up TLS.
fn select_tls_provider() {
    // An error means that one is selected already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// Opens the client's connection and authenticates it. The SDK connects at the first
/// request only, and takes a connection before it checks the TTL: a set that it refuses
/// for its TTL connects, and sends the cache nothing.
async fn open(client: &ProtosocketCacheClient, cache_name: &str) -> MomentoResult<()> {
    let refused = SetRequest::new(cache_name, "", "").ttl(Duration::MAX);
    match client.send_request(refused).await {
        // Errors of connecting have a source, that of the TTL has none.
        Err(error) if error.inner_error.is_some() => Err(error),
        _ => Ok(()),
    }
}

/// The code for an error on an open connection: the SDK reports it as `UnknownError`
/// and leaves the service's code in its source. `None` for any other error.
///
/// The codes are those that the SDK's gRPC client has for the same status
/// (`status_to_error` in its `errors.rs`), so that every decision on a code holds for
/// both protocols.
pub(in crate::cache) fn code(error: &MomentoError) -> Option<MomentoErrorCode> {
    let Some(ErrorSource::Protosocket(source)) = &error.inner_error else {
        return None;
    };
    match (source, &error.error_code) {
        (ProtosocketCacheError::CommandError { cause }, _) => {
            Some(Status::try_from(cause.code).map_or(UNKNOWN, of_status))
        }
        // The connection broke while the call was under way.
        (ProtosocketCacheError::Protosocket { .. }, MomentoErrorCode::UnknownError) => {
            Some(MomentoErrorCode::ServerUnavailable)
        }
        _ => None,
    }
}

const UNKNOWN: MomentoErrorCode = MomentoErrorCode::UnknownServiceError;

fn of_status(status: Status) -> MomentoErrorCode {
    match status {
        Status::Cancelled => MomentoErrorCode::CancelledError,
        Status::InvalidArgument => MomentoErrorCode::InvalidArgumentError,
        Status::DeadlineExceeded => MomentoErrorCode::TimeoutError,
        // A cache miss is not an error: the SDK tells the two by the text.
        Status::NotFound => MomentoErrorCode::CacheNotFoundError,
        Status::AlreadyExists => MomentoErrorCode::AlreadyExistsError,
        Status::PermissionDenied => MomentoErrorCode::PermissionError,
        Status::ResourceExhausted => MomentoErrorCode::LimitExceededError,
        Status::FailedPrecondition => MomentoErrorCode::FailedPreconditionError,
        Status::OutOfRange | Status::Unimplemented => MomentoErrorCode::BadRequestError,
        Status::Unknown | Status::Aborted | Status::Internal | Status::DataLoss => {
            MomentoErrorCode::InternalServerError
        }
        Status::Unavailable => MomentoErrorCode::ServerUnavailable,
        Status::Unauthenticated => MomentoErrorCode::AuthenticationError,
        Status::Ok => UNKNOWN,
    }
}
