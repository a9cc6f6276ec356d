//! The distinct locations of a batch, looked up together (`CACHE_COALESCE=batch`).

use std::collections::HashMap;

use futures_util::{
    StreamExt,
    stream::{self, FuturesUnordered},
};
use tokio::{sync::Semaphore, time::Instant};

use super::{CacheAside, Lookup};
use crate::{
    cache::Cache,
    single_flight::{Leader, Seat},
    store::{MAX_NAMES, Read, Store, StoreError},
};

/// Locations by name.
pub type Lookups = HashMap<String, Result<Lookup, StoreError>>;

impl<C: Cache, S: Store> CacheAside<C, S> {
    /// Looks up distinct locations: each in the cache, and those it misses in the
    /// table, many with each request. At most `concurrency` calls of the cache are
    /// in flight at a time. Each location goes into `found` as soon as it is known,
    /// so a batch whose time ends keeps what was found until then.
    pub async fn look_up_all(&self, names: &[&str], concurrency: usize, found: &mut Lookups) {
        let since = Instant::now();
        let asked = stream::iter(names.iter().copied())
            .map(|name| async move { (name, self.cached(name).await) })
            .buffer_unordered(concurrency);
        let mut asked = std::pin::pin!(asked);
        while let Some((name, entry)) = asked.next().await {
            if let Some(entry) = entry {
                found.insert(name.to_owned(), Ok(Lookup::cached(name, entry)));
            }
        }
        // In the batch's order: a batch ends at its first record without a location.
        let missing = names.iter().copied();
        let missing: Vec<&str> = missing.filter(|name| !found.contains_key(*name)).collect();
        match missing[..] {
            [] => {}
            // One item is what GetItem is for.
            [name] => {
                let read = self.read(name, since).await;
                found.insert(name.to_owned(), Lookup::read(name, read));
            }
            _ => self.read_all(&missing, since, concurrency, found).await,
        }
    }

    /// Reads the names that nobody else is reading, then waits for the others.
    async fn read_all(
        &self,
        names: &[&str],
        since: Instant,
        concurrency: usize,
        found: &mut Lookups,
    ) {
        let mut leaders = Vec::new();
        let mut others = Vec::new();
        for name in names {
            match self.reads.board(name, since) {
                Seat::Leader(leader) => leaders.push(leader),
                Seat::Follower(_) | Seat::Arrived(_) => others.push(*name),
            }
        }
        self.lead_all(leaders, concurrency, found).await;
        let others = stream::iter(others)
            .map(|name| async move { (name, self.read(name, since).await) })
            .buffer_unordered(concurrency);
        let mut others = std::pin::pin!(others);
        while let Some((name, read)) = others.next().await {
            found.insert(name.to_owned(), Lookup::read(name, read));
        }
    }

    /// Reads up to [`MAX_NAMES`] names with each request, and sets the cache to
    /// each item while further requests are in flight.
    async fn lead_all(
        &self,
        leaders: Vec<Leader<'_, Read>>,
        concurrency: usize,
        found: &mut Lookups,
    ) {
        // A cache that is asked for thousands of sets at once answers most of
        // them too late, and the breaker takes it for broken.
        let sets = Semaphore::new(concurrency);
        let mut reading = FuturesUnordered::new();
        let mut leaders = leaders.into_iter();
        loop {
            let part: Vec<_> = leaders.by_ref().take(MAX_NAMES).collect();
            if part.is_empty() {
                break;
            }
            reading.push(self.read_part(part));
        }
        let mut setting = FuturesUnordered::new();
        loop {
            tokio::select! {
                Some(part) = reading.next() => for (leader, read) in part {
                    let name = leader.key().to_owned();
                    let lookup = Lookup::read(&name, read.clone());
                    found.insert(name, lookup);
                    setting.push(self.keep_and_land(leader, read, &sets));
                },
                Some(()) = setting.next() => {}
                else => break,
            }
        }
    }

    async fn read_part<'a>(&self, leaders: Vec<Leader<'a, Read>>) -> Vec<(Leader<'a, Read>, Read)> {
        let began = Instant::now();
        let mut found = HashMap::with_capacity(leaders.len());
        let names: Vec<&str> = leaders.iter().map(Leader::key).collect();
        self.store.read_many(&names, &mut found).await;
        self.note_read(began, found.values());
        let read = |leader: Leader<'a, Read>| {
            let read = found.remove(leader.key())?;
            Some((leader, read))
        };
        leaders.into_iter().filter_map(read).collect()
    }

    async fn keep_and_land(&self, leader: Leader<'_, Read>, read: Read, sets: &Semaphore) {
        // The one error possible is a closed semaphore, and nobody closes it.
        let permit = sets.acquire().await;
        self.keep(leader.key(), &read).await;
        drop(permit);
        leader.land(read);
    }
}
