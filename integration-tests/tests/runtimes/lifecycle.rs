//! Execution environments: shared, throttled, idle, shut down, replaced.

use std::{fs, path::Path, time::Duration};

use anyhow::ensure;
use event_source_mapping::settings::Settings;
use integration_tests::{
    emulator::{event, function, function_with, target},
    patience::{eventually, same},
};
use lambda_host::Outcome;
use local::{
    bootstraps::Source,
    watch::{News, Watch},
};

use crate::{
    bootstraps::{BASH, executable},
    moody,
    pipeline::{Class, Pipeline},
};

/// Two invocations in one process wait for each other.
pub async fn one_execution_environment_takes_several_invocations() -> anyhow::Result<()> {
    let function = function(moody(), &[("AWS_LAMBDA_MAX_CONCURRENCY", "2")]);
    let (one, other) = tokio::join!(
        function.invoke(event("meet")),
        function.invoke(event("meet"))
    );
    for invoked in [one, other] {
        let succeeded = matches!(invoked.outcome, Outcome::Success(_));
        ensure!(succeeded, "{:?}", invoked.outcome);
    }
    same("cold starts", function.cold_starts(), 1)?;
    function.shut_down().await;
    Ok(())
}

/// The execution environment takes two invocations; the third is throttled.
pub async fn an_invocation_beyond_the_concurrency_is_throttled() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let files = ["one", "other"].map(|name| folder.path().join(name));
    let function = function(moody(), &[("AWS_LAMBDA_MAX_CONCURRENCY", "2")]);
    let mut held = tokio::task::JoinSet::new();
    for file in &files {
        let (function, mood) = (function.clone(), format!("hold:{}", file.display()));
        held.spawn(async move { function.invoke(event(&mood)).await.outcome });
    }
    let both = || files.iter().all(|file| file.exists());
    eventually("two invocations run", both, |both| *both).await?;
    let third = function.invoke(event("ok")).await;
    same("third invocation", third.outcome, Outcome::Throttled)?;
    for file in &files {
        fs::remove_file(file)?;
    }
    for outcome in held.join_all().await {
        ensure!(matches!(outcome, Outcome::Success(_)), "{outcome:?}");
    }
    same("cold starts", function.cold_starts(), 1)?;
    function.shut_down().await;
    Ok(())
}

pub async fn an_idle_execution_environment_is_shut_down_and_replaced() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let farewell = folder.path().join("farewell");
    let function = function_with(
        moody(),
        &[("MOODY_FAREWELL", &farewell.to_string_lossy())],
        Duration::from_millis(50),
    );
    function.warm_up().await.map_err(failed)?;
    eventually(
        "no environment",
        || function.environments(),
        |count| *count == 0,
    )
    .await?;
    let hook_ran = || farewell.exists();
    eventually("the shutdown hook has run", hook_ran, |ran| *ran).await?;
    let invoked = function.invoke(event("ok")).await;
    ensure!(matches!(invoked.outcome, Outcome::Success(_)));
    same("cold starts", function.cold_starts(), 2)?;
    function.shut_down().await;
    Ok(())
}

/// The process gets SIGTERM, and SIGKILL if it does not end.
pub async fn a_process_that_ignores_sigterm_is_killed() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let farewell = folder.path().join("farewell");
    let farewell_text = farewell.to_string_lossy();
    let variables = [("MOODY_FAREWELL", &*farewell_text), ("MOODY_STUBBORN", "1")];
    let function = function(moody(), &variables);
    function.warm_up().await.map_err(failed)?;
    // This returns only once the process has ended, although its hook never ends.
    function.shut_down().await;
    ensure!(farewell.exists(), "the shutdown hook has not run");
    same("environments", function.environments(), 0)
}

/// While records are processed, a build that does not start is rejected, and then a
/// working one replaces the running build.
pub async fn a_function_is_replaced_without_losing_a_record() -> anyhow::Result<()> {
    const RECORDS: usize = 80;
    let folder = tempfile::tempdir()?;
    let bootstrap = executable(&folder.path().join("bootstrap"), BASH)?;
    let second = folder.path().join("second");
    let function = function(&bootstrap, &[]);
    // A later cold start would run the file as it is then.
    function.warm_up().await.map_err(failed)?;
    let settings = Settings {
        batch_size: 1,
        ..Settings::default()
    };
    let pipeline = Pipeline::start(target(&function), settings).await?;
    let (tell, mut news) = tokio::sync::mpsc::unbounded_channel();
    let watch = Watch::new(function.clone(), Source::File(bootstrap.clone()), false)?;
    let watching = tokio::spawn(watch.run(move |news| drop(tell.send(news))));

    pipeline.write(&["ok"; RECORDS / 4]).await?;
    write_whole(&bootstrap, "#!/bin/sh\necho 'a syntax error' >&2\nexit 2\n")?;
    pipeline.write(&["ok"; RECORDS / 4]).await?;
    let Some(News::Kept { reason, .. }) = news.recv().await else {
        anyhow::bail!("the broken build was accepted");
    };
    ensure!(reason.contains("a syntax error"), "{reason}");

    pipeline.write(&["ok"; RECORDS / 4]).await?;
    let marks = format!("true; do\n  touch '{}'", second.display());
    write_whole(&bootstrap, &BASH.replacen("true; do", &marks, 1))?;
    let replaced = matches!(news.recv().await, Some(News::Replaced { .. }));
    ensure!(replaced, "the new build was not accepted");
    pipeline.write(&["ok"; RECORDS / 4]).await?;

    let (classes, done) = pipeline.settled(RECORDS).await?;
    same("records done", done, RECORDS)?;
    let successes = classes.iter().filter(|class| **class == Class::Success);
    same("successes", successes.count(), classes.len())?;
    ensure!(second.exists(), "the new build never ran");
    watching.abort();
    pipeline.stop().await;
    function.shut_down().await;
    Ok(())
}

/// Writes a file as an editor does: a reader never sees half of it.
fn write_whole(path: &Path, text: &str) -> anyhow::Result<()> {
    let beside = executable(&path.with_extension("new"), text)?;
    Ok(fs::rename(beside, path)?)
}

#[allow(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn failed(error: lambda_host::outcome::FunctionError) -> anyhow::Error {
    anyhow::anyhow!(error.text())
}
