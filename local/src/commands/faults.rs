//! `klocal faults`: the fault rules of a running cache.

use std::{
    io::Read,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, anyhow, bail};
use clap::{Args, Subcommand};
use momento_offline::{
    admin::{FAULTS_PATH, FaultStatus},
    faults::{FaultPlan, FaultRule},
};
use reqwest::{Method, StatusCode};

use super::table;
use crate::outcome::{Failure, Outcome};

/// Inject faults into a running cache: errors, latency, dropped connections.
#[derive(Debug, Args)]
#[command(after_help = "\
A rule is FAULT[,call=Get+Set][,count=N][,probability=P]. FAULT is one of

  error=UNAVAILABLE             fail with this gRPC status
  latency=20ms                  delay by 20 ms
  latency=5ms..80ms             delay by a random time in this range
  latency=p50:2ms/p99:50ms      delay with a long tail
  rate-limit=100                refuse calls beyond 100 per second
  auth                          refuse the API key
  cache-missing                 report that the cache does not exist
  black-hole                    never answer
  drop                          close the connection (--cache server)

Rules apply in order. Delays add up; the first other fault ends the call.")]
pub struct Faults {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Replace all fault rules
    Set(Set),
    /// Show the rules and how often each was applied
    List(List),
    /// Remove all fault rules
    Clear(At),
}

#[derive(Debug, Args)]
struct At {
    /// The cache's URL
    #[arg(
        long,
        env = "CACHE_STUB_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:8080"
    )]
    url: String,
}

#[derive(Debug, Args)]
struct Set {
    /// The rules, in order
    #[arg(value_name = "RULE", required_unless_present = "file")]
    rules: Vec<FaultRule>,

    /// Read the plan as JSON from this file; - is stdin
    #[arg(long, value_name = "FILE", conflicts_with_all = ["rules", "seed"])]
    file: Option<PathBuf>,

    /// The seed of random faults
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    #[command(flatten)]
    at: At,
}

#[derive(Debug, Args)]
struct List {
    #[command(flatten)]
    at: At,

    /// Print the rules as JSON
    #[arg(long)]
    json: bool,
}

impl Faults {
    /// Asks the cache and prints its fault rules.
    ///
    /// # Errors
    ///
    /// No cache answers there, or it refuses the plan.
    pub async fn run(self) -> Outcome {
        let (status, json) = match self.command {
            Command::Set(set) => {
                let plan = set.plan().map_err(Failure::Configuration)?;
                (set.at.ask(Method::PUT, Some(&plan)).await, false)
            }
            Command::List(list) => (list.at.ask(Method::GET, None).await, list.json),
            Command::Clear(at) => (at.ask(Method::DELETE, None).await, false),
        };
        let status = status.map_err(Failure::Run)?;
        if json {
            let text = serde_json::to_string_pretty(&status).map_err(Failure::run)?;
            println!("{text}");
        } else {
            print!("{}", describe(&status));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Set {
    fn plan(&self) -> anyhow::Result<FaultPlan> {
        let Some(file) = &self.file else {
            return Ok(FaultPlan {
                seed: self.seed,
                rules: self.rules.clone(),
            });
        };
        let text = read(file).with_context(|| format!("reading the plan {}", file.display()))?;
        serde_json::from_str(&text)
            .with_context(|| format!("{} is not a fault plan", file.display()))
    }
}

fn read(file: &Path) -> std::io::Result<String> {
    if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(file)
}

impl At {
    async fn ask(&self, method: Method, plan: Option<&FaultPlan>) -> anyhow::Result<FaultStatus> {
        let url = format!("{}{FAULTS_PATH}", self.url.trim_end_matches('/'));
        let mut request = loopback_client::client(&url).request(method, &url);
        if let Some(plan) = plan {
            request = request.json(plan);
        }
        let reply = request.send().await.map_err(|error| {
            let error = anyhow::Error::new(error);
            anyhow!(
                "nothing answers at {url}: {error:#}\nhint: start `klocal up` or `klocal cache`, or name another with `--url URL`"
            )
        })?;
        if reply.status() == StatusCode::BAD_REQUEST {
            bail!("{}", reply.text().await?.trim());
        }
        reply
            .error_for_status()?
            .json()
            .await
            .with_context(|| format!("{url} returned no fault plan"))
    }
}

fn describe(status: &FaultStatus) -> String {
    if status.rules.is_empty() {
        return "no faults\n".to_owned();
    }
    let heading = ["rule", "calls", "hit"].map(str::to_owned);
    let rules = status.rules.iter().map(|rule| {
        [
            rule.rule.to_string(),
            rule.seen.to_string(),
            rule.hit.to_string(),
        ]
    });
    let rows: Vec<_> = std::iter::once(heading).chain(rules).collect();
    format!("seed {}\n{}", status.seed, table::render(&rows))
}

#[cfg(test)]
mod tests {
    use super::describe;
    use momento_offline::{admin::FaultStatus, faults::RuleStatus};

    #[test]
    fn a_plan_is_a_line_for_each_rule() {
        let rule = |text: &str, seen, hit| RuleStatus {
            rule: text.parse().unwrap(),
            seen,
            hit,
        };
        let status = FaultStatus {
            seed: 7,
            rules: vec![
                rule("latency=20ms", 12, 12),
                rule("error=UNAVAILABLE,call=Get,count=3", 8, 3),
            ],
        };
        let expected = "\
seed 7
  rule                                calls  hit
  latency=20ms                        12     12
  error=UNAVAILABLE,call=Get,count=3  8      3
";
        assert_eq!(describe(&status), expected);
    }
}
