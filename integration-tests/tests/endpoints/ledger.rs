//! Compares the written records with the delivered ones.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::ensure;
use integration_tests::patience::same;

/// A record, with its shard and sequence number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    pub shard: String,
    pub sequence_number: String,
    pub data: String,
}

/// The records of each shard, in order.
fn by_shard<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> BTreeMap<&'a str, Vec<&'a Entry>> {
    let mut shards: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for entry in entries {
        shards.entry(entry.shard.as_str()).or_default().push(entry);
    }
    shards
}

/// The shards of these records.
pub fn shards(entries: &[Entry]) -> BTreeSet<&str> {
    by_shard(entries).into_keys().collect()
}

/// The sequence number of each shard's last record.
pub fn last_of_each(entries: &[Entry]) -> BTreeMap<String, String> {
    let shards = by_shard(entries).into_iter();
    let last = |(shard, entries): (&str, Vec<&Entry>)| {
        let number = entries.last()?.sequence_number.clone();
        Some((shard.to_owned(), number))
    };
    shards.filter_map(last).collect()
}

/// Fails unless each shard's records were delivered once and in order.
pub fn once_and_in_order(written: &[Entry], delivered: &[Entry]) -> anyhow::Result<()> {
    let (written, delivered) = (by_shard(written), by_shard(delivered));
    let shards: BTreeSet<_> = written.keys().chain(delivered.keys()).collect();
    for shard in shards {
        same(shard, delivered.get(shard), written.get(shard))?;
    }
    Ok(())
}

/// Fails unless all records of `parent` were delivered before those of `child`.
pub fn one_before_the_other(delivered: &[Entry], parent: &str, child: &str) -> anyhow::Result<()> {
    let last = delivered.iter().rposition(|one| one.shard == parent);
    let first = delivered.iter().position(|one| one.shard == child);
    ensure!(
        last < first || first.is_none(),
        "{child} starts at delivery {first:?}, but its parent {parent} ends at {last:?}"
    );
    Ok(())
}
