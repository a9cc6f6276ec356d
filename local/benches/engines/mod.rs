//! What the benchmarks of the engines share: the endpoints, alternating rounds, and the
//! table of their medians.

use std::{env, fs, sync::Arc, time::Instant};

use aws_wire::service::Service;
use local::aws::gateway::Gateway;
use serde_json::Value;
use tokio::net::TcpListener;

/// Rounds unless `rounds=N` says otherwise.
const ROUNDS: usize = 5;

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How a service's requests look.
#[derive(Clone, Copy)]
pub struct Api {
    pub content_type: &'static str,
    /// The part of `X-Amz-Target` before the dot.
    pub target: &'static str,
    /// The service in a signature.
    pub scope: &'static str,
}

#[derive(Clone)]
pub struct Endpoint {
    name: String,
    url: String,
    api: Api,
    http: reqwest::Client,
}

impl Endpoint {
    fn new(name: &str, url: &str, api: Api) -> Self {
        Self {
            name: name.to_owned(),
            url: url.to_owned(),
            api,
            http: reqwest::Client::new(),
        }
    }

    pub async fn call(&self, operation: &str, body: String) -> Result<Value, reqwest::Error> {
        let body = self.send(operation, body).await?.bytes().await?;
        Ok(serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    pub async fn send(&self, operation: &str, body: String) -> reqwest::Result<reqwest::Response> {
        let Api {
            content_type,
            target,
            scope,
        } = self.api;
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{scope}/aws4_request, \
             SignedHeaders=host;x-amz-date, Signature=0"
        );
        let request = self
            .http
            .post(&self.url)
            .header("content-type", content_type)
            .header("x-amz-target", format!("{target}.{operation}"))
            .header("x-amz-date", "20260101T000000Z")
            .header("authorization", authorization);
        request.body(body).send().await?.error_for_status()
    }
}

/// What the command line asks for.
pub struct Asked {
    /// Ours first.
    pub endpoints: Vec<Endpoint>,
    pub rounds: usize,
    /// `calls=N`: how many calls of each kind a round makes.
    #[allow(dead_code, reason = "the benchmark of Kinesis has a number of its own")]
    pub calls: Option<usize>,
}

/// Serves `ours`, and adds the endpoints of the command line.
pub async fn asked(ours: Arc<dyn Service>, api: Api) -> Result<Asked, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let router = Gateway::new(vec![ours]).router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let mut endpoints = vec![Endpoint::new("ours", &url, api)];
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (mut rounds, mut calls) = (ROUNDS, None);
    for (name, value) in arguments.iter().filter_map(|one| one.split_once('=')) {
        match name {
            "rounds" => rounds = value.parse()?,
            "calls" => calls = Some(value.parse()?),
            peer => endpoints.push(Endpoint::new(peer, value, api)),
        }
    }
    Ok(Asked {
        endpoints,
        rounds,
        calls,
    })
}

/// Measures the endpoints in turn, `rounds` times, and prints a row of medians for each.
/// A column has its heading, and how many decimals its figures have.
pub async fn compare<const N: usize>(
    columns: [(&str, usize); N],
    asked: &Asked,
    measure: impl AsyncFn(&Endpoint, &str) -> Result<[f64; N], Failure>,
) {
    let Asked {
        endpoints, rounds, ..
    } = asked;
    let mut measured: Vec<Vec<[f64; N]>> = vec![Vec::new(); endpoints.len()];
    for round in 0..*rounds {
        for (endpoint, measured) in endpoints.iter().zip(&mut measured) {
            match measure(endpoint, &format!("bench-{round}")).await {
                Ok(figures) => measured.push(figures),
                Err(error) => eprintln!("{}: {error}", endpoint.name),
            }
        }
    }
    println!(
        "| engine | {} |",
        columns.map(|(heading, _)| heading).join(" | ")
    );
    println!("|---{}|", "|---".repeat(N));
    for (endpoint, measured) in endpoints.iter().zip(&measured) {
        let cells = columns.iter().enumerate().map(|(column, (_, decimals))| {
            let median = median(measured.iter().map(|round| round[column]).collect());
            format!("{median:.decimals$}")
        });
        let cells: Vec<_> = cells.collect();
        println!("| {} | {} |", endpoint.name, cells.join(" | "));
    }
}

/// The resident memory of this process, in KiB.
pub fn resident() -> Result<f64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.unwrap_or("0").parse()?)
}

#[allow(clippy::cast_precision_loss)]
pub fn per_second(count: usize, since: Instant) -> f64 {
    count as f64 / since.elapsed().as_secs_f64()
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
