//! SSM parameters.

use aws_sdk_ssm::types::ParameterType;
use sam_template::environment::Parameter;

use super::{ProvisionError, Provisioned, Provisioner};
use crate::project::seed::SeedParameter;

impl Provisioner {
    /// The template's parameter. An existing one gets the template's value, as from
    /// CloudFormation.
    pub(super) async fn parameter(
        &self,
        parameter: &Parameter,
        update: &impl Fn(&str) -> bool,
    ) -> Result<Provisioned, ProvisionError> {
        let wanted = SeedParameter {
            name: parameter.name.clone(),
            kind: parameter.kind.clone(),
            value: parameter.value.clone(),
            replaces: false,
        };
        let mut done = self.seed_parameter(&wanted).await?;
        if done.created || !update(&done.what) {
            return Ok(done);
        }
        let found = self.ssm.get_parameter().name(&parameter.name);
        let found = found.with_decryption(true).send().await;
        let found = found.map_err(|error| self.failed(&done.what, error))?;
        let Some(found) = found.parameter() else {
            return Ok(done);
        };
        let kind = found.r#type().map_or("", ParameterType::as_str);
        if kind != parameter.kind {
            let kept = format!("its type stays {kind}, since a parameter's type cannot be changed");
            done.kept.push(kept);
        } else if found.value() != Some(&parameter.value) {
            let replaced = SeedParameter {
                replaces: true,
                ..wanted
            };
            self.seed_parameter(&replaced).await?;
            done.updated.push("value".to_owned());
        }
        Ok(done)
    }

    /// A parameter of `local.toml`. An existing one stays as it is, unless the new one
    /// replaces it.
    pub(super) async fn seed_parameter(
        &self,
        parameter: &SeedParameter,
    ) -> Result<Provisioned, ProvisionError> {
        let what = format!("parameter {}", parameter.name);
        let put = self
            .ssm
            .put_parameter()
            .name(&parameter.name)
            .r#type(ParameterType::from(parameter.kind.as_str()))
            .value(&parameter.value)
            .overwrite(parameter.replaces)
            .send()
            .await;
        let created = self.created(&what, put, "ParameterAlreadyExists")?;
        Ok(Provisioned {
            what,
            created,
            ..Provisioned::default()
        })
    }
}
