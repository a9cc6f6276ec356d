//! The parameters, in memory, and in a file where one is named.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use aws_wire::{ACCOUNT_ID, error::AwsError};

use super::{
    file::{self, OpenError},
    model::{Labels, Parameter, PutParameter, Tag},
    record::{Kind, Record, Tier, Version, ciphertext, no_version, now, text},
    rules,
};

/// The key that encrypts a `SecureString` where none is named (API reference,
/// `PutParameter`).
const DEFAULT_KEY: &str = "alias/aws/ssm";

/// All parameters.
pub(super) struct Parameters {
    region: String,
    file: Option<PathBuf>,
    by_name: Mutex<ByName>,
    /// The parameters whose readers got a hint.
    hinted: Mutex<BTreeSet<String>>,
}

pub(super) type ByName = BTreeMap<String, Record>;

impl Parameters {
    pub(super) fn open(region: &str, file: Option<&Path>) -> Result<Self, OpenError> {
        let by_name = file.map(file::read).transpose()?.unwrap_or_default();
        Ok(Self {
            region: region.to_owned(),
            file: file.map(Path::to_owned),
            by_name: Mutex::new(by_name),
            hinted: Mutex::default(),
        })
    }

    /// Makes a parameter, or with `Overwrite` its next version. Returns the
    /// version's number and tier.
    pub(super) fn put(&self, mut request: PutParameter) -> Result<(u64, Tier), AwsError> {
        // API reference: the service removes spaces around the name.
        let name = request.name.trim().to_owned();
        rules::name(&name, &self.arn(&name))?;
        rules::put(&request)?;
        let tags = request.tags.take().unwrap_or_default();
        rules::tags(tags.iter(), tags.len())?;
        self.change(&name, |record| {
            if record.is_some() && request.overwrite != Some(true) {
                return Err(AwsError::client(
                    "ParameterAlreadyExists",
                    "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
                ));
            }
            let mut record = record.unwrap_or_default();
            let version = next_version(request, record.versions.last())?;
            let made = (version.number, version.tier);
            record.push(&name, version)?;
            record.tags.extend(tags.into_iter().map(|tag| (tag.key, tag.value)));
            Ok((Some(record), made))
        })
    }

    /// A parameter by name or ARN, with `:version` or `:label` behind it or not.
    pub(super) fn get(&self, selector: &str, decrypt: bool) -> Result<Parameter, AwsError> {
        let by_name = self.lock();
        let (name, record, version) = find(&by_name, selector)?;
        let found = record
            .select(version)
            .ok_or_else(|| no_version(name, version.unwrap_or_default()))?;
        let selector = version.map(|version| format!(":{version}"));
        Ok(self.show(name, found, decrypt, selector))
    }

    pub(super) fn delete(&self, name: &str) -> Result<(), AwsError> {
        self.change(name, |record| {
            record.map(|_| (None, ())).ok_or_else(|| not_found(name))
        })
    }

    /// Labels a version. Returns its number, and the labels that are invalid.
    pub(super) fn label(&self, request: Labels) -> Result<(u64, Vec<String>), AwsError> {
        let Labels {
            name,
            parameter_version,
            labels,
        } = request;
        rules::length(&labels, "labels", 10)?;
        self.change_existing(&name, |record| {
            record.label(&name, parameter_version, labels)
        })
    }

    /// Takes labels from a version. Returns those removed, and those it had not.
    pub(super) fn unlabel(&self, request: Labels) -> Result<(Vec<String>, Vec<String>), AwsError> {
        let Labels {
            name,
            parameter_version,
            labels,
        } = request;
        rules::length(&labels, "labels", 10)?;
        self.change_existing(&name, |record| {
            record.unlabel(&name, parameter_version, labels)
        })
    }

    pub(super) fn tags(&self, id: &str) -> Result<Vec<Tag>, AwsError> {
        let by_name = self.lock();
        let (_, record, _) = find(&by_name, id).map_err(|_| no_resource(id))?;
        let tags = record.tags.iter();
        Ok(tags
            .map(|(key, value)| Tag {
                key: key.clone(),
                value: value.clone(),
            })
            .collect())
    }

    /// Changes a parameter's tags.
    pub(super) fn retag(&self, id: &str, add: Vec<Tag>, remove: &[String]) -> Result<(), AwsError> {
        let name = {
            let by_name = self.lock();
            let (name, ..) = find(&by_name, id).map_err(|_| no_resource(id))?;
            name.to_owned()
        };
        self.change_existing(&name, |record| {
            record.tags.retain(|key, _| !remove.contains(key));
            let more = add.iter().filter(|tag| !record.tags.contains_key(&tag.key));
            let kept = record.tags.len() + more.count();
            rules::tags(add.iter(), kept)?;
            record
                .tags
                .extend(add.into_iter().map(|tag| (tag.key, tag.value)));
            Ok(())
        })
    }

    pub(super) fn show(
        &self,
        name: &str,
        version: &Version,
        decrypt: bool,
        selector: Option<String>,
    ) -> Parameter {
        if version.kind == Kind::SecureString && !decrypt {
            self.hint_at_decryption(name);
        }
        Parameter {
            name: name.to_owned(),
            kind: version.kind,
            value: version.shown(decrypt),
            version: version.number,
            selector,
            last_modified_date: version.modified,
            arn: self.arn(name),
            data_type: version.data_type.clone(),
        }
    }

    /// The most frequent mistake with a `SecureString`, told once for each.
    fn hint_at_decryption(&self, name: &str) {
        let hinted = self.hinted.lock();
        let mut hinted = hinted.unwrap_or_else(PoisonError::into_inner);
        if hinted.insert(name.to_owned()) {
            tracing::warn!(
                "SecureString {name} was read without decryption: the value is ciphertext; set WithDecryption to read it"
            );
        }
    }

    pub(super) fn arn(&self, name: &str) -> String {
        let name = name.trim_start_matches('/');
        format!("arn:aws:ssm:{}:{ACCOUNT_ID}:parameter/{name}", self.region)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, ByName> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes one parameter. Where it cannot be kept in the file, the change is taken
    /// back: nobody saw it, as the lock is held.
    fn change<T>(
        &self,
        name: &str,
        change: impl FnOnce(Option<Record>) -> Result<(Option<Record>, T), AwsError>,
    ) -> Result<T, AwsError> {
        let mut by_name = self.lock();
        let previous = by_name.get(name).cloned();
        let (next, made) = change(previous.clone())?;
        set(&mut by_name, name, next);
        if let Some(file) = &self.file
            && let Err(error) = file::write(file, &by_name)
        {
            set(&mut by_name, name, previous);
            return Err(error);
        }
        Ok(made)
    }

    fn change_existing<T>(
        &self,
        name: &str,
        change: impl FnOnce(&mut Record) -> Result<T, AwsError>,
    ) -> Result<T, AwsError> {
        self.change(name, |record| {
            let mut record = record.ok_or_else(|| not_found(name))?;
            let made = change(&mut record)?;
            Ok((Some(record), made))
        })
    }
}

fn set(by_name: &mut ByName, name: &str, record: Option<Record>) {
    match record {
        Some(record) => by_name.insert(name.to_owned(), record),
        None => by_name.remove(name),
    };
}

fn next_version(request: PutParameter, previous: Option<&Version>) -> Result<Version, AwsError> {
    let kind = rules::kind(request.kind, previous)?;
    let tier = rules::tier(request.tier, &request.value, previous)?;
    let secure = kind == Kind::SecureString;
    if !secure && request.key_id.is_some() {
        return Err(rules::invalid(
            "KeyId is required for SecureString type parameter only.",
        ));
    }
    let described = || previous.and_then(|version| version.description.clone());
    Ok(Version {
        number: previous.map_or(1, |version| version.number + 1),
        kind,
        ciphertext: secure.then(ciphertext),
        value: request.value,
        modified: now(),
        description: request.description.or_else(described),
        tier,
        data_type: request.data_type.unwrap_or_else(text),
        key_id: secure.then(|| request.key_id.unwrap_or_else(|| DEFAULT_KEY.to_owned())),
        labels: Vec::new(),
    })
}

/// The parameter that a name or an ARN stands for, and the version or label behind it.
pub(super) fn find<'a, 's>(
    by_name: &'a ByName,
    selector: &'s str,
) -> Result<(&'a str, &'a Record, Option<&'s str>), AwsError> {
    let in_arn = match selector.split_once(":parameter/") {
        Some((arn, name)) if arn.starts_with("arn:") => Some(name),
        _ => None,
    };
    let (name, version) = match in_arn.unwrap_or(selector).split_once(':') {
        Some((name, version)) => (name, Some(version)),
        None => (in_arn.unwrap_or(selector), None),
    };
    // An ARN has one slash for `/name` and for `name`.
    let path = in_arn.map(|_| format!("/{name}"));
    let found = path
        .and_then(|path| by_name.get_key_value(&path))
        .or_else(|| by_name.get_key_value(name));
    let (name, record) = found.ok_or_else(|| not_found(selector))?;
    Ok((name, record, version))
}

pub(super) fn not_found(name: &str) -> AwsError {
    AwsError::client("ParameterNotFound", format!("Parameter {name} not found."))
}

fn no_resource(id: &str) -> AwsError {
    AwsError::client(
        "InvalidResourceId",
        format!(
            "The resource ID \"{id}\" is not valid. Verify that you entered the correct ID and try again."
        ),
    )
}
