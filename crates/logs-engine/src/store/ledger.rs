//! The memory of all streams together: the oldest chunk goes first, whatever its stream.

use std::{
    collections::VecDeque,
    sync::{Arc, Weak},
};

use parking_lot::Mutex;

use super::{group::Group, stream::Stream};

/// A full chunk, in the order in which chunks became full. A stream's oldest chunk is the
/// first of its own here.
#[derive(Debug)]
struct Held {
    group: Weak<Group>,
    stream: Weak<Stream>,
    bytes: usize,
}

/// The full chunks of all streams.
#[derive(Debug)]
pub(crate) struct Ledger {
    most: usize,
    held: Mutex<(VecDeque<Held>, usize)>,
}

impl Ledger {
    /// Keeps at most `most` bytes.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            held: Mutex::default(),
        }
    }

    /// Notes a full chunk, and drops the oldest ones if there is too much.
    pub(crate) fn add(&self, group: &Arc<Group>, stream: &Arc<Stream>, bytes: usize) {
        let mut dropped = Vec::new();
        {
            let mut held = self.held.lock();
            let (chunks, total) = &mut *held;
            chunks.push_back(Held {
                group: Arc::downgrade(group),
                stream: Arc::downgrade(stream),
                bytes,
            });
            *total += bytes;
            while *total > self.most {
                let Some(oldest) = chunks.pop_front() else {
                    break;
                };
                *total -= oldest.bytes;
                dropped.push(oldest);
            }
        }
        for oldest in dropped {
            // A deleted stream took its chunks along.
            let Some(stream) = oldest.stream.upgrade() else {
                continue;
            };
            if stream.drop_oldest()
                && let Some(group) = oldest.group.upgrade()
            {
                group.forget(&stream);
            }
        }
    }

    /// What full chunks take, bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.held.lock().1
    }
}
