//! Random histories beside a simple model, under a moved clock: visibility, receive
//! counts, delays, dead letters, the order and the locks of groups, deduplication.
//!
//! `SQS_HISTORIES=1000 cargo test -p sqs-engine model` makes a long run.

use std::{collections::BTreeMap, time::Duration};

use proptest::prelude::*;
use serde_json::json;

use super::fixture::{Fixture, block_on, counts, histories, receive};
use crate::{Queue, Receive, SendMessage};

const MAX_RECEIVES: u32 = 3;

#[derive(Debug, Clone)]
enum Step {
    /// Group, content, delay in seconds (of a standard queue).
    Send(u8, u8, u64),
    /// Most messages, visibility timeout in seconds.
    Receive(usize, u64),
    /// The receive, counted from the last one.
    Delete(usize),
    /// The same, and the new timeout.
    Change(usize, u64),
    /// Seconds.
    Advance(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let delay = prop_oneof![2 => Just(0), 1 => 1..20u64];
    prop_oneof![
        6 => (0..3u8, 0..6u8, delay).prop_map(|(group, content, delay)| Step::Send(group, content, delay)),
        6 => (1..5usize, 0..40u64).prop_map(|(max, timeout)| Step::Receive(max, timeout)),
        4 => (0..6usize).prop_map(Step::Delete),
        3 => (0..6usize, 0..40u64).prop_map(|(which, timeout)| Step::Change(which, timeout)),
        4 => prop_oneof![3 => 0..30u64, 1 => 200..400u64].prop_map(Step::Advance),
    ]
}

/// A message of the model. Times are seconds since the start.
#[derive(Debug, Clone)]
struct Expected {
    body: String,
    group: u8,
    visible: u64,
    received: bool,
    receives: u32,
}

#[derive(Debug, Default)]
struct Model {
    fifo: bool,
    now: u64,
    /// In the order of their sends, by number.
    messages: BTreeMap<usize, Expected>,
    sent: usize,
    /// Contents with the time of their first send.
    contents: BTreeMap<u8, u64>,
    dead: Vec<String>,
}

impl Model {
    /// Whether a message is in flight now.
    fn in_flight(&self, message: &Expected) -> bool {
        message.received && message.visible > self.now
    }

    /// The body of a send, unless it is a duplicate.
    fn send(&mut self, group: u8, content: u8, delay: u64) -> Option<String> {
        if self.fifo {
            let known = self.contents.get(&content);
            if known.is_some_and(|sent| self.now < sent + 300) {
                return None;
            }
            self.contents.insert(content, self.now);
        }
        self.sent += 1;
        let body = format!("{} {content}", self.sent);
        let message = Expected {
            body: body.clone(),
            group,
            visible: self.now + delay,
            received: false,
            receives: 0,
        };
        self.messages.insert(self.sent, message);
        Some(body)
    }

    /// The messages that can be received, in order.
    fn receivable(&self) -> Vec<usize> {
        let visible = |message: &Expected| message.visible <= self.now;
        if !self.fifo {
            let all = self.messages.iter();
            return all
                .filter(|(_, message)| visible(message))
                .map(|(n, _)| *n)
                .collect();
        }
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for group in 0..3 {
            let of_group = || {
                self.messages
                    .iter()
                    .filter(move |(_, message)| message.group == group)
            };
            if of_group().any(|(_, message)| self.in_flight(message)) {
                continue;
            }
            groups.push(of_group().map(|(n, _)| *n).collect());
        }
        groups.retain(|group| !group.is_empty());
        groups.sort();
        groups.concat()
    }

    /// The bodies and counts of a receive.
    fn receive(&mut self, max: usize, timeout: u64) -> Vec<(usize, String, u32)> {
        let mut received = Vec::new();
        loop {
            let mut dead = 0;
            for number in self.receivable() {
                if received.len() == max {
                    break;
                }
                let until = self.now + timeout;
                let Some(message) = self.messages.get_mut(&number) else {
                    continue;
                };
                if message.receives >= MAX_RECEIVES {
                    self.dead.push(message.body.clone());
                    self.messages.remove(&number);
                    dead += 1;
                    if dead == 10 {
                        break;
                    }
                    continue;
                }
                message.receives += 1;
                message.received = true;
                message.visible = until;
                received.push((number, message.body.clone(), message.receives));
            }
            if !received.is_empty() || dead == 0 {
                return received;
            }
        }
    }
}

/// What a receive of the engine gave, beside the model's number of the message.
struct Receipt {
    number: usize,
    receives: u32,
    handle: String,
}

/// The engine and the model, side by side.
struct World {
    fixture: Fixture,
    queue: Queue,
    dead: Queue,
    model: Model,
    receipts: Vec<Receipt>,
}

impl World {
    async fn new(fifo: bool) -> Self {
        let fixture = Fixture::new().await;
        let (queue, dead) = queues(&fixture, fifo).await;
        Self {
            fixture,
            queue,
            dead,
            model: Model {
                fifo,
                ..Model::default()
            },
            receipts: Vec::new(),
        }
    }

    async fn play(&mut self, step: Step) {
        match step {
            Step::Send(group, content, delay) => self.send(group, content, delay).await,
            Step::Receive(max, timeout) => self.receive(max, timeout).await,
            Step::Delete(which) => self.delete(which).await,
            Step::Change(which, timeout) => self.change(which, timeout).await,
            Step::Advance(seconds) => {
                self.fixture.advance(seconds);
                self.model.now += seconds;
            }
        }
        let all = self.model.messages.values();
        let in_flight = all.clone().filter(|message| self.model.in_flight(message));
        let in_flight = in_flight.count();
        let hidden = |message: &&Expected| !message.received && message.visible > self.model.now;
        let delayed = all.clone().filter(hidden).count();
        let ready = all.len() - in_flight - delayed;
        assert_eq!(counts(&self.queue), (ready, delayed, in_flight));
    }

    async fn send(&mut self, group: u8, content: u8, delay: u64) {
        let fifo = self.model.fifo;
        let delay = if fifo { 0 } else { delay };
        let body = self.model.send(group, content, delay);
        let message = SendMessage {
            delay: (!fifo).then_some(Duration::from_secs(delay)),
            group_id: Some(group.to_string()),
            deduplication_id: fifo.then(|| content.to_string()),
            ..SendMessage::new(body.unwrap_or_else(|| "a duplicate".to_owned()))
        };
        self.queue.send(message).await.unwrap();
    }

    async fn receive(&mut self, max: usize, timeout: u64) {
        let request = Receive {
            max_messages: max,
            visibility_timeout: Some(Duration::from_secs(timeout)),
            ..Receive::default()
        };
        let received = self.queue.receive(&request).await.unwrap();
        let expected = self.model.receive(max, timeout);
        let seen = received.iter();
        let seen: Vec<_> = seen
            .map(|one| (one.message.body.to_string(), one.receive_count))
            .collect();
        let wanted = expected.iter();
        let wanted: Vec<_> = wanted
            .map(|(_, body, receives)| (body.clone(), *receives))
            .collect();
        assert_eq!(seen, wanted, "receive of {max} for {timeout} s");
        let both = received.into_iter().zip(expected);
        self.receipts
            .extend(both.map(|(one, (number, _, receives))| Receipt {
                number,
                receives,
                handle: one.receipt_handle,
            }));
    }

    async fn delete(&mut self, which: usize) {
        let Some(receipt) = self.receipts.iter().rev().nth(which) else {
            return;
        };
        let message = self.model.messages.get(&receipt.number);
        let current = message.is_some_and(|message| message.receives == receipt.receives);
        let in_flight = current && message.is_some_and(|message| self.model.in_flight(message));
        let outcome = self.queue.delete(&receipt.handle).await;
        let accepted = !self.model.fifo || message.is_none() || in_flight;
        assert_eq!(outcome.is_ok(), accepted, "{outcome:?}");
        if accepted && current {
            self.model.messages.remove(&receipt.number);
        }
    }

    async fn change(&mut self, which: usize, timeout: u64) {
        let Some(receipt) = self.receipts.iter().rev().nth(which) else {
            return;
        };
        let message = self.model.messages.get(&receipt.number);
        let in_flight = message.is_some_and(|message| {
            message.receives == receipt.receives && self.model.in_flight(message)
        });
        let changed = self
            .queue
            .change_visibility(&receipt.handle, Duration::from_secs(timeout));
        let outcome = changed.await;
        assert_eq!(outcome.is_ok(), in_flight, "{outcome:?}");
        let until = self.model.now + timeout;
        if in_flight && let Some(message) = self.model.messages.get_mut(&receipt.number) {
            message.visible = until;
        }
    }

    /// Every dead letter is there, once.
    async fn check_dead_letters(mut self) {
        let mut letters = Vec::new();
        loop {
            let received = receive(&self.dead).await;
            if received.is_empty() {
                break;
            }
            for one in received {
                letters.push(one.message.body.to_string());
                self.dead.delete(&one.receipt_handle).await.unwrap();
            }
        }
        // Groups are not in the order in which they died.
        letters.sort();
        self.model.dead.sort();
        assert_eq!(letters, self.model.dead);
    }
}

async fn run(fifo: bool, steps: Vec<Step>) {
    tokio::time::pause();
    let mut world = World::new(fifo).await;
    for step in steps {
        world.play(step).await;
    }
    world.check_dead_letters().await;
}

async fn queues(fixture: &Fixture, fifo: bool) -> (Queue, Queue) {
    let suffix = if fifo { ".fifo" } else { "" };
    let kind: &[(&str, &str)] = if fifo { &[("FifoQueue", "true")] } else { &[] };
    let dead = fixture.queue(&format!("dead{suffix}"), kind).await;
    let policy = json!({"deadLetterTargetArn": dead.arn(), "maxReceiveCount": MAX_RECEIVES});
    let policy = policy.to_string();
    let attributes = [kind, &[("RedrivePolicy", policy.as_str())]].concat();
    let queue = fixture.queue(&format!("orders{suffix}"), &attributes).await;
    (queue, dead)
}

proptest! {
    #![proptest_config(histories(64))]

    #[test]
    fn a_standard_queue_is_as_its_model(steps in prop::collection::vec(step(), 1..80)) {
        block_on(run(false, steps));
    }

    #[test]
    fn a_fifo_queue_is_as_its_model(steps in prop::collection::vec(step(), 1..80)) {
        block_on(run(true, steps));
    }
}
