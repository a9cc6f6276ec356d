//! Where traces and metrics are sent.

use std::{fmt, str::FromStr};

use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use reqwest::Url;

/// The variable with the headers of every request, `NAME=VALUE,NAME=VALUE` with URL-encoded
/// values (OpenTelemetry Protocol Exporter, "Specifying headers via environment variables").
pub const HEADERS_VARIABLE: &str = "OTEL_EXPORTER_OTLP_HEADERS";

/// An OpenTelemetry collector, or what receives OTLP as collectors do.
#[derive(Clone, PartialEq, Eq)]
pub struct Collector {
    /// Without `/` at its end.
    base: String,
    headers: HeaderMap,
}

/// Why a collector cannot be meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CollectorError {
    /// It is no URL of HTTP.
    #[error("expected the URL of a collector, such as http://127.0.0.1:4318")]
    NotHttp,
    /// It is encrypted.
    #[error("expected a URL that begins with http://: this exporter has no TLS")]
    Encrypted,
    /// It has a user or a password.
    #[error("a URL must not have credentials; put them into {HEADERS_VARIABLE}")]
    Credentials,
    /// It has the path of a signal, or a query.
    #[error("expected the collector's base URL: /v1/traces and /v1/metrics are appended to it")]
    NotBase,
    /// The variable with the headers has no list of headers. Its value may be a secret.
    #[error("{HEADERS_VARIABLE} is not a list of headers such as name=value,other=value")]
    Headers,
}

impl FromStr for Collector {
    type Err = CollectorError;

    fn from_str(text: &str) -> Result<Self, CollectorError> {
        let url: Url = text.parse().map_err(|_| CollectorError::NotHttp)?;
        match url.scheme() {
            "http" if url.has_host() => {}
            "https" => return Err(CollectorError::Encrypted),
            _ => return Err(CollectorError::NotHttp),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(CollectorError::Credentials);
        }
        let base = url.as_str().trim_end_matches('/');
        let has_signal = ["/v1/traces", "/v1/metrics", "/v1/logs"];
        if has_signal.iter().any(|signal| base.ends_with(signal))
            || url.query().is_some()
            || url.fragment().is_some()
        {
            return Err(CollectorError::NotBase);
        }
        Ok(Self {
            base: base.to_owned(),
            headers: HeaderMap::new(),
        })
    }
}

impl Collector {
    /// Sends these headers too: the value of [`HEADERS_VARIABLE`].
    ///
    /// # Errors
    ///
    /// It is no list of headers.
    pub fn with_headers(mut self, list: &str) -> Result<Self, CollectorError> {
        let headers = list.split(',').map(str::trim);
        for header in headers.filter(|header| !header.is_empty()) {
            let (name, value) = header.split_once('=').ok_or(CollectorError::Headers)?;
            let name: HeaderName = name.trim().parse().map_err(|_| CollectorError::Headers)?;
            let value = percent_decode_str(value.trim()).collect::<Vec<_>>();
            let value = HeaderValue::from_bytes(&value);
            let mut value = value.map_err(|_| CollectorError::Headers)?;
            value.set_sensitive(true);
            self.headers.append(name, value);
        }
        Ok(self)
    }

    /// The URL of a signal's path, such as `/v1/traces`.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// What most probably keeps the collector from answering.
    pub(super) fn hint(&self) -> &'static str {
        if self.base.ends_with(":4317") {
            "4317 is the usual port of OTLP/gRPC; OTLP/HTTP is usually on 4318"
        } else {
            "start a receiver of OTLP/HTTP there, or leave out --otlp"
        }
    }
}

impl fmt::Display for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

/// Without the headers, which may be secrets.
impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Collector").field(&self.base).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{Collector, CollectorError};

    #[test]
    fn a_collector_is_a_base_url_to_which_paths_are_appended() {
        for (text, url) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://[::1]:1/", "http://[::1]:1/v1/traces"),
            ("http://otel/api/", "http://otel/api/v1/traces"),
        ] {
            let collector: Collector = text.parse().unwrap();
            assert_eq!(collector.url("/v1/traces"), url);
        }
    }

    #[test]
    fn what_cannot_be_a_collector_is_refused_with_the_reason() {
        for (text, error) in [
            ("127.0.0.1:4318", CollectorError::NotHttp),
            ("localhost:4318", CollectorError::NotHttp),
            ("grpc://localhost:4317", CollectorError::NotHttp),
            ("https://otel.example", CollectorError::Encrypted),
            ("http://me:secret@otel", CollectorError::Credentials),
            ("http://otel/v1/traces", CollectorError::NotBase),
            ("http://otel/v1/metrics/", CollectorError::NotBase),
            ("http://otel?key=1", CollectorError::NotBase),
        ] {
            assert_eq!(text.parse::<Collector>(), Err(error), "{text}");
        }
    }

    #[test]
    fn headers_are_read_as_other_exporters_read_them_and_are_never_shown() {
        let collector: Collector = "http://otel".parse().unwrap();
        let with = collector
            .clone()
            .with_headers("x-otlp-api-key=k%3D1, b=2,")
            .unwrap();
        assert_eq!(with.headers()["x-otlp-api-key"], "k=1");
        assert_eq!(with.headers()["b"], "2");
        assert!(!format!("{with:?} {with}").contains("k=1"));
        for wrong in ["secret", "a b=1", "a=%0A"] {
            let refused = collector.clone().with_headers(wrong);
            assert_eq!(refused, Err(CollectorError::Headers), "{wrong}");
        }
    }
}
