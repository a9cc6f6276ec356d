//! Which requests a port takes: those that name this machine, and none that another
//! site's page sends.

use std::{net::IpAddr, sync::Arc};

use http::{
    HeaderMap, HeaderName, Request, Version,
    header::{HOST, ORIGIN},
    uri::Authority,
};

/// Names by which this machine is called, besides `localhost` and its addresses: those
/// of `--allow-host`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedHosts {
    names: Arc<[String]>,
    undotted: bool,
}

impl AllowedHosts {
    /// These names, without ports.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        let lower = |name: String| name.to_ascii_lowercase();
        Self {
            names: names.into_iter().map(lower).collect(),
            undotted: false,
        }
    }

    /// Lets in names without a dot too, such as the `Host: x` of a program written by
    /// hand. No page has such a name: public DNS has none.
    #[must_use]
    pub fn or_undotted(self) -> Self {
        Self {
            undotted: true,
            ..self
        }
    }

    /// Why `request` is not let in, if it is not.
    #[must_use]
    pub fn refusal<B>(&self, request: &Request<B>) -> Option<String> {
        // HTTP/2 has `:authority` in the URI; so has HTTP/1.1 where it is sent through
        // a proxy.
        let authority = request.uri().authority().map(Authority::as_str);
        // Only clients of long ago leave `Host` out; browsers never do.
        let old = request.version() == Version::HTTP_10;
        self.refusal_of(authority, request.headers(), old)
    }

    /// As [`AllowedHosts::refusal`], for servers that have no [`Request`] to show: the
    /// authority of its URI, its headers, and whether it may have no `Host`.
    #[must_use]
    pub fn refusal_of(
        &self,
        authority: Option<&str>,
        headers: &HeaderMap,
        host_is_optional: bool,
    ) -> Option<String> {
        let hosts = match values(headers, &HOST) {
            Some(hosts) if hosts.len() <= 1 => hosts,
            _ => return Some("the Host header cannot be read, or there are several".to_owned()),
        };
        let named: Vec<&str> = authority.into_iter().chain(hosts).collect();
        if let Some(stranger) = named.iter().find(|name| !self.contain(name)) {
            return Some(format!(
                "{stranger:?} does not name this machine; use 127.0.0.1 or localhost, or start the server with --allow-host NAME"
            ));
        }
        if named.is_empty() && !host_is_optional {
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
            || self.names.iter().any(|name| name == host)
            || (self.undotted && !host.is_empty() && !host.contains('.'))
    }
}

/// A header's values; nothing if one is not text.
fn values<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Vec<&'a str>> {
    let values = headers.get_all(name).into_iter();
    values.map(|value| value.to_str().ok()).collect()
}
