//! Fault injection: the active [`FaultPlan`], and its decision for each call.

mod plan;
mod text;

pub use plan::{Fault, FaultPlan, FaultRule, PlanError};

use std::{
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{
    observer::Observer,
    status::{Code, Status},
};

/// Name of the command that opens a protosocket connection.
pub(crate) const AUTH: &str = "Auth";

/// The faults of one call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Decision {
    /// Added latency.
    pub(crate) delay: Duration,
    /// What happens after that delay.
    pub(crate) verdict: Verdict,
}

/// What happens to one call, apart from latency.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Verdict {
    /// The cache answers it.
    #[default]
    Answer,
    /// The cache refuses it.
    Refuse(Status),
    /// The cache never answers it.
    BlackHole,
    /// The cache closes its connection, with every other call on it.
    DropConnection,
}

/// An active rule, and how often it applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleStatus {
    /// The rule.
    pub rule: FaultRule,
    /// Calls that the rule considered.
    pub seen: u64,
    /// Calls that the rule changed.
    pub hit: u64,
}

/// The active plan. It can be replaced at any time.
#[derive(Default)]
pub struct Faults {
    /// Whether there are rules: without rules, calls skip the lock.
    active: AtomicBool,
    /// Whether the transport is unable to drop connections.
    keeps_connections: AtomicBool,
    observer: OnceLock<Arc<dyn Observer>>,
    state: Mutex<State>,
}

impl std::fmt::Debug for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plan = self.plan();
        f.debug_struct("Faults")
            .field("plan", &plan)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct State {
    seed: u64,
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    status: RuleStatus,
    random: StdRng,
    /// Calls that a rate limit has left, and the time of that figure.
    tokens: f64,
    filled: Instant,
}

impl Faults {
    /// Replaces the active plan and resets its counts.
    ///
    /// # Errors
    ///
    /// A rule is out of range, or the transport does not support it. The active
    /// plan stays.
    pub fn set(&self, plan: impl Into<FaultPlan>) -> Result<(), PlanError> {
        let plan = plan.into();
        plan.check()?;
        let drops = |rule: &FaultRule| rule.fault == Fault::DropConnection;
        if self.keeps_connections.load(Relaxed) && plan.rules.iter().any(drops) {
            return Err(PlanError::CannotDrop);
        }
        let mut state = self.lock();
        self.active.store(!plan.rules.is_empty(), Relaxed);
        *state = State::of(plan);
        drop(state);
        self.tell();
        Ok(())
    }

    /// Removes all fault rules.
    pub fn clear(&self) {
        let mut state = self.lock();
        self.active.store(false, Relaxed);
        *state = State::default();
        drop(state);
        self.tell();
    }

    pub(crate) fn observe(&self, observer: Arc<dyn Observer>) {
        let _ = self.observer.set(observer);
    }

    fn tell(&self) {
        if let Some(observer) = self.observer.get() {
            observer.faults_set(&self.plan());
        }
    }

    /// The active plan.
    #[must_use]
    pub fn plan(&self) -> FaultPlan {
        let state = self.lock();
        let rules = state.rules.iter().map(|rule| rule.status.rule.clone());
        FaultPlan {
            seed: state.seed,
            rules: rules.collect(),
        }
    }

    /// Each rule of the active plan, and how often it applied.
    #[must_use]
    pub fn status(&self) -> Vec<RuleStatus> {
        let state = self.lock();
        state.rules.iter().map(|rule| rule.status.clone()).collect()
    }

    /// Refuses plans that drop connections from now on: the transport cannot.
    #[cfg(feature = "stub")]
    pub(crate) fn keep_connections(&self) {
        self.keeps_connections.store(true, Relaxed);
    }

    /// Decides the faults of the next call, by its name (such as `Get`) and its
    /// cache, and counts them.
    ///
    /// Rules apply in order: delays add up, and the first other fault ends the
    /// decision.
    #[must_use]
    pub(crate) fn decide(&self, call: &str, cache: &str) -> Decision {
        let mut decision = Decision::default();
        if !self.active.load(Relaxed) {
            return decision;
        }
        for rule in &mut self.lock().rules {
            if !rule.fires(call) {
                continue;
            }
            if let Some(delay) = rule.status.rule.fault.delay(&mut rule.random) {
                decision.delay += delay;
                continue;
            }
            decision.verdict = rule.status.rule.fault.verdict(cache);
            break;
        }
        decision
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn of(plan: FaultPlan) -> Self {
        let rules = plan.rules.into_iter().zip(0..).map(|(rule, nth)| Rule {
            // Each rule draws its own numbers: adding a rule leaves the others'
            // decisions unchanged.
            random: StdRng::seed_from_u64(plan.seed.wrapping_add(nth)),
            tokens: match rule.fault {
                Fault::RateLimit { per_second } if per_second > 0.0 => per_second.max(1.0),
                _ => 0.0,
            },
            filled: Instant::now(),
            status: RuleStatus {
                rule,
                seen: 0,
                hit: 0,
            },
        });
        Self {
            seed: plan.seed,
            rules: rules.collect(),
        }
    }
}

impl Rule {
    /// Whether the rule changes this call. Counts the call.
    fn fires(&mut self, call: &str) -> bool {
        let RuleStatus { rule, seen, hit } = &mut self.status;
        if !rule.applies_to(call) || rule.count.is_some_and(|count| *hit >= count) {
            return false;
        }
        *seen += 1;
        // Drawn for every call, so that the nth number decides the nth call.
        let drawn: f64 = self.random.random();
        if rule
            .probability
            .is_some_and(|probability| drawn >= probability)
        {
            return false;
        }
        if let Fault::RateLimit { per_second } = rule.fault {
            let now = Instant::now();
            let earned = (now - self.filled).as_secs_f64() * per_second;
            // Unused calls expire after a second. A rate below one call a second
            // saves up for one call.
            self.tokens = (self.tokens + earned).min(per_second.max(1.0));
            self.filled = now;
            if self.tokens >= 1.0 {
                self.tokens -= 1.0;
                return false;
            }
        }
        *hit += 1;
        true
    }
}

impl Fault {
    fn delay(&self, random: &mut StdRng) -> Option<Duration> {
        let milliseconds = match *self {
            Self::Latency { ms } => ms,
            Self::LatencyUniform { min_ms, max_ms } => {
                min_ms + (max_ms - min_ms) * random.random::<f64>()
            }
            Self::LatencyLognormal { p50_ms, p99_ms } => {
                // The 99th percentile of a standard normal distribution.
                const Z99: f64 = 2.326_347_874;
                let sigma = (p99_ms / p50_ms).ln() / Z99;
                p50_ms * (sigma * standard_normal(random)).exp()
            }
            _ => return None,
        };
        Some(Duration::try_from_secs_f64(milliseconds / 1000.0).unwrap_or(Duration::MAX))
    }

    fn verdict(&self, cache: &str) -> Verdict {
        let refused = match self {
            Self::Error { code, message } => {
                let message = message.clone();
                Status::new(
                    *code,
                    message.unwrap_or_else(|| format!("injected fault: {}", code.name())),
                )
            }
            Self::RateLimit { .. } => Status::limit(
                "operations_rate_limit_exceeded",
                "operations per second limit exceeded",
            ),
            Self::AuthFailure => Status::new(Code::Unauthenticated, "unknown API key"),
            Self::CacheMissing => Status::no_cache(cache),
            Self::BlackHole => return Verdict::BlackHole,
            Self::DropConnection => return Verdict::DropConnection,
            Self::Latency { .. } | Self::LatencyUniform { .. } | Self::LatencyLognormal { .. } => {
                return Verdict::Answer;
            }
        };
        Verdict::Refuse(refused)
    }
}

/// Draws from the standard normal distribution (Box and Muller).
fn standard_normal(random: &mut StdRng) -> f64 {
    // The argument is never zero: its logarithm would be infinite.
    let radius = (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.random::<f64>()).cos()
}

#[cfg(test)]
mod tests {
    use super::{Decision, Fault, FaultPlan, FaultRule, Faults, Verdict};
    use crate::status::Code;
    use std::time::Duration;
    use tokio::time::advance;

    fn faults(seed: u64, rules: &[&str]) -> Faults {
        let rules = rules.iter().map(|rule| rule.parse().unwrap());
        let faults = Faults::default();
        let plan = FaultPlan {
            seed,
            rules: rules.collect(),
        };
        faults.set(plan).unwrap();
        faults
    }

    fn refused(decision: &Decision) -> Option<Code> {
        match &decision.verdict {
            Verdict::Refuse(status) => Some(status.code),
            _ => None,
        }
    }

    #[tokio::test]
    async fn a_rule_applies_to_its_calls_until_its_count_is_used_up() {
        let faults = faults(0, &["error=UNAVAILABLE,call=Get,count=2"]);
        let calls = ["Set", "Get", "Get", "Get"].map(|call| refused(&faults.decide(call, "c")));
        let unavailable = Some(Code::Unavailable);
        assert_eq!(calls, [None, unavailable, unavailable, None]);
        let status = &faults.status()[0];
        assert_eq!((status.seen, status.hit), (2, 2));
        faults.clear();
        assert_eq!(faults.plan(), FaultPlan::default());
    }

    #[tokio::test]
    async fn opening_a_protosocket_connection_meets_only_the_faults_of_connections() {
        let auth = |rules: &[&str]| faults(0, rules).decide(super::AUTH, "").verdict;
        for rule in ["error=UNAVAILABLE", "rate-limit=0", "cache-missing"] {
            assert_eq!(auth(&[rule]), Verdict::Answer, "{rule}");
        }
        assert_eq!(auth(&["black-hole"]), Verdict::BlackHole);
        assert!(matches!(auth(&["auth"]), Verdict::Refuse(_)));
        assert!(matches!(
            auth(&["error=UNAVAILABLE,call=Auth"]),
            Verdict::Refuse(_)
        ));
    }

    #[tokio::test]
    async fn the_same_seed_gives_the_same_decisions() {
        let run = |seed| {
            let rules = ["error=INTERNAL,probability=0.3", "latency=1ms..9ms"];
            let faults = faults(seed, &rules);
            (0..1000)
                .map(|_| faults.decide("Get", "c"))
                .collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        let hit = run(7).iter().filter(|d| refused(d).is_some()).count();
        assert!((250..350).contains(&hit), "{hit} of 1000");
    }

    #[tokio::test]
    async fn a_latency_distribution_has_its_stated_percentiles() {
        let faults = faults(1, &["latency=p50:2ms/p99:50ms"]);
        let mut delays: Vec<_> = (0..10_000)
            .map(|_| faults.decide("Get", "c").delay.as_secs_f64() * 1000.0)
            .collect();
        delays.sort_by(f64::total_cmp);
        assert!((1.8..2.2).contains(&delays[5000]), "{}", delays[5000]);
        assert!((40.0..62.0).contains(&delays[9900]), "{}", delays[9900]);
    }

    #[tokio::test]
    async fn delays_add_up_and_the_first_other_fault_ends_the_decision() {
        let faults = faults(0, &["latency=20ms", "latency=5ms", "auth", "cache-missing"]);
        let decision = faults.decide("Get", "c");
        assert_eq!(decision.delay, Duration::from_millis(25));
        assert_eq!(refused(&decision), Some(Code::Unauthenticated));
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_limit_passes_its_number_of_calls_each_second() {
        let faults = faults(0, &["rate-limit=3"]);
        let through = || {
            let calls = (0..10).map(|_| faults.decide("Get", "c"));
            calls.filter(|d| d.verdict == Verdict::Answer).count()
        };
        assert_eq!(through(), 3);
        assert_eq!(through(), 0);
        advance(Duration::from_secs(1)).await;
        assert_eq!(through(), 3);
        advance(Duration::from_hours(1)).await;
        assert_eq!(through(), 3);
    }

    #[cfg(feature = "stub")]
    #[tokio::test]
    async fn a_refused_plan_leaves_the_active_plan_in_place() {
        use super::PlanError;

        let faults = faults(0, &["auth"]);
        faults.keep_connections();
        assert_eq!(
            faults.set(Fault::DropConnection).unwrap_err(),
            PlanError::CannotDrop
        );
        let unlikely = FaultRule::from(Fault::BlackHole).probability(1.5);
        assert!(matches!(
            faults.set(unlikely).unwrap_err(),
            PlanError::Rule { .. }
        ));
        assert_eq!(faults.plan().rules[0].fault, Fault::AuthFailure);
    }
}
