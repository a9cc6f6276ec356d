//! Writes the events of one stream.

use std::sync::Arc;

use parking_lot::RwLock;

use super::{Group, Store, Stream};

/// Writes to one stream, in this process. Dropping it ends the stream.
///
/// A stream that was deleted is made again by the next event, as Lambda does.
#[derive(Debug)]
pub struct Writer {
    store: Arc<Store>,
    to: RwLock<(Arc<Group>, Arc<Stream>)>,
}

impl Writer {
    pub(crate) fn new(store: &Arc<Store>, group: &str, stream: &str) -> Self {
        Self {
            store: store.clone(),
            to: RwLock::new(open(store, group, stream)),
        }
    }

    /// Writes an event with the time of the engine's clock. It costs about as much as
    /// copying the message.
    pub fn write(&self, message: &str) {
        self.push(&[message]);
    }

    /// Writes an event of one line; its end is added.
    pub fn write_line(&self, line: &str) {
        self.push(&[line, "\n"]);
    }

    fn push(&self, message: &[&str]) {
        let now = self.store.now();
        {
            let to = self.to.read();
            let (group, stream) = &*to;
            if !stream.is_deleted() {
                self.store.push(group, stream, now, now, message);
                return;
            }
        }
        let mut to = self.to.write();
        if to.1.is_deleted() {
            *to = open(&self.store, &to.0.name, &to.1.name);
        }
        self.store.push(&to.0, &to.1, now, now, message);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let to = self.to.read();
        self.store.close(&to.0, &to.1);
    }
}

fn open(store: &Store, group: &str, stream: &str) -> (Arc<Group>, Arc<Stream>) {
    let group = store.ensure_group(group);
    let stream = store.create_stream(&group, stream);
    (group, stream.unwrap_or_else(|there| there))
}
