//! Tumbling windows: the function's state goes from batch to batch (Lambda developer
//! guide, "Implementing stateful Kinesis Data Streams processing in Lambda").

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::event::Origin;

/// Most bytes of a window's state; beyond, the window is closed early.
pub(crate) const MAX_STATE: usize = 1024 * 1024;

/// How long after its end a window stays open for records that arrived before it and
/// have not been read yet. AWS documents no figure.
const GRACE: Duration = Duration::from_secs(1);

/// An open window and the function's state so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Window {
    /// Its first moment, Unix seconds.
    start: i64,
    /// The first moment after it, Unix seconds.
    end: i64,
    /// The state that the function returned last; an empty object before.
    pub(crate) state: Value,
}

/// The kind of an invocation in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Records to add to the state.
    Records,
    /// The window is over.
    Final,
    /// The state has exceeded its limit.
    FinalEarly,
}

impl Window {
    /// The window of `length` that `moment` is in; windows are counted from the
    /// Unix epoch on.
    #[must_use]
    pub(crate) fn around(moment: OffsetDateTime, length: Duration) -> Self {
        let seconds = i64::try_from(length.as_secs()).unwrap_or(i64::MAX).max(1);
        let start = moment.unix_timestamp().div_euclid(seconds) * seconds;
        Self {
            start,
            end: start.saturating_add(seconds),
            state: json!({}),
        }
    }

    /// Whether a record that arrived at `moment` belongs to a later window. A record
    /// that arrived too early belongs to this window, since its own is closed.
    #[must_use]
    pub(crate) fn ends_before(&self, moment: OffsetDateTime) -> bool {
        moment.unix_timestamp() >= self.end
    }

    /// How long from `now` until the window closes without another record.
    #[must_use]
    pub(crate) fn closes_in(&self, now: OffsetDateTime) -> Duration {
        let end = OffsetDateTime::from_unix_timestamp(self.end).unwrap_or(now);
        Duration::try_from(end + GRACE - now).unwrap_or(Duration::ZERO)
    }

    /// Whether the state is larger than AWS keeps, 1 MB.
    #[must_use]
    pub(crate) fn has_outgrown(&self) -> bool {
        serde_json::to_vec(&self.state).is_ok_and(|state| state.len() > MAX_STATE)
    }

    /// The fields of this window's event beside `Records`.
    #[must_use]
    pub(crate) fn fields(&self, part: Part, origin: &Origin) -> Value {
        let moment = |seconds| {
            OffsetDateTime::from_unix_timestamp(seconds)
                .ok()
                .and_then(|moment| moment.format(&Rfc3339).ok())
        };
        json!({
            "window": { "start": moment(self.start), "end": moment(self.end) },
            "state": self.state,
            "shardId": origin.shard_id,
            "eventSourceARN": origin.stream_arn,
            "isFinalInvokeForWindow": part != Part::Records,
            "isWindowTerminatedEarly": part == Part::FinalEarly,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_STATE, Part, Window};
    use crate::event::Origin;
    use serde_json::json;
    use std::time::Duration;
    use time::macros::datetime;

    #[test]
    fn an_event_s_window_fields_are_those_of_the_developer_guide() {
        let origin = Origin::new(
            "arn:aws:kinesis:us-east-1:123456789012:stream/lambda-stream",
            "us-east-1",
            "shardId-000000000006",
        );
        let arrived = datetime!(2020-12-09 07:04:35 UTC);
        let mut window = Window::around(arrived, Duration::from_mins(2));
        window.state = json!({ "1": 282, "2": 715 });
        assert_eq!(
            window.fields(Part::Records, &origin),
            json!({
                "window": { "start": "2020-12-09T07:04:00Z", "end": "2020-12-09T07:06:00Z" },
                "state": { "1": 282, "2": 715 },
                "shardId": "shardId-000000000006",
                "eventSourceARN": "arn:aws:kinesis:us-east-1:123456789012:stream/lambda-stream",
                "isFinalInvokeForWindow": false,
                "isWindowTerminatedEarly": false,
            })
        );
        assert!(!window.ends_before(datetime!(2020-12-09 07:05:59.999 UTC)));
        assert!(window.ends_before(datetime!(2020-12-09 07:06:00 UTC)));
    }

    #[test]
    fn a_state_over_a_megabyte_has_outgrown_its_window() {
        let mut window = Window::around(datetime!(2020-12-09 07:04:35 UTC), Duration::from_secs(1));
        assert!(!window.has_outgrown());
        window.state = json!("x".repeat(MAX_STATE));
        assert!(window.has_outgrown());
    }
}
