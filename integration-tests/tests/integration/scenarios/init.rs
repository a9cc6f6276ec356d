//! An init that fails gives the reason in one line.

use std::{collections::BTreeMap, net::Ipv4Addr, sync::Arc, time::Duration};

use anyhow::{bail, ensure};
use aws_sdk_ssm::types::ParameterType;
use aws_wire::DEFAULT_REGION;
use lambda_host::{Function, FunctionConfig, function::IDLE_TIMEOUT};
use local::{aws::apis::AwsApis, ports};
use loopback_client::sdk_config;

use crate::{
    backend::Backend,
    world::{Programs, first_words},
};

const PARAMETER: &str = "/keys/momento-pct-key";

/// Starts the consumer with AWS APIs in which the API key's parameter is `key` or
/// missing. Returns the init error.
async fn complaint(
    programs: Programs,
    key: Option<&str>,
    variable: Option<(&str, &str)>,
) -> anyhow::Result<String> {
    let variable = variable.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut variables: BTreeMap<_, _> = variable.into_iter().collect();
    if programs.backend == Backend::Localstack {
        let prepare = async |endpoint: &str| put_key(endpoint, key).await;
        return first_words(&programs, &variables, prepare).await;
    }
    let listener = ports::listen(Ipv4Addr::LOCALHOST.into(), 0, "--port").await?;
    let aws = AwsApis::start(listener, kinesis_engine::Options::default()).await?;
    put_key(&aws.url(), key).await?;
    variables.insert("AWS_ENDPOINT_URL".to_owned(), aws.url());
    let config = FunctionConfig {
        name: "consumer".to_owned(),
        bootstrap: programs.bootstrap.into(),
        handler: "bootstrap".to_owned(),
        timeout: Duration::from_secs(3),
        memory_mb: 128,
        environment: variables,
        region: DEFAULT_REGION.to_owned(),
        concurrency: 1,
        idle_timeout: IDLE_TIMEOUT,
        log_group: None,
        log_format: lambda_host::LogFormat::Text,
        sampled: false,
    };
    match Function::new(config, Arc::new(|_| {})).warm_up().await {
        Ok(()) => bail!("the function started"),
        Err(error) => Ok(error.text()),
    }
}

async fn put_key(endpoint: &str, key: Option<&str>) -> anyhow::Result<()> {
    let Some(key) = key else { return Ok(()) };
    aws_sdk_ssm::Client::new(&sdk_config(endpoint, DEFAULT_REGION))
        .put_parameter()
        .name(PARAMETER)
        .value(key)
        .r#type(ParameterType::SecureString)
        .send()
        .await?;
    Ok(())
}

pub async fn init_fails_with_the_reason_when_the_parameter_is_missing(
    programs: Programs,
) -> anyhow::Result<()> {
    let complaint = complaint(programs, None, None).await?;
    ensure!(
        complaint.contains(&format!("SSM parameter {PARAMETER}"))
            && complaint.contains("does not exist"),
        "{complaint}"
    );
    Ok(())
}

pub async fn init_fails_with_the_reason_when_the_api_key_is_invalid(
    programs: Programs,
) -> anyhow::Result<()> {
    let complaint = complaint(programs, Some("hunter2"), None).await?;
    ensure!(
        complaint.contains("the Momento API key in the SSM parameter cannot be used"),
        "{complaint}"
    );
    ensure!(!complaint.contains("hunter2"), "the key shows: {complaint}");
    Ok(())
}

pub async fn init_fails_with_the_name_of_a_variable_whose_value_is_invalid(
    programs: Programs,
) -> anyhow::Result<()> {
    let wrong = Some(("CACHE_TTL_SECONDS", "soon"));
    let complaint = complaint(programs, None, wrong).await?;
    ensure!(
        complaint.contains("CACHE_TTL_SECONDS is")
            && complaint.contains("soon")
            && complaint.contains("expected whole seconds from 1 to 86400"),
        "{complaint}"
    );
    Ok(())
}
