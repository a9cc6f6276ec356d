use axum::body::to_bytes;
use ciborium::Value;
use http::{HeaderMap, HeaderValue, header};

use super::fixture::{FIRST_SHARD, Fixture};
use aws_wire::service::{Call, Service};

/// A call as the Java SDK makes it; the reply's status and value.
async fn call(fixture: &Fixture, operation: &str, body: &[u8]) -> (u16, Value) {
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/x-amz-cbor-1.1"),
    );
    let call = Call::new(operation, headers, body.to_vec());
    let reply = fixture.kinesis.call(call).await.unwrap();
    assert_eq!(
        reply.headers()[header::CONTENT_TYPE],
        "application/x-amz-cbor-1.1"
    );
    let status = reply.status().as_u16();
    let body = to_bytes(reply.into_body(), usize::MAX).await.unwrap();
    (status, ciborium::from_reader(&body[..]).unwrap())
}

fn member<'v>(value: &'v Value, name: &str) -> &'v Value {
    let members = value.as_map().unwrap();
    let found = members.iter().find(|(key, _)| key.as_text() == Some(name));
    &found.unwrap_or_else(|| panic!("no {name} in {value:?}")).1
}

/// `PutRecord` as the Java SDK's generator writes it: maps of indefinite length,
/// data as a byte string.
fn put_record() -> Vec<u8> {
    let mut body = vec![0xbf];
    for (name, value) in [("StreamName", "orders"), ("PartitionKey", "k")] {
        for text in [name, value] {
            body.push(0x60 + u8::try_from(text.len()).unwrap());
            body.extend_from_slice(text.as_bytes());
        }
    }
    body.extend_from_slice(b"\x64Data\x44\x00\x01\x02\xff\xff");
    body
}

#[tokio::test]
async fn a_record_put_in_cbor_comes_back_as_bytes_with_a_tagged_time() {
    let fixture = Fixture::with_stream(1).await;
    let (status, reply) = call(&fixture, "PutRecord", &put_record()).await;
    assert_eq!(status, 200);
    assert_eq!(member(&reply, "ShardId").as_text(), Some(FIRST_SHARD));
    let iterator = fixture
        .iterator(FIRST_SHARD, "TRIM_HORIZON", serde_json::json!({}))
        .await;
    let mut body = Vec::new();
    let request = Value::Map(vec![("ShardIterator".into(), iterator.into())]);
    ciborium::into_writer(&request, &mut body).unwrap();
    let (_, reply) = call(&fixture, "GetRecords", &body).await;
    let record = &member(&reply, "Records").as_array().unwrap()[0];
    assert_eq!(member(record, "Data").as_bytes().unwrap(), &[0, 1, 2, 255]);
    let (tag, millis) = member(record, "ApproximateArrivalTimestamp")
        .as_tag()
        .unwrap();
    assert_eq!(tag, 1);
    assert!(millis.as_integer().unwrap() > 1_600_000_000_000_u64.into());
}

#[tokio::test]
async fn a_time_in_milliseconds_is_understood() {
    let fixture = Fixture::with_stream(1).await;
    let time = Value::Tag(1, Box::new(1_600_000_000_000_u64.into()));
    let request = Value::Map(vec![
        ("StreamName".into(), "orders".into()),
        ("ShardId".into(), FIRST_SHARD.into()),
        ("ShardIteratorType".into(), "AT_TIMESTAMP".into()),
        ("Timestamp".into(), time),
    ]);
    let mut body = Vec::new();
    ciborium::into_writer(&request, &mut body).unwrap();
    assert_eq!(call(&fixture, "GetShardIterator", &body).await.0, 200);
}

#[tokio::test]
async fn an_error_is_written_in_the_format_of_its_request() {
    let fixture = Fixture::new().await;
    let (status, reply) = call(&fixture, "PutRecord", &put_record()).await;
    assert_eq!(status, 400);
    assert_eq!(
        member(&reply, "__type").as_text(),
        Some("ResourceNotFoundException")
    );
}
