//! `klocal status`: what the event source mappings and the cache of a running
//! `klocal up` do.

use std::{fmt::Write, process::ExitCode, time::Duration};

use anyhow::{Context, anyhow};
use clap::Args;
use event_source_mapping::status::{MappingStatus, ShardStatus};
use momento_offline::admin::CacheStatus;
pub(super) use reqwest::Method;
use reqwest::Response;
use serde::de::DeserializeOwned;

use super::{args::UrlArgs, queue_status, table, watch_status};
use crate::{
    outcome::{Failure, Outcome},
    status_board::{STATUS_PATH, Status},
    terminal::{Screen, units},
};

/// Show each shard's checkpoint, iterator age, counts and last error, and what
/// the cache holds and was asked.
#[derive(Debug, Args)]
pub struct StatusCommand {
    #[command(flatten)]
    url: UrlArgs,

    /// Print the status as JSON
    #[arg(long)]
    json: bool,

    /// Show it again every second, until Ctrl-C; in a pipe, whenever it has changed
    #[arg(short, long)]
    watch: bool,
}

impl StatusCommand {
    /// Asks once and prints.
    ///
    /// # Errors
    ///
    /// Nothing answers there, or not with a status.
    pub async fn run(self) -> Outcome {
        let url = self.url.url();
        if self.watch {
            return watch_status::run(&url, self.json).await;
        }
        let status = ask(&url).await.map_err(Failure::run)?;
        print!("{}", text(&status, self.json, Screen::stdout().width)?);
        Ok(ExitCode::SUCCESS)
    }
}

/// The status for a terminal of `width` columns, or as JSON.
pub(super) fn text(status: &Status, json: bool, width: Option<usize>) -> Result<String, Failure> {
    if json {
        let text = serde_json::to_string_pretty(status).map_err(Failure::run)?;
        return Ok(text + "\n");
    }
    let mut text = describe(&status.mappings, width);
    text.push_str(&queue_status::describe(&status.queue_mappings, width));
    text.extend(status.cache.as_ref().map(|status| cache(status, width)));
    Ok(text)
}

/// Asks a running environment for its status.
///
/// # Errors
///
/// Nothing answers at `url`, or it answers with something else.
pub(super) async fn ask(url: &str) -> anyhow::Result<Status> {
    ask_for(url, STATUS_PATH, Method::GET, None).await
}

/// Asks a running environment for the JSON document at `path`; the reply may take
/// `most`.
///
/// # Errors
///
/// As [`ask`].
pub(super) async fn ask_for<T: DeserializeOwned>(
    url: &str,
    path: &str,
    method: Method,
    most: Option<Duration>,
) -> anyhow::Result<T> {
    let reply = request(url, path, method, most).await?;
    let url = reply.url().clone();
    reply
        .json()
        .await
        .with_context(|| format!("{url} returned no status of `klocal up`"))
}

/// Sends a request to a running environment.
///
/// # Errors
///
/// Nothing answers at `url`, or it refuses.
pub(super) async fn request(
    url: &str,
    path: &str,
    method: Method,
    most: Option<Duration>,
) -> anyhow::Result<Response> {
    let url = format!("{}{path}", url.trim_end_matches('/'));
    let mut request = loopback_client::client(&url).request(method, &url);
    if let Some(most) = most {
        request = request.timeout(most);
    }
    let reply = request
        .send()
        .await
        .map_err(|error| {
            let error = anyhow::Error::new(error);
            anyhow!(
                "nothing answers at {url}: {error:#}\nhint: start `klocal up`, or name another with `--url URL`"
            )
        })?;
    reply.error_for_status().map_err(|error| {
        let error = anyhow::Error::new(error);
        anyhow!("{url} has no status: {error:#}\nhint: name the Invoke API's port with `--url URL`")
    })
}

/// The mappings for a terminal of `width` columns: columns without a count are left out
/// where there is no room.
pub(super) fn describe(mappings: &[MappingStatus], width: Option<usize>) -> String {
    let mut text = String::new();
    for mapping in mappings {
        // Writing to a string cannot fail.
        // It is enabled, or nothing here can change that.
        let state = mapping.state.as_deref().filter(|state| *state != "Enabled");
        let _ = writeln!(
            text,
            "{}: {} → {}{}",
            mapping.name,
            short(&mapping.stream_arn),
            short(&mapping.function),
            state.map_or_else(String::new, |state| format!(" ({})", state.to_lowercase()))
        );
        text.push_str(&table::fit(&rows(mapping, width), width));
        for (shard, status) in &mapping.shards {
            if let Some(error) = &status.last_error {
                let _ = writeln!(text, "  last error of {shard}: {error}");
            }
            if let Some(waiting) = &status.waiting_for {
                let _ = writeln!(text, "  {shard} waits for {waiting}");
            }
        }
    }
    text
}

/// The name that an ARN ends with.
pub(super) fn short(arn: &str) -> &str {
    match arn.strip_prefix("arn:") {
        Some(rest) => rest.rsplit([':', '/']).next().unwrap_or(arn),
        None => arn,
    }
}

/// The narrowest terminal with whole shard ids.
const WIDE: usize = 120;

fn rows(mapping: &MappingStatus, width: Option<usize>) -> Vec<[String; 11]> {
    let whole = width.is_none_or(|width| width >= WIDE);
    let heading = [
        "shard",
        "checkpoint",
        "age ms",
        "batches",
        "records",
        "filtered",
        "discarded",
        "retries",
        "in flight",
        "pending",
        "back-off ms",
    ];
    let shards = mapping.shards.iter().map(|(id, status)| {
        let id = if whole { id } else { units::shard(id) };
        row(id, status)
    });
    std::iter::once(heading.map(str::to_owned))
        .chain(shards)
        .collect()
}

fn row(id: &str, status: &ShardStatus) -> [String; 11] {
    let checkpoint = status.checkpoint.as_deref();
    let checkpoint = checkpoint.map_or_else(|| "-".to_owned(), units::sequence_number);
    [
        id.to_owned(),
        checkpoint,
        status.iterator_age_ms.to_string(),
        status.batches.to_string(),
        status.records.to_string(),
        status.filtered.to_string(),
        status.discarded.to_string(),
        status.retries.to_string(),
        status.in_flight.to_string(),
        status.pending.to_string(),
        status.back_off_ms.to_string(),
    ]
}

fn cache(cache: &CacheStatus, width: Option<usize>) -> String {
    let (counts, usage) = (cache.counts, cache.usage);
    let numbers = [
        ("get", counts.get),
        ("hit", counts.hit),
        ("miss", counts.miss),
        ("set", counts.set),
        ("delete", counts.delete),
        ("other", counts.other),
        ("error", counts.error),
        ("items", usage.items),
        ("bytes", usage.bytes),
        ("expired", usage.expired),
        ("evicted", usage.evicted),
    ];
    let rows = [
        numbers.map(|(name, _)| name.to_owned()),
        numbers.map(|(_, number)| number.to_string()),
    ];
    let caches = cache.caches.join(", ");
    let protosocket = cache.protosocket;
    let protosocket = protosocket.map(|address| format!(", protosocket at {address}"));
    let mut text = format!(
        "Cache: {caches} ({}{})\n{}",
        cache.transport,
        protosocket.unwrap_or_default(),
        table::fit(&rows, width)
    );
    for fault in &cache.faults {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  fault {}: {} hit", fault.rule, fault.hit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{cache, describe};
    use event_source_mapping::status::{MappingStatus, ShardStatus};
    use momento_offline::{admin::CacheStatus, faults::Fault, keyspace::Keyspace};

    #[test]
    fn a_status_is_a_line_for_each_shard_and_its_last_error() {
        let shard = ShardStatus {
            checkpoint: Some("49590338271490256608559692538361571095921575989136588898".into()),
            iterator_age_ms: 3,
            batches: 2,
            records: 10,
            back_off_ms: 1500,
            last_error: Some("it fails".into()),
            ..ShardStatus::default()
        };
        let status = MappingStatus {
            name: "Mapping".into(),
            function: "f".into(),
            stream_arn: "s".into(),
            shards: [("shardId-0".to_owned(), shard)].into(),
            state: Some("Enabled".into()),
        };
        let expected = "\
Mapping: s → f
  shard      checkpoint     age ms  batches  records  filtered  discarded  retries  in flight  pending  back-off ms
  shardId-0  …989136588898  3       2        10       0         0          0        0          0        1500
  last error of shardId-0: it fails
";
        assert_eq!(describe(std::slice::from_ref(&status), None), expected);
        let disabled = MappingStatus {
            state: Some("Disabled".into()),
            ..status
        };
        let heading = "Mapping: s → f (disabled)\n";
        assert!(describe(&[disabled], None).starts_with(heading));
    }

    #[test]
    fn the_cache_is_what_it_was_asked_and_holds_and_its_faults() {
        let keyspace = Keyspace::with_caches(["sample-a"]);
        keyspace.faults.set(Fault::AuthFailure).unwrap();
        let expected = "\
Cache: sample-a (stub)
  get  hit  miss  set  delete  other  error  items  bytes  expired  evicted
  0    0    0     0    0       0      0      0      0      0        0
  fault auth: 0 hit
";
        let mut status = CacheStatus::of(&keyspace, "stub");
        assert_eq!(cache(&status, None), expected);
        status.protosocket = Some(([127, 0, 0, 1], 9004).into());
        let heading = "Cache: sample-a (stub, protosocket at 127.0.0.1:9004)\n";
        assert!(cache(&status, None).starts_with(heading));
    }
}
