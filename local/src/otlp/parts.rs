//! Parts of spans.

use opentelemetry_proto::tonic::{
    common::v1::KeyValue,
    trace::v1::{
        Span, Status,
        span::{Event, Link, SpanKind},
        status::StatusCode,
    },
};

use super::ids::{self, SpanId, TraceId};

/// The trace is sampled, and the parent is a span of this process (`SpanFlags`).
const FLAGS: u32 = 0x101;

/// A span from one time to another, milliseconds since 1970.
pub(super) fn span(
    trace: TraceId,
    parent: Option<SpanId>,
    name: impl Into<String>,
    kind: SpanKind,
    (start, end): (f64, f64),
) -> Span {
    Span {
        trace_id: trace.to_vec(),
        span_id: ids::new().to_vec(),
        parent_span_id: parent.map(Vec::from).unwrap_or_default(),
        flags: FLAGS,
        name: name.into(),
        kind: kind as i32,
        start_time_unix_nano: nanoseconds(start),
        // Clocks are read by several parties.
        end_time_unix_nano: nanoseconds(end.max(start)),
        ..Span::default()
    }
}

/// Something that happened at a time, milliseconds since 1970.
pub(super) fn event(at: f64, name: &str, attributes: Vec<KeyValue>) -> Event {
    Event {
        time_unix_nano: nanoseconds(at),
        name: name.to_owned(),
        attributes,
        ..Event::default()
    }
}

/// A link to a span of another trace.
pub(super) fn link(trace: TraceId, span: SpanId, attributes: Vec<KeyValue>) -> Link {
    Link {
        trace_id: trace.to_vec(),
        span_id: span.to_vec(),
        attributes,
        flags: FLAGS,
        ..Link::default()
    }
}

/// Something went wrong.
pub(super) fn error(message: impl Into<String>) -> Status {
    Status {
        message: message.into(),
        code: StatusCode::Error as i32,
    }
}

/// Of milliseconds since 1970. Exact to less than a microsecond, as they are.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(super) fn nanoseconds(milliseconds: f64) -> u64 {
    (milliseconds.max(0.0) * 1000.0).round() as u64 * 1000
}
