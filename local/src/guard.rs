//! Which requests a port takes: those that name this machine, and none that another
//! site's page sends.
//!
//! A page can point its own name at 127.0.0.1 (DNS rebinding); the browser then sends
//! that name as `Host`. A page can also send simple cross-site requests; the browser
//! then sends its `Origin`. Programs that are not browsers send the address that they
//! were given, and no `Origin`.

use std::{net::IpAddr, sync::Arc};

use aws_wire::{error::AwsError, format::Format};
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, Request, StatusCode, Version,
    header::{HOST, ORIGIN},
    uri::Authority,
};
use serde_json::json;

const CODE: &str = "AccessDeniedException";

/// Names by which this machine is called, besides `localhost` and its addresses: those
/// of `--allow-host`.
#[derive(Debug, Clone, Default)]
pub struct AllowedHosts(Arc<[String]>);

impl AllowedHosts {
    /// These names, without ports.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        let lower = |name: String| name.to_ascii_lowercase();
        Self(names.into_iter().map(lower).collect())
    }

    /// Whether `Host` or `:authority` names this machine. An address is no name that
    /// somebody else could point here.
    fn contain(&self, authority: &str) -> bool {
        let Ok(parsed) = authority.parse::<Authority>() else {
            return false;
        };
        // `user@host` is for URLs only.
        if authority.contains('@') {
            return false;
        }
        let host = parsed.host().to_ascii_lowercase();
        let host = host.strip_suffix('.').unwrap_or(&host);
        let literal = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        literal.unwrap_or(host).parse::<IpAddr>().is_ok()
            || host == "localhost"
            // RFC 6761: these names never leave the machine.
            || host.ends_with(".localhost")
            || self.0.iter().any(|name| name == host)
    }
}

/// The form of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// AWS JSON or CBOR, as the request is.
    Aws,
    /// Lambda's REST API.
    Lambda,
}

/// What a port lets in.
#[derive(Debug, Clone)]
pub struct Guard {
    protocol: Protocol,
    hosts: AllowedHosts,
}

impl Guard {
    /// Lets in what names this machine, or one of `hosts`.
    #[must_use]
    pub fn new(protocol: Protocol, hosts: &AllowedHosts) -> Self {
        Self {
            protocol,
            hosts: hosts.clone(),
        }
    }

    /// The reply to a request that is not let in: HTTP 403 in the protocol's form.
    pub(crate) fn refusal<B>(&self, request: &Request<B>) -> Option<Response> {
        let reason = self.reason(request)?;
        tracing::warn!(%reason, path = request.uri().path(), "a request was refused");
        Some(match self.protocol {
            Protocol::Aws => Format::of(request.headers()).error(AwsError {
                status: StatusCode::FORBIDDEN,
                code: CODE,
                message: reason,
            }),
            Protocol::Lambda => {
                let body = Json(json!({ "Type": "User", "Message": reason }));
                (StatusCode::FORBIDDEN, [("x-amzn-errortype", CODE)], body).into_response()
            }
        })
    }

    fn reason<B>(&self, request: &Request<B>) -> Option<String> {
        let headers = request.headers();
        // HTTP/2 has `:authority` in the URI; so has HTTP/1.1 where it is sent through
        // a proxy.
        let target = request.uri().authority().map(Authority::as_str);
        let hosts = match values(headers, &HOST) {
            Some(hosts) if hosts.len() <= 1 => hosts,
            _ => return Some("the Host header cannot be read, or there are several".to_owned()),
        };
        let named: Vec<&str> = target.into_iter().chain(hosts).collect();
        if let Some(stranger) = named.iter().find(|name| !self.hosts.contain(name)) {
            return Some(format!(
                "{stranger:?} does not name this machine; use 127.0.0.1 or localhost, or start the server with --allow-host NAME"
            ));
        }
        // Only clients of long ago leave it out; browsers never do.
        if named.is_empty() && request.version() != Version::HTTP_10 {
            return Some("the Host header is missing".to_owned());
        }
        let Some(origins) = values(headers, &ORIGIN) else {
            return Some("the Origin header cannot be read".to_owned());
        };
        if origins.is_empty() {
            return None;
        }
        let own = named.first().map(|name| format!("http://{name}"));
        let foreign = origins.into_iter().find(|origin| {
            !own.as_ref()
                .is_some_and(|own| own.eq_ignore_ascii_case(origin))
        })?;
        Some(format!(
            "requests from pages of {foreign:?} are not served: Origin must be absent, or this server's own"
        ))
    }
}

/// A header's values; nothing if one is not text.
fn values<'a>(headers: &'a HeaderMap, name: &http::HeaderName) -> Option<Vec<&'a str>> {
    let values = headers.get_all(name).into_iter();
    values.map(|value| value.to_str().ok()).collect()
}
