//! The cache's ports: malformed messages over gRPC and protosocket.

use momento_offline::transport::{CacheOptions, Served, Transport};
use momento_protos::protosocket::cache::{
    AuthenticateCommand, CacheCommand, Unary, cache_command::RpcKind, unary::Command,
};
use proptest::{collection::vec, prelude::*, sample::select};
use prost::Message;
use reqwest::header::HeaderValue;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::{bytes, harness};

/// A field of a protobuf message.
#[derive(Debug, Clone)]
enum Field {
    Number(u64),
    Fixed(u64),
    Bytes(Vec<u8>),
    Message(Vec<(u32, Field)>),
}

/// Messages whose fields have the numbers and sizes that the cache's own have.
fn message() -> impl Strategy<Value = Vec<(u32, Field)>> {
    let field = prop_oneof![
        prop_oneof![0_u64..100, Just(u64::MAX), any::<u64>()].prop_map(Field::Number),
        any::<u64>().prop_map(Field::Fixed),
        select(vec![&b"sample-a"[..], b"key", b"", b"17", b"\xff\xfe"])
            .prop_map(|bytes| Field::Bytes(bytes.to_vec())),
        vec(any::<u8>(), 0..40).prop_map(Field::Bytes),
    ];
    let field = field.prop_recursive(3, 16, 4, |inner| {
        vec((1_u32..9, inner), 0..4).prop_map(Field::Message)
    });
    vec((1_u32..9, field), 0..6)
}

fn encode(message: &[(u32, Field)], bytes: &mut Vec<u8>) {
    for (number, field) in message {
        let tag = |wire_type: u32| u64::from(number << 3 | wire_type);
        match field {
            Field::Number(value) => {
                varint(tag(0), bytes);
                varint(*value, bytes);
            }
            Field::Fixed(value) => {
                varint(tag(1), bytes);
                bytes.extend(value.to_le_bytes());
            }
            Field::Bytes(value) => {
                varint(tag(2), bytes);
                varint(value.len() as u64, bytes);
                bytes.extend(value);
            }
            Field::Message(fields) => {
                let mut inner = Vec::new();
                encode(fields, &mut inner);
                varint(tag(2), bytes);
                varint(inner.len() as u64, bytes);
                bytes.extend(inner);
            }
        }
    }
}

fn varint(value: u64, bytes: &mut Vec<u8>) {
    prost::encoding::encode_varint(value, bytes);
}

async fn listener() -> TcpListener {
    TcpListener::bind(("127.0.0.1", 0)).await.unwrap()
}

async fn serve() -> Served {
    let options = CacheOptions {
        transport: Transport::Server,
        capacity: 16 * 1024 * 1024,
        ..CacheOptions::default()
    };
    let served = Served::start(options, listener().await, ["sample-a"]);
    let served = served.await.unwrap();
    served.also_protosocket(listener().await).unwrap()
}

const CALLS: [&str; 30] = [
    "Get",
    "GetBatch",
    "Set",
    "SetBatch",
    "SetIf",
    "Delete",
    "Increment",
    "KeysExist",
    "UpdateTtl",
    "DictionaryGet",
    "DictionarySet",
    "DictionaryIncrement",
    "DictionaryDelete",
    "SetUnion",
    "SetDifference",
    "SetSample",
    "SetPop",
    "ListConcatenateFront",
    "ListErase",
    "ListRemove",
    "ListFetch",
    "ListRetain",
    "ListPushBack",
    "SortedSetPut",
    "SortedSetFetch",
    "SortedSetGetScore",
    "SortedSetRemove",
    "SortedSetIncrement",
    "SortedSetUnionStore",
    "NoSuchCall",
];

#[test]
fn a_malformed_grpc_message_is_refused_with_a_status() {
    let runtime = harness::runtime();
    let served = runtime.block_on(serve());
    let client = reqwest::Client::builder()
        .no_proxy()
        .http2_prior_knowledge();
    let client = client.build().unwrap();
    let service = select(vec!["cache_client.Scs", "control_client.ScsControl", ""]);
    let frame = prop_oneof![9 => Just(Vec::new()), 1 => bytes::changes()];
    let cases = (
        service,
        select(CALLS.to_vec()),
        message(),
        bytes::changes(),
        frame,
    );
    harness::fuzz(
        &runtime,
        &cases,
        async |(service, call, message, inside, around)| {
            let mut encoded = Vec::new();
            encode(&message, &mut encoded);
            let encoded = bytes::changed(encoded, &inside);
            let mut framed = vec![0];
            framed.extend(u32::try_from(encoded.len()).unwrap().to_be_bytes());
            framed.extend(encoded);
            let request = client
                .post(format!("http://{}/{service}/{call}", served.address()))
                .header("content-type", "application/grpc")
                .header("te", "trailers")
                .header("authorization", "key")
                .header("cache", "sample-a")
                .body(bytes::changed(framed, &around));
            let reply = request
                .send()
                .await
                .map_err(|error| format!("{call}: {error:?}"))?;
            let (status, code) = (reply.status(), reply.headers().get("grpc-status").cloned());
            reply
                .bytes()
                .await
                .map_err(|error| format!("{call}: {error:?}"))?;
            match code.as_ref().map(HeaderValue::as_bytes) {
                _ if !status.is_success() => Err(format!("{call}: HTTP {status}")),
                // UNKNOWN: what happened is not said.
                Some(b"2") => Err(format!("{call}: UNKNOWN")),
                _ => Ok(()),
            }
        },
    );
}

#[test]
fn a_malformed_protosocket_command_is_refused_or_ends_its_connection() {
    let runtime = harness::runtime();
    let served = runtime.block_on(serve());
    let address = served.protosocket_address().unwrap();
    let authenticate = CacheCommand {
        message_id: 1,
        control_code: 0,
        rpc_kind: Some(RpcKind::Unary(Unary {
            command: Some(Command::Auth(AuthenticateCommand {
                token: "key".to_owned(),
            })),
        })),
    };
    let authenticate = authenticate.encode_length_delimited_to_vec();
    let before = prop_oneof![3 => Just(Vec::new()), 1 => bytes::changes()];
    let cases = (before, vec(message(), 0..4), bytes::changes());
    harness::fuzz(&runtime, &cases, async |(before, messages, after)| {
        let mut commands = Vec::new();
        for message in &messages {
            let mut encoded = Vec::new();
            encode(message, &mut encoded);
            varint(encoded.len() as u64, &mut commands);
            commands.extend(encoded);
        }
        let mut sent = bytes::changed(authenticate.clone(), &before);
        sent.extend(bytes::changed(commands, &after));
        let mut stream = TcpStream::connect(address)
            .await
            .map_err(|error| error.to_string())?;
        // The connection may end before all is sent.
        let _ = stream.write_all(&sent).await;
        let _ = stream.shutdown().await;
        let read = timeout(harness::PATIENCE / 2, stream.read_to_end(&mut Vec::new())).await;
        read.map_err(|_| "the connection stays open".to_owned())?
            .ok();
        // The port still serves.
        let mut stream = TcpStream::connect(address)
            .await
            .map_err(|error| error.to_string())?;
        stream
            .write_all(&authenticate)
            .await
            .map_err(|error| error.to_string())?;
        stream
            .read_u8()
            .await
            .map_err(|error| format!("afterwards: {error}"))?;
        Ok(())
    });
}
