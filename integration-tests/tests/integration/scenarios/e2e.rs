//! `klocal e2e`, as a user runs it.

use anyhow::{Context, ensure};
use consumer::config::Protocol;
use integration_tests::patience::same;
use serde_json::Value;
use tokio::process::Command;

use crate::world::Programs;

const RECORDS: u64 = 500;

pub async fn e2e_processes_every_record_through_the_cache(
    programs: Programs,
) -> anyhow::Result<()> {
    let protocol = match programs.protocol {
        Protocol::Grpc => "grpc",
        Protocol::Protosocket => "protosocket",
    };
    let run = Command::new(&programs.local)
        .args(["e2e", "--output=json", "--records"])
        .arg(RECORDS.to_string())
        .arg(format!("--parameter=CacheProtocol={protocol}"))
        .arg("--template")
        .arg(&programs.template)
        .arg("--bootstrap")
        .arg(&programs.bootstrap)
        .arg("--producer")
        .arg(&programs.producer)
        .output()
        .await?;
    let words = String::from_utf8_lossy(&run.stderr);
    ensure!(run.status.success(), "{words}");
    let report: Value = serde_json::from_slice(&run.stdout).context("the report")?;
    same(
        "processed",
        report["records"]["processed"].as_u64(),
        Some(RECORDS),
    )?;
    let cache = &report["cache_requests"];
    // One get a record, and no call for connecting.
    same("gets", cache["get"].as_u64(), Some(RECORDS))?;
    ensure!(cache["hit"].as_u64() > Some(0), "no hits: {report}");
    same("errors", cache["error"].as_u64(), Some(0))?;
    Ok(())
}
