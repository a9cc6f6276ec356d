//! One port for all services. A request says which one it is for by its target header, its
//! path, the scope of its signature or its action, and is answered in its own protocol.

mod counts;
mod request;
mod unserved;

use std::sync::Arc;

use aws_wire::{
    error::AwsError,
    protocol::Protocol,
    query,
    service::{Call, Service},
};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, request::Parts};
use serde_json::{Map, Value, json};

pub use counts::CallCounts;
use request::Wanted;

/// The largest request body taken, bytes: the 10 MiB of `PutRecords` (API
/// reference) in base64, with room for keys.
const MAX_BODY: usize = 20 * 1024 * 1024;

/// A service that is found by its paths.
struct Paths {
    name: &'static str,
    router: Router,
}

/// The services, and how a request finds its own.
pub struct Gateway {
    services: Vec<Arc<dyn Service>>,
    paths: Vec<Paths>,
    counts: Arc<CallCounts>,
}

impl Gateway {
    /// A gateway in front of `services`.
    #[must_use]
    pub fn new(services: Vec<Arc<dyn Service>>) -> Self {
        Self {
            services,
            paths: Vec::new(),
            counts: Arc::default(),
        }
    }

    /// Serves the paths of a REST service too, such as `Lambda`. In lower case its name is
    /// the service in its requests' signatures.
    #[must_use]
    pub fn with_paths(mut self, name: &'static str, router: Router) -> Self {
        self.paths.push(Paths { name, router });
        self
    }

    /// The counts of calls, which continue to grow.
    #[must_use]
    pub fn counts(&self) -> Arc<CallCounts> {
        self.counts.clone()
    }

    /// The HTTP surface: AWS calls on every path, health as LocalStack spells it.
    pub fn router(self) -> Router {
        self.router_beside(Router::new())
    }

    /// The same, with the routes of `other`, which are no AWS API.
    pub fn router_beside(mut self, other: Router) -> Router {
        let mut router = other
            .with_state(())
            .route("/_localstack/health", get(health));
        for paths in &mut self.paths {
            let paths = std::mem::take(&mut paths.router);
            router = router.merge(paths.layer(map_response(with_request_id)).with_state(()));
        }
        router
            .method_not_allowed_fallback(dispatch)
            .fallback(dispatch)
            .with_state(Arc::new(self))
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        let services = self.services.iter().map(|service| service.name());
        services.chain(self.paths.iter().map(|paths| paths.name))
    }

    /// The service that a request in one of the JSON or CBOR protocols is for.
    fn by_target(&self, wanted: &Wanted) -> Option<&dyn Service> {
        let prefix = wanted.prefix.as_deref()?;
        let mut services = self.services.iter();
        let service = services.find(|service| service.target_prefixes().contains(&prefix))?;
        Some(service.as_ref())
    }

    /// The service that a request in the query protocol is for: that of its signature, of
    /// its version, or the one that has its action.
    fn by_action(&self, wanted: &Wanted) -> Option<&dyn Service> {
        let services = || self.services.iter().map(AsRef::as_ref);
        if let Some(signed) = &wanted.service {
            return services().find(|service| service.signing_name() == *signed);
        }
        let speaks = |service: &&dyn Service| {
            let api = service.query();
            match (&wanted.version, &wanted.operation) {
                (Some(version), _) => api.is_some_and(|api| api.version == version),
                (None, Some(action)) => api.is_some_and(|api| api.operation(action).is_some()),
                (None, None) => false,
            }
        };
        services().find(speaks)
    }
}

async fn health(State(gateway): State<Arc<Gateway>>) -> Response {
    let services = gateway.services.iter();
    let services = services.map(|service| service.signing_name());
    let paths = gateway.paths.iter().map(|paths| paths.name.to_lowercase());
    let services: Map<String, Value> = services
        .chain(paths)
        .map(|name| (name, json!("running")))
        .collect();
    let body =
        json!({ "services": services, "edition": "local", "version": env!("CARGO_PKG_VERSION") });
    axum::Json(body).into_response()
}

/// Every AWS reply carries a request id; SDKs put it into their errors.
async fn with_request_id(reply: Response) -> Response {
    identified(reply, &new_request_id())
}

fn identified(mut reply: Response, id: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(id) {
        reply
            .headers_mut()
            .entry("x-amzn-requestid")
            .or_insert(value);
    }
    reply
}

fn new_request_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

async fn dispatch(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let protocol = Protocol::of(&parts.headers, &parts.uri);
    let id = new_request_id();
    let reply = route(&gateway, protocol, parts, body, &id).await;
    // A client reads errors in the protocol that it speaks.
    let reply = reply.unwrap_or_else(|error| protocol.error(&error, &id));
    identified(reply, &id)
}

async fn route(
    gateway: &Gateway,
    protocol: Protocol,
    parts: Parts,
    body: Body,
    id: &str,
) -> Result<Response, AwsError> {
    let mut wanted = Wanted::of(protocol, &parts);
    match protocol {
        Protocol::Json10 | Protocol::Json11 | Protocol::Cbor11 => {
            let service = gateway.by_target(&wanted);
            let service =
                service.ok_or_else(|| gateway.unknown_service(protocol, &wanted, &parts))?;
            let operation = gateway.counted(protocol, service, &wanted)?;
            let body = read(operation, body).await?;
            tracing::debug!(
                service = service.name(),
                operation,
                bytes = body.len(),
                "aws call"
            );
            service.call(call(protocol, operation, parts, body)).await
        }
        Protocol::Query => {
            let body = read("the form", body).await?;
            let form = request::form(&parts.uri, &body)?;
            wanted.add(&form);
            let service = gateway.by_action(&wanted);
            let service =
                service.ok_or_else(|| gateway.unknown_service(protocol, &wanted, &parts))?;
            if wanted.operation.is_none() {
                return Err(missing_action());
            }
            let operation = gateway.counted(protocol, service, &wanted)?;
            tracing::debug!(
                service = service.name(),
                operation,
                bytes = body.len(),
                "aws call"
            );
            let call = call(protocol, operation, parts, body);
            Ok(query::serve(service, call, &form, id).await)
        }
        Protocol::Ec2Query => {
            let body = read("the form", body).await?;
            wanted.add(&request::form(&parts.uri, &body)?);
            Err(gateway.unknown_service(protocol, &wanted, &parts))
        }
        Protocol::RpcV2Cbor => Err(gateway.unknown_service(protocol, &wanted, &parts)),
        Protocol::RestJson | Protocol::RestXml => {
            Err(gateway.unserved_path(protocol, &wanted, &parts))
        }
    }
}

impl Gateway {
    /// The operation that is wanted of `service`, which has been called once more.
    fn counted(
        &self,
        protocol: Protocol,
        service: &dyn Service,
        wanted: &Wanted,
    ) -> Result<&'static str, AwsError> {
        let name = wanted.operation.as_deref().unwrap_or_default();
        let mut operations = service.operations().iter().copied();
        // Only a service with an `Api` reads forms.
        let served = protocol != Protocol::Query
            || service
                .query()
                .is_some_and(|api| api.operation(name).is_some());
        let operation = operations.find(|operation| served && *operation == name);
        let operation =
            operation.ok_or_else(|| Self::unknown_operation(protocol, service, name))?;
        self.counts.count((service.name(), operation));
        Ok(operation)
    }

    /// No route has this path and method.
    fn unserved_path(&self, protocol: Protocol, wanted: &Wanted, parts: &Parts) -> AwsError {
        let signed = wanted.service.as_deref();
        let mut names = self.paths.iter().map(|paths| paths.name);
        let name = names.find(|name| Some(name.to_lowercase().as_str()) == signed);
        match name {
            Some(name) => Self::unknown_path(protocol, name, parts),
            None => self.unknown_service(protocol, wanted, parts),
        }
    }
}

/// "Common Errors" of the query protocol.
fn missing_action() -> AwsError {
    AwsError::client(
        "MissingAction",
        "The request must contain the parameter Action.",
    )
}

fn call(protocol: Protocol, operation: &str, parts: Parts, body: Bytes) -> Call {
    Call {
        operation: operation.to_owned(),
        headers: parts.headers,
        body,
        protocol,
        uri: parts.uri,
    }
}

async fn read(what: &str, body: Body) -> Result<Bytes, AwsError> {
    to_bytes(body, MAX_BODY).await.map_err(|error| AwsError {
        status: StatusCode::PAYLOAD_TOO_LARGE,
        code: "RequestEntityTooLargeException",
        message: format!("{what}: the body cannot be read, or is over {MAX_BODY} bytes: {error}"),
    })
}
