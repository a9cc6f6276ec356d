//! `klocal provision`: creates the resources of the template at any AWS endpoint.

use std::process::ExitCode;

use clap::Args;
use loopback_client::sdk_config;
use momento_offline::transport::Transport;

use super::{
    args::{CacheArgs, EndpointArgs, TemplateArgs},
    table::render,
};
use crate::{
    outcome::{Failure, Outcome},
    project::Project,
    provision::{Provisioned, Provisioner},
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
        for made in provisioner.queues(&environment).await {
            match made {
                Ok(made) => done.push(made),
                // A failure folder has what a stream's mapping sends there.
                Err(error) if environment.queue_mappings.is_empty() => {
                    eprintln!("skipped (optional queue): {error}");
                }
                Err(error) => return Err(Failure::run(error)),
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
