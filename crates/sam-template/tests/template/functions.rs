//! Intrinsic functions, pseudo parameters and dynamic references.

use sam_template::context::Seeded;

use crate::{context, problem, read};

/// The value of an environment variable that is written as `value`.
fn value(value: &str) -> String {
    let environment = read(&template_with(value)).unwrap();
    environment.functions[0].environment["VALUE"].clone()
}

fn template_with(value: &str) -> String {
    format!(
        "\
Parameters:
  Zones: {{Type: CommaDelimitedList, Default: 'a, b,c'}}
  Account: {{Type: String, Default: 001234567890}}
  Size: {{Type: Number, Default: 007}}
Mappings:
  Sizes:
    us-east-1: {{small: 1, names: [x, y]}}
Resources:
  Stream:
    Type: AWS::Kinesis::Stream
    Properties: {{Name: !Sub 'orders-${{Table}}'}}
  Table:
    Type: AWS::Serverless::SimpleTable
  Parameter:
    Type: AWS::SSM::Parameter
    Properties: {{Name: /stage/url, Type: String, Value: 'http://localhost'}}
  Function:
    Type: AWS::Serverless::Function
    Properties:
      AutoPublishAlias: live
      Environment:
        Variables:
          VALUE: {value}
"
    )
}

#[test]
fn every_function_has_its_value_in_short_and_long_form() {
    for (written, expected) in [
        ("!Ref Stream", "orders-Table"),
        ("{Ref: Stream}", "orders-Table"),
        (
            "!GetAtt Stream.Arn",
            "arn:aws:kinesis:us-east-1:000000000000:stream/orders-Table",
        ),
        (
            "{'Fn::GetAtt': [Table, Arn]}",
            "arn:aws:dynamodb:us-east-1:000000000000:table/Table",
        ),
        ("!GetAtt Parameter.Value", "http://localhost"),
        ("!Join ['-', [a, !Ref Stream]]", "a-orders-Table"),
        ("!Join [ -, [a, !Ref Stream]]", "a-orders-Table"),
        ("!Join ['', !Ref Zones]", "abc"),
        ("!Select [1, !Ref Zones]", "b"),
        ("!Select ['0', !Split ['/', 'x/y']]", "x"),
        ("!Join [',', {'Fn::Split': [' ', 'a b']}]", "a,b"),
        ("!FindInMap [Sizes, !Ref 'AWS::Region', small]", "1"),
        ("!Select [1, !FindInMap [Sizes, us-east-1, names]]", "y"),
        ("!Base64 text", "dGV4dA=="),
        ("{'Fn::Base64': !Sub '${AWS::Region}'}", "dXMtZWFzdC0x"),
        (
            "!Sub '${Stream.Arn}/${!Literal}'",
            "arn:aws:kinesis:us-east-1:000000000000:stream/orders-Table/${Literal}",
        ),
        (
            "!Sub ['${A}-${Zone}', {A: !Ref Account, Zone: !Select [0, !Ref Zones]}]",
            "001234567890-a",
        ),
        ("!Select [0, !GetAZs '']", "us-east-1a"),
        (
            "!Ref Function.Alias",
            "arn:aws:lambda:us-east-1:000000000000:function:Function:live",
        ),
        (
            "!Sub '${Function.Version}'",
            "arn:aws:lambda:us-east-1:000000000000:function:Function:1",
        ),
    ] {
        assert_eq!(value(written), expected, "{written}");
    }
}

#[test]
fn digits_keep_their_zeros() {
    assert_eq!(value("!Ref Account"), "001234567890");
    assert_eq!(value("!Ref Size"), "007");
    assert_eq!(value("0042"), "0042");
    assert_eq!(value("1.50"), "1.50");
}

#[test]
fn pseudo_parameters_have_the_values_of_this_machine() {
    for (name, expected) in [
        ("AccountId", "000000000000"),
        ("Partition", "aws"),
        ("Region", "us-east-1"),
        ("StackName", "local"),
        (
            "StackId",
            "arn:aws:cloudformation:us-east-1:000000000000:stack/local/00000000-0000-0000-0000-000000000000",
        ),
        ("URLSuffix", "amazonaws.com"),
    ] {
        assert_eq!(value(&format!("!Ref AWS::{name}")), expected);
        assert_eq!(value(&format!("!Sub '${{AWS::{name}}}'")), expected);
    }
    assert_eq!(value("!Join [',', !Ref AWS::NotificationARNs]"), "");
}

#[test]
fn a_dynamic_reference_takes_a_seeded_parameter_or_one_of_the_template() {
    let mut context = context();
    context.seeded = Seeded([("/key".to_owned(), "k1".to_owned())].into());
    for (written, expected) in [
        ("'{{resolve:ssm:/stage/url}}/v1'", "http://localhost/v1"),
        ("'{{resolve:ssm:/stage/url:1}}'", "http://localhost"),
        ("'{{resolve:ssm-secure:/key}}'", "k1"),
        ("!Sub '{{resolve:ssm:/${Name}}}'", "k1"),
    ] {
        let text = template_with(written).replace("${Name}", "key");
        let environment = sam_template::parse(&text, &context).unwrap();
        assert_eq!(environment.functions[0].environment["VALUE"], expected);
    }
    assert!(!format!("{context:?}").contains("k1"), "{context:?}");
    assert_eq!(
        problem(&template_with("'{{resolve:ssm:/nowhere}}'")),
        "23: Function (AWS::Serverless::Function): environment variable VALUE: SSM parameter /nowhere has no value before the start\n\
         hint: give it one in local.toml, without a placeholder: [[seed.parameters]] name = \"/nowhere\""
    );
}

#[test]
fn a_function_with_wrong_arguments_is_refused_with_its_line() {
    for (written, expected) in [
        (
            "!Select [7, !Ref Zones]",
            "Select: there is no item 7; the list has 3",
        ),
        (
            "!FindInMap [Sizes, eu-west-1, small]",
            "FindInMap: the template's Mappings have no Sizes.eu-west-1.small",
        ),
        ("!Join [a]", "Join: expected 2 values, found 1"),
        ("!Ref Zones", "expected text, found a list"),
        ("!Reff Stream", "unknown function Reff; did you mean Ref?"),
        (
            "!GetAtt Stream.Arm",
            "Stream has no attribute \"Arm\"; did you mean Arn?",
        ),
        (
            "!Ref AWS::Regoin",
            "the template has no resource or parameter AWS::Regoin; did you mean AWS::Region?",
        ),
    ] {
        let expected = format!(
            "23: Function (AWS::Serverless::Function): environment variable VALUE: {expected}"
        );
        assert_eq!(problem(&template_with(written)), expected);
    }
}

#[test]
fn a_function_without_a_value_here_is_no_error_where_nothing_needs_it() {
    let text = template_with("plain").replace(
        "      AutoPublishAlias: live\n",
        "      Policies: [!Transform {Name: 'AWS::Include'}]\n      VpcConfig: {SubnetIds: !Cidr [x, 1, 2]}\n",
    );
    assert!(read(&text).is_ok());
}
