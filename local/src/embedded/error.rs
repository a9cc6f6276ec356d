//! Why an environment could not be started.

use std::path::PathBuf;

use crate::{aws::apis, mappings::CheckpointError, ports::PortError, provision::ProvisionError};

/// Why it could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The AWS APIs.
    #[error(transparent)]
    Aws(#[from] apis::OpenError),
    /// The cache.
    #[error("the cache cannot be served: {0}")]
    Cache(std::io::Error),
    /// The Invoke API.
    #[error("the Invoke API cannot be served: {0}")]
    Invoke(std::io::Error),
    /// A folder for state.
    #[error("the folder {} cannot be used: {reason}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// The file of a mapping's checkpoints.
    #[error(transparent)]
    Checkpoints(#[from] CheckpointError),
    /// A resource of the template.
    #[error(transparent)]
    Provision(#[from] ProvisionError),
    /// A function without an executable.
    #[error("function {function} has no bootstrap; name one with --bootstrap PATH")]
    NoBootstrap {
        /// Its name.
        function: String,
    },
}
