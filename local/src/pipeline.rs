//! What the pipeline's function expects to find beyond what a template can
//! create: by the variables of its own environment, with the consumer's defaults.
//!
//! CloudFormation makes no `SecureString`, so the API key's parameter is in no
//! template; the caches are Momento's; and a template may leave the table to
//! another one.

use std::collections::{BTreeMap, BTreeSet};

use crate::template::Environment;

/// The key attribute of the locations table.
pub const LOCATION_KEY: &str = "location";

/// The items that the locations table starts with.
pub const SEED_LOCATIONS: [&str; 3] = ["Car", "Diner", "House"];

/// How long a cache call may take in a function without optimisations, ms.
const UNOPTIMISED_CACHE_TIMEOUT: &str = "1000";

/// Variables for functions that were built without optimisations: several times
/// slower, such a one would take its own slowness for that of the cache. What the
/// template says goes before.
#[must_use]
pub fn unoptimised_variables(environment: &Environment) -> BTreeMap<String, String> {
    let name = "CACHE_TIMEOUT_MS";
    let mut functions = environment.functions.iter();
    if functions.any(|function| function.environment.contains_key(name)) {
        return BTreeMap::new();
    }
    BTreeMap::from([(name.to_owned(), UNOPTIMISED_CACHE_TIMEOUT.to_owned())])
}

/// What the functions of a template expect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Tables that are read: `TABLE_NAME`.
    pub tables: BTreeSet<String>,
    /// Parameters that hold Momento's API key: `MOMENTO_API_KEY_PARAMETER`.
    pub api_key_parameters: BTreeSet<String>,
    /// Caches that are used: `CACHE_NAME`.
    pub caches: BTreeSet<String>,
}

impl Needs {
    /// What the functions of `environment` expect, `overrides` being set over
    /// their variables.
    #[must_use]
    pub fn of(environment: &Environment, overrides: &BTreeMap<String, String>) -> Self {
        let mut needs = Self::default();
        for function in &environment.functions {
            let variable = |name: &str, default: &str| {
                overrides
                    .get(name)
                    .or_else(|| function.environment.get(name))
                    .map_or_else(|| default.to_owned(), Clone::clone)
            };
            needs.tables.insert(variable("TABLE_NAME", "Locations"));
            needs.api_key_parameters.insert(variable(
                "MOMENTO_API_KEY_PARAMETER",
                "/keys/momento-pct-key",
            ));
            needs.caches.insert(variable("CACHE_NAME", "sample-a"));
        }
        needs
    }
}

#[cfg(test)]
mod tests {
    use super::unoptimised_variables;
    use crate::template::{self, Context};
    use std::collections::BTreeMap;

    fn variables(of_function: &str) -> BTreeMap<String, String> {
        let template = format!(
            "Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Environment: {{Variables: {{{of_function}}}}}"
        );
        let context = Context {
            region: "us-east-1".into(),
            account: "000000000000".into(),
            parameters: BTreeMap::new(),
        };
        unoptimised_variables(&template::parse(&template, &context).unwrap())
    }

    #[test]
    fn an_unoptimised_function_has_more_time_unless_the_template_says_how_much() {
        assert_eq!(variables("")["CACHE_TIMEOUT_MS"], "1000");
        assert!(variables("CACHE_TIMEOUT_MS: 5").is_empty());
    }
}
