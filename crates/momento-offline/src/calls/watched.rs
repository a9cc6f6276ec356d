//! Answers calls and tells an observer of them.

use std::time::Instant;

use momento_protos::cache_client::{ECacheResult, GetBatchRequest, SetBatchRequest};
use prost::Message;

use super::{Reply, answer, name};
use crate::{
    faults::Verdict,
    keyspace::Keyspace,
    observer::{Called, Outcome},
};

/// The tag of field 1 with a length: the key of a call, or its collection's name.
const FIRST_BYTES: u8 = 0x0a;

/// The tag of field 1 with a number: the result of a get.
const FIRST_NUMBER: u8 = 0x08;

/// Answers a call as [`answer`] does, unless `verdict` refuses it. The observer gets to know
/// of one that `began` at a time.
///
/// # Errors
///
/// As [`answer`]; the verdict refuses the call.
pub(crate) fn answer_watched(
    keyspace: &Keyspace,
    began: Option<Instant>,
    verdict: &Verdict,
    (path, cache): (&str, &str),
    message: &[u8],
) -> Reply {
    let reply = match verdict {
        Verdict::Refuse(status) => Err(status.clone()),
        _ => answer(keyspace, path, cache, message),
    };
    if began.is_some() {
        tell(
            keyspace,
            began,
            verdict,
            (name(path), cache),
            message,
            &reply,
        );
    }
    reply
}

fn tell(
    keyspace: &Keyspace,
    began: Option<Instant>,
    verdict: &Verdict,
    (operation, cache): (&str, &str),
    message: &[u8],
    reply: &Reply,
) {
    let called = |key: &[u8], outcome| {
        let duration = std::time::Duration::ZERO;
        let called = Called {
            cache,
            operation,
            key,
            outcome,
            duration,
        };
        keyspace.called(began, called);
    };
    let messages = match reply {
        Ok(messages) => messages,
        Err(status) if matches!(verdict, Verdict::Refuse(_)) => {
            return called(first_field(message), Outcome::Fault(status.code));
        }
        Err(status) => return called(first_field(message), Outcome::Refused(status.code)),
    };
    let found = |index: usize| {
        messages
            .get(index)
            .map_or(Outcome::Ok, |reply| found(reply))
    };
    match operation {
        "Get" => called(first_field(message), found(0)),
        "GetBatch" => {
            let items = GetBatchRequest::decode(message).unwrap_or_default().items;
            for (index, item) in items.iter().enumerate() {
                called(&item.cache_key, found(index));
            }
        }
        "SetBatch" => {
            let items = SetBatchRequest::decode(message).unwrap_or_default().items;
            for item in &items {
                called(&item.cache_key, Outcome::Ok);
            }
        }
        _ => called(first_field(message), Outcome::Ok),
    }
}

/// Whether the reply to a get is a hit.
fn found(reply: &[u8]) -> Outcome {
    match reply {
        [FIRST_NUMBER, result, ..] if i32::from(*result) == ECacheResult::Hit as i32 => {
            Outcome::Hit
        }
        _ => Outcome::Miss,
    }
}

/// The bytes of a message's field 1, where the message begins with it, as prost and
/// protobuf write it.
pub(crate) fn first_field(message: &[u8]) -> &[u8] {
    let [FIRST_BYTES, rest @ ..] = message else {
        return &[];
    };
    let mut rest: &[u8] = rest;
    match prost::decode_length_delimiter(&mut rest) {
        Ok(length) => rest.get(..length).unwrap_or_default(),
        Err(_) => &[],
    }
}
