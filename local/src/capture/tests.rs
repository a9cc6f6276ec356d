//! Captures from a stream of the test's own.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use super::Capture;
use async_trait::async_trait;
use bytes::Bytes;
use event_source_mapping::source::{Page, Position, Record, Shard, Source, SourceError};
use time::OffsetDateTime;

/// Two shards, whose records arrived at these seconds. Pages have two records.
const SHARDS: [(&str, &[i64]); 2] = [("a", &[10, 20, 50, 60]), ("b", &[15, 20, 55])];

#[derive(Default)]
struct Stream {
    /// How often the next reads fail.
    unavailable: AtomicU32,
    /// How often the next reads find that their iterator has expired.
    expired: AtomicU32,
}

fn failing(count: &AtomicU32) -> bool {
    count
        .fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1))
        .is_ok()
}

#[async_trait]
impl Source for Stream {
    async fn shards(&self) -> Result<Vec<Shard>, SourceError> {
        let shard = |(id, _): &(&str, _)| Shard {
            id: (*id).to_owned(),
            parents: Vec::new(),
        };
        Ok(SHARDS.iter().map(shard).collect())
    }

    async fn iterator(&self, shard: &str, position: &Position) -> Result<String, SourceError> {
        let after = match position {
            Position::After(number) => number.parse::<usize>().unwrap() + 1,
            _ => 0,
        };
        Ok(format!("{shard}/{after}"))
    }

    async fn records(&self, iterator: &str, _: u32) -> Result<Page, SourceError> {
        if failing(&self.unavailable) {
            return Err(SourceError::Unavailable("throttled".to_owned()));
        }
        if failing(&self.expired) {
            return Err(SourceError::ExpiredIterator);
        }
        let (id, from) = iterator.split_once('/').unwrap();
        let from: usize = from.parse().unwrap();
        let (_, arrivals) = SHARDS.iter().find(|(name, _)| *name == id).unwrap();
        let numbered = arrivals.iter().enumerate().skip(from).take(2);
        let records: Vec<_> = numbered
            .map(|(number, arrived)| Record {
                sequence_number: number.to_string(),
                partition_key: "key".to_owned(),
                data: Bytes::new(),
                arrived: at(*arrived),
            })
            .collect();
        Ok(Page {
            next_iterator: Some(format!("{id}/{}", from + records.len())),
            millis_behind_latest: i64::from(from + records.len() < arrivals.len()),
            records,
        })
    }
}

fn at(second: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(second).unwrap()
}

async fn captured(stream: &Stream, until: i64, limit: Option<u64>) -> Vec<(String, i64)> {
    let capture = Capture {
        source: stream,
        since: None,
        until: Some(at(until)),
        limit,
    };
    let mut taken = Vec::new();
    let count = capture.run(|shard, record| {
        taken.push((shard.to_owned(), record.arrived.unix_timestamp()));
        Ok(())
    });
    let count = count.await.unwrap();
    assert_eq!(count, taken.len() as u64);
    taken
}

fn expected(records: &[(&str, i64)]) -> Vec<(String, i64)> {
    let records = records.iter();
    records
        .map(|(shard, arrived)| ((*shard).to_owned(), *arrived))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn records_of_all_shards_come_in_the_order_of_their_arrival() {
    let all = [
        ("a", 10),
        ("b", 15),
        ("a", 20),
        ("b", 20),
        ("a", 50),
        ("b", 55),
        ("a", 60),
    ];
    let stream = Stream::default();
    assert_eq!(captured(&stream, 60, None).await, expected(&all));
    assert_eq!(captured(&stream, 50, None).await, expected(&all[..5]));
    assert_eq!(captured(&stream, 60, Some(3)).await, expected(&all[..3]));
    assert_eq!(captured(&stream, 9, None).await, []);
    assert_eq!(captured(&stream, 99, None).await, expected(&all));
}

#[tokio::test(start_paused = true)]
async fn a_throttled_read_and_an_expired_iterator_cost_no_record() {
    let stream = Stream {
        unavailable: 3.into(),
        expired: 2.into(),
    };
    assert_eq!(captured(&stream, 60, None).await.len(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_stays_unavailable_is_an_error() {
    let stream = Stream {
        unavailable: u32::MAX.into(),
        ..Stream::default()
    };
    let capture = Capture {
        source: &stream,
        since: None,
        until: None,
        limit: None,
    };
    let error = capture.run(|_, _| Ok(())).await.unwrap_err();
    assert_eq!(error.to_string(), "throttled");
}
