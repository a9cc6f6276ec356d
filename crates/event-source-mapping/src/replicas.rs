//! The addresses behind one invoke URL, and which of them are free.
//!
//! AWS's Runtime Interface Emulator takes one invocation at a time and crashes
//! at a second one. Where its name resolves to several of them (`docker compose
//! up --scale consumer=3`), each address gets its own permits. Permits are given in the
//! order of the requests, so that no shard starves behind a busy one.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use reqwest::Url;
use tokio::{
    sync::{Mutex as FairMutex, Notify},
    time::{Instant, timeout},
};

/// How long an answer of the name service is used.
const FRESH: Duration = Duration::from_secs(2);

/// How long the name service may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// The replicas of a function behind one URL.
#[derive(Debug)]
pub(crate) struct Replicas {
    url: Url,
    /// Invocations at once of each replica.
    each: usize,
    state: Mutex<State>,
    freed: Notify,
    /// Held by the first in the queue; tokio's mutex is first come, first served.
    queue: FairMutex<()>,
}

#[derive(Debug, Default)]
struct State {
    /// Where invocations go next; never empty once resolved.
    urls: Vec<Url>,
    resolved: Option<Instant>,
    /// Invocations under way, by URL; of replicas that are gone too.
    busy: HashMap<Url, usize>,
    /// Where the search for a free replica starts: each gets its turn.
    next: usize,
}

/// A permit at one replica, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    replicas: Arc<Replicas>,
    url: Url,
}

impl Replicas {
    /// The replicas behind `url`, each invoked at most `each` times at once.
    #[must_use]
    pub(crate) fn of(url: Url, each: usize) -> Arc<Self> {
        Arc::new(Self {
            url,
            each,
            state: Mutex::default(),
            freed: Notify::new(),
            queue: FairMutex::default(),
        })
    }

    /// Waits for a free permit.
    pub(crate) async fn acquire(self: &Arc<Self>) -> Permit {
        let _first = self.queue.lock().await;
        loop {
            // Registered before looking, so that a permit freed meanwhile is not missed.
            let freed = self.freed.notified();
            if self.stale() {
                let urls = self.resolve().await;
                let mut state = self.lock();
                state.urls = urls;
                state.resolved = Some(Instant::now());
            }
            if let Some(url) = self.take() {
                return Permit {
                    replicas: self.clone(),
                    url,
                };
            }
            // Looks again after a while, as a new replica wakes nobody.
            let _ = timeout(FRESH, freed).await;
        }
    }

    fn stale(&self) -> bool {
        let resolved = self.lock().resolved;
        resolved.is_none_or(|at| at.elapsed() >= FRESH)
    }

    /// One URL for each address of the host. A name that cannot be resolved stays as it
    /// is, and the request reports it. With TLS the name stays, since the certificate
    /// names it, and so does `localhost`, whose two addresses are one server.
    async fn resolve(&self) -> Vec<Url> {
        let itself = vec![self.url.clone()];
        let (Some(host), "http") = (self.url.domain(), self.url.scheme()) else {
            return itself;
        };
        if host == "localhost" {
            return itself;
        }
        let port = self.url.port_or_known_default().unwrap_or(80);
        let looked_up = timeout(PATIENCE, tokio::net::lookup_host((host, port))).await;
        let mut addresses: Vec<IpAddr> = match looked_up {
            Ok(Ok(addresses)) => addresses.map(|address| address.ip()).collect(),
            Ok(Err(_)) | Err(_) => Vec::new(),
        };
        if addresses.is_empty() {
            return itself;
        }
        addresses.sort_unstable();
        addresses.dedup();
        if addresses.iter().any(IpAddr::is_ipv4) {
            addresses.retain(IpAddr::is_ipv4);
        }
        let at = |address: &IpAddr| {
            let mut url = self.url.clone();
            url.set_ip_host(*address).ok().map(|()| url)
        };
        addresses.iter().filter_map(at).collect()
    }

    fn take(&self) -> Option<Url> {
        let mut state = self.lock();
        let count = state.urls.len();
        let free = (0..count)
            .map(|step| (state.next + step) % count)
            .find(|index| {
                let busy = state.busy.get(&state.urls[*index]);
                busy.copied().unwrap_or(0) < self.each
            })?;
        let url = state.urls[free].clone();
        state.next = (free + 1) % count;
        *state.busy.entry(url.clone()).or_default() += 1;
        Some(url)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// The replica's URL, with its address in place of the name.
    #[must_use]
    pub(crate) fn url(&self) -> Url {
        self.url.clone()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.replicas.lock();
        if let Some(busy) = state.busy.get_mut(&self.url) {
            *busy -= 1;
            if *busy == 0 {
                state.busy.remove(&self.url);
            }
        }
        drop(state);
        self.replicas.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::{FRESH, Replicas, State};
    use reqwest::Url;
    use std::{collections::BTreeSet, sync::Arc};
    use tokio::time::{Instant, timeout};

    fn two(each: usize) -> Arc<Replicas> {
        let url = Url::parse("http://consumer:8080/x").unwrap();
        let replicas = Replicas::of(url, each);
        *replicas.lock() = State {
            urls: ["http://10.0.0.1:8080/x", "http://10.0.0.2:8080/x"]
                .map(|url| Url::parse(url).unwrap())
                .into(),
            resolved: Some(Instant::now()),
            ..State::default()
        };
        replicas
    }

    #[tokio::test(start_paused = true)]
    async fn each_replica_gets_as_many_invocations_as_it_has_permits() {
        let replicas = two(1);
        let first = replicas.acquire().await;
        let second = replicas.acquire().await;
        let urls = BTreeSet::from([first.url(), second.url()]);
        assert_eq!(urls.len(), 2);
        let third = timeout(FRESH / 2, replicas.acquire()).await;
        assert!(third.is_err(), "both are busy");

        let freed = first.url();
        drop(first);
        let third = timeout(FRESH / 2, replicas.acquire()).await.unwrap();
        assert_eq!(third.url(), freed);
    }

    #[tokio::test(start_paused = true)]
    async fn a_permit_goes_to_the_first_in_the_queue_and_not_to_whoever_is_faster() {
        let replicas = two(1);
        let first = replicas.acquire().await;
        let _second = replicas.acquire().await;
        let waiting = tokio::spawn({
            let replicas = replicas.clone();
            async move { replicas.acquire().await }
        });
        tokio::task::yield_now().await;

        drop(first);
        // Asks before the task that waits has had the chance to run.
        let barging = timeout(FRESH / 2, replicas.acquire()).await;
        assert!(barging.is_err(), "it overtook the first in the queue");
        waiting.await.unwrap();
    }

    #[tokio::test]
    async fn an_address_and_an_unknown_name_are_invoked_as_they_are() {
        for url in ["http://127.0.0.1:9000/x", "http://nobody.invalid:9000/x"] {
            let url = Url::parse(url).unwrap();
            let permit = Replicas::of(url.clone(), 1).acquire().await;
            assert_eq!(permit.url(), url);
        }
    }
}
