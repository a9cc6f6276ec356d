//! Fault plans: the form shared by tests, command lines, files and HTTP.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{calls::names, status::Code};

/// Longest latency of a rule, milliseconds: an hour.
const MAX_MS: f64 = 3_600_000.0;

/// Fault rules, and the seed of their random decisions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultPlan {
    /// Seed: with the same calls, the same seed gives the same faults.
    #[serde(default)]
    pub seed: u64,
    /// Rules, applied in order.
    pub rules: Vec<FaultRule>,
}

/// A fault, and the calls that it applies to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// The fault.
    pub fault: Fault,
    /// gRPC names of the calls, such as `Get`; empty for all calls. `Auth` is the
    /// command that opens a protosocket connection.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<String>,
    /// Number of calls after which the rule is used up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Probability for each call, 0 to 1; absent means 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
}

/// A kind of failure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "snake_case",
    rename_all_fields = "snake_case",
    deny_unknown_fields
)]
pub enum Fault {
    /// Refuses the call.
    Error {
        /// gRPC status of the refusal.
        code: Code,
        /// Text of the refusal.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// Delays the answer.
    Latency {
        /// Delay, milliseconds.
        ms: f64,
    },
    /// Delays the answer by a uniformly distributed time.
    LatencyUniform {
        /// Shortest delay, milliseconds.
        min_ms: f64,
        /// Longest delay, milliseconds.
        max_ms: f64,
    },
    /// Delays the answer with the long tail of a network (log-normal).
    LatencyLognormal {
        /// Median, milliseconds.
        p50_ms: f64,
        /// 99th percentile, milliseconds.
        p99_ms: f64,
    },
    /// Closes the connection before the call is answered. The stub does not support
    /// it.
    DropConnection,
    /// Never answers the call.
    BlackHole,
    /// Refuses calls beyond a rate, as Momento does beyond its rate limit.
    RateLimit {
        /// Calls a second; also the largest burst.
        per_second: f64,
    },
    /// Refuses the API key.
    AuthFailure,
    /// Answers as if the cache did not exist.
    CacheMissing,
}

/// Why a plan is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A rule is out of range.
    #[error("fault rule {rule}: {what}")]
    Rule {
        /// Short form of the rule.
        rule: String,
        /// The expected range.
        what: &'static str,
    },
    /// A rule names a call that is not served.
    #[error("{}", unknown_call(.0))]
    UnknownCall(String),
    /// The transport cannot drop connections.
    #[error(
        "the stub cannot drop connections\nhint: start the cache with `--cache server`, or use the fault error=UNAVAILABLE"
    )]
    CannotDrop,
}

impl Fault {
    /// Refuses calls with this status.
    #[must_use]
    pub fn error(code: Code) -> Self {
        Self::Error {
            code,
            message: None,
        }
    }

    /// Delays answers by this much.
    #[must_use]
    pub fn latency(delay: Duration) -> Self {
        Self::Latency {
            ms: delay.as_secs_f64() * 1000.0,
        }
    }

    /// Refuses calls beyond this many a second; 0 refuses all calls.
    #[must_use]
    pub fn rate_limit(per_second: f64) -> Self {
        Self::RateLimit { per_second }
    }

    fn out_of_range(&self) -> Option<&'static str> {
        let milliseconds = |ms: f64| (0.0..=MAX_MS).contains(&ms);
        match *self {
            Self::Latency { ms } if !milliseconds(ms) => {
                Some("expected a latency of 0 ms to an hour")
            }
            Self::LatencyUniform { min_ms, max_ms }
                if !milliseconds(min_ms) || !milliseconds(max_ms) || min_ms > max_ms =>
            {
                Some("expected latencies of 0 ms to an hour, the lower bound first")
            }
            Self::LatencyLognormal { p50_ms, p99_ms }
                if !milliseconds(p99_ms) || p50_ms.is_nan() || p50_ms <= 0.0 || p50_ms > p99_ms =>
            {
                Some("expected p50 above 0 ms, and p99 between p50 and an hour")
            }
            Self::RateLimit { per_second } if !(0.0..=1e9).contains(&per_second) => {
                Some("expected a rate limit of 0 to 1e9 calls a second")
            }
            _ => None,
        }
    }
}

impl FaultRule {
    /// Limits the rule to these calls, by their gRPC names.
    #[must_use]
    pub fn calls<I: IntoIterator<Item: Into<String>>>(mut self, calls: I) -> Self {
        self.calls = calls.into_iter().map(Into::into).collect();
        self
    }

    /// Limits the rule to this many calls.
    #[must_use]
    pub fn count(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    /// Sets the probability for each call, 0 to 1.
    #[must_use]
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = Some(probability);
        self
    }

    /// Whether the rule is for this call. Without names it is for every call, and for
    /// protosocket's `Auth` only with a fault that a connection can meet: a refused
    /// `Auth` reaches the SDK as an authentication error, whatever its code.
    pub(super) fn applies_to(&self, call: &str) -> bool {
        if !self.calls.is_empty() {
            return self.calls.iter().any(|named| named == call);
        }
        let of_calls = matches!(
            self.fault,
            Fault::Error { .. } | Fault::RateLimit { .. } | Fault::CacheMissing
        );
        call != super::AUTH || !of_calls
    }

    /// The first call of the rule that is not served.
    pub(super) fn unknown_call(&self) -> Option<&str> {
        let mut named = self.calls.iter().map(String::as_str);
        named.find(|name| !names::is_known(name))
    }

    pub(super) fn out_of_range(&self) -> Option<&'static str> {
        let likely = |probability: &f64| (0.0..=1.0).contains(probability);
        if self.probability.as_ref().is_some_and(|p| !likely(p)) {
            return Some("expected a probability of 0 to 1");
        }
        self.fault.out_of_range()
    }
}

impl FaultPlan {
    /// A plan of these rules, with seed 0.
    pub fn of<I: IntoIterator<Item: Into<FaultRule>>>(rules: I) -> Self {
        Self {
            seed: 0,
            rules: rules.into_iter().map(Into::into).collect(),
        }
    }

    /// Sets the seed.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    pub(super) fn check(&self) -> Result<(), PlanError> {
        if let Some(name) = self.rules.iter().find_map(FaultRule::unknown_call) {
            return Err(PlanError::UnknownCall(name.to_owned()));
        }
        let wrong = |rule: &FaultRule| rule.out_of_range().map(|what| (rule.to_string(), what));
        match self.rules.iter().find_map(wrong) {
            Some((rule, what)) => Err(PlanError::Rule { rule, what }),
            None => Ok(()),
        }
    }
}

/// The message about a call that is not served.
pub(super) fn unknown_call(name: &str) -> String {
    format!("unknown call {name:?}; expected the gRPC name of a served call, such as Get or Set")
}

impl From<Fault> for FaultRule {
    fn from(fault: Fault) -> Self {
        Self {
            fault,
            calls: Vec::new(),
            count: None,
            probability: None,
        }
    }
}

impl From<Fault> for FaultPlan {
    fn from(fault: Fault) -> Self {
        Self::of([fault])
    }
}

impl From<FaultRule> for FaultPlan {
    fn from(rule: FaultRule) -> Self {
        Self::of([rule])
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, FaultPlan, FaultRule};
    use crate::status::Code;

    #[test]
    fn the_json_of_a_plan_matches_the_documentation() {
        let plan = FaultPlan::of([
            FaultRule::from(Fault::error(Code::Unavailable))
                .calls(["Get"])
                .count(3),
            Fault::latency(std::time::Duration::from_millis(20)).into(),
        ])
        .seed(7);
        let json = r#"{"seed":7,"rules":[{"fault":{"kind":"error","code":"UNAVAILABLE"},"calls":["Get"],"count":3},{"fault":{"kind":"latency","ms":20.0}}]}"#;
        assert_eq!(serde_json::to_string(&plan).unwrap(), json);
        assert_eq!(serde_json::from_str::<FaultPlan>(json).unwrap(), plan);
        for typo in [
            r#"{"rules":[],"sed":1}"#,
            r#"{"rules":[{"fault":{"kind":"latency","sm":1}}]}"#,
            r#"{"rules":[{"fault":{"kind":"lag"}}]}"#,
            r#"{"rules":[{"fault":{"kind":"auth_failure"},"often":1}]}"#,
        ] {
            assert!(serde_json::from_str::<FaultPlan>(typo).is_err(), "{typo}");
        }
    }
}
