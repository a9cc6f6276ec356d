//! Conditions: of resources, of values, and what they are made of.

use crate::{context, problem, read};

const STAGES: &str = "\
Parameters:
  Stage: {Type: String, Default: dev}
  Shards: {Type: Number, Default: 2}
Conditions:
  IsProduction: !Equals [!Ref Stage, prod]
  IsTest: {'Fn::Equals': [{Ref: Stage}, test]}
  IsLocal: !Not [!Or [!Condition IsProduction, {Condition: IsTest}]]
  HasTwo: !And [!Equals [!Ref Shards, '2'], !Condition IsLocal]
Resources:
  Stream:
    Type: AWS::Kinesis::Stream
    Properties:
      Name: !If [IsProduction, orders, !Sub 'orders-${Stage}']
      ShardCount: !If [HasTwo, !Ref Shards, !Ref 'AWS::NoValue']
      StreamModeDetails: !If [IsProduction, {StreamMode: ON_DEMAND}, !Ref 'AWS::NoValue']
  Audit:
    Type: AWS::Kinesis::Stream
    Condition: IsProduction
  Function:
    Type: AWS::Serverless::Function
    Properties:
      Environment:
        Variables:
          ONLY_LOCAL: !If [IsLocal, here, !Ref AWS::NoValue]
          ONLY_PRODUCTION: !If [IsProduction, there, !Ref AWS::NoValue]
";

#[test]
fn conditions_choose_resources_and_values() {
    let environment = read(STAGES).unwrap();
    assert_eq!(environment.streams.len(), 1);
    let stream = &environment.streams[0];
    assert_eq!(
        (stream.name.as_str(), stream.shards),
        ("orders-dev", Some(2))
    );
    let variables = &environment.functions[0].environment;
    assert_eq!(variables["ONLY_LOCAL"], "here");
    assert!(!variables.contains_key("ONLY_PRODUCTION"));

    let mut context = context();
    context.parameters = [("Stage".to_owned(), "prod".to_owned())].into();
    let environment = sam_template::parse(STAGES, &context).unwrap();
    let names: Vec<_> = environment.streams.iter().map(|one| &one.name).collect();
    assert_eq!(names, ["orders", "Audit"]);
    assert_eq!(environment.streams[0].shards, None);
}

#[test]
fn a_reference_to_a_resource_that_a_condition_leaves_out_is_refused() {
    let text = format!("{STAGES}          AUDIT: !GetAtt Audit.Arn\n");
    assert_eq!(
        problem(&text),
        "26: Function (AWS::Serverless::Function): environment variable AUDIT: Audit is not created: condition IsProduction is false"
    );
}

#[test]
fn an_unknown_condition_is_refused_with_the_nearest_name() {
    let text = STAGES.replace("Condition: IsProduction\n", "Condition: IsProd\n");
    assert!(
        problem(&text)
            .ends_with("the template has no condition IsProd; did you mean IsProduction?"),
        "{}",
        problem(&text)
    );
}

#[test]
fn a_condition_that_depends_on_itself_is_refused() {
    let text = STAGES.replace("!Equals [!Ref Stage, prod]", "!Not [!Condition IsLocal]");
    assert!(
        problem(&text).ends_with("depends on itself"),
        "{}",
        problem(&text)
    );
}
