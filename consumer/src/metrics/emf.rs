//! CloudWatch's Embedded Metric Format: log lines from which CloudWatch extracts
//! metrics.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Sample;
use crate::config::EmfConfig;

/// The most values of one metric in one line.
const MAX_VALUES: usize = 100;

/// The dimension of every metric.
const FUNCTION: &str = "FunctionName";

/// The further dimension of errors.
const CODE: &str = "Code";

/// Writes metrics as log lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emf(pub EmfConfig);

/// One metric in one line.
struct Metric {
    name: &'static str,
    unit: &'static str,
    value: Value,
}

impl Emf {
    /// The lines of one invocation at `timestamp`, in milliseconds since 1970. Each
    /// line has all `properties`, for searches in CloudWatch Logs.
    #[must_use]
    pub fn lines(
        &self,
        sample: &Sample,
        timestamp: i128,
        properties: &[(&'static str, &str)],
    ) -> Vec<String> {
        let mut lines = Vec::new();
        let line = |metrics: Vec<Metric>, code: Option<&str>| {
            self.line(&metrics, timestamp, properties, code)
        };
        lines.push(line(counts(sample), None));
        // The longest series decides how many lines there are.
        let series = series(sample);
        let longest = series.iter().map(|(_, values)| values.len()).max();
        for part in 0..longest.unwrap_or(0).div_ceil(MAX_VALUES) {
            let metrics = series.iter().filter_map(|(name, values)| {
                let values = values.chunks(MAX_VALUES).nth(part)?;
                Some(Metric {
                    name,
                    unit: "Milliseconds",
                    value: values.iter().map(|value| milliseconds(*value)).collect(),
                })
            });
            lines.push(line(metrics.collect(), None));
        }
        let cache = sample.cache_errors.iter();
        let cache = cache.map(|(code, count)| ("CacheErrors", code.as_str(), *count));
        let store = sample.store_errors.iter();
        let store = store.map(|(code, count)| ("StoreErrors", *code, *count));
        for (name, code, errors) in cache.chain(store) {
            lines.push(line(vec![count(name, errors)], Some(code)));
        }
        lines
    }

    fn line(
        &self,
        metrics: &[Metric],
        timestamp: i128,
        properties: &[(&'static str, &str)],
        code: Option<&str>,
    ) -> String {
        let definitions: Vec<Value> = metrics
            .iter()
            .map(|metric| json!({ "Name": metric.name, "Unit": metric.unit }))
            .collect();
        // CloudWatch sums errors twice: over all codes, and for each code.
        let dimensions = match code {
            None => json!([[FUNCTION]]),
            Some(_) => json!([[FUNCTION], [FUNCTION, CODE]]),
        };
        let mut line = Map::new();
        line.insert(
            "_aws".to_owned(),
            json!({
                "Timestamp": i64::try_from(timestamp).unwrap_or_default(),
                "CloudWatchMetrics": [{
                    "Namespace": self.0.namespace,
                    "Dimensions": dimensions,
                    "Metrics": definitions,
                }],
            }),
        );
        line.insert(FUNCTION.to_owned(), self.0.function.as_str().into());
        if let Some(code) = code {
            line.insert(CODE.to_owned(), code.into());
        }
        for (name, value) in properties {
            line.insert((*name).to_owned(), (*value).into());
        }
        for metric in metrics {
            line.insert(metric.name.to_owned(), metric.value.clone());
        }
        Value::Object(line).to_string()
    }
}

fn count(name: &'static str, value: u64) -> Metric {
    Metric {
        name,
        unit: "Count",
        value: value.into(),
    }
}

fn counts(sample: &Sample) -> Vec<Metric> {
    let mut counts = vec![
        count("BatchSize", sample.batch_size),
        count("RecordsProcessed", sample.processed),
        count("RecordsRetryable", sample.retryable),
        count("RecordsPoison", sample.poison),
        count("CacheHits", sample.hits),
        count("CacheMisses", sample.misses),
        count("CacheNegativeHits", sample.negative_hits),
        count("CacheCorrupt", sample.corrupt),
        count("CacheCallsWithheld", sample.calls_withheld),
        count("CacheKeyRefreshes", sample.key_refreshes),
        count("CacheBreakerOpened", sample.breaker_opened),
        count("StoreReads", sample.store_reads),
        count("StoreReadsShared", sample.shared_reads),
    ];
    if let Some(open) = sample.breaker_open {
        counts.push(Metric {
            name: "CacheBreakerOpen",
            unit: "None",
            value: open.into(),
        });
    }
    counts
}

fn series(sample: &Sample) -> [(&'static str, &[Duration]); 7] {
    [
        ("CacheGetLatency", &sample.cache_get),
        ("CacheSetLatency", &sample.cache_set),
        ("CacheFailureLatency", &sample.cache_failure),
        ("StoreReadLatency", &sample.store_read),
        ("RecordLatency", &sample.record),
        ("WriteToRead", &sample.write_to_read),
        ("BatchLatency", &sample.batch),
    ]
}

/// Milliseconds with three decimals.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::{Emf, MAX_VALUES};
    use crate::{config::EmfConfig, metrics::Sample};
    use serde_json::{Value, json};
    use std::{collections::HashSet, time::Duration};

    fn lines(sample: &Sample) -> Vec<Value> {
        let emf = Emf(EmfConfig {
            namespace: "KinesisConsumer".to_owned(),
            function: "consumer".to_owned(),
        });
        emf.lines(sample, 1_700_000_000_000, &[("request_id", "r-1")])
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Checks the specification's requirements for every line.
    fn assert_valid(line: &Value) {
        assert!(line["_aws"]["Timestamp"].is_i64(), "{line}");
        for directive in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
            assert!(directive["Namespace"].is_string());
            for set in directive["Dimensions"].as_array().unwrap() {
                let set = set.as_array().unwrap();
                assert!(set.len() <= 30);
                for dimension in set {
                    assert!(line[dimension.as_str().unwrap()].is_string(), "{line}");
                }
            }
            let metrics = directive["Metrics"].as_array().unwrap();
            assert!(!metrics.is_empty() && metrics.len() <= 100);
            let mut names = HashSet::new();
            for metric in metrics {
                let name = metric["Name"].as_str().unwrap();
                assert!(names.insert(name), "{name} twice");
                let units = ["Count", "Milliseconds", "None"];
                assert!(units.contains(&metric["Unit"].as_str().unwrap()));
                match &line[name] {
                    Value::Number(_) => {}
                    Value::Array(values) => {
                        assert!(!values.is_empty() && values.len() <= MAX_VALUES);
                        assert!(values.iter().all(Value::is_number));
                    }
                    other => panic!("{name} is {other}"),
                }
            }
        }
    }

    #[test]
    fn counts_are_one_line() {
        let lines = lines(&Sample {
            batch_size: 10,
            processed: 9,
            poison: 1,
            hits: 7,
            misses: 2,
            store_reads: 2,
            breaker_open: Some(1.0),
            ..Sample::default()
        });
        assert_eq!(lines.len(), 1);
        assert_valid(&lines[0]);
        assert_eq!(lines[0]["request_id"], "r-1");
        assert_eq!(lines[0]["CacheHits"], 7);
        assert_eq!(lines[0]["CacheMisses"], 2);
        assert_eq!(lines[0]["RecordsPoison"], 1);
        assert_eq!(lines[0]["CacheBreakerOpen"], 1.0);
    }

    #[test]
    fn a_series_of_more_than_100_values_takes_several_lines() {
        let sample = Sample {
            cache_get: (1..=250).map(Duration::from_millis).collect(),
            cache_set: vec![Duration::from_micros(1500)],
            ..Sample::default()
        };
        let lines = lines(&sample);
        lines.iter().for_each(assert_valid);
        let written: Vec<f64> = lines
            .iter()
            .filter_map(|line| line["CacheGetLatency"].as_array())
            .flatten()
            .filter_map(Value::as_f64)
            .collect();
        let expected: Vec<f64> = (1..=250_u32).map(f64::from).collect();
        assert_eq!(written, expected);
        assert_eq!(lines[1]["CacheSetLatency"], json!([1.5]));
    }

    #[test]
    fn errors_are_counted_by_code_and_in_total() {
        let mut sample = Sample::default();
        sample.cache_failed("Timeout".to_owned(), Duration::from_millis(50));
        sample.calls_withheld = 1;
        sample.store_errors.insert("Timeout", 3);
        let lines = lines(&sample);
        lines.iter().for_each(assert_valid);
        assert_eq!(lines[0]["CacheCallsWithheld"], 1);
        let errors: Vec<&Value> = lines
            .iter()
            .filter(|line| line["Code"].is_string())
            .collect();
        assert_eq!(errors.len(), 2);
        assert_eq!(
            (&errors[0]["Code"], &errors[0]["CacheErrors"]),
            (&json!("Timeout"), &json!(1))
        );
        assert_eq!(errors[1]["StoreErrors"], 3);
        assert_eq!(
            errors[0]["_aws"]["CloudWatchMetrics"][0]["Dimensions"],
            json!([["FunctionName"], ["FunctionName", "Code"]])
        );
    }
}
