//! The record's JSON: a contract between the producer and the consumer.

use std::path::Path;

use anyhow::{Context, ensure};
use consumer::record::Reading;
use integration_tests::patience::same;
use load_generator::{feed::Feed, shape::Shape, template::Template};
use producer::record::LOCATIONS;

use crate::world::{Programs, reading};

pub async fn the_consumer_reads_the_producer_s_records(_: Programs) -> anyhow::Result<()> {
    for _ in 0..100 {
        let written = producer::record::Reading::random();
        let wire = serde_json::to_vec(&written)?;
        let read: Reading<'_> = serde_json::from_slice(&wire).context("the consumer's reading")?;
        same("id", &*read.id, &*written.id)?;
        same("location", &*read.location, written.location)?;
        same("write time", read.write_time, written.write_time)?;
    }
    // `klocal e2e` writes those of the template.
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(package.join("../seed/record.json"))?;
    let template = Template::parse(&text, Some("/id"))?;
    let feed = Feed::of_template(template, Shape::default(), 1);
    for record in feed.take(10).await? {
        let read: Reading<'_> = serde_json::from_slice(&record.data).context("the template's")?;
        same("key", record.partition_key.as_str(), &*read.id)?;
        ensure!(LOCATIONS.contains(&&*read.location), "{}", read.location);
    }
    // The other scenarios' records must be like the producer's.
    serde_json::from_slice::<Reading>(&reading(1, "Car")).context("the scenarios' record")?;
    Ok(())
}
