//! The stub: wiremock, answering the Momento SDK's gRPC calls.
//!
//! wiremock speaks HTTP/2 with prior knowledge but sends no trailers; a reply
//! whose `grpc-status` stands among its headers passes tonic's client.

use std::{
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

use super::{calls, keyspace::Keyspace, status::Status, wire};

/// wiremock keeps every matched request (about 1.4 KB each) until it is reset;
/// a reset is due from this many on, as soon as no call comes in for a tick.
const RESET_DUE: u64 = 10_000;

/// From this many on (some 280 MB) it is done in full flight. A call in that
/// moment is refused, which clients of a cache live with.
const RESET_FORCED: u64 = 200_000;

const TICK: Duration = Duration::from_millis(250);

/// A running stub. Dropping it stops it.
pub struct Stub {
    server: Arc<MockServer>,
    keeper: JoinHandle<()>,
    keyspace: Arc<Keyspace>,
}

impl Stub {
    /// Serves `keyspace` on `listener`.
    pub async fn start(listener: TcpListener, keyspace: Arc<Keyspace>) -> Self {
        let server = MockServer::builder()
            .listener(listener)
            .disable_request_recording()
            .start()
            .await;
        let server = Arc::new(server);
        let answered = Arc::new(AtomicU64::new(0));
        let answerer = Answerer {
            keyspace: keyspace.clone(),
            answered: answered.clone(),
        };
        answerer.mount(&server).await;
        let keeper = tokio::spawn(keep_memory_bounded(server.clone(), answerer, answered));
        Self {
            server,
            keeper,
            keyspace,
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        *self.server.address()
    }

    /// What it serves.
    #[must_use]
    pub fn keyspace(&self) -> &Arc<Keyspace> {
        &self.keyspace
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        // It holds the server, which stops when the last holder lets go.
        self.keeper.abort();
    }
}

/// Frees what wiremock has kept.
async fn keep_memory_bounded(
    server: Arc<MockServer>,
    answerer: Answerer,
    answered: Arc<AtomicU64>,
) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut at_reset, mut at_last_tick) = (0, 0);
    loop {
        ticks.tick().await;
        let now = answered.load(Relaxed);
        let kept = now - at_reset;
        let idle = now == at_last_tick;
        at_last_tick = now;
        if kept >= RESET_FORCED || (kept >= RESET_DUE && idle) {
            server.reset().await;
            answerer.mount(&server).await;
            at_reset = now;
            tracing::debug!(freed = kept, idle, "the cache stub forgot old requests");
        }
    }
}

/// Answers each request from the keyspace.
#[derive(Clone)]
struct Answerer {
    keyspace: Arc<Keyspace>,
    answered: Arc<AtomicU64>,
}

impl Answerer {
    async fn mount(&self, server: &MockServer) {
        Mock::given(any())
            .respond_with(self.clone())
            .mount(server)
            .await;
    }
}

impl Respond for Answerer {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        self.answered.fetch_add(1, Relaxed);
        let cache = request
            .headers
            .get("cache")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let answered = wire::unframe(&request.body)
            .and_then(|message| calls::answer(&self.keyspace, request.url.path(), cache, message));
        let reply = match answered {
            Ok(message) => ResponseTemplate::new(200)
                .insert_header("grpc-status", "0")
                .set_body_raw(wire::frame(&message), "application/grpc"),
            Err(status) => refusal(&status),
        };
        match self.keyspace.faults.delay() {
            Some(delay) => reply.set_delay(delay),
            None => reply,
        }
    }
}

fn refusal(status: &Status) -> ResponseTemplate {
    let reply = ResponseTemplate::new(200)
        .insert_header("content-type", "application/grpc")
        .insert_header("grpc-status", (status.code as u8).to_string())
        .insert_header("grpc-message", percent_encode(&status.message));
    match status.err {
        Some(err) => reply.insert_header("err", err),
        None => reply,
    }
}

/// gRPC's encoding of `grpc-message`: bytes outside printable ASCII, and `%`.
fn percent_encode(message: &str) -> String {
    message
        .bytes()
        .map(|byte| match byte {
            b' '..=b'~' if byte != b'%' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
