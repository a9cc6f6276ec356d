//! `klocal init`: what it writes, and what it leaves alone.

use std::fs;

use crate::run::Run;

/// A template that names something of every kind.
const TEMPLATE: &str = "\
Resources:
  Orders: { Type: AWS::Kinesis::Stream, Properties: { Name: orders } }
  Level: { Type: AWS::SSM::Parameter, Properties: { Name: /shop/level, Type: String, Value: high } }
  Customers:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: Customers
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions:
        - { AttributeName: tenant, AttributeType: S }
        - { AttributeName: id, AttributeType: S }
      KeySchema: [{ AttributeName: tenant, KeyType: HASH }, { AttributeName: id, KeyType: RANGE }]
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: order-worker
      Handler: bootstrap
      Runtime: provided.al2023
      Environment:
        Variables:
          CUSTOMERS_TABLE: !Ref Customers
          PRICES_TABLE: prices-production
          LEVEL: !Ref Level
          API_KEY: /shop/api-key
          SCRATCH: /tmp/work
          SHIPPING_URL: https://shipping.example.com
          CACHE_ENDPOINT: https://cache.example.com
          AWS_LAMBDA_EXEC_WRAPPER_URL: https://example.com
          GHOST: nothing
      Events:
        Records:
          Type: Kinesis
          Properties: { Stream: !GetAtt Orders.Arn, StartingPosition: LATEST }
";

#[test]
fn the_help_of_init_names_every_flag() {
    let output = Run::new(&["init", "--help"]).output();
    assert!(output.status.success());
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap());
}

#[test]
fn init_suggests_what_the_template_names_and_says_what_to_type_next() {
    let mut run = Run::new(&["init"]).file("template.yaml", TEMPLATE);
    let output = run.command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert_eq!(output.stdout, b"");
    insta::assert_snapshot!("init_says_what_to_type_next", said);
    let read = |name: &str| fs::read_to_string(run.folder.path().join(name)).unwrap();
    insta::assert_snapshot!("init_local_toml", read("local.toml"));
    insta::assert_snapshot!("init_records", read("records.jsonl"));
}

#[test]
fn every_suggestion_is_valid_once_it_is_uncommented() {
    let mut run = Run::new(&["init"]).file("template.yaml", TEMPLATE);
    assert!(run.command.output().unwrap().status.success());
    let file = run.folder.path().join("local.toml");
    let text = fs::read_to_string(&file).unwrap();
    // A suggestion is a line of TOML behind `# `; an explanation ends with a full stop.
    let lines = text.lines().map(|line| match line.strip_prefix("# ") {
        Some(toml) if toml.starts_with('[') || toml.contains(" = ") => toml,
        _ => line,
    });
    fs::write(&file, lines.collect::<Vec<_>>().join("\n")).unwrap();
    fs::create_dir(run.folder.path().join("seed")).unwrap();
    for table in ["Customers", "prices-production"] {
        let item = r#"{"tenant": "a", "id": "b"}"#;
        let items = run.folder.path().join(format!("seed/{table}.jsonl"));
        fs::write(items, item).unwrap();
    }
    let ran = Run::new(&["exec", "--bootstrap=/bin/false", "--template"])
        .arguments(&[run.folder.path().join("template.yaml").to_str().unwrap()])
        .arguments(&["--", "/bin/true"])
        .output();
    let error = String::from_utf8(ran.stderr).unwrap();
    assert!(ran.status.success(), "{error}");
}

#[test]
fn init_overwrites_nothing() {
    let mut run = Run::new(&["init"])
        .file("template.yaml", TEMPLATE)
        .file("local.toml", "# mine\n");
    let output = run.command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(
        said.starts_with("kept the existing local.toml\nwrote records.jsonl\n"),
        "{said}"
    );
    let kept = fs::read_to_string(run.folder.path().join("local.toml")).unwrap();
    assert_eq!(kept, "# mine\n");
}

#[test]
fn init_without_a_template_is_refused() {
    let refusal = Run::new(&["init"]).refusal();
    assert!(refusal.starts_with("error: no template ("), "{refusal}");
}
