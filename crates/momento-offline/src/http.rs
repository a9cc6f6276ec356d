//! Plain HTTP: Momento's HTTP API for caches, and this crate's own `/_local/`.

use std::time::{Duration, Instant};

use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{
    admin,
    faults::Verdict,
    keyspace::Keyspace,
    observer::{Called, Outcome},
    status::{Code, Status},
    value::Blob,
};

/// URL-safe Base64, with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// An HTTP request with its body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HttpRequest<'a> {
    /// HTTP method, such as `GET`.
    pub(crate) method: &'a str,
    /// Path, such as `/cache/sample-a`.
    pub(crate) path: &'a str,
    /// Query string, without the `?`.
    pub(crate) query: &'a str,
    /// Whether the request has an `Authorization` header.
    pub(crate) authorization: bool,
    /// Whole body.
    pub(crate) body: &'a [u8],
}

/// An HTTP reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HttpReply {
    /// HTTP status code.
    pub(crate) status: u16,
    /// `Content-Type` of the body.
    pub(crate) content_type: &'static str,
    /// Whole body.
    pub(crate) body: Vec<u8>,
}

impl HttpReply {
    pub(super) fn text(status: u16, text: impl Into<String>) -> Self {
        let mut body = text.into();
        body.push('\n');
        Self {
            status,
            content_type: "text/plain; charset=utf-8",
            body: body.into(),
        }
    }

    /// A refusal, with the HTTP API reference's text where it gives one ("Cache
    /// Not Found").
    pub(super) fn refusal(status: &Status) -> Self {
        let text = match status.code {
            Code::NotFound => "Cache Not Found",
            _ => status.message.as_str(),
        };
        Self::text(status.code.http_status(), text)
    }
}

/// The gRPC name of a call to the HTTP API, such as `Get`, and its cache; `None`
/// for any other request.
#[must_use]
pub(crate) fn call(method: &str, path: &str) -> Option<(&'static str, String)> {
    let cache = path.strip_prefix("/cache/")?;
    let name = match method {
        "GET" => "Get",
        "PUT" => "Set",
        "DELETE" => "Delete",
        _ => return None,
    };
    let cache = percent_encoding::percent_decode_str(cache).decode_utf8_lossy();
    Some((name, cache.into_owned()))
}

/// Answers `request` and counts it; the observer gets to know of a call that `began` at a
/// time. `verdict` applies to calls of the HTTP API;
/// `/_local/status` reports `transport`.
#[must_use]
pub(crate) fn answer(
    keyspace: &Keyspace,
    transport: &'static str,
    (began, verdict): (Option<Instant>, &Verdict),
    request: &HttpRequest,
) -> HttpReply {
    let Some((name, cache)) = call(request.method, request.path) else {
        return admin::answer(keyspace, transport, request);
    };
    let answered = match verdict {
        Verdict::Refuse(status) => Err(status.clone()),
        _ => cache_call(keyspace, name, &cache, request),
    };
    if began.is_some() {
        let injected = matches!(verdict, Verdict::Refuse(_));
        let key = Query::of(request.query).ok().and_then(|query| query.key);
        keyspace.called(
            began,
            Called {
                cache: &cache,
                operation: name,
                key: key.as_deref().unwrap_or_default(),
                outcome: outcome(name, injected, &answered),
                duration: Duration::ZERO,
            },
        );
    }
    answered.unwrap_or_else(|status| {
        keyspace.counters().refused();
        HttpReply::refusal(&status)
    })
}

fn outcome(name: &str, injected: bool, answered: &Result<HttpReply, Status>) -> Outcome {
    match answered {
        Err(status) if injected => Outcome::Fault(status.code),
        Err(status) => Outcome::Refused(status.code),
        Ok(reply) if name == "Get" && reply.status == 404 => Outcome::Miss,
        Ok(_) if name == "Get" => Outcome::Hit,
        Ok(_) => Outcome::Ok,
    }
}

fn cache_call(
    keyspace: &Keyspace,
    name: &str,
    cache: &str,
    request: &HttpRequest,
) -> Result<HttpReply, Status> {
    let query = Query::of(request.query)?;
    if !request.authorization && !query.token {
        let what = "the request has no API key; send it as the Authorization header or the token parameter";
        return Err(Status::new(Code::Unauthenticated, what));
    }
    let key = query.key.ok_or_else(|| {
        Status::invalid("the request has no key; expected the parameter key or key_base64")
    })?;
    let counters = keyspace.counters();
    let done = HttpReply {
        status: 204,
        content_type: "application/octet-stream",
        body: Vec::new(),
    };
    Ok(match name {
        "Get" => {
            let found = keyspace.get(cache, &key)?;
            counters.got(found.is_some());
            match found {
                Some(body) => HttpReply {
                    status: 200,
                    body,
                    ..done
                },
                None => HttpReply::text(404, "Key Not Found"),
            }
        }
        "Set" => {
            let ttl = query.ttl.ok_or_else(|| {
                Status::invalid("the request has no ttl_seconds; expected 1 to 86400")
            })?;
            keyspace.set(cache, key, request.body.to_vec(), ttl)?;
            counters.was_set();
            done
        }
        _ => {
            keyspace.delete(cache, &key)?;
            counters.was_deleted();
            done
        }
    })
}

/// Query parameters of a call.
#[derive(Default)]
struct Query {
    key: Option<Blob>,
    ttl: Option<Duration>,
    token: bool,
}

impl Query {
    fn of(text: &str) -> Result<Self, Status> {
        let mut query = Self::default();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            match &*name {
                "key" => query.key = Some(value.into_owned().into_bytes()),
                "key_base64" => {
                    let key = BASE64.decode(value.as_bytes());
                    let what = |error| format!("key_base64 is not URL-safe Base64: {error}");
                    query.key = Some(key.map_err(|error| Status::invalid(what(error)))?);
                }
                "ttl_seconds" => {
                    let seconds = value.parse();
                    let what = |_| {
                        Status::invalid(format!("ttl_seconds is {value:?}; expected 1 to 86400"))
                    };
                    query.ttl = Some(Duration::from_secs(seconds.map_err(what)?));
                }
                "token" => query.token = !value.is_empty(),
                _ => {}
            }
        }
        Ok(query)
    }
}
