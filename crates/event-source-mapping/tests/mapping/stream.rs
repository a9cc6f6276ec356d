//! A stream in memory that fails when a test tells it to.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use event_source_mapping::{
    Clock,
    settings::StartingPosition,
    source::{Page, Position, Record, Shard, Source, SourceError},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use time::OffsetDateTime;

/// What the model knows of a shard.
#[derive(Debug, Clone, Default)]
pub struct ShardData {
    pub parents: Vec<usize>,
    pub records: Vec<Record>,
    pub closed: bool,
    /// It is not listed, and cannot be read.
    pub gone: bool,
}

impl ShardData {
    /// The index of the record of this sequence number, if it is of this shard.
    fn index_of(&self, number: &str) -> Result<usize, SourceError> {
        let mut records = self.records.iter();
        let index = records.position(|record| record.sequence_number == number);
        index.ok_or_else(|| SourceError::Refused(format!("{number} is not of this stream")))
    }
}

pub struct Stream {
    clock: Clock,
    state: Mutex<State>,
}

struct State {
    shards: Vec<ShardData>,
    created: OffsetDateTime,
    /// How often the stream was created.
    generation: usize,
    /// Records before this one are of an earlier stream.
    first_sequence_number: u64,
    next_sequence_number: u64,
    /// Failures of reads that are still to come.
    failures: u32,
    /// The next `GetRecords` refuse their iterator.
    refused: u32,
    reads: u32,
    random: StdRng,
}

/// Shorter and longer ones follow, to be compared as numbers.
const FIRST: u64 = 95;

pub fn shard_id(number: usize) -> String {
    format!("shardId-{number:012}")
}

impl Stream {
    pub fn new(clock: Clock, shards: usize, failures: u32, seed: u64) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                shards: vec![ShardData::default(); shards],
                created: clock.now(),
                generation: 1,
                first_sequence_number: FIRST,
                next_sequence_number: FIRST,
                failures,
                refused: 0,
                reads: 0,
                random: StdRng::seed_from_u64(seed),
            }),
            clock,
        })
    }

    /// Deletes the stream and creates it again, with so many shards.
    pub fn recreate(&self, shards: usize) {
        let mut state = self.state.lock().unwrap();
        // Two streams of one name never have the same time of creation.
        state.created = self
            .clock
            .now()
            .max(state.created + Duration::from_millis(1));
        state.generation += 1;
        state.first_sequence_number = state.next_sequence_number;
        state.shards = vec![ShardData::default(); shards];
    }

    /// Whether a sequence number is of an earlier stream of the same name.
    pub fn is_deleted(&self, number: u64) -> bool {
        number < self.state.lock().unwrap().first_sequence_number
    }

    /// Refuses the iterator of the next `count` reads.
    pub fn refuse_iterators(&self, count: u32) {
        self.state.lock().unwrap().refused = count;
    }

    pub fn put(&self, key: u8, data: Vec<u8>) {
        let mut state = self.state.lock().unwrap();
        let open: Vec<_> = (0..state.shards.len())
            .filter(|shard| !state.shards[*shard].closed)
            .collect();
        let shard = open[usize::from(key) % open.len()];
        let sequence_number = state.next_sequence_number.to_string();
        state.next_sequence_number += 1;
        state.shards[shard].records.push(Record {
            sequence_number,
            partition_key: format!("key-{key}"),
            data: Bytes::from(data),
            arrived: self.clock.now(),
        });
    }

    /// Closes `parents` open shards, the first being the `nth`, and opens
    /// `children` in their place.
    pub fn reshard(&self, nth: usize, parents: usize, children: usize) {
        let mut state = self.state.lock().unwrap();
        let open: Vec<_> = (0..state.shards.len())
            .filter(|shard| !state.shards[*shard].closed)
            .collect();
        if open.len() < parents || state.shards.len() > 12 {
            return;
        }
        let first = nth % (open.len() - parents + 1);
        let parents = open[first..first + parents].to_vec();
        for parent in &parents {
            state.shards[*parent].closed = true;
        }
        for _ in 0..children {
            state.shards.push(ShardData {
                parents: parents.clone(),
                ..ShardData::default()
            });
        }
    }

    /// Takes a shard away, or brings it back.
    pub fn set_gone(&self, shard: usize, gone: bool) {
        self.state.lock().unwrap().shards[shard].gone = gone;
    }

    /// How often records or an iterator were asked for.
    pub fn reads(&self) -> u32 {
        self.state.lock().unwrap().reads
    }

    pub fn shards(&self) -> Vec<ShardData> {
        self.state.lock().unwrap().shards.clone()
    }

    pub fn with_shard<T>(&self, shard: usize, look: impl FnOnce(&ShardData) -> T) -> T {
        look(&self.state.lock().unwrap().shards[shard])
    }
}

impl State {
    fn read(&mut self, shard: usize) -> Result<(), SourceError> {
        self.reads += 1;
        if self.shards[shard].gone {
            return Err(SourceError::Refused(format!("no {}", shard_id(shard))));
        }
        Ok(())
    }

    fn fail(&mut self) -> Result<(), SourceError> {
        if self.failures == 0 || !self.random.random_bool(0.2) {
            return Ok(());
        }
        self.failures -= 1;
        Err(if self.random.random() {
            SourceError::ExpiredIterator
        } else {
            SourceError::Unavailable("a read that fails".into())
        })
    }

    /// `GetRecords` may refuse an iterator that it returned itself.
    fn refuse(&mut self) -> Result<(), SourceError> {
        if self.refused > 0 {
            self.refused -= 1;
        } else if self.failures > 0 && self.random.random_bool(0.1) {
            self.failures -= 1;
        } else {
            return Ok(());
        }
        Err(SourceError::Refused("the iterator is refused".into()))
    }
}

#[async_trait]
impl Source for Stream {
    async fn created(&self) -> Option<OffsetDateTime> {
        Some(self.state.lock().unwrap().created)
    }

    async fn shards(&self) -> Result<Vec<Shard>, SourceError> {
        let mut state = self.state.lock().unwrap();
        state.fail()?;
        let shards = state.shards.iter().enumerate();
        Ok(shards
            .filter(|(_, shard)| !shard.gone)
            .map(|(number, shard)| Shard {
                id: shard_id(number),
                parents: shard.parents.iter().copied().map(shard_id).collect(),
            })
            .collect())
    }

    async fn iterator(&self, shard: &str, position: &Position) -> Result<String, SourceError> {
        let mut state = self.state.lock().unwrap();
        state.fail()?;
        let shard: usize = shard.trim_start_matches("shardId-").parse().unwrap();
        if shard >= state.shards.len() {
            return Err(SourceError::Refused(format!("no {}", shard_id(shard))));
        }
        state.read(shard)?;
        let index = match position {
            Position::Starting(StartingPosition::TrimHorizon) => 0,
            Position::Starting(StartingPosition::Latest) => state.shards[shard].records.len(),
            Position::Starting(StartingPosition::AtTimestamp(at)) => {
                let mut records = state.shards[shard].records.iter();
                let index = records.position(|record| record.arrived >= *at);
                index.unwrap_or(state.shards[shard].records.len())
            }
            Position::At(number) => state.shards[shard].index_of(number)?,
            Position::After(number) => state.shards[shard].index_of(number)? + 1,
        };
        Ok(format!("{}:{shard}:{index}", state.generation))
    }

    async fn records(&self, iterator: &str, limit: u32) -> Result<Page, SourceError> {
        let mut state = self.state.lock().unwrap();
        state.fail()?;
        state.refuse()?;
        let numbers: Vec<usize> = iterator
            .split(':')
            .map(|number| number.parse().unwrap())
            .collect();
        let (generation, shard, index) = (numbers[0], numbers[1], numbers[2]);
        if generation != state.generation {
            return Err(SourceError::Refused(
                "the iterator is of a deleted stream".into(),
            ));
        }
        state.read(shard)?;
        // Kinesis may give fewer than there are, none included.
        let most = state.random.random_range(0..20).min(limit as usize);
        let data = &state.shards[shard];
        let end = (index + most).min(data.records.len());
        let ended = data.closed && end == data.records.len();
        Ok(Page {
            records: data.records[index..end].to_vec(),
            next_iterator: (!ended).then(|| format!("{generation}:{shard}:{end}")),
            millis_behind_latest: i64::from(end < data.records.len()),
        })
    }
}
