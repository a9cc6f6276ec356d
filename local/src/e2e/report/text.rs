//! The report for people.

use std::fmt;

use kinesis_engine::{SHARD_WRITE_BYTES, SHARD_WRITE_RECORDS};

use super::{FirstFailure, Report, Throttled};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match (self.partial, self.passed) {
            (true, _) => "interrupted",
            (false, true) => "passed",
            (false, false) => "FAILED",
        };
        let cache = match self.cache.as_str() {
            "none" => "without a cache".to_owned(),
            cache => format!("with the {cache} cache"),
        };
        writeln!(
            f,
            "{verdict}: {} of {} records processed on {} {cache}",
            self.records.processed, self.records.produced, self.backend
        )?;
        writeln!(f)?;
        self.write_failures(f)?;
        self.write_records(f)?;
        self.write_requests(f)?;
        self.write_times(f)?;
        if let Some(throttled) = self.throttled {
            write!(f, "{throttled}")?;
        }
        if self.flat_out {
            writeln!(
                f,
                "\n  Written as fast as possible, records wait for each other; --rate 100 measures a steady load."
            )?;
        }
        Ok(())
    }
}

impl Report {
    /// The conditions that were not met, and the first failing record.
    fn write_failures(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed: Vec<_> = self.conditions.iter().filter(|one| !one.passed).collect();
        if failed.is_empty() || self.partial {
            return Ok(());
        }
        for checked in failed {
            let actual = checked.actual.as_deref().unwrap_or("nothing counts it");
            writeln!(f, "  not met        {}: {actual}", checked.condition)?;
        }
        if let Some(failure) = &self.first_failure {
            let mut name = "first failure";
            for line in failure.to_string().lines() {
                writeln!(f, "  {name:<14} {line}")?;
                name = "";
            }
        }
        writeln!(f)
    }

    fn write_records(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let records = &self.records;
        writeln!(
            f,
            "  records        lost {}  discarded {}  refused {}  retries {}{}",
            records.lost,
            records.discarded,
            records.refused,
            records.retries,
            filtered(records.filtered)
        )?;
        for mapping in &self.mappings {
            writeln!(
                f,
                "  mapping        {}: processed {}  discarded {}  lost {}{}",
                mapping.name,
                mapping.processed,
                mapping.discarded,
                mapping.lost,
                filtered(mapping.filtered)
            )?;
        }
        writeln!(f, "  throughput     {:.0} records/s", self.throughput)
    }

    fn write_requests(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(cache) = &self.cache_requests {
            writeln!(
                f,
                "  cache          get {}  hit {}  miss {}  set {}  error {}",
                cache.get, cache.hit, cache.miss, cache.set, cache.error
            )?;
        }
        if let Some(reads) = self.store_reads {
            writeln!(f, "  DynamoDB       reads {reads}")?;
        }
        write!(f, "  Lambda         invocations {}", self.invocations)?;
        match self.cold_starts {
            Some(cold_starts) => writeln!(f, "  cold starts {cold_starts}"),
            None => writeln!(f),
        }
    }

    fn write_times(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "  time           start {:.0} ms  records {:.0} ms",
            self.startup_ms, self.elapsed_ms
        )?;
        let from = self.latency_from;
        let name = match (from.write_time, from.arrival) {
            (0, 1..) => "since arrival",
            _ => "write to read",
        };
        let latencies = &self.latency_ms;
        for (name, latency, samples) in [
            (
                name,
                &latencies.write_to_read,
                from.write_time + from.arrival,
            ),
            ("invoke", &latencies.invoke, self.invocations),
        ] {
            if samples == 0 {
                writeln!(f, "  {name:<14} no samples")?;
                continue;
            }
            writeln!(
                f,
                "  {name:<14} p50 {:.2}  p90 {:.2}  p99 {:.2}  max {:.2} ms",
                latency.p50, latency.p90, latency.p99, latency.max
            )?;
        }
        match (from.write_time, from.arrival) {
            (_, 0) => Ok(()),
            (0, _) => writeln!(
                f,
                "\n  The records have no writeTime: latency counts from their arrival in the stream."
            ),
            (_, some) => writeln!(
                f,
                "\n  {some} records have no writeTime of this run: their latency counts from their arrival in the stream."
            ),
        }
    }
}

/// The limit that the load reached first, as a sentence of its own.
impl fmt::Display for Throttled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shards, they) = match self.shards {
            1 => ("one shard takes".to_owned(), "it"),
            shards => (format!("{shards} shards take"), "they"),
        };
        let [records, bytes] = [SHARD_WRITE_RECORDS, SHARD_WRITE_BYTES]
            .map(|limit| self.shards as u64 * u64::from(limit));
        let mebibytes = bytes / (1024 * 1024);
        let refused = self.records();
        if refused == 0 {
            return writeln!(
                f,
                "\n  The stream's {shards} {records} records/s and {mebibytes} MiB/s: the load stayed below."
            );
        }
        let limit = if self.by_bytes > self.by_records {
            format!("{mebibytes} MiB/s")
        } else {
            format!("{records} records/s")
        };
        writeln!(
            f,
            "\n  The stream's {shards} {limit}, which is the first limit: {they} refused records {refused} times."
        )
    }
}

impl fmt::Display for FirstFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            mapping,
            shard,
            sequence_number,
            ..
        } = self;
        let tries = match self.tries {
            1 => "1 try".to_owned(),
            tries => format!("{tries} tries"),
        };
        let end = self.condition.unwrap_or("not processed");
        write!(
            f,
            "{mapping} {shard} {sequence_number}\n{end} after {tries}"
        )?;
        match &self.error {
            Some(error) => write!(f, "\n{error}"),
            None => Ok(()),
        }
    }
}

/// Only where a mapping filters.
fn filtered(records: u64) -> String {
    match records {
        0 => String::new(),
        records => format!("  filtered out {records}"),
    }
}
