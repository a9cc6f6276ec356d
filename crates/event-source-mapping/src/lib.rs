//! Event source mappings of Kinesis streams and SQS queues: records or messages in,
//! invocations out.
//!
//! [`mapping::EventSourceMapping`] reads a stream through a [`source::Source`] and
//! invokes a [`target::Target`] with batches of its records, under every option that
//! Lambda's own mapping has ([`settings::Settings`]). A [`poll_trigger::PollTrigger`]
//! decides when to read, a [`destination::Destination`] is the on-failure destination, an
//! [`observer::Observer`] sees every invocation, and [`checkpoint::Checkpoints`]
//! keep how far each shard is. [`redrive`] delivers a discarded batch again.
//! [`queue::mapping::QueueMapping`] does the same for a queue, with the module [`queue`] to
//! itself; target, filters, observer and back-off are those of a stream.
//!
//! Where to find what, by AWS's names:
//!
//! | AWS's name | module |
//! |---|---|
//! | batch, batching window, parallelization factor | `batch`, `lane` |
//! | bisect, retry attempts, maximum record age | `retry_state` |
//! | partial batch response | `response` |
//! | tumbling window | `window` |
//! | filter criteria | [`filter`] |
//! | on-failure destination | [`destination`], `sqs_queue` |
//! | checkpoint | [`checkpoint`], `journal`, `low_watermark` |
//! | iterator age (`IteratorAge`) | [`status`] |
//! | maximum concurrency, visibility timeout | [`queue`] |
//! | shard iterator, trim horizon | `reader`, [`source`] |
//! | parent and child shards | `discovery` |
//!
//! Inside, `discovery` starts one `shard` poller for each shard, parents before children.
//! Its `reader` reads ahead; filters let records pass into lanes, which cut batches. A
//! `batch_invoker` invokes the target with each batch, and `retry_state` decides what
//! follows from the outcome: retry, split, discard or continue. The low watermark over all
//! lanes limits the checkpoint.
//!
//! The crate depends on no engine, starts no process and, without the feature
//! `sdk`, needs no AWS SDK. Features:
//!
//! - `sdk`: `sdk_source` reads any Kinesis endpoint, `queue::sdk_queue` any SQS endpoint,
//!   and `sqs_queue` sends invocation records to an SQS queue.
//! - `http`: `http_target` invokes any URL that speaks Lambda's Invoke API, AWS's
//!   Runtime Interface Emulator among them.
//!
//! `examples/closure.rs` runs a mapping from a hand-written source to a closure.
//!
//! ```
//! use event_source_mapping::{
//!     filter::Filters,
//!     settings::{Settings, StartingPosition},
//! };
//!
//! let settings = Settings {
//!     batch_size: 10,
//!     starting_position: StartingPosition::Latest,
//!     maximum_retry_attempts: Some(3),
//!     bisect_batch_on_function_error: true,
//!     filters: Filters::parse([r#"{"data":{"kind":["order"]}}"#]).unwrap(),
//!     ..Settings::default()
//! };
//! assert_eq!(settings.parallelization_factor, 1, "AWS's default");
//! ```

#![warn(unreachable_pub)]

pub mod backoff;
pub mod batch;
mod batch_invoker;
pub mod checkpoint;
pub mod context;
pub mod destination;
mod discovery;
pub mod event;
pub mod filter;
#[cfg(feature = "http")]
pub mod http_target;
mod journal;
mod lane;
mod low_watermark;
pub mod mapping;
pub mod observer;
pub mod poll_trigger;
pub mod queue;
mod reader;
pub mod redrive;
#[cfg(feature = "http")]
mod replicas;
mod response;
pub mod retry_state;
#[cfg(feature = "sdk")]
pub mod sdk_error;
#[cfg(feature = "sdk")]
pub mod sdk_source;
mod sequence_number;
pub mod settings;
pub mod settlement;
mod shard;
mod shard_state;
pub mod source;
#[cfg(feature = "sdk")]
pub mod sqs_queue;
pub mod status;
pub mod target;
mod text;
mod window;

pub use movable_clock::Clock;

/// Most bytes of the event of one synchronous invocation: 6 MB (Lambda quotas).
pub const MAX_PAYLOAD: usize = 6 * 1024 * 1024;
