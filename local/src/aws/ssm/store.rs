//! The parameters and their versions, in memory, and in a file where one is named.

use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use aws_wire::{ACCOUNT_ID, error::AwsError};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use time::OffsetDateTime;

use super::model::{DescribeParameters, GetByPath, Kind, Metadata, Page, Parameter, PutParameter};

/// Largest value of a standard parameter, bytes (API reference, `PutParameter`).
const MAX_VALUE: usize = 4096;

/// Longest name, characters (API reference, `PutParameter`).
const MAX_NAME: usize = 1011;

/// Versions kept of one parameter (API reference, `PutParameter`).
const MAX_VERSIONS: usize = 100;

/// Why the store could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("the SSM parameters in {} cannot be read: {reason}", path.display())]
pub struct OpenError {
    path: PathBuf,
    reason: String,
}

/// All parameters.
pub(super) struct Parameters {
    region: String,
    file: Option<PathBuf>,
    by_name: Mutex<ByName>,
}

type ByName = BTreeMap<String, Vec<Version>>;

/// One version of a parameter.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Version {
    number: u64,
    kind: Kind,
    value: String,
    /// What a `SecureString` shows without decryption.
    ciphertext: Option<String>,
    /// Unix seconds, to the millisecond.
    modified: f64,
    description: Option<String>,
}

impl Parameters {
    pub fn open(region: &str, file: Option<&Path>) -> Result<Self, OpenError> {
        let by_name = match file {
            Some(file) if file.exists() => read(file).map_err(|reason| OpenError {
                path: file.to_owned(),
                reason,
            })?,
            _ => ByName::new(),
        };
        Ok(Self {
            region: region.to_owned(),
            file: file.map(Path::to_owned),
            by_name: Mutex::new(by_name),
        })
    }

    /// Makes a parameter, or with `Overwrite` its next version.
    pub fn put(&self, request: PutParameter) -> Result<u64, AwsError> {
        check(&request)?;
        let mut by_name = self.lock();
        let previous = by_name
            .get(&request.name)
            .and_then(|versions| versions.last());
        if previous.is_some() && !request.overwrite {
            return Err(AwsError::client(
                "ParameterAlreadyExists",
                "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
            ));
        }
        let kind = request
            .kind
            .or(previous.map(|version| version.kind))
            .ok_or_else(|| {
                AwsError::client(
                    "ValidationException",
                    "A parameter type is required when you create a parameter.",
                )
            })?;
        let number = previous.map_or(1, |version| version.number + 1);
        let version = Version {
            number,
            kind,
            ciphertext: (kind == Kind::SecureString).then(ciphertext),
            value: request.value,
            modified: now(),
            description: request
                .description
                .or_else(|| previous.and_then(|version| version.description.clone())),
        };
        let versions = by_name.entry(request.name).or_default();
        versions.push(version);
        if versions.len() > MAX_VERSIONS {
            versions.remove(0);
        }
        self.keep(&by_name)?;
        Ok(number)
    }

    /// A parameter by name, or by `name:version`.
    pub fn get(&self, selector: &str, decrypt: bool) -> Result<Parameter, AwsError> {
        let name = name_in_arn(selector);
        let (name, version) = match name.split_once(':') {
            Some((name, version)) => (name, Some(version)),
            None => (name, None),
        };
        let by_name = self.lock();
        let versions = by_name.get(name).ok_or_else(|| not_found(name))?;
        let found = match version {
            None => versions.last(),
            Some(wanted) => versions
                .iter()
                .find(|version| version.number.to_string() == wanted),
        };
        let found = found.ok_or_else(|| {
            AwsError::client(
                "ParameterVersionNotFound",
                format!("Systems Manager could not find version {selector} of {name}."),
            )
        })?;
        let selector = version.map(|version| format!(":{version}"));
        Ok(self.show(name, found, decrypt, selector))
    }

    /// The parameters below a path, in pages.
    pub fn by_path(&self, request: &GetByPath) -> Result<Page<Parameter>, AwsError> {
        if !request.path.starts_with('/') {
            return Err(AwsError::client(
                "ValidationException",
                "The parameter path must begin with a slash (/).",
            ));
        }
        let prefix = format!("{}/", request.path.trim_end_matches('/'));
        let by_name = self.lock();
        let below = by_name.iter().filter(|(name, _)| {
            name.strip_prefix(&prefix)
                .is_some_and(|rest| request.recursive || !rest.contains('/'))
        });
        page(
            below,
            request.max_results,
            request.next_token.as_deref(),
            10,
            |name, version| self.show(name, version, request.with_decryption, None),
        )
    }

    /// What is known of every parameter but its value, in pages.
    pub fn describe(&self, request: &DescribeParameters) -> Result<Page<Metadata>, AwsError> {
        let by_name = self.lock();
        page(
            by_name.iter(),
            request.max_results,
            request.next_token.as_deref(),
            50,
            |name, version| Metadata {
                name: name.to_owned(),
                arn: self.arn(name),
                kind: version.kind,
                version: version.number,
                last_modified_date: version.modified,
                description: version.description.clone(),
                tier: "Standard",
                data_type: "text",
            },
        )
    }

    pub fn delete(&self, name: &str) -> Result<(), AwsError> {
        let mut by_name = self.lock();
        by_name.remove(name).ok_or_else(|| not_found(name))?;
        self.keep(&by_name)
    }

    fn show(
        &self,
        name: &str,
        version: &Version,
        decrypt: bool,
        selector: Option<String>,
    ) -> Parameter {
        let value = match &version.ciphertext {
            Some(ciphertext) if !decrypt => ciphertext,
            _ => &version.value,
        };
        Parameter {
            name: name.to_owned(),
            kind: version.kind,
            value: value.clone(),
            version: version.number,
            selector,
            last_modified_date: version.modified,
            arn: self.arn(name),
            data_type: "text",
        }
    }

    fn arn(&self, name: &str) -> String {
        let name = name.trim_start_matches('/');
        format!("arn:aws:ssm:{}:{ACCOUNT_ID}:parameter/{name}", self.region)
    }

    fn lock(&self) -> MutexGuard<'_, ByName> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the file as a whole, so that a crash leaves the old or the new one.
    fn keep(&self, by_name: &ByName) -> Result<(), AwsError> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        write(file, by_name).map_err(|error| {
            AwsError::internal(format!("{} cannot be written: {error}", file.display()))
        })
    }
}

fn read(file: &Path) -> Result<ByName, String> {
    let text = std::fs::read(file).map_err(|error| error.to_string())?;
    serde_json::from_slice(&text).map_err(|error| error.to_string())
}

fn write(file: &Path, by_name: &ByName) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut next = NamedTempFile::new_in(folder)?;
    next.write_all(&serde_json::to_vec(by_name)?)?;
    next.as_file().sync_all()?;
    next.persist(file)?;
    Ok(())
}

fn check(request: &PutParameter) -> Result<(), AwsError> {
    let invalid = |what: String| Err(AwsError::client("ValidationException", what));
    let allowed = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if request.name.is_empty() || request.name.len() > MAX_NAME {
        return invalid(format!(
            "Name has {} characters; expected 1 to {MAX_NAME}",
            request.name.len()
        ));
    }
    if !request.name.chars().all(allowed) {
        return invalid(format!(
            "Parameter name {}: only a mix of letters, numbers and the following 4 symbols .-_/ can be used.",
            request.name
        ));
    }
    if request.name.contains('/') && !request.name.starts_with('/') {
        return invalid(format!(
            "Parameter name {}: a name with a path must be fully qualified: it begins with /.",
            request.name
        ));
    }
    if request.value.is_empty() || request.value.len() > MAX_VALUE {
        return invalid(format!(
            "Value has {} bytes; expected 1 to {MAX_VALUE}",
            request.value.len()
        ));
    }
    if request.allowed_pattern.is_some() {
        return invalid("AllowedPattern is not supported here; leave it out".to_owned());
    }
    Ok(())
}

/// One page of `all`: from the name in the token on, at most `max`.
fn page<'a, T>(
    all: impl Iterator<Item = (&'a String, &'a Vec<Version>)>,
    max: Option<usize>,
    token: Option<&str>,
    limit: usize,
    show: impl Fn(&str, &Version) -> T,
) -> Result<Page<T>, AwsError> {
    let max = max.unwrap_or(limit);
    if max == 0 || max > limit {
        let what = format!("MaxResults is {max}; expected 1 to {limit}");
        return Err(AwsError::client("ValidationException", what));
    }
    let mut left = all
        .filter(|(name, _)| token.is_none_or(|from| name.as_str() >= from))
        .filter_map(|(name, versions)| Some((name, versions.last()?)));
    let parameters = left
        .by_ref()
        .take(max)
        .map(|(name, version)| show(name, version))
        .collect();
    Ok(Page {
        parameters,
        next_token: left.next().map(|(name, _)| name.clone()),
    })
}

fn not_found(name: &str) -> AwsError {
    AwsError::client(
        "ParameterNotFound",
        format!("There is no parameter {name} here."),
    )
}

/// An ARN stands for its name, with the leading slash of a path.
fn name_in_arn(selector: &str) -> &str {
    match selector.split_once(":parameter") {
        Some((arn, name)) if arn.starts_with("arn:") => name,
        _ => selector,
    }
}

/// Text that looks like KMS's and says nothing of the value.
fn ciphertext() -> String {
    let noise: [u8; 96] = std::array::from_fn(|_| rand::random());
    format!("AQICAH{}", BASE64_STANDARD.encode(noise))
}

fn now() -> f64 {
    #[allow(clippy::cast_precision_loss)] // milliseconds since 1970 are far below 2^52
    let milliseconds = (OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000) as f64;
    milliseconds / 1e3
}
