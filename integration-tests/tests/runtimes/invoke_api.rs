//! The Invoke API: function names, logs, streamed responses, disconnecting clients.

use std::sync::Arc;

use anyhow::{Context, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use integration_tests::{
    emulator::{event, function, serve},
    patience::{eventually, same},
};
use reqwest::Client;
use serde_json::Value;

use crate::{bootstraps::executable, moody};

/// A function that streams its response in two chunks over plain sockets. It sends the
/// second chunk once the file `GATE` exists, and an error in the trailers if the event
/// has `fail` in it.
const STREAMING: &str = r#"#!/usr/bin/env bash
host=${AWS_LAMBDA_RUNTIME_API%:*} port=${AWS_LAMBDA_RUNTIME_API#*:}
path=/2018-06-01/runtime/invocation
while true; do
  exec 3<>"/dev/tcp/$host/$port"
  printf 'GET %s/next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' "$path" >&3
  invocation=$(cat <&3)
  id=$(grep -i '^lambda-runtime-aws-request-id' <<<"$invocation" | tr -d '[:space:]' | cut -d: -f2)
  exec 3<>"/dev/tcp/$host/$port"
  printf 'POST %s/%s/response HTTP/1.1\r\nHost: x\r\nConnection: close\r\n' "$path" "$id" >&3
  printf 'Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n' >&3
  printf 'Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n' >&3
  printf '3\r\none\r\n' >&3
  until [ -e "$GATE" ]; do sleep 0.01; done
  printf '3\r\ntwo\r\n0\r\n' >&3
  if [[ $invocation == *fail* ]]; then
    body=$(printf '{"errorType":"Half","errorMessage":"half way"}' | base64 -w0)
    printf 'Lambda-Runtime-Function-Error-Type: Half\r\n' >&3
    printf 'Lambda-Runtime-Function-Error-Body: %s\r\n' "$body" >&3
  fi
  printf '\r\n' >&3
  cat <&3 >/dev/null
done
"#;

pub async fn a_function_is_found_by_name_by_qualifier_and_by_arn() -> anyhow::Result<()> {
    let function = function(moody(), &[]);
    let server = serve(function.clone()).await?;
    for (name, status) in [
        ("function", 200),
        ("function:PROD", 200),
        ("function:$LATEST", 200),
        ("function?Qualifier=PROD", 200),
        ("000000000000:function:function", 200),
        (
            "arn:aws:lambda:us-east-1:000000000000:function:function",
            200,
        ),
        (
            "arn:aws:lambda:us-east-1:000000000000:function:function:7",
            200,
        ),
        (
            "arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Afunction",
            200,
        ),
        ("another", 404),
        (
            "arn:aws:lambda:us-east-1:000000000000:function:another",
            404,
        ),
    ] {
        let (path, query) = name.split_once('?').unwrap_or((name, ""));
        let url = format!(
            "{}/2015-03-31/functions/{path}/invocations?{query}",
            server.url()
        );
        let reply = Client::new().post(url).body(event("ok")).send().await?;
        same(name, reply.status().as_u16(), status)?;
    }
    function.shut_down().await;
    Ok(())
}

pub async fn log_type_tail_returns_the_end_of_the_log() -> anyhow::Result<()> {
    let function = function(moody(), &[]);
    let server = serve(function.clone()).await?;
    let url = format!("{}/2015-03-31/functions/function/invocations", server.url());
    for text in ["first", "second"] {
        let invoked = Client::new()
            .post(&url)
            .header("x-amz-log-type", "Tail")
            .body(event(&format!("say:the {text} line")))
            .send()
            .await?;
        let log = invoked.headers().get("x-amz-log-result");
        let log = BASE64_STANDARD.decode(log.context("no log")?)?;
        let log = String::from_utf8(log)?;
        let lines: Vec<_> = log.lines().collect();
        ensure!(lines[0].starts_with("START RequestId: "), "{log}");
        same("the function's line", lines[1], &format!("the {text} line"))?;
        ensure!(lines[2].starts_with("END RequestId: "), "{log}");
        ensure!(lines[3].starts_with("REPORT RequestId: "), "{log}");
    }
    let plain = Client::new().post(&url).body(event("ok")).send().await?;
    ensure!(!plain.headers().contains_key("x-amz-log-result"));
    function.shut_down().await;
    Ok(())
}

/// The invocation runs to its end, and then the function takes the next one.
pub async fn an_invocation_continues_when_its_client_disconnects() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let held = folder.path().join("held");
    let function = function(moody(), &[]);
    let server = serve(function.clone()).await?;
    let url = format!("{}/2015-03-31/functions/function/invocations", server.url());
    let mood = event(&format!("hold:{}", held.display()));
    let request = Client::new().post(&url).body(mood);
    let leaves = tokio::spawn(request.send());
    eventually("the invocation runs", || held.exists(), |begun| *begun).await?;
    leaves.abort();
    ensure!(leaves.await.is_err(), "the client got a reply");

    let others = async || Client::new().post(&url).body(event("ok")).send().await;
    same("during it", others().await?.status().as_u16(), 429)?;
    std::fs::remove_file(&held)?;
    while others().await?.status() == 429 {}
    same("after it", others().await?.status().as_u16(), 200)?;
    same("cold starts", function.cold_starts(), 1)?;
    function.shut_down().await;
    Ok(())
}

pub async fn a_streamed_response_is_forwarded_chunk_by_chunk() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let gate = folder.path().join("gate");
    let bootstrap = executable(&folder.path().join("bootstrap"), STREAMING)?;
    let function = function(&bootstrap, &[("GATE", &gate.to_string_lossy())]);
    let server = serve(function.clone()).await?;
    let streamed = format!(
        "{}/2021-11-15/functions/function/response-streaming-invocations",
        server.url()
    );

    let mut reply = Client::new().post(&streamed).body("{}").send().await?;
    let first = reply.chunk().await?.context("no first chunk")?;
    let mut chunks = first.to_vec();
    // The function has not sent the second chunk yet.
    same(
        "chunks",
        messages(&chunks)?,
        vec![("PayloadChunk".to_owned(), b"one".to_vec())],
    )?;
    std::fs::write(&gate, "")?;
    while let Some(chunk) = reply.chunk().await? {
        chunks.extend_from_slice(&chunk);
    }
    let all = messages(&chunks)?;
    same(
        "second chunk",
        &all[1],
        &("PayloadChunk".to_owned(), b"two".to_vec()),
    )?;
    same("the end", all[2].0.as_str(), "InvokeComplete")?;
    let complete: Value = serde_json::from_slice(&all[2].1)?;
    same("its error", &complete["ErrorCode"], &Value::Null)?;

    let failed = Client::new()
        .post(&streamed)
        .body("\"fail\"")
        .send()
        .await?;
    let failed = messages(&failed.bytes().await?)?;
    let (_, complete) = failed.last().context("no end")?;
    let complete: Value = serde_json::from_slice(complete)?;
    same("code", complete["ErrorCode"].as_str(), Some("Half"))?;

    // A plain invocation gets the whole response.
    let whole = format!("{}/2015-03-31/functions/function/invocations", server.url());
    let reply = Client::new().post(&whole).body("{}").send().await?;
    same("body", reply.text().await?.as_str(), "onetwo")?;
    let failed = Client::new().post(&whole).body("\"fail\"").send().await?;
    ensure!(failed.headers().contains_key("x-amz-function-error"));
    let error: Value = failed.json().await?;
    same("message", error["errorMessage"].as_str(), Some("half way"))?;
    function.shut_down().await;
    Ok(())
}

/// Decodes event-stream messages into their event types and payloads.
fn messages(mut bytes: &[u8]) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let mut messages = Vec::new();
    while let Some((length, _)) = bytes.split_first_chunk() {
        let (message, rest) = bytes.split_at(u32::from_be_bytes(*length).try_into()?);
        let headers = u32::from_be_bytes(message[4..8].try_into()?);
        let (headers, payload) = message[12..].split_at(headers.try_into()?);
        let headers = String::from_utf8_lossy(headers);
        let kind = ["PayloadChunk", "InvokeComplete"];
        let kind = kind.into_iter().find(|kind| headers.contains(kind));
        let kind = kind.context("a message of another type")?.to_owned();
        messages.push((kind, payload[..payload.len() - 4].to_vec()));
        bytes = rest;
    }
    Ok(messages)
}

/// Two functions and three mappings of one template, and their `/_local/status`.
pub async fn one_template_runs_several_functions_and_mappings() -> anyhow::Result<()> {
    use aws_wire::DEFAULT_REGION;
    use local::{
        embedded::{Embedded, Options},
        project::Project,
    };
    const TEMPLATE: &str = "
Resources:
  Orders: { Type: AWS::Kinesis::Stream, Properties: { Name: orders, ShardCount: 1 } }
  Returns: { Type: AWS::Kinesis::Stream, Properties: { Name: returns, ShardCount: 2 } }
  One: { Type: AWS::Serverless::Function, Properties: { FunctionName: one, Handler: bootstrap, Runtime: provided.al2023, CodeUri: . } }
  Other: { Type: AWS::Serverless::Function, Properties: { FunctionName: other, Handler: bootstrap, Runtime: provided.al2023, CodeUri: . } }
  OrdersToOne: { Type: AWS::Lambda::EventSourceMapping, Properties: { FunctionName: !Ref One, EventSourceArn: !GetAtt Orders.Arn, StartingPosition: TRIM_HORIZON } }
  OrdersToOther: { Type: AWS::Lambda::EventSourceMapping, Properties: { FunctionName: !Ref Other, EventSourceArn: !GetAtt Orders.Arn, StartingPosition: TRIM_HORIZON } }
  ReturnsToOther: { Type: AWS::Lambda::EventSourceMapping, Properties: { FunctionName: !Ref Other, EventSourceArn: !GetAtt Returns.Arn, StartingPosition: TRIM_HORIZON } }
";
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("template.yaml");
    std::fs::write(&file, TEMPLATE)?;
    let project = Project::in_region(&file, DEFAULT_REGION)?;
    let bootstraps = ["one", "other"].map(|name| (name.to_owned(), moody().to_owned()));
    let embedded = Embedded::start(Options {
        log: Arc::new(|_| {}),
        ..Options::new(project, bootstraps.into())
    })
    .await?;
    let kinesis = aws_sdk_kinesis::Client::new(&loopback_client::sdk_config(
        &embedded.aws.url(),
        DEFAULT_REGION,
    ));
    for (stream, count) in [("orders", 5), ("returns", 7)] {
        for key in 0..count {
            let data = aws_sdk_kinesis::primitives::Blob::new("ok");
            let put = kinesis.put_record().stream_name(stream);
            put.partition_key(format!("key-{key}"))
                .data(data)
                .send()
                .await?;
        }
    }
    let url = format!("{}/_local/status", embedded.lambda.url());
    let expected = [
        ("OrdersToOne", 5),
        ("OrdersToOther", 5),
        ("ReturnsToOther", 7),
    ];
    let deadline = tokio::time::Instant::now() + integration_tests::patience::PATIENCE;
    loop {
        let status: Value = Client::new().get(&url).send().await?.json().await?;
        let status = status["mappings"].as_array().context("no mappings")?;
        let mut records: Vec<_> = status
            .iter()
            .map(|mapping| {
                let shards = mapping["shards"].as_object().into_iter().flatten();
                let records = shards.filter_map(|(_, shard)| shard["records"].as_i64());
                (mapping["name"].as_str().unwrap_or_default(), records.sum())
            })
            .collect();
        records.sort_unstable();
        if records == expected {
            let shard = &status[0]["shards"]["shardId-000000000000"];
            ensure!(shard["checkpoint"].is_string(), "{shard}");
            break;
        }
        let waits = tokio::time::Instant::now() < deadline;
        ensure!(
            waits,
            "records by mapping: {records:?}, expected {expected:?}"
        );
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    embedded.shut_down().await;
    Ok(())
}
