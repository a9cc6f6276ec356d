//! A function that obeys the first record of its event:
//!
//! - `ok`, `error`, `panic`, `timeout`, `exit`, `oversized`: ends in that way;
//! - `meet`: waits until another invocation in the same process waits too;
//! - `say:TEXT`: writes a log line;
//! - `hold:FILE`: creates a file, and waits until somebody removes it.
//!
//! On SIGTERM it creates the file that `MOODY_FAREWELL` names. With `MOODY_STUBBORN`
//! it then does not end.

use std::{env, fs, process, sync::LazyLock, time::Duration};

use anyhow::{Context, bail};
use base64::{Engine, prelude::BASE64_STANDARD};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};
use tokio::sync::Barrier;

/// More than the largest response of an invocation, 6 MB.
const TOO_MUCH: usize = 6 * 1024 * 1024 + 1024;

static MEETING: LazyLock<Barrier> = LazyLock::new(|| Barrier::new(2));

// One thread, like the sample function.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    if let Ok(farewell) = env::var("MOODY_FAREWELL") {
        lambda_runtime::spawn_graceful_shutdown_handler(|| async move {
            if let Err(error) = fs::write(&farewell, "farewell") {
                eprintln!("{farewell}: {error}");
            }
            if env::var_os("MOODY_STUBBORN").is_some() {
                tokio::time::sleep(Duration::from_mins(10)).await;
            }
        })
        .await;
    }
    lambda_runtime::run_concurrent(service_fn(|event: LambdaEvent<Value>| async move {
        Ok::<_, Error>(behave(&event.payload).await?)
    }))
    .await
}

async fn behave(event: &Value) -> anyhow::Result<Value> {
    let data = event["Records"][0]["kinesis"]["data"].as_str();
    let mood = BASE64_STANDARD.decode(data.context("an event without records")?)?;
    let mood = String::from_utf8(mood)?;
    match mood.split_once(':').unwrap_or((&mood, "")) {
        ("error", _) => bail!("failing on purpose"),
        #[allow(clippy::panic, reason = "the record asks for a panic")]
        ("panic", _) => panic!("panicking on purpose"),
        ("timeout", _) => tokio::time::sleep(Duration::from_mins(10)).await,
        ("exit", _) => process::exit(3),
        ("oversized", _) => return Ok(Value::String("x".repeat(TOO_MUCH))),
        ("meet", _) => {
            MEETING.wait().await;
        }
        ("say", text) => println!("{text}"),
        ("hold", file) => {
            fs::write(file, "held").with_context(|| file.to_owned())?;
            while fs::exists(file)? {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        _ => {}
    }
    Ok(json!({ "batchItemFailures": [] }))
}
