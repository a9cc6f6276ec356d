//! The commands that a person uses in front of a running environment, and from tests.

mod clock;
mod e2e;
mod exec;
mod failures;
mod follow;
mod invoke;
mod put;
mod wait;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Output,
};

use anyhow::{Context, ensure};
use aws_wire::DEFAULT_REGION;
use local::{
    cargo_build,
    embedded::{Embedded, Options},
    project::Project,
};
use loopback_client::sdk_config;
use tempfile::TempDir;
use tokio::{process::Command, sync::OnceCell};

use crate::moody;
pub use clock::*;
pub use e2e::*;
pub use exec::*;
pub use failures::*;
pub use follow::*;
pub use invoke::*;
pub use put::*;
pub use wait::*;

/// Batches of one record, and no retries.
pub const TEMPLATE: &str = "
Resources:
  Orders: { Type: AWS::Kinesis::Stream, Properties: { Name: orders, ShardCount: 1 } }
  Function:
    Type: AWS::Serverless::Function
    Properties: { FunctionName: moody, Handler: bootstrap, Runtime: provided.al2023, CodeUri: . }
  Mapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      FunctionName: !Ref Function
      EventSourceArn: !GetAtt Orders.Arn
      StartingPosition: TRIM_HORIZON
      BatchSize: 1
      MaximumRetryAttempts: 0
";

/// A running environment whose function obeys its records, and the tool.
struct World {
    embedded: Embedded,
    folder: TempDir,
    local: PathBuf,
}

impl World {
    async fn start() -> anyhow::Result<Self> {
        Self::of(TEMPLATE).await
    }

    async fn of(template: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("template.yaml");
        std::fs::write(&file, template)?;
        let project = Project::in_region(&file, DEFAULT_REGION)?;
        let bootstraps = BTreeMap::from([("moody".to_owned(), moody().to_owned())]);
        Ok(Self {
            embedded: Embedded::start(Options::new(project, bootstraps)).await?,
            folder,
            local: tool().await?,
        })
    }

    async fn put(&self, mood: &str) -> anyhow::Result<String> {
        let sdk = sdk_config(&self.embedded.aws.url(), DEFAULT_REGION);
        let put = aws_sdk_kinesis::Client::new(&sdk).put_record();
        let data = aws_sdk_kinesis::primitives::Blob::new(mood);
        let put = put.stream_name("orders").partition_key("key").data(data);
        Ok(put.send().await?.sequence_number)
    }

    /// Runs the tool against this environment.
    async fn local(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        let url = self.embedded.lambda.url();
        self.alone(&[arguments, &["--url", &url]].concat()).await
    }

    /// Runs the tool.
    async fn alone(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        let mut command = self.command(arguments);
        command.output().await.context("running the tool")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.local);
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_remove("AWS_REGION")
            .env_remove("AWS_ENDPOINT_URL")
            .env_remove("INVOKE_URL")
            .kill_on_drop(true);
        command
    }

    /// A file with this text.
    fn event(&self, text: &str) -> anyhow::Result<String> {
        let file = self.folder.path().join("event.json");
        std::fs::write(&file, text)?;
        Ok(file.display().to_string())
    }

    async fn stop(self) {
        self.embedded.shut_down().await;
    }
}

/// The tool's executable.
async fn tool() -> anyhow::Result<PathBuf> {
    static TOOL: OnceCell<PathBuf> = OnceCell::const_new();
    let build = || async {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let workspace = package
            .parent()
            .context("this package has no workspace around it")?;
        anyhow::Ok(cargo_build::build(workspace, "klocal", false).await?)
    };
    TOOL.get_or_try_init(build).await.cloned()
}

/// Fails unless the tool exited with `code`. Returns its stdout and its stderr.
fn outputs(output: &Output, code: i32) -> anyhow::Result<(String, String)> {
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        output.status.code() == Some(code),
        "expected exit code {code}: {}\n{stdout}{stderr}",
        output.status
    );
    Ok((stdout, stderr))
}

/// As [`outputs`], stdout alone.
fn stdout(output: &Output, code: i32) -> anyhow::Result<String> {
    Ok(outputs(output, code)?.0)
}

/// As [`outputs`], stderr alone.
fn stderr(output: &Output, code: i32) -> anyhow::Result<String> {
    Ok(outputs(output, code)?.1)
}
