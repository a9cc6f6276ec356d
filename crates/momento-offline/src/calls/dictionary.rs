//! Dictionaries.

use super::{
    At, collection_ttl, count, element, incremented,
    proto::{
        DictionaryDeleteRequest, DictionaryDeleteResponse, DictionaryFetchRequest,
        DictionaryFetchResponse, DictionaryFieldValuePair, DictionaryGetRequest,
        DictionaryGetResponse, DictionaryIncrementRequest, DictionaryIncrementResponse,
        DictionaryLengthRequest, DictionaryLengthResponse, DictionarySetRequest,
        DictionarySetResponse, ECacheResult, dictionary_delete_request::Delete,
        dictionary_fetch_response, dictionary_get_response, dictionary_length_response,
    },
};
use crate::{status::Status, value::Dictionary};

pub(crate) fn get(at: &At, request: DictionaryGetRequest) -> Result<DictionaryGetResponse, Status> {
    use dictionary_get_response::{
        Dictionary as Reply, DictionaryGetResponsePart as Part, Found, Missing,
    };
    at.with(|cache| {
        let reply = match cache.read::<Dictionary>(&request.dictionary_name)? {
            None => Reply::Missing(Missing {}),
            Some(dictionary) => {
                let part = |field: &Vec<u8>| match dictionary.get(field) {
                    Some(value) => Part {
                        result: ECacheResult::Hit.into(),
                        cache_body: value.clone(),
                    },
                    None => Part {
                        result: ECacheResult::Miss.into(),
                        cache_body: Vec::new(),
                    },
                };
                Reply::Found(Found {
                    items: request.fields.iter().map(part).collect(),
                })
            }
        };
        Ok(DictionaryGetResponse {
            dictionary: Some(reply),
        })
    })
}

pub(crate) fn fetch(
    at: &At,
    request: DictionaryFetchRequest,
) -> Result<DictionaryFetchResponse, Status> {
    use dictionary_fetch_response::{Dictionary as Reply, Found, Missing};
    at.with(|cache| {
        let reply = match cache.read::<Dictionary>(&request.dictionary_name)? {
            None => Reply::Missing(Missing {}),
            Some(dictionary) => {
                let pair = |(field, value): (&Vec<u8>, &Vec<u8>)| DictionaryFieldValuePair {
                    field: field.clone(),
                    value: value.clone(),
                };
                Reply::Found(Found {
                    items: dictionary.iter().map(pair).collect(),
                })
            }
        };
        Ok(DictionaryFetchResponse {
            dictionary: Some(reply),
        })
    })
}

pub(crate) fn set(at: &At, request: DictionarySetRequest) -> Result<DictionarySetResponse, Status> {
    let pairs = request.items.into_iter();
    let pairs: Result<Vec<_>, Status> = pairs
        .map(|pair| Ok((element(pair.field)?, element(pair.value)?)))
        .collect();
    let pairs = pairs?;
    let ttl = collection_ttl(request.ttl_milliseconds, request.refresh_ttl);
    at.with(|cache| {
        cache.upsert(
            request.dictionary_name,
            ttl,
            |dictionary: &mut Dictionary| {
                for (field, value) in pairs {
                    dictionary.insert(field, value);
                }
                Ok(DictionarySetResponse {})
            },
        )
    })
}

pub(crate) fn increment(
    at: &At,
    request: DictionaryIncrementRequest,
) -> Result<DictionaryIncrementResponse, Status> {
    let ttl = collection_ttl(request.ttl_milliseconds, request.refresh_ttl);
    let field = element(request.field)?;
    at.with(|cache| {
        cache.upsert(
            request.dictionary_name,
            ttl,
            |dictionary: &mut Dictionary| {
                let value = incremented(dictionary.get(&field), request.amount)?;
                dictionary.insert(field, value.to_string().into());
                Ok(DictionaryIncrementResponse { value })
            },
        )
    })
}

pub(crate) fn delete(
    at: &At,
    request: DictionaryDeleteRequest,
) -> Result<DictionaryDeleteResponse, Status> {
    let Some(delete) = request.delete else {
        return Err(Status::invalid("the call names no fields"));
    };
    at.with(|cache| {
        cache.update(request.dictionary_name, |dictionary: &mut Dictionary| {
            match delete {
                Delete::All(_) => *dictionary = Dictionary::default(),
                Delete::Some(some) => {
                    for field in some.fields {
                        dictionary.remove(&field);
                    }
                }
            }
            Ok(())
        })?;
        Ok(DictionaryDeleteResponse {})
    })
}

pub(crate) fn length(
    at: &At,
    request: DictionaryLengthRequest,
) -> Result<DictionaryLengthResponse, Status> {
    use dictionary_length_response::{Dictionary as Reply, Found, Missing};
    at.with(|cache| {
        let reply = match cache.read::<Dictionary>(&request.dictionary_name)? {
            None => Reply::Missing(Missing {}),
            Some(dictionary) => Reply::Found(Found {
                length: count(dictionary.len()),
            }),
        };
        Ok(DictionaryLengthResponse {
            dictionary: Some(reply),
        })
    })
}
