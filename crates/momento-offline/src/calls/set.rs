//! Sets.

use rand::seq::IteratorRandom;

use super::{
    At, collection_ttl, count, element,
    proto::{
        SetContainsRequest, SetContainsResponse, SetDifferenceRequest, SetDifferenceResponse,
        SetFetchRequest, SetFetchResponse, SetLengthRequest, SetLengthResponse, SetPopRequest,
        SetPopResponse, SetSampleRequest, SetSampleResponse, SetUnionRequest, SetUnionResponse,
        set_contains_response,
        set_difference_request::{Difference, subtrahend::SubtrahendSet},
        set_difference_response, set_fetch_response, set_length_response, set_pop_response,
        set_sample_response,
    },
};
use crate::{
    status::Status,
    value::{Blob, Set},
};

pub(crate) fn fetch(at: &At, request: SetFetchRequest) -> Result<SetFetchResponse, Status> {
    use set_fetch_response::{Found, Missing, Set as Reply};
    at.with(|cache| {
        let reply = match cache.read::<Set>(&request.set_name)? {
            None => Reply::Missing(Missing {}),
            Some(set) => Reply::Found(Found {
                elements: set.iter().cloned().collect(),
            }),
        };
        Ok(SetFetchResponse { set: Some(reply) })
    })
}

pub(crate) fn sample(at: &At, request: SetSampleRequest) -> Result<SetSampleResponse, Status> {
    use set_sample_response::{Found, Missing, Set as Reply};
    at.with(|cache| {
        let reply = match cache.read::<Set>(&request.set_name)? {
            None => Reply::Missing(Missing {}),
            Some(set) => Reply::Found(Found {
                elements: some_of(set, request.limit),
            }),
        };
        Ok(SetSampleResponse { set: Some(reply) })
    })
}

pub(crate) fn union(at: &At, request: SetUnionRequest) -> Result<SetUnionResponse, Status> {
    let elements: Result<Vec<_>, _> = request.elements.into_iter().map(element).collect();
    let elements = elements?;
    let ttl = collection_ttl(request.ttl_milliseconds, request.refresh_ttl);
    at.with(|cache| {
        cache.upsert(request.set_name, ttl, |set: &mut Set| {
            for element in elements {
                set.insert(element);
            }
            Ok(SetUnionResponse {})
        })
    })
}

pub(crate) fn difference(
    at: &At,
    request: SetDifferenceRequest,
) -> Result<SetDifferenceResponse, Status> {
    use set_difference_response::{Found, Missing, Set as Reply};
    let Some(difference) = request.difference else {
        return Err(Status::invalid("the call names no elements"));
    };
    at.with(|cache| {
        let found = cache.update(request.set_name, |set: &mut Set| subtract(set, difference))?;
        let reply = match found {
            Some(()) => Reply::Found(Found {}),
            None => Reply::Missing(Missing {}),
        };
        Ok(SetDifferenceResponse { set: Some(reply) })
    })
}

fn subtract(set: &mut Set, difference: Difference) -> Result<(), Status> {
    match difference {
        Difference::Minuend(minuend) => {
            let mut left = Set::default();
            for element in minuend.elements {
                if !set.contains(&element) {
                    left.insert(element);
                }
            }
            *set = left;
        }
        Difference::Subtrahend(subtrahend) => match subtrahend.subtrahend_set {
            Some(SubtrahendSet::Set(subtrahend)) => {
                for element in subtrahend.elements {
                    set.remove(&element);
                }
            }
            Some(SubtrahendSet::Identity(_)) => *set = Set::default(),
            None => return Err(Status::invalid("the call names no elements")),
        },
    }
    Ok(())
}

pub(crate) fn contains(
    at: &At,
    request: SetContainsRequest,
) -> Result<SetContainsResponse, Status> {
    use set_contains_response::{Found, Missing, Set as Reply};
    at.with(|cache| {
        let reply = match cache.read::<Set>(&request.set_name)? {
            None => Reply::Missing(Missing {}),
            Some(set) => {
                let elements = request.elements.iter();
                Reply::Found(Found {
                    contains: elements.map(|element| set.contains(element)).collect(),
                })
            }
        };
        Ok(SetContainsResponse { set: Some(reply) })
    })
}

pub(crate) fn length(at: &At, request: SetLengthRequest) -> Result<SetLengthResponse, Status> {
    use set_length_response::{Found, Missing, Set as Reply};
    at.with(|cache| {
        let reply = match cache.read::<Set>(&request.set_name)? {
            None => Reply::Missing(Missing {}),
            Some(set) => Reply::Found(Found {
                length: count(set.len()),
            }),
        };
        Ok(SetLengthResponse { set: Some(reply) })
    })
}

pub(crate) fn pop(at: &At, request: SetPopRequest) -> Result<SetPopResponse, Status> {
    use set_pop_response::{Found, Missing, Set as Reply};
    at.with(|cache| {
        let popped = cache.update(request.set_name, |set: &mut Set| {
            let elements = some_of(set, request.count.into());
            for element in &elements {
                set.remove(element);
            }
            Ok(elements)
        })?;
        let reply = match popped {
            Some(elements) => Reply::Found(Found { elements }),
            None => Reply::Missing(Missing {}),
        };
        Ok(SetPopResponse { set: Some(reply) })
    })
}

/// Up to `limit` elements, chosen at random.
fn some_of(set: &Set, limit: u64) -> Vec<Blob> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX).min(set.len());
    set.iter().cloned().choose_multiple(&mut rand::rng(), limit)
}
