//! `bootstrap`: the executable that Lambda starts.

// The decorators and the runtime's layers nest types deeper than the compiler's
// default limit.
#![recursion_limit = "256"]

use std::{process::ExitCode, sync::Arc, time::Duration};

use aws_lambda_events::event::kinesis::KinesisEvent;
use consumer::{
    config::Config,
    init::{self, Function, InitError},
    invocation::Invocation,
    logging,
};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use tracing::Instrument;

// One thread: a batch mostly waits, and passing each reply to another thread costs
// more than that thread saves (docs/trials.md, "One thread or several").
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let (function, margin) = match start().await {
        Ok(started) => started,
        Err(error) => {
            // One line with the reason: Lambda shows the last ones of a failed init.
            tracing::error!("init failed: {error}");
            return ExitCode::from(2);
        }
    };
    match serve(Arc::new(function), margin).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("the Lambda runtime stopped: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn start() -> Result<(Function, Duration), InitError> {
    logging::start()?;
    let config = Config::from_env()?;
    tracing::info!(?config, "starting");
    let margin = config.handling.margin;
    Ok((init::initialise(config).await?, margin))
}

async fn serve(function: Arc<Function>, margin: Duration) -> Result<(), Error> {
    lambda_runtime::spawn_graceful_shutdown_handler(|| async {}).await;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<KinesisEvent>| {
        let function = function.clone();
        async move {
            let invocation = Invocation::new(&event.context, margin);
            let handling = function.handle(&event.payload, &invocation);
            Ok::<_, Error>(handling.instrument(logging::span(&invocation)).await)
        }
    }))
    .await
}
