//! The function's init: everything that happens once, before the first invocation.

use std::{sync::Arc, time::Duration};

use aws_config::{BehaviorVersion, SdkConfig, timeout::TimeoutConfig};

use crate::{
    cache::{
        guarded::Guarded,
        momento::{ConnectError, MomentoConnector},
        rotation::Rotating,
    },
    cache_aside::CacheAside,
    config::{Config, ConfigError, StoreConfig},
    deadline::Deadline,
    handler::Handler,
    metrics::{Metrics, emf::Emf},
    output::Stdout,
    store::{bounded::Bounded, requests::CountRequests, table::LocationTable},
};

/// The deployed function: Momento in front of DynamoDB. From the outside in, the
/// circuit breaker judges a call's final result, after a new API key was tried.
/// One deadline covers a cache call and its retry. A read of the table gets its
/// deadline once [`Bounded`] lets it start.
pub type Function = Handler<Guarded<Rotating<MomentoConnector>>, Bounded<Deadline<LocationTable>>>;

/// Why the function cannot start.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// An environment variable cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The API key cannot be used.
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

/// Reads the API key and builds the function that `config` describes.
///
/// # Errors
///
/// The API key cannot be read or used. An unreachable cache or table is not an
/// error here: records are then read from DynamoDB, or reported.
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
        protocol: config.cache.protocol,
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
        config.emf.map(Emf),
        Arc::new(Stdout),
    ))
}

fn table(
    aws: &SdkConfig,
    config: &StoreConfig,
    metrics: Arc<Metrics>,
) -> Bounded<Deadline<LocationTable>> {
    // One attempt gets half of the time, so that the SDK can replace a connection
    // that hangs.
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
