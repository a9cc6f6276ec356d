//! Why the development environment cannot start.

use std::path::PathBuf;

use crate::{aws::apis, mappings::CheckpointError, ports::PortError, provision::ProvisionError};

/// Why the development environment cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port cannot be listened on.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The AWS APIs cannot start.
    #[error(transparent)]
    Aws(#[from] apis::OpenError),
    /// The cache cannot start.
    #[error("cannot serve the cache: {0}")]
    Cache(std::io::Error),
    /// The Invoke API cannot start.
    #[error("cannot serve the Invoke API: {0}")]
    Invoke(std::io::Error),
    /// The folder for state cannot be used.
    #[error("cannot use folder {}: {reason}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's error.
        reason: std::io::Error,
    },
    /// A mapping's checkpoints cannot be read.
    #[error(transparent)]
    Checkpoints(#[from] CheckpointError),
    /// A resource cannot be created.
    #[error(transparent)]
    Provision(#[from] ProvisionError),
    /// A function has no executable.
    #[error("function {function} has no bootstrap\nhint: name one with `--bootstrap PATH`")]
    NoBootstrap {
        /// Its name.
        function: String,
    },
}
