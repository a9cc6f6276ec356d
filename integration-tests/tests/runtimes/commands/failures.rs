//! `klocal failures`.

use anyhow::{Context, ensure};
use integration_tests::patience::same;

use super::{World, stderr, stdout};

pub async fn failures_are_listed_shown_and_redriven() -> anyhow::Result<()> {
    let world = World::start().await?;
    let nothing = world.local(&["failures", "list"]).await?;
    same(
        "nothing",
        stdout(&nothing, 0)?.as_str(),
        "no batch was discarded\n",
    )?;
    let number = world.put("error").await?;
    stderr(&world.local(&["wait"]).await?, 1)?;

    let list = stdout(&world.local(&["failures", "list"]).await?, 0)?;
    let line = list.lines().nth(1).context("no line")?;
    ensure!(
        line.contains("RetryAttemptsExhausted") && line.ends_with("failing on purpose"),
        "{list}"
    );
    let id = line.split_whitespace().next().context("no id")?;

    // The records come from the stream of the same environment, on whatever port.
    let shown = stdout(&world.local(&["failures", "show", id]).await?, 0)?;
    let mut lines = shown.lines();
    same("error", lines.next(), Some("failing on purpose"))?;
    ensure!(shown.contains("\n1  key key  arrived "), "{shown}");
    ensure!(shown.contains(&format!("  {number}\n  error\n")), "{shown}");
    let json = stdout(&world.local(&["failures", "show", id, "--json"]).await?, 0)?;
    let json: serde_json::Value = serde_json::from_str(&json)?;
    same(
        "error",
        json["functionErrorPayload"]["errorMessage"].as_str(),
        Some("failing on purpose"),
    )?;

    // It fails on them again, and the invocation record stays.
    let again = world.local(&["failures", "redrive", "--all"]).await?;
    ensure!(
        stderr(&again, 1)?.starts_with("error: 1 batch not redriven\n"),
        "{again:?}"
    );
    let url = format!(
        "{}/2015-03-31/functions/nobody/invocations",
        world.embedded.lambda.url()
    );
    let arguments = ["failures", "redrive", id, "--invoke-url", &url];
    let missing = world.local(&arguments).await?;
    ensure!(
        stderr(&missing, 1)?.contains("Function not found"),
        "a function that does not exist"
    );
    let unchanged = stdout(&world.local(&["failures", "list"]).await?, 0)?;
    same("list", unchanged, list)?;
    world.stop().await;
    Ok(())
}
