//! Changes as bytes.
//!
//! Numbers are big-endian; a text or blob has its length before it (u32); what may be
//! absent has a byte before it, 0 or 1.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use uuid::Uuid;

use crate::{
    engine::{change::Change, deduplication::Remembered, places::Place, queue::Stored},
    message::{AttributeValue, Message, MessageAttribute},
};

const DESCRIBE: u8 = 1;
const DELETE_QUEUE: u8 = 2;
const ADD: u8 = 3;
const REMOVE: u8 = 4;
const RECEIVE: u8 = 5;
const VISIBILITY: u8 = 6;
const REMEMBER: u8 = 7;
const PURGE: u8 = 8;

/// Appends a change.
///
/// # Errors
///
/// A description cannot be written as JSON.
pub(super) fn write(buffer: &mut Vec<u8>, change: &Change) -> serde_json::Result<()> {
    match change {
        Change::Describe(description) => {
            buffer.push(DESCRIBE);
            blob(buffer, &serde_json::to_vec(description)?);
        }
        Change::DeleteQueue { queue } => {
            buffer.push(DELETE_QUEUE);
            numbers(buffer, &[*queue]);
        }
        Change::Add { queue, stored } => {
            buffer.push(ADD);
            numbers(buffer, &[*queue]);
            write_stored(buffer, stored);
        }
        Change::Remove { queue, index } => {
            buffer.push(REMOVE);
            numbers(buffer, &[*queue, *index]);
        }
        Change::Receive {
            queue,
            index,
            at,
            until,
        } => {
            buffer.push(RECEIVE);
            numbers(buffer, &[*queue, *index, *at, *until]);
        }
        Change::Visibility {
            queue,
            index,
            until,
        } => {
            buffer.push(VISIBILITY);
            numbers(buffer, &[*queue, *index, *until]);
        }
        Change::Remember { queue, sent } => {
            buffer.push(REMEMBER);
            numbers(buffer, &[*queue, sent.until, sent.index]);
            buffer.extend_from_slice(sent.message_id.as_bytes());
            blob(buffer, sent.key.as_bytes());
        }
        Change::Purge { queue, at } => {
            buffer.push(PURGE);
            numbers(buffer, &[*queue, *at]);
        }
    }
    Ok(())
}

/// Reads the change at the start of `bytes`, and moves on behind it; `None` if there is
/// none.
pub(super) fn read(bytes: &mut &[u8]) -> Option<Change> {
    let mut reader = Reader(bytes);
    let change = match reader.u8()? {
        DESCRIBE => Change::Describe(Box::new(serde_json::from_slice(reader.blob()?).ok()?)),
        DELETE_QUEUE => Change::DeleteQueue {
            queue: reader.u64()?,
        },
        ADD => Change::Add {
            queue: reader.u64()?,
            stored: Box::new(reader.stored()?),
        },
        REMOVE => Change::Remove {
            queue: reader.u64()?,
            index: reader.u64()?,
        },
        RECEIVE => Change::Receive {
            queue: reader.u64()?,
            index: reader.u64()?,
            at: reader.u64()?,
            until: reader.u64()?,
        },
        VISIBILITY => Change::Visibility {
            queue: reader.u64()?,
            index: reader.u64()?,
            until: reader.u64()?,
        },
        REMEMBER => {
            let queue = reader.u64()?;
            let (until, index) = (reader.u64()?, reader.u64()?);
            let message_id = reader.uuid()?;
            let key = reader.text()?.into();
            let sent = Remembered {
                key,
                until,
                message_id,
                index,
            };
            Change::Remember { queue, sent }
        }
        PURGE => Change::Purge {
            queue: reader.u64()?,
            at: reader.u64()?,
        },
        _ => return None,
    };
    *bytes = reader.0;
    Some(change)
}

fn numbers(buffer: &mut Vec<u8>, numbers: &[u64]) {
    for number in numbers {
        buffer.extend_from_slice(&number.to_be_bytes());
    }
}

fn blob(buffer: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    buffer.extend_from_slice(&length.to_be_bytes());
    buffer.extend_from_slice(bytes);
}

fn option(buffer: &mut Vec<u8>, text: Option<&str>) {
    buffer.push(u8::from(text.is_some()));
    if let Some(text) = text {
        blob(buffer, text.as_bytes());
    }
}

fn write_stored(buffer: &mut Vec<u8>, stored: &Stored) {
    let (kind, until) = match stored.place {
        Place::Ready => (0, 0),
        Place::Delayed(until) => (1, until),
        Place::InFlight(until) => (2, until),
    };
    buffer.push(kind);
    let Stored {
        index,
        sent,
        first_received,
        last_received,
        ..
    } = stored;
    numbers(
        buffer,
        &[*index, *sent, until, *first_received, *last_received],
    );
    buffer.extend_from_slice(&stored.receives.to_be_bytes());
    buffer.extend_from_slice(&stored.all_receives.to_be_bytes());
    option(buffer, stored.source.as_deref());
    let message = &*stored.message;
    buffer.extend_from_slice(message.id.as_bytes());
    buffer.extend_from_slice(&message.body_md5);
    blob(buffer, message.body.as_bytes());
    option(buffer, message.trace_header.as_deref());
    option(buffer, message.group_id.as_deref());
    option(buffer, message.deduplication_id.as_deref());
    buffer.push(u8::try_from(message.attributes.len()).unwrap_or(u8::MAX));
    for (name, attribute) in &message.attributes {
        blob(buffer, name.as_bytes());
        blob(buffer, attribute.data_type.as_bytes());
        buffer.push(u8::from(matches!(
            attribute.value,
            AttributeValue::Binary(_)
        )));
        blob(buffer, attribute.value.as_bytes());
    }
}

/// Takes values from the front of bytes.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*array)
    }

    fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    fn uuid(&mut self) -> Option<Uuid> {
        self.array().map(Uuid::from_bytes)
    }

    fn blob(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.u32()?).ok()?;
        let (blob, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(blob)
    }

    fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.blob()?).ok()
    }

    #[allow(
        clippy::option_option,
        reason = "the outer one says whether it can be read"
    )]
    fn option(&mut self) -> Option<Option<&'a str>> {
        match self.u8()? {
            0 => Some(None),
            1 => self.text().map(Some),
            _ => None,
        }
    }

    fn stored(&mut self) -> Option<Stored> {
        let kind = self.u8()?;
        let (index, sent, until) = (self.u64()?, self.u64()?, self.u64()?);
        let (first_received, last_received) = (self.u64()?, self.u64()?);
        let place = match kind {
            0 => Place::Ready,
            1 => Place::Delayed(until),
            2 => Place::InFlight(until),
            _ => return None,
        };
        Some(Stored {
            index,
            sent,
            place,
            first_received,
            last_received,
            receives: self.u32()?,
            all_receives: self.u32()?,
            source: self.option()?.map(Arc::from),
            message: Arc::new(self.message()?),
        })
    }

    fn message(&mut self) -> Option<Message> {
        Some(Message {
            id: self.uuid()?,
            body_md5: self.array()?,
            body: self.text()?.into(),
            trace_header: self.option()?.map(str::to_owned),
            group_id: self.option()?.map(Arc::from),
            deduplication_id: self.option()?.map(Arc::from),
            attributes: self.attributes()?,
        })
    }

    fn attributes(&mut self) -> Option<BTreeMap<String, MessageAttribute>> {
        let count = self.u8()?;
        let mut attributes = BTreeMap::new();
        for _ in 0..count {
            let name = self.text()?.to_owned();
            let data_type = self.text()?.to_owned();
            let value = match self.u8()? {
                0 => AttributeValue::Text(self.text()?.to_owned()),
                1 => AttributeValue::Binary(Bytes::copy_from_slice(self.blob()?)),
                _ => return None,
            };
            attributes.insert(name, MessageAttribute { data_type, value });
        }
        Some(attributes)
    }
}
