//! The event source mapping: Kinesis in, invocations out.
//!
//! A [`mapping`] runs one [`shard`] poller per shard, parents before children.
//! Its reader reads records from a [`source`]; the [`filter`] lets some pass
//! into lanes, which cut a [`batch`] each, within a tumbling [`window`] where
//! there is one. A courier hands the [`event`] to a [`target`] and lets
//! [`delivery`] decide what its outcome means: retry, split, give up to the
//! [`destination`], or move the [`checkpoint`] on, as far as [`progress`] over
//! all lanes allows. An [`observer`] sees all of it, [`status`] sums it up.
//!
//! It knows the Kinesis API, an invoke endpoint and where failures go, and
//! nothing else of this crate: the same code serves the embedded engine,
//! LocalStack and AWS.

pub mod backoff;
pub mod batch;
pub mod checkpoint;
pub mod clock;
mod courier;
pub mod delivery;
pub mod destination;
pub mod direct_source;
pub mod event;
pub mod filter;
pub mod http_target;
mod journal;
mod lane;
pub mod mapping;
pub mod observer;
pub mod progress;
mod reader;
pub mod redrive;
pub mod replicas;
pub mod response;
pub mod sdk_source;
pub mod settings;
pub mod shard;
pub mod source;
pub mod sqs_queue;
pub mod status;
pub mod target;
pub mod wake;
pub mod window;
