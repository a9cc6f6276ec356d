//! Where traces and metrics are sent.

use clap::Args;

use crate::{
    otlp::{Collector, HEADERS_VARIABLE},
    outcome::Failure,
};

/// The OpenTelemetry collector.
#[derive(Debug, Clone, Args)]
pub struct OtlpArgs {
    /// Send the records' journeys as traces, and metrics, to an OpenTelemetry collector
    /// (OTLP/HTTP), such as <http://127.0.0.1:4318>
    #[arg(long = "otlp", value_name = "URL")]
    collector: Option<Collector>,
}

impl OtlpArgs {
    /// Whether there is one.
    pub(super) fn is_given(&self) -> bool {
        self.collector.is_some()
    }

    /// The collector, with the headers of the environment.
    ///
    /// # Errors
    ///
    /// The variable has no list of headers.
    pub(super) fn collector(&self) -> Result<Option<Collector>, Failure> {
        let Some(collector) = self.collector.clone() else {
            return Ok(None);
        };
        let list = std::env::var(HEADERS_VARIABLE).unwrap_or_default();
        let collector = collector.with_headers(&list);
        collector.map(Some).map_err(Failure::configuration)
    }
}
