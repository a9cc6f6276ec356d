//! A queue in memory, by SQS's rules, that fails when a test tells it to.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use event_source_mapping::{
    Clock,
    queue::{
        message::Message,
        source::{MessageQueue, QueueError, QueueState},
    },
};
use tokio::{sync::Notify, time::Instant};

pub struct Memory {
    clock: Clock,
    pub visibility: Duration,
    /// `maxReceiveCount` of the redrive policy.
    pub most_receives: Option<u32>,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    messages: Vec<Entry>,
    deleted: Vec<String>,
    dead: Vec<String>,
    next: u64,
    /// Requests that are still to fail.
    failures: u32,
    /// Requests to receive.
    requests: u64,
}

#[derive(Debug)]
struct Entry {
    id: String,
    group: Option<String>,
    body: String,
    visible_at: Instant,
    receives: u32,
    handle: String,
}

impl Memory {
    pub fn new(
        clock: &Clock,
        visibility: Duration,
        most_receives: Option<u32>,
        failures: u32,
    ) -> Arc<Self> {
        Arc::new(Self {
            clock: clock.clone(),
            visibility,
            most_receives,
            state: Mutex::new(State {
                failures,
                ..State::default()
            }),
            changed: Notify::new(),
        })
    }

    /// Sends a message and returns its id.
    pub fn send(&self, group: Option<&str>, body: &str) -> String {
        let mut state = self.state.lock().unwrap();
        let id = format!("m{}", state.next);
        state.next += 1;
        let visible_at = self.clock.instant();
        state.messages.push(Entry {
            id: id.clone(),
            group: group.map(str::to_owned),
            body: body.to_owned(),
            visible_at,
            receives: 0,
            handle: String::new(),
        });
        drop(state);
        self.changed.notify_waiters();
        id
    }

    pub fn deleted(&self) -> Vec<String> {
        self.state.lock().unwrap().deleted.clone()
    }

    pub fn dead(&self) -> Vec<String> {
        self.state.lock().unwrap().dead.clone()
    }

    pub fn requests(&self) -> u64 {
        self.state.lock().unwrap().requests
    }

    pub fn receives(&self, id: &str) -> u32 {
        let state = self.state.lock().unwrap();
        let mut all = state.messages.iter();
        all.find(|one| one.id == id).map_or(0, |one| one.receives)
    }

    pub fn is_empty(&self) -> bool {
        self.state.lock().unwrap().messages.is_empty()
    }

    fn fails(&self) -> Result<(), QueueError> {
        let mut state = self.state.lock().unwrap();
        if state.failures == 0 {
            return Ok(());
        }
        state.failures -= 1;
        Err(QueueError::Unavailable("the queue is away".into()))
    }

    /// Takes what can be received, and says when the next message will be visible.
    fn take(&self, most: usize) -> (Vec<Message>, Option<Instant>) {
        let mut state = self.state.lock().unwrap();
        let now = self.clock.instant();
        let (mut taken, mut blocked) = (Vec::new(), HashSet::new());
        let mut dead = Vec::new();
        // A group waits while one of its messages is under way.
        let hidden = state.messages.iter().filter(|one| one.visible_at > now);
        blocked.extend(hidden.filter_map(|one| one.group.clone()));
        for entry in &mut state.messages {
            let free = entry
                .group
                .as_ref()
                .is_none_or(|one| !blocked.contains(one));
            if entry.visible_at > now || !free {
                continue;
            }
            if self
                .most_receives
                .is_some_and(|most| entry.receives >= most)
            {
                dead.push(entry.id.clone());
                continue;
            }
            if taken.len() == most {
                break;
            }
            entry.receives += 1;
            entry.visible_at = now + self.visibility;
            entry.handle = format!("{}#{}", entry.id, entry.receives);
            let count = ("ApproximateReceiveCount", entry.receives.to_string());
            let group = entry.group.clone().map(|group| ("MessageGroupId", group));
            let attributes = [Some(count), group].into_iter().flatten();
            taken.push(Message {
                id: entry.id.clone(),
                receipt_handle: entry.handle.clone(),
                body: entry.body.clone(),
                attributes: attributes
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect(),
                ..Message::default()
            });
        }
        state.messages.retain(|one| !dead.contains(&one.id));
        state.dead.extend(dead);
        let next = state.messages.iter().map(|one| one.visible_at);
        let next = next.filter(|at| *at > now).min();
        (taken, next)
    }
}

#[async_trait]
impl MessageQueue for Memory {
    async fn receive(&self, most: usize, wait: Duration) -> Result<Vec<Message>, QueueError> {
        assert!((1..=10).contains(&most), "{most}");
        self.state.lock().unwrap().requests += 1;
        self.fails()?;
        let ends = Instant::now() + wait;
        let mut moves = self.clock.moves();
        loop {
            let changed = self.changed.notified();
            let (taken, next) = self.take(most);
            if !taken.is_empty() || Instant::now() >= ends {
                return Ok(taken);
            }
            let next = next.map(|at| at.saturating_duration_since(self.clock.instant()));
            tokio::select! {
                () = changed => {}
                () = moves.changed() => {}
                () = tokio::time::sleep(next.unwrap_or(wait)) => {}
                () = tokio::time::sleep_until(ends) => {}
            }
        }
    }

    async fn delete(&self, receipt_handles: &[&str]) -> Result<Vec<usize>, QueueError> {
        assert!((1..=10).contains(&receipt_handles.len()));
        self.fails()?;
        let mut state = self.state.lock().unwrap();
        for handle in receipt_handles {
            let mut all = state.messages.iter();
            let index = all.position(|one| one.handle == *handle);
            let index = index.unwrap_or_else(|| panic!("{handle} is not the last receipt"));
            let entry = state.messages.remove(index);
            state.deleted.push(entry.id);
        }
        drop(state);
        self.changed.notify_waiters();
        Ok(Vec::new())
    }

    async fn change_visibility(
        &self,
        receipt_handles: &[&str],
        timeout: Duration,
    ) -> Result<(), QueueError> {
        assert!((1..=10).contains(&receipt_handles.len()));
        let mut state = self.state.lock().unwrap();
        let visible_at = self.clock.instant() + timeout;
        for entry in &mut state.messages {
            if receipt_handles.contains(&entry.handle.as_str()) {
                entry.visible_at = visible_at;
            }
        }
        drop(state);
        self.changed.notify_waiters();
        Ok(())
    }

    async fn state(&self) -> Result<QueueState, QueueError> {
        let state = self.state.lock().unwrap();
        let now = self.clock.instant();
        let hidden = state.messages.iter().filter(|one| one.visible_at > now);
        let hidden = hidden.count() as u64;
        Ok(QueueState {
            visible: state.messages.len() as u64 - hidden,
            not_visible: hidden,
            delayed: 0,
            visibility_timeout: self.visibility,
        })
    }
}
