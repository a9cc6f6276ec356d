//! Random worlds: whatever happens, every message is deleted after exactly one success or
//! is in the dead-letter queue, message groups keep their order, and the concurrency
//! stays within its limit.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use event_source_mapping::{
    Clock,
    filter::Filters,
    queue::settings::QueueSettings,
    target::{ErrorKind, FunctionError, Reply, Target},
};
use proptest::prelude::*;
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::{
    ledger::{Item, Ledger},
    memory::Memory,
    world::{error, start},
};

#[derive(Debug, Clone)]
enum Step {
    Send(Vec<Sent>),
    Wait(u64),
    /// The clock is moved by so many seconds.
    Advance(u64),
    /// The mapping is stopped, and started again.
    Restart,
}

#[derive(Debug, Clone)]
struct Sent {
    group: u8,
    kind: Kind,
    bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Poison,
    Filtered,
}

#[derive(Debug, Clone)]
struct World {
    seed: u64,
    is_fifo: bool,
    settings: QueueSettings,
    visibility: Duration,
    most_receives: u32,
    /// The endpoint accepts no larger events, bytes.
    largest: usize,
    function_failures: u32,
    queue_failures: u32,
    steps: Vec<Step>,
}

fn sent() -> impl Strategy<Value = Sent> {
    let kind = prop_oneof![
        10 => Just(Kind::Plain),
        1 => Just(Kind::Poison),
        2 => Just(Kind::Filtered),
    ];
    let bytes = prop_oneof![10 => 0..100_usize, 1 => 1000..4000_usize];
    (0..4_u8, kind, bytes).prop_map(|(group, kind, bytes)| Sent { group, kind, bytes })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => prop::collection::vec(sent(), 1..25).prop_map(Step::Send),
        3 => prop_oneof![0..50_u64, 50..20_000_u64].prop_map(Step::Wait),
        1 => (0..100_u64).prop_map(Step::Advance),
        1 => Just(Step::Restart),
    ]
}

fn settings(is_fifo: bool) -> impl Strategy<Value = QueueSettings> {
    let window = if is_fifo {
        (1..=10_u32, Just(0_u64)).boxed()
    } else {
        prop_oneof![(1..=10_u32, Just(0_u64)), (1..=40_u32, 1..15_u64)].boxed()
    };
    let concurrency = prop::option::of(2..8_u32);
    (window, any::<bool>(), concurrency).prop_map(
        |((batch_size, window), report_batch_item_failures, maximum_concurrency)| QueueSettings {
            batch_size,
            batching_window: Duration::from_secs(window),
            report_batch_item_failures,
            maximum_concurrency,
            filters: Filters::parse([r#"{"body":{"pass":[true]}}"#]).unwrap(),
            ..QueueSettings::default()
        },
    )
}

fn world(is_fifo: bool) -> impl Strategy<Value = World> {
    let largest = prop_oneof![3 => Just(usize::MAX), 1 => 3000..9000_usize];
    let queue = (20..90_u64, 1..6_u32, 0..4_u32);
    let steps = prop::collection::vec(step(), 1..12);
    (
        any::<u64>(),
        settings(is_fifo),
        largest,
        queue,
        0..30_u32,
        steps,
    )
        .prop_map(
            move |(seed, settings, largest, queue, function_failures, steps)| World {
                seed,
                is_fifo,
                settings,
                visibility: Duration::from_secs(queue.0),
                most_receives: queue.1,
                largest,
                function_failures,
                queue_failures: queue.2,
                steps,
            },
        )
}

/// The longest that the function takes, milliseconds.
const LONGEST: u64 = 2000;

/// How long after an invocation began its messages are deleted at the latest, if the queue
/// fails now and then.
const DELETED_WITHIN: Duration = Duration::from_millis(LONGEST + 1000);

/// A function that fails in every way that a function can.
struct Function {
    ledger: Arc<Ledger>,
    partial: bool,
    is_fifo: bool,
    largest: usize,
    state: Mutex<(StdRng, u32)>,
}

impl Function {
    /// The indices that fail, where the function returns.
    fn failures(&self, items: &[Item]) -> Result<Vec<usize>, Reply> {
        let mut state = self.state.lock().unwrap();
        let (random, left) = &mut *state;
        let poisoned = |item: &Item| item.body.contains("poison");
        let mut failed: HashSet<_> = (0..items.len())
            .filter(|index| poisoned(&items[*index]))
            .collect();
        if *left > 0 && random.random_bool(0.3) {
            *left -= 1;
            match random.random_range(0..6) {
                0 => return Err(Reply::Throttled),
                1 => return Err(Reply::Unavailable("away".into())),
                2 if self.partial => {
                    return Err(Reply::Success(Bytes::from_static(b"[1]")));
                }
                3 if self.partial => {
                    failed.extend((0..items.len()).filter(|_| random.random_bool(0.3)));
                }
                _ => return Err(error()),
            }
        }
        if !self.partial && !failed.is_empty() {
            return Err(error());
        }
        // As AWS asks a function of a FIFO queue to do.
        let follows = |index: &usize, failed: &HashSet<usize>| {
            let earlier = failed.iter().filter(|one| *one < index);
            earlier
                .copied()
                .any(|one| items[one].group == items[*index].group)
        };
        if self.is_fifo {
            for index in 0..items.len() {
                if follows(&index, &failed) {
                    failed.insert(index);
                }
            }
        }
        Ok(failed.into_iter().collect())
    }
}

#[async_trait]
impl Target for Function {
    fn name(&self) -> String {
        "function".into()
    }

    async fn invoke(&self, event: Bytes) -> Reply {
        let items = self.ledger.begin(&event);
        let pause = self.state.lock().unwrap().0.random_range(0..LONGEST);
        sleep(Duration::from_millis(pause)).await;
        // Nothing is awaited from here on: the reply and the ledger agree.
        let all: Vec<_> = (0..items.len()).collect();
        if event.len() > self.largest {
            self.ledger.end(&items, &all);
            return if items.len() > 1 {
                Reply::TooLarge
            } else {
                Reply::FunctionError(FunctionError::new(ErrorKind::Handled, "E", "too large"))
            };
        }
        match self.failures(&items) {
            Err(reply) => {
                self.ledger.end(&items, &all);
                reply
            }
            Ok(failed) => {
                self.ledger.end(&items, &failed);
                let failures: Vec<_> = failed
                    .iter()
                    .map(|index| json!({ "itemIdentifier": items[*index].id }))
                    .collect();
                let response = json!({ "batchItemFailures": failures });
                Reply::Success(Bytes::from(response.to_string()))
            }
        }
    }

    /// Messages that are visible again before they are deleted are delivered twice, as in
    /// AWS. A batch that has waited for its batching window and its first half may have as
    /// little time as that: then the function is throttled, as one without a free
    /// environment is.
    async fn invoke_within(&self, _: &str, event: Bytes, within: Duration) -> Reply {
        if within < DELETED_WITHIN {
            return Reply::Throttled;
        }
        self.invoke(event).await
    }
}

async fn run(world: &World) {
    let clock = Clock::tokio();
    let receives = Some(world.most_receives);
    let queue = Memory::new(&clock, world.visibility, receives, world.queue_failures);
    let settings = &world.settings;
    let concurrency = settings.maximum_concurrency;
    let ledger = Ledger::new(queue.clone(), settings.batch_size, concurrency);
    let function = Arc::new(Function {
        ledger: ledger.clone(),
        partial: settings.report_batch_item_failures,
        is_fifo: world.is_fifo,
        largest: world.largest,
        state: Mutex::new((StdRng::seed_from_u64(world.seed), world.function_failures)),
    });
    let again = || {
        let settings = settings.clone();
        start(&clock, &queue, function.clone(), settings, world.is_fifo)
    };
    let mut mapping = again();
    let (mut all, mut filtered) = (HashSet::new(), HashSet::new());
    for step in &world.steps {
        match step {
            Step::Wait(milliseconds) => sleep(Duration::from_millis(*milliseconds)).await,
            // A jump over a visibility timeout has messages delivered twice, as in AWS
            // where a function takes longer than that.
            Step::Advance(seconds) => {
                let settled = || ledger.under_way() == 0 && mapping.watch().status().waiting == 0;
                if settled() {
                    clock.advance(Duration::from_secs(*seconds));
                }
            }
            Step::Restart => {
                mapping.stop().await;
                mapping = again();
            }
            Step::Send(messages) => {
                for message in messages {
                    let group = format!("g{}", message.group);
                    let group = world.is_fifo.then_some(group.as_str());
                    let filler = "x".repeat(message.bytes);
                    let pass = message.kind != Kind::Filtered;
                    let word = if message.kind == Kind::Poison {
                        "poison"
                    } else {
                        ""
                    };
                    let body = json!({ "pass": pass, "word": word, "filler": filler });
                    let id = queue.send(group, &body.to_string());
                    if pass {
                        ledger.sent(&id, group);
                        all.insert(id);
                    } else {
                        filtered.insert(id);
                    }
                }
            }
        }
    }
    let began = Instant::now();
    while !queue.is_empty() {
        assert!(
            began.elapsed() < Duration::from_hours(6),
            "messages are left"
        );
        sleep(Duration::from_secs(5)).await;
    }
    mapping.stop().await;
    check(&queue, &ledger, &all, &filtered);
}

fn check(queue: &Memory, ledger: &Ledger, all: &HashSet<String>, filtered: &HashSet<String>) {
    let (processed, deleted) = (ledger.processed(), queue.deleted());
    let unique: HashSet<_> = deleted.iter().cloned().collect();
    let dead: HashSet<_> = queue.dead().into_iter().collect();
    assert_eq!(unique.len(), deleted.len(), "deleted twice");
    for id in all {
        let ends = (
            processed.contains(id),
            unique.contains(id),
            dead.contains(id),
        );
        assert!(
            ends == (true, true, false) || ends == (false, false, true),
            "{id}: processed, deleted, dead: {ends:?}"
        );
    }
    for id in filtered {
        let is_dead = dead.contains(id);
        assert!(unique.contains(id) || is_dead, "{id} is filtered");
        assert!(!processed.contains(id), "{id} is filtered");
    }
}

fn check_world(world: &World) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(run(world));
}

proptest! {
    // PROPTEST_CASES asks for more or fewer.
    #![proptest_config(ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(300),
        failure_persistence: None,
        max_shrink_iters: 2000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn in_every_world_a_message_is_processed_once_or_is_in_the_dead_letter_queue(
        world in world(false)
    ) {
        check_world(&world);
    }

    #[test]
    fn in_every_world_a_message_group_keeps_its_order(world in world(true)) {
        check_world(&world);
    }
}
