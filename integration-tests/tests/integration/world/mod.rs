//! The fixture: a development environment for one scenario, on free ports, in memory.

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
use consumer::config::Protocol;
use event_source_mapping::{backoff::Backoff, queue::settings::QueueSettings};
use integration_tests::patience::eventually;
use local::project::Project;
use loopback_client::sdk_config;
use momento_offline::{counters::Counts, transport::Transport};
use serde_json::json;

use crate::{
    backend::Backend,
    docker::Images,
    recording_observer::{RecordingObserver, Seen},
};
use embedded::EmbeddedWorld;
use sam_template::environment::{Function, QueueMapping};

/// The programs of the scenarios, and the backend.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The consumer.
    pub bootstrap: PathBuf,
    /// The tool, `klocal`.
    pub local: PathBuf,
    /// The producer.
    pub producer: PathBuf,
    /// The function that fails on purpose.
    pub flaky: PathBuf,
    /// The deployed template.
    pub template: PathBuf,
    /// The containers' images.
    pub images: Images,
    /// The backend.
    pub backend: Backend,
    /// The protocol between the consumer and its cache.
    pub protocol: Protocol,
}

/// Builds a scenario's environment.
pub struct Builder {
    programs: Programs,
    bootstrap: PathBuf,
    shards: u32,
    timeout: Option<Duration>,
    variables: BTreeMap<String, String>,
    keeps_ports: bool,
    transport: Transport,
    second: bool,
}

/// A scenario's running environment.
pub struct World {
    site: Site,
    observer: Arc<RecordingObserver>,
    kinesis: aws_sdk_kinesis::Client,
    stream: String,
}

/// The backend's part of a running environment.
enum Site {
    Embedded(Box<EmbeddedWorld>),
    Containers(Box<Containers>),
}

/// The second function.
const SECOND: &str = "second";

/// The back-off of all mappings here: short, because tests wait for it.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(5),
    longest: Duration::from_millis(50),
};

impl Programs {
    /// The same programs on `backend`, with the cache over `protocol`.
    pub fn on(&self, backend: Backend, protocol: Protocol) -> Self {
        Self {
            backend,
            protocol,
            ..self.clone()
        }
    }
}

impl Builder {
    /// The deployed template with the consumer, one shard, and a cache timeout that is
    /// long enough for a loaded machine.
    pub fn new(programs: Programs) -> Self {
        let protocol = match programs.protocol {
            Protocol::Grpc => "grpc",
            Protocol::Protosocket => "protosocket",
        };
        let variables = [("CACHE_TIMEOUT_MS", "5000"), ("CACHE_PROTOCOL", protocol)];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            bootstrap: programs.bootstrap.clone(),
            programs,
            shards: 1,
            timeout: None,
            variables: variables.into(),
            keeps_ports: false,
            transport: Transport::default(),
            second: false,
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

    /// Runs the function that fails on purpose instead of the consumer: `times` times,
    /// as `mode` says.
    pub fn failing(mut self, mode: &str, times: u64) -> Self {
        self.bootstrap.clone_from(&self.programs.flaky);
        self.variable("FLAKY_MODE", mode)
            .variable("FLAKY_FAILURES", times.to_string())
    }

    /// Adds a second function, which gets what the first one's mapping discards: through
    /// the queue of its on-failure destination.
    pub fn with_second_function(mut self) -> Self {
        self.second = true;
        self.variable("FLAKY_MODE", "error")
            .variable("FLAKY_FAILURES", "0")
    }

    pub fn function_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The transport of a cache in this process. A container has the server.
    pub fn cache_transport(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// Gives containers fixed ports, which they keep after a restart.
    pub fn keeps_ports(mut self) -> Self {
        self.keeps_ports = true;
        self
    }

    pub async fn start(self) -> anyhow::Result<World> {
        let project = self.project()?;
        let stream = project.environment.streams.first().context("no stream")?;
        let stream = stream.name.clone();
        let observer = Arc::new(RecordingObserver::default());
        let site = match self.programs.backend {
            Backend::Embedded => {
                let embedded = EmbeddedWorld::start(&self, project, &observer).await?;
                Site::Embedded(Box::new(embedded))
            }
            Backend::Localstack => {
                let containers = Containers::start(&self, project, &observer).await?;
                Site::Containers(Box::new(containers))
            }
        };
        let sdk = sdk_config(&site.endpoint(), DEFAULT_REGION);
        Ok(World {
            kinesis: aws_sdk_kinesis::Client::new(&sdk),
            site,
            observer,
            stream,
        })
    }

    /// The template's project, with this scenario's settings.
    fn project(&self) -> anyhow::Result<Project> {
        let mut project = Project::in_region(&self.programs.template, DEFAULT_REGION)?;
        let environment = &mut project.environment;
        let stream = environment.streams.first_mut().context("no stream")?;
        stream.shards = Some(self.shards);
        let function = environment.functions.first_mut().context("no function")?;
        function.timeout = self.timeout.unwrap_or(function.timeout);
        if self.second {
            let queue = environment.queues.first().context("no queue")?.name.clone();
            let second = Function {
                logical_id: SECOND.to_owned(),
                name: SECOND.to_owned(),
                code_uri: None,
                ..function.clone()
            };
            environment.functions.push(second);
            environment.queue_mappings.push(QueueMapping {
                logical_id: "SecondMapping".to_owned(),
                queue,
                function: SECOND.to_owned(),
                settings: QueueSettings::default(),
            });
        }
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

    /// Writes records with this data, in order.
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

    /// Waits until `count` records are processed or discarded.
    pub async fn settled(&self, count: usize) -> anyhow::Result<Seen> {
        let what = format!("{count} records processed or discarded");
        let settled = eventually(
            &what,
            || self.observer.tell(Seen::settled),
            |settled| *settled >= count,
        );
        settled.await.with_context(|| self.explanation())?;
        Ok(self.observer.seen())
    }

    /// Waits until the function has logged `count` processed records.
    pub async fn processed(&self, count: usize) -> anyhow::Result<Seen> {
        self.settled(count).await?;
        let what = format!("{count} lines of processed records");
        let lines = || self.observer.tell(|seen| seen.processed.len());
        let processed = eventually(&what, lines, |lines| *lines >= count);
        processed.await.with_context(|| self.explanation())?;
        Ok(self.observer.seen())
    }

    /// Waits until the second function has processed `count` messages, and returns their
    /// bodies.
    pub async fn messages_processed(&self, count: usize) -> anyhow::Result<Vec<String>> {
        let what = format!("{count} messages processed");
        let messages = || self.observer.tell(|seen| seen.messages.len());
        let processed = eventually(&what, messages, |messages| *messages >= count);
        processed.await.with_context(|| self.explanation())?;
        Ok(self.observer.tell(|seen| seen.messages.clone()))
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

    /// The number of reads of the table. The gateway counts them; with containers, only
    /// the function's metrics do, which follow its lines of processed records.
    pub async fn store_reads(&self) -> anyhow::Result<u64> {
        match &self.site {
            Site::Embedded(embedded) => Ok(embedded.store_reads()),
            Site::Containers(_) => {
                let told = || self.observer.tell(|seen| seen.metric("BatchSize"));
                let processed = self.observer.tell(|seen| seen.processed.len()) as u64;
                eventually("metrics of every record", told, |told| *told >= processed).await?;
                Ok(self.observer.tell(|seen| seen.metric("StoreReads")))
            }
        }
    }

    /// The observations so far.
    pub fn seen(&self) -> Seen {
        self.observer.seen()
    }

    /// The number of invocations that did not succeed so far.
    pub fn failures(&self) -> u64 {
        self.seen().failures
    }

    /// The number of reads of the API key.
    pub fn key_reads(&self) -> anyhow::Result<u64> {
        Ok(self.embedded()?.key_reads())
    }

    /// The number of execution environments that were started.
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
            Site::Containers(_) => bail!("not available in containers"),
        }
    }

    /// The invoke URL of the function `function`.
    pub fn invoke_url(&self, function: &str) -> anyhow::Result<String> {
        Ok(self.embedded()?.invoke_url(function))
    }

    /// The containers, on the backend that has them.
    pub fn containers(&mut self) -> anyhow::Result<&mut Containers> {
        match &mut self.site {
            Site::Embedded(_) => bail!("the embedded backend has no containers"),
            Site::Containers(containers) => Ok(containers),
        }
    }

    pub async fn stop(self) {
        match self.site {
            Site::Embedded(embedded) => embedded.stop().await,
            Site::Containers(containers) => containers.stop().await,
        }
    }

    /// What was discarded, and the function's last lines, for an error: a discarded record
    /// has no line.
    fn explanation(&self) -> String {
        let discarded = self.observer.tell(|seen| seen.discarded.clone());
        let words = self.observer.last_words();
        format!("records of discarded batches: {discarded:?}; the function's last lines:\n{words}")
    }
}

/// A record's data, as the producer writes it.
pub fn reading(index: usize, location: &str) -> Vec<u8> {
    let reading = json!({
        "id": format!("id-{index}"),
        "name": "Model One",
        "location": location,
        "writeTime": "2026-11-22T10:20:30.123456Z",
    });
    reading.to_string().into_bytes()
}
