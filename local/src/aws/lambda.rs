//! Lambda's API: functions, their configuration and concurrency, invocations, and event
//! source mappings (Lambda API reference). It speaks REST-JSON: paths and methods, where
//! other services have `X-Amz-Target`.
//!
//! Functions come from the template: they cannot be created or deleted here.

mod configuration;
mod functions;
mod managed;
mod mappings;
mod reply;
mod request;
mod update;

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use axum::{
    Router,
    extract::State,
    routing::{get, put},
};
use lambda_host::{
    Functions,
    invoke_api::{self, LateFunctions},
};

use crate::mappings::registry::Registry;
use managed::All;
pub use managed::Managed;
use reply::LambdaError;

/// The most execution environments of a function without
/// `ReservedConcurrentExecutions`. In AWS it shares what is left of the account's 1,000.
pub const UNRESERVED_CONCURRENCY: usize = 50;

/// The operations that are served, for the message about any other.
const OPERATIONS: [&str; 17] = [
    "CreateEventSourceMapping",
    "DeleteEventSourceMapping",
    "DeleteFunctionConcurrency",
    "GetAccountSettings",
    "GetEventSourceMapping",
    "GetFunction",
    "GetFunctionConcurrency",
    "GetFunctionConfiguration",
    "Invoke",
    "InvokeWithResponseStream",
    "ListEventSourceMappings",
    "ListFunctions",
    "ListTags",
    "ListVersionsByFunction",
    "PutFunctionConcurrency",
    "UpdateEventSourceMapping",
    "UpdateFunctionConfiguration",
];

/// The API. Its ports listen before the functions and mappings are there; until
/// [`LambdaApi::serve`] it has none.
#[derive(Clone, Default)]
pub struct LambdaApi {
    functions: LateFunctions,
    served: Arc<OnceLock<Served>>,
}

/// What the API is about.
struct Served {
    functions: Functions,
    managed: All,
    registry: Registry,
    region: String,
}

impl LambdaApi {
    /// Serves these functions and mappings from now on.
    pub fn serve(
        &self,
        functions: Functions,
        managed: BTreeMap<String, Managed>,
        registry: Registry,
        region: &str,
    ) {
        self.functions.set(functions.clone());
        let _ = self.served.set(Served {
            functions,
            managed: All::new(managed),
            registry,
            region: region.to_owned(),
        });
    }

    /// All paths of the API.
    pub fn router(&self) -> Router {
        invoke_api::routes(self.functions.clone()).merge(self.management())
    }

    /// The paths of the API without the two that invoke.
    pub fn management(&self) -> Router {
        let list = || get(functions::list).fallback(not_served);
        let mappings = || {
            get(mappings::list)
                .post(mappings::create)
                .fallback(not_served)
        };
        Router::new()
            .route("/2015-03-31/functions", list())
            .route("/2015-03-31/functions/", list())
            .route(
                "/2015-03-31/functions/{name}",
                get(functions::get).fallback(not_served),
            )
            .route(
                "/2015-03-31/functions/{name}/configuration",
                get(functions::configuration)
                    .put(update::update)
                    .fallback(not_served),
            )
            .route(
                "/2015-03-31/functions/{name}/versions",
                get(functions::versions).fallback(not_served),
            )
            .route(
                "/2017-10-31/functions/{name}/concurrency",
                put(update::put_concurrency)
                    .delete(update::delete_concurrency)
                    .fallback(not_served),
            )
            .route(
                "/2019-09-30/functions/{name}/concurrency",
                get(functions::concurrency).fallback(not_served),
            )
            .route(
                "/2017-03-31/tags/{resource}",
                get(functions::tags).fallback(not_served),
            )
            .route("/2016-08-19/account-settings", get(functions::account))
            .route("/2016-08-19/account-settings/", get(functions::account))
            .route("/2015-03-31/event-source-mappings", mappings())
            .route("/2015-03-31/event-source-mappings/", mappings())
            .route(
                "/2015-03-31/event-source-mappings/{uuid}",
                get(mappings::get)
                    .put(mappings::update)
                    .delete(mappings::delete)
                    .fallback(not_served),
            )
            // Paths of operations that are not served: policies, aliases, code, URLs.
            .route(
                "/2015-03-31/functions/{name}/{*rest}",
                get(not_served).fallback(not_served),
            )
            .with_state(self.clone())
    }

    fn served(&self) -> Result<&Served, LambdaError> {
        let starting = || LambdaError::service("the functions are being started");
        self.served.get().ok_or_else(starting)
    }
}

/// The reply to an operation that is not served.
async fn not_served(
    State(_): State<LambdaApi>,
    method: http::Method,
    uri: http::Uri,
) -> LambdaError {
    LambdaError::not_served(&format!("{method} {}", uri.path()))
}
