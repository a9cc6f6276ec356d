//! Random worlds: whatever happens, AWS's rules hold.

use std::{collections::HashMap, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use event_source_mapping::{
    Clock,
    backoff::Backoff,
    checkpoint::Checkpoints,
    context::MappingContext,
    destination::Destination,
    filter::Filters,
    mapping::EventSourceMapping,
    poll_trigger::Polling,
    settings::{Settings, StartingPosition},
    status::Status,
};
use proptest::prelude::*;
use serde_json::Value;
use time::OffsetDateTime;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    function::Function,
    ledger::Ledger,
    stream::{Stream, shard_id},
};

#[derive(Debug, Clone)]
enum Step {
    Put(Vec<Put>),
    Split(usize),
    Merge(usize),
    /// The stream is deleted and created again, and these are written to it at once.
    Recreate(usize, Vec<Put>),
    Wait(u64),
    /// The mapping is stopped, and started again.
    Restart,
    /// The mapping ends in the middle of what it is doing, and is started again.
    Crash,
    /// The mapping is paused, and continues: nothing is delivered again.
    Pause,
}

#[derive(Debug, Clone)]
struct Put {
    key: u8,
    kind: Kind,
    bytes: usize,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Plain,
    Poison,
    Filtered,
    NotJson,
}

/// `StartingPosition`, before the mapping's start is known.
#[derive(Debug, Clone, Copy)]
enum Start {
    TrimHorizon,
    Latest,
    /// That much of the time before the mapping's start, in thousandths.
    AtTimestamp(u32),
}

#[derive(Debug, Clone)]
struct World {
    seed: u64,
    shards: usize,
    /// What happens before the mapping starts.
    history: Vec<Step>,
    start: Start,
    settings: Settings,
    largest: usize,
    function_failures: u32,
    stream_failures: u32,
    steps: Vec<Step>,
}

fn put() -> impl Strategy<Value = Put> {
    let kind = prop_oneof![
        12 => Just(Kind::Plain),
        1 => Just(Kind::Poison),
        2 => Just(Kind::Filtered),
        1 => Just(Kind::NotJson),
    ];
    let bytes = prop_oneof![8 => 0..100_usize, 1 => 1000..4000_usize];
    (0..8_u8, kind, bytes).prop_map(|(key, kind, bytes)| Put { key, kind, bytes })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => prop::collection::vec(put(), 1..15).prop_map(Step::Put),
        1 => any::<u8>().prop_map(|nth| Step::Split(nth.into())),
        1 => any::<u8>().prop_map(|nth| Step::Merge(nth.into())),
        1 => (1..4_usize, prop::collection::vec(put(), 1..5))
            .prop_map(|(shards, puts)| Step::Recreate(shards, puts)),
        3 => prop_oneof![0..50_u64, 50..5_000_u64].prop_map(Step::Wait),
        1 => Just(Step::Restart),
        1 => Just(Step::Crash),
        1 => Just(Step::Pause),
    ]
}

/// What may happen before the mapping starts.
fn history() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => prop::collection::vec(put(), 1..8).prop_map(Step::Put),
        1 => any::<u8>().prop_map(|nth| Step::Split(nth.into())),
        1 => any::<u8>().prop_map(|nth| Step::Merge(nth.into())),
        3 => (1..3_000_u64).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 0..8)
}

fn start() -> impl Strategy<Value = Start> {
    prop_oneof![
        2 => Just(Start::TrimHorizon),
        1 => Just(Start::Latest),
        1 => (0..=1000_u32).prop_map(Start::AtTimestamp),
    ]
}

/// `ParallelizationFactor` and `TumblingWindowInSeconds`.
type Lanes = (u32, Option<Duration>);

fn settings(lanes: impl Strategy<Value = Lanes>) -> impl Strategy<Value = Settings> {
    let batch = (
        1..12_u32,
        prop_oneof![3 => Just(0), 1 => 1..5_u64],
        any::<bool>(),
        any::<bool>(),
    );
    let limits = (
        prop_oneof![1 => Just(None), 2 => (0..4_u32).prop_map(Some)],
        prop_oneof![3 => Just(None), 1 => (60..120_u64).prop_map(Some)],
    );
    (batch, limits, lanes).prop_map(|(batch, limits, lanes)| {
        let (batch_size, window, bisect, report) = batch;
        Settings {
            batch_size,
            batching_window: Duration::from_secs(window),
            bisect_batch_on_function_error: bisect,
            report_batch_item_failures: report,
            maximum_retry_attempts: limits.0,
            maximum_record_age: limits.1.map(Duration::from_secs),
            parallelization_factor: lanes.0,
            tumbling_window: lanes.1,
            filters: Filters::parse([r#"{"data":{"pass":[true]}}"#]).unwrap(),
            ..Settings::default()
        }
    })
}

fn world(lanes: impl Strategy<Value = Lanes>) -> impl Strategy<Value = World> {
    let sizes = (
        any::<u64>(),
        1..4_usize,
        prop_oneof![3 => Just(usize::MAX), 1 => 3000..9000_usize],
    );
    let failures = (0..30_u32, 0..10_u32);
    let steps = prop::collection::vec(step(), 1..20);
    let before = (history(), start());
    (sizes, settings(lanes), failures, before, steps).prop_map(
        |(sizes, settings, failures, before, steps)| World {
            seed: sizes.0,
            shards: sizes.1,
            largest: sizes.2,
            history: before.0,
            start: before.1,
            settings,
            function_failures: failures.0,
            stream_failures: failures.1,
            steps,
        },
    )
}

/// A destination that keeps nothing: the ledger observes what is discarded.
struct Nowhere;

#[async_trait]
impl Destination for Nowhere {
    async fn keep(&self, _: &Value) -> std::io::Result<String> {
        Ok("nowhere".into())
    }
}

struct Run<'a> {
    settings: Settings,
    folder: &'a Path,
    clock: Clock,
    stream: Arc<Stream>,
    ledger: Arc<Ledger>,
    function: Arc<Function>,
    mapping: Option<EventSourceMapping>,
    checkpoints: HashMap<usize, u64>,
}

impl<'a> Run<'a> {
    /// Lets the world's history pass, up to the mapping's start.
    async fn new(world: &'a World, folder: &'a Path) -> Self {
        // Not a whole second, so that windows do not end when batches do.
        let epoch = OffsetDateTime::from_unix_timestamp_nanos(1_700_000_000_123_000_000).unwrap();
        let clock = Clock::tokio_from(1_700_000_000_123_000);
        let stream = Stream::new(
            clock.clone(),
            world.shards,
            world.stream_failures,
            world.seed,
        );
        for step in &world.history {
            happen(&stream, step).await;
        }
        // A timestamp tells milliseconds apart.
        sleep(Duration::from_millis(1)).await;
        let now = clock.now();
        let (starting_position, from) = match world.start {
            Start::TrimHorizon => (StartingPosition::TrimHorizon, epoch),
            Start::Latest => (StartingPosition::Latest, now),
            Start::AtTimestamp(thousandths) => {
                let at = epoch + (now - epoch) * f64::from(thousandths) / 1000.0;
                (StartingPosition::AtTimestamp(at), at)
            }
        };
        let settings = Settings {
            starting_position,
            ..world.settings.clone()
        };
        let ledger = Ledger::new(stream.clone(), settings.clone(), clock.clone(), from);
        let function = Function::new(
            ledger.clone(),
            settings.clone(),
            world.largest,
            world.function_failures,
            world.seed,
        );
        Self {
            settings,
            folder,
            clock,
            stream,
            ledger,
            function,
            mapping: None,
            checkpoints: HashMap::new(),
        }
    }

    fn start(&mut self) {
        self.ledger.restarted(&self.checkpoints);
        self.mapping = Some(EventSourceMapping::start(MappingContext {
            name: "mapping".into(),
            settings: self.settings.clone(),
            stream_arn: "arn:aws:kinesis:us-east-1:000000000000:stream/s".into(),
            region: "us-east-1".into(),
            source: self.stream.clone(),
            target: self.function.clone(),
            checkpoints: Checkpoints::in_folder(self.folder, "mapping").unwrap(),
            observer: self.ledger.clone(),
            status: Status::default(),
            failures: Arc::new(Nowhere),
            poll_trigger: Arc::new(Polling::default()),
            backoff: Backoff::default(),
            clock: self.clock.clone(),
            stop: CancellationToken::new(),
        }));
    }

    /// Waits until LATEST is behind the mapping.
    async fn ready(&self) {
        self.mapping.as_ref().unwrap().ready().await;
    }

    async fn step(&mut self, step: &Step) {
        match step {
            Step::Restart => {
                self.check_checkpoints();
                let mapping = self.mapping.take().unwrap();
                mapping.stop().await;
                self.restart();
            }
            Step::Crash => {
                self.check_checkpoints();
                self.mapping = None;
                // Time moves once every task of it has ended.
                sleep(Duration::from_millis(1)).await;
                self.restart();
            }
            Step::Pause => {
                self.check_checkpoints();
                let paused = self.mapping.take().unwrap().pause().await;
                self.ledger.paused();
                self.mapping = Some(paused.resume(|_| {}));
            }
            Step::Recreate(shards, puts) => self.recreate(*shards, puts).await,
            other => happen(&self.stream, other).await,
        }
        self.check_checkpoints();
    }

    /// The mapping drops the old stream's checkpoints, some time soon.
    async fn recreate(&mut self, shards: usize, puts: &[Put]) {
        // The events of an old and a new window of the same shard look alike.
        if self.settings.tumbling_window.is_some() {
            return;
        }
        self.check_checkpoints();
        self.stream.recreate(shards);
        self.ledger.recreated();
        self.checkpoints.clear();
        for one in puts {
            write(&self.stream, one);
        }
        let began = Instant::now();
        while self.has_old_checkpoints() {
            let waited = began.elapsed();
            assert!(waited < Duration::from_mins(2), "the old checkpoints stay");
            sleep(Duration::from_millis(100)).await;
        }
    }

    fn has_old_checkpoints(&self) -> bool {
        let status = self.mapping.as_ref().unwrap().status();
        status.shards.values().any(|shard| {
            let checkpoint = shard.checkpoint.as_deref();
            checkpoint.is_some_and(|number| {
                // A shard of the new stream does not end here.
                number == "END" || self.stream.is_deleted(number.parse().unwrap())
            })
        })
    }

    /// Goes on from the checkpoints in the file.
    fn restart(&mut self) {
        let kept = Checkpoints::in_folder(self.folder, "mapping").unwrap();
        for shard in 0..self.stream.shards().len() {
            if let Some(event_source_mapping::checkpoint::Checkpoint::After(number)) =
                kept.get(&shard_id(shard))
            {
                self.moved(shard, number.parse().unwrap());
            }
        }
        drop(kept);
        self.start();
    }

    fn check_checkpoints(&mut self) {
        let Some(mapping) = &self.mapping else {
            return;
        };
        // A batch of the old stream may still move its checkpoint until the mapping notices
        // that the stream was recreated.
        if !self.ledger.is_read() {
            return;
        }
        for (id, status) in mapping.status().shards {
            let shard = id.trim_start_matches("shardId-").parse().unwrap();
            let checkpoint = match status.checkpoint.as_deref() {
                None => continue,
                Some("END") => u64::MAX,
                Some(number) => number.parse().unwrap(),
            };
            self.moved(shard, checkpoint);
        }
    }

    fn moved(&mut self, shard: usize, checkpoint: u64) {
        let before = self.checkpoints.insert(shard, checkpoint);
        assert!(before <= Some(checkpoint), "a checkpoint moved back");
        self.ledger.check_checkpoint(shard, checkpoint);
    }

    /// Every record is processed or discarded, some time.
    async fn finish(&mut self) {
        let began = Instant::now();
        while !(self.ledger.is_all_done() && self.ledger.windows_are_closed()) {
            assert!(began.elapsed() < Duration::from_hours(3), "it stands still");
            sleep(Duration::from_secs(1)).await;
        }
        let mapping = self.mapping.take().unwrap();
        mapping.stop().await;
    }
}

/// What happens to the stream, whether there is a mapping or not.
async fn happen(stream: &Stream, step: &Step) {
    match step {
        Step::Put(puts) => puts.iter().for_each(|one| write(stream, one)),
        Step::Split(nth) => stream.reshard(*nth, 1, 2),
        Step::Merge(nth) => stream.reshard(*nth, 2, 1),
        Step::Wait(milliseconds) => sleep(Duration::from_millis(*milliseconds)).await,
        Step::Restart | Step::Crash | Step::Pause | Step::Recreate(..) => {}
    }
}

fn write(stream: &Stream, put: &Put) {
    let filler = "x".repeat(put.bytes);
    let data = match put.kind {
        Kind::Plain => format!(r#"{{"pass":true,"filler":"{filler}"}}"#),
        Kind::Poison => format!(r#"{{"pass":true,"poison":true,"filler":"{filler}"}}"#),
        Kind::Filtered => format!(r#"{{"pass":false,"filler":"{filler}"}}"#),
        Kind::NotJson => filler,
    };
    stream.put(put.key, data.into_bytes());
}

fn check(world: &World) {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut run = Run::new(world, folder.path()).await;
        run.start();
        run.ready().await;
        for step in &world.steps {
            run.step(step).await;
        }
        run.finish().await;
    });
}

proptest! {
    // PROPTEST_CASES asks for more or fewer. A world that breaks a rule is reduced to
    // what is needed, and printed with its seed.
    #![proptest_config(ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(700),
        failure_persistence: None,
        max_shrink_iters: 2000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn in_every_world_records_are_delivered_in_order_until_they_are_processed_or_discarded(
        world in world(Just((1, None)))
    ) {
        check(&world);
    }

    #[test]
    fn in_every_world_each_key_keeps_its_order_in_parallel_batches(
        world in world((2..=10_u32).prop_map(|factor| (factor, None)))
    ) {
        check(&world);
    }

    #[test]
    fn in_every_world_a_window_s_state_goes_from_batch_to_batch_to_its_end(
        world in world((1..20_u64).prop_map(|seconds| (1, Some(Duration::from_secs(seconds)))))
    ) {
        check(&world);
    }
}

/// The second time while the mapping drops what it knows of the first stream.
#[test]
fn a_stream_that_is_created_again_twice_delivers_no_record_twice() {
    let put = |key| Put {
        key,
        kind: Kind::Plain,
        bytes: 0,
    };
    check(&World {
        seed: 15_637_728_789_005_179_714,
        shards: 1,
        history: vec![Step::Split(0); 4],
        start: Start::TrimHorizon,
        settings: Settings {
            batch_size: 1,
            bisect_batch_on_function_error: false,
            filters: Filters::parse([r#"{"data":{"pass":[true]}}"#]).unwrap(),
            ..Settings::default()
        },
        largest: usize::MAX,
        function_failures: 0,
        stream_failures: 0,
        steps: vec![
            Step::Put(vec![put(6)]),
            Step::Put(vec![put(2)]),
            Step::Restart,
            Step::Wait(1),
            Step::Recreate(1, vec![put(0)]),
            Step::Wait(68),
            Step::Recreate(1, vec![put(0)]),
            Step::Wait(1915),
        ],
    });
}
