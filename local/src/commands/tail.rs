//! `klocal tail`: what happens in a running `klocal up`, in a second terminal.

use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use reqwest::Response;

use super::{
    args::UrlArgs,
    log_args::{self, ViewArgs},
    status::{self, Method},
};
use crate::{
    events::{Event, EventBus, stream::EVENTS_PATH},
    outcome::{Failure, Outcome},
    output::Output,
    signals::Signals,
    terminal::{Presenter, Screen, follow::follow},
};

/// Follow what happens in a running `klocal up`, from now on, until Ctrl-C.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  klocal tail --level warn
  klocal tail my-function --logs raw | jq .")]
pub struct Tail {
    /// Show only what happens to these functions
    #[arg(value_name = "FUNCTION")]
    functions: Vec<String>,

    #[command(flatten)]
    view: ViewArgs,

    #[command(flatten)]
    url: UrlArgs,
}

impl Tail {
    /// Follows until Ctrl-C, or until the environment stops.
    ///
    /// # Errors
    ///
    /// Nothing answers, or the connection breaks off.
    pub async fn run(self) -> Outcome {
        let mut signals = Signals::listen().map_err(Failure::configuration)?;
        let url = &self.url.url();
        let running = status::ask(url).await.map_err(Failure::run)?;
        if !running.functions.is_empty() {
            log_args::check(&self.functions, &running.functions)?;
        }
        let reply = status::request(url, EVENTS_PATH, Method::GET, None).await;
        let reply = reply.map_err(Failure::run)?;
        let (bus, output) = (EventBus::default(), Output::stdout());
        let names = running.functions.iter().map(String::as_str);
        let presenter = Presenter::new(self.view.view(&self.functions), names);
        let shown = follow(bus.subscribe(), presenter, Screen::stdout, output.clone());
        let ended = tokio::select! {
            read = read(reply, &bus) => read
                .context("the connection to `klocal up` broke off")
                .map(|()| eprintln!("`klocal up` has stopped")),
            _ = signals.next() => Ok(()),
        };
        bus.close();
        // A panic in it ends only the showing.
        let _ = shown.await;
        let dropped = output.finish();
        if dropped > 0 {
            eprintln!("warning: {dropped} lines were dropped: stdout was not read in time");
        }
        ended.map_err(Failure::run)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Publishes every event of a reply, until it ends.
async fn read(mut reply: Response, bus: &EventBus) -> reqwest::Result<()> {
    let mut text = Vec::new();
    while let Some(chunk) = reply.chunk().await? {
        text.extend_from_slice(&chunk);
        let mut lines = text.split_inclusive(|byte| *byte == b'\n');
        let mut rest = 0;
        for line in lines.by_ref().filter(|line| line.ends_with(b"\n")) {
            rest += line.len();
            // Events of a newer version are skipped.
            if let Ok(event) = serde_json::from_slice::<Event>(line) {
                bus.publish_at(|| event.time, || event.kind);
            }
        }
        text.drain(..rest);
    }
    Ok(())
}
