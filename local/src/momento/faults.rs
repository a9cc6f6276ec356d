//! What goes wrong on purpose.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::status::{Code, Status};

/// How the cache misbehaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fault {
    /// It does not.
    #[default]
    None,
    /// Every answer comes this much later.
    Slow(Duration),
    /// Every call is refused: operations per second are used up.
    RateLimited,
    /// Every call is refused: the API key is not known.
    Unauthenticated,
}

/// The fault in force; it can be changed at any time.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Fault>);

impl Faults {
    /// Puts `fault` in force.
    pub fn set(&self, fault: Fault) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    fn current(&self) -> Fault {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much later an answer comes.
    #[must_use]
    pub fn delay(&self) -> Option<Duration> {
        match self.current() {
            Fault::Slow(delay) => Some(delay),
            _ => None,
        }
    }

    /// Refuses a call where the fault says so.
    ///
    /// # Errors
    ///
    /// The refusal, as Momento words it.
    pub fn check(&self) -> Result<(), Status> {
        match self.current() {
            Fault::None | Fault::Slow(_) => Ok(()),
            Fault::RateLimited => Err(Status {
                code: Code::ResourceExhausted,
                message: "operations per second limit exceeded".to_owned(),
                err: Some("operations_rate_limit_exceeded"),
            }),
            Fault::Unauthenticated => Err(Status::new(
                Code::Unauthenticated,
                "the API key is not known",
            )),
        }
    }
}
