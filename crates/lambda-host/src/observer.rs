//! Observes a function's execution environments and invocations.

use std::time::Duration;

use super::Outcome;

/// Who asked for an invocation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Invoker {
    /// A request to the Invoke API.
    #[default]
    Request,
    /// An event source mapping, which has an observer of its own.
    Mapping,
}

/// An invocation that a runtime has received.
#[derive(Debug, Clone, Copy)]
pub struct Started<'a> {
    /// The function's name.
    pub function: &'a str,
    /// The execution environment's number, from 1.
    pub environment: u64,
    /// The invocation's id.
    pub request_id: &'a str,
    /// The X-Ray trace header that the function gets (`Lambda-Runtime-Trace-Id`).
    pub trace: &'a str,
    /// Who asked for it.
    pub invoker: Invoker,
}

/// An invocation that has ended.
#[derive(Debug, Clone, Copy)]
pub struct Ended<'a> {
    /// The function's name.
    pub function: &'a str,
    /// The execution environment's number; `None` where the invocation reached no runtime.
    pub environment: Option<u64>,
    /// The invocation's id.
    pub request_id: &'a str,
    /// Who asked for it.
    pub invoker: Invoker,
    /// From handing the event to the runtime to the answer.
    pub took: Duration,
    /// How it ended.
    pub outcome: &'a Outcome,
}

/// Sees what a function does. Invocations wait for these methods: they must not block.
pub trait Observer: Send + Sync {
    /// An execution environment of `function` has finished init, a cold start, in this time.
    fn environment_started(&self, function: &str, environment: u64, init: Duration) {
        let _ = (function, environment, init);
    }

    /// The process of an execution environment has ended.
    fn environment_ended(&self, function: &str, environment: u64) {
        let _ = (function, environment);
    }

    /// A runtime has received an invocation.
    fn invocation_started(&self, started: &Started<'_>) {
        let _ = started;
    }

    /// An invocation has ended.
    fn invocation_ended(&self, ended: &Ended<'_>) {
        let _ = ended;
    }
}

/// Observes nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoObserver;

impl Observer for NoObserver {}
