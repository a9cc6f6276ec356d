//! A development environment for somebody else's template.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, ensure};
use aws_wire::DEFAULT_REGION;
use integration_tests::{patience::same, program::free_port};
use local::{
    cargo_build,
    embedded::{Embedded, Options},
    project::Project,
};
use loopback_client::sdk_config;
use tokio::process::Command;

use crate::moody;

const TEMPLATE: &str = "
Resources:
  Orders: { Type: AWS::Kinesis::Stream, Properties: { Name: orders } }
  Level: { Type: AWS::SSM::Parameter, Properties: { Name: /level, Type: String, Value: high } }
  Customers:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: Customers
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{ AttributeName: id, AttributeType: S }]
      KeySchema: [{ AttributeName: id, KeyType: HASH }]
  Function:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: order-function
      Handler: bootstrap
      Runtime: provided.al2023
      CodeUri: .
      Environment: { Variables: { TABLE: !Ref Customers } }
  Mapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties: { FunctionName: !Ref Function, EventSourceArn: !GetAtt Orders.Arn, StartingPosition: LATEST }
";

/// Nothing of the sample exists: no table, parameter, cache or variable.
pub async fn without_local_toml_only_the_template_s_resources_exist() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("template.yaml");
    std::fs::write(&file, TEMPLATE)?;
    let project = Project::in_region(&file, DEFAULT_REGION)?;
    let bootstraps = BTreeMap::from([("order-function".to_owned(), moody().to_owned())]);
    let embedded = Embedded::start(Options::new(project, bootstraps)).await?;

    let sdk = sdk_config(&embedded.aws.url(), DEFAULT_REGION);
    let streams = aws_sdk_kinesis::Client::new(&sdk).list_streams().send();
    same(
        "streams",
        streams.await?.stream_names,
        vec!["orders".into()],
    )?;
    let tables = aws_sdk_dynamodb::Client::new(&sdk).list_tables().send();
    same(
        "tables",
        tables.await?.table_names.unwrap_or_default(),
        vec!["Customers".into()],
    )?;
    let parameters = aws_sdk_ssm::Client::new(&sdk).describe_parameters().send();
    let parameters = parameters.await?.parameters.unwrap_or_default();
    let names: Vec<_> = parameters.into_iter().filter_map(|one| one.name).collect();
    same("parameters", names, vec!["/level".into()])?;
    same("a cache is served", embedded.cache.is_some(), false)?;
    let function = &embedded.functions["order-function"];
    // Calls to this machine go past a proxy.
    let loopback = "127.0.0.1,localhost,::1";
    let expected = BTreeMap::from([
        ("AWS_ENDPOINT_URL".to_owned(), embedded.aws.url()),
        ("TABLE".to_owned(), "Customers".to_owned()),
        ("NO_PROXY".to_owned(), loopback.to_owned()),
        ("no_proxy".to_owned(), loopback.to_owned()),
    ]);
    same("variables", &function.config().environment, &expected)?;
    embedded.shut_down().await;
    Ok(())
}

/// Neither the tool nor the function calls this machine through a proxy.
pub async fn e2e_passes_while_every_proxy_is_dead() -> anyhow::Result<()> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = package
        .parent()
        .context("this package has no workspace around it")?;
    let build = |program| cargo_build::build(workspace, program, false);
    let mut command = Command::new(build("klocal").await?);
    command
        .args(["e2e", "--records=100", "--threads=2"])
        .arg("--bootstrap")
        .arg(build("bootstrap").await?)
        .current_dir(workspace)
        .env_remove("NO_PROXY")
        .env_remove("no_proxy");
    // Connections to a port that was free a moment ago are refused.
    let proxy = format!("http://127.0.0.1:{}", free_port()?);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env(name, &proxy).env(name.to_lowercase(), &proxy);
    }
    let ran = command.output().await.context("running klocal e2e")?;
    ensure!(
        ran.status.success(),
        "{}{}",
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr)
    );
    Ok(())
}
