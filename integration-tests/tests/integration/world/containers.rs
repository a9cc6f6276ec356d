//! A world in containers: `LocalStack`, the cache, and AWS's Runtime Interface
//! Emulator around the function. The mapping is in this process, where an observer
//! sees every record.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::Context;
use aws_wire::DEFAULT_REGION;
use event_source_mapping::{
    http_target::HttpTarget, mapping::EventSourceMapping, poll_trigger::Polling,
    queue::mapping::QueueMapping,
};
use integration_tests::{patience::PATIENCE, queue::messages};
use local::{
    embedded::Cache,
    mappings::Mappings,
    project::{Project, seed::Seed},
    provision::Provisioner,
};
use loopback_client::sdk_config;
use momento_offline::transport::CacheOptions;
use reqwest::Url;
use sam_template::Environment;
use serde_json::Value;
use tempfile::TempDir;
use testcontainers::{ContainerAsync, GenericImage};
use tokio::time::{Instant, sleep};

use super::{
    BACKOFF, Builder, CacheControl, Programs, SECOND,
    network::{AWS, CACHE, FunctionContainer, INVOKE, Network, url},
};
use crate::{docker, recording_observer::RecordingObserver};

type Container = ContainerAsync<GenericImage>;

/// The function's path at the emulator.
const INVOCATIONS: &str = "/2015-03-31/functions/function/invocations";

/// The containers on one network, and the mapping.
pub struct Containers {
    /// The URL of the AWS APIs, from this process.
    pub endpoint: String,
    /// The function's invoke URL, from this process.
    pub invoke_url: Url,
    environment: Environment,
    seed: Seed,
    localstack: Container,
    cache: Option<(Container, CacheControl)>,
    mapping: EventSourceMapping,
    function: Container,
    /// The mapping of the queue, and its function.
    second: Option<(QueueMapping, Container)>,
    /// The folder of the invocation records.
    _failures: TempDir,
    /// The last field: dropped after what is on it.
    _network: Network,
}

impl Containers {
    pub async fn start(
        builder: &Builder,
        project: Project,
        observer: &Arc<RecordingObserver>,
    ) -> anyhow::Result<Self> {
        let network = Network::create(&builder.programs, builder.keeps_ports)?;
        let Project {
            environment, local, ..
        } = project;
        let seed = local.seed(&Cache::Here(CacheOptions::default()).values(None), false);
        let names = local.caches.unwrap_or_default();
        let (localstack, cache) = tokio::try_join!(network.localstack(), network.cache(&names))?;
        let endpoint = url(&localstack, AWS).await?;
        provision(&endpoint, &environment, &seed).await?;

        let function = environment.functions.first().context("no function")?;
        let function_container = FunctionContainer {
            name: "function",
            bootstrap: &builder.bootstrap,
            timeout: function.timeout,
            variables: &builder.variables,
        };
        let function = network.function(&function_container, observer).await?;
        let invoke_url = Url::parse(&url(&function, INVOKE).await?)?.join(INVOCATIONS)?;

        let failures = tempfile::tempdir()?;
        let sdk = sdk_config(&endpoint, DEFAULT_REGION);
        let mapping = environment.mappings.first().context("no mapping")?;
        let kinesis = aws_sdk_kinesis::Client::new(&sdk);
        // One invocation at a time: a second invocation crashes the emulator.
        let target = Arc::new(HttpTarget::new(invoke_url.clone(), 1));
        let mappings = Mappings::new(kinesis, DEFAULT_REGION, failures.path())
            .with_queues_at(&sdk)
            .watched_by(observer.clone())
            .backoff(BACKOFF);
        let second = match environment.queue_mappings.first() {
            None => None,
            Some(mapping) => {
                let function = FunctionContainer {
                    name: SECOND,
                    bootstrap: &builder.programs.flaky,
                    ..function_container
                };
                let container = network.function(&function, observer).await?;
                let url = Url::parse(&url(&container, INVOKE).await?)?.join(INVOCATIONS)?;
                let target = Arc::new(HttpTarget::new(url, 1));
                let (name, queue) = (&mapping.logical_id, &mapping.queue);
                let mapping = mappings.start_queue(name, queue, &mapping.settings, target);
                Some((mapping.context("no SQS")?, container))
            }
        };
        let mapping = mappings.start(mapping, target, Arc::new(Polling::default()))?;
        let control = CacheControl::at(url(&cache, CACHE).await?);
        Ok(Self {
            endpoint,
            invoke_url,
            environment,
            seed,
            localstack,
            cache: Some((cache, control)),
            mapping,
            function,
            second,
            _failures: failures,
            _network: network,
        })
    }

    pub fn cache(&self) -> anyhow::Result<CacheControl> {
        let (_, control) = self.cache.as_ref().context("the cache is stopped")?;
        Ok(control.clone())
    }

    pub async fn stop_cache(&mut self) -> anyhow::Result<()> {
        if let Some((cache, _)) = self.cache.take() {
            cache.rm().await?;
        }
        Ok(())
    }

    /// Freezes the cache: its connections stay open, and it answers nothing.
    pub async fn freeze_cache(&self) -> anyhow::Result<()> {
        let (cache, _) = self.cache.as_ref().context("the cache is stopped")?;
        Ok(cache.pause().await?)
    }

    /// Lets the cache continue.
    pub async fn thaw_cache(&self) -> anyhow::Result<()> {
        let (cache, _) = self.cache.as_ref().context("the cache is stopped")?;
        Ok(cache.unpause().await?)
    }

    /// The number of times that Docker has restarted the emulator.
    pub fn function_restarts(&self) -> anyhow::Result<u32> {
        let count = [
            "inspect",
            "--format",
            "{{.RestartCount}}",
            self.function.id(),
        ];
        let count = docker::docker(&count).map_err(anyhow::Error::msg)?;
        Ok(count.parse()?)
    }

    /// The addresses at which this machine's other users reach the containers.
    pub fn published(&self) -> anyhow::Result<Vec<String>> {
        let cache = self.cache.as_ref().map(|(cache, _)| cache);
        let mut published = Vec::new();
        for container in [&self.localstack, &self.function].into_iter().chain(cache) {
            let ports = docker::docker(&["port", container.id()]).map_err(anyhow::Error::msg)?;
            // `4566/tcp -> 127.0.0.1:32768`
            let addresses = ports.lines().filter_map(|line| line.rsplit_once(' '));
            published.extend(addresses.map(|(_, address)| address.to_owned()));
        }
        Ok(published)
    }

    /// Restarts `LocalStack`, which loses its state, and provisions it again.
    pub async fn restart_localstack(&self) -> anyhow::Result<()> {
        self.localstack.stop_with_timeout(Some(0)).await?;
        self.localstack.start().await?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            // It listens before it is ready.
            let provisioned = provision(&self.endpoint, &self.environment, &self.seed).await;
            if provisioned.is_ok() || Instant::now() >= deadline {
                return provisioned;
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// The messages in the on-failure queue of the template's mapping.
    pub async fn discarded(&self) -> anyhow::Result<Vec<Value>> {
        let queue = self.environment.queues.first().context("no queue")?;
        messages(&self.endpoint, &queue.name).await
    }

    pub async fn stop(self) {
        self.mapping.stop().await;
        if let Some((mapping, _container)) = self.second {
            mapping.stop().await;
        }
    }
}

/// The function's output at its first invocation, with AWS APIs that `prepare` has
/// prepared.
pub async fn first_words(
    programs: &Programs,
    variables: &BTreeMap<String, String>,
    prepare: impl AsyncFnOnce(&str) -> anyhow::Result<()>,
) -> anyhow::Result<String> {
    let network = Network::create(programs, false)?;
    let localstack = network.localstack().await?;
    prepare(&url(&localstack, AWS).await?).await?;
    let function = FunctionContainer {
        name: "function",
        bootstrap: &programs.bootstrap,
        timeout: Duration::from_secs(3),
        variables,
    };
    let nobody = Arc::new(RecordingObserver::default());
    let function = network.function(&function, &nobody).await?;
    let invoke_url = format!("{}{INVOCATIONS}", url(&function, INVOKE).await?);
    let deadline = Instant::now() + PATIENCE;
    loop {
        // The emulator starts the function at the first invocation. The emulator runs
        // before it listens, so the invocation is repeated until it listens.
        let invoked = reqwest::Client::new().post(&invoke_url).body("{}");
        if invoked.send().await.is_err() {
            sleep(Duration::from_millis(50)).await;
        }
        let stdout = function.stdout_to_vec().await?;
        let stderr = function.stderr_to_vec().await?;
        let words = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
        if words.contains("ERROR") || Instant::now() >= deadline {
            return Ok(words);
        }
    }
}

async fn provision(endpoint: &str, environment: &Environment, seed: &Seed) -> anyhow::Result<()> {
    let provisioner = Provisioner::new(&sdk_config(endpoint, DEFAULT_REGION));
    provisioner.provision(environment, seed).await?;
    for queue in provisioner.queues(environment).await {
        queue?;
    }
    Ok(())
}
