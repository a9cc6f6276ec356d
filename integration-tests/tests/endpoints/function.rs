//! A function that records its batches.

use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use event_source_mapping::target::{ErrorKind, FunctionError, Reply, Target};
use integration_tests::patience::eventually;
use serde_json::Value;
use tokio::sync::watch;

use crate::ledger::Entry;

/// The data of the record on which the function fails.
pub const POISON: &str = "poison";

/// A function in this process.
pub struct Function {
    given: Mutex<Given>,
    /// Invocations wait until this is true.
    open: watch::Sender<bool>,
    /// Whether it fails on [`POISON`].
    sick: bool,
}

#[derive(Default)]
struct Given {
    begun: Vec<Vec<Entry>>,
    done: Vec<Vec<Entry>>,
}

impl Function {
    pub fn new() -> Self {
        Self {
            given: Mutex::default(),
            open: watch::Sender::new(true),
            sick: false,
        }
    }

    /// A function that fails on [`POISON`].
    pub fn that_poison_fails() -> Self {
        Self {
            sick: true,
            ..Self::new()
        }
    }

    /// Lets invocations end (`true`), or makes them wait (`false`).
    pub fn open(&self, open: bool) {
        self.open.send_replace(open);
    }

    /// The batches of all invocations, in the order of their start.
    pub fn begun(&self) -> Vec<Vec<Entry>> {
        self.given().begun.clone()
    }

    /// The batches of the invocations that succeeded.
    pub fn batches(&self) -> Vec<Vec<Entry>> {
        self.given().done.clone()
    }

    /// The records of the invocations that succeeded, in order.
    pub fn done(&self) -> Vec<Entry> {
        self.given().done.iter().flatten().cloned().collect()
    }

    /// Waits until invocations with `count` records have succeeded.
    pub async fn has_done(&self, count: usize) -> anyhow::Result<()> {
        let done = || self.given().done.iter().map(Vec::len).sum::<usize>();
        let what = format!("{count} records delivered");
        eventually(&what, done, |done| *done >= count).await?;
        Ok(())
    }

    fn given(&self) -> MutexGuard<'_, Given> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Target for Function {
    fn name(&self) -> String {
        "function".to_owned()
    }

    async fn invoke(&self, event: Bytes) -> Reply {
        let batch = match entries(&event) {
            Ok(batch) => batch,
            Err(error) => return failed(&format!("{error:#}")),
        };
        self.given().begun.push(batch.clone());
        // The sender is in `self`, so this returns only when the function is open.
        let _ = self.open.subscribe().wait_for(|open| *open).await;
        if self.sick && batch.iter().any(|entry| entry.data == POISON) {
            return failed("poison");
        }
        self.given().done.push(batch);
        Reply::Success(Bytes::from_static(b"null"))
    }
}

fn failed(message: &str) -> Reply {
    let error = FunctionError::new(ErrorKind::Handled, "Error", message);
    Reply::FunctionError(error)
}

/// The records of an event.
fn entries(event: &[u8]) -> anyhow::Result<Vec<Entry>> {
    let event: Value = serde_json::from_slice(event)?;
    let records = event["Records"].as_array().context("no records")?;
    records.iter().map(entry).collect()
}

fn entry(record: &Value) -> anyhow::Result<Entry> {
    let text = |value: &Value| value.as_str().map(str::to_owned).context("no text");
    let id = text(&record["eventID"])?;
    let (shard, _) = id.split_once(':').context("no shard")?;
    let data = BASE64_STANDARD.decode(text(&record["kinesis"]["data"])?)?;
    Ok(Entry {
        shard: shard.to_owned(),
        sequence_number: text(&record["kinesis"]["sequenceNumber"])?,
        data: String::from_utf8(data)?,
    })
}
