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
    single_flight::{Leader, Role},
    store::{MAX_NAMES, Read, Store, StoreError},
};

/// Results of lookups, by name.
pub type Lookups = HashMap<String, Result<Lookup, StoreError>>;

impl<C: Cache, S: Store> CacheAside<C, S> {
    /// Looks up distinct locations: each in the cache, and the missing ones in the
    /// table, many per request. At most `concurrency` cache calls are in flight at
    /// a time. Each location goes into `found` as soon as it is known, so a batch
    /// that runs out of time keeps the locations found by then.
    pub async fn look_up_all(&self, names: &[&str], concurrency: usize, found: &mut Lookups) {
        let since = Instant::now();
        let asked = stream::iter(names.iter().copied())
            .map(|name| async move { (name, self.cached(name).await) })
            .buffer_unordered(concurrency);
        let mut asked = std::pin::pin!(asked);
        while let Some((name, entry)) = asked.next().await {
            if let Some(entry) = entry {
                found.insert(name.to_owned(), Ok(Lookup::from_cache(name, entry)));
            }
        }
        // In the batch's order, since the batch ends at its first failed record.
        let missing = names.iter().copied();
        let missing: Vec<&str> = missing.filter(|name| !found.contains_key(*name)).collect();
        match missing[..] {
            [] => {}
            // GetItem is enough for one item.
            [name] => {
                let read = self.read(name, since).await;
                found.insert(name.to_owned(), Lookup::from_store(name, read));
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
            match self.reads.join(name, since) {
                Role::Leader(leader) => leaders.push(leader),
                Role::Follower(_) | Role::Finished(_) => others.push(*name),
            }
        }
        self.lead_all(leaders, concurrency, found).await;
        let others = stream::iter(others)
            .map(|name| async move { (name, self.read(name, since).await) })
            .buffer_unordered(concurrency);
        let mut others = std::pin::pin!(others);
        while let Some((name, read)) = others.next().await {
            found.insert(name.to_owned(), Lookup::from_store(name, read));
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
        // Thousands of sets at once would time out on a healthy cache and open the
        // circuit breaker.
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
                    let lookup = Lookup::from_store(&name, read.clone());
                    found.insert(name, lookup);
                    setting.push(self.fill_and_finish(leader, read, &sets));
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
        self.count_read(began, found.values());
        let read = |leader: Leader<'a, Read>| {
            let read = found.remove(leader.key())?;
            Some((leader, read))
        };
        leaders.into_iter().filter_map(read).collect()
    }

    async fn fill_and_finish(&self, leader: Leader<'_, Read>, read: Read, sets: &Semaphore) {
        // Fails only on a closed semaphore, and nothing closes this one.
        let permit = sets.acquire().await;
        self.fill(leader.key(), &read).await;
        drop(permit);
        leader.finish(read);
    }
}
