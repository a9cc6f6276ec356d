//! Filters over the messages of a queue.

use serde_json::{Value, json};

use super::{Filter, Filters};
use crate::queue::{event::Entry, message::Message};

/// The key of a message's text.
pub(super) const BODY: &str = "body";

impl Filters {
    /// Whether any filter matches the message of the queue `queue_arn`.
    #[must_use]
    pub(crate) fn pass_message(&self, message: &Message, queue_arn: &str, region: &str) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let body = body(&message.body);
        let is_object = !body.is_string();
        let entry = Entry::new(message, queue_arn, region);
        let mut event = serde_json::to_value(&entry).unwrap_or_default();
        event[BODY] = body;
        self.0
            .iter()
            .any(|filter| filter.reads(is_object) && filter.pattern.matches(Some(&event)))
    }
}

impl Filter {
    /// Whether the filter's form goes with that of the body: "plain string" and "valid
    /// JSON" exclude each other, in both directions (table of "Properly filtering Amazon
    /// SQS messages"). A filter without the key `body` goes with both.
    fn reads(&self, is_object: bool) -> bool {
        match (self.body.object, self.body.values) {
            (true, false) => is_object,
            (false, true) => !is_object,
            _ => true,
        }
    }
}

/// A JSON object or list, or else the text itself. AWS does not say what a body such as
/// `7` is; a pattern over an object cannot match it, so it counts as text.
fn body(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(json @ (Value::Object(_) | Value::Array(_))) => json,
        _ => json!(text),
    }
}

#[cfg(test)]
mod tests {
    use super::Filters;
    use crate::queue::message::Message;

    fn passes(pattern: &str, body: &str) -> bool {
        let message = Message {
            id: "m".into(),
            body: body.into(),
            ..Message::default()
        };
        let filters = Filters::parse([pattern]).unwrap();
        filters.pass_message(
            &message,
            "arn:aws:sqs:us-east-1:000000000000:q",
            "us-east-1",
        )
    }

    #[test]
    fn a_pattern_over_an_object_matches_a_json_body_and_drops_a_text() {
        let pattern = r#"{"body":{"RequestCode":["BBBB"]}}"#;
        assert!(passes(pattern, r#"{"RequestCode":"BBBB"}"#));
        assert!(!passes(pattern, r#"{"RequestCode":"AAAA"}"#));
        assert!(!passes(pattern, "BBBB"));
        let absent = r#"{"body":{"RequestCode":[{"exists":false}]}}"#;
        assert!(passes(absent, "{}"));
        assert!(
            !passes(absent, "text"),
            "a text is dropped, whatever the rule"
        );
    }

    #[test]
    fn a_pattern_over_a_text_matches_a_text_and_drops_a_json_body() {
        let pattern = r#"{"body":[{"prefix":"order "}]}"#;
        assert!(passes(pattern, "order 7"));
        assert!(!passes(pattern, "refund 7"));
        assert!(!passes(r#"{"body":[{"anything-but":"x"}]}"#, "{}"));
    }

    #[test]
    fn a_pattern_over_metadata_matches_whatever_the_body_is() {
        for body in ["{}", "text", "7"] {
            assert!(passes(r#"{"messageId":["m"]}"#, body), "{body}");
            assert!(!passes(r#"{"messageId":["n"]}"#, body), "{body}");
        }
    }
}
