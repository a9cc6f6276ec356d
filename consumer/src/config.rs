//! The function's configuration: environment variables, read once at init.

use std::{fmt, time::Duration};

/// A day: the longest TTL that Momento's on-demand plan takes.
const MAX_TTL_SECONDS: u64 = 24 * 60 * 60;

/// Everything the function is told by its environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where the cache is.
    pub cache_endpoint: CacheEndpoint,
    /// `CACHE_NAME`: the cache to use.
    pub cache_name: String,
    /// `CACHE_TTL_SECONDS`: how long a location stays cached.
    pub cache_ttl: Duration,
    /// `CACHE_TIMEOUT_MS`: how long one cache call may take before the table is asked.
    pub cache_timeout: Duration,
    /// `TABLE_NAME`: the DynamoDB table of locations.
    pub table_name: String,
    /// `MOMENTO_API_KEY_PARAMETER`: the SSM parameter that holds Momento's API key.
    pub api_key_parameter: String,
}

/// `CACHE_BACKEND`: which endpoint the one Momento client talks to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CacheEndpoint {
    /// Momento's service, over TLS.
    Momento {
        /// `MOMENTO_ENDPOINT`: needed with a v2 API key, which names none.
        endpoint: Option<String>,
    },
    /// A stub that speaks Momento's protocol over plain HTTP/2.
    Stub {
        /// `CACHE_STUB_URL`: such as `http://127.0.0.1:8080`.
        url: String,
    },
}

/// An environment variable that cannot be used: what it is, what it held, what
/// it should hold. No variable of this function holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    variable: &'static str,
    held: Option<String>,
    expected: &'static str,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            variable,
            held,
            expected,
        } = self;
        match held {
            Some(held) => write!(f, "{variable} is {held:?}; expected {expected}"),
            None => write!(f, "{variable} is not set; expected {expected}"),
        }
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads the process's environment.
    ///
    /// # Errors
    ///
    /// The first variable that holds what cannot be used.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// Reads variables through `lookup`; an empty value counts as none.
    ///
    /// # Errors
    ///
    /// The first variable that holds what cannot be used.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let text = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
        let or = |name: &str, default: &str| text(name).unwrap_or_else(|| default.to_owned());
        Ok(Self {
            cache_endpoint: cache_endpoint(&text)?,
            cache_name: or("CACHE_NAME", "sample-a"),
            cache_ttl: Duration::from_secs(number(
                "CACHE_TTL_SECONDS",
                text("CACHE_TTL_SECONDS"),
                10,
                1..=MAX_TTL_SECONDS,
                "whole seconds from 1 to 86400",
            )?),
            cache_timeout: Duration::from_millis(number(
                "CACHE_TIMEOUT_MS",
                text("CACHE_TIMEOUT_MS"),
                50,
                1..=10_000,
                "whole milliseconds from 1 to 10000",
            )?),
            table_name: or("TABLE_NAME", "Locations"),
            api_key_parameter: or("MOMENTO_API_KEY_PARAMETER", "/keys/momento-pct-key"),
        })
    }
}

fn cache_endpoint(text: &impl Fn(&str) -> Option<String>) -> Result<CacheEndpoint, ConfigError> {
    match text("CACHE_BACKEND").as_deref() {
        None | Some("momento") => Ok(CacheEndpoint::Momento {
            endpoint: text("MOMENTO_ENDPOINT"),
        }),
        Some("stub") => stub_url(text("CACHE_STUB_URL")).map(|url| CacheEndpoint::Stub { url }),
        Some(other) => Err(ConfigError {
            variable: "CACHE_BACKEND",
            held: Some(other.to_owned()),
            expected: "momento or stub",
        }),
    }
}

/// Momento's client takes a URL without a scheme and then fails every call, so
/// the scheme is checked here.
fn stub_url(held: Option<String>) -> Result<String, ConfigError> {
    match held {
        Some(url) if url.starts_with("http://") && url.len() > "http://".len() => Ok(url),
        held => Err(ConfigError {
            variable: "CACHE_STUB_URL",
            held,
            expected: "a URL such as http://127.0.0.1:8080 with CACHE_BACKEND=stub",
        }),
    }
}

fn number(
    variable: &'static str,
    held: Option<String>,
    default: u64,
    range: std::ops::RangeInclusive<u64>,
    expected: &'static str,
) -> Result<u64, ConfigError> {
    let Some(held) = held else {
        return Ok(default);
    };
    match held.trim().parse() {
        Ok(value) if range.contains(&value) => Ok(value),
        _ => Err(ConfigError {
            variable,
            held: Some(held),
            expected,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::{CacheEndpoint, Config, ConfigError};
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
    fn nothing_set_is_what_is_deployed() {
        let config = read(&[]).unwrap();
        assert_eq!(
            config.cache_endpoint,
            CacheEndpoint::Momento { endpoint: None }
        );
        assert_eq!(config.cache_name, "sample-a");
        assert_eq!(config.cache_ttl, Duration::from_secs(10));
        assert_eq!(config.table_name, "Locations");
        assert_eq!(config.api_key_parameter, "/keys/momento-pct-key");
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        let config = read(&[("CACHE_TTL_SECONDS", ""), ("TABLE_NAME", " ")]).unwrap();
        assert_eq!(config.cache_ttl, Duration::from_secs(10));
        assert_eq!(config.table_name, "Locations");
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
    fn a_bad_value_names_the_variable_what_it_held_and_what_is_expected() {
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
    }
}
