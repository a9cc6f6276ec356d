//! The Kinesis event, as Lambda's documentation shows it ("Using Lambda to
//! process records from Amazon Kinesis Data Streams", example event).

use std::io::Write;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde_json::Value;

use super::source::Record;

const OPENING: &[u8] = b"{\"Records\":[";
const CLOSING: &[u8] = b"]}";

/// The shard that an event's records come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The stream's ARN.
    pub(crate) stream_arn: String,
    /// The region.
    pub(crate) region: String,
    /// The shard's id.
    pub(crate) shard_id: String,
    /// An entry from the end of `kinesis` to the sequence number in `eventID`: the same for
    /// every record, so it is written once.
    before_id: Vec<u8>,
    /// The rest of an entry.
    after_id: Vec<u8>,
}

/// The role in every event: this mapping assumes no role.
pub(crate) const ROLE_ARN: &str = "arn:aws:iam::000000000000:role/local";

impl Origin {
    /// A shard of the stream `stream_arn`.
    #[must_use]
    pub(crate) fn new(stream_arn: &str, region: &str, shard_id: &str) -> Self {
        let mut before_id =
            br#"},"eventSource":"aws:kinesis","eventVersion":"1.0","eventID":"#.to_vec();
        push_text(&mut before_id, &format!("{shard_id}:"));
        // The sequence number goes on within the string.
        before_id.pop();
        let mut after_id = br#"","eventName":"aws:kinesis:record","invokeIdentityArn":"#.to_vec();
        push_text(&mut after_id, ROLE_ARN);
        after_id.extend_from_slice(br#","awsRegion":"#);
        push_text(&mut after_id, region);
        after_id.extend_from_slice(br#","eventSourceARN":"#);
        push_text(&mut after_id, stream_arn);
        after_id.push(b'}');
        Self {
            stream_arn: stream_arn.to_owned(),
            region: region.to_owned(),
            shard_id: shard_id.to_owned(),
            before_id,
            after_id,
        }
    }
}

/// Bytes of an event around its records.
#[must_use]
pub(crate) const fn overhead() -> usize {
    OPENING.len() + CLOSING.len()
}

/// A record's entry in an event's `Records`.
#[must_use]
pub(crate) fn encode(record: &Record, origin: &Origin) -> Bytes {
    const FIELDS: usize = 160;
    let data = record.data.len().div_ceil(3) * 4;
    let texts = record.partition_key.len() + 2 * record.sequence_number.len();
    let around = origin.before_id.len() + origin.after_id.len();
    let mut entry = Vec::with_capacity(FIELDS + texts + data + around);
    entry.extend_from_slice(br#"{"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":"#);
    push_text(&mut entry, &record.partition_key);
    entry.extend_from_slice(br#","sequenceNumber":"#);
    push_text(&mut entry, &record.sequence_number);
    entry.extend_from_slice(br#","data":""#);
    let start = entry.len();
    entry.resize(start + data, 0);
    // The space is exactly what the data needs.
    let _ = BASE64_STANDARD.encode_slice(&record.data, &mut entry[start..]);
    entry.extend_from_slice(br#"","approximateArrivalTimestamp":"#);
    push_seconds(&mut entry, record);
    entry.extend_from_slice(&origin.before_id);
    let start = entry.len();
    push_text(&mut entry, &record.sequence_number);
    // Its opening quote: the string began before it. Its closing one is in `after_id`.
    entry.remove(start);
    entry.pop();
    entry.extend_from_slice(&origin.after_id);
    entry.into()
}

/// A JSON string.
fn push_text(json: &mut Vec<u8>, text: &str) {
    // A string can always be written to a vector.
    let _ = serde_json::to_writer(json, text);
}

/// The event with these records of a shard.
#[must_use]
pub fn of_records(stream_arn: &str, region: &str, shard: &str, records: &[Record]) -> Bytes {
    let origin = Origin::new(stream_arn, region, shard);
    let records: Vec<_> = records
        .iter()
        .map(|record| encode(record, &origin))
        .collect();
    join(records.iter(), None)
}

/// Encoded records as one event, with `fields` beside them where it is an
/// object.
pub(crate) fn join<'a>(
    records: impl Iterator<Item = &'a Bytes> + Clone,
    fields: Option<&Value>,
) -> Bytes {
    let size: usize = records.clone().map(|record| record.len() + 1).sum();
    let mut event = Vec::with_capacity(overhead() + size);
    event.extend_from_slice(OPENING);
    for (index, record) in records.enumerate() {
        if index > 0 {
            event.push(b',');
        }
        event.extend_from_slice(record);
    }
    match fields.and_then(|fields| serde_json::to_vec(fields).ok()) {
        Some(fields) if fields.starts_with(b"{\"") => {
            event.extend_from_slice(b"],");
            event.extend_from_slice(&fields[1..]);
        }
        _ => event.extend_from_slice(CLOSING),
    }
    Bytes::from(event)
}

/// Unix seconds with exactly three decimals: `aws_lambda_events` reads the
/// fraction as an unpadded count of milliseconds.
fn push_seconds(json: &mut Vec<u8>, record: &Record) {
    let milliseconds = record.arrived.unix_timestamp_nanos() / 1_000_000;
    // Writing to a vector cannot fail.
    let _ = write!(json, "{}.{:03}", milliseconds / 1000, milliseconds % 1000);
}

#[cfg(test)]
mod tests {
    use super::{Origin, encode, join};
    use crate::source::Record;
    use bytes::Bytes;
    use serde_json::{Value, json};
    use time::macros::datetime;

    #[test]
    fn an_event_has_the_form_that_aws_documents() {
        let record = Record {
            sequence_number: "49590338271490256608559692538361571095921575989136588898".into(),
            partition_key: "1".into(),
            data: Bytes::from_static(b"Hello, this is a test."),
            arrived: datetime!(2018-12-03 19:52:36.470 UTC),
        };
        let origin = Origin::new(
            "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream",
            "us-east-2",
            "shardId-000000000006",
        );
        let json = encode(&record, &origin);
        assert!(
            String::from_utf8_lossy(&json)
                .contains("\"approximateArrivalTimestamp\":1543866756.470"),
            "three decimals: {json:?}"
        );
        let event: Value = serde_json::from_slice(&join([&json].into_iter(), None)).unwrap();
        assert_eq!(
            event,
            json!({ "Records": [{
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": "1",
                    "sequenceNumber": "49590338271490256608559692538361571095921575989136588898",
                    "data": "SGVsbG8sIHRoaXMgaXMgYSB0ZXN0Lg==",
                    "approximateArrivalTimestamp": 1_543_866_756.47,
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": "shardId-000000000006:49590338271490256608559692538361571095921575989136588898",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": super::ROLE_ARN,
                "awsRegion": "us-east-2",
                "eventSourceARN": "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream",
            }]})
        );
    }
}
