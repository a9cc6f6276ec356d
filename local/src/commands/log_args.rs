//! What of the events a command shows, and how.

use anyhow::anyhow;
use clap::Args;

use crate::{
    outcome::Failure,
    terminal::{Level, Logs, View},
};

/// What is shown, and how.
#[derive(Debug, Clone, Args)]
pub struct ViewArgs {
    /// How invocations and the functions' log lines are shown
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    logs: Logs,

    /// Show only this level and above
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t)]
    level: Level,

    /// Show only failed invocations, retries and discarded batches
    #[arg(short, long)]
    quiet: bool,

    /// Show metrics too: log lines in CloudWatch's Embedded Metric Format
    #[arg(long)]
    show_metrics: bool,
}

impl ViewArgs {
    /// The view of these functions; of all, where none is named.
    pub(super) fn view(&self, functions: &[String]) -> View {
        View {
            logs: self.logs,
            quiet: self.quiet,
            functions: functions.to_vec(),
            level: self.level,
            metrics: self.show_metrics,
        }
    }
}

/// Refuses functions that are not among those that there are.
///
/// # Errors
///
/// One is not.
pub(super) fn check<N: AsRef<str>>(wanted: &[String], known: &[N]) -> Result<(), Failure> {
    let is_known = |name: &&String| known.iter().any(|one| one.as_ref() == name.as_str());
    let Some(unknown) = wanted.iter().find(|name| !is_known(name)) else {
        return Ok(());
    };
    let known: Vec<_> = known.iter().map(AsRef::as_ref).collect();
    Err(Failure::configuration(anyhow!(
        "there is no function {unknown}\nhint: name one of {}",
        known.join(", ")
    )))
}
