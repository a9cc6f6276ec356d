//! `klocal clock`: the time of day of a running environment.

use std::{process::ExitCode, time::Duration};

use anyhow::Context;
use clap::{Args, Subcommand};
use time::format_description::well_known::Rfc3339;

use super::{
    args::UrlArgs,
    moments,
    status::{self, Method},
};
use crate::{
    clock_control::{CLOCK_PATH, ClockStatus, MOST_ADVANCED},
    outcome::{Failure, Outcome},
};

/// Show the time that streams, mappings and caches see, or move it forward.
#[derive(Debug, Args)]
#[command(after_help = "\
What moves together: the retention of streams, the expiry of shard iterators, the age of
records (iterator age, MaximumRecordAgeInSeconds), batching and tumbling windows, TTLs of
cache items. Functions and the waits between retries keep the real time.

Example: a tumbling window of a minute ends
  cargo local clock advance 1m && cargo local wait")]
pub struct ClockCommand {
    #[command(subcommand)]
    change: Option<Change>,

    #[command(flatten)]
    url: UrlArgs,
}

#[derive(Debug, Subcommand)]
enum Change {
    /// Move the clock forward
    Advance {
        /// How far, such as 10s, 5m, 24h or 1h30m
        #[arg(value_parser = duration)]
        by: Duration,
    },
}

impl ClockCommand {
    /// Shows or moves it.
    ///
    /// # Errors
    ///
    /// Nothing answers, or the clock cannot be moved that far.
    pub async fn run(self) -> Outcome {
        let url = self.url.url();
        let clock: ClockStatus = match self.change {
            None => status::ask_for(&url, CLOCK_PATH, Method::GET, None).await,
            Some(Change::Advance { by }) => {
                let path = format!("{CLOCK_PATH}?advance={}", by.as_millis());
                status::ask_for(&url, &path, Method::POST, None).await
            }
        }
        .map_err(Failure::run)?;
        let now = clock.now.format(&Rfc3339);
        let now = now.context("the time").map_err(Failure::run)?;
        let advanced = Duration::from_millis(clock.advanced_ms);
        println!("{now} (moved by {})", humantime::format_duration(advanced));
        Ok(ExitCode::SUCCESS)
    }
}

/// A duration with its unit, within what a clock can be moved by.
fn duration(text: &str) -> Result<Duration, String> {
    let duration = moments::duration(text)?;
    if duration > MOST_ADVANCED {
        let most = MOST_ADVANCED.as_secs() / 3600 / 24;
        return Err(format!("expected at most {most} days"));
    }
    Ok(duration)
}
