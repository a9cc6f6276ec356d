//! Arguments of `e2e` about the records that it writes.

use std::{path::PathBuf, sync::Arc};

use clap::Args;

use super::load_args::{PaceArgs, RECORDS, ShapeArgs, load, no_records, source};
use crate::{
    e2e::{Load, Program, Puts},
    outcome::Failure,
    project::LocalToml,
};

/// The records of a run.
#[derive(Debug, Args)]
pub struct E2eLoadArgs {
    /// Records: a file with a JSON document and placeholders [default: the records of
    /// `[e2e]` in local.toml]
    #[arg(long, value_name = "FILE", conflicts_with = "record_file")]
    record_template: Option<PathBuf>,

    /// Records: JSON lines, or what `klocal capture` wrote; - is stdin. Of a folder, each
    /// file is a record, and .jsonl files have one in each line
    #[arg(long, value_name = "FILE")]
    record_file: Option<PathBuf>,

    #[command(flatten)]
    shape: ShapeArgs,
    #[command(flatten)]
    pace: PaceArgs,

    /// A program that writes the records, instead of this one
    #[arg(long, value_name = "PATH", conflicts_with_all = ["record_template", "record_file", "partition_key", "size", "malformed", "seed", "duration"])]
    producer: Option<PathBuf>,
}

impl E2eLoadArgs {
    /// The load; `puts` remembers what became of each put.
    ///
    /// # Errors
    ///
    /// Nothing names the records, or they cannot be read.
    pub(super) fn load(&self, local: &LocalToml, puts: Option<Arc<Puts>>) -> Result<Load, Failure> {
        if let Some(producer) = &self.producer {
            return Ok(Load::Program(Program {
                producer: producer.clone(),
                records: self.pace.records.unwrap_or(RECORDS),
                threads: self.pace.threads,
                rate: self.pace.rate,
            }));
        }
        let flag = source(self.record_template.as_deref(), self.record_file.as_deref());
        let records = self.shape.records(flag, local.records.as_ref());
        let records = records
            .ok_or_else(|| no_records("`--record-template FILE` or `--record-file FILE`"))?;
        let (feed, plan, seed) = load(&records, &self.pace, &self.shape, self.pace.order())?;
        Ok(Load::Records {
            feed: feed.into(),
            plan,
            seed,
            puts,
        })
    }
}
