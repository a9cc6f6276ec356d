//! A development environment inside a Rust test.
//!
//! [`Environment::start`] starts everything in a template on free ports, without files
//! that outlive it. Several run side by side in one test program. Dropping it, in a panic
//! too, ends its servers and its functions' processes.
//!
//! ```
//! # let folder = tempfile::tempdir().unwrap();
//! # let template = folder.path().join("template.yaml");
//! # std::fs::write(&template, "
//! # Resources:
//! #   Orders: { Type: AWS::Kinesis::Stream, Properties: { Name: orders, ShardCount: 1 } }
//! #   Function:
//! #     Type: AWS::Serverless::Function
//! #     Properties:
//! #       { FunctionName: work, Handler: bootstrap, Runtime: provided.al2023, CodeUri: . }
//! #   Mapping:
//! #     Type: AWS::Lambda::EventSourceMapping
//! #     Properties:
//! #       FunctionName: !Ref Function
//! #       EventSourceArn: !GetAtt Orders.Arn
//! #       StartingPosition: TRIM_HORIZON
//! # ").unwrap();
//! # let bootstrap = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/lambda-host/examples/bootstrap");
//! use local::testing::{Environment, Error};
//!
//! # tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
//! // The function is built with cargo from its `CodeUri` unless an executable is named.
//! let environment = Environment::of(&template).bootstrap(bootstrap).start().await?;
//!
//! environment.put("orders", "customer-1", r#"{"total": 12}"#).await?;
//! assert_eq!(environment.settled().await?, [], "no batch is discarded");
//! environment.logged("work", "handling ").await?;
//! # Ok::<_, Error>(())
//! # }).unwrap();
//! ```
//!
//! A test of a project in the working folder or above begins with
//! `Environment::start().await?`. Nothing in it sleeps: [`Environment::settled`] waits for
//! the records, and [`Environment::clock`] moves what expires.

mod builder;
mod error;
mod queues;

use std::{sync::Arc, time::Duration};

use aws_sdk_kinesis::{error::DisplayErrorContext, primitives::Blob};
use bytes::Bytes;
use event_source_mapping::settlement::DiscardedBatch;
use lambda_host::{Invoked, log::LogLine};
use momento_offline::{
    faults::{FaultPlan, FaultRule},
    keyspace::Keyspace,
};
use movable_clock::Clock;
use tokio::{sync::watch, time::timeout};

use crate::{embedded::Embedded, endpoints::Endpoints, status_board::SETTLED_TIMEOUT};
pub use builder::Builder;
pub use error::Error;

/// The log lines of all functions.
type Lines = Arc<watch::Sender<Vec<LogLine>>>;

/// How long a line may take from a function's output to its reader.
const LOG_PATIENCE: Duration = Duration::from_secs(10);

/// A running development environment.
pub struct Environment {
    embedded: Embedded,
    endpoints: Endpoints,
    kinesis: aws_sdk_kinesis::Client,
    lines: Lines,
}

impl Environment {
    /// Starts the project that the working folder is in: cargo runs a package's tests in
    /// the package's folder.
    ///
    /// # Errors
    ///
    /// There is no template, it has an invalid line, or a part of it cannot start.
    pub async fn start() -> Result<Self, Error> {
        Builder::of_working_folder()?.start().await
    }

    /// The environment of a template, to be started.
    pub fn of(template: impl Into<std::path::PathBuf>) -> Builder {
        Builder::new(template.into())
    }

    /// Where everything answers, and the environment variables that lead a program there.
    #[must_use]
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Writes a record to a stream. Returns its sequence number.
    ///
    /// # Errors
    ///
    /// Kinesis refuses it, as in AWS.
    pub async fn put(
        &self,
        stream: &str,
        partition_key: &str,
        data: impl Into<Vec<u8>>,
    ) -> Result<String, Error> {
        let put = self.kinesis.put_record().stream_name(stream);
        let put = put.partition_key(partition_key).data(Blob::new(data));
        let put = put.send().await.map_err(|error| Error::Put {
            stream: stream.to_owned(),
            reason: DisplayErrorContext(error).to_string(),
        })?;
        Ok(put.sequence_number)
    }

    /// Waits until every record written so far is processed, discarded or filtered out, and
    /// every mapped queue is empty.
    /// Returns the batches discarded since the wait before.
    ///
    /// # Errors
    ///
    /// That takes more than a minute: a function hangs, or retries a failing batch for as
    /// long as its mapping says.
    pub async fn settled(&self) -> Result<Vec<DiscardedBatch>, Error> {
        self.settled_within(SETTLED_TIMEOUT).await
    }

    /// The same, for at most so long.
    ///
    /// # Errors
    ///
    /// That takes longer.
    pub async fn settled_within(&self, most: Duration) -> Result<Vec<DiscardedBatch>, Error> {
        let reply = self.embedded.status.settled(most).await;
        if reply.settled {
            return Ok(reply.discarded);
        }
        Err(Error::Unsettled {
            most,
            mappings: reply.status.mappings,
            queue_mappings: reply.status.queue_mappings,
        })
    }

    /// Invokes a function with an event, as the Invoke API does.
    ///
    /// # Errors
    ///
    /// There is no such function. An error of the function is in [`Invoked::outcome`].
    pub async fn invoke(
        &self,
        function: &str,
        event: impl Into<Vec<u8>>,
    ) -> Result<Invoked, Error> {
        let found = self.embedded.functions.get(function);
        let found = found.ok_or_else(|| Error::NoFunction(function.to_owned()))?;
        Ok(found.invoke(Bytes::from(event.into())).await)
    }

    /// The lines that a function has logged so far, to stdout and stderr. The last ones
    /// of an invocation may come a moment after it: [`Environment::logged`] waits.
    #[must_use]
    pub fn logs(&self, function: &str) -> Vec<String> {
        let lines = self.lines.borrow();
        lines
            .iter()
            .filter(|line| *line.function == *function)
            .map(|line| line.text.clone())
            .collect()
    }

    /// Waits until a function has logged a line that contains `text`, and returns it.
    ///
    /// # Errors
    ///
    /// It does not within ten seconds.
    pub async fn logged(&self, function: &str, text: &str) -> Result<String, Error> {
        let has = |line: &&LogLine| *line.function == *function && line.text.contains(text);
        let mut lines = self.lines.subscribe();
        let found = lines.wait_for(|lines| lines.iter().any(|line| has(&line)));
        let found = timeout(LOG_PATIENCE, found).await.ok();
        let found = found.and_then(Result::ok);
        let line = found.and_then(|lines| lines.iter().find(has).map(|line| line.text.clone()));
        line.ok_or_else(|| Error::NotLogged {
            function: function.to_owned(),
            text: text.to_owned(),
        })
    }

    /// The local cache: its items, counters and faults.
    #[must_use]
    pub fn cache(&self) -> Option<&Keyspace> {
        self.embedded
            .cache
            .as_ref()
            .map(|cache| &**cache.keyspace())
    }

    /// Replaces the fault rules of the cache, written as `klocal faults set` takes them:
    /// `error=UNAVAILABLE,call=Get`. No rules: the cache works again.
    ///
    /// # Errors
    ///
    /// A rule is malformed or out of range, or there is no local cache.
    pub fn faults(&self, rules: &[&str]) -> Result<(), Error> {
        let cache = self.cache().ok_or(Error::NoCache)?;
        let parse = |rule: &&str| {
            rule.parse::<FaultRule>().map_err(|reason| Error::Fault {
                rule: (*rule).to_owned(),
                reason,
            })
        };
        let rules: Vec<_> = rules.iter().map(parse).collect::<Result<_, _>>()?;
        let set = cache.faults.set(FaultPlan::of(rules));
        set.map_err(|error| Error::Fault {
            rule: "all together".to_owned(),
            reason: error.to_string(),
        })
    }

    /// The time of day of streams, mappings and caches. Functions keep the real time.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.embedded.clock
    }

    /// The environment itself, for all the rest.
    #[must_use]
    pub fn embedded(&self) -> &Embedded {
        &self.embedded
    }

    /// Finishes the invocations under way and ends everything in order. Dropping the
    /// environment ends it at once.
    pub async fn stop(self) {
        self.embedded.shut_down().await;
    }
}
