//! `ParameterFilters` of `DescribeParameters` and `GetParametersByPath`.

use aws_wire::error::AwsError;

use super::{
    model::Filter,
    record::{Record, Version},
    rules,
};

/// All keys (API reference, `ParameterStringFilter`).
const KEYS: &str = "tag:.+|Name|Type|KeyId|Path|Label|Tier|DataType";

/// Which operation filters: they take other keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Describe,
    GetByPath,
}

/// Filters that have been checked: a parameter passes all of them.
#[derive(Debug)]
pub(super) struct Filters(Vec<Checked>);

#[derive(Debug)]
struct Checked {
    key: String,
    option: String,
    values: Vec<String>,
}

impl Filters {
    /// Checks the filters of a request; none lets every parameter pass.
    ///
    /// # Errors
    ///
    /// `ValidationException`, `InvalidFilterKey`, `InvalidFilterOption`,
    /// `InvalidFilterValue`.
    pub(super) fn check(
        operation: Operation,
        filters: Option<Vec<Filter>>,
    ) -> Result<Self, AwsError> {
        let mut checked: Vec<Checked> = Vec::new();
        for filter in filters.unwrap_or_default() {
            let filter = check(operation, filter)?;
            if checked.iter().any(|earlier| earlier.key == filter.key) {
                return Err(AwsError::client(
                    "InvalidFilterKey",
                    "The following filter key is duplicated: a key can be used once.",
                ));
            }
            checked.push(filter);
        }
        Ok(Self(checked))
    }

    /// The version of a parameter that passes: the labelled one where a filter names
    /// labels, else the latest.
    pub(super) fn select<'a>(&self, name: &str, record: &'a Record) -> Option<&'a Version> {
        let labels = self.0.iter().find(|filter| filter.key == "Label");
        let version = match labels {
            None => record.versions.last()?,
            Some(filter) => record
                .versions
                .iter()
                .rev()
                .find(|version| version.labels.iter().any(|l| filter.values.contains(l)))?,
        };
        let passes = |filter: &Checked| filter.passes(name, version, record);
        self.0.iter().all(passes).then_some(version)
    }
}

fn check(operation: Operation, filter: Filter) -> Result<Checked, AwsError> {
    let Filter {
        key,
        option,
        values,
    } = filter;
    let tag = key.strip_prefix("tag:").is_some_and(|tag| !tag.is_empty());
    let known = ["Name", "Type", "KeyId", "Path", "Label", "Tier", "DataType"];
    if !tag && !known.contains(&key.as_str()) {
        let must = format!("satisfy regular expression pattern: {KEYS}");
        return Err(rules::constraint(key, "parameterFilters.key", &must));
    }
    let valid: &[&str] = match operation {
        Operation::Describe => &["Path", "Name", "Type", "KeyId", "Tier", "DataType"],
        Operation::GetByPath => &["Type", "KeyId", "Label"],
    };
    if !(valid.contains(&key.as_str()) || tag && operation == Operation::Describe) {
        return Err(AwsError::client(
            "InvalidFilterKey",
            format!(
                "The following filter key is not valid: {key}. Valid filter keys include: [{}].",
                valid.join(", ")
            ),
        ));
    }
    let options: &[&str] = match key.as_str() {
        "Path" => &["Recursive", "OneLevel"],
        "Name" => &["BeginsWith", "Equals", "Contains"],
        "Label" => &["Equals"],
        _ => &["BeginsWith", "Equals"],
    };
    let default = if key == "Path" { "OneLevel" } else { "Equals" };
    let option = option.unwrap_or_else(|| default.to_owned());
    if !options.contains(&option.as_str()) {
        return Err(AwsError::client(
            "InvalidFilterOption",
            format!(
                "The following filter option is not valid: {option}. Valid options include: [{}].",
                options.join(", ")
            ),
        ));
    }
    let values = values.unwrap_or_default();
    // A tag's key alone asks for every parameter that has the tag.
    if values.is_empty() && !tag {
        return Err(AwsError::client(
            "InvalidFilterValue",
            format!("The following filter values are missing : null for filter key {key}"),
        ));
    }
    if let Some(path) = values.iter().find(|_| key == "Path") {
        rules::path(path)?;
    }
    Ok(Checked {
        key,
        option,
        values,
    })
}

impl Checked {
    fn passes(&self, name: &str, version: &Version, record: &Record) -> bool {
        match self.key.as_str() {
            // The version was chosen by it.
            "Label" => true,
            "Path" => self.values.iter().any(|path| {
                below(path, name)
                    .is_some_and(|rest| self.option == "Recursive" || !rest.contains('/'))
            }),
            // A leading slash makes no difference but to Contains.
            "Name" if self.option == "Contains" => self
                .values
                .iter()
                .any(|value| name.contains(value.as_str())),
            "Name" => self.any(Some(name.trim_start_matches('/')), |value| {
                value.trim_start_matches('/')
            }),
            "Type" => self.any(Some(version.kind.name()), |value| value),
            "KeyId" => self.any(version.key_id.as_deref(), |value| value),
            "Tier" => self.any(Some(version.tier.name()), |value| value),
            "DataType" => self.any(Some(&version.data_type), |value| value),
            tag => {
                let found = tag
                    .strip_prefix("tag:")
                    .and_then(|tag| record.tags.get(tag));
                found.is_some() && self.values.is_empty()
                    || self.any(found.map(String::as_str), |value| value)
            }
        }
    }

    fn any(&self, found: Option<&str>, plain: impl Fn(&str) -> &str) -> bool {
        let Some(found) = found else { return false };
        self.values.iter().map(|value| plain(value)).any(|value| {
            if self.option == "BeginsWith" {
                found.starts_with(value)
            } else {
                found == value
            }
        })
    }
}

/// What stands below `path` in a parameter's name; names without a path stand below
/// the root.
pub(super) fn below<'a>(path: &str, name: &'a str) -> Option<&'a str> {
    match path.trim_end_matches('/') {
        "" => Some(name.trim_start_matches('/')),
        path => name.strip_prefix(path)?.strip_prefix('/'),
    }
}
