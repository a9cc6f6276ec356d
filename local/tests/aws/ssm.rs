//! SSM's rules, as the API reference has them.

use std::{fmt::Debug, path::Path};

use aws_sdk_ssm::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::get_parameter_history::GetParameterHistoryOutput,
    types::{ParameterStringFilter, ParameterTier, ParameterType, ResourceTypeForTagging, Tag},
};

use super::{apis, call, ssm};

async fn put(ssm: &Client, name: &str, value: &str) {
    let put = ssm.put_parameter().name(name).value(value);
    let put = put.r#type(ParameterType::String).overwrite(true);
    put.send().await.unwrap();
}

async fn get(ssm: &Client, name: &str) -> Option<String> {
    let reply = ssm.get_parameter().name(name).send().await.ok()?;
    reply.parameter.unwrap().value
}

fn code<T: Debug, E: ProvideErrorMetadata + Debug, R: Debug>(
    result: Result<T, SdkError<E, R>>,
) -> String {
    result.unwrap_err().code().unwrap().to_owned()
}

fn filter(key: &str, option: Option<&str>, values: &[&str]) -> ParameterStringFilter {
    let values = values.iter().map(ToString::to_string).collect();
    ParameterStringFilter::builder()
        .key(key)
        .set_option(option.map(str::to_owned))
        .set_values(Some(values))
        .build()
        .unwrap()
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().unwrap()
}

#[tokio::test]
async fn a_parameter_is_found_by_its_own_arn_with_and_without_a_path() {
    let apis = apis(None).await;
    let ssm = ssm(&apis);
    for name in ["plain", "/a/path", "/root"] {
        put(&ssm, name, name).await;
        let found = ssm.get_parameter().name(name).send().await.unwrap();
        let arn = found.parameter.unwrap().arn.unwrap();
        assert_eq!(get(&ssm, &arn).await.as_deref(), Some(name), "{arn}");
        let version = format!("{arn}:1");
        assert_eq!(
            get(&ssm, &version).await.as_deref(),
            Some(name),
            "{version}"
        );
    }
}

#[tokio::test]
async fn a_change_that_cannot_be_written_is_not_visible() {
    let folder = tempfile::tempdir().unwrap();
    let apis = apis(Some(folder.path())).await;
    let ssm = ssm(&apis);
    put(&ssm, "k", "old").await;
    // A folder in the file's place cannot be replaced, by root neither.
    let file = folder.path().join("parameters.json");
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir_all(file.join("in the way")).unwrap();
    for target in ["PutParameter", "DeleteParameter"] {
        let body = r#"{"Name":"k","Value":"new","Overwrite":true}"#;
        let (status, body) = call(&apis, Some(&format!("AmazonSSM.{target}")), body).await;
        assert_eq!(status, 500, "{body}");
        assert_eq!(get(&ssm, "k").await.as_deref(), Some("old"));
    }
    std::fs::remove_dir_all(&file).unwrap();
    put(&ssm, "k", "new").await;
    assert_eq!(get(&ssm, "k:2").await.as_deref(), Some("new"));
}

#[tokio::test]
async fn names_that_aws_refuses_are_refused_with_its_codes() {
    let apis = apis(None).await;
    let ssm = ssm(&apis);
    let deep = |levels: usize| "/l".repeat(levels);
    for (name, expected) in [
        ("aws-key", "ValidationException"),
        ("/SSM/key", "ValidationException"),
        ("/aws/service/key", "AccessDeniedException"),
        ("a/b", "ValidationException"),
        ("/a//b", "ValidationException"),
        ("/a/", "ValidationException"),
        ("a b", "ValidationException"),
        (&"n".repeat(1011), "ValidationException"),
        (&deep(16), "HierarchyLevelLimitExceededException"),
    ] {
        let put = ssm.put_parameter().name(name).value("v");
        let refused = put.r#type(ParameterType::String).send().await;
        assert_eq!(code(refused), expected, "{name}");
    }
    put(&ssm, &deep(15), "v").await;
    put(&ssm, " spaced ", "v").await;
    assert_eq!(get(&ssm, "spaced").await.as_deref(), Some("v"));
}

#[tokio::test]
async fn a_member_outside_its_constraint_is_a_validation_exception() {
    let apis = apis(None).await;
    for (operation, body) in [
        ("PutParameter", r#"{"Value":"v"}"#),
        ("PutParameter", r#"{"Name":"k","Value":"v","Type":"Text"}"#),
        ("PutParameter", r#"{"Name":"k","Value":"v"}"#),
        ("GetParametersByPath", r#"{"Path":"/a","MaxResults":11}"#),
        ("GetParametersByPath", r#"{"Path":"/a","MaxResults":-1}"#),
        ("GetParametersByPath", r#"{"Path":"a"}"#),
        (
            "DescribeParameters",
            r#"{"ParameterFilters":[{"Key":"Colour"}]}"#,
        ),
        ("GetParameters", r#"{"Names":[]}"#),
    ] {
        let (status, reply) = call(&apis, Some(&format!("AmazonSSM.{operation}")), body).await;
        assert_eq!(status, 400, "{body}");
        assert_eq!(reply["__type"], "ValidationException", "{body}: {reply}");
    }
    let nulls = r#"{"Name":"k","Value":"v","Type":"String","Overwrite":null,"Tags":null}"#;
    let (status, reply) = call(&apis, Some("AmazonSSM.PutParameter"), nulls).await;
    assert_eq!(status, 200, "{reply}");
}

#[tokio::test]
async fn an_overwrite_changes_neither_the_type_nor_an_advanced_tier() {
    let apis = apis(None).await;
    let ssm = ssm(&apis);
    put(&ssm, "k", "v").await;
    let change = ssm.put_parameter().name("k").value("v").overwrite(true);
    let refused = change.r#type(ParameterType::SecureString).send().await;
    assert_eq!(code(refused), "HierarchyTypeMismatchException");

    let long = "v".repeat(5000);
    let over = || ssm.put_parameter().name("k").overwrite(true);
    assert_eq!(
        code(over().value(&long).send().await),
        "ValidationException"
    );
    let made = over().value(&long).tier(ParameterTier::IntelligentTiering);
    let made = made.send().await.unwrap();
    assert_eq!(made.tier, Some(ParameterTier::Advanced));
    assert_eq!(
        over().value("v").send().await.unwrap().tier,
        Some(ParameterTier::Advanced)
    );
    let back = over().value("v").tier(ParameterTier::Standard).send().await;
    assert_eq!(code(back), "ValidationException");
}

#[tokio::test]
async fn a_label_names_one_version_and_moves_to_another() {
    let apis = apis(None).await;
    let ssm = ssm(&apis);
    put(&ssm, "k", "one").await;
    put(&ssm, "k", "two").await;
    let label = |version: i64, labels: &[&str]| {
        let labels = labels.iter().map(ToString::to_string).collect();
        ssm.label_parameter_version()
            .name("k")
            .parameter_version(version)
            .set_labels(Some(labels))
            .send()
    };
    let labelled = label(1, &["live", "1st", "aws-label"]).await.unwrap();
    assert_eq!(labelled.invalid_labels(), ["1st", "aws-label"]);
    assert_eq!(get(&ssm, "k:live").await.as_deref(), Some("one"));
    label(2, &["live"]).await.unwrap();
    assert_eq!(get(&ssm, "k:live").await.as_deref(), Some("two"));
    assert_eq!(code(label(9, &["x"]).await), "ParameterVersionNotFound");
    let eleven: Vec<_> = (0..11).map(|n| format!("l{n}")).collect();
    let eleven: Vec<_> = eleven.iter().map(String::as_str).collect();
    label(1, &eleven[..10]).await.unwrap();
    let refused = label(1, &eleven[10..]).await;
    assert_eq!(code(refused), "ParameterVersionLabelLimitExceeded");

    let unlabel = ssm
        .unlabel_parameter_version()
        .name("k")
        .parameter_version(2);
    let removed = unlabel.labels("live").labels("none").send().await.unwrap();
    assert_eq!(removed.removed_labels(), ["live"]);
    assert_eq!(removed.invalid_labels(), ["none"]);
    assert_eq!(get(&ssm, "k:live").await, None);
}

#[tokio::test]
async fn the_oldest_of_a_hundred_versions_stays_while_it_has_a_label() {
    let apis = apis(None).await;
    let ssm = ssm(&apis);
    for n in 0..100 {
        put(&ssm, "k", &n.to_string()).await;
    }
    let label = ssm.label_parameter_version().name("k").parameter_version(1);
    label.labels("first").send().await.unwrap();
    let over = || ssm.put_parameter().name("k").value("v").overwrite(true);
    assert_eq!(
        code(over().send().await),
        "ParameterMaxVersionLimitExceeded"
    );
    let unlabel = ssm
        .unlabel_parameter_version()
        .name("k")
        .parameter_version(1);
    unlabel.labels("first").send().await.unwrap();
    assert_eq!(over().send().await.unwrap().version, 101);
    assert_eq!(get(&ssm, "k:1").await, None);
}

#[tokio::test]
async fn the_history_of_a_parameter_is_its_versions_with_labels_page_by_page() {
    let apis = apis(None).await;
    let ssm = ssm(&apis);
    for n in 1..=12 {
        put(&ssm, "k", &n.to_string()).await;
    }
    let label = ssm.label_parameter_version().name("k").parameter_version(2);
    label.labels("live").send().await.unwrap();
    let pages = ssm.get_parameter_history().name("k").max_results(5);
    let pages = pages.into_paginator().send().try_collect().await.unwrap();
    assert_eq!(pages.len(), 3);
    let all: Vec<_> = pages
        .iter()
        .flat_map(GetParameterHistoryOutput::parameters)
        .collect();
    let versions: Vec<_> = all.iter().map(|version| version.version).collect();
    assert_eq!(versions, (1..=12).collect::<Vec<_>>());
    assert_eq!(all[1].labels(), ["live"]);
    assert_eq!(all[1].value(), Some("2"));
}

#[tokio::test]
async fn tags_are_added_listed_replaced_and_removed() {
    let apis = apis(None).await;
    let ssm = ssm(&apis);
    let create = ssm.put_parameter().name("/a/k").value("v");
    let create = create
        .r#type(ParameterType::String)
        .tags(tag("team", "blue"));
    create.send().await.unwrap();
    let over = ssm.put_parameter().name("/a/k").value("v").overwrite(true);
    assert_eq!(
        code(over.tags(tag("a", "b")).send().await),
        "ValidationException"
    );

    let kind = ResourceTypeForTagging::Parameter;
    let add = ssm.add_tags_to_resource().resource_type(kind.clone());
    let add = add.resource_id("/a/k").tags(tag("team", "red"));
    add.tags(tag("stage", "dev")).send().await.unwrap();
    let list = async || {
        let list = ssm.list_tags_for_resource().resource_type(kind.clone());
        let tags = list.resource_id("/a/k").send().await.unwrap();
        tags.tag_list.unwrap()
    };
    assert_eq!(list().await, [tag("stage", "dev"), tag("team", "red")]);
    let remove = ssm.remove_tags_from_resource().resource_type(kind.clone());
    remove
        .resource_id("/a/k")
        .tag_keys("stage")
        .send()
        .await
        .unwrap();
    assert_eq!(list().await, [tag("team", "red")]);

    let many = (0..50).map(|n| tag(&format!("k{n}"), "")).collect();
    let add = ssm.add_tags_to_resource().resource_type(kind.clone());
    let add = add.resource_id("/a/k").set_tags(Some(many));
    assert_eq!(code(add.send().await), "TooManyTagsError");
    let absent = ssm.list_tags_for_resource().resource_type(kind);
    assert_eq!(
        code(absent.resource_id("/none").send().await),
        "InvalidResourceId"
    );
}

#[tokio::test]
async fn filters_choose_what_is_described() {
    let apis = apis(None).await;
    let ssm = ssm(&apis);
    for name in ["/a/one", "/a/b/two", "three"] {
        put(&ssm, name, "v").await;
    }
    let secure = ssm.put_parameter().name("/a/secret").value("v");
    let secure = secure.r#type(ParameterType::SecureString);
    secure.tags(tag("team", "blue")).send().await.unwrap();
    let all = ["/a/b/two", "/a/one", "/a/secret", "three"];
    for (filter, expected) in [
        (
            filter("Name", None, &["three", "a/one"]),
            vec![all[1], all[3]],
        ),
        (
            filter("Name", Some("BeginsWith"), &["/a"]),
            all[..3].to_vec(),
        ),
        (
            filter("Name", Some("Contains"), &["t"]),
            vec![all[0], all[2], all[3]],
        ),
        (filter("Type", None, &["SecureString"]), vec![all[2]]),
        (filter("KeyId", None, &["alias/aws/ssm"]), vec![all[2]]),
        (filter("Path", None, &["/a"]), vec![all[1], all[2]]),
        (
            filter("Path", Some("Recursive"), &["/a"]),
            all[..3].to_vec(),
        ),
        (filter("Tier", None, &["Standard"]), all.to_vec()),
        (filter("tag:team", None, &["blue"]), vec![all[2]]),
        (filter("tag:team", None, &["red"]), vec![]),
    ] {
        let described = ssm.describe_parameters().parameter_filters(filter.clone());
        let described = described.send().await.unwrap();
        let names = described
            .parameters()
            .iter()
            .filter_map(|found| found.name());
        assert_eq!(names.collect::<Vec<_>>(), expected, "{filter:?}");
    }
    for (filter, expected) in [
        (filter("Label", None, &["x"]), "InvalidFilterKey"),
        (
            filter("Type", Some("Contains"), &["S"]),
            "InvalidFilterOption",
        ),
        (filter("Name", None, &[]), "InvalidFilterValue"),
    ] {
        let described = ssm.describe_parameters().parameter_filters(filter);
        assert_eq!(code(described.send().await), expected);
    }
}

#[tokio::test]
async fn filters_choose_what_is_read_by_path() {
    let apis = apis(None).await;
    let ssm = ssm(&apis);
    put(&ssm, "/a/k", "one").await;
    put(&ssm, "/a/k", "two").await;
    put(&ssm, "/a/other", "v").await;
    let label = ssm
        .label_parameter_version()
        .name("/a/k")
        .parameter_version(1);
    label.labels("live").send().await.unwrap();
    let by = |filter| {
        ssm.get_parameters_by_path()
            .path("/a")
            .parameter_filters(filter)
    };
    let live = by(filter("Label", None, &["live"])).send().await.unwrap();
    let live: Vec<_> = live
        .parameters()
        .iter()
        .map(|found| found.value())
        .collect();
    assert_eq!(live, [Some("one")]);
    let lists = by(filter("Type", None, &["StringList"]))
        .send()
        .await
        .unwrap();
    assert!(lists.parameters().is_empty());
    let refused = by(filter("Name", None, &["x"])).send().await;
    assert_eq!(code(refused), "InvalidFilterKey");
}

#[tokio::test]
async fn parameters_and_folders_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let folder = tempfile::tempdir().unwrap();
    // As an earlier version has left it, before versions had labels and tags.
    let file = folder.path().join("parameters.json");
    let old = r#"{"k":[{"number":1,"kind":"String","value":"kept","ciphertext":null,"modified":1.0,"description":null}]}"#;
    std::fs::write(&file, old).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let apis = apis(Some(folder.path())).await;
    assert_eq!(get(&ssm(&apis), "k").await.as_deref(), Some("kept"));
    assert_eq!(mode(&file), 0o600);
    put(&ssm(&apis), "k", "v").await;
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(&folder.path().join("dynamodb.sqlite")), 0o600);
    assert_eq!(mode(&folder.path().join("kinesis")), 0o700);
}
