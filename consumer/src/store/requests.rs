//! Counts the requests to DynamoDB.

use std::sync::Arc;

use aws_sdk_dynamodb::{
    config::{
        ConfigBag, Intercept, RuntimeComponents, interceptors::BeforeTransmitInterceptorContextRef,
    },
    error::BoxError,
};

use crate::metrics::Metrics;

/// Counts each request that the SDK sends, its retries included. One read of the
/// table may take several requests.
#[derive(Debug)]
pub struct CountRequests(pub Arc<Metrics>);

impl Intercept for CountRequests {
    fn name(&self) -> &'static str {
        "CountRequests"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.update(|sample| sample.store_reads += 1);
        Ok(())
    }
}
