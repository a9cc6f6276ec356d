//! What mappings are connected to when everything runs in one process.

use std::sync::Arc;

use event_source_mapping::{poll_trigger::PollTrigger, target::Target};
use kinesis_engine::arrivals::Arrivals;
use lambda_host::Functions;

use super::{function_target::FunctionTarget, push_trigger::PushTrigger};
use crate::mappings::registry::Connections;

/// Functions without HTTP, and streams that push.
pub struct InProcess {
    /// The functions.
    pub functions: Functions,
    /// The streams' signals.
    pub arrivals: Arrivals,
}

impl Connections for InProcess {
    fn target(&self, function: &str) -> Option<Arc<dyn Target>> {
        let function = self.functions.get(function)?.clone();
        Some(Arc::new(FunctionTarget(function)))
    }

    fn poll_trigger(&self, stream: &str) -> Arc<dyn PollTrigger> {
        Arc::new(PushTrigger::new(self.arrivals.clone(), stream))
    }
}
