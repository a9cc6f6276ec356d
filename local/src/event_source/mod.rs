//! The event source mapping: Kinesis in, invocations out.
//!
//! A [`mapping`] runs one [`shard`] poller per shard, parents before children.
//! A poller reads records from a [`source`], cuts a [`batch`], hands the
//! [`event`] to a [`target`], and lets [`delivery`] decide what its outcome
//! means: retry, split, give up to the [`destination`], or move the
//! [`checkpoint`] on. An [`observer`] sees all of it.
//!
//! It knows the Kinesis API and an invoke endpoint, and nothing else of this
//! crate: the same code serves the embedded engine, LocalStack and AWS.

pub mod backoff;
pub mod batch;
pub mod checkpoint;
pub mod delivery;
pub mod destination;
pub mod event;
pub mod http_target;
pub mod mapping;
pub mod observer;
pub mod response;
pub mod sdk_source;
pub mod settings;
pub mod shard;
pub mod source;
pub mod target;
pub mod wake;
