//! What a request says of the service and the operation that it is for.

use aws_wire::{error::AwsError, protocol::Protocol, query::Form, signing};
use http::{HeaderMap, Uri, request::Parts};

/// The name of a service and an operation, as far as a request has them.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// The part of `X-Amz-Target` before the dot.
    pub(super) prefix: Option<String>,
    /// The service of the signature's scope, or of an RPC path.
    pub(super) service: Option<String>,
    /// `Version` of the query protocol.
    pub(super) version: Option<String>,
    /// The operation's name.
    pub(super) operation: Option<String>,
}

impl Wanted {
    /// Reads the headers and the path.
    pub(super) fn of(protocol: Protocol, parts: &Parts) -> Self {
        let mut wanted = Self {
            service: signing::service(&parts.headers, &parts.uri),
            ..Self::default()
        };
        if let Some(target) = target(&parts.headers) {
            let (prefix, operation) = target.split_once('.').unwrap_or((target, ""));
            wanted.prefix = Some(prefix.to_owned());
            wanted.operation = Some(operation.to_owned());
        } else if protocol == Protocol::RpcV2Cbor {
            // `/service/GraniteServiceVersion20100801/operation/PutMetricData`
            let mut path = parts
                .uri
                .path()
                .split('/')
                .skip_while(|one| *one != "service");
            wanted.prefix = path.nth(1).map(str::to_owned);
            wanted.operation = path.nth(1).map(str::to_owned);
        }
        wanted
    }

    /// Adds what the parameters of the query protocol say.
    pub(super) fn add(&mut self, form: &Form) {
        self.version = form.text_of("Version").map(str::to_owned);
        self.operation = form.text_of("Action").map(str::to_owned);
    }
}

/// The parameters of a request in the query protocol: those of the URL and those of the
/// body.
pub(super) fn form(uri: &Uri, body: &[u8]) -> Result<Form, AwsError> {
    let mut form = Form::parse(uri.query().unwrap_or_default().as_bytes())?;
    form.add(body)?;
    Ok(form)
}

fn target(headers: &HeaderMap) -> Option<&str> {
    let target = headers.get("x-amz-target");
    target.and_then(|value| value.to_str().ok())
}
