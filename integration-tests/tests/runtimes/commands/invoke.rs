//! `klocal invoke` and `klocal event`.

use anyhow::ensure;
use integration_tests::patience::same;
use serde_json::Value;

use super::{World, stderr, stdout};

pub async fn invoke_prints_the_response_and_the_log() -> anyhow::Result<()> {
    let world = World::start().await?;
    let event = world.event(r#"{"Records":[{"kinesis":{"data":"c2F5OmhlbGxv"}}]}"#)?;
    let arguments = ["invoke", "moody", "--event", &event];
    let quiet = world.local(&arguments).await?;
    same(
        "response",
        stdout(&quiet, 0)?.as_str(),
        "{\"batchItemFailures\":[]}\n",
    )?;
    same("stderr", stderr(&quiet, 0)?.as_str(), "")?;
    let logged = world.local(&[&arguments[..], &["--log"]].concat()).await?;
    same("response", stdout(&logged, 0)?, stdout(&quiet, 0)?)?;
    let log = stderr(&logged, 0)?;
    ensure!(
        log.starts_with("START RequestId: ") && log.contains("\nhello\nEND RequestId: "),
        "{log}"
    );
    world.stop().await;
    Ok(())
}

pub async fn invoke_fails_with_the_function_error() -> anyhow::Result<()> {
    let world = World::start().await?;
    // The event is {}.
    let failed = world.local(&["invoke", "moody"]).await?;
    let error = stderr(&failed, 1)?;
    same("stdout", stdout(&failed, 1)?.as_str(), "")?;
    ensure!(
        error.starts_with("error: function moody: ")
            && error.ends_with(
                ": an event without records\nhint: `--log` shows the end of the invocation's log\n"
            ),
        "{error}"
    );
    let unknown = stderr(&world.local(&["invoke", "nobody"]).await?, 2)?;
    same(
        "an unknown function",
        unknown.as_str(),
        "error: function nobody: Function not found: nobody; functions here: moody\n",
    )?;
    let event = world.event("{")?;
    let malformed = world.local(&["invoke", "moody", "--event", &event]).await?;
    let malformed = stderr(&malformed, 2)?;
    ensure!(
        malformed.starts_with(
            "error: function moody: Could not parse request body into json: EOF while"
        ),
        "{malformed}"
    );
    world.stop().await;
    Ok(())
}

pub async fn an_event_of_messages_is_what_a_function_with_a_queue_gets() -> anyhow::Result<()> {
    let world = World::start().await?;
    let lines = world.event("{\"id\":7}\n{\"id\":8}\n")?;
    let arguments = ["event", "sqs", &lines, "--queue=orders.fifo"];
    let event: Value = serde_json::from_str(&stdout(&world.alone(&arguments).await?, 0)?)?;
    let [first, second] = [&event["Records"][0], &event["Records"][1]];
    same("body", first["body"].as_str(), Some("{\"id\":7}"))?;
    same("body", second["body"].as_str(), Some("{\"id\":8}"))?;
    same(
        "ARN",
        first["eventSourceARN"].as_str(),
        Some("arn:aws:sqs:us-east-1:000000000000:orders.fifo"),
    )?;
    // `printf '{"id":7}' | md5sum`.
    same(
        "MD5",
        first["md5OfBody"].as_str(),
        Some("f909686c4adf64f7a8c468b29e6e66aa"),
    )?;
    same(
        "group",
        first["attributes"]["MessageGroupId"].as_str(),
        Some("group"),
    )?;
    world.stop().await;
    Ok(())
}

pub async fn an_event_of_records_invokes_a_function() -> anyhow::Result<()> {
    let world = World::start().await?;
    let lines = world.event("{\"id\":7,\"mood\":\"ok\"}\n\n{\"id\":8,\"mood\":\"ok\"}\n")?;
    let made = world
        .alone(&[
            "event",
            "kinesis",
            &lines,
            "--stream=orders",
            "--partition-key=/id",
        ])
        .await?;
    let event: Value = serde_json::from_str(&stdout(&made, 0)?)?;
    let keys: Vec<_> = event["Records"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|record| record["kinesis"]["partitionKey"].as_str())
        .collect();
    same("keys", keys, vec![Some("7"), Some("8")])?;
    same(
        "ARN",
        event["Records"][0]["eventSourceARN"].as_str(),
        Some("arn:aws:kinesis:us-east-1:000000000000:stream/orders"),
    )?;
    let event = world.event(&event.to_string())?;
    let invoked = world.local(&["invoke", "moody", "--event", &event]).await?;
    same(
        "response",
        stdout(&invoked, 0)?.as_str(),
        "{\"batchItemFailures\":[]}\n",
    )?;
    world.stop().await;
    Ok(())
}
