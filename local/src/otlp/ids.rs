//! The ids of an invocation's trace and of its spans.

use crate::page::recorder::Invocation;

/// The id of a trace.
pub(super) type TraceId = [u8; 16];

/// The id of a span.
pub(super) type SpanId = [u8; 8];

/// The ids of an invocation: those of the X-Ray trace header that its function got. So
/// the function's log lines have the trace's id, and spans that the function sends by
/// itself hang below its invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ids {
    pub(super) trace: TraceId,
    /// The span of the invocation: `Parent` of the header.
    pub(super) invocation: SpanId,
}

impl Ids {
    pub(super) fn of(invocation: &Invocation) -> Self {
        let header = invocation.trace.as_deref();
        // Without a header the function did not get the event.
        header
            .and_then(parse)
            .unwrap_or_else(|| of_request(&invocation.request_id))
    }

    /// The span of the batch. It follows from that of the invocation, so that what happens
    /// later to the batch finds its place.
    pub(super) fn batch(self) -> SpanId {
        self.invocation.map(|byte| !byte)
    }
}

/// The id of a span that nothing refers to later.
pub(super) fn new() -> SpanId {
    rand::random()
}

/// The ids of a header such as
/// `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`. The trace's
/// W3C id is the root without its version and hyphens (AWS X-Ray Developer Guide, "Using W3C
/// trace IDs").
fn parse(header: &str) -> Option<Ids> {
    let part = |name: &str| {
        let mut parts = header.split(';').map(str::trim);
        parts.find_map(|part| part.strip_prefix(name))
    };
    let mut root = part("Root=1-")?.split('-');
    let (time, unique) = (root.next()?, root.next()?);
    if root.next().is_some() || time.len() != 8 || unique.len() != 24 {
        return None;
    }
    let trace = u128::from_str_radix(&format!("{time}{unique}"), 16).ok()?;
    let parent = part("Parent=").filter(|parent| parent.len() == 16);
    let parent = parent.and_then(|parent| u64::from_str_radix(parent, 16).ok());
    Some(Ids {
        trace: trace.to_be_bytes(),
        invocation: parent.map_or_else(new, u64::to_be_bytes),
    })
}

/// Ids that are the same for each event of a request.
fn of_request(request_id: &str) -> Ids {
    let trace = uuid::Uuid::parse_str(request_id).unwrap_or_else(|_| uuid::Uuid::new_v4());
    let (invocation, _) = trace.as_u64_pair();
    Ids {
        trace: trace.into_bytes(),
        invocation: invocation.to_be_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Ids, of_request, parse};

    #[test]
    fn the_ids_are_those_of_the_header_that_the_function_got() {
        let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
        let ids = parse(header).unwrap();
        let expected = Ids {
            trace: 0x5759_e988_bd86_2e3f_e1be_46a9_9427_2793_u128.to_be_bytes(),
            invocation: 0x5399_5c3f_42cd_8ad8_u64.to_be_bytes(),
        };
        assert_eq!(ids, expected);
        assert_ne!(ids.batch(), ids.invocation);
        for wrong in [
            "",
            "Root=1-5759e988",
            "Root=2-5759e988-bd862e3fe1be46a994272793",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_request_that_reached_no_function_has_the_same_ids_each_time() {
        let id = "0192f0c1-2b3c-4d5e-8f60-718293a4b5c6";
        assert_eq!(of_request(id), of_request(id));
    }
}
