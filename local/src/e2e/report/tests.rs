//! Tests of the report, its conditions and its XML.

use super::{CacheRequests, Latencies, Percentiles, Records, Report, Throttled};
use crate::e2e::{
    conditions::Condition,
    junit,
    tally::{FirstFailure, LatencyFrom, MappingTotals},
};

fn report() -> Report {
    let percentiles = Percentiles {
        p50: 1.25,
        p90: 2.5,
        p99: 4.0,
        max: 8.125,
    };
    let report = Report {
        version: 1,
        passed: false,
        backend: "embedded",
        cache: "stub".to_owned(),
        partial: false,
        startup_ms: 61.2,
        elapsed_ms: 240.9,
        throughput: 42.0,
        records: Records {
            produced: 10,
            processed: 10,
            filtered: 0,
            lost: 0,
            duplicates: 1,
            retries: 1,
            discarded: 0,
            refused: 0,
            failed: 0,
        },
        seed: Some(7),
        cache_requests: Some(CacheRequests {
            get: 10,
            hit: 7,
            miss: 3,
            set: 3,
            error: 0,
        }),
        store_reads: Some(3),
        invocations: 4,
        cold_starts: Some(1),
        throttled: None,
        latency_ms: Latencies {
            write_to_read: percentiles,
            invoke: percentiles,
        },
        latency_from: LatencyFrom {
            write_time: 10,
            arrival: 0,
        },
        mappings: vec![mapping("ConsumerMapping", 10, 0)],
        conditions: Vec::new(),
        first_failure: None,
        flat_out: true,
    };
    report.judged(&[])
}

fn mapping(name: &str, processed: u64, discarded: u64) -> MappingTotals {
    MappingTotals {
        name: name.to_owned(),
        processed,
        filtered: 0,
        discarded,
        lost: 10 - processed - discarded,
        retries: 1,
    }
}

/// Two mappings, of which one discards a record, and a condition on the latency.
fn failed() -> Report {
    let report = report();
    let report = Report {
        records: Records {
            processed: 9,
            discarded: 1,
            failed: 1,
            ..report.records
        },
        mappings: vec![mapping("Fails", 9, 1), mapping("Works", 10, 0)],
        latency_from: LatencyFrom {
            write_time: 0,
            arrival: 19,
        },
        first_failure: Some(FirstFailure {
            mapping: "Fails".to_owned(),
            shard: "shardId-000000000000".to_owned(),
            sequence_number: "4960".to_owned(),
            tries: 3,
            condition: Some("RetryAttemptsExhausted"),
            error: Some("Error: no <location> & \"name\"".to_owned()),
        }),
        ..report
    };
    report.judged(&["p99<2ms".parse().unwrap()])
}

fn checked(condition: &str) -> (Option<String>, bool) {
    let condition: Condition = condition.parse().unwrap();
    let checked = condition.check(&report());
    (checked.actual, checked.passed)
}

#[test]
fn the_report_s_json_is_the_contract() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&report()).unwrap());
}

#[test]
fn the_report_s_text_is_for_people() {
    insta::assert_snapshot!(report().to_string());
}

#[test]
fn a_failed_report_names_conditions_mappings_and_the_first_failing_record() {
    insta::assert_snapshot!(failed().to_string());
}

#[test]
fn the_text_names_the_shards_limit_where_it_is_the_first() {
    let text = |shards, by_records, by_bytes| {
        let throttled = Throttled {
            shards,
            by_records,
            by_bytes,
        };
        throttled.to_string()
    };
    let texts = [text(1, 120, 0), text(4, 3, 50), text(2, 0, 0)];
    insta::assert_snapshot!(texts.concat());
}

#[test]
fn the_xml_has_a_test_case_for_each_condition_and_mapping() {
    insta::assert_snapshot!(junit::xml(&failed()));
}

#[test]
fn a_lost_or_failed_record_fails_the_run_and_so_does_none_at_all() {
    assert!(report().passed);
    for spoil in [
        |records: &mut Records| records.lost = 1,
        |records: &mut Records| records.discarded = 1,
        |records: &mut Records| records.refused = 1,
        |records: &mut Records| records.produced = 0,
    ] {
        let mut spoilt = report();
        spoil(&mut spoilt.records);
        assert!(!spoilt.judged(&[]).passed);
    }
    let partial = Report {
        partial: true,
        ..report()
    };
    assert!(!partial.judged(&[]).passed);
}

#[test]
fn conditions_compare_counts_shares_times_and_the_throughput() {
    for (condition, actual, passed) in [
        ("p99<20ms", "4.00 ms", true),
        ("p99 <= 0.004s", "4.00 ms", true),
        ("p99<3999us", "4.00 ms", false),
        ("invoke.max>8ms", "8.12 ms", true),
        ("cache.hit>90%", "70.00%", false),
        ("cache.hit>=7", "7", true),
        ("throughput>1000", "42 records/s", false),
        ("lost=0", "0", true),
        ("retries<=5%", "10.00%", false),
        ("cold_starts==1", "1", true),
    ] {
        assert_eq!(
            checked(condition),
            (Some(actual.to_owned()), passed),
            "{condition}"
        );
    }
}

#[test]
fn a_condition_on_what_nothing_counts_is_not_met() {
    let condition: Condition = "cache.hit>0%".parse().unwrap();
    let without_cache = Report {
        cache_requests: None,
        ..report()
    };
    let checked = condition.check(&without_cache);
    assert_eq!((checked.actual, checked.passed), (None, false));
}

#[test]
fn a_condition_replaces_every_run_s_own_of_the_same_name() {
    let mut report = report();
    report.records.discarded = 1;
    report.records.failed = 1;
    let judged = |condition: &str| report.clone().judged(&[condition.parse().unwrap()]).passed;
    assert!(judged("discarded<=10%"));
    assert!(judged("failed=1"));
    assert!(!judged("discarded=0"));
    assert!(!judged("lost=0"));
}

#[test]
fn a_wrong_condition_names_what_is_expected() {
    for (condition, expected) in [
        (
            "p99",
            "expected a condition such as p99<20ms; names: lost, ",
        ),
        ("p98<20ms", "unknown name \"p98\"; names: lost, "),
        (
            "p99<20",
            "p99 is a time: expected a number and a unit, such as p99<20ms",
        ),
        (
            "lost<few",
            "expected a number or a share, such as lost<10 or lost<1%",
        ),
        (
            "throughput>10%",
            "expected a number, such as throughput>1000",
        ),
        ("lost<-1", "expected a number or a share"),
    ] {
        let error = condition.parse::<Condition>().unwrap_err();
        assert!(error.starts_with(expected), "{condition}: {error}");
    }
}
