//! A Kinesis event source mapping: records in, invocations out.
//!
//! [`mapping::EventSourceMapping`] reads a stream through a [`source::Source`] and
//! invokes a [`target::Target`] with batches of its records, under every option that
//! Lambda's own mapping has ([`settings::Settings`]). A [`poll_trigger::PollTrigger`]
//! says when a read is worth making, a [`destination::Destination`] takes what is
//! discarded, an [`observer::Observer`] sees every invocation, and
//! [`checkpoint::Checkpoints`] remember how far each shard is.
//!
//! Inside, one `shard` poller runs for each shard, parents before children. Its
//! `reader` reads ahead; the [`filter`] lets records pass into lanes, which cut
//! [`batch`]es, within a tumbling [`window`] where there is one. A batch invoker hands
//! the [`event`] to the target, and [`retry_state`] decides what the outcome means:
//! retry, split, discard, or go on. The [`low_watermark`] over all lanes says how far
//! the checkpoint may move.
//!
//! The crate knows no Kinesis engine, no process and, without the feature `sdk`, no AWS
//! SDK. Features:
//!
//! - `sdk`: `sdk_source` reads any Kinesis endpoint, `sqs_queue` sends what is
//!   discarded to an SQS queue.
//! - `http`: `http_target` invokes any URL that speaks Lambda's Invoke API, AWS's
//!   Runtime Interface Emulator among them.
//!
//! `examples/closure.rs` runs a mapping from a source of ten lines to a closure.
//!
//! ```
//! use event_source_mapping::{
//!     event::{self, Origin},
//!     filter::Filters,
//!     source::Record,
//! };
//!
//! let origin = Origin::new("arn:aws:kinesis:us-east-1:000000000000:stream/s", "us-east-1", "shardId-000000000000");
//! let record = Record {
//!     sequence_number: "1".into(),
//!     partition_key: "key".into(),
//!     data: br#"{"kind":"order"}"#.as_slice().into(),
//!     arrived: time::OffsetDateTime::UNIX_EPOCH,
//! };
//! let filters = Filters::parse([r#"{"data":{"kind":["order"]}}"#]).unwrap();
//! assert!(filters.pass(&record, &origin));
//! let event = event::join([event::encode(&record, &origin)].iter(), None);
//! assert!(event.starts_with(br#"{"Records":[{"kinesis":"#));
//! ```

pub mod backoff;
pub mod batch;
mod batch_invoker;
pub mod checkpoint;
pub mod clock;
pub mod context;
pub mod destination;
pub mod event;
pub mod filter;
#[cfg(feature = "http")]
pub mod http_target;
mod journal;
mod lane;
pub mod low_watermark;
pub mod mapping;
pub mod observer;
pub mod poll_trigger;
mod reader;
pub mod redrive;
#[cfg(feature = "http")]
mod replicas;
pub mod response;
pub mod retry_state;
#[cfg(feature = "sdk")]
pub mod sdk_error;
#[cfg(feature = "sdk")]
pub mod sdk_source;
mod sequence_number;
pub mod settings;
mod shard;
pub mod source;
#[cfg(feature = "sdk")]
pub mod sqs_queue;
pub mod status;
pub mod target;
mod text;
pub mod window;

/// Most bytes of the event of one synchronous invocation: 6 MB (Lambda quotas).
pub const MAX_PAYLOAD: usize = 6 * 1024 * 1024;
