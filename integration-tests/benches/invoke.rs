//! Measures an invocation here and in AWS's Runtime Interface Emulator (RIE):
//!
//! ```text
//! AWS_LAMBDA_RIE=/path/to/aws-lambda-rie cargo bench --bench invoke
//! ```
//!
//! Both run the same function, one invocation at a time. Rounds alternate, so that
//! other load on the machine affects both; the results are medians.

use std::{path::Path, time::Instant};

use anyhow::{Context, ensure};
use bytes::Bytes;
use integration_tests::emulator::{Rie, function, serve};
use lambda_host::Outcome;
use serde_json::json;

/// Rounds unless `--quick` says otherwise.
const ROUNDS: usize = 9;
const INVOCATIONS: usize = 200;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let fetched = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/aws-lambda-rie");
    let rie = std::env::var_os("AWS_LAMBDA_RIE").map_or(fetched, Into::into);
    ensure!(
        rie.is_file(),
        "RIE is missing: no {}\nhint: run `.ci/fetch-tools`, or set AWS_LAMBDA_RIE=PATH",
        rie.display()
    );
    let rie = Rie::start(&rie, moody()).await?;
    let function = function(moody(), &[]);
    let server = serve(function.clone()).await?;
    let ours = format!("{}/2015-03-31/functions/function/invocations", server.url());
    let quick = std::env::args().any(|argument| argument == "--quick");
    let count = if quick { 1 } else { ROUNDS };
    println!(
        "The same function behind each, one invocation at a time. Medians of {count} alternating rounds.\n"
    );
    println!("| event | in the process (ms) | Invoke API (ms) | RIE (ms) | Invoke API / RIE |");
    println!("|---|---|---|---|---|");
    for bytes in [200, 50_000, 1_000_000] {
        let payload = event_of(bytes);
        let client = reqwest::Client::new();
        let (mut inside, mut http, mut emulated) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..count {
            for _ in 0..INVOCATIONS {
                let began = Instant::now();
                let invoked = function.invoke(payload.clone()).await;
                ensure!(matches!(invoked.outcome, Outcome::Success(_)));
                inside.push(milliseconds(began));
            }
            for (url, times) in [(&ours, &mut http), (&rie.url(), &mut emulated)] {
                for _ in 0..INVOCATIONS {
                    let began = Instant::now();
                    let reply = client.post(url).body(payload.clone()).send().await?;
                    ensure!(reply.status() == 200, "{}", reply.status());
                    reply.bytes().await?;
                    times.push(milliseconds(began));
                }
            }
        }
        let (inside, http, emulated) = (median(inside)?, median(http)?, median(emulated)?);
        let ratio = http / emulated;
        println!("| {bytes} B | {inside:.3} | {http:.3} | {emulated:.3} | {ratio:.2} |");
    }
    function.shut_down().await;
    Ok(())
}

/// An event of about this size that the function succeeds on.
fn event_of(bytes: usize) -> Bytes {
    let filler = "x".repeat(bytes.saturating_sub(60));
    let event = json!({ "Records": [{ "kinesis": { "data": "b2s=" } }], "filler": filler });
    event.to_string().into()
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

fn median(mut values: Vec<f64>) -> anyhow::Result<f64> {
    values.sort_by(f64::total_cmp);
    values
        .get(values.len() / 2)
        .copied()
        .context("nothing measured")
}

/// The function that obeys its records.
fn moody() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_moody"))
}
