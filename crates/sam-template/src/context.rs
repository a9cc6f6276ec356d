//! What a template's values depend on besides its text.

use std::{collections::BTreeMap, fmt};

use aws_wire::ACCOUNT_ID;

/// What a template's values depend on besides its text.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// `AWS::Region`.
    pub region: String,
    /// `AWS::AccountId`.
    pub account: String,
    /// Values of the template's `Parameters`, from flags; they override all others.
    pub parameters: BTreeMap<String, String>,
    /// `parameter_overrides` of `samconfig.toml`; they override the defaults. As in SAM,
    /// those of parameters that the template does not have are ignored.
    pub overrides: BTreeMap<String, String>,
    /// The SSM parameters of `local.toml`, for `{{resolve:ssm:…}}` and parameters of
    /// type `AWS::SSM::Parameter::Value<…>`.
    pub seeded: Seeded,
}

impl Context {
    /// The context of a run in `region`, in the only account.
    #[must_use]
    pub fn in_region(region: &str) -> Self {
        Self {
            region: region.to_owned(),
            account: ACCOUNT_ID.to_owned(),
            ..Self::default()
        }
    }
}

/// Values of SSM parameters by name. `Debug` output hides the values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Seeded(pub BTreeMap<String, String>);

impl fmt::Debug for Seeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
