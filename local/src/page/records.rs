//! `GET /_local/records`: the records that are kept, and the journey of one.

use std::cmp::Reverse;

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use http::header;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Page, journey, journey_text,
    recorder::{Recorded, Status, Summary},
    refusal::Refusal,
};

/// The path of the records, on the AWS port.
pub const RECORDS_PATH: &str = "/_local/records";

/// Records in a reply without `limit`, and at most.
const LIMIT: usize = 100;
const MOST: usize = 1000;

pub(super) fn router() -> Router<Page> {
    Router::new()
        .route(RECORDS_PATH, get(list))
        .route("/_local/records/{stream}/{sequence_number}", get(one))
}

/// Which records.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    stream: Option<String>,
    shard: Option<String>,
    key: Option<String>,
    status: Option<String>,
    /// In the data as text, in any case.
    text: Option<String>,
    #[serde(rename = "sequenceNumber")]
    sequence_number: Option<String>,
    limit: Option<usize>,
    /// A sequence number, or a time in milliseconds since 1970: records seen before it.
    before: Option<String>,
}

async fn list(State(page): State<Page>, Query(wanted): Query<Wanted>) -> Json<Value> {
    let recorded = page.record();
    let records = find(&page, wanted.without_empty());
    let state = page.0.recorder.state();
    Json(json!({
        "records": records,
        "kept": state.records.len(),
        "keptBytes": state.records.bytes(),
        "recordedBefore": recorded,
    }))
}

/// The form of a journey.
#[derive(Debug, Deserialize)]
struct Form {
    format: Option<String>,
}

async fn one(
    State(page): State<Page>,
    Path((stream, sequence_number)): Path<(String, String)>,
    Query(form): Query<Form>,
) -> Result<Response, Refusal> {
    page.record();
    let aws_url = page.shown()?.aws_url.clone().unwrap_or_default();
    let journey = {
        let state = page.0.recorder.state();
        let record = state.records.find(Some(&stream), &sequence_number);
        record.map(|record| journey::of(&state, record, &aws_url))
    };
    let remembered = || page.0.remembered.find(&stream, &sequence_number);
    let journey = journey.or_else(|| Some(remembered()?.journey(&aws_url)));
    let journey = journey.ok_or_else(|| {
        Refusal::not_found(format!(
            "stream {stream} has no record {sequence_number} that was put or read since the page was opened first, or it is too long ago"
        ))
    })?;
    if form.format.as_deref() == Some("text") {
        let content_type = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
        return Ok((content_type, journey_text::render(&journey)).into_response());
    }
    Ok(Json(journey).into_response())
}

impl Wanted {
    /// A form sends the fields that are empty too.
    fn without_empty(self) -> Self {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        Self {
            stream: given(self.stream),
            shard: given(self.shard),
            key: given(self.key),
            status: given(self.status),
            text: given(self.text),
            sequence_number: given(self.sequence_number),
            before: given(self.before),
            limit: self.limit,
        }
    }

    fn is(&self, record: &Recorded) -> bool {
        let is =
            |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|one| one == value);
        is(&self.stream, &record.stream)
            && is(&self.shard, &record.shard)
            && is(&self.key, &record.partition_key)
            && is(&self.sequence_number, &record.sequence_number)
            && self.is_status(record.status())
    }

    fn is_status(&self, status: Status) -> bool {
        let wanted = self.status.as_deref();
        wanted.is_none_or(|wanted| wanted.split(',').any(|one| one == status.word()))
    }
}

/// The newest ones first.
fn find(page: &Page, wanted: Wanted) -> Vec<Summary> {
    let limit = wanted.limit.unwrap_or(LIMIT).min(MOST);
    let candidates: Vec<(u64, Bytes)> = {
        let state = page.0.recorder.state();
        let failed = page.0.remembered.displaced(&state);
        let failed = failed
            .iter()
            .map(|(number, failed)| (*number, &failed.record));
        let mut newest: Vec<_> = state.records.newest().chain(failed).collect();
        newest.sort_unstable_by_key(|(number, _)| Reverse(*number));
        let before = wanted.before.as_deref().map(|before| {
            // A sequence number has 56 digits, and a time a third of them at most.
            let time = Some(before).filter(|text| text.len() < 20);
            let time = time.and_then(|text| text.parse::<f64>().ok());
            let time = time.unwrap_or(f64::NEG_INFINITY);
            let at = newest
                .iter()
                .find(|(_, record)| *record.sequence_number == *before || record.put_at < time);
            match at {
                Some((number, record)) if *record.sequence_number == *before => *number,
                Some((number, _)) => number + 1,
                None => 0,
            }
        });
        let newest = newest.into_iter();
        let newest = newest.filter(|(number, _)| before.is_none_or(|before| *number < before));
        let newest = newest.filter(|(_, record)| wanted.is(record));
        // Without a text nothing else is to be looked at.
        let most = if wanted.text.is_some() {
            usize::MAX
        } else {
            limit
        };
        let newest = newest.take(most);
        newest
            .map(|(number, record)| (number, record.data.clone()))
            .collect()
    };
    // Events need not wait for the search.
    let text = wanted.text.map(|text| text.to_lowercase());
    let has = |data: &[u8]| {
        text.as_ref()
            .is_none_or(|text| String::from_utf8_lossy(data).to_lowercase().contains(text))
    };
    let found = candidates.into_iter().filter(|(_, data)| has(data));
    let found: Vec<_> = found.take(limit).collect();
    let state = page.0.recorder.state();
    let summary = |number| match state.records.get(number) {
        Some(record) => Some(record.summary()),
        None => Some(page.0.remembered.get(number)?.record.summary()),
    };
    let found = found.into_iter();
    found.filter_map(|(number, _)| summary(number)).collect()
}
