//! `klocal plan`: what a load needs in AWS.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context, anyhow};
use clap::Args;
use serde::Deserialize;

use super::{
    args::{Format, TemplateArgs},
    table::render,
};
use crate::{
    outcome::{Failure, Outcome},
    plan::{Load, Plan, prices},
    project::Project,
};

/// Shards, concurrency, requests and cost of a load in AWS, from the template and a
/// report of `klocal e2e --output json`.
#[derive(Debug, Args)]
pub struct PlanCommand {
    #[command(flatten)]
    template: TemplateArgs,

    /// Records a second
    #[arg(long, value_name = "N", value_parser = positive)]
    rate: f64,

    /// Bytes of a record, with its partition key
    #[arg(long, value_name = "BYTES", value_parser = positive)]
    size: f64,

    /// A report of `klocal e2e --output json`: for what the flags below do not say
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// Share of cache gets that hit, 0 to 1 [default: the report's, or 0.9]
    #[arg(long, value_name = "RATIO", value_parser = ratio)]
    hit_ratio: Option<f64>,

    /// Records of a batch [default: the report's mean, or the template's `BatchSize`]
    #[arg(long, value_name = "N", value_parser = positive)]
    batch: Option<f64>,

    /// How long the function takes for a batch, ms [default: the report's median, or 10]
    #[arg(long, value_name = "MS", value_parser = positive)]
    duration: Option<f64>,

    /// Format on stdout
    #[arg(long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

/// What a plan takes from a report.
#[derive(Debug, Deserialize)]
struct Measured {
    records: Processed,
    invocations: f64,
    cache_requests: Option<Gets>,
    latency_ms: Latencies,
}

#[derive(Debug, Deserialize)]
struct Processed {
    processed: f64,
}

#[derive(Debug, Deserialize)]
struct Gets {
    get: f64,
    hit: f64,
}

#[derive(Debug, Deserialize)]
struct Latencies {
    invoke: Median,
}

#[derive(Debug, Deserialize)]
struct Median {
    p50: f64,
}

impl PlanCommand {
    /// Prints the plan.
    ///
    /// # Errors
    ///
    /// The template or the report cannot be read, or the template has no mapping.
    // Every command runs alike.
    #[allow(clippy::unused_async)]
    pub async fn run(self) -> Outcome {
        let load = self.load()?;
        let plan = Plan::of(&load);
        match self.output {
            Format::Text => print!("{}", text(&load, &plan)),
            Format::Json => {
                let json = serde_json::to_string(&plan).map_err(Failure::run)?;
                println!("{json}");
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn load(&self) -> Result<Load, Failure> {
        let project = self.template.read()?;
        let Project { environment, .. } = &project;
        let mapping = environment.mappings.first().ok_or_else(|| {
            let template = project.template.display();
            Failure::configuration(anyhow!("{template} has no event source mapping"))
        })?;
        let stream = environment
            .streams
            .iter()
            .find(|stream| stream.name == mapping.stream);
        let function = environment
            .functions
            .iter()
            .find(|function| function.name == mapping.function);
        let measured = self.measured().map_err(Failure::configuration)?;
        let measured = measured.as_ref();
        let batch = measured.filter(|report| report.invocations > 0.0);
        let batch = batch.map(|report| report.records.processed / report.invocations);
        let gets = measured.and_then(|report| report.cache_requests.as_ref());
        let hits = gets
            .filter(|gets| gets.get > 0.0)
            .map(|gets| gets.hit / gets.get);
        let median = measured.map(|report| report.latency_ms.invoke.p50);
        let batch_size = f64::from(mapping.settings.batch_size);
        Ok(Load {
            rate: self.rate,
            size: self.size,
            hit_ratio: self.hit_ratio.or(hits).unwrap_or(0.9),
            batch: self
                .batch
                .or(batch)
                .unwrap_or(batch_size)
                .clamp(1.0, batch_size),
            duration: Duration::from_secs_f64(
                self.duration.or(median).unwrap_or(10.0).max(0.1) / 1000.0,
            ),
            memory_mb: function.map_or(128, |function| function.memory_mb),
            reserved_concurrency: function.and_then(|function| function.reserved_concurrency),
            shards: stream.and_then(|stream| stream.shards),
        })
    }

    fn measured(&self) -> anyhow::Result<Option<Measured>> {
        let Some(path) = &self.report else {
            return Ok(None);
        };
        let text =
            std::fs::read_to_string(path).with_context(|| format!("report {}", path.display()))?;
        let report = serde_json::from_str(&text).with_context(|| {
            format!(
                "report {}: expected the output of `klocal e2e --output json`",
                path.display()
            )
        })?;
        Ok(Some(report))
    }
}

fn text(load: &Load, plan: &Plan) -> String {
    let milliseconds = load.duration.as_secs_f64() * 1000.0;
    let cost = &plan.cost;
    let row = |name: &str, value: String, why: String| [name.to_owned(), value, why];
    let mut rows = vec![
        row(
            "load",
            format!("{} records/s", thousands(load.rate)),
            format!(
                "{} bytes each, {:.1} % of gets hit",
                thousands(load.size),
                load.hit_ratio * 100.0
            ),
        ),
        row(
            "function",
            format!("{milliseconds:.1} ms"),
            format!(
                "for a batch of {:.0}, with {} MB",
                load.batch, load.memory_mb
            ),
        ),
        row(
            "shards",
            thousands_of(plan.shards),
            plan.shards_for.to_owned(),
        ),
        row(
            "ParallelizationFactor",
            plan.parallelization_factor.to_string(),
            String::new(),
        ),
        row(
            "invocations",
            format!("{}/s", thousands(plan.invocations)),
            format!("{} at the same time", thousands_of(plan.concurrency)),
        ),
        row(
            "cache requests",
            format!("{}/s", thousands(plan.cache_requests)),
            "a get for each record, a set for each miss".to_owned(),
        ),
        row(
            "table reads",
            format!("{}/s", thousands(plan.table_reads)),
            "one for each miss".to_owned(),
        ),
    ];
    for limit in &plan.limits {
        rows.push(row(
            "limit",
            format!("{} records/s", thousands(limit.at)),
            limit.what.clone(),
        ));
    }
    rows.push(row(
        "a million records",
        format!("${:.2}", cost.total()),
        format!(
            "Kinesis ${:.2}, Lambda ${:.2}, DynamoDB ${:.2}; without Momento. List prices of us-east-1, {}",
            cost.kinesis, cost.lambda, cost.dynamodb, prices::DATE
        ),
    ));
    render(&rows)
}

/// A number with separators, without fraction from ten on.
fn thousands(number: f64) -> String {
    if number < 10.0 {
        return format!("{number:.1}");
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    thousands_of(number.round() as u64)
}

fn thousands_of(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    let groups: Vec<_> = groups.map(String::from_utf8_lossy).collect();
    groups.join(",")
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if f64::is_finite(number) && number > 0.0 && number < 1e12 => Ok(number),
        _ => Err("expected a number above 0".to_owned()),
    }
}

fn ratio(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if (0.0..=1.0).contains(&number) => Ok(number),
        _ => Err("expected a number from 0 to 1".to_owned()),
    }
}
