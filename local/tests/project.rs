//! `local.toml`: its additions to the template, and its errors.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{collections::BTreeMap, fs};

use local::project::{Project, ProjectError, find_template, values::Values};
use tempfile::TempDir;

const TEMPLATE: &str = "
Resources:
  Orders: { Type: AWS::Kinesis::Stream, Properties: { Name: orders } }
  Customers:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: Customers
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{ AttributeName: id, AttributeType: S }]
      KeySchema: [{ AttributeName: id, KeyType: HASH }]
  Function:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: order-function
      Handler: bootstrap
      Runtime: provided.al2023
      CodeUri: .
      Environment: { Variables: { TABLE: Customers, MODE: template } }
";

/// A project with this `local.toml` and these files in its folder.
fn project(local_toml: &str, files: &[(&str, &str)]) -> (TempDir, Result<Project, ProjectError>) {
    let folder = tempfile::tempdir().unwrap();
    let template = folder.path().join("template.yaml");
    fs::write(&template, TEMPLATE).unwrap();
    fs::write(folder.path().join("local.toml"), local_toml).unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let project = Project::in_region(&template, "us-east-1");
    (folder, project)
}

/// The error for a `local.toml`, without the folder.
fn refusal(local_toml: &str) -> String {
    let (folder, project) = project(local_toml, &[("items.jsonl", "{}\n\n[1]\n")]);
    let error = project.unwrap_err().to_string();
    error.replace(&format!("{}/", folder.path().display()), "")
}

fn values() -> Values {
    Values {
        cache_url: Some("http://127.0.0.1:8080".to_owned()),
        cache_protosocket_url: Some("127.0.0.1:9004".to_owned()),
        cache_backend: Some("stub".to_owned()),
        cache_api_key: Some("key".to_owned()),
    }
}

#[test]
fn a_function_gets_its_variables_with_the_placeholders_filled_in() {
    let (_folder, project) = project(
        "[functions.order-function.environment]\nMODE = \"local\"\nCACHE = \"${cache.url}/v1\"\n",
        &[],
    );
    let local = project.unwrap().local;
    assert_eq!(
        local.variables("order-function", &values()),
        BTreeMap::from([
            ("CACHE".to_owned(), "http://127.0.0.1:8080/v1".to_owned()),
            ("MODE".to_owned(), "local".to_owned()),
        ])
    );
    // Without a local cache, the variable with its URL keeps the template's value.
    let without = local.variables("order-function", &Values::default());
    assert_eq!(
        without,
        BTreeMap::from([("MODE".to_owned(), "local".to_owned())])
    );
    assert!(local.variables("another", &values()).is_empty());
}

#[test]
fn seeds_have_their_values_and_only_a_real_api_key_replaces_a_parameter() {
    let (_folder, project) = project(
        "[[seed.parameters]]\nname = \"/key\"\ntype = \"SecureString\"\nvalue = \"${cache.api_key}\"\n\
         [[seed.parameters]]\nname = \"/plain\"\ntype = \"String\"\nvalue = \"text\"\n\
         [[seed.tables]]\nname = \"Customers\"\nitems = \"items.jsonl\"\n\
         [[seed.tables]]\nname = \"Added\"\nkey = \"name\"\n",
        &[(
            "items.jsonl",
            "{\"id\":\"1\"}\n\n{\"id\":\"2\",\"count\":3}\n",
        )],
    );
    let local = project.unwrap().local;
    let seed = local.seed(&values(), true);
    let parameters: Vec<_> = seed
        .parameters
        .iter()
        .map(|one| (one.name.as_str(), one.value.as_str(), one.replaces))
        .collect();
    assert_eq!(
        parameters,
        [("/key", "key", true), ("/plain", "text", false)]
    );
    assert!(!local.seed(&values(), false).parameters[0].replaces);
    assert_eq!(seed.tables[0].items.len(), 2);
    assert_eq!(seed.tables[1].key.as_deref(), Some("name"));
    assert!(!format!("{seed:?}").contains("\"key\""), "{seed:?}");
}

#[test]
fn an_error_in_local_toml_has_its_line_and_suggests_the_nearest_name() {
    for (local_toml, expected) in [
        (
            "\n[cache]\nname = [\"a\"]\n",
            "local.toml:3: unknown field `name`, expected `names`; did you mean `names`?",
        ),
        (
            "[function.x.environment]\n",
            "local.toml:1: unknown field `function`, expected one of `functions`, `cache`, `seed`, `e2e`; did you mean `functions`?",
        ),
        (
            "\n\n[functions.orders-function.environment]\nA = \"b\"\n",
            "local.toml:3: unknown function \"orders-function\"; did you mean \"order-function\"?",
        ),
        (
            "[functions.order-function.environment]\nA = \"b\"\nURL = \"${cache.uri}\"\n",
            "local.toml:3: unknown placeholder \"cache.uri\"; did you mean \"cache.url\"?",
        ),
        (
            "[[seed.parameters]]\nname = \"/key\"\ntype = \"Secure\"\nvalue = \"x\"\n",
            "local.toml:3: type is \"Secure\"; expected one of String, StringList, SecureString",
        ),
        (
            "[e2e]\nrecords = { partition_key = \"/id\" }\n",
            "local.toml:2: records has one of template and file, such as { template = \"seed/record.json\" }",
        ),
        (
            "[e2e]\nrecords = { file = \"a.jsonl\", partition_key = \"id\" }\n",
            "local.toml:2: partition_key is \"id\"; expected a JSON pointer, such as /orderId",
        ),
        (
            "[e2e.records]\nfile = \"a.jsonl\"\nmalformed = \"1\"\n",
            "local.toml:3: malformed is \"1\"; expected a share of the records, such as 1%",
        ),
        (
            "[[seed.tables]]\nname = \"Nowhere\"\n",
            "local.toml:2: the template has no table \"Nowhere\"\nhint: to create it here, set its key attribute: key = \"…\"",
        ),
    ] {
        assert_eq!(refusal(local_toml), expected);
    }
    let not_toml = refusal("[cache\n");
    assert!(not_toml.starts_with("local.toml:1: "), "{not_toml}");
    let item = refusal("[[seed.tables]]\nname = \"Customers\"\nitems = \"items.jsonl\"\n");
    assert!(
        item.starts_with("items.jsonl:3: expected an item as a JSON object: "),
        "{item}"
    );
    let missing = refusal("[[seed.tables]]\nname = \"Customers\"\nitems = \"nowhere.jsonl\"\n");
    assert!(missing.starts_with("nowhere.jsonl: "), "{missing}");
}

#[test]
fn the_template_is_found_from_a_folder_inside_the_project() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("functions/orders");
    fs::create_dir_all(&inside).unwrap();
    assert!(matches!(
        find_template(&inside),
        Err(ProjectError::NoTemplate { .. })
    ));
    fs::write(folder.path().join("template.yml"), TEMPLATE).unwrap();
    assert_eq!(
        find_template(&inside).unwrap(),
        folder.path().join("template.yml")
    );
}

#[test]
fn samconfig_s_overrides_and_seeded_parameters_reach_the_template() {
    let folder = tempfile::tempdir().unwrap();
    let template = folder.path().join("template.yaml");
    let text = "
Parameters:
  Name: { Type: String, Default: default }
  Shards: { Type: Number, Default: 1 }
Resources:
  Orders:
    Type: AWS::Kinesis::Stream
    Properties: { Name: !Sub '${Name}-{{resolve:ssm:/stage}}', ShardCount: !Ref Shards }
";
    fs::write(&template, text).unwrap();
    fs::write(
        folder.path().join("samconfig.toml"),
        "version = 0.1\n[default.deploy.parameters]\nparameter_overrides = [\"Name=orders\", \"Shards=3\"]\n",
    )
    .unwrap();
    fs::write(
        folder.path().join("local.toml"),
        "[[seed.parameters]]\nname = \"/stage\"\ntype = \"String\"\nvalue = \"dev\"\n",
    )
    .unwrap();
    let project = Project::in_region(&template, "us-east-1").unwrap();
    let stream = &project.environment.streams[0];
    assert_eq!(
        (stream.name.as_str(), stream.shards),
        ("orders-dev", Some(3))
    );

    fs::write(folder.path().join("samconfig.toml"), "version = \n").unwrap();
    let error = Project::in_region(&template, "us-east-1").unwrap_err();
    let error = error.to_string();
    assert!(error.contains("samconfig.toml:1: "), "{error}");
}
