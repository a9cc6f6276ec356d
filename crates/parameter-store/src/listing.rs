//! Lists parameters page by page: by path, all of them, and one parameter's history.

use aws_wire::{ACCOUNT_ID, error::AwsError};

use super::{
    filters::{Filters, Operation, below},
    model::{DescribeParameters, GetByPath, GetHistory, Metadata, Page, Parameter},
    record::Version,
    rules,
    store::{Parameters, find},
};

/// Most results of one page (API reference).
const MAX_BY_PATH: usize = 10;
const MAX_DESCRIBED: usize = 50;
const MAX_HISTORY: usize = 50;

impl Parameters {
    /// The parameters below a path.
    pub(super) fn by_path(&self, request: GetByPath) -> Result<Page<Parameter>, AwsError> {
        rules::path(&request.path)?;
        let size = rules::page_size(request.max_results, MAX_BY_PATH)?;
        let filters = Filters::check(Operation::GetByPath, request.parameter_filters)?;
        let recursive = request.recursive.unwrap_or(false);
        let decrypt = request.with_decryption.unwrap_or(false);
        let by_name = self.lock();
        let found = by_name.iter().filter(|(name, _)| {
            below(&request.path, name).is_some_and(|rest| recursive || !rest.contains('/'))
        });
        let found = found.filter_map(|(name, record)| Some((name, filters.select(name, record)?)));
        let from = |name: &&String| (*name).clone();
        Ok(page(
            found,
            size,
            request.next_token.as_deref(),
            from,
            |name, version| self.show(name, version, decrypt, None),
        ))
    }

    /// The metadata of all parameters, without their values.
    pub(super) fn describe(&self, request: DescribeParameters) -> Result<Page<Metadata>, AwsError> {
        let size = rules::page_size(request.max_results, MAX_DESCRIBED)?;
        let of_old = request.filters.filter(|filters| !filters.is_empty());
        let filters = match (of_old, request.parameter_filters) {
            (Some(_), Some(filters)) if !filters.is_empty() => {
                return Err(rules::invalid(
                    "You can use either Filters or ParameterFilters in a single request.",
                ));
            }
            (Some(filters), _) => Some(filters),
            (None, filters) => filters,
        };
        let filters = Filters::check(Operation::Describe, filters)?;
        let by_name = self.lock();
        let found = by_name
            .iter()
            .filter_map(|(name, record)| Some((name, filters.select(name, record)?)));
        let from = |name: &&String| (*name).clone();
        Ok(page(
            found,
            size,
            request.next_token.as_deref(),
            from,
            |name, version| Metadata {
                arn: Some(self.arn(name)),
                ..metadata(name, version)
            },
        ))
    }

    /// A parameter's versions, the oldest first.
    pub(super) fn history(&self, request: &GetHistory) -> Result<Page<Metadata>, AwsError> {
        let size = rules::page_size(request.max_results, MAX_HISTORY)?;
        let decrypt = request.with_decryption.unwrap_or(false);
        let by_name = self.lock();
        let (name, record, _) = find(&by_name, &request.name)?;
        let versions = record
            .versions
            .iter()
            .map(|version| (version.number, version));
        // Numbers in the token sort as numbers do.
        let from = |number: &u64| format!("{number:020}");
        Ok(page(
            versions,
            size,
            request.next_token.as_deref(),
            from,
            |_, version| Metadata {
                value: Some(version.shown(decrypt)),
                labels: Some(version.labels.clone()),
                ..metadata(name, version)
            },
        ))
    }
}

fn metadata(name: &str, version: &Version) -> Metadata {
    Metadata {
        name: name.to_owned(),
        arn: None,
        kind: version.kind,
        key_id: version.key_id.clone(),
        version: version.number,
        last_modified_date: version.modified,
        last_modified_user: format!("arn:aws:iam::{ACCOUNT_ID}:root"),
        description: version.description.clone(),
        value: None,
        labels: None,
        tier: version.tier,
        policies: [],
        data_type: version.data_type.clone(),
    }
}

/// One page of `all`: from the key in the token on, at most `size`.
fn page<'a, K, T>(
    all: impl Iterator<Item = (K, &'a Version)>,
    size: usize,
    token: Option<&str>,
    key: impl Fn(&K) -> String,
    show: impl Fn(&K, &Version) -> T,
) -> Page<T> {
    let mut left = all.skip_while(|(at, _)| token.is_some_and(|from| key(at).as_str() < from));
    let parameters = left.by_ref().take(size);
    let parameters = parameters.map(|(at, version)| show(&at, version)).collect();
    Page {
        parameters,
        next_token: left.next().map(|(at, _)| key(&at)),
    }
}
