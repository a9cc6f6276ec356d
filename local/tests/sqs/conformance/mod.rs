//! Checks of behaviour that AWS documents, against any endpoint.
//!
//! This project's engine must pass all of them. With
//! `CONFORMANCE_ENDPOINT=http://127.0.0.1:4566` they run against another endpoint, and
//! `--nocapture` shows each result. `docs/reference/sqs.md` has the results of several
//! engines.

mod fifo;
mod queues;
mod receiving;
mod redriving;
mod sending;
mod target;

use std::{env, time::Duration};

use crate::support::{Client, serve};
use sqs_engine::Options;
use target::{Check, Target};

/// The longest that one check may take: some wait for a visibility timeout to end.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_does_what_aws_documents() {
    let endpoint = match env::var("CONFORMANCE_ENDPOINT") {
        Ok(endpoint) => endpoint,
        Err(_) => format!("http://{}", serve(Options::default()).await),
    };
    let client = Client::new(endpoint);
    let checks: Vec<Check> = [
        queues::checks(),
        sending::checks(),
        receiving::checks(),
        redriving::checks(),
        fifo::checks(),
    ]
    .concat();
    // All at once: most of their time is waiting.
    let runs = checks.iter().enumerate().map(|(number, check)| {
        let target = Target::new(client.clone(), number);
        async move {
            let outcome = tokio::time::timeout(PATIENCE, (check.run)(target.clone())).await;
            target.clean_up().await;
            outcome.unwrap_or_else(|_| Err(format!("no result after {PATIENCE:?}")))
        }
    });
    let outcomes = futures_util::future::join_all(runs).await;
    let mut failed = Vec::new();
    for (check, outcome) in checks.iter().zip(outcomes) {
        match outcome {
            Ok(()) => println!("pass | {} | {}", check.name, check.reference),
            Err(reason) => {
                println!("FAIL | {} | {} | {reason}", check.name, check.reference);
                failed.push(format!("{} ({}): {reason}", check.name, check.reference));
            }
        }
    }
    println!("{} of {} pass", checks.len() - failed.len(), checks.len());
    assert!(
        failed.is_empty(),
        "{} of {} fail:\n{}",
        failed.len(),
        checks.len(),
        failed.join("\n")
    );
}
