//! A stream in memory that fails when it is told to.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use event_source_mapping::{
    clock::Clock,
    settings::StartingPosition,
    source::{Page, Position, Record, Shard, Source, SourceError},
};
use rand::{Rng, SeedableRng, rngs::StdRng};

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
    /// Where the record of this sequence number is.
    fn place_of(&self, number: &str) -> usize {
        let mut records = self.records.iter();
        let place = records.position(|record| record.sequence_number == number);
        place.unwrap()
    }
}

pub struct Stream {
    clock: Clock,
    state: Mutex<State>,
}

struct State {
    shards: Vec<ShardData>,
    next_sequence_number: u64,
    /// Failures of reads that are still to come.
    failures: u32,
    reads: u32,
    random: StdRng,
}

pub fn shard_id(number: usize) -> String {
    format!("shardId-{number:012}")
}

impl Stream {
    pub fn new(clock: Clock, shards: usize, failures: u32, seed: u64) -> Arc<Self> {
        Arc::new(Self {
            clock,
            state: Mutex::new(State {
                shards: vec![ShardData::default(); shards],
                // Shorter and longer ones, to be compared as numbers.
                next_sequence_number: 95,
                failures,
                reads: 0,
                random: StdRng::seed_from_u64(seed),
            }),
        })
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
            arrived: (self.clock)(),
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
            return Err(SourceError::Trimmed(format!("no {}", shard_id(shard))));
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
}

#[async_trait]
impl Source for Stream {
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
        state.read(shard)?;
        let index = match position {
            Position::Starting(StartingPosition::TrimHorizon) => 0,
            Position::Starting(StartingPosition::Latest) => state.shards[shard].records.len(),
            Position::Starting(StartingPosition::AtTimestamp(at)) => {
                let mut records = state.shards[shard].records.iter();
                let place = records.position(|record| record.arrived >= *at);
                place.unwrap_or(state.shards[shard].records.len())
            }
            Position::At(number) => state.shards[shard].place_of(number),
            Position::After(number) => state.shards[shard].place_of(number) + 1,
        };
        Ok(format!("{shard}:{index}"))
    }

    async fn records(&self, iterator: &str, limit: u32) -> Result<Page, SourceError> {
        let mut state = self.state.lock().unwrap();
        state.fail()?;
        let (shard, index) = iterator.split_once(':').unwrap();
        let (shard, index): (usize, usize) = (shard.parse().unwrap(), index.parse().unwrap());
        state.read(shard)?;
        // Kinesis may give fewer than there are, none included.
        let most = state.random.random_range(0..20).min(limit as usize);
        let data = &state.shards[shard];
        let end = (index + most).min(data.records.len());
        let ended = data.closed && end == data.records.len();
        Ok(Page {
            records: data.records[index..end].to_vec(),
            next_iterator: (!ended).then(|| format!("{shard}:{end}")),
            millis_behind_latest: 0,
        })
    }
}
