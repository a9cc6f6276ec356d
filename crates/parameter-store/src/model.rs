//! Requests and replies, as the SSM API reference spells them.

use serde::{Deserialize, Serialize};

use super::record::{Kind, Tier};

/// A tag of a parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    pub key: String,
    pub value: String,
}

/// `ParameterStringFilter`, and the older `ParametersFilter`, which has no option.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Filter {
    pub key: String,
    pub option: Option<String>,
    pub values: Option<Vec<String>>,
}

#[derive(Deserialize)] // no Debug: values are secrets
#[serde(rename_all = "PascalCase")]
pub(super) struct PutParameter {
    pub name: String,
    pub value: String,
    #[serde(rename = "Type")]
    pub kind: Option<Kind>,
    pub overwrite: Option<bool>,
    pub description: Option<String>,
    pub allowed_pattern: Option<String>,
    pub policies: Option<String>,
    pub tier: Option<Tier>,
    pub tags: Option<Vec<Tag>>,
    pub key_id: Option<String>,
    pub data_type: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetParameter {
    pub name: String,
    pub with_decryption: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetParameters {
    pub names: Vec<String>,
    pub with_decryption: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetByPath {
    pub path: String,
    pub recursive: Option<bool>,
    pub with_decryption: Option<bool>,
    pub parameter_filters: Option<Vec<Filter>>,
    pub max_results: Option<i64>,
    pub next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetHistory {
    pub name: String,
    pub with_decryption: Option<bool>,
    pub max_results: Option<i64>,
    pub next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribeParameters {
    pub filters: Option<Vec<Filter>>,
    pub parameter_filters: Option<Vec<Filter>>,
    pub max_results: Option<i64>,
    pub next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Name {
    pub name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Names {
    pub names: Vec<String>,
}

/// `LabelParameterVersion` and `UnlabelParameterVersion`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Labels {
    pub name: String,
    pub parameter_version: Option<u64>,
    pub labels: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AddTags {
    pub resource_type: String,
    pub resource_id: String,
    pub tags: Vec<Tag>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RemoveTags {
    pub resource_type: String,
    pub resource_id: String,
    pub tag_keys: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Resource {
    pub resource_type: String,
    pub resource_id: String,
}

/// `Parameter` of the replies.
#[derive(Serialize)] // no Debug: values are secrets
#[serde(rename_all = "PascalCase")]
pub(super) struct Parameter {
    pub name: String,
    #[serde(rename = "Type")]
    pub kind: Kind,
    pub value: String,
    pub version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    pub last_modified_date: f64,
    #[serde(rename = "ARN")]
    pub arn: String,
    pub data_type: String,
}

/// `ParameterMetadata` of `DescribeParameters`, and with a value and labels
/// `ParameterHistory` of `GetParameterHistory`.
#[derive(Serialize)] // no Debug: values are secrets
#[serde(rename_all = "PascalCase")]
pub(super) struct Metadata {
    pub name: String,
    #[serde(rename = "ARN", skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    #[serde(rename = "Type")]
    pub kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    pub version: u64,
    pub last_modified_date: f64,
    pub last_modified_user: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    pub tier: Tier,
    pub policies: [(); 0],
    pub data_type: String,
}

/// One page of parameters, of their metadata or of their history.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Page<T> {
    pub parameters: Vec<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}
