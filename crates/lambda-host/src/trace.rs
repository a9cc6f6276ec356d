//! X-Ray trace headers.

use time::OffsetDateTime;

/// The header of a new trace, in the documented form (AWS X-Ray Developer Guide, "Tracing
/// header"). `Parent` is the segment of the invocation.
pub(super) fn header(sampled: bool) -> String {
    let seconds = OffsetDateTime::now_utc().unix_timestamp();
    let (trace, parent) = (rand::random::<u128>() >> 32, rand::random::<u64>());
    let sampled = u8::from(sampled);
    format!("Root=1-{seconds:08x}-{trace:024x};Parent={parent:016x};Sampled={sampled}")
}
