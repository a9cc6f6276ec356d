//! `klocal failures show`.

use std::fmt::Write;

use clap::Args;
use event_source_mapping::{
    destination::FUNCTION_ERROR,
    redrive::{self, BatchInfo},
    source::Record,
};
use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{StreamArgs, data::data, error, text};
use crate::{
    outcome::Failure,
    status_board::Status,
    terminal::{
        Screen,
        colours::{BAD, BAD_BOLD, BOLD, DIM},
        units::{count, named, printable},
    },
};

/// Characters of a record that are shown without `--full`.
const MOST_SHOWN: usize = 2000;

/// Which batch, and how much of it.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// The batch's id, from `failures list`
    pub(super) id: String,

    /// Records to show
    #[arg(long, value_name = "N", default_value_t = 10)]
    records: usize,

    /// Show all of the function's error, with its stack trace, and all of each record
    #[arg(long)]
    full: bool,

    /// Print the invocation record, as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    stream: StreamArgs,
}

impl Show {
    pub(super) async fn run(
        &self,
        document: &Value,
        running: Option<&Status>,
    ) -> Result<String, Failure> {
        if self.json {
            let text = serde_json::to_string_pretty(document).map_err(Failure::run)?;
            return Ok(text + "\n");
        }
        let info = BatchInfo::of(document).map_err(Failure::configuration)?;
        let source = self.stream.source(running, &info);
        let records = redrive::records(&source, &info).await;
        let records = records.map_err(|error| error.to_string());
        Ok(self.describe(document, &info, records, &Screen::stdout()))
    }

    fn describe(
        &self,
        document: &Value,
        info: &BatchInfo,
        records: Result<Vec<Record>, String>,
        screen: &Screen,
    ) -> String {
        let mut out = self.error(document, screen);
        let (condition, invocations) = ("/requestContext/condition", "approximateInvokeCount");
        let invocations = document["requestContext"][invocations].as_u64();
        let invocations = count(invocations.unwrap_or(0), "invocation");
        let at = text(document, "/timestamp");
        let at = OffsetDateTime::parse(&at, &Rfc3339).map_or(at.clone(), seconds);
        let (from, to) = (&info.start_sequence_number, &info.end_sequence_number);
        let numbers = if from == to {
            from.clone()
        } else {
            format!("{from} to {to}")
        };
        let function = text(document, "/requestContext/functionArn");
        for (name, value) in [
            ("batch", self.id.clone()),
            (
                "discarded",
                format!("{at}, {} after {invocations}", text(document, condition)),
            ),
            (
                "function",
                function.rsplit(':').next().unwrap_or_default().to_owned(),
            ),
            ("shard", format!("{} of {}", info.shard_id, info.stream())),
            ("records", format!("{}: {numbers}", info.batch_size)),
            ("request", text(document, "/requestContext/requestId")),
        ] {
            let name = screen.paint(DIM, &format!("{name:<9}"));
            // Writing to a string cannot fail.
            let _ = writeln!(out, "  {name}  {value}");
        }
        out.push('\n');
        match records {
            Ok(records) => self.records(&mut out, &records, screen),
            Err(reason) => {
                let _ = writeln!(out, "The records cannot be shown: {reason}");
            }
        }
        let redrive = format!("klocal failures redrive {}", self.id);
        let _ = writeln!(out, "\nRun it again with `{redrive}`");
        out
    }

    /// The function's error: type and message, the rest on request.
    fn error(&self, document: &Value, screen: &Screen) -> String {
        let Some(error) = error(document) else {
            let condition = text(document, "/requestContext/condition");
            let hint =
                "the last invocation returned no function error; its log lines have the reason";
            return format!(
                "{}\n{}\n\n",
                screen.paint(BAD_BOLD, &condition),
                screen.paint(DIM, hint)
            );
        };
        let kind = printable(named(&error.kind));
        let message = printable(error.message.trim_end());
        let mut out = match kind.as_str() {
            "" => screen.paint(BAD, &message),
            kind => format!(
                "{}{}",
                screen.paint(BAD_BOLD, &format!("{kind}: ")),
                screen.paint(BAD, &message)
            ),
        };
        out.push('\n');
        let payload = &document[FUNCTION_ERROR];
        let rest = payload.as_object().into_iter().flatten();
        let rest = rest.filter(|(name, value)| {
            !["errorType", "errorMessage"].contains(&name.as_str()) && !is_empty(value)
        });
        let rest: Vec<_> = rest.collect();
        if self.full {
            for (name, value) in rest {
                let _ = write!(out, "\n{}\n{}", screen.paint(BOLD, name), lines(value));
            }
        } else if !rest.is_empty() {
            let hint = format!(
                "`klocal failures show {} --full` has its stack trace",
                self.id
            );
            let _ = writeln!(out, "{}", screen.paint(DIM, &hint));
        }
        out.push('\n');
        out
    }

    fn records(&self, out: &mut String, records: &[Record], screen: &Screen) {
        for (number, record) in records.iter().take(self.records).enumerate() {
            let arrived = seconds(record.arrived);
            let heading = format!("{}  key {}", number + 1, printable(&record.partition_key));
            let heading = screen.paint(BOLD, &heading);
            let details = format!("arrived {arrived}  {}", record.sequence_number);
            let _ = writeln!(out, "{heading}  {}", screen.paint(DIM, &details));
            let data = data(&record.data);
            let most = if self.full { usize::MAX } else { MOST_SHOWN };
            let cut: String = data.chars().take(most).collect();
            for line in cut.lines() {
                let _ = writeln!(out, "  {line}");
            }
            if cut.len() < data.len() {
                let bytes = count(record.data.len() as u64, "byte");
                let hint = format!("… {bytes} in all; `--full` shows them");
                let _ = writeln!(out, "  {}", screen.paint(DIM, &hint));
            }
        }
        let more = records.len().saturating_sub(self.records);
        if more > 0 {
            let _ = writeln!(out, "and {more} more; `--records N` shows them");
        }
    }
}

/// A time with milliseconds.
fn seconds(time: OffsetDateTime) -> String {
    let short = time.replace_millisecond(time.millisecond());
    let text = short.map(|short| short.format(&Rfc3339));
    text.ok().and_then(Result::ok).unwrap_or_default()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(all) => all.is_empty(),
        _ => false,
    }
}

fn lines(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => {
            let all = all.iter().map(|one| match one {
                Value::String(text) => text.trim_end().to_owned(),
                other => other.to_string(),
            });
            all.collect::<Vec<_>>().join("\n")
        }
        other => other.to_string(),
    };
    let lines = printable(text.trim_end());
    let lines: Vec<_> = lines.lines().map(|line| format!("  {line}")).collect();
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::{BatchInfo, Record, Screen, Show, StreamArgs};
    use bytes::Bytes;
    use serde_json::json;
    use time::OffsetDateTime;

    fn show(full: bool) -> Show {
        Show {
            id: "7".to_owned(),
            records: 2,
            full,
            json: false,
            stream: StreamArgs {
                endpoint_url: None,
                region: "us-east-1".to_owned(),
            },
        }
    }

    fn record(number: u32, data: &'static [u8]) -> Record {
        Record {
            sequence_number: number.to_string(),
            partition_key: format!("k{number}"),
            data: Bytes::from_static(data),
            arrived: OffsetDateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_batch_is_its_error_its_facts_and_its_records() {
        let document = json!({
            "requestContext": {
                "requestId": "1-2",
                "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:orders-worker",
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": 3,
            },
            "timestamp": "2026-01-01T10:00:00Z",
            "KinesisBatchInfo": {
                "shardId": "shardId-000000000000",
                "startSequenceNumber": "1",
                "endSequenceNumber": "3",
                "batchSize": 3,
                "streamArn": "arn:aws:kinesis:us-east-1:000000000000:stream/orders",
            },
            "functionErrorPayload": {
                "errorType": "OrderError",
                "errorMessage": "no such order",
                "stackTrace": ["handler.py, line 3\n", "main.py, line 1\n"],
            },
        });
        let info = BatchInfo::of(&document).unwrap();
        let records = vec![
            record(1, br#"{"order":7}"#),
            record(2, b"plain text"),
            record(3, &[0, 1, 2]),
        ];
        let text = show(false).describe(&document, &info, Ok(records.clone()), &Screen::PLAIN);
        insta::assert_snapshot!("a_batch", text);
        let text = show(true).describe(
            &document,
            &info,
            Err("it is gone".to_owned()),
            &Screen::PLAIN,
        );
        insta::assert_snapshot!("a_batch_in_full_without_its_records", text);
    }
}
