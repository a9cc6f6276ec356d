//! Log groups, and where a function's log goes.

use sam_template::environment::Logging;

use crate::{problem, read, resources};

#[test]
fn log_groups_have_names_and_retentions() {
    let text = resources(
        "\
Kept:
  Type: AWS::Logs::LogGroup
  Properties: {LogGroupName: /aws/lambda/orders, RetentionInDays: 14, KmsKeyId: key}
Plain:
  Type: AWS::Logs::LogGroup",
    );
    let environment = read(&text).unwrap();
    let groups = environment.log_groups.iter();
    let groups: Vec<_> = groups
        .map(|group| (group.name.as_str(), group.retention_days))
        .collect();
    assert_eq!(groups, [("/aws/lambda/orders", Some(14)), ("Plain", None)]);

    let wrong = resources(
        "\
Kept:
  Type: AWS::Logs::LogGroup
  Properties: {RetentionInDays: 2}",
    );
    let problem = problem(&wrong);
    assert!(
        problem.contains("RetentionInDays is 2; expected one of 1, 3, 5"),
        "{problem}"
    );
}

#[test]
fn logging_config_names_the_group_and_the_form() {
    let text = resources(
        "\
Group:
  Type: AWS::Logs::LogGroup
  Properties: {LogGroupName: mine}
Structured:
  Type: AWS::Serverless::Function
  Properties:
    LoggingConfig: {LogFormat: JSON, LogGroup: !Ref Group, SystemLogLevel: DEBUG}
Plain:
  Type: AWS::Lambda::Function",
    );
    let environment = read(&text).unwrap();
    let expected = Logging {
        group: Some("mine".to_owned()),
        json: true,
    };
    assert_eq!(environment.functions[0].logging, expected);
    assert_eq!(environment.functions[1].logging, Logging::default());
    let notes: Vec<_> = environment.notes.lines().collect();
    assert_eq!(
        notes,
        ["LoggingConfig.SystemLogLevel: traces, log levels and metrics are not kept"]
    );

    let wrong = text.replace("LogFormat: JSON", "LogFormat: Yaml");
    assert!(problem(&wrong).contains("LogFormat"));
}
