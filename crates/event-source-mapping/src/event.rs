//! The Kinesis event, as Lambda's documentation shows it ("Using Lambda to
//! process records from Amazon Kinesis Data Streams", example event).

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, value::RawValue};

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
    /// The role that would read the stream.
    pub(crate) role_arn: String,
}

/// The role in every event: this mapping assumes no role.
const ROLE_ARN: &str = "arn:aws:iam::000000000000:role/local";

impl Origin {
    /// A shard of the stream `stream_arn`.
    #[must_use]
    pub(crate) fn new(stream_arn: &str, region: &str, shard_id: &str) -> Self {
        Self {
            stream_arn: stream_arn.to_owned(),
            region: region.to_owned(),
            shard_id: shard_id.to_owned(),
            role_arn: ROLE_ARN.to_owned(),
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
    let entry = Entry {
        kinesis: Kinesis {
            kinesis_schema_version: "1.0",
            partition_key: &record.partition_key,
            sequence_number: &record.sequence_number,
            data: BASE64_STANDARD.encode(&record.data),
            approximate_arrival_timestamp: seconds(record),
        },
        event_source: "aws:kinesis",
        event_version: "1.0",
        event_id: format!("{}:{}", origin.shard_id, record.sequence_number),
        event_name: "aws:kinesis:record",
        invoke_identity_arn: &origin.role_arn,
        aws_region: &origin.region,
        event_source_arn: &origin.stream_arn,
    };
    // Text and numbers only: JSON can hold all of it.
    serde_json::to_vec(&entry).unwrap_or_default().into()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    kinesis: Kinesis<'a>,
    event_source: &'static str,
    event_version: &'static str,
    #[serde(rename = "eventID")]
    event_id: String,
    event_name: &'static str,
    invoke_identity_arn: &'a str,
    aws_region: &'a str,
    #[serde(rename = "eventSourceARN")]
    event_source_arn: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Kinesis<'a> {
    kinesis_schema_version: &'static str,
    partition_key: &'a str,
    sequence_number: &'a str,
    data: String,
    approximate_arrival_timestamp: Option<Box<RawValue>>,
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
pub(crate) fn join<'a>(records: impl Iterator<Item = &'a Bytes>, fields: Option<&Value>) -> Bytes {
    let mut event = OPENING.to_vec();
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
fn seconds(record: &Record) -> Option<Box<RawValue>> {
    let milliseconds = record.arrived.unix_timestamp_nanos() / 1_000_000;
    let text = format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000);
    RawValue::from_string(text).ok()
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
        let origin = Origin {
            stream_arn: "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream".into(),
            region: "us-east-2".into(),
            shard_id: "shardId-000000000006".into(),
            role_arn: "arn:aws:iam::123456789012:role/lambda-role".into(),
        };
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
                "invokeIdentityArn": "arn:aws:iam::123456789012:role/lambda-role",
                "awsRegion": "us-east-2",
                "eventSourceARN": "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream",
            }]})
        );
    }
}
