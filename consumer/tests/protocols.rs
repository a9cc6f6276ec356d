//! The cache over each protocol of Momento's SDK: the decorators as `init` arranges
//! them, against Momento offline.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use consumer::{
    cache::{
        Cache, CacheError,
        credentials::BadApiKey,
        guarded::Guarded,
        momento::MomentoCache,
        retry::Retry,
        rotation::{Connector, Rotating},
    },
    config::{BreakerPolicy, CacheEndpoint, Protocol},
    deadline::Deadline,
    metrics::Metrics,
    secrets::ApiKey,
};
use momento::MomentoErrorCode;
use momento_offline::{
    counters::Counts,
    fake_api_key,
    faults::{Fault, FaultRule},
    keyspace::Keyspace,
    status::Code,
    transport::{CacheOptions, Served, Transport},
};
use tokio::{net::TcpListener, time::sleep};

const CACHE: &str = "sample-a";

const TTL: Duration = Duration::from_mins(1);

/// A JWT whose claims are `{"t":"g","jti":"0"}`, signed by nobody: a v2 key.
const V2_KEY: &str = "eyJhbGciOiJub25lIn0.eyJ0IjoiZyIsImp0aSI6IjAifQ.c2ln";

/// Long enough for a busy machine.
const PATIENT: Duration = Duration::from_secs(10);

/// For calls that are never answered.
const HASTY: Duration = Duration::from_millis(50);

/// Runs each test over both protocols.
macro_rules! over_both_protocols {
    ($($name:ident),* $(,)?) => {
        mod grpc {
            $(#[tokio::test]
            async fn $name() {
                super::$name(consumer::config::Protocol::Grpc).await;
            })*
        }

        mod protosocket {
            $(#[tokio::test]
            async fn $name() {
                super::$name(consumer::config::Protocol::Protosocket).await;
            })*
        }
    };
}

over_both_protocols! {
    an_item_that_was_set_is_a_hit,
    connecting_at_init_sends_the_cache_no_call,
    every_kind_of_key_is_taken,
    a_refused_key_is_read_again_once_and_the_call_repeated,
    a_call_without_an_answer_ends_at_the_deadline,
    a_limit_is_reported_and_not_retried,
    a_missing_cache_is_no_miss,
    a_call_on_a_dropped_connection_is_retried_on_a_new_one,
    a_cache_that_restarts_is_used_again,
    the_circuit_breaker_opens_and_closes,
}

/// A cache that is served over both protocols.
struct World {
    served: Served,
    protocol: Protocol,
}

impl World {
    async fn start(protocol: Protocol) -> Self {
        Self::on(protocol, "127.0.0.1:0", "127.0.0.1:0").await
    }

    async fn on(protocol: Protocol, address: &str, protosocket: &str) -> Self {
        let options = CacheOptions {
            transport: Transport::Server,
            ..CacheOptions::default()
        };
        let listener = TcpListener::bind(address).await.unwrap();
        let served = Served::start(options, listener, [CACHE]).await.unwrap();
        let listener = TcpListener::bind(protosocket).await.unwrap();
        let served = served.also_protosocket(listener).unwrap();
        Self { served, protocol }
    }

    fn endpoint(&self) -> CacheEndpoint {
        let url = match self.protocol {
            Protocol::Grpc => format!("http://{}", self.served.address()),
            Protocol::Protosocket => self.served.protosocket_address().unwrap().to_string(),
        };
        CacheEndpoint::Stub { url }
    }

    fn keyspace(&self) -> &Keyspace {
        self.served.keyspace()
    }

    fn counts(&self) -> Counts {
        self.keyspace().counts()
    }

    fn fault(&self, rule: impl Into<FaultRule>) {
        self.keyspace().faults.set(rule.into()).unwrap();
    }

    /// The SDK's client without decorators.
    async fn client(&self) -> MomentoCache {
        let (key, endpoint) = (ApiKey::new(&fake_api_key()), self.endpoint());
        let cache = MomentoCache::connect(&key, &endpoint, self.protocol, CACHE);
        cache.await.unwrap()
    }

    /// The cache of the deployed function.
    async fn cache(&self, call_timeout: Duration) -> Function {
        let keys = Keys {
            endpoint: self.endpoint(),
            protocol: self.protocol,
            call_timeout,
            read: Arc::default(),
        };
        let (read, metrics) = (keys.read.clone(), Arc::new(Metrics::default()));
        let rotating = Rotating::start(keys, metrics.clone()).await.unwrap();
        let policy = BreakerPolicy {
            failures: 5,
            open_for: Duration::from_millis(1),
        };
        Function {
            cache: Guarded::new(rotating, policy, metrics.clone()),
            metrics,
            read,
        }
    }
}

struct Function {
    cache: Guarded<Rotating<Keys>>,
    metrics: Arc<Metrics>,
    /// How often the API key was read.
    read: Arc<AtomicUsize>,
}

impl Function {
    async fn get(&self) -> Result<Option<Vec<u8>>, CacheError> {
        self.cache.get("Car").await
    }

    async fn set(&self) -> Result<(), CacheError> {
        self.cache.set("Car", b"item", TTL).await
    }

    /// Gets until the cache answers.
    async fn eventually_answers(&self) {
        for _ in 0..2000 {
            if self.get().await.is_ok() {
                return;
            }
            sleep(Duration::from_millis(5)).await;
        }
        panic!("still no answer: {:?}", self.get().await);
    }
}

/// A new key at each read.
struct Keys {
    endpoint: CacheEndpoint,
    protocol: Protocol,
    call_timeout: Duration,
    read: Arc<AtomicUsize>,
}

impl Connector for Keys {
    type Cache = Deadline<Retry<MomentoCache>>;
    type Error = BadApiKey;

    async fn connect(&self) -> Result<Self::Cache, BadApiKey> {
        self.read.fetch_add(1, SeqCst);
        let key = ApiKey::new(&fake_api_key());
        let cache = MomentoCache::connect(&key, &self.endpoint, self.protocol, CACHE).await?;
        Ok(Deadline::new(Retry(cache), self.call_timeout))
    }
}

fn code(error: &CacheError) -> MomentoErrorCode {
    match error {
        CacheError::Service { code, .. } => code.clone(),
        other => panic!("not the cache's error: {other:?}"),
    }
}

async fn an_item_that_was_set_is_a_hit(protocol: Protocol) {
    let world = World::start(protocol).await;
    let function = world.cache(PATIENT).await;
    assert_eq!(function.get().await, Ok(None));
    function.set().await.unwrap();
    assert_eq!(function.get().await, Ok(Some(b"item".to_vec())));
    let counts = world.counts();
    assert_eq!(
        (counts.get, counts.hit, counts.miss, counts.set),
        (2, 1, 1, 1)
    );
}

async fn connecting_at_init_sends_the_cache_no_call(protocol: Protocol) {
    let world = World::start(protocol).await;
    let function = world.cache(PATIENT).await;
    assert_eq!(world.counts(), Counts::default());
    // The connection is open: a fault of new connections does not matter.
    let auth = FaultRule {
        calls: vec!["Auth".to_owned()],
        ..Fault::AuthFailure.into()
    };
    world.fault(auth);
    assert_eq!(function.get().await, Ok(None));
}

async fn every_kind_of_key_is_taken(protocol: Protocol) {
    let world = World::start(protocol).await;
    for key in [V2_KEY, &format!("{}\n", fake_api_key())] {
        let key = ApiKey::new(key);
        let cache = MomentoCache::connect(&key, &world.endpoint(), protocol, CACHE).await;
        assert_eq!(cache.unwrap().get("Car").await, Ok(None));
    }
}

async fn a_refused_key_is_read_again_once_and_the_call_repeated(protocol: Protocol) {
    let world = World::start(protocol).await;
    let function = world.cache(PATIENT).await;
    function.set().await.unwrap();
    world.fault(FaultRule::from(Fault::AuthFailure).count(1));
    assert_eq!(function.get().await, Ok(Some(b"item".to_vec())));
    assert_eq!(function.read.load(SeqCst), 2);

    world.fault(Fault::AuthFailure);
    let error = function.get().await.unwrap_err();
    assert_eq!(code(&error), MomentoErrorCode::AuthenticationError);
    assert_eq!(function.read.load(SeqCst), 2, "read twice within 30 s");
    assert_eq!(function.metrics.take().key_refreshes, 1);
}

async fn a_call_without_an_answer_ends_at_the_deadline(protocol: Protocol) {
    let world = World::start(protocol).await;
    let function = world.cache(HASTY).await;
    world.fault(Fault::BlackHole);
    assert_eq!(function.get().await, Err(CacheError::Timeout(HASTY)));
    assert_eq!(function.set().await, Err(CacheError::Timeout(HASTY)));
    world.keyspace().faults.clear();
    function.eventually_answers().await;
    assert_eq!(function.read.load(SeqCst), 1);
}

async fn a_limit_is_reported_and_not_retried(protocol: Protocol) {
    let world = World::start(protocol).await;
    let function = world.cache(PATIENT).await;
    world.fault(Fault::rate_limit(0.0));
    let error = function.get().await.unwrap_err();
    assert_eq!(code(&error), MomentoErrorCode::LimitExceededError);
    assert_eq!(world.counts().error, 1);
}

async fn a_missing_cache_is_no_miss(protocol: Protocol) {
    let world = World::start(protocol).await;
    let function = world.cache(PATIENT).await;
    world.fault(Fault::CacheMissing);
    for error in [
        function.get().await.unwrap_err(),
        function.set().await.unwrap_err(),
    ] {
        assert_eq!(code(&error), MomentoErrorCode::CacheNotFoundError);
    }
    assert_eq!(world.counts().error, 2);
}

async fn a_call_on_a_dropped_connection_is_retried_on_a_new_one(protocol: Protocol) {
    let world = World::start(protocol).await;
    let function = world.cache(PATIENT).await;
    function.set().await.unwrap();
    world.fault(FaultRule::from(Fault::DropConnection).count(1));
    assert_eq!(function.get().await, Ok(Some(b"item".to_vec())));
    assert_eq!(world.counts().error, 1);
    assert_eq!(function.read.load(SeqCst), 1);
}

async fn a_cache_that_restarts_is_used_again(protocol: Protocol) {
    let world = World::start(protocol).await;
    let function = world.cache(PATIENT).await;
    function.set().await.unwrap();
    let address = world.served.address().to_string();
    let protosocket = world.served.protosocket_address().unwrap().to_string();
    drop(world);
    assert!(function.get().await.is_err());
    let _world = World::on(protocol, &address, &protosocket).await;
    function.eventually_answers().await;
    assert_eq!(function.get().await, Ok(None));
}

async fn the_circuit_breaker_opens_and_closes(protocol: Protocol) {
    let world = World::start(protocol).await;
    let function = world.cache(PATIENT).await;
    world.fault(Fault::rate_limit(0.0));
    for _ in 0..5 {
        function.get().await.unwrap_err();
    }
    assert_eq!(function.metrics.take().breaker_opened, 1);
    world.keyspace().faults.clear();
    function.eventually_answers().await;
    function.get().await.unwrap();
    assert_eq!(function.metrics.take().breaker_open, Some(0.0));
}

#[tokio::test]
async fn each_status_has_the_same_code_over_both_protocols() {
    let grpc = World::start(Protocol::Grpc).await;
    let protosocket = World::start(Protocol::Protosocket).await;
    let (over_grpc, over_protosocket) = (grpc.client().await, protosocket.client().await);
    for status in Code::ALL {
        for world in [&grpc, &protosocket] {
            world.fault(Fault::error(status));
        }
        let expected = code(&over_grpc.get("Car").await.unwrap_err());
        let received = code(&over_protosocket.get("Car").await.unwrap_err());
        assert_eq!(received, expected, "get: {status}");
        let expected = code(&over_grpc.set("Car", b"item", TTL).await.unwrap_err());
        let received = over_protosocket.set("Car", b"item", TTL).await.unwrap_err();
        assert_eq!(code(&received), expected, "set: {status}");
    }
}

#[tokio::test]
async fn a_key_that_is_refused_while_connecting_is_read_again() {
    let world = World::start(Protocol::Protosocket).await;
    // Init connects, and the first get connects again.
    world.fault(FaultRule::from(Fault::AuthFailure).count(2));
    let function = world.cache(PATIENT).await;
    assert_eq!(function.get().await, Ok(None));
    assert_eq!(function.read.load(SeqCst), 2);
}

#[tokio::test]
async fn a_cache_that_accepts_connections_and_never_answers_fails_calls_but_not_init() {
    let world = World::start(Protocol::Protosocket).await;
    world.fault(Fault::BlackHole);
    let function = world.cache(HASTY).await;
    assert_eq!(function.get().await, Err(CacheError::Timeout(HASTY)));
    world.keyspace().faults.clear();
    // The SDK abandons the connection that hangs after two seconds.
    function.eventually_answers().await;
}
