//! `klocal tail` and `klocal status --watch`: in a second terminal.

use std::{convert::Infallible, process::Stdio, time::Duration};

use anyhow::{Context, ensure};
use integration_tests::patience::{PATIENCE, same};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines},
    process::{Child, ChildStdout},
    time::{sleep, timeout},
};

use super::World;

/// A command that goes on, and the lines of its stdout.
struct Following {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Following {
    fn start(world: &World, arguments: &[&str]) -> anyhow::Result<Self> {
        let url = world.embedded.lambda.url();
        let mut command = world.command(&[arguments, &["--url", &url]].concat());
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().context("running the tool")?;
        let stdout = child.stdout.take().context("no stdout")?;
        let lines = BufReader::new(stdout).lines();
        Ok(Self { child, lines })
    }

    /// Reads until a line has all of these.
    async fn line_with(&mut self, parts: &[&str]) -> anyhow::Result<String> {
        let mut seen = Vec::new();
        let found = timeout(PATIENCE, async {
            while let Some(line) = self.lines.next_line().await? {
                if parts.iter().all(|part| line.contains(part)) {
                    return Ok(line);
                }
                seen.push(line);
            }
            anyhow::bail!("it ended")
        });
        match found.await {
            Ok(Ok(line)) => Ok(line),
            Ok(Err(error)) => Err(error.context(format!("no {parts:?} in {seen:#?}"))),
            Err(_) => anyhow::bail!("no {parts:?} in {seen:#?}"),
        }
    }

    /// What it wrote to stderr until it ended, with code 0.
    async fn ended(mut self) -> anyhow::Result<String> {
        let mut stderr = String::new();
        let mut pipe = self.child.stderr.take().context("no stderr")?;
        pipe.read_to_string(&mut stderr).await?;
        same("code", self.child.wait().await?.code(), Some(0))?;
        Ok(stderr)
    }
}

/// Has the function write a line, again and again.
async fn say_hello(world: &World) -> anyhow::Result<Infallible> {
    loop {
        world.put("say:hello").await?;
        sleep(Duration::from_millis(50)).await;
    }
}

pub async fn tail_shows_invocations_log_lines_and_discarded_batches() -> anyhow::Result<()> {
    let world = World::start().await?;
    let mut tail = Following::start(&world, &["tail", "moody"])?;
    // It follows from when it is connected.
    tokio::select! {
        line = tail.line_with(&["moody", " hello"]) => { line?; }
        failed = say_hello(&world) => { failed?; }
    }
    tail.line_with(&["ok ", "1 record ", "shard 0", "key key"])
        .await?;
    world.put("error").await?;
    tail.line_with(&["error ", "1 record ", "failing on purpose"])
        .await?;
    let line = tail
        .line_with(&["discarded", "RetryAttemptsExhausted", "failing on purpose"])
        .await?;
    let id = line.rsplit("klocal failures show ").next();
    let shown = world
        .local(&["failures", "show", id.unwrap_or_default()])
        .await?;
    super::stdout(&shown, 0)?;
    world.stop().await;
    same(
        "stderr",
        tail.ended().await?.as_str(),
        "`klocal up` has stopped\n",
    )
}

pub async fn tail_has_every_event_as_json() -> anyhow::Result<()> {
    let world = World::start().await?;
    let url = format!("{}/_local/events", world.embedded.lambda.url());
    let mut reply = reqwest::get(&url).await?;
    let number = world.put("say:hello").await?;
    let mut text = String::new();
    while !text.contains("batchInvoked") || !text.contains(r#""text":"hello""#) {
        let chunk = timeout(PATIENCE, reply.chunk()).await?;
        let chunk = chunk?.context("it ended")?;
        text.push_str(std::str::from_utf8(&chunk)?);
    }
    let events: Vec<serde_json::Value> = text
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let of = |kind: &str| {
        let mut all = events.iter().filter(|event| event["type"] == kind);
        all.next_back()
            .with_context(|| format!("no {kind} in {text}"))
    };
    let (started, batch) = (of("invocationStarted")?, of("batchInvoked")?);
    same("request", &batch["requestId"], &started["requestId"])?;
    same(
        "request",
        &batch["requestId"],
        &of("invocationEnded")?["requestId"],
    )?;
    same("by a mapping", &started["byMapping"], &true.into())?;
    same("record", &batch["startSequenceNumber"], &number.into())?;
    same("outcome", &batch["outcome"], &"ok".into())?;
    same(
        "environment",
        &of("log")?["environment"],
        &started["environment"],
    )?;
    world.stop().await;
    // The reply ends with the environment.
    while timeout(PATIENCE, reply.chunk()).await??.is_some() {}
    Ok(())
}

pub async fn tail_refuses_a_function_that_does_not_exist() -> anyhow::Result<()> {
    let world = World::start().await?;
    let refused = super::stderr(&world.local(&["tail", "nobody"]).await?, 2)?;
    same(
        "stderr",
        refused.as_str(),
        "error: there is no function nobody\nhint: name one of moody\n",
    )?;
    world.stop().await;
    Ok(())
}

pub async fn status_that_is_watched_in_a_pipe_shows_each_change() -> anyhow::Result<()> {
    let world = World::start().await?;
    let mut status = Following::start(&world, &["status", "--watch"])?;
    status.line_with(&["Mapping: orders → moody"]).await?;
    world.put("ok").await?;
    let line = status.line_with(&["shardId-000000000000", "…"]).await?;
    ensure!(!line.contains('\u{1b}'), "{line}");
    let pid = status.child.id().context("it has ended")?;
    kill(Pid::from_raw(pid.try_into()?), Signal::SIGINT)?;
    same("stderr", status.ended().await?.as_str(), "")?;
    world.stop().await;
    Ok(())
}
