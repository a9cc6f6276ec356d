//! The one description of faults: from a test, a command line, a file or HTTP.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::status::Code;

/// Longest latency that can be asked for, milliseconds: an hour.
const MAX_MS: f64 = 3_600_000.0;

/// Rules in order, and the seed of what is left to chance.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultPlan {
    /// The same seed and the same calls give the same faults.
    #[serde(default)]
    pub seed: u64,
    /// Every rule that applies to a call is asked, in order.
    pub rules: Vec<FaultRule>,
}

/// A fault, and the calls that it happens to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// What happens.
    pub fault: Fault,
    /// The calls by their gRPC names, such as `Get`; none is all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<String>,
    /// How often it happens before the rule is used up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// How likely it is, 0 to 1; without it, certain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "snake_case",
    rename_all_fields = "snake_case",
    deny_unknown_fields
)]
pub enum Fault {
    /// The call is refused.
    Error {
        /// With this gRPC status.
        code: Code,
        /// And this text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// The answer comes later.
    Latency {
        /// Milliseconds.
        ms: f64,
    },
    /// The answer comes later, every delay between two bounds as likely as any
    /// other.
    LatencyUniform {
        /// Least milliseconds.
        min_ms: f64,
        /// Most milliseconds.
        max_ms: f64,
    },
    /// The answer comes later, with the long tail of a network (log-normal).
    LatencyLognormal {
        /// The median, milliseconds.
        p50_ms: f64,
        /// The 99th percentile, milliseconds.
        p99_ms: f64,
    },
    /// The connection is closed before the call is answered. The stub cannot.
    DropConnection,
    /// The call is never answered.
    BlackHole,
    /// Calls beyond so many a second are refused as Momento does.
    RateLimit {
        /// Calls a second; so many may come at once.
        per_second: f64,
    },
    /// The API key is refused.
    AuthFailure,
    /// The cache does not exist.
    CacheMissing,
}

/// A plan that cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A rule is out of range.
    #[error("fault rule {rule}: {what}")]
    Rule {
        /// The rule, in its short form.
        rule: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The transport keeps connections.
    #[error(
        "the stub cannot drop connections; start the cache with --cache server, or use error=UNAVAILABLE"
    )]
    CannotDrop,
}

impl Fault {
    /// The call is refused with this status.
    #[must_use]
    pub fn error(code: Code) -> Self {
        Self::Error {
            code,
            message: None,
        }
    }

    /// The answer comes this much later.
    #[must_use]
    pub fn latency(delay: Duration) -> Self {
        Self::Latency {
            ms: delay.as_secs_f64() * 1000.0,
        }
    }

    /// Calls beyond so many a second are refused; with 0, all of them.
    #[must_use]
    pub fn rate_limit(per_second: f64) -> Self {
        Self::RateLimit { per_second }
    }

    fn wrong(&self) -> Option<&'static str> {
        let milliseconds = |ms: f64| (0.0..=MAX_MS).contains(&ms);
        match *self {
            Self::Latency { ms } if !milliseconds(ms) => Some("a latency is 0 ms to an hour"),
            Self::LatencyUniform { min_ms, max_ms }
                if !milliseconds(min_ms) || !milliseconds(max_ms) || min_ms > max_ms =>
            {
                Some("a latency is 0 ms to an hour, the lower bound first")
            }
            Self::LatencyLognormal { p50_ms, p99_ms }
                if !milliseconds(p99_ms) || p50_ms.is_nan() || p50_ms <= 0.0 || p50_ms > p99_ms =>
            {
                Some("p50 is more than 0 ms, and p99 at least p50 and at most an hour")
            }
            Self::RateLimit { per_second } if !(0.0..=1e9).contains(&per_second) => {
                Some("a rate limit is 0 to 1e9 calls a second")
            }
            _ => None,
        }
    }
}

impl FaultRule {
    /// Only for these calls, by their gRPC names.
    #[must_use]
    pub fn calls<I: IntoIterator<Item: Into<String>>>(mut self, calls: I) -> Self {
        self.calls = calls.into_iter().map(Into::into).collect();
        self
    }

    /// So often at most.
    #[must_use]
    pub fn count(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    /// This likely, 0 to 1.
    #[must_use]
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = Some(probability);
        self
    }

    pub(super) fn wrong(&self) -> Option<&'static str> {
        let likely = |probability: &f64| (0.0..=1.0).contains(probability);
        if self.probability.as_ref().is_some_and(|p| !likely(p)) {
            return Some("a probability is 0 to 1");
        }
        self.fault.wrong()
    }
}

impl FaultPlan {
    /// These rules, with seed 0.
    pub fn of<I: IntoIterator<Item: Into<FaultRule>>>(rules: I) -> Self {
        Self {
            seed: 0,
            rules: rules.into_iter().map(Into::into).collect(),
        }
    }

    /// The same with another seed.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    pub(super) fn check(&self) -> Result<(), PlanError> {
        let wrong = |rule: &FaultRule| rule.wrong().map(|what| (rule.to_string(), what));
        match self.rules.iter().find_map(wrong) {
            Some((rule, what)) => Err(PlanError::Rule { rule, what }),
            None => Ok(()),
        }
    }
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
    fn a_plan_s_json_is_what_the_documentation_shows() {
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
