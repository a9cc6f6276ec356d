//! Gathers messages into batches: at most `BatchSize` messages, the batching window and
//! 6 MB of payload. ("Using Lambda with Amazon SQS", "Polling and batching behavior".)

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use movable_clock::Clock;
use tokio::time::Instant;

use super::{message::Message, settings::QueueSettings, source::MOST_OF_A_REQUEST};
use crate::{MAX_PAYLOAD, event};

/// A message that was received, with its JSON.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) message: Message,
    /// Its entry in an event's `Records`.
    pub(super) json: Bytes,
    /// When its visibility timeout ends: then others may receive it.
    pub(super) visible_at: Instant,
}

/// Messages that wait for their batch.
pub(super) struct Gathering {
    messages: Vec<Received>,
    bytes: usize,
    batch_size: usize,
    window: Duration,
    /// When the batching window of the first message ends.
    due_at: Instant,
    clock: Clock,
}

impl Gathering {
    pub(super) fn new(settings: &QueueSettings, clock: &Clock) -> Self {
        Self {
            messages: Vec::new(),
            bytes: event::overhead(),
            batch_size: settings.batch_size.max(1) as usize,
            window: settings.batching_window,
            due_at: clock.instant(),
            clock: clock.clone(),
        }
    }

    pub(super) fn push(&mut self, received: Received) {
        if self.messages.is_empty() {
            self.due_at = self.clock.instant() + self.window;
        }
        self.bytes += received.json.len() + 1;
        self.messages.push(received);
    }

    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    /// How many messages to ask for next; none while a batch is due.
    pub(super) fn room(&self) -> usize {
        if self.is_due() {
            return 0;
        }
        let left = self.batch_size.saturating_sub(self.messages.len());
        left.min(MOST_OF_A_REQUEST)
    }

    /// Whether a batch is to be sent: it is full, or its batching window has ended.
    pub(super) fn is_due(&self) -> bool {
        !self.messages.is_empty()
            && (self.messages.len() >= self.batch_size
                || self.bytes >= MAX_PAYLOAD
                || self.clock.instant() >= self.due_at)
    }

    /// How long until a batch is due if no message comes.
    pub(super) fn due_in(&self) -> Option<Duration> {
        let left = self.due_at.saturating_duration_since(self.clock.instant());
        (!self.messages.is_empty()).then_some(left)
    }

    /// Takes all messages.
    pub(super) fn take(&mut self) -> Vec<Received> {
        self.bytes = event::overhead();
        std::mem::take(&mut self.messages)
    }
}

/// Splits messages into the payloads of as few invocations as their order allows. A
/// payload has at least one message.
pub(super) fn payloads(messages: Vec<Received>) -> VecDeque<Vec<Received>> {
    let mut payloads = VecDeque::new();
    let (mut payload, mut size) = (Vec::new(), event::overhead());
    for received in messages {
        let comma = usize::from(!payload.is_empty());
        if !payload.is_empty() && size + comma + received.json.len() > MAX_PAYLOAD {
            payloads.push_back(std::mem::take(&mut payload));
            size = event::overhead();
        }
        size += usize::from(!payload.is_empty()) + received.json.len();
        payload.push(received);
    }
    if !payload.is_empty() {
        payloads.push_back(payload);
    }
    payloads
}

#[cfg(test)]
mod tests {
    use super::{Gathering, Received, payloads};
    use crate::{
        MAX_PAYLOAD, event,
        queue::{event::Entry, message::Message, settings::QueueSettings},
    };
    use movable_clock::Clock;
    use std::time::Duration;

    fn received(bytes: usize) -> Received {
        let message = Message {
            body: "x".repeat(bytes),
            ..Message::default()
        };
        Received {
            json: Entry::new(&message, "arn", "us-east-1").json(),
            message,
            visible_at: Clock::system().instant(),
        }
    }

    #[test]
    fn without_a_window_a_batch_is_due_with_its_first_message() {
        let mut gathering = Gathering::new(&QueueSettings::default(), &Clock::system());
        assert_eq!(gathering.room(), 10);
        assert!(!gathering.is_due());
        gathering.push(received(1));
        assert!(gathering.is_due());
        assert_eq!(gathering.room(), 0);
        assert_eq!(gathering.take().len(), 1);
        assert_eq!(gathering.due_in(), None);
    }

    #[test]
    fn a_window_ends_when_the_clock_says_so_or_the_batch_is_full() {
        let clock = Clock::system();
        let settings = QueueSettings {
            batch_size: 12,
            batching_window: Duration::from_mins(5),
            ..QueueSettings::default()
        };
        let mut gathering = Gathering::new(&settings, &clock);
        for _ in 0..11 {
            gathering.push(received(1));
        }
        assert!(!gathering.is_due());
        assert_eq!(gathering.room(), 1);
        gathering.push(received(1));
        assert!(gathering.is_due());
        gathering.take();
        gathering.push(received(1));
        assert!(!gathering.is_due());
        clock.advance(Duration::from_mins(5));
        assert!(gathering.is_due());
    }

    #[test]
    fn payloads_end_at_six_megabytes_and_keep_the_order() {
        let messages: Vec<_> = (0..13).map(|_| received(1024 * 1024)).collect();
        let payloads = payloads(messages);
        let sizes: Vec<_> = payloads.iter().map(Vec::len).collect();
        assert_eq!(sizes, [5, 5, 3]);
        for payload in payloads {
            let event = event::join(payload.iter().map(|one| &one.json), None);
            assert!(event.len() <= MAX_PAYLOAD, "{}", event.len());
        }
    }
}
