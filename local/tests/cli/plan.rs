//! `klocal plan`.

use crate::run::Run;

#[test]
fn a_plan_names_the_shards_that_a_rate_needs_and_the_first_limit() {
    let report = r#"{"records":{"processed":1000},"invocations":50,"cache_requests":{"get":1000,"hit":990},"latency_ms":{"invoke":{"p50":4.0}}}"#;
    let arguments = ["plan", "--rate=50000", "--size=300", "--report=report.json"];
    let run = Run::new(&arguments).template().file("report.json", report);
    let output = run.output();
    assert!(output.status.success(), "{output:?}");
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap());
}

#[test]
fn a_plan_from_a_file_that_is_no_report_is_refused() {
    let arguments = ["plan", "--rate=1", "--size=1", "--report=template.yaml"];
    let refusal = Run::new(&arguments).template().refusal();
    assert!(
        refusal.starts_with(
            "error: report template.yaml: expected the output of `klocal e2e --output json`: "
        ),
        "{refusal}"
    );
}
