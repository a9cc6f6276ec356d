use proptest::prelude::*;

use super::Pattern;

fn matches(pattern: &str, message: &str) -> bool {
    pattern.parse::<Pattern>().unwrap().matches(message)
}

#[test]
fn every_term_must_be_there_and_no_excluded_one() {
    let message = "[ERROR 401] UNAUTHORIZED REQUEST of \"a\"";
    for (pattern, expected) in [
        ("", true),
        ("ERROR", true),
        ("error", false),
        ("ERROR REQUEST", true),
        ("ERROR MISSING", false),
        ("\"UNAUTHORIZED REQUEST\"", true),
        ("\"REQUEST UNAUTHORIZED\"", false),
        ("\"of \\\"a\\\"\"", true),
        ("ERROR -401", false),
        ("ERROR -\"no such\"", true),
        ("-ERROR", false),
        ("?MISSING ?401", true),
        ("?MISSING ?402", false),
        // The question marks are ignored beside other terms.
        ("?MISSING ERROR", true),
        ("%4\\d1%", true),
        ("%^ERROR%", false),
    ] {
        assert_eq!(matches(pattern, message), expected, "{pattern}");
    }
}

#[test]
fn a_json_pattern_selects_and_compares() {
    let message = r#"{"level":"ERROR","took":12.5,"ok":false,"none":null,"deep":{"a b":[1,{"x":"y"}]},"ids":["i-1","i-2"],"code":"404"}"#;
    for (pattern, expected) in [
        (r#"{ $.level = "ERROR" }"#, true),
        (r#"{$.level="ERROR"}"#, true),
        (r#"{ $.level = "E*R" }"#, true),
        (r#"{ $.level = "*RR*" }"#, true),
        (r"{ $.level = ERR* }", true),
        (r#"{ $.level != "ERROR" }"#, false),
        (r#"{ $.missing != "ERROR" }"#, false),
        ("{ $.took > 12 }", true),
        ("{ $.took <= 1.25e1 }", true),
        ("{ $.took < -1 }", false),
        ("{ $.code = 404 }", false),
        (r#"{ $.code = "404" }"#, true),
        ("{ $.ok IS FALSE }", true),
        ("{ $.ok IS TRUE }", false),
        ("{ $.none IS NULL }", true),
        ("{ $.missing IS NULL }", false),
        ("{ $.missing NOT EXISTS }", true),
        ("{ $.level NOT EXISTS }", false),
        ("{ $.deep['a b'][0] = 1 }", true),
        (r#"{ $.deep["a b"][1].x = "y" }"#, true),
        (r#"{ $.ids[*] = "i-2" }"#, true),
        (r#"{ $.ids[*] = "i-3" }"#, false),
        (r"{ $.level = %^ERR|WARN$% }", true),
        (
            r#"{ ($.level = "INFO") || ($.took > 1 && $.ok IS FALSE) }"#,
            true,
        ),
        (
            r#"{ $.level = "INFO" || $.took > 1 && $.ok IS TRUE }"#,
            false,
        ),
    ] {
        assert_eq!(matches(pattern, message), expected, "{pattern}");
    }
    assert!(!matches("{ $.level NOT EXISTS }", "no JSON"));
    assert!(matches("{ $.a = 1 }", "{\"a\":1}\n"));
}

#[test]
fn a_pattern_of_fields_compares_them_in_order() {
    let message =
        "127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] \"GET /index.html HTTP/1.0\" 404 1534";
    for (pattern, expected) in [
        (
            "[ip, user, username, timestamp, request, status_code, bytes > 1000]",
            true,
        ),
        (
            "[ip, user, username, timestamp, request = *html*, status_code = 4*, bytes]",
            true,
        ),
        ("[ip, ..., status_code = 4*, bytes]", true),
        ("[..., status_code = 5*, bytes]", false),
        ("[..., status_code = 404 || status_code = 410, bytes]", true),
        ("[..., bytes >= 1000 && bytes < 1500]", false),
        ("[ip, user]", false),
        ("[ip != %127%, ...]", false),
    ] {
        assert_eq!(matches(pattern, message), expected, "{pattern}");
    }
}

#[test]
fn an_invalid_pattern_says_what_is_expected_where() {
    let deep = format!("{{ {}$.a = 1 }}", "(".repeat(100));
    for (pattern, expected) in [
        ("{ $.a = }", "a value is expected at \"}\""),
        ("{ $.a }", "an operator is expected at \"}\""),
        ("{ a = 1 }", "$ is expected at \"a = 1 }\""),
        ("{ $.a = 1", "the pattern ends where } is expected"),
        ("{ $.a = %[% }", "%[% is no regular expression"),
        ("\"open", "a quotation mark is not closed"),
        ("- a", "a - or ? has no term after it"),
        ("[a, ..., b, ...]", "a pattern has at most one `...`"),
        (deep.as_str(), "there are more than 32 parentheses"),
    ] {
        let error = pattern.parse::<Pattern>().unwrap_err().to_string();
        assert!(error.starts_with(expected), "{pattern}: {error}");
    }
}

proptest! {
    #[test]
    fn no_pattern_and_no_message_panics(pattern in "[\\[{]?[ $.a-c0-9\"%'*?\\-=<>!|&(){}\\[\\],é]{0,40}", message in "[ -~é]{0,60}") {
        if let Ok(pattern) = pattern.parse::<Pattern>() {
            let _ = pattern.matches(&message);
            let _ = pattern.matches("{\"a\":{\"b\":[1,\"c\"]}}");
        }
    }
}
