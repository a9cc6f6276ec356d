//! An event source mapping of an SQS queue: messages in, invocations out. (Lambda
//! developer guide, "Using Lambda with Amazon SQS"; API reference,
//! `CreateEventSourceMapping`.)
//!
//! [`mapping::QueueMapping`] receives messages from a [`source::MessageQueue`], invokes a
//! [`crate::target::Target`] with batches of them, and deletes what the function has
//! processed. What it has not processed stays in the queue: it becomes visible again after
//! the queue's visibility timeout, and the queue's redrive policy moves it to the
//! dead-letter queue. The mapping itself moves and discards nothing.
//!
//! | AWS's name | module |
//! |---|---|
//! | batch, batching window, 6 MB payload | `batch` |
//! | maximum concurrency, scaling | `scaling` |
//! | partial batch response | `crate::response` |
//! | event | [`event`] |
//! | long polling, visibility timeout | [`source`], `poller` |
//!
//! Inside, one `poller` receives while fewer batches are under way than `scaling` allows,
//! and an `invoker` works through each batch.

mod batch;
pub mod context;
pub mod event;
mod invoker;
pub mod mapping;
pub mod message;
mod poller;
mod scaling;
#[cfg(feature = "sdk")]
pub mod sdk_queue;
pub mod settings;
pub mod source;
pub mod status;
mod verdict;
