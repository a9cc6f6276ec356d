//! The stub: wiremock, answering the Momento SDK's gRPC calls.
//!
//! wiremock speaks HTTP/2 with prior knowledge but sends no trailers; a reply
//! whose `grpc-status` stands among its headers passes tonic's client.

use std::{
    net::TcpListener,
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

use super::{
    calls,
    faults::{Decision, Verdict},
    http::{self, HttpRequest},
    keyspace::Keyspace,
    status::Status,
    transport::Transport,
    wire,
};

/// wiremock keeps every matched request (about 1.4 KB each, 5 KB over HTTP/1.1) until it is reset;
/// a reset is due from this many on, as soon as no call comes in for a tick.
const RESET_DUE: u64 = 10_000;

/// From this many on (some 28 MB, 100 over HTTP/1.1) it is done in full flight. A
/// call in that moment is refused, which clients of a cache live with.
const RESET_FORCED: u64 = 20_000;

const TICK: Duration = Duration::from_millis(250);

/// A reply that comes this late comes after every client has given up.
const NEVER: Duration = Duration::from_hours(24);

/// A running stub. Dropping it stops it.
pub(crate) struct Stub {
    _server: Arc<MockServer>,
    keeper: JoinHandle<()>,
}

impl Stub {
    /// Serves `keyspace` on `listener`.
    pub(crate) async fn start(listener: TcpListener, keyspace: Arc<Keyspace>) -> Self {
        let server = MockServer::builder()
            .listener(listener)
            .disable_request_recording()
            .start()
            .await;
        let server = Arc::new(server);
        let answered = Arc::new(AtomicU64::new(0));
        let answerer = Answerer {
            keyspace,
            answered: answered.clone(),
        };
        answerer.mount(&server).await;
        let keeper = tokio::spawn(keep_memory_bounded(server.clone(), answerer, answered));
        Self {
            _server: server,
            keeper,
        }
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
        let header = |name: &str| request.headers.get(name)?.to_str().ok();
        let grpc = header("content-type").is_some_and(|of| of.starts_with("application/grpc"));
        let (reply, decision) = if grpc {
            self.grpc(request, header("cache").unwrap_or_default())
        } else {
            self.http(request)
        };
        match decision.verdict {
            Verdict::BlackHole => reply.set_delay(NEVER),
            _ if decision.delay.is_zero() => reply,
            _ => reply.set_delay(decision.delay),
        }
    }
}

impl Answerer {
    fn grpc(&self, request: &Request, cache: &str) -> (ResponseTemplate, Decision) {
        let path = request.url.path();
        let decision = self.keyspace.faults.decide(calls::name(path), cache);
        let answered = match &decision.verdict {
            Verdict::Refuse(status) => {
                self.keyspace.counters().refused();
                Err(status.clone())
            }
            // The call never arrives.
            Verdict::BlackHole => Ok(Vec::new()),
            _ => wire::unframe(&request.body)
                .and_then(|message| calls::answer(&self.keyspace, path, cache, message)),
        };
        let reply = match answered {
            Ok(messages) => ResponseTemplate::new(200)
                .insert_header("grpc-status", "0")
                .set_body_raw(wire::frame(&messages), "application/grpc"),
            Err(status) => refusal(&status),
        };
        (reply, decision)
    }

    fn http(&self, request: &Request) -> (ResponseTemplate, Decision) {
        let (method, path) = (request.method.as_str(), request.url.path());
        let decision = http::call(method, path)
            .map(|(name, cache)| self.keyspace.faults.decide(name, &cache))
            .unwrap_or_default();
        if decision.verdict == Verdict::BlackHole {
            return (ResponseTemplate::new(500), decision);
        }
        let request = HttpRequest {
            method,
            path,
            query: request.url.query().unwrap_or_default(),
            authorization: request.headers.contains_key("authorization"),
            body: &request.body,
        };
        let transport = Transport::Stub.name();
        let reply = http::answer(&self.keyspace, transport, &decision.verdict, &request);
        let template = ResponseTemplate::new(reply.status);
        (
            template.set_body_raw(reply.body, reply.content_type),
            decision,
        )
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
