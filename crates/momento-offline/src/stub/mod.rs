//! The stub transport: gRPC and HTTP through wiremock, on one port.
//!
//! wiremock speaks HTTP/2 with prior knowledge but sends no trailers. tonic's client
//! accepts a reply whose `grpc-status` is among the headers.

mod retained;

use std::{
    net::TcpListener,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use loopback_server::hosts::AllowedHosts;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

use self::retained::Retained;
use super::{
    calls,
    faults::{Decision, Verdict},
    http::{self, HttpReply, HttpRequest},
    keyspace::Keyspace,
    observer::{Called, Outcome},
    status::{Code, Status},
    transport::Transport,
    wire,
};

/// Delay of a reply to a black hole: longer than any client waits.
const NEVER: Duration = Duration::from_hours(24);

/// A running stub. Dropping it stops it.
pub(crate) struct Stub {
    _server: Arc<MockServer>,
}

impl Stub {
    /// Serves `keyspace` on `listener`.
    pub(crate) async fn start(
        listener: TcpListener,
        keyspace: Arc<Keyspace>,
        hosts: AllowedHosts,
    ) -> Self {
        let server = MockServer::builder()
            .listener(listener)
            .disable_request_recording()
            .start()
            .await;
        let server = Arc::new(server);
        let answerer = Answerer {
            keyspace,
            hosts,
            retained: Arc::default(),
            server: Arc::downgrade(&server),
        };
        server.register(answerer.mock()).await;
        Self { _server: server }
    }
}

/// Answers each request from the keyspace.
#[derive(Clone)]
struct Answerer {
    keyspace: Arc<Keyspace>,
    hosts: AllowedHosts,
    /// Shared by every mock that replaces this one's.
    retained: Arc<Retained>,
    /// Weak: the server owns the mock, and the mock this answerer.
    server: Weak<MockServer>,
}

impl Answerer {
    fn mock(&self) -> Mock {
        Mock::given(any()).respond_with(self.clone())
    }

    /// Counts a request as retained, and frees the retained requests at their bound.
    fn bound_retained(&self, request: &Request) {
        if self.retained.reaches_bound_with(request.body.len())
            && let Some(server) = self.server.upgrade()
        {
            retained::replace(server, self.mock());
        }
    }
}

impl Respond for Answerer {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        self.bound_retained(request);
        let header = |name: &str| request.headers.get(name)?.to_str().ok();
        let grpc = header("content-type").is_some_and(|of| of.starts_with("application/grpc"));
        if let Some(refused) = self.refused(request, grpc) {
            return refused;
        }
        let (reply, decision) = if grpc {
            self.grpc(request, header("cache").unwrap_or_default())
        } else {
            self.http(request)
        };
        match decision.verdict {
            Verdict::BlackHole => {
                self.keyspace.counters().refused();
                reply.set_delay(NEVER)
            }
            _ if decision.delay.is_zero() => reply,
            _ => reply.set_delay(decision.delay),
        }
    }
}

impl Answerer {
    /// The reply to a request that another site's page may have sent.
    fn refused(&self, request: &Request, grpc: bool) -> Option<ResponseTemplate> {
        // wiremock's URL names `localhost` where the request's own named nothing.
        let authority = Some(request.url.authority()).filter(|name| *name != "localhost");
        let hosts = &self.hosts;
        let reason = hosts.refusal_of(authority, &request.headers, true)?;
        self.keyspace.counters().refused();
        let status = Status::new(Code::PermissionDenied, reason);
        if grpc {
            return Some(refusal(&status));
        }
        let reply = HttpReply::refusal(&status);
        let template = ResponseTemplate::new(reply.status);
        Some(template.set_body_raw(reply.body, reply.content_type))
    }

    /// When a call began, if an observer wants to know of its end. The server delays the
    /// reply later on.
    fn began(&self, decision: &Decision) -> Option<Instant> {
        let began = self.keyspace.watch()?;
        Some(began.checked_sub(decision.delay).unwrap_or(began))
    }

    fn unanswered(&self, began: Option<Instant>, (operation, cache): (&str, &str), key: &[u8]) {
        let called = Called {
            cache,
            operation,
            key,
            outcome: Outcome::NoAnswer,
            duration: Duration::ZERO,
        };
        self.keyspace.called(began, called);
    }

    fn grpc(&self, request: &Request, cache: &str) -> (ResponseTemplate, Decision) {
        let path = request.url.path();
        let decision = self.keyspace.faults.decide(calls::name(path), cache);
        let began = self.began(&decision);
        let verdict = &decision.verdict;
        let answered = match verdict {
            // The cache does not carry out the call.
            Verdict::BlackHole => {
                let name = calls::name(path);
                let message = wire::unframe(&request.body).unwrap_or_default();
                self.unanswered(began, (name, cache), calls::first_field(message));
                Ok(Vec::new())
            }
            _ => wire::unframe(&request.body).and_then(|message| {
                let at = (path, cache);
                calls::answer_watched(&self.keyspace, began, verdict, at, message)
            }),
        };
        let reply = match answered {
            Ok(messages) => ResponseTemplate::new(200)
                .insert_header("grpc-status", "0")
                .set_body_raw(wire::frame(&messages), "application/grpc"),
            Err(status) => {
                self.keyspace.counters().refused();
                refusal(&status)
            }
        };
        (reply, decision)
    }

    fn http(&self, request: &Request) -> (ResponseTemplate, Decision) {
        let (method, path) = (request.method.as_str(), request.url.path());
        let asked = http::call(method, path);
        let decision = asked.as_ref();
        let decision = decision
            .map(|(name, cache)| self.keyspace.faults.decide(name, cache))
            .unwrap_or_default();
        let began = self.began(&decision);
        if decision.verdict == Verdict::BlackHole {
            let (name, cache) = asked.unwrap_or_default();
            self.unanswered(began, (name, &cache), &[]);
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
        let reply = http::answer(
            &self.keyspace,
            transport,
            (began, &decision.verdict),
            &request,
        );
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
