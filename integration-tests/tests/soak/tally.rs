//! Counts each record's deliveries, in one byte per record.

use std::{
    fs,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context;
use event_source_mapping::{
    batch::Prepared,
    observer::{Invoked, Observer},
    retry_state::Discarded,
};
use serde_json::Value;

use crate::faults::Faults;

#[derive(Default)]
pub struct Tally(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    /// The number of times that each record was processed, by the record's number.
    done: Vec<u8>,
    invocations: u64,
    failures: u64,
    discarded: usize,
    /// Resident memory in KiB, at each measurement.
    memory: Vec<u64>,
}

impl Tally {
    /// The number of processed records, each counted once.
    pub fn done(&self) -> u64 {
        self.lock().done.iter().filter(|count| **count > 0).count() as u64
    }

    pub fn discarded(&self) -> usize {
        self.lock().discarded
    }

    /// Measures this process's resident memory, and prints a progress line.
    pub fn note_memory(&self, elapsed: Duration, written: u64) -> anyhow::Result<()> {
        let status = fs::read_to_string("/proc/self/status").context("memory in use")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        let kib: u64 = kib.context("no VmRSS")?;
        self.lock().memory.push(kib);
        let done = self.done();
        let seconds = elapsed.as_secs();
        println!(
            "{seconds:4} s  {written} written  {done} processed  {} MiB",
            kib / 1024
        );
        Ok(())
    }

    /// The report. It has memory as the median of each third of the run.
    pub fn report(&self, written: u64, faults: &Faults) -> String {
        let counts = self.lock();
        let done = counts.done.iter().filter(|count| **count > 0).count() as u64;
        let again: u64 = counts
            .done
            .iter()
            .map(|count| u64::from(count.saturating_sub(1)))
            .sum();
        let third = counts.memory.len().div_ceil(3).max(1);
        let thirds = counts.memory.chunks(third).map(|part| {
            let mut part = part.to_vec();
            part.sort_unstable();
            format!("{} MiB", part[part.len() / 2] / 1024)
        });
        format!(
            "lost {} of {written}; {again} processed again, {} discarded; {} invocations, {} of them failed; \
             faults: {faults}; memory, median of each third: {}",
            written - done,
            counts.discarded,
            counts.invocations,
            counts.failures,
            thirds.collect::<Vec<_>>().join(", "),
        )
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Tally {
    fn invoked(&self, invoked: &Invoked<'_>) {
        let mut counts = self.lock();
        counts.invocations += 1;
        counts.failures += u64::from(invoked.done < invoked.records.len());
        for prepared in &invoked.records[..invoked.done] {
            let data: Value = serde_json::from_slice(&prepared.record.data).unwrap_or_default();
            let number = data["id"].as_str().and_then(|id| id.parse::<usize>().ok());
            let Some(number) = number else { continue };
            if counts.done.len() <= number {
                counts.done.resize(number + 1, 0);
            }
            counts.done[number] = counts.done[number].saturating_add(1);
        }
    }

    fn discarded(&self, _: &str, _: &str, records: &[Prepared], _: &Discarded) {
        self.lock().discarded += records.len();
    }
}
