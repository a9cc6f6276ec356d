//! The function's configuration: environment variables, read once at init.
//! docs/reference/cache-aside.md lists them.

mod cache;
mod variable;

use std::time::Duration;

pub use cache::{BREAKER_WINDOW, BreakerPolicy, CacheConfig, CacheEndpoint, Protocol};
pub use variable::ConfigError;
use variable::Variables;

/// All settings of the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The cache.
    pub cache: CacheConfig,
    /// The table.
    pub store: StoreConfig,
    /// The batches.
    pub handling: Handling,
    /// `METRICS`: where metrics belong; `None` with `off`.
    pub emf: Option<EmfConfig>,
}

/// The table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// `TABLE_NAME`: the DynamoDB table of locations.
    pub table: String,
    /// `STORE_TIMEOUT_MS`: the deadline of one read, the SDK's retries included.
    pub timeout: Duration,
    /// `STORE_CONCURRENCY`: the most reads at a time.
    pub concurrency: usize,
}

/// The namespace and dimension of the function's metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmfConfig {
    /// `METRICS_NAMESPACE`.
    pub namespace: String,
    /// `AWS_LAMBDA_FUNCTION_NAME`.
    pub function: String,
}

/// How to handle a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handling {
    /// `RECORD_CONCURRENCY`: the most records at a time.
    pub concurrency: usize,
    /// `CACHE_COALESCE`: one cache get per record, or per distinct key.
    pub coalesce: Coalesce,
    /// `BATCH_MARGIN_MS`: how long before Lambda's deadline the function answers,
    /// and reports the first record that it has not processed.
    pub margin: Duration,
}

/// `CACHE_COALESCE`: how often to ask the cache for a location that several
/// records of a batch share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coalesce {
    /// Once for each record.
    Record,
    /// Once for each batch.
    Batch,
}

impl Config {
    /// Reads the process's environment.
    ///
    /// # Errors
    ///
    /// A variable's value cannot be used. The error names the first one.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_lookup(from_environment)
    }

    /// Reads variables through `lookup`. An empty value counts as unset.
    ///
    /// # Errors
    ///
    /// A variable's value cannot be used. The error names the first one.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let variables = Variables(lookup);
        Ok(Self {
            cache: CacheConfig::read(&variables)?,
            store: StoreConfig {
                table: variables.text_or("TABLE_NAME", "Locations"),
                timeout: variables.milliseconds("STORE_TIMEOUT_MS", 2000, 1..=60_000)?,
                concurrency: variables.count("STORE_CONCURRENCY", 8, 1..=1000)?.into(),
            },
            handling: Handling {
                concurrency: variables.count("RECORD_CONCURRENCY", 16, 1..=1000)?.into(),
                coalesce: variables.choice(
                    "CACHE_COALESCE",
                    [("record", Coalesce::Record), ("batch", Coalesce::Batch)],
                )?,
                margin: variables.milliseconds("BATCH_MARGIN_MS", 500, 0..=60_000)?,
            },
            emf: variables
                .choice("METRICS", [("emf", true), ("off", false)])?
                .then(|| EmfConfig {
                    namespace: variables.text_or("METRICS_NAMESPACE", "KinesisConsumer"),
                    function: variables.text_or("AWS_LAMBDA_FUNCTION_NAME", "consumer"),
                }),
        })
    }
}

/// A variable of the process's environment. Bytes that are not Unicode become
/// U+FFFD, so that such a variable is refused instead of counting as unset.
#[must_use]
pub fn from_environment(name: &str) -> Option<String> {
    std::env::var_os(name).map(|held| held.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::{CacheEndpoint, Coalesce, Config, ConfigError, Protocol};
    use std::time::Duration;

    fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::from_lookup(|name| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    fn complaint(variables: &[(&str, &str)]) -> String {
        read(variables).unwrap_err().to_string()
    }

    #[test]
    fn the_defaults_are_those_of_the_deployed_function() {
        let config = read(&[]).unwrap();
        assert_eq!(
            config.cache.endpoint,
            CacheEndpoint::Momento { endpoint: None }
        );
        assert_eq!(config.cache.protocol, Protocol::Grpc);
        assert_eq!(config.cache.name, "sample-a");
        assert_eq!(config.cache.ttl.present, Duration::from_secs(10));
        assert_eq!(
            config.cache.timeout,
            Duration::from_millis(super::cache::TIMEOUT_MS)
        );
        assert_eq!(config.cache.api_key_parameter, "/keys/momento-pct-key");
        assert_eq!(config.store.table, "Locations");
        assert_eq!(config.handling.coalesce, Coalesce::Record);
        assert_eq!(config.emf.unwrap().namespace, "KinesisConsumer");
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        let config = read(&[("CACHE_TTL_SECONDS", ""), ("TABLE_NAME", " ")]).unwrap();
        assert_eq!(config.cache.ttl.present, Duration::from_secs(10));
        assert_eq!(config.store.table, "Locations");
    }

    #[test]
    fn the_stub_needs_its_url_with_a_scheme() {
        assert_eq!(
            complaint(&[("CACHE_BACKEND", "stub")]),
            "CACHE_STUB_URL is not set; expected a URL such as http://127.0.0.1:8080 with CACHE_BACKEND=stub"
        );
        assert!(
            complaint(&[
                ("CACHE_BACKEND", "stub"),
                ("CACHE_STUB_URL", "127.0.0.1:8080")
            ])
            .starts_with("CACHE_STUB_URL is \"127.0.0.1:8080\"")
        );
    }

    #[test]
    fn the_protocol_chooses_the_stub_s_address() {
        let both = |protocol| {
            let config = read(&[
                ("CACHE_BACKEND", "stub"),
                ("CACHE_PROTOCOL", protocol),
                ("CACHE_STUB_URL", "http://127.0.0.1:8080"),
                ("CACHE_STUB_PROTOSOCKET_URL", "127.0.0.1:9004"),
            ]);
            let cache = config.unwrap().cache;
            (cache.protocol, cache.endpoint)
        };
        let stub = |url: &str| CacheEndpoint::Stub {
            url: url.to_owned(),
        };
        assert_eq!(
            both("grpc"),
            (Protocol::Grpc, stub("http://127.0.0.1:8080"))
        );
        assert_eq!(
            both("protosocket"),
            (Protocol::Protosocket, stub("127.0.0.1:9004"))
        );
    }

    #[test]
    fn the_stub_over_protosocket_needs_its_address_without_a_scheme() {
        let complaint_of = |address| {
            complaint(&[
                ("CACHE_BACKEND", "stub"),
                ("CACHE_PROTOCOL", "protosocket"),
                ("CACHE_STUB_PROTOSOCKET_URL", address),
            ])
        };
        let expected = "expected host:port without a scheme, such as 127.0.0.1:9004, with CACHE_BACKEND=stub and CACHE_PROTOCOL=protosocket";
        assert_eq!(
            complaint_of(""),
            format!("CACHE_STUB_PROTOSOCKET_URL is not set; {expected}")
        );
        for unusable in ["http://127.0.0.1:9004", "127.0.0.1", ":9004", "cache:x"] {
            assert_eq!(
                complaint_of(unusable),
                format!("CACHE_STUB_PROTOSOCKET_URL is {unusable:?}; {expected}")
            );
        }
    }

    #[test]
    fn a_bad_value_is_reported_with_its_variable_and_the_values_expected() {
        assert_eq!(
            complaint(&[("CACHE_TTL_SECONDS", "ten")]),
            "CACHE_TTL_SECONDS is \"ten\"; expected whole seconds from 1 to 86400"
        );
        assert_eq!(
            complaint(&[("CACHE_TTL_SECONDS", "0")]),
            "CACHE_TTL_SECONDS is \"0\"; expected whole seconds from 1 to 86400"
        );
        assert_eq!(
            complaint(&[("CACHE_BACKEND", "redis")]),
            "CACHE_BACKEND is \"redis\"; expected momento or stub"
        );
        assert_eq!(
            complaint(&[("CACHE_PROTOCOL", "http")]),
            "CACHE_PROTOCOL is \"http\"; expected grpc or protosocket"
        );
        assert_eq!(
            complaint(&[("RECORD_CONCURRENCY", "0")]),
            "RECORD_CONCURRENCY is \"0\"; expected a whole number from 1 to 1000"
        );
        assert_eq!(
            complaint(&[("CACHE_BREAKER_FAILURES", "21")]),
            "CACHE_BREAKER_FAILURES is \"21\"; expected a whole number from 1 to 20"
        );
    }

    #[test]
    fn metrics_and_coalescing_are_chosen_by_name() {
        let config = read(&[("METRICS", "off"), ("CACHE_COALESCE", "batch")]).unwrap();
        assert_eq!(config.emf, None);
        assert_eq!(config.handling.coalesce, Coalesce::Batch);
    }
}
