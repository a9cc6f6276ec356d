//! Parameters: their types, rules and values.

use crate::{context, problem, read};

fn declared(rules: &str) -> String {
    format!(
        "\
Parameters:
  Value: {{{rules}}}
Resources:
  Stream:
    Type: AWS::Kinesis::Stream
    Properties: {{Name: !Ref Value}}
"
    )
}

#[test]
fn a_value_that_breaks_a_rule_of_its_parameter_is_refused() {
    for (rules, expected) in [
        (
            "Type: String, Default: dev, AllowedValues: [test, prod]",
            "\"dev\"; expected one of test, prod",
        ),
        (
            "Type: String, Default: Dev, AllowedPattern: '[a-z]+'",
            "\"Dev\"; expected AllowedPattern [a-z]+",
        ),
        (
            "Type: String, Default: dev1, AllowedPattern: '[a-z]+'",
            "\"dev1\"; expected AllowedPattern [a-z]+",
        ),
        (
            "Type: String, Default: ab, MinLength: 3",
            "\"ab\"; expected MinLength 3",
        ),
        (
            "Type: String, Default: abcd, MaxLength: '3'",
            "\"abcd\"; expected MaxLength 3",
        ),
        (
            "Type: Number, Default: 1, MinValue: 2",
            "\"1\"; expected MinValue 2",
        ),
        (
            "Type: Number, Default: 9, MaxValue: 8",
            "\"9\"; expected MaxValue 8",
        ),
        ("Type: Number, Default: many", "\"many\"; expected a number"),
        (
            "Type: List<Number>, Default: '1,x'",
            "\"x\"; expected a number",
        ),
        (
            "Type: CommaDelimitedList, Default: 'a,b', AllowedValues: [a]",
            "\"b\"; expected one of a",
        ),
        (
            "Type: String, Default: x, MinLength: 3, ConstraintDescription: three letters",
            "\"x\"; expected MinLength 3 (three letters)",
        ),
        (
            "Type: String, Default: secret, NoEcho: true, MinLength: 9",
            "****; expected MinLength 9",
        ),
    ] {
        let expected = format!("2: parameter Value: the value is {expected}");
        assert_eq!(problem(&declared(rules)), expected, "{rules}");
    }
    assert_eq!(
        problem(&declared("Type: Strin, Default: x")),
        "2: parameter Value: Type is \"Strin\"; did you mean String?"
    );
    assert_eq!(
        problem(&declared("Type: String, AllowedValue: [x]")),
        "2: parameter Value: unknown attribute AllowedValue; did you mean AllowedValues?"
    );
}

#[test]
fn values_within_the_rules_are_accepted() {
    for rules in [
        "Type: String, Default: prod, AllowedValues: [test, prod]",
        "Type: Number, Default: 5, MinValue: 1, MaxValue: 5, AllowedValues: [5]",
        "Type: 'AWS::EC2::VPC::Id', Default: vpc-1",
        // A look-ahead, which the engine here does not know.
        "Type: String, Default: a, AllowedPattern: '(?!b)[a-z]+'",
    ] {
        assert!(read(&declared(rules)).is_ok(), "{rules}");
    }
}

#[test]
fn a_parameter_without_a_value_is_refused_only_where_its_value_is_needed() {
    assert_eq!(
        problem(&declared("Type: String")),
        "6: Stream (AWS::Kinesis::Stream): property Name: parameter Value has no value\n\
         hint: give it one with `--parameter Value=VALUE`"
    );
    let unused = declared("Type: String").replace("Name: !Ref Value", "Tags: !Ref Value");
    assert!(read(&unused).is_ok());
}

#[test]
fn flags_override_samconfig_which_overrides_defaults() {
    let text = declared("Type: String, Default: default");
    let mut context = context();
    let name = |context: &sam_template::Context| {
        let environment = sam_template::parse(&text, context).unwrap();
        environment.streams[0].name.clone()
    };
    assert_eq!(name(&context), "default");
    context.overrides = [
        ("Value".to_owned(), "samconfig".to_owned()),
        ("Of-another-template".to_owned(), "ignored".to_owned()),
    ]
    .into();
    assert_eq!(name(&context), "samconfig");
    context.parameters = [("Value".to_owned(), "flag".to_owned())].into();
    assert_eq!(name(&context), "flag");
    context.parameters = [("Valeu".to_owned(), "flag".to_owned())].into();
    let problem = sam_template::parse(&text, &context).unwrap_err();
    assert_eq!(
        problem.what,
        "the template has no parameter Valeu; did you mean Value?"
    );
}

#[test]
fn a_parameter_of_an_ssm_type_has_the_value_of_the_ssm_parameter() {
    let text = declared("Type: 'AWS::SSM::Parameter::Value<String>', Default: /stream/name");
    let seeded = "  Seed:
    Type: AWS::SSM::Parameter
    Properties: {Name: /stream/name, Type: String, Value: orders}
";
    let environment = read(&format!("{text}{seeded}")).unwrap();
    assert_eq!(environment.streams[0].name, "orders");
    assert!(problem(&text).contains("SSM parameter /stream/name has no value before the start"));
}
