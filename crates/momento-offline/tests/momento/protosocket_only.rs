//! protosocket alone: authentication, connections and keyspace shared with gRPC.

use momento::{
    MomentoErrorCode,
    protosocket::cache::configurations::{Laptop, LowLatency},
};
use momento_offline::{
    faults::{Fault, FaultRule},
    status::Code,
};
use momento_protos::protosocket::cache::{
    AuthenticateCommand, CacheCommand, CacheResponse, GetCommand, Unary, cache_command::RpcKind,
    cache_response::Kind, unary::Command,
};
use prost::Message;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::world::{CACHE, PATIENCE, ScalarClient, TTL, World, protosocket_client, tls_client};

/// A connection without the SDK.
struct Raw(TcpStream);

impl Raw {
    async fn connect(world: &World) -> Self {
        let address = world.served.protosocket_address().unwrap();
        Self(TcpStream::connect(address).await.unwrap())
    }

    async fn ask(&mut self, message_id: u64, command: Command) -> CacheResponse {
        let bytes = message(message_id, command);
        self.0.write_all(&bytes).await.unwrap();
        // Replies of these tests are shorter than 128 bytes: a prefix of one byte.
        let length = self.0.read_u8().await.unwrap();
        let mut reply = vec![0; length.into()];
        self.0.read_exact(&mut reply).await.unwrap();
        CacheResponse::decode(&reply[..]).unwrap()
    }
}

fn message(message_id: u64, command: Command) -> Vec<u8> {
    let unary = Unary {
        command: Some(command),
    };
    let command = CacheCommand {
        message_id,
        control_code: 0,
        rpc_kind: Some(RpcKind::Unary(unary)),
    };
    command.encode_length_delimited_to_vec()
}

fn auth(token: &str) -> Command {
    Command::Auth(AuthenticateCommand {
        token: token.to_owned(),
    })
}

fn get() -> Command {
    Command::Get(GetCommand {
        namespace: CACHE.to_owned(),
        key: b"Car".to_vec(),
    })
}

fn refusal(response: CacheResponse) -> (i32, String) {
    match response.kind {
        Some(Kind::Error(error)) => (error.code, error.message),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_connection_must_authenticate_before_its_first_call() {
    let world = World::protosocket().await;
    let mut raw = Raw::connect(&world).await;
    let response = raw.ask(7, get()).await;
    assert_eq!(response.message_id, 7);
    let (code, text) = refusal(response);
    assert_eq!(code, Code::Unauthenticated as i32);
    assert!(text.contains("must be Auth"), "{text}");
    let (code, _) = refusal(raw.ask(8, auth("")).await);
    assert_eq!(code, Code::Unauthenticated as i32);

    let response = raw.ask(9, auth("any key")).await;
    assert!(matches!(response.kind, Some(Kind::Auth(_))), "{response:?}");
    let miss = refusal(raw.ask(10, get()).await);
    assert_eq!(miss, (Code::NotFound as i32, "Key not found".to_owned()));
    let counts = world.keyspace().counts();
    assert_eq!((counts.error, counts.miss), (2, 1));
}

#[tokio::test]
async fn broken_bytes_close_the_connection_and_no_other() {
    let world = World::protosocket().await;
    let client = world.scalars().await;
    client.set(CACHE, "Car", "item", TTL).await.unwrap();
    let mut raw = Raw::connect(&world).await;
    raw.0.write_all(&[255; 32]).await.unwrap();
    let closed = tokio::time::timeout(PATIENCE, raw.0.read_u8()).await;
    assert!(closed.unwrap().is_err());
    assert!(client.get(CACHE, "Car").await.unwrap().is_some());
}

#[tokio::test]
async fn protosocket_and_grpc_share_the_keyspace() {
    let world = World::protosocket().await;
    let client = world.scalars().await;
    client.set(CACHE, "Car", "item", TTL).await.unwrap();
    assert_eq!(world.get("Car").await, Some(b"item".to_vec()));
    world.client.delete(CACHE, "Car").await.unwrap();
    assert_eq!(client.get(CACHE, "Car").await.unwrap(), None);
    let counts = world.keyspace().counts();
    assert_eq!((counts.set, counts.get, counts.delete), (1, 2, 1));
}

#[tokio::test]
async fn an_auth_fault_refuses_new_connections_as_the_sdk_s_authentication_error() {
    let world = World::protosocket().await;
    world.keyspace().faults.set(Fault::AuthFailure).unwrap();
    let client = protosocket_client(&world.served, Laptop::latest()).await;
    let error = client.get(CACHE, "Car").await.unwrap_err();
    assert_eq!(error.error_code, MomentoErrorCode::AuthenticationError);
    world.keyspace().faults.clear();
    client.get(CACHE, "Car").await.unwrap();
    assert_eq!(world.keyspace().counts().error, 1);
}

#[tokio::test]
async fn a_black_hole_never_answers_and_counts_as_an_error() {
    let world = World::protosocket().await;
    // Its deadline is 500 ms.
    let hasty = protosocket_client(&world.served, LowLatency::latest()).await;
    hasty.get(CACHE, "Car").await.unwrap();
    world.keyspace().faults.set(Fault::BlackHole).unwrap();
    let error = hasty.set(CACHE, "Car", "item").await.unwrap_err();
    assert_eq!(error.error_code, MomentoErrorCode::TimeoutError);
    world.keyspace().faults.clear();
    // The cache did not carry out the set.
    assert_eq!(world.get("Car").await, None);
    let counts = world.keyspace().counts();
    assert_eq!((counts.set, counts.error), (0, 1));
}

#[tokio::test]
async fn a_dropped_connection_fails_its_call_and_the_next_call_reconnects() {
    let world = World::protosocket().await;
    let client = world.scalars().await;
    client.get(CACHE, "Car").await.unwrap();
    let once = FaultRule::from(Fault::DropConnection).count(1);
    world.keyspace().faults.set(once).unwrap();
    client.set(CACHE, "Car", "item", TTL).await.unwrap_err();
    let counts = world.keyspace().counts();
    assert_eq!((counts.set, counts.error), (0, 1));
    assert_eq!(client.get(CACHE, "Car").await.unwrap(), None);
}

#[tokio::test]
async fn a_dropped_cache_answers_no_call() {
    let world = World::protosocket().await;
    let client = world.scalars().await;
    client.set(CACHE, "Car", "item", TTL).await.unwrap();
    drop(world);
    let error = tokio::time::timeout(PATIENCE, client.get(CACHE, "Car"));
    assert!(error.await.unwrap().is_err());
}

#[tokio::test]
async fn a_full_cache_evicts_the_least_recently_used_item() {
    let world = World::protosocket_with_capacity(100).await;
    let client = world.scalars().await;
    for key in ["a", "b", "c"] {
        client.set(CACHE, key, vec![0; 40], TTL).await.unwrap();
    }
    assert_eq!(client.get(CACHE, "a").await.unwrap(), None);
    assert!(client.get(CACHE, "c").await.unwrap().is_some());
    assert_eq!(world.keyspace().usage().evicted, 1);
}

#[tokio::test]
async fn the_largest_item_is_set_over_protosocket() {
    let world = World::protosocket().await;
    let client = world.scalars().await;
    let largest = vec![1; 5 * 1024 * 1024 - 1];
    client.set(CACHE, "k", largest.clone(), TTL).await.unwrap();
    let held = world.keyspace().get(CACHE, b"k").unwrap();
    assert!(held == Some(largest));
}

#[tokio::test]
async fn tls_and_plain_tcp_share_the_port() {
    let world = World::protosocket().await;
    let plain = world.scalars().await;
    let tls = ScalarClient::Protosocket(tls_client(&world.served).await);
    tls.set(CACHE, "Car", "item", TTL).await.unwrap();
    assert_eq!(
        plain.get(CACHE, "Car").await.unwrap(),
        Some(b"item".to_vec())
    );
    assert_eq!(tls.get(CACHE, "House").await.unwrap(), None);
    let counts = world.keyspace().counts();
    assert_eq!((counts.set, counts.get, counts.error), (1, 2, 0));
}

#[tokio::test]
async fn large_items_and_many_calls_at_once_go_through_tls() {
    let world = World::protosocket().await;
    let tls = ScalarClient::Protosocket(tls_client(&world.served).await);
    let large = vec![1; 1024 * 1024];
    tls.set(CACHE, "k", large.clone(), TTL).await.unwrap();
    let gets = (0..64).map(|_| tls.get(CACHE, "k"));
    for got in futures_util::future::join_all(gets).await {
        assert!(got.unwrap() == Some(large.clone()));
    }
}

#[tokio::test]
async fn a_broken_handshake_closes_the_connection_and_no_other() {
    let world = World::protosocket().await;
    let tls = ScalarClient::Protosocket(tls_client(&world.served).await);
    tls.set(CACHE, "Car", "item", TTL).await.unwrap();
    let mut raw = Raw::connect(&world).await;
    // A handshake message of an unknown type, without content.
    let broken = [22, 3, 1, 0, 4, 255, 0, 0, 0];
    raw.0.write_all(&broken).await.unwrap();
    let mut alert = Vec::new();
    let closed = tokio::time::timeout(PATIENCE, raw.0.read_to_end(&mut alert));
    let _ = closed.await.expect("the connection stays open");
    assert!(tls.get(CACHE, "Car").await.unwrap().is_some());
}

#[tokio::test]
async fn a_client_that_leaves_after_one_byte_of_a_handshake_is_not_waited_for() {
    let world = World::protosocket().await;
    let mut raw = Raw::connect(&world).await;
    raw.0.write_all(&[22]).await.unwrap();
    raw.0.shutdown().await.unwrap();
    let mut rest = Vec::new();
    // A handshake may take 30 seconds.
    let closed = tokio::time::timeout(PATIENCE / 2, raw.0.read_to_end(&mut rest));
    let _ = closed.await.expect("the connection stays open");
}

#[tokio::test]
async fn a_command_of_22_bytes_is_not_taken_for_a_handshake() {
    let world = World::protosocket().await;
    let mut raw = Raw::connect(&world).await;
    let id = u64::from(u32::MAX);
    // TLS begins with this byte too.
    assert_eq!(message(id, auth("0123456789"))[0], 22);
    let response = raw.ask(id, auth("0123456789")).await;
    assert!(matches!(response.kind, Some(Kind::Auth(_))), "{response:?}");
}
