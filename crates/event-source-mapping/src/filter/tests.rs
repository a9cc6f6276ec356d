use super::{FilterError, Filters};
use crate::{event::Origin, source::Record};
use bytes::Bytes;
use time::OffsetDateTime;

fn passes(pattern: &str, data: &str) -> bool {
    let record = Record {
        sequence_number: "7".into(),
        partition_key: "key-1".into(),
        data: Bytes::copy_from_slice(data.as_bytes()),
        arrived: OffsetDateTime::UNIX_EPOCH,
    };
    let origin = Origin::new(
        "arn:aws:kinesis:us-east-1:000000000000:stream/s",
        "us-east-1",
        "shardId-000000000000",
    );
    Filters::parse([pattern]).unwrap().pass(&record, &origin)
}

/// A pattern on the field `v` of the data.
fn on(rules: &str) -> String {
    format!(r#"{{"data":{{"v":{rules}}}}}"#)
}

#[test]
fn each_operator_of_the_user_guide_matches_as_its_example_says() {
    let cases: &[(&str, &[&str], &[&str])] = &[
        (
            r#"["Alice"]"#,
            &[r#""Alice""#, r#"["Bob","Alice"]"#],
            &[r#""alice""#, "1", "{}"],
        ),
        ("[100]", &["100", "1.0e2"], &[r#""100""#, "101"]),
        ("[true]", &["true"], &["false", r#""true""#]),
        ("[null]", &["null"], &[r#""""#, "0"]),
        (r#"[""]"#, &[r#""""#], &["null"]),
        (
            r#"[{"prefix":"us-"}]"#,
            &[r#""us-east-1""#],
            &[r#""US-east-1""#, "1"],
        ),
        (
            r#"[{"prefix":{"equals-ignore-case":"US-"}}]"#,
            &[r#""us-east""#],
            &[r#""eu""#],
        ),
        (r#"[{"suffix":".png"}]"#, &[r#""a.png""#], &[r#""a.PNG""#]),
        (
            r#"[{"suffix":{"equals-ignore-case":".png"}}]"#,
            &[r#""a.PNG""#],
            &[r#""a.jpg""#],
        ),
        (
            r#"[{"equals-ignore-case":"alice"}]"#,
            &[r#""ALICE""#],
            &[r#""bob""#],
        ),
        (
            r#"[{"anything-but":"a"}]"#,
            &[r#""b""#, "1", "null"],
            &[r#""a""#],
        ),
        (
            r#"[{"anything-but":["a",1]}]"#,
            &[r#""b""#, "2"],
            &[r#""a""#, "1"],
        ),
        (
            r#"[{"anything-but":{"prefix":"a"}}]"#,
            &[r#""b""#],
            &[r#""ab""#],
        ),
        (
            r#"[{"anything-but":{"suffix":["a","b"]}}]"#,
            &[r#""c""#],
            &[r#""xa""#, r#""xb""#],
        ),
        (
            r#"[{"anything-but":{"equals-ignore-case":"a"}}]"#,
            &[r#""b""#],
            &[r#""A""#],
        ),
        (
            r#"[{"anything-but":{"wildcard":"*/lib/*"}}]"#,
            &[r#""/usr""#],
            &[r#""/lib/x""#],
        ),
        (r#"[{"numeric":["=",5]}]"#, &["5", "5.0"], &["6", r#""5""#]),
        (
            r#"[{"numeric":[">",10,"<=",20]}]"#,
            &["10.1", "20"],
            &["10", "20.1"],
        ),
        (
            r#"[{"wildcard":"dir/*.png"}]"#,
            &[r#""dir/a/b.png""#],
            &[r#""dir/a.jpg""#, r#""x""#],
        ),
        (r#"[{"wildcard":"a\\*b"}]"#, &[r#""a*b""#], &[r#""axb""#]),
        (r#"[{"wildcard":"ab*ba"}]"#, &[r#""abba""#], &[r#""aba""#]),
        (
            r#"[{"cidr":"10.0.0.0/24"}]"#,
            &[r#""10.0.0.255""#],
            &[r#""10.0.1.0""#, r#""x""#],
        ),
        (
            r#"["a",{"prefix":"b"}]"#,
            &[r#""a""#, r#""bc""#],
            &[r#""c""#],
        ),
        (
            r#"{"w":["a"]}"#,
            &[r#"{"w":"a"}"#, r#"[{"w":"b"},{"w":"a"}]"#],
            &[r#"{"w":"b"}"#, "1"],
        ),
    ];
    for (rules, matching, others) in cases {
        for value in *matching {
            assert!(
                passes(&on(rules), &format!("{{\"v\":{value}}}")),
                "{rules} {value}"
            );
        }
        for value in *others {
            assert!(
                !passes(&on(rules), &format!("{{\"v\":{value}}}")),
                "{rules} {value}"
            );
        }
        assert!(!passes(&on(rules), "{}"), "{rules} matches nothing at all");
    }
}

#[test]
fn exists_is_about_leaves() {
    assert!(passes(&on(r#"[{"exists":true}]"#), r#"{"v":null}"#));
    assert!(!passes(&on(r#"[{"exists":true}]"#), r#"{"v":{"w":1}}"#));
    assert!(passes(&on(r#"[{"exists":false}]"#), "{}"));
    assert!(!passes(&on(r#"[{"exists":false}]"#), r#"{"v":1}"#));
    assert!(passes(&on(r#"{"w":{"x":[{"exists":false}]}}"#), "{}"));
}

#[test]
fn all_fields_must_match_and_one_of_the_alternatives() {
    let pattern = r#"{"data":{"a":[1],"$or":[{"b":[2]},{"c":{"d":[3]}}]}}"#;
    assert!(passes(pattern, r#"{"a":1,"b":2}"#));
    assert!(passes(pattern, r#"{"a":1,"c":{"d":3}}"#));
    assert!(!passes(pattern, r#"{"a":1}"#));
    assert!(!passes(pattern, r#"{"b":2}"#));
}

#[test]
fn a_record_passes_when_any_filter_matches_and_always_when_there_is_none() {
    let record = Record {
        sequence_number: "7".into(),
        partition_key: "key-1".into(),
        data: Bytes::from_static(b"plain"),
        arrived: OffsetDateTime::UNIX_EPOCH,
    };
    let origin = Origin::new("", "", "");
    let filters = |patterns: &[&str]| Filters::parse(patterns.iter().copied()).unwrap();
    assert!(filters(&[]).pass(&record, &origin));
    let two = [r#"{"data":{"a":[1]}}"#, r#"{"partitionKey":["key-1"]}"#];
    assert!(filters(&two).pass(&record, &origin));
    assert!(!filters(&two[..1]).pass(&record, &origin));
}

#[test]
fn data_that_is_not_json_is_dropped_by_a_data_pattern_only() {
    let on_data = r#"{"data":{"v":[{"exists":false}]}}"#;
    assert!(!passes(on_data, "plain text"));
    assert!(passes(on_data, "{}"));
    assert!(passes(
        r#"{"partitionKey":[{"prefix":"key-"}]}"#,
        "plain text"
    ));
    assert!(!passes(r#"{"partitionKey":["other"]}"#, "{}"));
}

#[test]
fn what_is_wrong_with_a_pattern_is_said_with_its_place() {
    let cases = [
        ("{", "not valid JSON"),
        ("[]", "at the top: expected an object"),
        ("{}", "the pattern is empty"),
        (r#"{"data":"x"}"#, "at data: expected an object or a list"),
        (
            r#"{"data":{"a":[]}}"#,
            "at data.a: the list of values is empty",
        ),
        (
            r#"{"data":{"a":[[1]]}}"#,
            "at data.a: expected a value or an operator",
        ),
        (r#"{"a":[{"sufix":"x"}]}"#, "there is no operator \"sufix\""),
        (r#"{"a":[{"prefix":1}]}"#, "prefix is 1; expected text"),
        (r#"{"a":[{"prefix":"x","suffix":"y"}]}"#, "one operator"),
        (r#"{"a":[{"numeric":["<"]}]}"#, "numeric is"),
        (
            r#"{"a":[{"numeric":["!",1]}]}"#,
            "expected =, <, <=, > or >=",
        ),
        (r#"{"a":[{"exists":"yes"}]}"#, "expected true or false"),
        (r#"{"a":[{"wildcard":"a**"}]}"#, "two * in a row"),
        (r#"{"a":[{"wildcard":"a\\b"}]}"#, "stands before"),
        (r#"{"a":[{"cidr":"10.0.0.0/33"}]}"#, "expected a network"),
        (r#"{"a":[6000000000]}"#, "beyond -5e9 to 5e9"),
        (r#"{"$or":[{"a":[1]}]}"#, "at least two objects"),
    ];
    for (pattern, expected) in cases {
        let error = Filters::parse([pattern]).unwrap_err().to_string();
        assert!(error.contains(expected), "{pattern}: {error}");
    }
    let long = format!(r#"{{"a":["{}"]}}"#, "x".repeat(4096));
    assert!(matches!(
        Filters::parse([long.as_str()]),
        Err(FilterError::TooLong(_))
    ));
    let many = [r#"{"a":[1]}"#; 11];
    assert_eq!(Filters::parse(many), Err(FilterError::TooMany(11)));
}
