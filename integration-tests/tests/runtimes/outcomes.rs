//! Every outcome of an invocation. Each kind of Lambda must report the same.

use std::{path::PathBuf, sync::Arc};

use anyhow::ensure;
use event_source_mapping::{
    http_target::HttpTarget,
    settings::Settings,
    target::{ErrorKind, Target},
};
use integration_tests::{
    emulator::{Rie, function, serve, target},
    patience::same,
};

use crate::{
    moody,
    pipeline::{Class, Pipeline},
};

/// Each record's request and the outcome of its invocation. The function continues after
/// each.
const TABLE: [(&str, Class); 7] = [
    ("ok", Class::Success),
    ("error", Class::Failed(ErrorKind::Handled)),
    ("panic", Class::Failed(ErrorKind::Handled)),
    ("timeout", Class::Failed(ErrorKind::Timeout)),
    ("exit", Class::Failed(ErrorKind::Exit)),
    ("oversized", Class::Failed(ErrorKind::ResponseTooLarge)),
    ("ok", Class::Success),
];

async fn each_way(target: Arc<dyn Target>) -> anyhow::Result<()> {
    let settings = Settings {
        batch_size: 1,
        maximum_retry_attempts: Some(0),
        ..Settings::default()
    };
    let pipeline = Pipeline::start(target, settings).await?;
    pipeline.write(&TABLE.map(|(mood, _)| mood)).await?;
    let (classes, done) = pipeline.settled(TABLE.len()).await?;
    let expected: Vec<_> = TABLE.iter().map(|(_, class)| *class).collect();
    same("outcomes", classes, expected)?;
    same("records done", done, 2)?;
    pipeline.stop().await;
    Ok(())
}

/// This project's Lambda, invoked in the process.
pub async fn every_function_error_has_its_kind_in_the_process() -> anyhow::Result<()> {
    let function = function(moody(), &[]);
    each_way(target(&function)).await?;
    function.shut_down().await;
    Ok(())
}

/// This project's Lambda, invoked over HTTP.
pub async fn every_function_error_has_its_kind_over_http() -> anyhow::Result<()> {
    let function = function(moody(), &[]);
    let server = serve(function.clone()).await?;
    let url = format!("{}/2015-03-31/functions/function/invocations", server.url());
    each_way(Arc::new(HttpTarget::new(url.parse()?, 1))).await?;
    function.shut_down().await;
    server.shut_down().await;
    Ok(())
}

/// AWS's emulator.
pub async fn with_rie(rie: PathBuf) -> anyhow::Result<()> {
    let rie = Rie::start(&rie, moody()).await?;
    each_way(Arc::new(HttpTarget::new(rie.url().parse()?, 1))).await
}

/// AWS's emulator under load. The mapping sends it one invocation at a time, because it
/// takes no more.
pub async fn ten_thousand(rie: PathBuf) -> anyhow::Result<()> {
    const RECORDS: usize = 10_000;
    let mut rie = Rie::start(&rie, moody()).await?;
    let settings = Settings {
        parallelization_factor: 10,
        ..Settings::default()
    };
    let target = Arc::new(HttpTarget::new(rie.url().parse()?, 1));
    let pipeline = Pipeline::start(target, settings).await?;
    pipeline.write(&vec!["ok"; RECORDS]).await?;
    let (classes, done) = pipeline.settled(RECORDS).await?;
    same("records done", done, RECORDS)?;
    ensure!(
        classes.iter().all(|class| *class == Class::Success),
        "{classes:?}"
    );
    ensure!(rie.is_running(), "RIE has exited");
    pipeline.stop().await;
    Ok(())
}
