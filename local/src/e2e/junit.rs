//! A report as `JUnit` XML: a test case for each condition and each mapping.

use std::fmt::Write;

use super::report::Report;

/// The XML, for CI: a failed case has the first failing record, and the suite the whole
/// report.
#[must_use]
pub fn xml(report: &Report) -> String {
    let mut cases: Vec<(String, Option<String>)> = Vec::new();
    for checked in &report.conditions {
        let actual = checked
            .actual
            .as_deref()
            .unwrap_or("not counted in this run");
        let failure = (!checked.passed).then(|| format!("{}: {actual}", checked.condition));
        cases.push((checked.condition.clone(), failure));
    }
    for mapping in &report.mappings {
        let name = format!("mapping {}", mapping.name);
        let all = mapping.lost == 0 && mapping.discarded == 0;
        // Conditions may allow both.
        let failure = (!all && !report.passed)
            .then(|| format!("discarded {}, lost {}", mapping.discarded, mapping.lost));
        cases.push((name, failure));
    }
    if report.partial {
        let failure = "interrupted before every record was settled".to_owned();
        cases.push(("the run ends by itself".to_owned(), Some(failure)));
    }
    let seconds = report.elapsed_ms / 1e3;
    let failures = cases
        .iter()
        .filter(|(_, failure)| failure.is_some())
        .count();
    let details = report.first_failure.as_ref();
    let details = details.map(ToString::to_string).unwrap_or_default();
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites>\n  \
         <testsuite name=\"klocal e2e\" tests=\"{}\" failures=\"{failures}\" errors=\"0\" time=\"{seconds:.3}\">\n",
        cases.len()
    );
    for (name, failure) in cases {
        let name = escaped(&name);
        let case = format!("    <testcase classname=\"klocal e2e\" name=\"{name}\"");
        // Writing to a string cannot fail.
        let _ = match failure {
            None => writeln!(xml, "{case}/>"),
            Some(message) => writeln!(
                xml,
                "{case}>\n      <failure message=\"{}\">{}</failure>\n    </testcase>",
                escaped(&message),
                escaped(&details)
            ),
        };
    }
    let report = escaped(&report.to_string());
    // Writing to a string cannot fail.
    let _ = write!(
        xml,
        "    <system-out>{report}</system-out>\n  </testsuite>\n</testsuites>\n"
    );
    xml
}

/// Text as XML has it. Characters that XML cannot hold become `?`.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() || ['\u{fffe}', '\u{ffff}'].contains(&c) => escaped.push('?'),
            c => escaped.push(c),
        }
    }
    escaped
}
