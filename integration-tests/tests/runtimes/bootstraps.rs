//! Functions in other languages, on the runtimes that AWS documents.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use event_source_mapping::settings::Settings;
use integration_tests::{
    emulator::{function, target},
    patience::same,
};

use crate::pipeline::{Class, Pipeline};

/// A short form of the bootstrap in "Building a custom runtime", a tutorial of the
/// Lambda developer guide.
pub const BASH: &str = r#"#!/usr/bin/env bash
set -euo pipefail
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while true; do
  headers=$(mktemp)
  event=$(curl -sS -LD "$headers" "$api/next")
  id=$(grep -Fi Lambda-Runtime-Aws-Request-Id "$headers" | tr -d '[:space:]' | cut -d: -f2)
  rm -f "$headers"
  if [[ $event == *'"data":"cG9pc29u"'* ]]; then
    curl -sS -X POST "$api/$id/error" -o /dev/null -d '{"errorType":"Poison","errorMessage":"poison"}'
  else
    curl -sS -X POST "$api/$id/response" -o /dev/null -d '{"batchItemFailures":[]}'
  fi
done
"#;

const PYTHON: &str = r#"
import base64

def handler(event, context):
    assert context.get_remaining_time_in_millis() > 0
    for record in event["Records"]:
        if base64.b64decode(record["kinesis"]["data"]) == b"poison":
            raise ValueError("poison")
    return {"batchItemFailures": []}
"#;

pub async fn bash() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    runs(&executable(&folder.path().join("bootstrap"), BASH)?).await
}

pub async fn python(python: PathBuf) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("function.py"), PYTHON)?;
    let python = python.display();
    let script = format!("#!/bin/sh\nexec '{python}' -m awslambdaric \"$_HANDLER\"\n");
    runs(&executable(&folder.path().join("bootstrap"), &script)?).await
}

/// Checks that a poison record is discarded after one attempt, and that the function then
/// continues.
async fn runs(bootstrap: &Path) -> anyhow::Result<()> {
    let function = function(bootstrap, &[]);
    let settings = Settings {
        batch_size: 5,
        maximum_retry_attempts: Some(0),
        bisect_batch_on_function_error: true,
        report_batch_item_failures: true,
        ..Settings::default()
    };
    let pipeline = Pipeline::start(target(&function), settings).await?;
    pipeline.write(&["ok"; 20]).await?;
    pipeline.write(&["poison"]).await?;
    pipeline.write(&["ok"; 20]).await?;
    let (classes, done) = pipeline.settled(41).await?;
    same("records done", done, 40)?;
    same("last outcome", classes.last(), Some(&Class::Success))?;
    same("cold starts", function.cold_starts(), 1)?;
    pipeline.stop().await;
    function.shut_down().await;
    Ok(())
}

/// Writes a script as an executable file.
pub fn executable(path: &Path, script: &str) -> anyhow::Result<PathBuf> {
    fs::write(path, script)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    Ok(path.to_owned())
}
