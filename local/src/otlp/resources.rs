//! Who sends: this process, and each function. `service.name` is `klocal` or the function's
//! name. The other attributes are those of OpenTelemetry's semantic conventions for
//! services, clouds and `FaaS`.

use aws_wire::ACCOUNT_ID;
use lambda_host::FunctionConfig;
use opentelemetry_proto::tonic::{common::v1::InstrumentationScope, resource::v1::Resource};

use super::attributes::{number, text};

/// This process.
pub(super) fn of_this_process(instance: &str) -> Resource {
    let attributes = vec![
        text("service.name", "klocal"),
        text("service.version", env!("CARGO_PKG_VERSION")),
        text("service.instance.id", instance),
    ];
    Resource {
        attributes,
        ..Resource::default()
    }
}

/// A function.
pub(super) fn of_function(config: &FunctionConfig) -> Resource {
    let attributes = vec![
        text("service.name", config.name.as_str()),
        text("cloud.provider", "aws"),
        text("cloud.platform", "aws_lambda"),
        text("cloud.region", config.region.as_str()),
        text("cloud.account.id", ACCOUNT_ID),
        text("cloud.resource_id", config.arn()),
        text("faas.name", config.name.as_str()),
        text("faas.version", "$LATEST"),
        number("faas.max_memory", u64::from(config.memory_mb) * 1024 * 1024),
    ];
    Resource {
        attributes,
        ..Resource::default()
    }
}

/// The scope of all spans and metrics.
pub(super) fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "klocal".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    }
}
