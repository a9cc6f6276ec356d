//! One run of the whole pipeline: write records, wait until each is settled, report.

pub mod conditions;
pub mod containers;
pub mod error_lines;
pub mod html;
pub mod junit;
mod producer;
pub mod records_out;
pub mod report;
pub mod site;
pub mod tally;
mod writing;

use std::{sync::Arc, time::Duration};

use load_generator::plan::Pace;
use tokio::time::Instant;

pub use producer::Program;
use report::{Report, Run};
use site::Site;
use tally::Tally;
use writing::Writing;
pub use writing::{Load, Puts, Written};

/// How long no count may change before the run counts as stuck.
const PATIENCE: Duration = Duration::from_secs(30);

/// Writes `load` to the stream of a running pipeline. Waits until every record is
/// settled, no count changes any more, or `interrupted` completes.
///
/// # Errors
///
/// The load cannot be started, or writes nothing.
pub async fn run(
    site: &dyn Site,
    load: &Load,
    tally: &Arc<Tally>,
    startup: Duration,
    interrupted: impl Future<Output = ()>,
) -> anyhow::Result<Report> {
    let began = Instant::now();
    tokio::pin!(interrupted);
    let mut partial = false;
    let writing = Writing::start(site, load)?;
    let stop = writing.stop();
    let writing = writing.written();
    tokio::pin!(writing);
    let written = tokio::select! {
        written = &mut writing => written?,
        () = &mut interrupted => {
            partial = true;
            stop.now();
            // Stopped before it could report, it has written nothing that counts.
            writing.await.unwrap_or_default()
        }
    };
    let settled = async { until_settled(tally, written.written).await };
    if partial {
        settled.await;
    } else {
        tokio::select! {
            () = settled => {}
            () = interrupted => partial = true,
        }
    }
    let (flat_out, seed) = match load {
        Load::Records { plan, seed, .. } => (plan.pace == Pace::Unlimited, Some(*seed)),
        Load::Program(program) => (program.rate.is_none(), None),
    };
    let run = Run {
        written,
        startup,
        elapsed: began.elapsed(),
        partial,
        flat_out,
        seed,
    };
    Ok(Report::new(&site.seen().await, tally, &run))
}

/// Waits until `written` records are settled, or no count changes any more.
async fn until_settled(tally: &Tally, written: u64) {
    let mut changes = tally.changes();
    while tally.settled() < written {
        let moved = tokio::time::timeout(PATIENCE, changes.changed()).await;
        if !matches!(moved, Ok(Ok(()))) {
            tracing::error!(
                settled = tally.settled(),
                written,
                "no record was settled for {} s",
                PATIENCE.as_secs()
            );
            return;
        }
    }
}
