//! AWS's documented behaviour, as checks that run against any endpoint.
//!
//! Ours has to pass all of them. `CONFORMANCE_ENDPOINT=http://127.0.0.1:4566`
//! runs them against something else, with `--nocapture` to see each result; the
//! results of some engines are in `docs/conformance.md`.

mod listing;
mod putting;
mod reading;
mod resharding;
mod settings;
mod target;

use std::{env, time::Duration};

use crate::support::{Client, serve};
use kinesis_engine::Options;
use target::{Check, Target};

/// For one check, with the slowest engine: some create a stream in seconds.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_behaves_as_aws_documents() {
    let endpoint = match env::var("CONFORMANCE_ENDPOINT") {
        Ok(endpoint) => endpoint,
        Err(_) => format!("http://{}", serve(Options::default()).await),
    };
    let client = Client::new(endpoint);
    let checks: Vec<Check> = [
        listing::checks(),
        putting::checks(),
        reading::checks(),
        resharding::checks(),
        settings::checks(),
    ]
    .concat();
    let mut failed = Vec::new();
    for (number, check) in checks.iter().enumerate() {
        let target = Target::new(client.clone(), number);
        let outcome = tokio::time::timeout(PATIENCE, (check.run)(target.clone())).await;
        let outcome = outcome.unwrap_or_else(|_| Err(format!("no result after {PATIENCE:?}")));
        target.clean_up().await;
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
