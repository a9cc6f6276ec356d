//! An invocation's context: request id, deadline and trace.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lambda_runtime::Context;
use tokio::time::Instant;

/// One invocation.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Lambda's request id.
    pub request_id: String,
    /// When the batch must be answered, some time before Lambda's own deadline.
    pub deadline: Instant,
    /// X-Ray's tracing header, unchanged.
    pub xray_trace_id: Option<String>,
    /// The same trace's W3C id.
    pub trace_id: Option<String>,
}

impl Invocation {
    /// The invocation of `context`. Its deadline is `margin` before Lambda's; with
    /// less than two margins left, it is halfway.
    #[must_use]
    pub fn new(context: &Context, margin: Duration) -> Self {
        let ends = UNIX_EPOCH + Duration::from_millis(context.deadline);
        let remaining = ends.duration_since(SystemTime::now()).unwrap_or_default();
        let margin = margin.min(remaining / 2);
        Self {
            request_id: context.request_id.clone(),
            deadline: Instant::now() + remaining.saturating_sub(margin),
            trace_id: context.xray_trace_id.as_deref().and_then(w3c_trace_id),
            xray_trace_id: context.xray_trace_id.clone(),
        }
    }
}

/// The W3C trace id (32 hexadecimal digits) of an X-Ray tracing header, such as
/// `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`:
/// the root without its version and hyphens (AWS X-Ray Developer Guide, "Sending
/// trace data to X-Ray", "Using W3C trace IDs").
fn w3c_trace_id(header: &str) -> Option<String> {
    let root = header
        .split(';')
        .find_map(|part| part.trim().strip_prefix("Root="))?;
    let mut parts = root.split('-');
    let (version, time, unique) = (parts.next()?, parts.next()?, parts.next()?);
    let id = format!("{time}{unique}");
    let is_id = version == "1"
        && parts.next().is_none()
        && id.len() == 32
        && id.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_id.then_some(id)
}

#[cfg(test)]
mod tests {
    use super::{Invocation, w3c_trace_id};
    use lambda_runtime::Context;
    use std::time::{Duration, SystemTime, UNIX_EPOCH};
    use tokio::time::Instant;

    #[test]
    fn an_x_ray_header_has_the_w3c_id_of_its_root() {
        assert_eq!(
            w3c_trace_id(
                "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
            )
            .as_deref(),
            Some("5759e988bd862e3fe1be46a994272793")
        );
        for header in [
            "",
            "Parent=53995c3f42cd8ad8",
            "Root=1-5759e988",
            "Root=2-5759e988-bd862e3fe1be46a994272793",
            "Root=1-5759e988-bd862e3fe1be46a99427279z",
        ] {
            assert_eq!(w3c_trace_id(header), None, "{header}");
        }
    }

    /// The time that the function takes for itself of the `lambda` that Lambda gives it.
    fn time_for(lambda: Duration, margin: Duration) -> Duration {
        let ends = SystemTime::now() + lambda;
        let since = ends.duration_since(UNIX_EPOCH).unwrap();
        let mut context = Context::default();
        context.deadline = u64::try_from(since.as_millis()).unwrap();
        Invocation::new(&context, margin).deadline - Instant::now()
    }

    #[test]
    fn a_batch_is_answered_a_margin_before_lambda_ends_it() {
        let hour = Duration::from_hours(1);
        let time = time_for(hour, hour / 4);
        assert!(time > hour / 2 && time <= hour * 3 / 4, "{time:?}");
    }

    #[test]
    fn a_margin_never_takes_more_than_half_of_the_time() {
        let hour = Duration::from_hours(1);
        let time = time_for(hour, 2 * hour);
        assert!(time > hour / 3 && time <= hour / 2, "{time:?}");
    }
}
