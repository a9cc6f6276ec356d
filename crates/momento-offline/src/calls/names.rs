//! Names of the served calls, by which fault rules select them.

use crate::faults::AUTH;

/// gRPC names of the served calls.
const SERVED: [&str; 50] = [
    "Get",
    "GetBatch",
    "Set",
    "SetBatch",
    "SetIf",
    "SetIfNotExists",
    "Delete",
    "Increment",
    "KeysExist",
    "ItemGetTtl",
    "ItemGetType",
    "UpdateTtl",
    "DictionaryGet",
    "DictionaryFetch",
    "DictionarySet",
    "DictionaryIncrement",
    "DictionaryDelete",
    "DictionaryLength",
    "SetFetch",
    "SetSample",
    "SetUnion",
    "SetDifference",
    "SetContains",
    "SetLength",
    "SetPop",
    "ListConcatenateFront",
    "ListConcatenateBack",
    "ListPushFront",
    "ListPushBack",
    "ListPopFront",
    "ListPopBack",
    "ListErase",
    "ListRemove",
    "ListFetch",
    "ListRetain",
    "ListLength",
    "SortedSetPut",
    "SortedSetFetch",
    "SortedSetGetScore",
    "SortedSetRemove",
    "SortedSetIncrement",
    "SortedSetGetRank",
    "SortedSetLength",
    "SortedSetLengthByScore",
    "SortedSetUnionStore",
    "CreateCache",
    "DeleteCache",
    "FlushCache",
    "ListCaches",
    "Ping",
];

/// Whether a fault rule may name this call: a served call, or the command that opens a
/// protosocket connection.
pub(crate) fn is_known(name: &str) -> bool {
    name == AUTH || SERVED.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::SERVED;
    use crate::{calls::answer, keyspace::Keyspace, status::Code};

    #[test]
    fn every_named_call_is_served() {
        let keyspace = Keyspace::default();
        let services = [
            "cache_client.Scs",
            "control_client.ScsControl",
            "cache_client.Ping",
        ];
        for name in SERVED {
            let served = services.iter().any(|service| {
                let path = format!("/{service}/{name}");
                let answered = answer(&keyspace, &path, "none", &[]);
                answered
                    .err()
                    .is_none_or(|status| status.code != Code::Unimplemented)
            });
            assert!(served, "{name}");
        }
    }
}
