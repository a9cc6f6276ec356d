//! What happens once, before the first invocation.

use std::time::Duration;

use aws_config::{BehaviorVersion, timeout::TimeoutConfig};

use crate::{
    cache::{BadApiKey, MomentoCache},
    cache_aside::CacheAside,
    config::{Config, ConfigError},
    handler::Handler,
    secrets::{self, SecretError},
    store::LocationTable,
};

/// The function as it is deployed: Momento in front of DynamoDB.
pub type Function = Handler<MomentoCache, LocationTable>;

/// Why the function cannot start.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// An environment variable.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The API key's parameter.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The API key itself.
    #[error(transparent)]
    ApiKey(#[from] BadApiKey),
}

/// Reads the configuration and the API key, and builds the function.
///
/// # Errors
///
/// The configuration or the API key cannot be used. A cache or table that is
/// out of reach is none: each record then says so.
pub async fn initialise() -> Result<Function, InitError> {
    let config = Config::from_env()?;
    let aws = aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(1))
                .operation_timeout(Duration::from_secs(5))
                .build(),
        )
        .load()
        .await;
    let ssm = aws_sdk_ssm::Client::new(&aws);
    let api_key = secrets::read_api_key(&ssm, &config.api_key_parameter).await?;
    let cache = MomentoCache::connect(
        &api_key,
        &config.cache_endpoint,
        &config.cache_name,
        config.cache_ttl,
        config.cache_timeout,
    )
    .await?;
    let table = LocationTable::new(aws_sdk_dynamodb::Client::new(&aws), &config.table_name);
    tracing::info!(cache = ?config.cache_endpoint, cache_name = config.cache_name, table = config.table_name, "ready");
    Ok(Handler::new(CacheAside::new(cache, table)))
}
