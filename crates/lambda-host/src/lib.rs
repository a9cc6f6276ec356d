//! Runs unmodified Lambda functions on this machine.
//!
//! A [`Function`] is a `bootstrap` in any language. Invocations start execution environments
//! as they need them: each is a process with a Runtime API on a loopback port of its own. An
//! environment gets an invocation only while its runtime waits in `/invocation/next`, as in
//! AWS, so a process that exits or works on after its answer costs no other invocation.
//! [`invoke_api::router`] is the Invoke API, for AWS's SDKs and CLI.
//!
//! ```
//! use std::sync::Arc;
//!
//! use bytes::Bytes;
//! use lambda_host::{Function, FunctionConfig, Outcome};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! // A script that answers with its event.
//! let bootstrap = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/bootstrap");
//! let config = FunctionConfig::new("echo", bootstrap);
//! let function = Function::new(config, Arc::new(|line| println!("{}", line.text)));
//!
//! let invoked = function.invoke(Bytes::from_static(b"\"hello\"")).await;
//! assert_eq!(invoked.outcome, Outcome::Success(Bytes::from_static(b"\"hello\"")));
//! function.shut_down().await;
//! # });
//! ```
//!
//! `examples/invoke.rs` does the same with any bootstrap.
//!
//! # What is isolated
//!
//! - Variables: the process gets Lambda's documented variables, the function's own, and of
//!   this process only `PATH`, `RUST_LOG` and `RUST_BACKTRACE`.
//! - Time: an invocation that exceeds the function's time-out ends with its process. The
//!   time-out covers what the runtime does after its answer.
//! - Processes: what a function starts ends with its environment, and with this process
//!   however that ends (`SIGKILL` included). On macOS a child that calls `setsid` survives.
//! - Output: a [`log::LogSink`] that blocks or panics stops no invocation; lines that it is
//!   too slow for are dropped and counted.
//! - Memory, files and the network are not isolated. The memory size is shown to the function
//!   and not enforced.
//!
//! External extensions, the Telemetry API and `/opt` are not available.

#![warn(unreachable_pub)]

mod asynchronous;
mod bootstrap;
mod client_context;
mod config;
mod connections;
mod environment;
mod exchange;
mod extensions_api;
pub mod function;
pub mod invoke_api;
pub mod listing;
pub mod log;
mod log_streams;
mod memory;
pub mod observer;
pub mod outcome;
mod output;
mod pipe;
mod platform_log;
mod pool;
mod process;
mod request;
mod response_body;
mod response_stream;
mod runtime_api;
mod to_the_end;
mod trace;
mod variables;

pub use bootstrap::Bootstrap;
pub use config::{FunctionConfig, function_arn};
pub use function::{Function, Functions};
pub use log_streams::{LogFormat, LogStream, LogStreams};
pub use outcome::Outcome;
pub use request::{Invoked, Request};

/// Most bytes of a request payload: 6 MB (Lambda quotas).
pub const MAX_PAYLOAD: usize = 6 * 1024 * 1024;

/// Most bytes of the payload of an asynchronous invocation: 1 MB (Lambda quotas).
pub const MAX_ASYNC_PAYLOAD: usize = 1024 * 1024;

/// Most bytes of a response that is not streamed: 6 MB and the 100 bytes that Lambda adds for
/// its envelope (its message of `Function.ResponseSizeTooLarge`).
pub const MAX_RESPONSE: usize = MAX_PAYLOAD + 100;

/// Most bytes of a streamed response: 200 MB (Lambda quotas).
pub const MAX_STREAM: usize = 200 * 1024 * 1024;
