//! The fixture: one environment for one scenario, on free ports, in memory.

mod cache;
mod containers;
mod embedded;
mod network;

pub use cache::CacheControl;
pub use containers::{Containers, first_words};

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use aws_sdk_kinesis::{primitives::Blob, types::PutRecordsRequestEntry};
use aws_wire::DEFAULT_REGION;
use event_source_mapping::backoff::Backoff;
use integration_tests::patience::eventually;
use local::{project::Project, provision::sdk_config};
use momento_offline::{counters::Counts, transport::Transport};
use serde_json::json;

use crate::{
    backend::Backend,
    docker::Images,
    witness::{Seen, Witness},
};
use embedded::EmbeddedWorld;

/// The programs that scenarios run, and where.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The consumer.
    pub bootstrap: PathBuf,
    /// The environment's own program.
    pub local: PathBuf,
    /// The function that fails on purpose.
    pub flaky: PathBuf,
    /// The template that is deployed.
    pub template: PathBuf,
    /// What containers are made of.
    pub images: Images,
    /// Where.
    pub backend: Backend,
}

/// What a scenario asks of its environment.
pub struct Builder {
    programs: Programs,
    bootstrap: PathBuf,
    shards: u32,
    timeout: Option<Duration>,
    variables: BTreeMap<String, String>,
    keeps_ports: bool,
    transport: Transport,
}

/// A running environment.
pub struct World {
    site: Site,
    witness: Arc<Witness>,
    kinesis: aws_sdk_kinesis::Client,
    stream: String,
}

/// Where it runs.
enum Site {
    Embedded(Box<EmbeddedWorld>),
    Containers(Box<Containers>),
}

/// The back-off of all mappings here: short, as tests wait for it.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(5),
    longest: Duration::from_millis(50),
};

impl Programs {
    /// On that backend.
    pub fn on(&self, backend: Backend) -> Self {
        Self {
            backend,
            ..self.clone()
        }
    }
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
            keeps_ports: false,
            transport: Transport::default(),
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

    /// Runs the function that fails on purpose instead of the consumer: so
    /// often, in the way that `mode` names.
    pub fn failing(mut self, mode: &str, times: u64) -> Self {
        self.bootstrap.clone_from(&self.programs.flaky);
        self.variable("FLAKY_MODE", mode)
            .variable("FLAKY_FAILURES", times.to_string())
    }

    pub fn function_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// What serves the cache in this process; in a container it is the server.
    pub fn cache_transport(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// Containers that come back after a crash come back on the same ports.
    pub fn keeps_ports(mut self) -> Self {
        self.keeps_ports = true;
        self
    }

    pub async fn start(self) -> anyhow::Result<World> {
        let project = self.project()?;
        let stream = project.environment.streams.first().context("no stream")?;
        let stream = stream.name.clone();
        let witness = Arc::new(Witness::default());
        let site = match self.programs.backend {
            Backend::Embedded => {
                let embedded = EmbeddedWorld::start(&self, project, &witness).await?;
                Site::Embedded(Box::new(embedded))
            }
            Backend::Localstack => {
                let containers = Containers::start(&self, project, &witness).await?;
                Site::Containers(Box::new(containers))
            }
        };
        let sdk = sdk_config(&site.endpoint(), DEFAULT_REGION);
        Ok(World {
            kinesis: aws_sdk_kinesis::Client::new(&sdk),
            site,
            witness,
            stream,
        })
    }

    /// What the template describes, as this scenario wants it.
    fn project(&self) -> anyhow::Result<Project> {
        let mut project = Project::in_region(&self.programs.template, DEFAULT_REGION)?;
        let environment = &mut project.environment;
        let stream = environment.streams.first_mut().context("no stream")?;
        stream.shards = Some(self.shards);
        let function = environment.functions.first_mut().context("no function")?;
        function.timeout = self.timeout.unwrap_or(function.timeout);
        Ok(project)
    }
}

impl Site {
    fn endpoint(&self) -> String {
        match self {
            Self::Embedded(embedded) => embedded.endpoint(),
            Self::Containers(containers) => containers.endpoint.clone(),
        }
    }
}

impl World {
    /// Writes one record from each of these locations, in order.
    pub async fn write(&self, locations: &[&str]) -> anyhow::Result<()> {
        let data: Vec<_> = locations
            .iter()
            .enumerate()
            .map(|(index, location)| reading(index, location))
            .collect();
        self.write_data(&data).await
    }

    /// Writes these as they are, in order.
    pub async fn write_data(&self, data: &[Vec<u8>]) -> anyhow::Result<()> {
        for batch in data.chunks(500) {
            let entries = batch
                .iter()
                .enumerate()
                .map(|(index, data)| {
                    PutRecordsRequestEntry::builder()
                        .partition_key(format!("key-{index}"))
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
        let settled = eventually(
            &what,
            || self.witness.tell(Seen::settled),
            |settled| *settled >= count,
        );
        settled.await.with_context(|| self.last_words())?;
        Ok(self.witness.seen())
    }

    /// Waits until the function has told of `count` processed records.
    pub async fn processed(&self, count: usize) -> anyhow::Result<Seen> {
        self.settled(count).await?;
        let what = format!("{count} lines of processed records");
        let lines = || self.witness.tell(|seen| seen.processed.len());
        eventually(&what, lines, |lines| *lines >= count).await?;
        Ok(self.witness.seen())
    }

    /// The cache.
    pub fn cache(&self) -> anyhow::Result<CacheControl> {
        match &self.site {
            Site::Embedded(embedded) => embedded.cache(),
            Site::Containers(containers) => containers.cache(),
        }
    }

    pub async fn cache_counts(&self) -> anyhow::Result<Counts> {
        self.cache()?.counts().await
    }

    /// Stops the cache, as if it were down.
    pub async fn stop_cache(&mut self) -> anyhow::Result<()> {
        match &mut self.site {
            Site::Embedded(embedded) => embedded.stop_cache(),
            Site::Containers(containers) => containers.stop_cache().await?,
        }
        Ok(())
    }

    /// How often the table was read, for one item or for many: as the gateway
    /// counts it; among the containers nobody does but the function itself, in
    /// its metrics, which follow the lines of processed records.
    pub async fn store_reads(&self) -> anyhow::Result<u64> {
        match &self.site {
            Site::Embedded(embedded) => Ok(embedded.store_reads()),
            Site::Containers(_) => {
                let told = || self.witness.tell(|seen| seen.metric("BatchSize"));
                let processed = self.witness.tell(|seen| seen.processed.len()) as u64;
                eventually("metrics of every record", told, |told| *told >= processed).await?;
                Ok(self.witness.tell(|seen| seen.metric("StoreReads")))
            }
        }
    }

    /// What has been seen so far.
    pub fn seen(&self) -> Seen {
        self.witness.seen()
    }

    /// Invocations that did not succeed, so far.
    pub fn failures(&self) -> u64 {
        self.seen().failures
    }

    /// How often the API key was read.
    pub fn key_reads(&self) -> anyhow::Result<u64> {
        Ok(self.embedded()?.key_reads())
    }

    /// How often an environment of the function was started.
    pub fn cold_starts(&self) -> anyhow::Result<u64> {
        Ok(self.embedded()?.cold_starts())
    }

    /// Puts another API key into the parameter that the function reads.
    pub async fn replace_key(&self, key: &str) -> anyhow::Result<()> {
        let sdk = sdk_config(&self.site.endpoint(), DEFAULT_REGION);
        aws_sdk_ssm::Client::new(&sdk)
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

    fn embedded(&self) -> anyhow::Result<&EmbeddedWorld> {
        match &self.site {
            Site::Embedded(embedded) => Ok(embedded),
            Site::Containers(_) => bail!("nobody counts that among the containers"),
        }
    }

    /// Where a function of that name is invoked over HTTP.
    pub fn invoke_url(&self, function: &str) -> anyhow::Result<String> {
        Ok(self.embedded()?.invoke_url(function))
    }

    /// The containers, where there are some.
    pub fn containers(&mut self) -> anyhow::Result<&mut Containers> {
        match &mut self.site {
            Site::Embedded(_) => bail!("nothing here is a container"),
            Site::Containers(containers) => Ok(containers),
        }
    }

    pub async fn stop(self) {
        match self.site {
            Site::Embedded(embedded) => embedded.stop().await,
            Site::Containers(containers) => containers.stop().await,
        }
    }

    /// What the function said last, for a failure's message.
    fn last_words(&self) -> String {
        format!("the function's last lines:\n{}", self.witness.last_words())
    }
}

/// A record's data, as the producer writes it.
pub fn reading(site: usize, location: &str) -> Vec<u8> {
    let reading = json!({
        "id": format!("id-{site}"),
        "name": "Model One",
        "location": location,
        "writeTime": "2026-11-22T10:20:30.123456Z",
    });
    reading.to_string().into_bytes()
}
