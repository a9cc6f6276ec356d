//! Where a load's records come from.

use std::{thread, time::Duration};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use time::OffsetDateTime;
use tokio::sync::{Mutex, mpsc};

use crate::{
    files::{FeedError, Files, Reading},
    record::Record,
    shape::{Shape, random_key},
    template::Template,
};

/// Records that are read ahead of the writers.
const READ_AHEAD: usize = 2_000;

/// The records of a load, for all of its writers.
pub struct Feed(Mutex<Source>);

enum Source {
    Made(Box<dyn FnMut() -> Record + Send>),
    Read {
        records: mpsc::Receiver<Result<Record, FeedError>>,
        /// The next record, if somebody has looked at it.
        next: Option<Result<Record, FeedError>>,
    },
}

/// How files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Once.
    #[default]
    Once,
    /// From the beginning again, as often as needed. Standard input is read once.
    Again,
    /// Once, each record with the time of its arrival, which it must have.
    AsRecorded,
}

impl Feed {
    /// Records that `make` makes, without end.
    pub fn made(make: impl FnMut() -> Record + Send + 'static) -> Self {
        Self(Mutex::new(Source::Made(Box::new(make))))
    }

    /// Records of a template, without end. The same seed gives the same records, except
    /// for the times in them: `${time}`, and the first characters of `${ksuid}`.
    #[must_use]
    pub fn of_template(template: Template, shape: Shape, seed: u64) -> Self {
        Self::of_template_at(template, shape, seed, OffsetDateTime::now_utc)
    }

    /// As [`Feed::of_template`], with a clock of the caller's.
    pub fn of_template_at(
        template: Template,
        shape: Shape,
        seed: u64,
        clock: impl Fn() -> OffsetDateTime + Send + 'static,
    ) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut sequence = 0;
        Self::made(move || {
            sequence += 1;
            let (mut data, key) = template.fill(sequence, &mut random, clock());
            let key = key.unwrap_or_else(|| random_key(&mut random));
            shape.apply(&mut data, &mut random);
            Record::new(key, data)
        })
    }

    /// Records of files. The seed decides the random partition keys, and which records
    /// are malformed.
    #[must_use]
    pub fn of_files(files: Files, shape: Shape, seed: u64, order: Order) -> Self {
        let (sender, records) = mpsc::channel(READ_AHEAD);
        // A thread of its own, as standard input may have nothing to read for long. It
        // ends with the feed.
        thread::spawn(move || {
            if let Err(error) = read(&files, &shape, seed, order, &sender) {
                let _ = sender.blocking_send(Err(error));
            }
        });
        let next = None;
        Self(Mutex::new(Source::Read { records, next }))
    }

    /// The next records, `most` of them or fewer: without any, there are no more.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or a line has no record.
    pub async fn take(&self, most: usize) -> Result<Vec<Record>, FeedError> {
        let mut source = self.0.lock().await;
        let (records, next) = match &mut *source {
            Source::Made(make) => return Ok((0..most).map(|_| make()).collect()),
            Source::Read { records, next } => (records, next),
        };
        let mut received: Vec<_> = next.take().into_iter().collect();
        if received.is_empty() {
            records.recv_many(&mut received, most).await;
        }
        while received.len() < most
            && let Ok(record) = records.try_recv()
        {
            received.push(record);
        }
        let mut taken = Vec::with_capacity(received.len());
        for record in received {
            match record {
                Ok(record) => taken.push(record),
                Err(error) if taken.is_empty() => return Err(error),
                // After the records before it.
                Err(error) => *next = Some(Err(error)),
            }
        }
        Ok(taken)
    }

    /// How long after the first recorded record the next one arrived; `None` if there are
    /// no more.
    pub(crate) async fn next_after(&self) -> Result<Option<Duration>, FeedError> {
        let mut source = self.0.lock().await;
        let Source::Read { records, next } = &mut *source else {
            return Ok(Some(Duration::ZERO));
        };
        if next.is_none() {
            *next = records.recv().await;
        }
        match next.take() {
            Some(Ok(record)) => {
                let after = record.after.unwrap_or_default();
                *next = Some(Ok(record));
                Ok(Some(after))
            }
            Some(Err(error)) => Err(error),
            None => Ok(None),
        }
    }

    /// The next records that arrived within `elapsed` after the first one.
    pub(crate) async fn take_until(
        &self,
        elapsed: Duration,
        most: usize,
    ) -> Result<Vec<Record>, FeedError> {
        let mut taken = Vec::new();
        while taken.len() < most {
            match self.next_after().await {
                Ok(Some(after)) if after <= elapsed => taken.append(&mut self.take(1).await?),
                Ok(_) => break,
                Err(error) if taken.is_empty() => return Err(error),
                // After the records before it.
                Err(error) => {
                    self.put_back(error).await;
                    break;
                }
            }
        }
        Ok(taken)
    }

    async fn put_back(&self, error: FeedError) {
        if let Source::Read { next, .. } = &mut *self.0.lock().await {
            *next = Some(Err(error));
        }
    }
}

/// Reads the files into `sender`.
fn read(
    files: &Files,
    shape: &Shape,
    seed: u64,
    order: Order,
    sender: &mpsc::Sender<Result<Record, FeedError>>,
) -> Result<(), FeedError> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut count = 0_u64;
    let mut wanted = true;
    loop {
        files.read(&mut Reading {
            shape,
            random: &mut random,
            as_recorded: order == Order::AsRecorded,
            first: None,
            take: &mut |record| {
                count += 1;
                wanted = sender.blocking_send(Ok(record)).is_ok();
                wanted
            },
        })?;
        if count == 0 {
            let file = files.name();
            return Err(FeedError::Empty { file });
        }
        if !wanted || order != Order::Again || *files == Files::Stdin {
            return Ok(());
        }
    }
}
