//! A parameter: its versions, their labels, and its tags.

use std::collections::BTreeMap;

use aws_wire::error::AwsError;
use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::rules;

/// Versions kept of one parameter (API reference, `PutParameter`).
const MAX_VERSIONS: usize = 100;

/// Labels of one version (API reference, `LabelParameterVersion`).
const MAX_LABELS: usize = 10;

/// `Type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    String,
    StringList,
    SecureString,
}

impl Kind {
    /// As requests and filters spell it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::StringList => "StringList",
            Self::SecureString => "SecureString",
        }
    }
}

/// `Tier`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Tier {
    #[default]
    Standard,
    Advanced,
    #[serde(rename = "Intelligent-Tiering")]
    Intelligent,
}

impl Tier {
    /// As requests and filters spell it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Standard => "Standard",
            Self::Advanced => "Advanced",
            Self::Intelligent => "Intelligent-Tiering",
        }
    }
}

/// One version of a parameter.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Version {
    pub number: u64,
    pub kind: Kind,
    pub value: String,
    /// What a `SecureString` shows without decryption.
    pub ciphertext: Option<String>,
    /// Unix seconds, to the millisecond.
    pub modified: f64,
    pub description: Option<String>,
    #[serde(default)]
    pub tier: Tier,
    #[serde(default = "text")]
    pub data_type: String,
    #[serde(default)]
    pub key_id: Option<String>,
    #[serde(default)]
    pub labels: Vec<String>,
}

/// The default `DataType`.
pub(super) fn text() -> String {
    "text".to_owned()
}

impl Version {
    /// The value, or the ciphertext of a `SecureString` that is not to be decrypted.
    pub(super) fn shown(&self, decrypt: bool) -> String {
        match &self.ciphertext {
            Some(ciphertext) if !decrypt => ciphertext.clone(),
            _ => self.value.clone(),
        }
    }
}

/// A parameter. It has one version at least.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(from = "Stored")]
pub(super) struct Record {
    pub versions: Vec<Version>,
    pub tags: BTreeMap<String, String>,
}

/// A parameter in the file; older files hold only the versions.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stored {
    Versions(Vec<Version>),
    Record {
        versions: Vec<Version>,
        tags: BTreeMap<String, String>,
    },
}

impl From<Stored> for Record {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Versions(versions) => Self {
                versions,
                tags: BTreeMap::new(),
            },
            Stored::Record { versions, tags } => Self { versions, tags },
        }
    }
}

impl Record {
    /// Adds a version, and drops the oldest one of more than a hundred.
    ///
    /// # Errors
    ///
    /// The oldest one has a label (API reference, `PutParameter`).
    pub(super) fn push(&mut self, name: &str, version: Version) -> Result<(), AwsError> {
        if self.versions.len() >= MAX_VERSIONS {
            let oldest = &self.versions[0];
            if !oldest.labels.is_empty() {
                return Err(AwsError::client(
                    "ParameterMaxVersionLimitExceeded",
                    format!(
                        "You attempted to create a new version of {name} by calling the PutParameter API with the overwrite flag. Version {}, the oldest version, can't be deleted because it has a label associated with it. Move the label to another version of the parameter, and try again.",
                        oldest.number
                    ),
                ));
            }
            self.versions.remove(0);
        }
        self.versions.push(version);
        Ok(())
    }

    /// The version that a selector names by number or by label; the latest without one.
    pub(super) fn select(&self, selector: Option<&str>) -> Option<&Version> {
        let Some(wanted) = selector else {
            return self.versions.last();
        };
        self.versions.iter().find(|version| {
            version.number.to_string() == wanted || version.labels.iter().any(|l| l == wanted)
        })
    }

    /// Attaches labels to a version, and takes them from any other. Returns the
    /// version's number and the labels that break a rule: they are left out.
    ///
    /// # Errors
    ///
    /// `ParameterVersionNotFound`, `ParameterVersionLabelLimitExceeded`.
    pub(super) fn label(
        &mut self,
        name: &str,
        number: Option<u64>,
        labels: Vec<String>,
    ) -> Result<(u64, Vec<String>), AwsError> {
        let at = self.position(name, number)?;
        let (valid, invalid): (Vec<_>, Vec<_>) =
            labels.into_iter().partition(|l| rules::is_label(l));
        let mut attached = self.versions[at].labels.clone();
        for label in &valid {
            if !attached.contains(label) {
                attached.push(label.clone());
            }
        }
        if attached.len() > MAX_LABELS {
            return Err(AwsError::client(
                "ParameterVersionLabelLimitExceeded",
                "A parameter version can have maximum 10 labels. Move one or more labels to another version and try again.",
            ));
        }
        for version in &mut self.versions {
            version.labels.retain(|label| !valid.contains(label));
        }
        self.versions[at].labels = attached;
        Ok((self.versions[at].number, invalid))
    }

    /// Takes labels from a version. Returns those removed, and those that it had not.
    ///
    /// # Errors
    ///
    /// `ParameterVersionNotFound`.
    pub(super) fn unlabel(
        &mut self,
        name: &str,
        number: Option<u64>,
        labels: Vec<String>,
    ) -> Result<(Vec<String>, Vec<String>), AwsError> {
        let at = self.position(name, number)?;
        let attached = &mut self.versions[at].labels;
        let (removed, invalid): (Vec<_>, Vec<_>) = labels
            .into_iter()
            .partition(|label| attached.contains(label));
        attached.retain(|label| !removed.contains(label));
        Ok((removed, invalid))
    }

    fn position(&self, name: &str, number: Option<u64>) -> Result<usize, AwsError> {
        let found = match number {
            None => self.versions.len().checked_sub(1),
            Some(number) => self.versions.iter().position(|v| v.number == number),
        };
        found.ok_or_else(|| no_version(name, &number.unwrap_or_default().to_string()))
    }
}

/// `ParameterVersionNotFound`.
pub(super) fn no_version(name: &str, selector: &str) -> AwsError {
    AwsError::client(
        "ParameterVersionNotFound",
        format!(
            "Systems Manager could not find version {selector} of {name}. Verify the version and try again."
        ),
    )
}

/// Text that looks like KMS's and says nothing of the value.
pub(super) fn ciphertext() -> String {
    let noise: [u8; 96] = std::array::from_fn(|_| rand::random());
    format!("AQICAH{}", BASE64_STANDARD.encode(noise))
}

/// Unix seconds, to the millisecond.
pub(super) fn now() -> f64 {
    #[allow(clippy::cast_precision_loss)] // milliseconds since 1970 are far below 2^52
    let milliseconds = (OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000) as f64;
    milliseconds / 1e3
}
