//! Asynchronous invocations: taken at once, tried again when they fail (Lambda
//! developer guide, "How Lambda handles errors and retries with asynchronous
//! invocation").

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{Function, Outcome, function::Request};

/// Waits before the second and the third try of an event that the function
/// failed on: one minute, then two.
const AFTER_ERRORS: [Duration; 2] = [Duration::from_mins(1), Duration::from_mins(2)];

/// The first and the longest wait of an event that was throttled.
const THROTTLED: [Duration; 2] = [Duration::from_secs(1), Duration::from_mins(5)];

/// How long an event is kept: `MaximumEventAgeInSeconds`, by default.
const MAXIMUM_AGE: Duration = Duration::from_hours(6);

/// Invokes the function, and again when it fails, in a task of its own.
pub fn invoke(function: Arc<Function>, request: Request) {
    tokio::spawn(async move {
        let began = Instant::now();
        let mut tries = Tries::default();
        loop {
            let outcome = function.invoke(request.clone()).await.outcome;
            if matches!(outcome, Outcome::Success(_)) {
                return;
            }
            let wait = tries.next_wait(&outcome, began.elapsed());
            let name = &function.config().name;
            tracing::warn!(
                function = name,
                ?outcome,
                again_in = ?wait,
                "an asynchronous invocation failed"
            );
            match wait {
                Some(wait) => sleep(wait).await,
                None => return,
            }
        }
    });
}

/// What an event's tries have come to.
#[derive(Debug, Default)]
struct Tries {
    errors: usize,
    throttles: u32,
}

impl Tries {
    /// How long to wait before the next try; none is to give the event up.
    fn next_wait(&mut self, outcome: &Outcome, age: Duration) -> Option<Duration> {
        let wait = match outcome {
            Outcome::FunctionError(_) => {
                self.errors += 1;
                AFTER_ERRORS.get(self.errors - 1).copied()
            }
            Outcome::Throttled => {
                let [first, longest] = THROTTLED;
                let doubled = first.saturating_mul(2_u32.saturating_pow(self.throttles));
                self.throttles += 1;
                Some(doubled.min(longest))
            }
            Outcome::Success(_) | Outcome::TooLarge { .. } => None,
        };
        wait.filter(|wait| age + *wait <= MAXIMUM_AGE)
    }
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Tries};
    use crate::outcome::{ErrorKind, FunctionError};
    use std::time::Duration;

    fn error() -> Outcome {
        Outcome::FunctionError(FunctionError::new(ErrorKind::Handled, "E", "m"))
    }

    #[test]
    fn an_event_that_the_function_fails_on_is_tried_twice_more() {
        let mut tries = Tries::default();
        let mut wait = || tries.next_wait(&error(), Duration::ZERO);
        let waits = [wait(), wait(), wait()];
        let minutes = Duration::from_mins;
        assert_eq!(waits, [Some(minutes(1)), Some(minutes(2)), None]);
    }

    #[test]
    fn a_throttled_event_is_tried_for_six_hours_and_uses_up_no_retry() {
        let mut tries = Tries::default();
        let mut age = Duration::ZERO;
        while let Some(wait) = tries.next_wait(&Outcome::Throttled, age) {
            assert!(wait <= Duration::from_mins(5));
            age += wait;
        }
        assert!(age > Duration::from_hours(5) && age <= Duration::from_hours(6));
        let after = tries.next_wait(&error(), Duration::ZERO);
        assert_eq!(after, Some(Duration::from_mins(1)));
    }
}
