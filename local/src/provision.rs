//! Creates the resources of the template and of `local.toml` at any AWS endpoint, and
//! updates those that exist and differ from the template. Provisioning again changes
//! nothing.

mod indexes;
pub mod memory;
mod parameter;
mod queue;
mod stream;
mod table;

use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use event_source_mapping::sdk_error;
use sam_template::Environment;

use self::memory::Memory;
use crate::project::seed::Seed;

/// A resource cannot be created.
#[derive(Debug, thiserror::Error)]
#[error("cannot create {what} at {endpoint}: {reason}")]
pub struct ProvisionError {
    what: String,
    endpoint: String,
    reason: String,
}

/// The outcome for one resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provisioned {
    /// The resource, such as `stream Records`.
    pub what: String,
    /// False for a resource that existed already.
    pub created: bool,
    /// What was updated of a resource that existed, such as `shards 1 → 2`.
    pub updated: Vec<String>,
    /// What differs from the template and cannot be updated, with the reason.
    pub kept: Vec<String>,
}

impl Provisioned {
    /// `created`, `exists`, or what was updated.
    #[must_use]
    pub fn state(&self) -> String {
        match (self.created, self.updated.as_slice()) {
            (true, _) => "created".to_owned(),
            (false, []) => "exists".to_owned(),
            (false, updated) => format!("updated: {}", updated.join(", ")),
        }
    }

    /// A warning for each difference from the template that stays.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        let kept = self.kept.iter();
        kept.map(|kept| format!("warning: {} differs from the template: {kept}", self.what))
    }
}

/// Creates resources at one endpoint.
pub struct Provisioner {
    endpoint: String,
    kinesis: aws_sdk_kinesis::Client,
    dynamodb: aws_sdk_dynamodb::Client,
    ssm: aws_sdk_ssm::Client,
    sqs: aws_sdk_sqs::Client,
    /// The template's values at the last start, where they are kept.
    before: Option<Memory>,
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
            before: None,
        }
    }

    /// Updates only the resources of which the template said something else in `before`.
    #[must_use]
    pub fn since(mut self, before: Option<Memory>) -> Self {
        self.before = before;
        self
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
        let now = Memory::of(environment);
        let update = |what: &str| self.updates(&now, what);
        for stream in &environment.streams {
            done.push(self.stream(stream, &update).await?);
        }
        for consumer in &environment.consumers {
            done.push(self.consumer(consumer).await?);
        }
        for table in &environment.tables {
            done.push(self.table(table, &update).await?);
        }
        for table in &seed.tables {
            let in_template = environment.tables.iter().any(|one| one.name == table.name);
            if let Some(key) = table.key.as_deref().filter(|_| !in_template) {
                done.push(self.table_with_key(&table.name, key).await?);
            }
            self.items(table).await?;
        }
        for parameter in &environment.parameters {
            done.push(self.parameter(parameter, &update).await?);
        }
        for parameter in &seed.parameters {
            done.push(self.seed_parameter(parameter).await?);
        }
        Ok(done)
    }

    /// Whether a resource that exists is updated where it differs from the template, whose
    /// values are `now`.
    fn updates(&self, now: &Memory, what: &str) -> bool {
        match &self.before {
            Some(before) => now.differs(before, what),
            None => true,
        }
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
