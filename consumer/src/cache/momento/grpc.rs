//! Connecting over gRPC.

use ::momento::{CacheClient, CredentialProvider, MomentoResult, cache::configurations};
use tokio::time::timeout;

use super::{CONNECT_TIMEOUT, DEFAULT_TTL, warn_unreachable};
use crate::cache::CacheError;

/// Builds the client and connects it. An unreachable cache is a warning.
///
/// # Errors
///
/// The endpoint in the credentials is not a URL.
pub(super) async fn connect(credentials: &CredentialProvider) -> MomentoResult<CacheClient> {
    // This configuration sends no keepalive pings: a frozen environment would miss them.
    let builder = || {
        CacheClient::builder()
            .default_ttl(DEFAULT_TTL)
            .configuration(configurations::Lambda::latest())
            .credential_provider(credentials.clone())
    };
    match timeout(CONNECT_TIMEOUT, builder().build_and_connect()).await {
        Ok(Ok(client)) => return Ok(client),
        Ok(Err(error)) => warn_unreachable(&error.into()),
        Err(_) => warn_unreachable(&CacheError::Timeout(CONNECT_TIMEOUT)),
    }
    builder().build()
}
