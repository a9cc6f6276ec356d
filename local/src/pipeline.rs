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
