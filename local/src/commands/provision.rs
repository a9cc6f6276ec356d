//! `klocal provision`: creates the resources of the template at any AWS endpoint.

use std::process::ExitCode;

use clap::Args;
use momento_offline::transport::Transport;

use super::{
    args::{CacheArgs, EndpointArgs, TemplateArgs},
    table::render,
};
use crate::{
    outcome::{Failure, Outcome},
    project::Project,
    provision::{Provisioned, Provisioner, sdk_config},
};

/// Create the resources of the template at any AWS endpoint. Those that differ from it are
/// updated; a second run changes nothing.
#[derive(Debug, Args)]
pub struct Provision {
    #[command(flatten)]
    template: TemplateArgs,
    #[command(flatten)]
    cache: CacheArgs,

    #[command(flatten)]
    endpoint: EndpointArgs,
}

impl Provision {
    /// Creates every resource and prints which ones existed already.
    ///
    /// # Errors
    ///
    /// The template cannot be read, or a resource cannot be created.
    pub async fn run(self) -> Outcome {
        let Project {
            environment, local, ..
        } = self.template.read()?;
        let cache = self.cache.resolve(Transport::Server)?;
        let seed = local.seed(&cache.values(None), cache.is_momento());
        let config = sdk_config(&self.endpoint.endpoint_url, &self.template.region);
        let provisioner = Provisioner::new(&config);
        let mut done = provisioner
            .provision(&environment, &seed)
            .await
            .map_err(Failure::run)?;
        for queue in &environment.queues {
            match provisioner.queue(queue).await {
                Ok(made) => done.push(made),
                // Its folder has the documents too.
                Err(error) => eprintln!("skipped (optional queue): {error}"),
            }
        }
        for warning in done.iter().flat_map(Provisioned::warnings) {
            eprintln!("{warning}");
        }
        let rows = done.into_iter().map(|resource| {
            let state = resource.state();
            [resource.what, state]
        });
        let rows: Vec<_> = rows.collect();
        print!("{}", render(&rows));
        Ok(ExitCode::SUCCESS)
    }
}
