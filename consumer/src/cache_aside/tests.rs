//! What the cache and the table are asked, and what is cached.

use std::{collections::HashMap, sync::Arc, time::Duration};

use ::momento::MomentoErrorCode;
use futures_util::future::join_all;
use tokio::time::{advance, timeout};

use super::{CacheAside, Lookup, Source};
use crate::{
    cache::CacheError,
    deadline::Deadline,
    entry::{ABSENT, Entry},
    fakes::{FakeCache, FakeStore, item, refused, unreadable},
    metrics::Metrics,
    record::Location,
    store::bounded::Bounded,
    ttl::Ttl,
};

const TTL: Ttl = Ttl {
    present: Duration::from_secs(10),
    absent: Duration::from_secs(2),
    jitter_percent: 0,
};

struct World {
    cache: FakeCache,
    store: FakeStore,
    metrics: Arc<Metrics>,
}

impl World {
    fn with(items: &[&str]) -> Self {
        Self {
            cache: FakeCache::default(),
            store: FakeStore::with(items),
            metrics: Arc::new(Metrics::default()),
        }
    }

    fn locations(&self) -> CacheAside<&FakeCache, &FakeStore> {
        CacheAside::new(&self.cache, &self.store, TTL, self.metrics.clone())
    }
}

fn from(source: Source, location: Location) -> Lookup {
    Lookup { location, source }
}

#[tokio::test(start_paused = true)]
async fn records_that_miss_together_read_the_table_once_and_set_the_cache_once() {
    let world = World::with(&["Car", "House"]);
    world.store.answer_after(Duration::from_millis(10));
    let locations = world.locations();
    let names = ["Car", "House"].repeat(50);
    let found = join_all(names.iter().map(|name| locations.look_up(name))).await;
    for (name, found) in names.iter().zip(found) {
        assert_eq!(found, Ok(from(Source::Store, item(name))));
    }
    assert_eq!(world.store.reads().len(), 2);
    assert_eq!((world.cache.gets(), world.cache.sets()), (100, 2));
    assert_eq!(world.metrics.take().shared_reads, 98);
}

#[tokio::test(start_paused = true)]
async fn a_failed_read_fails_all_that_share_it_and_the_next_lookup_tries_again() {
    let world = World::with(&["Car"]);
    world.store.answer_after(Duration::from_millis(10));
    world.store.fail(true);
    let locations = world.locations();
    let found = join_all((0..50).map(|_| locations.look_up("Car"))).await;
    assert!(found.iter().all(|found| *found == Err(unreadable())));
    assert_eq!(world.store.reads().len(), 1);

    world.store.fail(false);
    let found = locations.look_up("Car").await;
    assert_eq!(found, Ok(from(Source::Store, item("Car"))));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_lookup_leaves_its_read_to_another() {
    let world = World::with(&["Car"]);
    world.store.answer_after(Duration::from_millis(10));
    let locations = world.locations();
    let cancelled = tokio::time::timeout(Duration::from_millis(5), locations.look_up("Car"));
    let (cancelled, waiting) = tokio::join!(cancelled, locations.look_up("Car"));
    assert!(cancelled.is_err());
    assert_eq!(waiting, Ok(from(Source::Store, item("Car"))));
    assert_eq!(world.store.keys_read_twice_at_a_time(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_absence_is_cached_with_the_negative_ttl() {
    let world = World::with(&[]);
    let locations = world.locations();
    let moon = Location::unknown("Moon");
    let look_up = || locations.look_up("Moon");
    assert_eq!(look_up().await, Ok(from(Source::Nowhere, moon.clone())));
    assert_eq!(
        world.cache.value("Moon"),
        Some((ABSENT.to_vec(), TTL.absent))
    );
    assert_eq!(
        look_up().await,
        Ok(from(Source::NegativeCache, moon.clone()))
    );
    assert_eq!(world.store.reads().len(), 1);

    advance(TTL.absent).await;
    world.store.put(item("Moon"));
    assert_eq!(look_up().await, Ok(from(Source::Store, item("Moon"))));
    assert_eq!(
        world.cache.value("Moon").map(|(_, left)| left),
        Some(TTL.present)
    );
}

#[tokio::test(start_paused = true)]
async fn a_corrupt_value_is_a_miss_and_is_overwritten() {
    let another = Entry::Present(item("House")).encode().unwrap();
    for corrupt in [&b"\xFFnot an item"[..], b"", b"{}", b"!absen", &another] {
        let world = World::with(&["Car"]);
        world.cache.put("Car", corrupt, TTL.present);
        let locations = world.locations();
        let found = locations.look_up("Car").await;
        assert_eq!(found, Ok(from(Source::Store, item("Car"))), "{corrupt:?}");
        let found = locations.look_up("Car").await;
        assert_eq!(found, Ok(from(Source::Cache, item("Car"))), "{corrupt:?}");
        assert_eq!(world.metrics.take().corrupt, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_table_is_read_however_the_cache_fails() {
    for error in [
        refused(MomentoErrorCode::ServerUnavailable),
        refused(MomentoErrorCode::LimitExceededError),
        refused(MomentoErrorCode::CacheNotFoundError),
        CacheError::Timeout(Duration::from_millis(50)),
        CacheError::BreakerOpen,
    ] {
        let world = World::with(&["Car"]);
        world.cache.fail_next(usize::MAX, error.clone());
        let found = world.locations().look_up("Car").await;
        assert_eq!(found, Ok(from(Source::Store, item("Car"))), "{error}");
        let sample = world.metrics.take();
        // A failed get is neither a hit nor a miss.
        assert_eq!((sample.hits, sample.misses), (0, 0));
        let failed = sample.cache_errors.values().sum::<u64>() + sample.calls_withheld;
        assert_eq!(failed, 2, "a get and a set");
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_name_is_not_asked_of_the_cache() {
    let world = World::with(&[]);
    let found = world.locations().look_up("").await;
    assert_eq!(found, Ok(from(Source::Nowhere, Location::unknown(""))));
    assert_eq!(world.cache.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_batch_asks_the_cache_once_per_key_and_the_table_once_for_all() {
    let world = World::with(&["Car", "House", "Diner"]);
    let locations = world.locations();
    locations.look_up("Diner").await.unwrap();
    let mut found = HashMap::new();
    let names = ["Car", "House", "Diner", "Moon"];
    locations.look_up_all(&names, 2, &mut found).await;
    assert_eq!(found["Car"], Ok(from(Source::Store, item("Car"))));
    assert_eq!(found["House"], Ok(from(Source::Store, item("House"))));
    assert_eq!(found["Diner"], Ok(from(Source::Cache, item("Diner"))));
    let moon = from(Source::Nowhere, Location::unknown("Moon"));
    assert_eq!(found["Moon"], Ok(moon));
    let mut reads = world.store.reads();
    reads[1].sort();
    assert_eq!(reads, [vec!["Diner"], vec!["Car", "House", "Moon"]]);
    assert_eq!((world.cache.gets(), world.cache.sets()), (1 + 4, 1 + 3));
}

#[tokio::test(start_paused = true)]
async fn a_batch_shares_reads_in_flight_and_repeats_none() {
    let world = World::with(&["Car", "House", "Diner"]);
    world.store.answer_after(Duration::from_millis(10));
    let locations = world.locations();
    let mut found = HashMap::new();
    let names = ["Car", "House", "Diner"];
    let batch = locations.look_up_all(&names, 8, &mut found);
    let (one, ()) = tokio::join!(locations.look_up("House"), batch);
    assert_eq!(one, Ok(from(Source::Store, item("House"))));
    assert_eq!(found.len(), 3);
    assert_eq!(found["House"], Ok(from(Source::Store, item("House"))));
    assert_eq!(world.store.reads().len(), 2);
    assert_eq!(world.store.keys_read_twice_at_a_time(), 0);
}

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("place {number}")).collect()
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_runs_out_of_time_keeps_the_locations_it_has_read() {
    let names = numbered(1000);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let world = World::with(&names);
    world.store.answer_after(Duration::from_millis(100));
    let deadline = Deadline::new(&world.store, Duration::from_millis(450));
    let store = Bounded::new(deadline, 1);
    let locations = CacheAside::new(&world.cache, store, TTL, world.metrics.clone());
    let mut found = HashMap::new();
    let looking = locations.look_up_all(&names, 16, &mut found);
    assert!(timeout(Duration::from_millis(550), looking).await.is_err());
    let read = |name: &&&str| matches!(found.get(**name), Some(Ok(_)));
    assert_eq!(names.iter().filter(read).count(), 500);
    // In the batch's order, since the batch ends at its first failed record.
    assert!(names[..500].iter().all(|name| read(&name)));
    assert_eq!(world.cache.sets(), 500);
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_new_locations_never_exceeds_the_limit_of_concurrent_sets() {
    let names = numbered(300);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let world = World::with(&names);
    world.cache.answer_after(Duration::from_millis(1));
    let mut found = HashMap::new();
    let locations = world.locations();
    locations.look_up_all(&names, 16, &mut found).await;
    assert!(found.values().all(Result::is_ok));
    assert_eq!(world.cache.sets(), 300);
    assert_eq!(world.cache.most_at_a_time(), 16);
}
