//! The pipeline of `just up`: `LocalStack`, the cache, and AWS's Runtime Interface
//! Emulator around the function.
//!
//! The mapping that counts the records runs in this process. It reads its own stream,
//! so the mapping in the containers sees none of the records.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, bail};
use async_trait::async_trait;
use event_source_mapping::{
    http_target::HttpTarget, mapping::EventSourceMapping, poll_trigger::Polling, sdk_error,
};
use loopback_client::sdk_config;
use momento_offline::{
    admin::{CacheStatus, STATUS_PATH},
    counters::Counts,
};
use reqwest::Url;
use sam_template::{
    Environment,
    environment::{Mapping, Stream},
};
use tempfile::TempDir;
use tokio::{net::TcpStream, time::timeout};
use uuid::Uuid;

use super::{
    site::{Seen, Site},
    tally::Tally,
};
use crate::{mappings::Mappings, project::seed::Seed, provision::Provisioner};

/// How long a container may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where the containers are.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// The AWS APIs.
    pub endpoint: String,
    /// Where the function is invoked.
    pub invoke: Url,
    /// The local cache; `None` with Momento.
    pub cache: Option<Url>,
    /// The region of all ARNs.
    pub region: String,
}

/// The pipeline in containers, and the mapping in this process.
pub struct Containers {
    addresses: Addresses,
    stream: String,
    kinesis: aws_sdk_kinesis::Client,
    mapping: EventSourceMapping,
    counts_before: Option<Counts>,
    /// The on-failure destination; the report counts what is discarded.
    _failures: TempDir,
}

impl Containers {
    /// Creates a stream like that of `mapping`, and invokes the function from it.
    ///
    /// # Errors
    ///
    /// A container does not answer, or the stream cannot be created.
    pub async fn connect(
        addresses: Addresses,
        environment: &Environment,
        mapping: &Mapping,
        tally: &Arc<Tally>,
    ) -> anyhow::Result<Self> {
        reachable(&addresses.endpoint).await?;
        reachable(addresses.invoke.as_str()).await?;
        let counts_before = counts(addresses.cache.as_ref()).await?;

        let stream = format!("{}-e2e-{}", mapping.stream, Uuid::new_v4().simple());
        let sdk = sdk_config(&addresses.endpoint, &addresses.region);
        let like = environment.streams.iter();
        let like = like.filter(|made| made.name == mapping.stream);
        let only_the_stream = Environment {
            streams: like
                .map(|made| Stream {
                    name: stream.clone(),
                    ..made.clone()
                })
                .collect(),
            ..Environment::default()
        };
        Provisioner::new(&sdk)
            .provision(&only_the_stream, &Seed::default())
            .await?;

        let failures = tempfile::tempdir().context("creating a folder for discarded batches")?;
        let kinesis = aws_sdk_kinesis::Client::new(&sdk);
        let renamed = Mapping {
            stream: stream.clone(),
            ..mapping.clone()
        };
        // One invocation at a time: a second one crashes the emulator.
        let target = Arc::new(HttpTarget::new(addresses.invoke.clone(), 1));
        let mapping = Mappings::new(kinesis.clone(), &addresses.region, failures.path())
            .watched_by(tally.clone())
            .start(&renamed, target, Arc::new(Polling::default()))?;
        mapping.ready().await;
        Ok(Self {
            addresses,
            stream,
            kinesis,
            mapping,
            counts_before,
            _failures: failures,
        })
    }

    /// Stops the mapping and removes its stream.
    pub async fn disconnect(self) {
        self.mapping.stop().await;
        let deleted = self.kinesis.delete_stream().stream_name(&self.stream);
        if let Err(error) = deleted.send().await {
            let error = sdk_error::reason(error);
            tracing::warn!(
                stream = self.stream,
                "the stream could not be deleted: {error}"
            );
        }
    }
}

#[async_trait]
impl Site for Containers {
    fn endpoint(&self) -> String {
        self.addresses.endpoint.clone()
    }

    fn stream(&self) -> &str {
        &self.stream
    }

    async fn seen(&self) -> Seen {
        let now = counts(self.addresses.cache.as_ref()).await;
        let now = now.unwrap_or_else(|error| {
            tracing::warn!("the report has no cache requests: {error:#}");
            None
        });
        let requests = now.zip(self.counts_before);
        Seen {
            backend: "localstack",
            cache: match self.addresses.cache {
                Some(_) => "stub",
                None => "momento",
            }
            .to_owned(),
            cache_requests: requests.map(|(now, before)| now.since(&before)),
            store_reads: None,
            cold_starts: None,
            throttled: None,
        }
    }
}

async fn reachable(url: &str) -> anyhow::Result<()> {
    let url = Url::parse(url).with_context(|| format!("{url} is not a URL"))?;
    let host = url.host_str().unwrap_or_default().to_owned();
    let port = url.port_or_known_default().unwrap_or(80);
    match timeout(PATIENCE, TcpStream::connect((host, port))).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => {
            bail!("nothing answers at {url}: {error}\nhint: start the containers with `just up`")
        }
        Err(_) => bail!(
            "nothing answers at {url} within {} s\nhint: start the containers with `just up`",
            PATIENCE.as_secs()
        ),
    }
}

/// The request counts of the cache at `url`.
async fn counts(url: Option<&Url>) -> anyhow::Result<Option<Counts>> {
    let Some(url) = url else { return Ok(None) };
    let status = url.join(STATUS_PATH).context("the cache's URL")?;
    let asking = loopback_client::client(status.as_str())
        .get(status.clone())
        .timeout(PATIENCE);
    let status: CacheStatus = asking
        .send()
        .await
        .and_then(reqwest::Response::error_for_status)
        .with_context(|| format!("the cache does not answer at {status}"))?
        .json()
        .await
        .with_context(|| format!("{status} returned no cache status"))?;
    Ok(Some(status.counts))
}
