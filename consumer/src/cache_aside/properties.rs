//! Random histories of failures: no record gets a wrong item, and no key is read
//! twice at a time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use ::momento::MomentoErrorCode;
use futures_util::stream::{FuturesUnordered, StreamExt};
use proptest::prelude::*;
use tokio::time::{Instant, sleep, timeout};

use super::{CacheAside, Lookup, Source};
use crate::{
    cache::{guarded::Guarded, retry::Retry},
    config::BreakerPolicy,
    deadline::Deadline,
    fakes::{FakeCache, FakeStore, refused},
    metrics::Metrics,
    record::Location,
    store::{StoreError, bounded::Bounded},
    ttl::Ttl,
};

const KEYS: [&str; 3] = ["Car", "House", "Moon"];
const CACHE_DEADLINE: Duration = Duration::from_millis(50);
const STORE_DEADLINE: Duration = Duration::from_millis(200);
const STORE_CONCURRENCY: usize = 2;
const TTL: Ttl = Ttl {
    present: Duration::from_millis(400),
    absent: Duration::from_millis(150),
    jitter_percent: 20,
};

/// The greatest age of a version: it was read from the table, waited for another
/// set of its batch, was set, and was found in the cache, each at the last moment.
/// Waiting to read the table does not count, since the read comes after it.
const OLDEST: Duration = Duration::from_millis(200 + 50 + 50 + 400 + 50);

/// One event.
#[derive(Debug, Clone)]
enum Step {
    /// A record arrives.
    LookUp(usize),
    /// A record arrives, and its lookup is cancelled after so many milliseconds.
    Cancel(usize, u64),
    /// A batch with each of the keys arrives.
    LookUpAll,
    /// Time passes, in milliseconds.
    Pass(u64),
    /// The table's item changes, and the cached value is removed.
    Change(usize),
    /// The table's item is removed, and so is the cached value.
    Remove(usize),
    /// The cached value is removed.
    Invalidate(usize),
    /// The cached value becomes corrupt.
    Corrupt(usize),
    /// So many cache calls fail.
    FailCache(usize, MomentoErrorCode),
    /// The cache's delay changes, in milliseconds.
    SlowCache(u64),
    /// The table begins or stops to fail.
    FailStore(bool),
    /// The table's delay changes, in milliseconds.
    SlowStore(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    use MomentoErrorCode as Code;
    let key = 0..KEYS.len();
    let code = prop_oneof![
        Just(Code::ServerUnavailable),
        Just(Code::LimitExceededError),
        Just(Code::AuthenticationError),
        Just(Code::CacheNotFoundError),
    ];
    let step = prop_oneof![
        12 => key.clone().prop_map(Step::LookUp),
        2 => (key.clone(), 1..60_u64).prop_map(|(key, after)| Step::Cancel(key, after)),
        3 => Just(Step::LookUpAll),
        8 => (1..250_u64).prop_map(Step::Pass),
        2 => key.clone().prop_map(Step::Change),
        1 => key.clone().prop_map(Step::Remove),
        1 => key.clone().prop_map(Step::Invalidate),
        1 => key.prop_map(Step::Corrupt),
        2 => (1..30_usize, code).prop_map(|(count, code)| Step::FailCache(count, code)),
        2 => prop_oneof![Just(0), 1..80_u64].prop_map(Step::SlowCache),
        1 => prop::bool::weighted(0.3).prop_map(Step::FailStore),
        2 => prop_oneof![Just(0), 1..300_u64].prop_map(Step::SlowStore),
    ];
    prop::collection::vec(step, 1..80)
}

/// All versions of the table's items.
#[derive(Default)]
struct History(Mutex<HashMap<&'static str, Vec<Version>>>);

/// An item, or its absence, and since when.
type Version = (Instant, Option<Location>);

impl History {
    fn note(&self, key: &'static str, item: Option<Location>) {
        let mut history = self.0.lock().unwrap();
        history.entry(key).or_default().push((Instant::now(), item));
    }

    /// Whether the table held `item` at some time from `since` on.
    fn held(&self, key: &str, item: Option<&Location>, since: Instant) -> bool {
        let history = self.0.lock().unwrap();
        let versions = &history[key];
        let ended = versions.iter().skip(1).map(|(from, _)| Some(*from));
        let ended = ended.chain([None]);
        versions.iter().zip(ended).any(|((_, version), ended)| {
            version.as_ref() == item && ended.is_none_or(|ended| ended >= since)
        })
    }
}

struct World {
    cache: FakeCache,
    store: FakeStore,
    history: History,
    metrics: Arc<Metrics>,
}

/// The decorators in the deployed function's order.
type Locations<'a> =
    CacheAside<Guarded<Deadline<Retry<&'a FakeCache>>>, Bounded<Deadline<&'a FakeStore>>>;

impl World {
    fn new() -> Self {
        let world = Self {
            cache: FakeCache::default(),
            store: FakeStore::default(),
            history: History::default(),
            metrics: Arc::new(Metrics::default()),
        };
        world.set(KEYS[0], Some(0));
        world.set(KEYS[1], Some(0));
        world.set(KEYS[2], None);
        world
    }

    fn locations(&self) -> Locations<'_> {
        let policy = BreakerPolicy {
            failures: 5,
            open_for: Duration::from_millis(100),
        };
        let cache = Deadline::new(Retry(&self.cache), CACHE_DEADLINE);
        let cache = Guarded::new(cache, policy, self.metrics.clone());
        let store = Deadline::new(&self.store, STORE_DEADLINE);
        let store = Bounded::new(store, STORE_CONCURRENCY);
        CacheAside::new(cache, store, TTL, self.metrics.clone())
    }

    /// Gives the table's item a version, or removes the item.
    fn set(&self, key: &'static str, version: Option<usize>) {
        let item = version.map(|version| Location {
            notes: Some(format!("version {version}")),
            ..Location::unknown(key)
        });
        self.history.note(key, item.clone());
        match item {
            Some(item) => self.store.put(item),
            None => self.store.remove(key),
        }
        self.cache.invalidate(key);
    }

    /// Checks that the item belongs to the key and that the table held it recently.
    fn check(&self, key: &str, began: Instant, found: Result<Lookup, StoreError>) {
        let lookup = match found {
            Ok(lookup) => lookup,
            Err(StoreError::Timeout(_)) => return,
            Err(error) => {
                assert!(self.store.failures() > 0, "{key}: {error}");
                return;
            }
        };
        assert_eq!(lookup.location.location, key);
        let item = match lookup.source {
            Source::Cache | Source::Store => Some(&lookup.location),
            Source::NegativeCache | Source::Nowhere => {
                assert_eq!(lookup.location, Location::unknown(key));
                None
            }
        };
        let since = began.checked_sub(OLDEST).unwrap_or(began);
        assert!(
            self.history.held(key, item, since),
            "{key} is {lookup:?}, which the table last held more than {OLDEST:?} before the lookup"
        );
    }

    async fn look_up(&self, locations: &Locations<'_>, key: &str) {
        let began = Instant::now();
        let found = locations.look_up(key).await;
        self.check(key, began, found);
    }

    async fn look_up_all(&self, locations: &Locations<'_>) {
        let began = Instant::now();
        let mut found = HashMap::new();
        locations.look_up_all(&KEYS, 2, &mut found).await;
        assert_eq!(found.len(), KEYS.len());
        for (key, found) in found {
            self.check(&key, began, found);
        }
    }

    /// Does a step that is not a record.
    fn apply(&self, number: usize, step: &Step) {
        match step {
            Step::Change(key) => self.set(KEYS[*key], Some(number)),
            Step::Remove(key) => self.set(KEYS[*key], None),
            Step::Invalidate(key) => self.cache.invalidate(KEYS[*key]),
            Step::Corrupt(key) => self.cache.put(KEYS[*key], b"\xFF corrupt", TTL.present),
            Step::FailCache(count, code) => self.cache.fail_next(*count, refused(code.clone())),
            Step::SlowCache(delay) => self.cache.answer_after(Duration::from_millis(*delay)),
            Step::FailStore(failing) => self.store.fail(*failing),
            Step::SlowStore(delay) => self.store.answer_after(Duration::from_millis(*delay)),
            Step::LookUp(_) | Step::Cancel(..) | Step::LookUpAll | Step::Pass(_) => {}
        }
    }

    async fn play(&self, steps: &[Step]) {
        let locations = &self.locations();
        let mut records = FuturesUnordered::new();
        for (number, step) in steps.iter().enumerate() {
            self.apply(number, step);
            let record = async move {
                match step {
                    Step::LookUp(key) => self.look_up(locations, KEYS[*key]).await,
                    Step::Cancel(key, after) => {
                        let looking = self.look_up(locations, KEYS[*key]);
                        let _ = timeout(Duration::from_millis(*after), looking).await;
                    }
                    Step::LookUpAll => self.look_up_all(locations).await,
                    _ => {}
                }
            };
            records.push(record);
            if let Step::Pass(time) = step {
                let passed = sleep(Duration::from_millis(*time));
                tokio::pin!(passed);
                loop {
                    tokio::select! {
                        () = &mut passed => break,
                        Some(()) = records.next() => {}
                    }
                }
            }
        }
        // Every record ends: none waits for a cancelled one.
        let all = async { while records.next().await.is_some() {} };
        let ended = timeout(Duration::from_mins(10), all).await;
        assert!(ended.is_ok(), "a record waits for ever");
        assert_eq!(self.store.keys_read_twice_at_a_time(), 0);
        assert!(self.store.most_at_a_time() <= STORE_CONCURRENCY);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_record_gets_a_wrong_item_and_no_key_is_read_twice_at_a_time(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async { World::new().play(&steps).await });
    }
}
