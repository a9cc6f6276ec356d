//! Several shards in front of one slow function.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use event_source_mapping::{
    Clock,
    settings::Settings,
    target::{Reply, Target},
};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep},
};

use crate::{status::start, stream::Stream};

/// How long the function takes.
const INVOCATION: Duration = Duration::from_millis(100);

/// Records of each shard; each is a batch.
const RECORDS: u32 = 30;

/// A function with a concurrency of 1: it throttles every other invocation.
struct Slow(Semaphore);

#[async_trait]
impl Target for Slow {
    fn name(&self) -> String {
        "slow".into()
    }

    async fn invoke(&self, _: Bytes) -> Reply {
        let Ok(_permit) = self.0.try_acquire() else {
            return Reply::Throttled;
        };
        sleep(INVOCATION).await;
        Reply::Success(Bytes::new())
    }
}

#[tokio::test(start_paused = true)]
async fn throttled_shards_do_not_leave_the_function_idle() {
    let stream = Stream::new(Clock::system(), 4, 0, 1);
    for number in 0..4 * RECORDS {
        stream.put(u8::try_from(number % 4).unwrap(), b"{}".to_vec());
    }
    let settings = Settings {
        batch_size: 1,
        ..Settings::default()
    };
    let began = Instant::now();
    let mapping = start(stream, Arc::new(Slow(Semaphore::new(1))), settings);
    let records = || -> u64 {
        mapping
            .status()
            .shards
            .values()
            .map(|one| one.records)
            .sum()
    };
    while records() < u64::from(4 * RECORDS) {
        assert!(began.elapsed() < Duration::from_mins(10), "it stands still");
        sleep(Duration::from_millis(10)).await;
    }
    // Each of the three shards that wait may find the function free a wait too late.
    let busy = INVOCATION * 4 * RECORDS;
    assert!(
        began.elapsed() < busy + Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
    mapping.stop().await;
}
