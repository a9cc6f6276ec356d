//! Lambda: runs an unmodified `bootstrap`, in any number of execution environments.
//!
//! [`function`] keeps a pool of them and hands invocations to [`environment`]s, each one a [`process`]
//! with a [`runtime_api`] of its own; [`invoke_api`] is the HTTP side.

pub mod asynchronous;
pub mod environment;
pub mod function;
pub mod invoke_api;
pub mod log;
pub mod outcome;
mod pool;
pub mod process;
mod response_body;
mod response_stream;
pub mod runtime_api;
mod to_the_end;

pub use function::{Function, FunctionConfig};
pub use outcome::Outcome;

/// Most bytes of a request or response payload of a synchronous invocation: 6 MB
/// (Lambda quotas).
pub const MAX_PAYLOAD: usize = 6 * 1024 * 1024;

/// Most bytes of a streamed response: 200 MB (Lambda quotas).
pub const MAX_STREAM: usize = 200 * 1024 * 1024;
