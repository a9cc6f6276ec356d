//! `local.toml`: a project's needs on this machine beyond its template.

use std::{
    collections::BTreeMap,
    ops::Range,
    path::{Path, PathBuf},
};

use sam_template::{Environment, context::Seeded, nearest::nearest};
use serde::Deserialize;
use toml::Spanned;

use super::{
    ProjectError,
    e2e::E2eSection,
    seed::{Seed, SeedParameter, SeedTable, items},
    values::{NAMES, Values, placeholders},
};
use crate::records::Records;

/// The file's name; it is in the template's folder.
pub const FILE: &str = "local.toml";

/// The types of an SSM parameter (API reference, `PutParameter`).
const PARAMETER_TYPES: [&str; 3] = ["String", "StringList", "SecureString"];

/// The file's contents, checked against the template. The default is that of a
/// project without the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LocalToml {
    /// Each function's variables, by the function's name, with placeholders.
    variables: BTreeMap<String, BTreeMap<String, String>>,
    /// The caches that exist from the start; `None` if the file has no `[cache]`.
    pub caches: Option<Vec<String>>,
    parameters: Vec<ParameterSection>,
    tables: Vec<SeedTable>,
    /// The records that `klocal e2e` writes; `None` if the file has no `[e2e]`.
    pub records: Option<Records>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    functions: BTreeMap<Spanned<String>, FunctionSection>,
    cache: Option<CacheSection>,
    #[serde(default)]
    seed: SeedSection,
    e2e: Option<E2eSection>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FunctionSection {
    #[serde(default)]
    environment: BTreeMap<String, Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CacheSection {
    names: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedSection {
    #[serde(default)]
    parameters: Vec<ParameterSection>,
    #[serde(default)]
    tables: Vec<TableSection>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct ParameterSection {
    name: String,
    r#type: Spanned<String>,
    value: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TableSection {
    name: Spanned<String>,
    key: Option<String>,
    items: Option<PathBuf>,
}

impl LocalToml {
    /// Reads the file in the folder of `template`, which describes `environment`. A
    /// missing file is an empty one.
    ///
    /// # Errors
    ///
    /// The file cannot be read, has an unknown key or an invalid value, or names a
    /// function that the template does not have.
    pub fn beside(template: &Path, environment: &Environment) -> Result<Self, ProjectError> {
        let path = template.with_file_name(FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => Reader { path, text: &text }.read(environment),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(reason) => Err(ProjectError::Unreadable { path, reason }),
        }
    }

    /// The environment variables of `function`. A variable whose placeholder has no
    /// value in this run keeps the template's value.
    #[must_use]
    pub fn variables(&self, function: &str, values: &Values) -> BTreeMap<String, String> {
        let variables = self.variables.get(function).into_iter().flatten();
        variables
            .filter_map(|(name, value)| Some((name.clone(), values.fill(value)?)))
            .collect()
    }

    /// The parameters and tables that exist from the start. A parameter whose
    /// placeholder has no value in this run is skipped. A parameter with a real
    /// Momento key (`real_key`) replaces an existing one.
    #[must_use]
    pub fn seed(&self, values: &Values, real_key: bool) -> Seed {
        let parameters = self.parameters.iter().filter_map(|parameter| {
            let text = parameter.value.get_ref();
            Some(SeedParameter {
                name: parameter.name.clone(),
                kind: parameter.r#type.get_ref().clone(),
                value: values.fill(text)?,
                replaces: real_key && placeholders(text).any(|name| name == "cache.api_key"),
            })
        });
        Seed {
            parameters: parameters.collect(),
            tables: self.tables.clone(),
        }
    }
}

/// The parameters that the file beside `template` gives a value without a placeholder: the
/// template may refer to them. A file that cannot be read has none;
/// [`LocalToml::beside`] reports why.
pub(super) fn seeded(template: &Path) -> Seeded {
    let text = std::fs::read_to_string(template.with_file_name(FILE)).unwrap_or_default();
    let file = toml::from_str::<File>(&text).ok();
    let parameters = file.map(|file| file.seed.parameters).unwrap_or_default();
    let fixed = parameters.into_iter().filter_map(|parameter| {
        let value = parameter.value.into_inner();
        let is_fixed = placeholders(&value).next().is_none();
        is_fixed.then_some((parameter.name, value))
    });
    Seeded(fixed.collect())
}

/// A file while it is read.
struct Reader<'a> {
    path: PathBuf,
    text: &'a str,
}

impl Reader<'_> {
    fn read(&self, environment: &Environment) -> Result<LocalToml, ProjectError> {
        let file: File = toml::from_str(self.text).map_err(|error| self.refused(&error))?;
        let mut variables = BTreeMap::new();
        for (name, section) in file.functions {
            let function = name.get_ref().clone();
            let known = environment
                .functions
                .iter()
                .map(|known| known.name.as_str());
            self.known("function", &function, known, &name.span())?;
            for value in section.environment.values() {
                self.check_placeholders(value)?;
            }
            let section = section.environment.into_iter();
            let section = section.map(|(name, value)| (name, value.into_inner()));
            variables.insert(function, section.collect());
        }
        for parameter in &file.seed.parameters {
            self.check_placeholders(&parameter.value)?;
            let kind = &parameter.r#type;
            if !PARAMETER_TYPES.contains(&kind.get_ref().as_str()) {
                let problem = format!(
                    "type is {:?}; expected one of {}",
                    kind.get_ref(),
                    PARAMETER_TYPES.join(", ")
                );
                return Err(self.invalid(&kind.span(), problem));
            }
        }
        let tables = file.seed.tables.into_iter();
        let tables = tables.map(|table| self.table(table, environment));
        let records = file.e2e.map(|section| section.records(&self.path));
        let records = records.transpose();
        let records = records.map_err(|(span, problem)| self.invalid(&span, problem))?;
        Ok(LocalToml {
            records,
            variables,
            caches: file.cache.map(|cache| cache.names),
            parameters: file.seed.parameters,
            tables: tables.collect::<Result<_, _>>()?,
        })
    }

    fn table(
        &self,
        section: TableSection,
        environment: &Environment,
    ) -> Result<SeedTable, ProjectError> {
        let span = section.name.span();
        let name = section.name.into_inner();
        let in_template = environment.tables.iter().any(|table| table.name == name);
        if !in_template && section.key.is_none() {
            let problem = format!(
                "the template has no table {name:?}\nhint: to create it here, set its key attribute: key = \"…\""
            );
            return Err(self.invalid(&span, problem));
        }
        let items = match section.items {
            Some(file) => items(&self.path.with_file_name(file))?,
            None => Vec::new(),
        };
        let key = section.key;
        Ok(SeedTable { name, key, items })
    }

    fn check_placeholders(&self, value: &Spanned<String>) -> Result<(), ProjectError> {
        for name in placeholders(value.get_ref()) {
            self.known("placeholder", name, NAMES.into_iter(), &value.span())?;
        }
        Ok(())
    }

    /// Fails unless `name` is among `known`; the error suggests the nearest name.
    fn known<'n>(
        &self,
        what: &str,
        name: &str,
        known: impl Iterator<Item = &'n str>,
        span: &Range<usize>,
    ) -> Result<(), ProjectError> {
        let known: Vec<_> = known.collect();
        if known.contains(&name) {
            return Ok(());
        }
        let problem = match nearest(name, known.iter().copied()) {
            Some(near) => format!("unknown {what} {name:?}; did you mean {near:?}?"),
            None => format!(
                "unknown {what} {name:?}; expected one of {}",
                known.join(", ")
            ),
        };
        Err(self.invalid(span, problem))
    }

    /// The parser's error; for an unknown key it suggests the nearest one.
    fn refused(&self, error: &toml::de::Error) -> ProjectError {
        let message = error.message().replace('\n', " ");
        let mut quoted = message.split('`').skip(1).step_by(2);
        let near = match quoted.next() {
            Some(unknown) if message.starts_with("unknown field") => nearest(unknown, quoted),
            _ => None,
        };
        let problem = match near {
            Some(near) => format!("{message}; did you mean `{near}`?"),
            None => message.clone(),
        };
        self.invalid(&error.span().unwrap_or_default(), problem)
    }

    fn invalid(&self, span: &Range<usize>, problem: String) -> ProjectError {
        let before = self.text.get(..span.start).unwrap_or_default();
        ProjectError::Invalid {
            path: self.path.clone(),
            line: before.matches('\n').count() + 1,
            problem,
        }
    }
}
