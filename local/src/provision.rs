//! Creates the resources of the template and of `local.toml` at any AWS endpoint.
//! Provisioning again changes nothing.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_sdk_dynamodb::types::{KeySchemaElement, TableDescription};
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::types::{StreamMode, StreamModeDetails, StreamStatus};
use aws_sdk_sqs::types::QueueAttributeName;
use aws_sdk_ssm::types::ParameterType;
use aws_smithy_types::body::SdkBody;
use event_source_mapping::sdk_error;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::{
    loopback,
    project::seed::{Seed, SeedParameter, SeedTable},
    template::{
        Environment,
        environment::{Queue, Stream, Table},
    },
};

/// The longest that a stream may take to become active.
const PATIENCE: Duration = Duration::from_secs(30);

/// A resource cannot be created.
#[derive(Debug, thiserror::Error)]
#[error("cannot create {what} at {endpoint}: {reason}")]
pub struct ProvisionError {
    what: String,
    endpoint: String,
    reason: String,
}

/// The outcome for one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provisioned {
    /// The resource, such as `stream Records`.
    pub what: String,
    /// False for a resource that existed already.
    pub created: bool,
}

/// Creates resources at one endpoint.
pub struct Provisioner {
    endpoint: String,
    kinesis: aws_sdk_kinesis::Client,
    dynamodb: aws_sdk_dynamodb::Client,
    ssm: aws_sdk_ssm::Client,
    sqs: aws_sdk_sqs::Client,
}

/// An SDK configuration for an endpoint on this machine. With its fixed credentials,
/// the SDK neither searches for any nor asks the instance metadata service. It uses no
/// proxy.
#[must_use]
pub fn sdk_config(endpoint: &str, region: &str) -> aws_config::SdkConfig {
    let mut config = aws_config::SdkConfig::builder();
    config.set_http_client(loopback::sdk_client(endpoint));
    config
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(Region::new(region.to_owned()))
        .credentials_provider(
            aws_credential_types::provider::SharedCredentialsProvider::new(Credentials::new(
                "local", "local", None, None, "local",
            )),
        )
        .build()
}

impl Provisioner {
    /// A provisioner for the endpoint and region of `config`.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig) -> Self {
        Self {
            endpoint: config.endpoint_url().unwrap_or("AWS").to_owned(),
            kinesis: aws_sdk_kinesis::Client::new(config),
            dynamodb: aws_sdk_dynamodb::Client::new(config),
            ssm: aws_sdk_ssm::Client::new(config),
            sqs: aws_sdk_sqs::Client::new(config),
        }
    }

    /// Creates the resources of `environment`, except its queues, and of `seed`.
    ///
    /// # Errors
    ///
    /// A resource cannot be created; later ones are not attempted.
    pub async fn provision(
        &self,
        environment: &Environment,
        seed: &Seed,
    ) -> Result<Vec<Provisioned>, ProvisionError> {
        let mut done = Vec::new();
        for stream in &environment.streams {
            done.push(self.stream(stream).await?);
        }
        for table in &environment.tables {
            done.push(self.table(table).await?);
        }
        for table in &seed.tables {
            let in_template = environment.tables.iter().any(|one| one.name == table.name);
            if let Some(key) = table.key.as_deref().filter(|_| !in_template) {
                done.push(self.table(&table_with_key(&table.name, key)).await?);
            }
            self.items(table).await?;
        }
        for parameter in &environment.parameters {
            done.push(
                self.parameter(&SeedParameter {
                    name: parameter.name.clone(),
                    kind: parameter.kind.clone(),
                    value: parameter.value.clone(),
                    replaces: false,
                })
                .await?,
            );
        }
        for parameter in &seed.parameters {
            done.push(self.parameter(parameter).await?);
        }
        Ok(done)
    }

    /// Creates a queue. This is separate because not every endpoint offers SQS, and a
    /// mapping works without its queue.
    ///
    /// # Errors
    ///
    /// The endpoint cannot create the queue.
    pub async fn queue(&self, queue: &Queue) -> Result<Provisioned, ProvisionError> {
        let what = format!("queue {}", queue.name);
        let found = self.sqs.get_queue_url().queue_name(&queue.name);
        if found.send().await.is_ok() {
            let created = false;
            return Ok(Provisioned { what, created });
        }
        let attributes = queue
            .attributes
            .iter()
            .map(|(name, value)| (QueueAttributeName::from(name.as_str()), value.clone()))
            .collect();
        let create = self.sqs.create_queue().queue_name(&queue.name);
        let created = create.set_attributes(Some(attributes)).send().await;
        created.map_err(|error| self.failed(&what, error))?;
        let created = true;
        Ok(Provisioned { what, created })
    }

    async fn stream(&self, stream: &Stream) -> Result<Provisioned, ProvisionError> {
        let what = format!("stream {}", stream.name);
        let mode = match stream.shards {
            Some(_) => StreamMode::Provisioned,
            None => StreamMode::OnDemand,
        };
        let details = StreamModeDetails::builder()
            .stream_mode(mode)
            .build()
            .map_err(|error| self.because(&what, error.to_string()))?;
        let created = self
            .kinesis
            .create_stream()
            .stream_name(&stream.name)
            .set_shard_count(stream.shards.and_then(|count| i32::try_from(count).ok()))
            .stream_mode_details(details)
            .send()
            .await;
        let created = self.created(&what, created, "ResourceInUseException")?;
        self.until_active(&what, &stream.name).await?;
        if stream.retention_hours > 24 && created {
            self.kinesis
                .increase_stream_retention_period()
                .stream_name(&stream.name)
                .retention_period_hours(i32::try_from(stream.retention_hours).unwrap_or(24))
                .send()
                .await
                .map_err(|error| self.failed(&what, error))?;
        }
        Ok(Provisioned { what, created })
    }

    async fn until_active(&self, what: &str, stream: &str) -> Result<(), ProvisionError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let summary = self
                .kinesis
                .describe_stream_summary()
                .stream_name(stream)
                .send()
                .await
                .map_err(|error| self.failed(what, error))?;
            let status = summary
                .stream_description_summary
                .map(|summary| summary.stream_status);
            if status == Some(StreamStatus::Active) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let reason = format!(
                    "status is {status:?} after {} s; expected ACTIVE",
                    PATIENCE.as_secs()
                );
                return Err(self.because(what, reason));
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn table(&self, table: &Table) -> Result<Provisioned, ProvisionError> {
        let what = format!("table {}", table.name);
        let body = table.definition.to_string();
        let created = self
            .dynamodb
            .create_table()
            .table_name(&table.name)
            .customize()
            // The template's properties are the request's members, so they replace
            // its body instead of being rebuilt member by member.
            .mutate_request(move |request| {
                request
                    .headers_mut()
                    .insert("content-length", body.len().to_string());
                *request.body_mut() = SdkBody::from(body.as_str());
            })
            .send()
            .await;
        let created = self.created(&what, created, "ResourceInUseException")?;
        Ok(Provisioned { what, created })
    }

    /// Puts a table's first items. An existing item stays as it is.
    async fn items(&self, table: &SeedTable) -> Result<(), ProvisionError> {
        if table.items.is_empty() {
            return Ok(());
        }
        let what = format!("items of table {}", table.name);
        let described = self.dynamodb.describe_table().table_name(&table.name);
        let described = described.send().await;
        let described = described.map_err(|error| self.failed(&what, error))?;
        let keys = described.table().map(TableDescription::key_schema);
        let key = keys.unwrap_or_default().first();
        let key = key.map_or("", KeySchemaElement::attribute_name);
        for item in &table.items {
            let item = serde_dynamo::to_item(item)
                .map_err(|error| self.because(&what, error.to_string()))?;
            let put = self.dynamodb.put_item().table_name(&table.name);
            let put = put
                .set_item(Some(item))
                .condition_expression("attribute_not_exists(#key)")
                .expression_attribute_names("#key", key)
                .send()
                .await;
            self.created(&what, put, "ConditionalCheckFailedException")?;
        }
        Ok(())
    }

    async fn parameter(&self, parameter: &SeedParameter) -> Result<Provisioned, ProvisionError> {
        let what = format!("parameter {}", parameter.name);
        let put = self
            .ssm
            .put_parameter()
            .name(&parameter.name)
            .r#type(ParameterType::from(parameter.kind.as_str()))
            .value(&parameter.value)
            .overwrite(parameter.replaces)
            .send()
            .await;
        let created = self.created(&what, put, "ParameterAlreadyExists")?;
        Ok(Provisioned { what, created })
    }

    /// True if the resource was created, false if it existed already.
    fn created<T, E>(
        &self,
        what: &str,
        result: Result<T, SdkError<E>>,
        there_already: &str,
    ) -> Result<bool, ProvisionError>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        match result {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some(there_already) => Ok(false),
            Err(error) => Err(self.failed(what, error)),
        }
    }

    fn failed<E>(&self, what: &str, error: SdkError<E>) -> ProvisionError
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        self.because(what, sdk_error::reason(error))
    }

    fn because(&self, what: &str, reason: String) -> ProvisionError {
        ProvisionError {
            what: what.to_owned(),
            endpoint: self.endpoint.clone(),
            reason,
        }
    }
}

/// The table of `local.toml` that the template does not have.
fn table_with_key(name: &str, key: &str) -> Table {
    Table {
        name: name.to_owned(),
        definition: json!({
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{ "AttributeName": key, "AttributeType": "S" }],
            "KeySchema": [{ "AttributeName": key, "KeyType": "HASH" }],
        }),
    }
}
