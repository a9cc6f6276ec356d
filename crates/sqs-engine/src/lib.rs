//! Amazon SQS in one process, in memory or on disk.
//!
//! [`Sqs`] implements [`aws_wire::service::Service`]: hand it a call, get the reply that
//! AWS would send. [`Queue`] does the same for this process, without a request. Inside,
//! `engine` knows queues and messages and nothing of any protocol; `operations` is the
//! API, a file for each group of operations; `log` keeps everything on disk when
//! [`Options::data_dir`] is set.
//!
//! A receive that waits is woken by what it waits for: a message that is sent, or that
//! becomes visible again, also because a test moved the [`Clock`].
//!
//! ```
//! use std::{collections::BTreeMap, time::Duration};
//!
//! use sqs_engine::{Options, Receive, SendMessage, Sqs};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let sqs = Sqs::open(Options::default()).await.unwrap();
//! let orders = sqs.create_queue("orders", &BTreeMap::new()).await.unwrap();
//! orders.send(SendMessage::new("an order")).await.unwrap();
//!
//! let wait = Receive { wait: Some(Duration::from_secs(20)), ..Receive::default() };
//! let received = orders.receive(&wait).await.unwrap();
//! assert_eq!(&*received[0].message.body, "an order");
//! orders.delete(&received[0].receipt_handle).await.unwrap();
//! # });
//! ```
//!
//! The crate listens on no port: `examples/queue.rs` puts it behind twenty lines of HTTP,
//! for any AWS SDK.

#![warn(unreachable_pub)]

mod digest;
mod engine;
pub mod error;
mod log;
pub mod message;
mod operations;
mod options;
mod queue;
mod service;
mod validation;

pub use durable_files::FsyncPolicy;
pub use error::SqsError;
pub use log::OpenError;
pub use message::{Receive, Received, SendMessage, Sent};
pub use movable_clock::Clock;
pub use options::Options;
pub use queue::Queue;
pub use service::Sqs;
