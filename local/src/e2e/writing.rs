//! Writes a run's records: in this process, or with a program.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context;
use aws_sdk_kinesis::Client;
use aws_wire::DEFAULT_REGION;
use load_generator::{
    background::BackgroundLoad,
    feed::Feed,
    load::LoadObserver,
    plan::Plan,
    record::Record,
    writer::{Mode, Put, Writer},
};
use loopback_client::sdk_config;
use tokio_util::sync::CancellationToken;

use super::{
    producer::{Producer, Program, interrupt},
    site::Site,
};

/// What to write.
pub enum Load {
    /// Records, written from this process.
    Records {
        /// The records.
        feed: Arc<Feed>,
        /// How many, and when.
        plan: Plan,
        /// The seed of their random values.
        seed: u64,
        /// Remembers what became of each put; `None` for a run without a list of records.
        puts: Option<Arc<Puts>>,
    },
    /// Records of a program.
    Program(Program),
}

impl fmt::Debug for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Records { plan, .. } => f.debug_tuple("Records").field(plan).finish(),
            Self::Program(program) => f.debug_tuple("Program").field(program).finish(),
        }
    }
}

/// Counts of records that were written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Acknowledged by Kinesis.
    pub written: u64,
    /// Refused.
    pub refused: u64,
}

/// What became of each put of a run.
#[derive(Debug, Default)]
pub struct Puts(Mutex<Vec<PutOf>>);

/// One record's put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PutOf {
    Acknowledged {
        shard: String,
        sequence_number: String,
    },
    Refused {
        partition_key: String,
        tries: u32,
        error: String,
    },
}

impl Puts {
    pub(super) fn taken(&self) -> Vec<PutOf> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl LoadObserver for Puts {
    fn put(&self, record: &Record, put: &Put<'_>) {
        let put = match *put {
            Put::Acknowledged {
                shard,
                sequence_number,
                ..
            } => PutOf::Acknowledged {
                shard: shard.to_owned(),
                sequence_number: sequence_number.to_owned(),
            },
            Put::Refused { error, tries } => PutOf::Refused {
                partition_key: record.partition_key.clone(),
                tries,
                error: error.to_owned(),
            },
        };
        let mut puts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        puts.push(put);
    }
}

/// A load under way.
pub(super) enum Writing {
    Here(BackgroundLoad),
    Program(Box<Producer>),
}

/// Stops a load.
pub(super) enum Stop {
    Here(CancellationToken),
    Program(Option<u32>),
}

impl Writing {
    pub(super) fn start(site: &dyn Site, load: &Load) -> anyhow::Result<Self> {
        match load {
            Load::Program(program) => {
                let producer = Producer::start(site, program)?;
                Ok(Self::Program(Box::new(producer)))
            }
            Load::Records {
                feed, plan, puts, ..
            } => {
                let client = Client::new(&sdk_config(&site.endpoint(), DEFAULT_REGION));
                let writer = Writer::new(client, site.stream(), Mode::Batches);
                let observer: Arc<dyn LoadObserver> = match puts {
                    Some(puts) => puts.clone(),
                    None => Arc::new(load_generator::load::NoObserver),
                };
                let load = BackgroundLoad::start(writer, feed.clone(), *plan, observer);
                load.context("starting the load generator").map(Self::Here)
            }
        }
    }

    /// What stops it: it then finishes the batches in flight.
    pub(super) fn stop(&self) -> Stop {
        match self {
            Self::Here(load) => Stop::Here(load.stop()),
            Self::Program(producer) => Stop::Program(producer.pid()),
        }
    }

    /// Waits for its end.
    ///
    /// # Errors
    ///
    /// It has written nothing, or reports nothing.
    pub(super) async fn written(self) -> anyhow::Result<Written> {
        let load = match self {
            Self::Program(producer) => return producer.written().await,
            Self::Here(load) => load,
        };
        let done = load.done().await.context("the load generator panicked")?;
        let written = Written {
            written: done.report.written,
            refused: done.report.failed,
        };
        match done.error {
            Some(error) if written.written == 0 => Err(error).context("writing records"),
            Some(error) => {
                tracing::error!("writing records: {error}");
                Ok(written)
            }
            None => Ok(written),
        }
    }
}

impl Stop {
    pub(super) fn now(&self) {
        match self {
            Self::Here(stop) => stop.cancel(),
            Self::Program(pid) => interrupt(*pid),
        }
    }
}
