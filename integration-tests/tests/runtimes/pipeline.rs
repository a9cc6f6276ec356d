//! A stream and a mapping to any target.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_sdk_kinesis::{Client, primitives::Blob, types::PutRecordsRequestEntry};
use aws_wire::DEFAULT_REGION;
use event_source_mapping::{
    backoff::Backoff,
    batch::Prepared,
    mapping::EventSourceMapping,
    observer::{Invoked, Observer},
    retry_state::Discarded,
    settings::Settings,
    target::{ErrorKind, Reply, Target},
};
use integration_tests::patience::eventually;
use local::{adapters::push_trigger::PushTrigger, aws::apis::AwsApis, mappings::Mappings, ports};
use loopback_client::sdk_config;
use sam_template::environment::Mapping;

const STREAM: &str = "stream";

/// The outcome of an invocation, as the mapping reports it to its observer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Success,
    Failed(ErrorKind),
    Throttled,
    TooLarge,
    Unavailable,
}

impl From<&Reply> for Class {
    fn from(reply: &Reply) -> Self {
        match reply {
            Reply::Success(_) => Self::Success,
            Reply::FunctionError(error) => Self::Failed(error.kind),
            Reply::Throttled => Self::Throttled,
            Reply::TooLarge => Self::TooLarge,
            Reply::Unavailable(_) => Self::Unavailable,
        }
    }
}

/// A running pipeline.
pub struct Pipeline {
    aws: AwsApis,
    kinesis: Client,
    mapping: EventSourceMapping,
    seen: Arc<Seen>,
    _failures: tempfile::TempDir,
}

/// The observations so far.
#[derive(Default)]
struct Seen(Mutex<Told>);

#[derive(Default)]
struct Told {
    classes: Vec<Class>,
    done: Vec<String>,
    discarded: usize,
}

impl Observer for Seen {
    fn invoked(&self, invoked: &Invoked<'_>) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.classes.push(invoked.reply.into());
        let done = &invoked.records[..invoked.done];
        told.done
            .extend(done.iter().map(|one| one.record.sequence_number.clone()));
    }

    fn discarded(&self, _: &str, _: &str, records: &[Prepared], _: &Discarded) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.discarded += records.len();
    }
}

impl Pipeline {
    /// Creates a stream of one shard, and maps it to `target`.
    pub async fn start(target: Arc<dyn Target>, settings: Settings) -> anyhow::Result<Self> {
        let listener = ports::listen([127, 0, 0, 1].into(), 0, "--port").await?;
        let aws = AwsApis::start(listener, kinesis_engine::Options::default()).await?;
        let kinesis = Client::new(&sdk_config(&aws.url(), DEFAULT_REGION));
        let create = kinesis.create_stream().stream_name(STREAM).shard_count(1);
        create.send().await?;
        let (failures, seen) = (tempfile::tempdir()?, Arc::new(Seen::default()));
        let mapping = Mapping {
            logical_id: "Mapping".to_owned(),
            stream: STREAM.to_owned(),
            function: "function".to_owned(),
            settings,
        };
        let mapping = Mappings::new(kinesis.clone(), DEFAULT_REGION, failures.path())
            .watched_by(seen.clone())
            .backoff(Backoff {
                first: Duration::from_millis(5),
                longest: Duration::from_millis(50),
            })
            .start(
                &mapping,
                target,
                Arc::new(PushTrigger::new(aws.arrivals.clone(), STREAM)),
            )?;
        Ok(Self {
            aws,
            kinesis,
            mapping,
            seen,
            _failures: failures,
        })
    }

    /// Writes records with this data, in order.
    pub async fn write(&self, data: &[&str]) -> anyhow::Result<()> {
        for batch in data.chunks(500) {
            let entry = |data: &&str| {
                let entry = PutRecordsRequestEntry::builder().partition_key("key");
                entry.data(Blob::new(data.as_bytes())).build()
            };
            let entries: Vec<_> = batch.iter().map(entry).collect::<Result<_, _>>()?;
            let put = self.kinesis.put_records().stream_name(STREAM);
            put.set_records(Some(entries)).send().await?;
        }
        Ok(())
    }

    /// Waits until `count` records are processed or discarded. Returns the outcomes of the
    /// invocations, and the number of processed records.
    pub async fn settled(&self, count: usize) -> anyhow::Result<(Vec<Class>, usize)> {
        let settled = || {
            let told = self.seen.0.lock().unwrap_or_else(PoisonError::into_inner);
            told.done.len() + told.discarded
        };
        let what = format!("{count} records processed or discarded");
        eventually(&what, settled, |settled| *settled >= count).await?;
        let told = self.seen.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut done = told.done.clone();
        done.sort_unstable();
        done.dedup();
        Ok((told.classes.clone(), done.len()))
    }

    pub async fn stop(self) {
        self.mapping.stop().await;
        self.aws.shut_down().await;
    }
}
