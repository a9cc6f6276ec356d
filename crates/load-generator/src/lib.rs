//! Records for a Kinesis stream, and the load that writes them.
//!
//! A [`Feed`](feed::Feed) has the records: made from a [template](template::Template) with
//! placeholders, read from [files](files::Files) of JSON lines, or read from a recording
//! with its own keys and timing. A [`Writer`](writer::Writer) puts them, and retries only
//! the entries that Kinesis refused. A [`Plan`](plan::Plan) says how many, and when: as fast
//! as possible, at a rate that does not wait for replies, or as recorded.
//!
//! ```no_run
//! use std::sync::Arc;
//! use load_generator::{
//!     feed::Feed, load::{self, NoObserver}, plan::{Pace, Plan}, shape::Shape,
//!     template::Template, writer::{Mode, Writer},
//! };
//!
//! # async fn write(client: aws_sdk_kinesis::Client) -> Result<(), Box<dyn std::error::Error>> {
//! let order = r#"{ "orderId": "order-${sequence}", "amount": "${int:1..100}" }"#;
//! let template = Template::parse(order, Some("/orderId"))?;
//! let feed = Feed::of_template(template, Shape::default(), 42);
//! let plan = Plan { threads: 2, records: Some(1000), duration: None, pace: Pace::Rate(100.0) };
//! let writer = Writer::new(client, "orders", Mode::Batches);
//! let done = load::run(&writer, feed.into(), plan, Arc::new(NoObserver), &Default::default()).await;
//! println!("{}", done.report);
//! # Ok(())
//! # }
//! ```
//!
//! [`BackgroundLoad`](background::BackgroundLoad) runs a load on a thread of its own,
//! beside a system in the same process.

pub mod background;
pub mod feed;
pub mod files;
pub mod load;
pub mod plan;
pub mod record;
pub mod recorded;
pub mod report;
pub mod shape;
pub mod template;
mod write_error;
pub mod writer;
