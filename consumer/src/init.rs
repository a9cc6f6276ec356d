//! What happens once, before the first invocation.

use std::{sync::Arc, time::Duration};

use aws_config::{BehaviorVersion, SdkConfig, timeout::TimeoutConfig};

use crate::{
    cache::{
        breaker::Guarded,
        momento::{ConnectError, MomentoConnector},
        rotation::Rotating,
    },
    cache_aside::CacheAside,
    config::{Config, ConfigError, StoreConfig},
    deadline::Deadline,
    handler::Handler,
    metrics::Metrics,
    output::Stdout,
    store::{bounded::Bounded, requests::CountRequests, table::LocationTable},
};

/// The function as it is deployed: Momento in front of DynamoDB. Read from
/// outside in: the breaker judges what comes of a call in the end, a new API key
/// included; one call, a retry included, has one deadline; a read of the table
/// has its deadline from when its place is free.
pub type Function = Handler<Guarded<Rotating<MomentoConnector>>, Bounded<Deadline<LocationTable>>>;

/// Why the function cannot start.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// An environment variable.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The API key.
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

/// Builds the function that `config` describes, with the API key as it is now.
///
/// # Errors
///
/// The API key cannot be used. A cache or table that is out of reach is no
/// error: each record then says so.
pub async fn initialise(config: Config) -> Result<Function, InitError> {
    let aws = aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(1))
                .operation_timeout(Duration::from_secs(5))
                .build(),
        )
        .load()
        .await;
    let metrics = Arc::new(Metrics::default());
    let connector = MomentoConnector {
        ssm: aws_sdk_ssm::Client::new(&aws),
        parameter: config.cache.api_key_parameter,
        endpoint: config.cache.endpoint,
        cache_name: config.cache.name,
        call_timeout: config.cache.timeout,
    };
    let cache = Rotating::start(connector, metrics.clone()).await?;
    let cache = Guarded::new(cache, config.cache.breaker, metrics.clone());
    let table = table(&aws, &config.store, metrics.clone());
    let locations = CacheAside::new(cache, table, config.cache.ttl, metrics.clone());
    Ok(Handler::new(
        locations,
        config.handling,
        metrics,
        config.emf,
        Arc::new(Stdout),
    ))
}

fn table(
    aws: &SdkConfig,
    config: &StoreConfig,
    metrics: Arc<Metrics>,
) -> Bounded<Deadline<LocationTable>> {
    // One attempt may not use up the time of all: a connection that hangs is
    // given up in time for the SDK to try another.
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(config.timeout / 2)
        .operation_attempt_timeout(config.timeout / 2)
        .build();
    let dynamodb = aws_sdk_dynamodb::config::Builder::from(aws)
        .timeout_config(timeouts)
        .interceptor(CountRequests(metrics));
    let client = aws_sdk_dynamodb::Client::from_conf(dynamodb.build());
    let table = Deadline::new(LocationTable::new(client, &config.table), config.timeout);
    Bounded::new(table, config.concurrency)
}
