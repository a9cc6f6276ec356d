//! The calls of Momento's gRPC services, by family. Each takes a protobuf message
//! and returns messages or a status. Both gRPC transports call [`answer`].

// Every call has the same signature, so that the dispatch below stays a table.
#![allow(clippy::needless_pass_by_value, clippy::unnecessary_wraps)]

mod control;
mod dictionary;
mod list;
pub(crate) mod names;
mod scalar;
mod set;
mod sorted_set;
mod watched;

use std::time::Duration;

use momento_protos::cache_client as proto;
use prost::Message;

pub(crate) use watched::{answer_watched, first_field};

use super::{
    cache::{Cache, CollectionTtl, MAX_ELEMENT},
    keyspace::Keyspace,
    status::{Code, Status},
    value::Blob,
};

/// Encoded messages of a reply: one for a unary call, any number for a streaming
/// call.
pub(crate) type Reply = Result<Vec<Vec<u8>>, Status>;

/// Name of the call in a gRPC path: `Get` in `/cache_client.Scs/Get`.
#[must_use]
pub(crate) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Answers the call to `path` on the cache of this name (the `cache` header), and
/// counts it unless it fails.
///
/// # Errors
///
/// The keyspace refuses the call, or this crate does not serve it.
pub(crate) fn answer(keyspace: &Keyspace, path: &str, cache: &str, message: &[u8]) -> Reply {
    let at = At { keyspace, cache };
    match path.rsplit_once('/') {
        Some(("/cache_client.Scs", call)) => at.cache_call(path, call, message),
        Some(("/control_client.ScsControl", call)) => at.control_call(path, call, message),
        // The JavaScript SDK pings to connect.
        Some(("/cache_client.Ping", "Ping")) => Ok(vec![Vec::new()]),
        _ => Err(not_served(path)),
    }
}

fn not_served(path: &str) -> Status {
    let what =
        format!("{path} is not served offline; docs/reference/momento.md lists the served calls");
    Status::new(Code::Unimplemented, what)
}

/// The cache that a call is for.
#[derive(Clone, Copy)]
struct At<'a> {
    keyspace: &'a Keyspace,
    cache: &'a str,
}

impl At<'_> {
    fn with<R>(&self, work: impl FnOnce(&mut Cache) -> Result<R, Status>) -> Result<R, Status> {
        self.keyspace.with(self.cache, work)
    }

    /// Answers a unary call that counts as `other`.
    fn unary<Q, A>(
        &self,
        message: &[u8],
        answer: impl FnOnce(&Self, Q) -> Result<A, Status>,
    ) -> Reply
    where
        Q: Message + Default,
        A: Message,
    {
        let answer = answer(self, decode(message)?)?;
        self.keyspace.counters().other();
        Ok(vec![answer.encode_to_vec()])
    }

    fn cache_call(&self, path: &str, call: &str, message: &[u8]) -> Reply {
        match call {
            "Get" => scalar::get(self, &decode(message)?),
            "GetBatch" => scalar::get_batch(self, &decode(message)?),
            "Set" => scalar::set(self, decode(message)?),
            "SetBatch" => scalar::set_batch(self, decode(message)?),
            "SetIf" => scalar::set_if(self, decode(message)?),
            "SetIfNotExists" => scalar::set_if_not_exists(self, decode(message)?),
            "Delete" => scalar::delete(self, &decode(message)?),
            "Increment" => self.unary(message, scalar::increment),
            "KeysExist" => self.unary(message, scalar::keys_exist),
            "ItemGetTtl" => self.unary(message, scalar::item_get_ttl),
            "ItemGetType" => self.unary(message, scalar::item_get_type),
            "UpdateTtl" => self.unary(message, scalar::update_ttl),
            "DictionaryGet" => self.unary(message, dictionary::get),
            "DictionaryFetch" => self.unary(message, dictionary::fetch),
            "DictionarySet" => self.unary(message, dictionary::set),
            "DictionaryIncrement" => self.unary(message, dictionary::increment),
            "DictionaryDelete" => self.unary(message, dictionary::delete),
            "DictionaryLength" => self.unary(message, dictionary::length),
            "SetFetch" => self.unary(message, set::fetch),
            "SetSample" => self.unary(message, set::sample),
            "SetUnion" => self.unary(message, set::union),
            "SetDifference" => self.unary(message, set::difference),
            "SetContains" => self.unary(message, set::contains),
            "SetLength" => self.unary(message, set::length),
            "SetPop" => self.unary(message, set::pop),
            "ListConcatenateFront" => self.unary(message, list::concatenate_front),
            "ListConcatenateBack" => self.unary(message, list::concatenate_back),
            "ListPushFront" => self.unary(message, list::push_front),
            "ListPushBack" => self.unary(message, list::push_back),
            "ListPopFront" => self.unary(message, list::pop_front),
            "ListPopBack" => self.unary(message, list::pop_back),
            "ListErase" => self.unary(message, list::erase),
            "ListRemove" => self.unary(message, list::remove),
            "ListFetch" => self.unary(message, list::fetch),
            "ListRetain" => self.unary(message, list::retain),
            "ListLength" => self.unary(message, list::length),
            "SortedSetPut" => self.unary(message, sorted_set::put),
            "SortedSetFetch" => self.unary(message, sorted_set::fetch),
            "SortedSetGetScore" => self.unary(message, sorted_set::get_score),
            "SortedSetRemove" => self.unary(message, sorted_set::remove),
            "SortedSetIncrement" => self.unary(message, sorted_set::increment),
            "SortedSetGetRank" => self.unary(message, sorted_set::get_rank),
            "SortedSetLength" => self.unary(message, sorted_set::length),
            "SortedSetLengthByScore" => self.unary(message, sorted_set::length_by_score),
            "SortedSetUnionStore" => self.unary(message, sorted_set::union_store),
            _ => Err(not_served(path)),
        }
    }

    fn control_call(&self, path: &str, call: &str, message: &[u8]) -> Reply {
        match call {
            "CreateCache" => self.unary(message, control::create_cache),
            "DeleteCache" => self.unary(message, control::delete_cache),
            "FlushCache" => self.unary(message, control::flush_cache),
            "ListCaches" => self.unary(message, control::list_caches),
            _ => Err(not_served(path)),
        }
    }
}

fn decode<M: Message + Default>(message: &[u8]) -> Result<M, Status> {
    M::decode(message)
        .map_err(|error| Status::invalid(format!("cannot decode the message: {error}")))
}

fn collection_ttl(ttl_milliseconds: u64, refresh: bool) -> CollectionTtl {
    CollectionTtl {
        ttl: Duration::from_millis(ttl_milliseconds),
        refresh,
    }
}

/// Checks the size limit of a collection's element.
fn element(element: Blob) -> Result<Blob, Status> {
    if element.len() > MAX_ELEMENT {
        let size = element.len();
        return Err(Status::limit(
            "element_size_limit_exceeded",
            format!("an element has {size} bytes; the element size limit is {MAX_ELEMENT}"),
        ));
    }
    Ok(element)
}

/// A collection's length as the protocol's integer.
fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// The indexes of a slice of `length` elements: from `start`, inclusive, to `end`,
/// exclusive. Negative indexes count from the end.
fn slice(length: usize, start: Option<i32>, end: Option<i32>) -> std::ops::Range<usize> {
    let from_front = |index: i32| {
        let distance = index.unsigned_abs() as usize;
        if index < 0 {
            length.saturating_sub(distance)
        } else {
            distance.min(length)
        }
    };
    let start = start.map_or(0, from_front);
    let end = end.map_or(length, from_front);
    start..end.max(start)
}

/// Adds `amount` to the decimal number in `held`, or to 0.
fn incremented(held: Option<&Blob>, amount: i64) -> Result<i64, Status> {
    let held = match held {
        None => 0,
        Some(text) => std::str::from_utf8(text)
            .ok()
            .and_then(|text| text.parse::<i64>().ok())
            .ok_or_else(|| {
                let what = "the value is not an integer in decimal digits";
                Status::new(Code::FailedPrecondition, what)
            })?,
    };
    held.checked_add(amount).ok_or_else(|| {
        let what = format!("the sum of {held} and {amount} exceeds 64 bits");
        Status::new(Code::FailedPrecondition, what)
    })
}

#[cfg(test)]
mod tests {
    use super::{incremented, slice};

    #[test]
    fn a_slice_stays_within_the_collection() {
        for (start, end, expected) in [
            (None, None, 0..4),
            (Some(1), Some(3), 1..3),
            (Some(-3), Some(-1), 1..3),
            (Some(-9), Some(9), 0..4),
            (Some(3), Some(1), 3..3),
            (Some(i32::MIN), Some(i32::MAX), 0..4),
        ] {
            assert_eq!(slice(4, start, end), expected, "{start:?}..{end:?}");
        }
    }

    #[test]
    fn an_increment_needs_a_64_bit_integer() {
        assert_eq!(incremented(None, -2), Ok(-2));
        assert_eq!(incremented(Some(&b"40".to_vec()), 2), Ok(42));
        for held in ["", "x", "1.5", "9223372036854775807"] {
            assert!(incremented(Some(&held.into()), 1).is_err(), "{held:?}");
        }
    }
}
