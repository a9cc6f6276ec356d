//! What Lambda keeps of a function beside its configuration.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use lambda_host::FunctionConfig;
use loopback_client::{bypass_proxies, no_proxy_of_functions};
use time::OffsetDateTime;
use uuid::Uuid;

/// What Lambda's API tells of a function, and its configuration does not have.
#[derive(Debug, Clone)]
pub struct Managed {
    pub(super) description: String,
    pub(super) runtime: Option<String>,
    /// `ReservedConcurrentExecutions`.
    pub(super) reserved: Option<u32>,
    /// Variables that the function gets here, whatever its template says, unless an update
    /// names them.
    own: BTreeMap<String, String>,
    pub(super) modified: OffsetDateTime,
    pub(super) revision: Uuid,
    /// `LastUpdateStatus` is `InProgress`.
    pub(super) updating: bool,
}

impl Managed {
    /// A function with this `Runtime` and `ReservedConcurrentExecutions`. `own` are the
    /// variables of the local run: the endpoint, and those of `local.toml` and of flags.
    #[must_use]
    pub fn new(
        runtime: Option<String>,
        reserved: Option<u32>,
        own: BTreeMap<String, String>,
    ) -> Self {
        Self {
            description: String::new(),
            runtime,
            reserved,
            own,
            modified: OffsetDateTime::now_utc(),
            revision: Uuid::new_v4(),
            updating: false,
        }
    }

    /// The function's variables as its user has set them: without the endpoint and the
    /// proxies of the local run.
    pub(super) fn shown(&self, config: &FunctionConfig) -> BTreeMap<String, String> {
        let mut variables = config.environment.clone();
        let mut hidden = BTreeMap::from(no_proxy_of_functions());
        hidden.extend(
            self.own
                .get_key_value("AWS_ENDPOINT_URL")
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        variables.retain(|name, value| hidden.get(name) != Some(value));
        variables
    }

    /// The variables of a function whose user sets `given`.
    pub(super) fn with_own(&self, given: BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut variables = self.own.clone();
        variables.extend(given);
        bypass_proxies(&mut variables);
        variables
    }

    /// It has another configuration from now on.
    pub(super) fn changed(&mut self) {
        self.modified = OffsetDateTime::now_utc();
        self.revision = Uuid::new_v4();
    }
}

/// Every function, by its name.
pub(super) struct All(Mutex<BTreeMap<String, Managed>>);

impl All {
    pub(super) fn new(all: BTreeMap<String, Managed>) -> Self {
        Self(Mutex::new(all))
    }

    /// Reads or changes a function.
    pub(super) fn with<T>(&self, name: &str, change: impl FnOnce(&mut Managed) -> T) -> T {
        let mut all = self.lock();
        let managed = all.entry(name.to_owned());
        change(managed.or_insert_with(|| Managed::new(None, None, BTreeMap::new())))
    }

    /// The sum of `ReservedConcurrentExecutions`, without one function.
    pub(super) fn reserved_but(&self, name: &str) -> u32 {
        let all = self.lock();
        let others = all.iter().filter(|(other, _)| *other != name);
        others.filter_map(|(_, managed)| managed.reserved).sum()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Managed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
