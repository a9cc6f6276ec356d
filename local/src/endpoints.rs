//! Where everything of a running environment answers, for the programs that use it.

use std::collections::BTreeMap;

use aws_wire::ACCOUNT_ID;
use momento_offline::fake_api_key;
use sam_template::Environment;
use serde::Serialize;

use crate::{embedded::Embedded, page::PAGE_PATH, server, status_board::STATUS_PATH};

/// The endpoints of a running environment: the line of `klocal up --json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoints {
    /// The AWS APIs.
    pub aws: String,
    /// The page on which one sees the pipeline work.
    pub page: String,
    /// The Invoke API.
    pub lambda: String,
    /// The status of the mappings and the cache.
    pub status: String,
    /// The region of all ARNs.
    pub region: String,
    /// Where each function is invoked, by its name.
    pub functions: BTreeMap<String, String>,
    /// The names of the streams.
    pub streams: Vec<String>,
    /// The URLs of the queues, by their names.
    pub queues: BTreeMap<String, String>,
    /// The enabled event source mappings of streams.
    pub mappings: Vec<MappingEndpoint>,
    /// The enabled event source mappings of queues.
    pub queue_mappings: Vec<QueueMappingEndpoint>,
    /// The local cache.
    pub cache: Option<CacheEndpoint>,
    /// Environment variables that lead a program to all of these.
    pub variables: BTreeMap<&'static str, String>,
}

/// An event source mapping.
#[derive(Debug, Serialize)]
pub struct MappingEndpoint {
    /// Its logical id.
    pub name: String,
    /// The stream's name.
    pub stream: String,
    /// The function's name.
    pub function: String,
}

/// An event source mapping of a queue.
#[derive(Debug, Serialize)]
pub struct QueueMappingEndpoint {
    /// Its logical id.
    pub name: String,
    /// The queue's name.
    pub queue: String,
    /// The function's name.
    pub function: String,
}

/// The local cache.
#[derive(Debug, Serialize)]
pub struct CacheEndpoint {
    /// Momento's gRPC API.
    pub grpc: String,
    /// Momento's HTTP API.
    pub http: String,
    /// Momento's protosocket API: host and port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protosocket: Option<String>,
}

impl Endpoints {
    /// Those of `embedded`, which runs `environment`.
    #[must_use]
    pub fn of(embedded: &Embedded, environment: &Environment, region: &str) -> Self {
        let (aws, lambda) = (embedded.aws.url(), embedded.lambda.url());
        let functions = embedded.functions.keys().map(|name| {
            let url = format!("{lambda}/2015-03-31/functions/{name}/invocations");
            (name.clone(), url)
        });
        let mappings = environment.mappings.iter();
        let mappings = mappings.filter(|mapping| mapping.settings.enabled);
        let queues = environment.queues.iter().map(|queue| {
            let url = format!("{aws}/{ACCOUNT_ID}/{}", queue.name);
            (queue.name.clone(), url)
        });
        let queue_mappings = environment.queue_mappings.iter();
        let queue_mappings = queue_mappings.filter(|mapping| mapping.settings.enabled);
        let cache = embedded.cache.as_ref().map(|cache| {
            // One port serves both.
            let url = server::url(cache.address());
            CacheEndpoint {
                grpc: url.clone(),
                http: url,
                protosocket: cache
                    .protosocket_address()
                    .map(|address| server::reached(address).to_string()),
            }
        });
        let mut endpoints = Self {
            page: format!("{aws}{PAGE_PATH}"),
            status: format!("{lambda}{STATUS_PATH}"),
            region: region.to_owned(),
            functions: functions.collect(),
            streams: environment
                .streams
                .iter()
                .map(|stream| stream.name.clone())
                .collect(),
            mappings: mappings
                .map(|mapping| MappingEndpoint {
                    name: mapping.logical_id.clone(),
                    stream: mapping.stream.clone(),
                    function: mapping.function.clone(),
                })
                .collect(),
            queues: queues.collect(),
            queue_mappings: queue_mappings
                .map(|mapping| QueueMappingEndpoint {
                    name: mapping.logical_id.clone(),
                    queue: mapping.queue.clone(),
                    function: mapping.function.clone(),
                })
                .collect(),
            cache,
            variables: BTreeMap::new(),
            aws,
            lambda,
        };
        endpoints.variables = endpoints.variables(environment);
        endpoints
    }

    fn variables(&self, environment: &Environment) -> BTreeMap<&'static str, String> {
        let mut variables: BTreeMap<_, _> = loopback_client::no_proxy().into();
        variables.extend([
            ("AWS_ENDPOINT_URL", self.aws.clone()),
            ("AWS_ENDPOINT_URL_LAMBDA", self.lambda.clone()),
            ("AWS_REGION", self.region.clone()),
            ("AWS_DEFAULT_REGION", self.region.clone()),
            ("AWS_ACCESS_KEY_ID", "local".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
            ("LOCAL_URL", self.lambda.clone()),
        ]);
        let first = environment.functions.first();
        let first = first.and_then(|function| self.functions.get(&function.name));
        variables.extend(first.map(|url| ("INVOKE_URL", url.clone())));
        if let Some(cache) = &self.cache {
            variables.extend([
                ("CACHE_GRPC_URL", cache.grpc.clone()),
                ("CACHE_HTTP_URL", cache.http.clone()),
                ("CACHE_STUB_URL", cache.http.clone()),
                ("MOMENTO_API_KEY", fake_api_key()),
            ]);
            let protosocket = cache.protosocket.clone();
            variables.extend(protosocket.map(|address| ("CACHE_PROTOSOCKET_ADDRESS", address)));
        }
        variables
    }
}

/// Whether a variable of this process would lead a program past the endpoints, or to
/// other credentials.
#[must_use]
pub fn leads_away(name: &str) -> bool {
    const NAMES: [&str; 4] = [
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_SESSION_TOKEN",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    ];
    NAMES.contains(&name) || name.starts_with("AWS_ENDPOINT_URL")
}
