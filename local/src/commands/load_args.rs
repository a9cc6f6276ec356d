//! Arguments of the commands that write records.

use std::{path::Path, time::Duration};

use anyhow::anyhow;
use clap::Args;
use load_generator::{
    feed::{Feed, Order},
    files::Files,
    plan::{Pace, Plan},
    shape::Shape,
};

use super::moments::{duration, records_per_second};
use crate::{
    outcome::Failure,
    records::{Records, Source, pointer, share},
};

/// How many records, and when.
#[derive(Debug, Clone, Args)]
pub struct PaceArgs {
    /// Records to write, all threads together [default: 1000 of a template, each one of a
    /// file]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub records: Option<u64>,

    /// Threads that write at the same time
    #[arg(long, value_name = "T", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub threads: u32,

    /// Records per second, all threads together [default: no limit]
    #[arg(long, value_name = "R", allow_negative_numbers = true, value_parser = records_per_second)]
    pub rate: Option<f64>,

    /// Write for so long, such as 30s
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub duration: Option<Duration>,
}

/// The records of a run without `--records`.
pub(super) const RECORDS: u64 = 1000;

impl PaceArgs {
    fn plan(&self, records: &Records, order: Order) -> Plan {
        let default = records.are_endless() && self.duration.is_none();
        Plan {
            threads: self.threads,
            records: self.records.or(default.then_some(RECORDS)),
            duration: self.duration,
            pace: match (order, self.rate) {
                (Order::AsRecorded, _) => Pace::AsRecorded,
                (_, Some(rate)) => Pace::Rate(rate),
                (_, None) => Pace::Unlimited,
            },
        }
    }

    /// A file is read again as often as a number of records or a duration needs.
    pub(super) fn order(&self) -> Order {
        if self.records.is_some() || self.duration.is_some() {
            Order::Again
        } else {
            Order::Once
        }
    }
}

/// How records differ from what their source has.
#[derive(Debug, Clone, Args)]
pub struct ShapeArgs {
    /// JSON pointer to each record's partition key, such as /orderId [default: a captured
    /// record's own, or random]
    #[arg(long, value_name = "POINTER", value_parser = pointer)]
    pub partition_key: Option<String>,

    /// Pad shorter records to this many bytes, with spaces after the JSON
    #[arg(long, value_name = "BYTES")]
    pub size: Option<usize>,

    /// The share of records that are cut in half, such as 1%: they are not JSON
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub malformed: Option<f64>,

    /// The seed of random values: the same seed gives the same records, but for their
    /// times [default: random]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

impl ShapeArgs {
    /// The records of a flag, or else of `local.toml`; these flags override its own.
    pub(super) fn records(
        &self,
        flag: Option<Source>,
        project: Option<&Records>,
    ) -> Option<Records> {
        let records = match flag {
            Some(source) => Records {
                source,
                shape: Shape::default(),
            },
            None => project?.clone(),
        };
        let shape = records.shape;
        Some(Records {
            source: records.source,
            shape: Shape {
                partition_key: self.partition_key.clone().or(shape.partition_key),
                size: self.size.unwrap_or(shape.size),
                malformed: self.malformed.unwrap_or(shape.malformed),
            },
        })
    }
}

/// The records, how many, and their seed.
pub(super) fn load(
    records: &Records,
    pace: &PaceArgs,
    shape: &ShapeArgs,
    order: Order,
) -> Result<(Feed, Plan, u64), Failure> {
    // A number that is easily typed again.
    let seed = shape.seed.unwrap_or_else(|| rand::random::<u32>().into());
    let feed = records.feed(seed, order).map_err(Failure::configuration)?;
    Ok((feed, pace.plan(records, order), seed))
}

/// The source that flags name.
pub(super) fn source(template: Option<&Path>, file: Option<&Path>) -> Option<Source> {
    match (template, file) {
        (Some(template), _) => Some(Source::Template(template.to_owned())),
        (None, Some(file)) if file == Path::new("-") => Some(Source::Files(Files::Stdin)),
        (None, Some(file)) => Some(Source::Files(Files::Path(file.to_owned()))),
        (None, None) => None,
    }
}

/// Nothing names the records; `flags` would.
pub(super) fn no_records(flags: &str) -> Failure {
    Failure::configuration(anyhow!(
        "no records to write: local.toml has no [e2e] records\nhint: name them with {flags}, or in local.toml: [e2e] records = {{ template = \"record.json\" }}"
    ))
}
