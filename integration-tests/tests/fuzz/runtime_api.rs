//! The Runtime API: a runtime that posts anything, to anything, in any order.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc, time::Duration};

use ::bytes::Bytes;
use integration_tests::emulator;
use lambda_host::Outcome;
use proptest::{collection::vec, prelude::*, sample::select};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{bytes, harness};

/// How long to wait for a reply: `next` may wait for an invocation.
const BRIEF: Duration = Duration::from_millis(20);

/// Says where its Runtime API is, and leaves the talking to the test.
const SILENT: &str = "#!/bin/sh\necho \"$AWS_LAMBDA_RUNTIME_API\" >\"$ADDRESS\"\nexec sleep 1000\n";

/// Answers every event with itself.
const ECHO: &str = r#"#!/usr/bin/env bash
api=$AWS_LAMBDA_RUNTIME_API path=/2018-06-01/runtime/invocation LC_ALL=C
call() {
  exec 3<>"/dev/tcp/${api%:*}/${api#*:}" || exit 1
  printf '%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s' \
    "$1" "$path/$2" "$api" "${#3}" "$3" >&3
  cat <&3
}
while :; do
  event=$(call GET next)
  id=$(grep -i '^lambda-runtime-aws-request-id' <<<"$event" | cut -d' ' -f2 | tr -d '\r')
  call POST "$id/response" "${event#*$'\r\n\r\n'}" >/dev/null
done
"#;

/// One call, and what changes it.
#[derive(Debug, Clone)]
struct Call {
    line: &'static str,
    id: &'static str,
    headers: &'static str,
    body: Vec<u8>,
    changes: Vec<bytes::Change>,
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let lines = vec![
        "GET /2018-06-01/runtime/invocation/next",
        "POST /2018-06-01/runtime/invocation/ID/response",
        "POST /2018-06-01/runtime/invocation/ID/error",
        "POST /2018-06-01/runtime/init/error",
        "POST /2020-01-01/extension/register",
        "GET /2020-01-01/extension/event/next",
        "PUT /2022-07-01/telemetry",
        "DELETE /2018-06-01/runtime/invocation/next",
    ];
    let headers = vec![
        "",
        "Lambda-Runtime-Function-Error-Type: Runtime.Unknown\r\n",
        "Lambda-Runtime-Function-Response-Mode: streaming\r\nTrailer: Lambda-Runtime-Function-Error-Type\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Lambda-Extension-Name: extension\r\n",
    ];
    let body = prop_oneof![
        Just(b"{}".to_vec()),
        Just(br#"{"errorMessage":"no","errorType":"E","stackTrace":[1]}"#.to_vec()),
        Just(b"5\r\nhello\r\n0\r\nLambda-Runtime-Function-Error-Body: e30=\r\n\r\n".to_vec()),
        vec(any::<u8>(), 0..100),
    ];
    let ids = select(vec![
        "CURRENT",
        "none",
        "",
        "..%2f..",
        "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
    ]);
    let changes = prop_oneof![2 => Just(Vec::new()), 1 => bytes::changes()];
    let call = (select(lines), ids, select(headers), body, changes).prop_map(
        |(line, id, headers, body, changes)| Call {
            line,
            id,
            headers,
            body,
            changes,
        },
    );
    vec(call, 1..6)
}

fn bootstrap(folder: &Path, name: &str, script: &str) -> std::path::PathBuf {
    let file = folder.join(name);
    fs::write(&file, script).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    file
}

/// Sends one request, and returns what arrives within a moment.
async fn send(address: &str, request: &[u8]) -> String {
    let Ok(mut stream) = TcpStream::connect(address).await else {
        // The environment was replaced.
        return String::new();
    };
    let _ = stream.write_all(request).await;
    let mut reply = Vec::new();
    let _ = timeout(BRIEF, async {
        while stream.read_buf(&mut reply).await.is_ok_and(|read| read > 0) {}
    })
    .await;
    String::from_utf8_lossy(&reply).into_owned()
}

#[test]
fn a_runtime_that_posts_anything_leaves_the_host_able_to_run_the_next_one() {
    let runtime = harness::runtime();
    let folder = TempDir::new().unwrap();
    let address = folder.path().join("address");
    let silent = bootstrap(folder.path(), "silent", SILENT);
    let echo = bootstrap(folder.path(), "echo", ECHO);
    let variables = [("ADDRESS", address.to_str().unwrap())];
    harness::fuzz(&runtime, &calls(), async |calls| {
        let function = emulator::function(&silent, &variables);
        let invocation = {
            let function = Arc::clone(&function);
            tokio::spawn(async move { function.invoke(Bytes::from_static(b"{}")).await })
        };
        let mut current = String::new();
        for call in calls {
            // The environment writes it when it starts.
            let address = loop {
                match fs::read_to_string(&address) {
                    Ok(address) if address.ends_with('\n') => break address,
                    _ => tokio::time::sleep(Duration::from_millis(1)).await,
                }
            };
            let address = address.trim_end();
            let id = if call.id == "CURRENT" {
                &current
            } else {
                call.id
            };
            let mut request = format!(
                "{} HTTP/1.1\r\nHost: {address}\r\n{}Content-Length: {}\r\n\r\n",
                call.line.replace("ID", id),
                call.headers,
                call.body.len()
            )
            .into_bytes();
            request.extend(&call.body);
            let reply = send(address, &bytes::changed(request, &call.changes)).await;
            if reply.starts_with("HTTP/1.1 5") {
                return Err(reply);
            }
            let id = reply
                .lines()
                .find_map(|line| line.strip_prefix("lambda-runtime-aws-request-id: "));
            if let Some(id) = id {
                id.clone_into(&mut current);
            }
        }
        // Whatever state this environment is in, the next one works.
        invocation.abort();
        let _ = invocation.await;
        let replaced = function.replace(echo.clone()).await;
        replaced.map_err(|error| format!("{error:?}"))?;
        let invocation = function.invoke_when_free(Bytes::from_static(br#"{"a":1}"#));
        match invocation.await.outcome {
            Outcome::Success(payload) if *payload == *br#"{"a":1}"# => {}
            other => return Err(format!("the next runtime: {other:?}")),
        }
        function.shut_down().await;
        let _ = fs::remove_file(&address);
        Ok(())
    });
}
