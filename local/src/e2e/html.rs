//! A run as a page in one file: the report, how the run went over time, and the journeys of
//! its slowest and failed records.

use sam_template::environment::Mapping;
use serde::Serialize;
use serde_json::{Map, Value};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{report::Report, tally::Tally};
use crate::{
    mappings::{definition::Options, document},
    page::{Recording, standalone},
};

/// What a run was started with.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Setup {
    /// The command line.
    pub command: String,
    /// The template's file.
    pub template: String,
    /// The stream that was written to.
    pub stream: String,
    /// The function of its first mapping.
    pub function: String,
    /// That mapping's name.
    pub mapping: String,
    /// Its options, as Lambda's API names them.
    pub options: Map<String, Value>,
}

impl Setup {
    /// The set-up of a run that writes to the stream of `mapping`.
    #[must_use]
    pub fn of(mapping: &Mapping, template: String, command: String) -> Self {
        Self {
            command,
            template,
            stream: mapping.stream.clone(),
            function: mapping.function.clone(),
            mapping: mapping.logical_id.clone(),
            options: document::options(&Options::Stream(mapping.settings.clone())),
        }
    }
}

/// What the page shows.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    version: &'static str,
    written: String,
    setup: &'a Setup,
    report: &'a Report,
    /// Shares of the records, and the latency in milliseconds that so many are within.
    percentiles: Vec<(f64, f64)>,
    /// `None` where the run was not in this process.
    recording: Option<&'a Recording>,
}

/// The page.
///
/// # Errors
///
/// Its data cannot be written as JSON.
pub fn page(
    report: &Report,
    tally: &Tally,
    setup: &Setup,
    recording: Option<&Recording>,
) -> serde_json::Result<String> {
    let now = OffsetDateTime::now_utc();
    let document = Document {
        version: env!("CARGO_PKG_VERSION"),
        written: now.format(&Rfc3339).unwrap_or_default(),
        setup,
        report,
        percentiles: percentiles(tally),
        recording,
    };
    standalone(&format!("klocal e2e, {}", setup.stream), &document)
}

/// Latencies at shares that come nearer to all records, the more records there are.
fn percentiles(tally: &Tally) -> Vec<(f64, f64)> {
    let latencies = tally.totals(0).latency_us;
    if latencies.is_empty() {
        return Vec::new();
    }
    let values = latencies.iter_quantiles(5);
    let values = values.map(|value| {
        #[allow(clippy::cast_precision_loss)] // microseconds of a run
        let milliseconds = value.value_iterated_to() as f64 / 1e3;
        (value.quantile_iterated_to(), milliseconds)
    });
    values.collect()
}
