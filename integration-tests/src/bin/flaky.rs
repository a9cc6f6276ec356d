//! A function that fails on purpose `FLAKY_FAILURES` times, as `FLAKY_MODE` says
//! (`error`, `crash` or `timeout`), and then succeeds. Each failure appends a byte to the
//! file `FLAKY_COUNT`, which survives a crash and which several environments may share.

use std::{env, fs, io::Write, process, time::Duration};

use anyhow::{Context, bail};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Error> {
    lambda_runtime::run(service_fn(|_: LambdaEvent<Value>| async {
        fail_at_first().await?;
        Ok::<_, Error>(json!({ "batchItemFailures": [] }))
    }))
    .await
}

async fn fail_at_first() -> anyhow::Result<()> {
    let variable = |name| env::var(name).with_context(|| format!("{name} is not set"));
    let file = variable("FLAKY_COUNT")?;
    let failures: u64 = variable("FLAKY_FAILURES")?.parse()?;
    let mut count = fs::File::options().create(true).append(true).open(file)?;
    if count.metadata()?.len() >= failures {
        return Ok(());
    }
    count.write_all(b".")?;
    match variable("FLAKY_MODE")?.as_str() {
        "error" => bail!("failing on purpose"),
        "crash" => process::exit(3),
        "timeout" => {
            tokio::time::sleep(Duration::from_mins(10)).await;
            Ok(())
        }
        other => bail!("FLAKY_MODE is {other:?}; expected error, crash or timeout"),
    }
}
