//! The Invoke API over HTTP, on the same path as AWS's emulator.

use anyhow::{Context, ensure};
use integration_tests::patience::same;
use reqwest::{Client, Response};
use serde_json::Value;

use crate::world::{Builder, Programs, World};

/// The name of the only function of AWS's emulator.
const ANY: &str = "function";

/// A function that fails once and then succeeds.
async fn failing_once(programs: Programs) -> anyhow::Result<World> {
    Builder::new(programs).failing("error", 1).start().await
}

async fn invoke(world: &World, function: &str, payload: Vec<u8>) -> anyhow::Result<Response> {
    let request = Client::new().post(world.invoke_url(function)?);
    Ok(request.body(payload).send().await?)
}

pub async fn a_function_error_has_its_header_and_a_success_has_none(
    programs: Programs,
) -> anyhow::Result<()> {
    let world = failing_once(programs).await?;

    let failed = invoke(&world, ANY, b"{}".to_vec()).await?;
    same("status", failed.status().as_u16(), 200)?;
    same(
        "header",
        failed.headers()["x-amz-function-error"].to_str()?,
        "Unhandled",
    )?;
    let error: Value = failed.json().await?;
    ensure!(error["errorMessage"] == "failing on purpose", "{error}");

    let done = invoke(&world, ANY, b"{}".to_vec()).await?;
    ensure!(!done.headers().contains_key("x-amz-function-error"));
    let answer: Value = done.json().await?;
    ensure!(
        answer["batchItemFailures"] == serde_json::json!([]),
        "{answer}"
    );
    world.stop().await;
    Ok(())
}

pub async fn a_payload_over_six_megabytes_is_refused(programs: Programs) -> anyhow::Result<()> {
    let world = failing_once(programs).await?;
    let mut payload = vec![b'x'; 6 * 1024 * 1024 + 1];
    payload[0] = b'"';
    *payload.last_mut().context("no last byte")? = b'"';
    let refused = invoke(&world, ANY, payload).await?;
    same("status", refused.status().as_u16(), 413)?;
    same(
        "code",
        refused.headers()["x-amzn-errortype"].to_str()?,
        "RequestTooLargeException",
    )?;
    // The function fails at its first invocation, which is this one.
    let first = invoke(&world, ANY, b"{}".to_vec()).await?;
    ensure!(first.headers().contains_key("x-amz-function-error"));
    world.stop().await;
    Ok(())
}

pub async fn invoking_an_unknown_function_is_not_found(programs: Programs) -> anyhow::Result<()> {
    let world = failing_once(programs).await?;
    let refused = invoke(&world, "nobody", b"{}".to_vec()).await?;
    same("status", refused.status().as_u16(), 404)?;
    let error: Value = refused.json().await?;
    let message = error["Message"].as_str().unwrap_or_default();
    ensure!(
        message.contains("kinesis-consumer-model-one-rust"),
        "{message}"
    );
    world.stop().await;
    Ok(())
}
