//! The server transport: gRPC through tonic and HTTP through hyper, on one port.
//!
//! tonic does framing, limits and trailers. [`super::calls`] reads and answers the
//! messages, so that every transport gives the same answers.

use std::{
    future::Ready,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Buf, BufMut, Bytes};
use futures_util::stream;
use http::{HeaderMap, Request, Response, StatusCode, header, request::Parts};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use loopback_server::{
    body::PatientBody,
    hosts::AllowedHosts,
    server::{Limits, Server, Site},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{
    body::Body,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    metadata::{MetadataMap, MetadataValue},
    server::{Grpc, ServerStreamingService},
};

use super::{
    cache::MAX_ITEM,
    calls,
    faults::Verdict,
    http::{self as plain, HttpReply, HttpRequest},
    keyspace::Keyspace,
    observer::{Called, Outcome},
    status::{Code, Status},
    transport::Transport,
};

/// Largest message, bytes: a batch may hold several items.
const MAX_MESSAGE: usize = 16 * 1024 * 1024;

/// Serves `keyspace` on `listener`, to requests that name this machine or one of
/// `hosts`.
///
/// # Errors
///
/// The listener is unusable.
pub(crate) fn start(
    listener: TcpListener,
    keyspace: Arc<Keyspace>,
    hosts: AllowedHosts,
) -> io::Result<Server> {
    Server::start(listener, Cache(keyspace), hosts, Limits::default())
}

struct Cache(Arc<Keyspace>);

impl Site for Cache {
    type Body = Body;

    async fn reply(
        &self,
        request: Request<PatientBody>,
        connection: &CancellationToken,
    ) -> Response<Body> {
        reply(&self.0, connection, request).await
    }

    fn refuse<B>(&self, request: &Request<B>, reason: String) -> Response<Body> {
        self.0.counters().refused();
        let status = Status::new(Code::PermissionDenied, reason);
        if is_grpc(request.headers()) {
            tonic::Status::from(status).into_http()
        } else {
            http_response(HttpReply::refusal(&status))
        }
    }
}

async fn reply(
    keyspace: &Arc<Keyspace>,
    open: &CancellationToken,
    request: Request<PatientBody>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let grpc = is_grpc(&parts.headers);
    let asked = if grpc {
        let cache = cache_header(&parts.headers);
        Some((calls::name(path).to_owned(), cache.to_owned()))
    } else {
        plain::call(parts.method.as_str(), path).map(|(name, cache)| (name.to_owned(), cache))
    };
    let began = asked.as_ref().and_then(|_| keyspace.watch());
    // Faults apply to Momento's calls, not to `/_local/`.
    let decision = asked
        .as_ref()
        .map(|(name, cache)| keyspace.faults.decide(name, cache))
        .unwrap_or_default();
    if !decision.delay.is_zero() {
        tokio::time::sleep(decision.delay).await;
    }
    match decision.verdict {
        Verdict::BlackHole => {
            keyspace.counters().refused();
            unanswered(keyspace, began, asked);
            // The connection stays until either side closes it.
            return std::future::pending().await;
        }
        Verdict::DropConnection => {
            keyspace.counters().refused();
            unanswered(keyspace, began, asked);
            open.cancel();
            return std::future::pending().await;
        }
        Verdict::Answer | Verdict::Refuse(_) => {}
    }
    if grpc {
        grpc_reply(keyspace.clone(), (began, decision.verdict), parts, body).await
    } else {
        http_reply(keyspace, (began, &decision.verdict), &parts, body).await
    }
}

/// Tells the observer of a call that gets no answer. Its message was not read.
fn unanswered(keyspace: &Keyspace, began: Option<Instant>, asked: Option<(String, String)>) {
    if let (Some(_), Some((operation, cache))) = (began, asked) {
        let called = Called {
            cache: &cache,
            operation: &operation,
            key: &[],
            outcome: Outcome::NoAnswer,
            duration: Duration::ZERO,
        };
        keyspace.called(began, called);
    }
}

fn is_grpc(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

fn cache_header(headers: &HeaderMap) -> &str {
    let value = headers.get("cache").and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}

async fn grpc_reply(
    keyspace: Arc<Keyspace>,
    (began, verdict): (Option<Instant>, Verdict),
    parts: Parts,
    body: PatientBody,
) -> Response<Body> {
    let call = Call {
        keyspace: keyspace.clone(),
        began,
        verdict,
        path: parts.uri.path().to_owned(),
        cache: cache_header(&parts.headers).to_owned(),
    };
    // Unary replies are sent as streams of one message.
    let reply = Grpc::new(Raw)
        .max_decoding_message_size(MAX_MESSAGE)
        .max_encoding_message_size(usize::MAX)
        .server_streaming(call, Request::from_parts(parts, body))
        .await;
    // A refusal, by the call or by tonic, has its status among the headers.
    if reply.headers().contains_key("grpc-status") {
        keyspace.counters().refused();
    }
    reply
}

/// One gRPC call.
struct Call {
    keyspace: Arc<Keyspace>,
    /// When it arrived, if the observer wants to know of its end.
    began: Option<Instant>,
    verdict: Verdict,
    path: String,
    cache: String,
}

impl ServerStreamingService<Bytes> for Call {
    type Response = Vec<u8>;
    type ResponseStream = stream::Iter<std::vec::IntoIter<Result<Vec<u8>, tonic::Status>>>;
    type Future = Ready<Result<tonic::Response<Self::ResponseStream>, tonic::Status>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        let at = (self.path.as_str(), self.cache.as_str());
        let answered = calls::answer_watched(
            &self.keyspace,
            self.began,
            &self.verdict,
            at,
            request.get_ref(),
        );
        let reply = answered.map_err(tonic::Status::from).map(|messages| {
            let messages: Vec<_> = messages.into_iter().map(Ok).collect();
            tonic::Response::new(stream::iter(messages))
        });
        std::future::ready(reply)
    }
}

impl From<Status> for tonic::Status {
    fn from(status: Status) -> Self {
        let mut metadata = MetadataMap::new();
        if let Some(err) = status.err {
            metadata.insert("err", MetadataValue::from_static(err));
        }
        let code = tonic::Code::from(status.code as i32);
        Self::with_metadata(code, status.message, metadata)
    }
}

/// Passes messages on as bytes: the calls decode them.
#[derive(Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = tonic::Status;

    fn encode(&mut self, message: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Self::Error> {
        buffer.put_slice(&message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = tonic::Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Self::Error> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

async fn http_reply(
    keyspace: &Keyspace,
    (began, verdict): (Option<Instant>, &Verdict),
    parts: &Parts,
    body: PatientBody,
) -> Response<Body> {
    let reply = match Limited::new(body, MAX_ITEM).collect().await {
        Ok(body) => {
            let request = HttpRequest {
                method: parts.method.as_str(),
                path: parts.uri.path(),
                query: parts.uri.query().unwrap_or_default(),
                authorization: parts.headers.contains_key(header::AUTHORIZATION),
                body: &body.to_bytes(),
            };
            plain::answer(
                keyspace,
                Transport::Server.name(),
                (began, verdict),
                &request,
            )
        }
        Err(error) => {
            keyspace.counters().refused();
            if error.is::<LengthLimitError>() {
                let limit = format!("the item size limit is {MAX_ITEM} bytes, key included");
                HttpReply::text(429, limit)
            } else {
                HttpReply::text(400, format!("cannot read the body: {error}"))
            }
        }
    };
    http_response(reply)
}

fn http_response(reply: HttpReply) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::new(Bytes::from(reply.body))));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or_default();
    let content_type = header::HeaderValue::from_static(reply.content_type);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}
