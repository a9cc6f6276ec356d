//! Requests to this machine bypass every proxy: `HTTP_PROXY` and the like are for the
//! network, and a proxy would look for 127.0.0.1 on its own machine.

use std::{collections::BTreeMap, net::IpAddr};

use reqwest::Url;

/// `NO_PROXY` for programs that talk to this machine.
const NO_PROXY: &str = "127.0.0.1,localhost,::1";

/// Whether a URL's host is this machine or a container beside it: a name without a
/// dot can be nowhere else.
#[must_use]
pub fn is_here(url: &str) -> bool {
    let Ok(url) = url.parse::<Url>() else {
        return false;
    };
    let host = url.host_str().unwrap_or_default();
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    match literal.parse::<IpAddr>() {
        Ok(ip) => ip.is_loopback() || ip.is_unspecified(),
        Err(_) => !host.contains('.') || host.ends_with(".localhost"),
    }
}

/// Variables of a program that talks only to `endpoint`: without a proxy if the
/// endpoint is on this machine.
#[must_use]
pub fn direct(endpoint: &str) -> Vec<(&'static str, String)> {
    if !is_here(endpoint) {
        return Vec::new();
    }
    // For the AWS SDKs for Rust, `*` stands for names and not for addresses.
    let endpoint = endpoint.parse::<Url>();
    let host = endpoint.as_ref().ok().and_then(Url::host_str);
    let hosts = [NO_PROXY, "*"].into_iter().chain(host);
    let hosts = hosts.collect::<Vec<_>>().join(",");
    vec![("NO_PROXY", hosts.clone()), ("no_proxy", hosts)]
}

/// `NO_PROXY` of a program that this one starts: this process's own, and this machine.
#[must_use]
pub fn no_proxy() -> [(&'static str, String); 2] {
    let own = ["NO_PROXY", "no_proxy"].map(|name| std::env::var(name).unwrap_or_default());
    let own = own.iter().find(|hosts| !hosts.is_empty());
    let hosts = own.map_or_else(|| NO_PROXY.to_owned(), |own| format!("{own},{NO_PROXY}"));
    [("NO_PROXY", hosts.clone()), ("no_proxy", hosts)]
}

/// Makes a function's calls to this machine bypass proxies, unless its variables set
/// `NO_PROXY` themselves.
pub fn bypass_proxies(variables: &mut BTreeMap<String, String>) {
    let proxies = no_proxy_of_functions();
    if !proxies.iter().any(|(name, _)| variables.contains_key(name)) {
        variables.extend(proxies);
    }
}

/// The variables that [`bypass_proxies`] sets.
#[must_use]
pub fn no_proxy_of_functions() -> [(String, String); 2] {
    ["NO_PROXY", "no_proxy"].map(|name| (name.to_owned(), NO_PROXY.to_owned()))
}
