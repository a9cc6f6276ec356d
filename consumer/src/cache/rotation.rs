//! API key rotation while the function runs.

use std::{
    future::Future,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use super::{Cache, CacheError};
use crate::metrics::Metrics;

/// The shortest time between two refreshes of the key. `GetParameter` has an
/// account-wide rate limit, which a permanently wrong key must not use up.
pub const BETWEEN_REFRESHES: Duration = Duration::from_secs(30);

/// The longest that a refresh may delay the records that wait for it.
pub const REFRESH_TIMEOUT: Duration = Duration::from_secs(1);

/// Builds clients, each with the current key.
pub trait Connector: Send + Sync {
    /// The client.
    type Cache: Cache;
    /// Why there is no client.
    type Error: std::fmt::Display + Send;

    /// Reads the key and builds a client with it.
    ///
    /// # Errors
    ///
    /// The key cannot be read or used.
    fn connect(&self) -> impl Future<Output = Result<Self::Cache, Self::Error>> + Send;
}

/// A cache that replaces its client when Momento refuses the key: it reads the key
/// again, builds a new client, and repeats each refused call with it.
pub struct Rotating<K: Connector> {
    connector: K,
    current: RwLock<Arc<Client<K::Cache>>>,
    /// When the last refresh ended. Locked during a refresh, so that all refused
    /// calls wait for the same one.
    refreshed: Mutex<Option<Instant>>,
    metrics: Arc<Metrics>,
}

struct Client<C> {
    /// Shows whether a refused call used the current client or an older one.
    number: u64,
    cache: C,
}

impl<K: Connector> Rotating<K> {
    /// Builds the first client.
    ///
    /// # Errors
    ///
    /// The key cannot be read or used.
    pub async fn start(connector: K, metrics: Arc<Metrics>) -> Result<Self, K::Error> {
        let cache = connector.connect().await?;
        Ok(Self {
            connector,
            current: RwLock::new(Arc::new(Client { number: 0, cache })),
            refreshed: Mutex::new(None),
            metrics,
        })
    }

    fn current(&self) -> Arc<Client<K::Cache>> {
        let current = self.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A client with a newer key than `refused`, if a refresh may be tried and works.
    async fn newer_than(&self, refused: &Client<K::Cache>) -> Option<Arc<Client<K::Cache>>> {
        let mut refreshed = self.refreshed.lock().await;
        let current = self.current();
        if current.number != refused.number {
            return Some(current);
        }
        if refreshed.is_some_and(|at| at.elapsed() < BETWEEN_REFRESHES) {
            return None;
        }
        self.metrics.update(|sample| sample.key_refreshes += 1);
        let connected = timeout(REFRESH_TIMEOUT, self.connector.connect()).await;
        // Not before the await: a cancelled refresh does not count, so the next
        // refused call may start another.
        *refreshed = Some(Instant::now());
        let failed = match connected {
            Ok(Ok(cache)) => {
                tracing::info!("Momento refused the API key; read it again from SSM");
                let number = current.number + 1;
                let client = Arc::new(Client { number, cache });
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = client.clone();
                return Some(client);
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {} ms", REFRESH_TIMEOUT.as_millis()),
        };
        tracing::error!(
            reason = failed,
            "Momento refused the API key, and reading it again failed; reading DynamoDB instead"
        );
        None
    }
}

impl<K: Connector> Cache for Rotating<K> {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CacheError> {
        let client = self.current();
        match client.cache.get(key).await {
            Err(error) if error.is_of_the_key() => match self.newer_than(&client).await {
                Some(client) => client.cache.get(key).await,
                None => Err(error),
            },
            done => done,
        }
    }

    async fn set(&self, key: &str, value: &[u8], ttl: Duration) -> Result<(), CacheError> {
        let client = self.current();
        match client.cache.set(key, value, ttl).await {
            Err(error) if error.is_of_the_key() => match self.newer_than(&client).await {
                Some(client) => client.cache.set(key, value, ttl).await,
                None => Err(error),
            },
            done => done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BETWEEN_REFRESHES, Connector, REFRESH_TIMEOUT, Rotating};
    use crate::{
        cache::Cache,
        fakes::{FakeCache, refused},
        metrics::Metrics,
    };
    use ::momento::MomentoErrorCode::AuthenticationError;
    use futures_util::future::join_all;
    use std::{
        sync::{
            Arc,
            atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
        },
        time::Duration,
    };
    use tokio::time::{Instant, advance, sleep, timeout};

    /// Refuses the first client's key.
    #[derive(Default)]
    struct Keys {
        read: AtomicUsize,
        revoked_for_good: AtomicBool,
        hangs: AtomicBool,
    }

    impl Connector for Arc<Keys> {
        type Cache = FakeCache;
        type Error = String;

        async fn connect(&self) -> Result<FakeCache, String> {
            let first = self.read.fetch_add(1, SeqCst) == 0;
            if self.hangs.load(SeqCst) {
                sleep(Duration::from_hours(1)).await;
            }
            let cache = FakeCache::default();
            if first || self.revoked_for_good.load(SeqCst) {
                cache.fail_next(usize::MAX, refused(AuthenticationError));
            }
            Ok(cache)
        }
    }

    async fn start(keys: &Arc<Keys>) -> Rotating<Arc<Keys>> {
        let metrics = Arc::new(Metrics::default());
        Rotating::start(keys.clone(), metrics).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn all_refused_calls_share_one_refresh_and_then_succeed() {
        let keys = Arc::new(Keys::default());
        let cache = start(&keys).await;
        let gets = join_all((0..50).map(|_| cache.get("Car"))).await;
        assert!(gets.iter().all(Result::is_ok), "{gets:?}");
        assert_eq!(keys.read.load(SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_stays_refused_is_read_again_every_30_seconds_at_most() {
        let keys = Arc::new(Keys::default());
        keys.revoked_for_good.store(true, SeqCst);
        let cache = start(&keys).await;
        for _ in 0..50 {
            assert_eq!(cache.get("Car").await, Err(refused(AuthenticationError)));
        }
        assert_eq!(keys.read.load(SeqCst), 2);
        advance(BETWEEN_REFRESHES).await;
        keys.revoked_for_good.store(false, SeqCst);
        assert_eq!(cache.get("Car").await, Ok(None));
        assert_eq!(keys.read.load(SeqCst), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refresh_that_is_cancelled_may_be_tried_again_at_once() {
        let keys = Arc::new(Keys::default());
        let cache = start(&keys).await;
        keys.hangs.store(true, SeqCst);
        let cancelled = timeout(REFRESH_TIMEOUT / 2, cache.get("Car")).await;
        assert!(cancelled.is_err(), "{cancelled:?}");
        keys.hangs.store(false, SeqCst);
        assert_eq!(cache.get("Car").await, Ok(None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refresh_that_hangs_delays_records_by_a_second_at_most() {
        let keys = Arc::new(Keys::default());
        let cache = start(&keys).await;
        keys.hangs.store(true, SeqCst);
        let began = Instant::now();
        let gets = join_all((0..50).map(|_| cache.get("Car"))).await;
        assert!(gets.iter().all(Result::is_err), "{gets:?}");
        assert_eq!(began.elapsed(), REFRESH_TIMEOUT);
    }
}
