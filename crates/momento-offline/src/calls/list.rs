//! Lists.

use super::{
    At, collection_ttl, count, element,
    proto::{
        ListConcatenateBackRequest, ListConcatenateBackResponse, ListConcatenateFrontRequest,
        ListConcatenateFrontResponse, ListEraseRequest, ListEraseResponse, ListFetchRequest,
        ListFetchResponse, ListLengthRequest, ListLengthResponse, ListPopBackRequest,
        ListPopBackResponse, ListPopFrontRequest, ListPopFrontResponse, ListPushBackRequest,
        ListPushBackResponse, ListPushFrontRequest, ListPushFrontResponse, ListRemoveRequest,
        ListRemoveResponse, ListRetainRequest, ListRetainResponse, list_erase_request::Erase,
        list_erase_response, list_fetch_request, list_fetch_response, list_length_response,
        list_pop_back_response, list_pop_front_response, list_remove_request::Remove,
        list_remove_response, list_retain_request, list_retain_response,
    },
    slice,
};
use crate::{
    cache::CollectionTtl,
    status::Status,
    value::{Blob, List},
};

/// An end of a list.
#[derive(Clone, Copy)]
enum End {
    Front,
    Back,
}

/// Adds `values` in order to one end. A list longer than `most` (0 means
/// unlimited) is truncated at the other end.
fn add(
    at: &At,
    (name, ttl): (Blob, CollectionTtl),
    values: Vec<Blob>,
    end: End,
    most: u32,
) -> Result<u32, Status> {
    let values: Result<Vec<_>, _> = values.into_iter().map(element).collect();
    let values = values?;
    at.with(|cache| {
        cache.upsert(name, ttl, |list: &mut List| {
            match end {
                End::Front => values.into_iter().rev().for_each(|v| list.push_front(v)),
                End::Back => values.into_iter().for_each(|v| list.push_back(v)),
            }
            while most > 0 && list.len() > most as usize {
                match end {
                    End::Front => list.pop_back(),
                    End::Back => list.pop_front(),
                };
            }
            Ok(count(list.len()))
        })
    })
}

pub(crate) fn concatenate_front(
    at: &At,
    request: ListConcatenateFrontRequest,
) -> Result<ListConcatenateFrontResponse, Status> {
    let ttl = collection_ttl(request.ttl_milliseconds, request.refresh_ttl);
    let most = request.truncate_back_to_size;
    let list_length = add(
        at,
        (request.list_name, ttl),
        request.values,
        End::Front,
        most,
    )?;
    Ok(ListConcatenateFrontResponse { list_length })
}

pub(crate) fn concatenate_back(
    at: &At,
    request: ListConcatenateBackRequest,
) -> Result<ListConcatenateBackResponse, Status> {
    let ttl = collection_ttl(request.ttl_milliseconds, request.refresh_ttl);
    let most = request.truncate_front_to_size;
    let list_length = add(
        at,
        (request.list_name, ttl),
        request.values,
        End::Back,
        most,
    )?;
    Ok(ListConcatenateBackResponse { list_length })
}

pub(crate) fn push_front(
    at: &At,
    request: ListPushFrontRequest,
) -> Result<ListPushFrontResponse, Status> {
    let ttl = collection_ttl(request.ttl_milliseconds, request.refresh_ttl);
    let most = request.truncate_back_to_size;
    let values = vec![request.value];
    let list_length = add(at, (request.list_name, ttl), values, End::Front, most)?;
    Ok(ListPushFrontResponse { list_length })
}

pub(crate) fn push_back(
    at: &At,
    request: ListPushBackRequest,
) -> Result<ListPushBackResponse, Status> {
    let ttl = collection_ttl(request.ttl_milliseconds, request.refresh_ttl);
    let most = request.truncate_front_to_size;
    let values = vec![request.value];
    let list_length = add(at, (request.list_name, ttl), values, End::Back, most)?;
    Ok(ListPushBackResponse { list_length })
}

/// Removes a value from one end. Returns it with the list's new length.
fn take(at: &At, name: Blob, end: End) -> Result<Option<(Blob, u32)>, Status> {
    let taken = at.with(|cache| {
        cache.update(name, |list: &mut List| {
            let value = match end {
                End::Front => list.pop_front(),
                End::Back => list.pop_back(),
            };
            Ok(value.map(|value| (value, count(list.len()))))
        })
    })?;
    Ok(taken.flatten())
}

pub(crate) fn pop_front(
    at: &At,
    request: ListPopFrontRequest,
) -> Result<ListPopFrontResponse, Status> {
    use list_pop_front_response::{Found, List as Reply, Missing};
    let reply = match take(at, request.list_name, End::Front)? {
        Some((front, list_length)) => Reply::Found(Found { front, list_length }),
        None => Reply::Missing(Missing {}),
    };
    Ok(ListPopFrontResponse { list: Some(reply) })
}

pub(crate) fn pop_back(
    at: &At,
    request: ListPopBackRequest,
) -> Result<ListPopBackResponse, Status> {
    use list_pop_back_response::{Found, List as Reply, Missing};
    let reply = match take(at, request.list_name, End::Back)? {
        Some((back, list_length)) => Reply::Found(Found { back, list_length }),
        None => Reply::Missing(Missing {}),
    };
    Ok(ListPopBackResponse { list: Some(reply) })
}

pub(crate) fn erase(at: &At, request: ListEraseRequest) -> Result<ListEraseResponse, Status> {
    use list_erase_response::{Found, List as Reply, Missing};
    let Some(erase) = request.erase else {
        return Err(Status::invalid("the call names no range"));
    };
    let left = at.with(|cache| {
        cache.update(request.list_name, |list: &mut List| {
            match erase {
                Erase::All(_) => *list = List::default(),
                Erase::Some(some) => list.retain(|index, _| {
                    !some.ranges.iter().any(|range| {
                        let begin = range.begin_index as usize;
                        (begin..begin.saturating_add(range.count as usize)).contains(&index)
                    })
                }),
            }
            Ok(count(list.len()))
        })
    })?;
    let reply = match left {
        Some(list_length) => Reply::Found(Found { list_length }),
        None => Reply::Missing(Missing {}),
    };
    Ok(ListEraseResponse { list: Some(reply) })
}

pub(crate) fn remove(at: &At, request: ListRemoveRequest) -> Result<ListRemoveResponse, Status> {
    use list_remove_response::{Found, List as Reply, Missing};
    let Some(Remove::AllElementsWithValue(removed)) = request.remove else {
        return Err(Status::invalid("the call names no value"));
    };
    let left = at.with(|cache| {
        cache.update(request.list_name, |list: &mut List| {
            list.retain(|_, value| *value != removed);
            Ok(count(list.len()))
        })
    })?;
    let reply = match left {
        Some(list_length) => Reply::Found(Found { list_length }),
        None => Reply::Missing(Missing {}),
    };
    Ok(ListRemoveResponse { list: Some(reply) })
}

pub(crate) fn fetch(at: &At, request: ListFetchRequest) -> Result<ListFetchResponse, Status> {
    use list_fetch_request::{EndIndex, StartIndex};
    use list_fetch_response::{Found, List as Reply, Missing};
    let start = match request.start_index {
        Some(StartIndex::InclusiveStart(start)) => Some(start),
        _ => None,
    };
    let end = match request.end_index {
        Some(EndIndex::ExclusiveEnd(end)) => Some(end),
        _ => None,
    };
    at.with(|cache| {
        let reply = match cache.read::<List>(&request.list_name)? {
            None => Reply::Missing(Missing {}),
            Some(list) => {
                let range = slice(list.len(), start, end);
                let values = list.iter().skip(range.start).take(range.len());
                Reply::Found(Found {
                    values: values.cloned().collect(),
                })
            }
        };
        Ok(ListFetchResponse { list: Some(reply) })
    })
}

pub(crate) fn retain(at: &At, request: ListRetainRequest) -> Result<ListRetainResponse, Status> {
    use list_retain_request::{EndIndex, StartIndex};
    use list_retain_response::{Found, List as Reply, Missing};
    let start = match request.start_index {
        Some(StartIndex::InclusiveStart(start)) => Some(start),
        _ => None,
    };
    let end = match request.end_index {
        Some(EndIndex::ExclusiveEnd(end)) => Some(end),
        _ => None,
    };
    let ttl = collection_ttl(request.ttl_milliseconds, request.refresh_ttl);
    at.with(|cache| {
        if cache.read::<List>(&request.list_name)?.is_none() {
            let reply = Reply::Missing(Missing {});
            return Ok(ListRetainResponse { list: Some(reply) });
        }
        let list_length = cache.upsert(request.list_name, ttl, |list: &mut List| {
            let range = slice(list.len(), start, end);
            list.retain(|index, _| range.contains(&index));
            Ok(count(list.len()))
        })?;
        Ok(ListRetainResponse {
            list: Some(Reply::Found(Found { list_length })),
        })
    })
}

pub(crate) fn length(at: &At, request: ListLengthRequest) -> Result<ListLengthResponse, Status> {
    use list_length_response::{Found, List as Reply, Missing};
    at.with(|cache| {
        let reply = match cache.read::<List>(&request.list_name)? {
            None => Reply::Missing(Missing {}),
            Some(list) => Reply::Found(Found {
                length: count(list.len()),
            }),
        };
        Ok(ListLengthResponse { list: Some(reply) })
    })
}
