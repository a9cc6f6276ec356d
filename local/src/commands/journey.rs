//! `klocal journey`: what happened to one record.

use std::process::ExitCode;

use anyhow::{Context, anyhow};
use clap::Args;
use serde::Deserialize;

use super::{
    args::UrlArgs,
    status::{self, Method},
};
use crate::{
    outcome::{Failure, Outcome},
    page::RECORDS_PATH,
};

/// Show one record's journey: put, read, each invocation with its cache and store calls and
/// log lines, retries, and how it ended.
#[derive(Debug, Args)]
#[command(after_help = "\
What happens to single records is recorded from the first time on that somebody opens the
page or asks for a journey. Cache and store calls are found by key and time: those made
during an invocation with the record whose key occurs in the record's data.")]
pub struct JourneyCommand {
    /// The record's sequence number, as `PutRecord` returns it
    sequence_number: String,

    /// The record's stream [default: the one that has the record]
    #[arg(long, value_name = "NAME")]
    stream: Option<String>,

    /// Print the journey as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    url: UrlArgs,
}

/// What is needed of a list of records.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    records: Vec<Record>,
    recorded_before: bool,
}

#[derive(Deserialize)]
struct Record {
    stream: String,
}

impl JourneyCommand {
    /// Asks for the journey and prints it.
    ///
    /// # Errors
    ///
    /// Nothing answers, or the record is not known.
    pub async fn run(self) -> Outcome {
        if !self.sequence_number.bytes().all(|one| one.is_ascii_digit()) {
            return Err(Failure::configuration(anyhow!(
                "{:?} is not a sequence number: it has digits only",
                self.sequence_number
            )));
        }
        let text = self.text().await.map_err(Failure::run)?;
        print!("{text}");
        Ok(ExitCode::SUCCESS)
    }

    async fn text(&self) -> anyhow::Result<String> {
        let status = status::ask(&self.url.url()).await?;
        let aws = status.aws.context(
            "no AWS APIs are served there, so no record is seen\nhint: name the URL of a `klocal up` with `--url URL`",
        )?;
        let number = &self.sequence_number;
        let path = format!("{RECORDS_PATH}?sequenceNumber={number}");
        let listed: Listed = status::ask_for(&aws, &path, Method::GET, None).await?;
        let mut records = listed.records.into_iter();
        let wanted = |record: &Record| {
            let stream = self.stream.as_ref();
            stream.is_none_or(|stream| *stream == record.stream)
        };
        let record = records.find(wanted).ok_or_else(|| {
            let hint = if listed.recorded_before {
                "it was put or read before recording began, or over 10,000 records ago"
            } else {
                "recording has begun now; put the record again"
            };
            anyhow!("record {number} is not known\nhint: {hint}")
        })?;
        let format = if self.json { "json" } else { "text" };
        let path = format!("{RECORDS_PATH}/{}/{number}?format={format}", record.stream);
        let reply = status::request(&aws, &path, Method::GET, None).await?;
        let text = reply.text().await.context("the journey")?;
        Ok(if self.json { text + "\n" } else { text })
    }
}
