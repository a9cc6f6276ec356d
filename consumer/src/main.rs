//! `bootstrap`: the executable that Lambda starts.

use std::{process::ExitCode, sync::Arc};

use aws_lambda_events::event::kinesis::KinesisEvent;
use consumer::init::{self, Function};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    log_as_json();
    let function = match init::initialise().await {
        Ok(function) => Arc::new(function),
        Err(error) => {
            // Lambda shows the last lines of a failed init; one line says it all.
            tracing::error!("init failed: {error}");
            return ExitCode::from(2);
        }
    };
    match serve(function).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("the Lambda runtime stopped: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(function: Arc<Function>) -> Result<(), Error> {
    lambda_runtime::spawn_graceful_shutdown_handler(|| async {}).await;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<KinesisEvent>| {
        let function = function.clone();
        async move { Ok::<_, Error>(function.handle(event.payload).await) }
    }))
    .await
}

fn log_as_json() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_env_filter(filter)
        .init();
}
