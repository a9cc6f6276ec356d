//! The fixture: one environment for one scenario, on free ports, in memory.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use aws_sdk_kinesis::{primitives::Blob, types::PutRecordsRequestEntry};
use local::{
    aws::{ACCOUNT_ID, DEFAULT_REGION},
    embedded::{Embedded, Options},
    event_source::backoff::Backoff,
    momento::{counters::Counts, keyspace::Keyspace},
    provision::sdk_config,
    template::{self, Context as TemplateContext},
};
use serde_json::json;

use crate::{
    patience::eventually,
    witness::{Seen, Witness},
};

/// The programs that scenarios run.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The consumer.
    pub bootstrap: PathBuf,
    /// The function that fails on purpose.
    pub flaky: PathBuf,
    /// The template that is deployed.
    pub template: PathBuf,
}

/// What a scenario asks of its environment.
pub struct Builder {
    programs: Programs,
    bootstrap: PathBuf,
    shards: u32,
    timeout: Option<Duration>,
    variables: BTreeMap<String, String>,
}

/// A running environment.
pub struct World {
    embedded: Embedded,
    witness: Arc<Witness>,
    kinesis: aws_sdk_kinesis::Client,
    stream: String,
}

impl Builder {
    /// The deployed template with the consumer, one shard, and cache calls that
    /// may take as long as a loaded machine needs.
    pub fn new(programs: Programs) -> Self {
        Self {
            bootstrap: programs.bootstrap.clone(),
            programs,
            shards: 1,
            timeout: None,
            variables: [("CACHE_TIMEOUT_MS".to_owned(), "5000".to_owned())].into(),
        }
    }

    pub fn shards(mut self, shards: u32) -> Self {
        self.shards = shards;
        self
    }

    pub fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    /// Runs the function that fails on purpose instead of the consumer.
    pub fn flaky(mut self) -> Self {
        self.bootstrap = self.programs.flaky.clone();
        self
    }

    pub fn function_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    pub async fn start(self) -> anyhow::Result<World> {
        let context = TemplateContext {
            region: DEFAULT_REGION.to_owned(),
            account: ACCOUNT_ID.to_owned(),
            parameters: BTreeMap::new(),
        };
        let mut environment = template::load(&self.programs.template, &context)?;
        let stream = environment.streams.first_mut().context("no stream")?;
        stream.shards = Some(self.shards);
        let stream = stream.name.clone();
        let function = environment.functions.first_mut().context("no function")?;
        function.timeout = self.timeout.unwrap_or(function.timeout);
        let bootstraps = [(function.name.clone(), self.bootstrap)].into();

        let witness = Arc::new(Witness::default());
        let lines = witness.clone();
        let embedded = Embedded::start(Options {
            variables: self.variables,
            observer: witness.clone(),
            log: Arc::new(move |line| lines.line(&line)),
            backoff: Backoff {
                first: Duration::from_millis(5),
                longest: Duration::from_millis(50),
            },
            ..Options::new(environment, bootstraps)
        })
        .await?;
        let sdk = sdk_config(&embedded.aws.url(), DEFAULT_REGION);
        Ok(World {
            kinesis: aws_sdk_kinesis::Client::new(&sdk),
            embedded,
            witness,
            stream,
        })
    }
}

impl World {
    /// Writes one record from each of these locations, in order.
    pub async fn write(&self, locations: &[&str]) -> anyhow::Result<()> {
        let data: Vec<_> = locations
            .iter()
            .enumerate()
            .map(|(place, location)| reading(place, location))
            .collect();
        self.write_data(&data).await
    }

    /// Writes these as they are, in order.
    pub async fn write_data(&self, data: &[Vec<u8>]) -> anyhow::Result<()> {
        for batch in data.chunks(500) {
            let entries = batch
                .iter()
                .enumerate()
                .map(|(place, data)| {
                    PutRecordsRequestEntry::builder()
                        .partition_key(format!("key-{place}"))
                        .data(Blob::new(data.clone()))
                        .build()
                })
                .collect::<Result<Vec<_>, _>>()?;
            self.kinesis
                .put_records()
                .stream_name(&self.stream)
                .set_records(Some(entries))
                .send()
                .await
                .context("writing records")?;
        }
        Ok(())
    }

    /// Waits until `count` records are dealt with and the function's lines of
    /// them have come through its pipe.
    pub async fn settled(&self, count: usize) -> anyhow::Result<Seen> {
        let what = format!("{count} records dealt with");
        eventually(
            &what,
            || self.witness.settled(),
            |settled| *settled >= count,
        )
        .await?;
        Ok(self.witness.seen())
    }

    /// Waits until the function has told of `count` processed records.
    pub async fn processed(&self, count: usize) -> anyhow::Result<Seen> {
        self.settled(count).await?;
        let what = format!("{count} lines of processed records");
        let lines = || self.witness.seen().processed.len();
        eventually(&what, lines, |lines| *lines >= count).await?;
        Ok(self.witness.seen())
    }

    /// What has been seen so far.
    pub fn seen(&self) -> Seen {
        self.witness.seen()
    }

    /// Invocations that did not succeed, so far.
    pub fn failures(&self) -> u64 {
        self.witness.seen().failures
    }

    pub fn cache(&self) -> anyhow::Result<&Keyspace> {
        let cache = self
            .embedded
            .cache
            .as_ref()
            .context("the cache is stopped")?;
        Ok(cache.keyspace())
    }

    pub fn cache_counts(&self) -> anyhow::Result<Counts> {
        Ok(self.cache()?.counts())
    }

    /// Stops the cache, as if it were down.
    pub fn stop_cache(&mut self) {
        self.embedded.cache = None;
    }

    /// How often the table was read, for one item or for many.
    pub fn store_reads(&self) -> u64 {
        let read = |operation| self.embedded.aws.calls.of("DynamoDB", operation);
        read("GetItem") + read("BatchGetItem")
    }

    /// How often the API key was read.
    pub fn key_reads(&self) -> u64 {
        self.embedded.aws.calls.of("SSM", "GetParameter")
    }

    /// Puts another API key into the parameter that the function reads.
    pub async fn replace_key(&self, key: &str) -> anyhow::Result<()> {
        aws_sdk_ssm::Client::new(&sdk_config(&self.embedded.aws.url(), DEFAULT_REGION))
            .put_parameter()
            .name("/keys/momento-pct-key")
            .r#type(aws_sdk_ssm::types::ParameterType::SecureString)
            .value(key)
            .overwrite(true)
            .send()
            .await
            .context("replacing the API key")?;
        Ok(())
    }

    /// How often an environment of the function was started.
    pub fn cold_starts(&self) -> u64 {
        let functions = self.embedded.functions.values();
        functions.map(|function| function.cold_starts()).sum()
    }

    /// Where a function of that name is invoked over HTTP.
    pub fn invoke_url(&self, function: &str) -> String {
        let lambda = self.embedded.lambda.url();
        format!("{lambda}/2015-03-31/functions/{function}/invocations")
    }

    pub async fn stop(self) {
        self.embedded.shut_down().await;
    }
}

/// A record's data, as the producer writes it.
pub fn reading(place: usize, location: &str) -> Vec<u8> {
    let reading = json!({
        "id": format!("id-{place}"),
        "name": "Model One",
        "location": location,
        "writeTime": "2026-11-22T10:20:30.123456Z",
    });
    reading.to_string().into_bytes()
}
